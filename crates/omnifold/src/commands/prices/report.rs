//! What a solve found, and what was published of it.

use omnifold_domain::{Priced, View};
use omnifold_pricing::market::Found;
use omnifold_projector::Standing;
use serde::Serialize;

use crate::output::{pairs, table, thousands};

/// Prices are in 1/1000 of a minor unit.
pub const MILLI: f64 = 1_000.0;
/// Prices shown as text.
const SHOWN: usize = 20;

/// Why prices were solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// They were asked for.
    Asked,
    /// The time between two solves was over.
    Time,
    /// So much of what was scarce had gone or come.
    Drift,
    /// Another policy rules.
    Policy,
}

/// What was found, and what was published of it.
#[derive(Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub around: Around,
    kinds: usize,
    orders_expected: f64,
    orders_expected_left_out: f64,
    scarce_rows: usize,
    scarce_rows_left_out: usize,
    complete: bool,
    expected_cost_at_least_minor: f64,
    prices: Vec<Row>,
}

/// One price.
#[derive(Serialize)]
pub struct Row {
    node: String,
    /// Absent: an order of the node's capacity.
    sku: Option<String>,
    price_minor: f64,
}

/// What is known beside what was found.
#[derive(Serialize)]
pub struct Around {
    pub because: Because,
    /// Of what was scarce at the solve before, in per cent.
    pub drift_percent: f64,
    pub position: Standing,
    /// Whose costs are minimised.
    pub cost_model: String,
    pub orders_learned: u64,
    pub kinds_given_up: u64,
    pub valid_until: String,
    pub events_published: usize,
}

impl Report {
    pub fn new(found: &Found, prices: Vec<Row>, around: Around) -> Self {
        let figures = &found.figures;
        Report {
            around,
            kinds: figures.classes,
            orders_expected: figures.orders,
            orders_expected_left_out: figures.orders_left_out,
            scarce_rows: figures.scarce,
            scarce_rows_left_out: figures.scarce_left_out,
            complete: figures.solved.complete,
            expected_cost_at_least_minor: figures.solved.bound / MILLI,
            prices,
        }
    }
}

/// The prices, the dearest first.
pub fn rows(view: &dyn View, found: &Found) -> Vec<Row> {
    let mut rows = Vec::new();
    for (of, nodes) in &found.prices {
        for &(node, price) in nodes {
            rows.push(Row {
                node: view.nodes()[node.0 as usize].id.clone(),
                sku: match of {
                    Priced::Stock(sku) => Some(view.item(*sku).sku.clone()),
                    Priced::Capacity => None,
                },
                price_minor: price as f64 / MILLI,
            });
        }
    }
    rows.sort_by(|a, b| b.price_minor.total_cmp(&a.price_minor));
    rows
}

/// For people.
pub fn text(report: &Report) -> String {
    let around = &report.around;
    let because = match around.because {
        Because::Asked => "they were asked for".to_owned(),
        Because::Time => "it was time".to_owned(),
        Because::Drift => format!("{:.0} % of scarce stock moved", around.drift_percent),
        Because::Policy => "another policy rules".to_owned(),
    };
    let head = pairs([
        ("solved because", because),
        ("costs of", around.cost_model.clone()),
        ("learned from", format!("{} orders", thousands(around.orders_learned))),
        ("expected", format!("{:.0} orders of {} kinds", report.orders_expected, report.kinds)),
        ("scarce", format!("{} rows of stock and capacity", thousands(report.scarce_rows as u64))),
        ("prices", thousands(report.prices.len() as u64)),
        ("hold until", around.valid_until.clone()),
        ("published", format!("{} events", around.events_published)),
    ]);
    let rows = report.prices.iter().take(SHOWN).map(|row| {
        let sku = row.sku.clone().unwrap_or_else(|| "(an order)".to_owned());
        vec![row.node.clone(), sku, format!("{:.2}", row.price_minor)]
    });
    format!("{head}\n{}", table(&["node", "sku", "price, minor units"], &[2], rows))
}
