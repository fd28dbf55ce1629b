//! The CSV files as they are, with the place of what cannot be read.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use omnifold_events::parse_time;

/// The files that are read. Payments and reviews may be missing: then nothing is said of them.
pub(super) struct Tables {
    pub(super) orders: Vec<Order>,
    pub(super) items: Vec<Item>,
    pub(super) sellers: Vec<Seller>,
    pub(super) products: Vec<Product>,
    pub(super) customers: BTreeMap<String, Customer>,
    pub(super) geolocation: Vec<Point>,
    /// Category in Portuguese > in English.
    pub(super) categories: BTreeMap<String, String>,
    pub(super) payments: Vec<Payment>,
    pub(super) reviews: Vec<Review>,
}

#[derive(Deserialize)]
pub(super) struct Order {
    pub(super) order_id: String,
    pub(super) customer_id: String,
    pub(super) order_status: String,
    #[serde(deserialize_with = "local_time")]
    pub(super) order_purchase_timestamp: Option<i64>,
    #[serde(deserialize_with = "local_time")]
    pub(super) order_approved_at: Option<i64>,
    #[serde(deserialize_with = "local_time")]
    pub(super) order_delivered_carrier_date: Option<i64>,
    #[serde(deserialize_with = "local_time")]
    pub(super) order_delivered_customer_date: Option<i64>,
    #[serde(deserialize_with = "local_time")]
    pub(super) order_estimated_delivery_date: Option<i64>,
}

/// One unit of an order.
#[derive(Deserialize)]
pub(super) struct Item {
    pub(super) order_id: String,
    pub(super) order_item_id: u32,
    pub(super) product_id: String,
    pub(super) seller_id: String,
    pub(super) price: String,
}

/// One way in which an order was paid.
#[derive(Deserialize)]
pub(super) struct Payment {
    pub(super) order_id: String,
    pub(super) payment_sequential: u32,
    pub(super) payment_value: String,
}

#[derive(Deserialize)]
pub(super) struct Review {
    pub(super) review_id: String,
    pub(super) order_id: String,
    pub(super) review_score: u32,
    pub(super) review_comment_title: String,
    pub(super) review_comment_message: String,
    #[serde(deserialize_with = "local_time")]
    pub(super) review_answer_timestamp: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Seller {
    pub(super) seller_id: String,
    pub(super) seller_zip_code_prefix: u32,
    pub(super) seller_city: String,
    pub(super) seller_state: String,
}

#[derive(Deserialize)]
pub(super) struct Product {
    pub(super) product_id: String,
    pub(super) product_category_name: String,
    /// Empty for a few.
    #[serde(default)]
    pub(super) product_weight_g: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct Customer {
    customer_id: String,
    pub(super) customer_unique_id: String,
    pub(super) customer_zip_code_prefix: u32,
    pub(super) customer_city: String,
    pub(super) customer_state: String,
}

#[derive(Deserialize)]
pub(super) struct Point {
    pub(super) geolocation_zip_code_prefix: u32,
    pub(super) geolocation_lat: String,
    pub(super) geolocation_lng: String,
}

#[derive(Deserialize)]
struct Category {
    product_category_name: String,
    product_category_name_english: String,
}

const ORDERS: &str = "olist_orders_dataset.csv";
const ITEMS: &str = "olist_order_items_dataset.csv";
const SELLERS: &str = "olist_sellers_dataset.csv";
const PRODUCTS: &str = "olist_products_dataset.csv";
const CUSTOMERS: &str = "olist_customers_dataset.csv";
const GEOLOCATION: &str = "olist_geolocation_dataset.csv";
const PAYMENTS: &str = "olist_order_payments_dataset.csv";
const REVIEWS: &str = "olist_order_reviews_dataset.csv";
const CATEGORIES: &str = "product_category_name_translation.csv";

impl Tables {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let files = [ORDERS, ITEMS, SELLERS, PRODUCTS, CUSTOMERS, GEOLOCATION, CATEGORIES];
        let missing: Vec<_> = files.into_iter().filter(|name| !dir.join(name).is_file()).collect();
        if !missing.is_empty() {
            bail!("{} is not the Olist folder: it lacks {}", dir.display(), missing.join(", "));
        }
        let customers: Vec<Customer> = rows(dir, CUSTOMERS)?;
        let categories: Vec<Category> = rows(dir, CATEGORIES)?;
        Ok(Tables {
            orders: rows(dir, ORDERS)?,
            payments: rows_if_any(dir, PAYMENTS)?,
            reviews: rows_if_any(dir, REVIEWS)?,
            items: rows(dir, ITEMS)?,
            sellers: rows(dir, SELLERS)?,
            products: rows(dir, PRODUCTS)?,
            customers: customers.into_iter().map(|c| (c.customer_id.clone(), c)).collect(),
            geolocation: rows(dir, GEOLOCATION)?,
            categories: categories
                .into_iter()
                .map(|c| (c.product_category_name, c.product_category_name_english))
                .collect(),
        })
    }
}

fn rows_if_any<T: DeserializeOwned>(dir: &Path, name: &str) -> anyhow::Result<Vec<T>> {
    if dir.join(name).is_file() { rows(dir, name) } else { Ok(Vec::new()) }
}

fn rows<T: DeserializeOwned>(dir: &Path, name: &str) -> anyhow::Result<Vec<T>> {
    let path = dir.join(name);
    let mut reader = csv::Reader::from_path(&path).with_context(|| path.display().to_string())?;
    let headers = reader.headers().with_context(|| path.display().to_string())?.clone();
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    loop {
        let line = reader.position().line();
        let place = || format!("{}:{line}", path.display());
        if !reader.read_record(&mut record).with_context(place)? {
            return Ok(rows);
        }
        rows.push(record.deserialize(Some(&headers)).with_context(place)?);
    }
}

/// A time without a zone as UTC milliseconds: Brasilia standard time. Empty: not known.
fn local_time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let zoned = format!("{}-03:00", text.replacen(' ', "T", 1));
    parse_time(&zoned).map(Some).map_err(serde::de::Error::custom)
}
