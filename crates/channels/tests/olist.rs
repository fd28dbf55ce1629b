//! The Olist history as events: a small folder made up here, and the real one where it is there.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use omnifold_channels::olist::{OddTimes, OlistOptions, OlistSummary, deliveries, events, import};
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_channels::sealing::{Keyring, feedback_purpose, recipient_purpose};
use omnifold_events::jsonl::{FileEvent, to_line};
use omnifold_events::{Event, parse_time, v1};
use omnifold_log::Log;
use support::KeepingLog;
use tempfile::TempDir;

fn keyring(dir: &TempDir) -> Keyring {
    Keyring::open_or_create(&dir.path().join("keys")).expect("a keyring")
}

const SMALL: [(&str, &str); 9] = [
    (
        "olist_orders_dataset.csv",
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date
late,c1,delivered,2018-02-01 10:00:00,2018-02-01 10:05:00,2018-02-02 09:00:00,2018-02-05 12:00:00,2018-03-01 00:00:00
early,c2,canceled,2018-01-01 10:00:00,,,,2018-03-01 00:00:00
bare,c3,unavailable,2018-01-15 08:00:00,2018-01-15 09:00:00,,,2018-03-01 00:00:00
odd,c1b,delivered,2018-01-20 10:00:00,2018-01-20 10:05:00,2018-01-19 09:00:00,2018-01-18 12:00:00,2018-03-01 00:00:00
",
    ),
    (
        "olist_order_items_dataset.csv",
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
late,3,tea,s2,2018-02-03 00:00:00,12.5,1.00
late,1,tea,s1,2018-02-03 00:00:00,12.50,1.00
late,2,mug,s1,2018-02-03 00:00:00,7,1.00
late,4,tea,s1,2018-02-03 00:00:00,11.99,1.00
early,1,mug,s1,2018-01-03 00:00:00,7.00,1.00
odd,1,mug,s1,2018-01-23 00:00:00,7.00,1.00
",
    ),
    (
        "olist_sellers_dataset.csv",
        "seller_id,seller_zip_code_prefix,seller_city,seller_state
s1,01000,sao paulo,SP
s2,20042,rio de janeiro,RJ
",
    ),
    (
        "olist_products_dataset.csv",
        "product_id,product_category_name,product_name_lenght,product_weight_g
tea,bebidas,10,200
mug,,10,
",
    ),
    (
        "olist_customers_dataset.csv",
        "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,ada,20041,rio de janeiro,RJ
c1b,ada,20041,rio de janeiro,RJ
c2,bob,01009,sao paulo,SP
c3,eve,01000,sao paulo,SP
",
    ),
    (
        "olist_geolocation_dataset.csv",
        "geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,geolocation_city,geolocation_state
01000,-23.541,-46.632,sao paulo,SP
01000,-23.543,-46.634,sao paulo,SP
20041,-22.9,-43.2,rio de janeiro,RJ
20041,38.4,-6.3,somewhere else,RJ
",
    ),
    (
        "product_category_name_translation.csv",
        "product_category_name,product_category_name_english
bebidas,drinks
",
    ),
    (
        "olist_order_payments_dataset.csv",
        "order_id,payment_sequential,payment_type,payment_installments,payment_value
late,1,credit_card,2,40.00
late,2,voucher,1,9.5
late,3,voucher,1,0.00
early,1,boleto,1,7.00
",
    ),
    (
        "olist_order_reviews_dataset.csv",
        "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp
r1,late,4,bom,\"chegou
tarde\",2018-02-06 00:00:00,2018-02-07 12:00:00
r2,odd,1,,,2018-02-06 00:00:00,2018-02-08 12:00:00
",
    ),
];

fn small() -> TempDir {
    let dir = TempDir::new().expect("a folder");
    for (name, text) in SMALL {
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}

fn small_history() -> (Vec<FileEvent>, OlistSummary) {
    let dir = small();
    events(dir.path(), &OlistOptions::default(), &keyring(&dir)).expect("a history")
}

fn time(text: &str) -> Option<i64> {
    Some(parse_time(text).expect("a time"))
}

fn order<'a>(events: &'a [FileEvent], id: &str) -> &'a v1::OrderPlaced {
    let found = events.iter().find_map(|event| match &event.event {
        Event::OrderPlaced(order) if order.order_id == id => Some(order),
        _ => None,
    });
    found.expect("the order")
}

#[test]
fn events_stand_in_time_order_and_the_market_comes_first() {
    let (events, _) = small_history();
    assert!(events.is_sorted_by_key(|event| event.time_ms));
    let Event::MarketConfigured(market) = &events[0].event else { panic!("{:?}", events[0]) };
    assert_eq!(market.clock(), v1::ClockKind::Events);
    assert_eq!(market.coverage(), v1::Coverage::AllowPartial);
    assert_eq!(market.shortage(), v1::Shortage::Wait);
    assert_eq!(market.currency, "BRL");
    // One hour before the first event, 10:00 in Brasilia.
    assert_eq!(events[0].time_ms, time("2018-01-01T12:00:00Z"));
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let later = ids.iter().skip_while(|id| !id.starts_with("placed/")).copied();
    let expected = [
        "placed/early",
        "cancelled/early",
        "placed/bare",
        "cancelled/bare",
        "delivered/odd",
        "shipped/odd",
        "placed/odd",
        "placed/late",
        "approved/late/1",
        "approved/late/2",
        "shipped/late",
        "delivered/late",
        "review/late/r1",
        "review/odd/r2",
    ];
    assert!(later.eq(expected), "{ids:?}");
}

#[test]
fn network_and_stock_come_before_everything_else() {
    let (events, _) = small_history();
    let topics: Vec<&str> = events.iter().map(|event| event.event.topic()).collect();
    let opening = topics.iter().position(|topic| *topic == "orders").expect("orders");
    assert!(topics[..opening].is_sorted_by_key(|topic| *topic == "stock"));
    assert!(events[..opening].iter().all(|event| event.time_ms == events[0].time_ms));
}

#[test]
fn rows_of_one_product_at_one_price_are_one_line() {
    let (events, summary) = small_history();
    let line = |id: &str, sku: &str, units: i64, minor: i64| v1::OrderLine {
        line_id: id.to_owned(),
        sku: sku.to_owned(),
        quantity_milli: units * 1_000,
        unit_price: Some(v1::Money { minor, currency: "BRL".to_owned() }),
    };
    let expected =
        [line("1", "tea", 2, 1_250), line("2", "mug", 1, 700), line("4", "tea", 1, 1_199)];
    assert_eq!(order(&events, "late").lines, expected);
    assert_eq!((summary.lines, summary.units), (5, 6));
}

#[test]
fn an_order_without_items_is_placed_without_lines() {
    let (events, summary) = small_history();
    assert!(order(&events, "bare").lines.is_empty());
    assert_eq!(
        (summary.orders, summary.orders_with_lines, summary.orders_without_lines),
        (4, 3, 1)
    );
}

#[test]
fn later_events_name_the_order_and_no_node() {
    let (events, _) = small_history();
    let target = events.iter().find_map(|event| match &event.event {
        Event::FulfilmentShipped(shipped) if event.id == "shipped/late" => shipped.target.clone(),
        _ => None,
    });
    let units = v1::AnyNode { channel: "olist".to_owned(), order_id: "late".to_owned() };
    let any = v1::fulfilment_target::Target::AnyNode(units);
    assert_eq!(target.and_then(|target| target.target), Some(any));
}

#[test]
fn what_was_approved_came_in_and_what_was_never_approved_did_not() {
    let (events, _) = small_history();
    let paid = events.iter().filter_map(|event| match &event.event {
        Event::PaymentCaptured(paid) => {
            let minor = paid.amount.as_ref().expect("an amount").minor;
            Some((event.time_ms, paid.order_id.as_str(), paid.payment_id.as_str(), minor))
        }
        _ => None,
    });
    let approved = time("2018-02-01T13:05:00Z");
    let expected = [(approved, "late", "1", 4_000), (approved, "late", "2", 950)];
    assert_eq!(paid.collect::<Vec<_>>(), expected, "nothing of the payment of 0.00");
}

#[test]
fn a_review_is_feedback_with_its_words_sealed() {
    let dir = small();
    let ring = keyring(&dir);
    let (events, _) = events(dir.path(), &OlistOptions::default(), &ring).expect("a history");
    let said: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.event {
            Event::OrderFeedback(said) => Some((event.time_ms, said)),
            _ => None,
        })
        .collect();
    let [(answered, first), (_, second)] = said[..] else { panic!("two: {said:?}") };
    assert_eq!(answered, time("2018-02-07T15:00:00Z"));
    assert_eq!((&first.order_id[..], &first.feedback_id[..], first.score), ("late", "r1", 4));
    assert_eq!((&second.order_id[..], second.score, &second.text), ("odd", 1, &None));
    let purpose = feedback_purpose("olist", "late", "r1");
    let words = ring.unseal(&purpose, first.text.as_ref().expect("sealed")).expect("opened");
    let words: BTreeMap<String, String> = serde_json::from_slice(&words).expect("JSON");
    assert_eq!((&words["title"][..], &words["message"][..]), ("bom", "chegou\ntarde"));
    assert!(events.iter().all(|event| !to_line(event).contains("chegou")));
}

#[test]
fn deliveries_tell_what_was_known_and_what_came_of_it() {
    let orders = deliveries(small().path()).expect("deliveries");
    assert_eq!(orders.len(), 3, "the order without items is left out");
    assert!(orders.is_sorted_by_key(|order| order.bought_ms));
    let [early, odd, late] = &orders[..] else { unreachable!("three") };
    assert_eq!((early.is_delivered, early.delivered_ms), (false, None));
    assert_eq!(early.cancelled_ms, time("2018-01-01T13:00:01Z"));
    assert!(odd.handed_over_ms < Some(odd.bought_ms), "odd times are kept");
    assert_eq!(late.promised_ms, time("2018-03-01T03:00:00Z"));
    assert_eq!(late.delivered_ms, time("2018-02-05T15:00:00Z"));
    // Three teas, and a mug without a weight, of two sellers.
    assert_eq!((late.units, late.weight_g, late.sellers.len()), (4, 600, 2));
    assert_eq!((late.state.as_str(), late.prefix), ("RJ", 20_041));
    assert_eq!([&late.sellers[0].state, &late.sellers[1].state], ["SP", "RJ"]);
}

#[test]
fn a_cancellation_is_dated_one_second_after_the_last_thing_known() {
    let (events, _) = small_history();
    let at = |id: &str| events.iter().find(|event| event.id == id).expect(id).time_ms;
    assert_eq!(at("cancelled/early"), time("2018-01-01T10:00:01-03:00"));
    assert_eq!(at("cancelled/bare"), time("2018-01-15T09:00:01-03:00"));
}

#[test]
fn times_that_contradict_are_kept_and_counted() {
    let (events, summary) = small_history();
    let at = |id: &str| events.iter().find(|event| event.id == id).expect(id).time_ms;
    assert!(at("delivered/odd") < at("shipped/odd") && at("shipped/odd") < at("placed/odd"));
    let odd =
        OddTimes { shipped_before_bought: 1, delivered_before_shipped: 1, ..OddTimes::default() };
    assert_eq!(summary.odd_times, odd);
}

#[test]
fn places_are_centroids_and_a_missing_prefix_stands_at_the_nearest() {
    let (events, summary) = small_history();
    let node = |id: &str| {
        let found = events.iter().find_map(|event| match &event.event {
            Event::NodeDefined(node) if node.node_id == id => node.location,
            _ => None,
        });
        found.map(|place| (place.lat_e6, place.lon_e6))
    };
    assert_eq!(node("s1"), Some((-23_542_000, -46_633_000)));
    assert_eq!(node("s2"), Some((-22_900_000, -43_200_000)), "20042 stands at 20041");
    let customer = |id: &str| {
        let place = order(&events, id).destination.as_ref().and_then(|to| to.location);
        place.map(|place| (place.lat_e6, place.lon_e6))
    };
    assert_eq!(customer("bare"), Some((-23_540_000, -46_630_000)), "rounded to 0.01 degree");
    assert_eq!(customer("early"), customer("bare"), "01009 stands at 01000");
    let places = &summary.places;
    assert_eq!((places.orders_at_nearest_prefix, places.nodes_at_nearest_prefix), (1, 1));
    assert_eq!((places.prefixes, places.points_outside), (2, 1));
}

/// The line of an event without what looks like anything by chance.
fn without_random_bytes(event: &FileEvent) -> String {
    let mut event = event.clone();
    if let Event::OrderPlaced(order) = &mut event.event {
        order.customer_ref.clear();
        order.destination.as_mut().expect("a destination").recipient = None;
    }
    to_line(&event)
}

#[test]
fn personal_data_is_sealed_and_nothing_of_it_is_clear() {
    let dir = small();
    let ring = keyring(&dir);
    let (events, _) = events(dir.path(), &OlistOptions::default(), &ring).expect("a history");
    let late = order(&events, "late");
    let destination = late.destination.as_ref().expect("a destination");
    assert_eq!((&destination.country[..], &destination.postcode_area[..]), ("BR", "200"));
    let sealed = destination.recipient.as_ref().expect("sealed");
    let opened = ring.unseal(&recipient_purpose("olist", "late"), sealed).expect("opened");
    let personal: BTreeMap<String, String> = serde_json::from_slice(&opened).expect("JSON");
    assert_eq!(personal["customer_unique_id"], "ada");
    assert_eq!(personal["zip_code_prefix"], "20041");
    assert_eq!(personal["city"], "rio de janeiro");
    assert_eq!(late.customer_ref, order(&events, "odd").customer_ref, "one person, one pseudonym");
    assert_ne!(late.customer_ref, order(&events, "early").customer_ref);

    for line in events.iter().map(without_random_bytes).filter(|line| line.contains("orderId")) {
        for personal in ["ada", "bob", "c1b", "20041", "rio de", "sao paulo"] {
            assert!(!line.contains(personal), "{personal} in {line}");
        }
    }
    ring.forget("ada").expect("forgotten");
    assert!(ring.unseal(&recipient_purpose("olist", "late"), sealed).is_err());
}

#[test]
fn the_same_folder_seed_and_keyring_give_the_same_bytes() {
    let dir = small();
    let lines = |seed| {
        let options = OlistOptions { seed, ..OlistOptions::default() };
        let (events, summary) = events(dir.path(), &options, &keyring(&dir)).expect("a history");
        (events.iter().map(to_line).collect::<Vec<_>>(), summary)
    };
    assert_eq!(lines(1), lines(1));
    let rule = lines(2).1.stock.rule;
    assert!(rule.contains("seed 2"), "{rule}");
}

#[test]
fn a_folder_that_lacks_files_is_told_which() {
    let dir = small();
    std::fs::remove_file(dir.path().join("olist_orders_dataset.csv")).expect("removed");
    std::fs::remove_file(dir.path().join("olist_geolocation_dataset.csv")).expect("removed");
    let error = events(dir.path(), &OlistOptions::default(), &keyring(&dir)).expect_err("refused");
    let text = format!("{error:#}");
    assert!(
        text.contains("lacks olist_orders_dataset.csv, olist_geolocation_dataset.csv"),
        "{text}"
    );
}

#[test]
fn a_row_that_cannot_be_read_is_named_by_file_and_line() {
    for (file, from, to, expected) in [
        (
            "olist_orders_dataset.csv",
            "2018-01-15 08:00:00",
            "yesterday",
            &["olist_orders_dataset.csv:4", "yesterday"][..],
        ),
        (
            "olist_orders_dataset.csv",
            "2018-01-15 08:00:00",
            "",
            &["order bare", "no purchase time"],
        ),
        ("olist_order_items_dataset.csv", "11.99", "11.999", &["order late", "item 4", "11.999"]),
        (
            "olist_order_items_dataset.csv",
            "late,3,",
            "late,x,",
            &["olist_order_items_dataset.csv:2"],
        ),
        ("olist_customers_dataset.csv", "c3,eve", "c4,eve", &["order bare", "no customer c3"]),
    ] {
        let dir = small();
        let path = dir.path().join(file);
        let text = std::fs::read_to_string(&path).expect("read");
        std::fs::write(&path, text.replacen(from, to, 1)).expect("written");
        let error =
            events(dir.path(), &OlistOptions::default(), &keyring(&dir)).expect_err("refused");
        let text = format!("{error:#}");
        for part in expected {
            assert!(text.contains(part), "`{part}` in: {text}");
        }
    }
}

/// The real data: `OMNIFOLD_DATA`, or `../shared/data` beside the repository.
fn real_data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("OMNIFOLD_DATA").map_or_else(beside, PathBuf::from);
    let dir = data.join("olist");
    if dir.join("olist_orders_dataset.csv").is_file() {
        return Some(dir);
    }
    eprintln!("skipped: no Olist data in {}; set OMNIFOLD_DATA to its parent", dir.display());
    None
}

#[test]
fn the_real_history_is_whole_and_in_time_order() {
    let Some(data) = real_data() else { return };
    let dir = TempDir::new().expect("a folder");
    let (events, summary) =
        events(&data, &OlistOptions::default(), &keyring(&dir)).expect("a history");
    assert_eq!(summary.orders, 8_135);
    assert_eq!((summary.orders_with_lines, summary.orders_without_lines), (7_360, 775));
    assert_eq!((summary.units, summary.nodes, summary.items), (8_365, 1_610, 5_460));
    assert_eq!((summary.persons, summary.places.prefixes), (8_016, 5_816));
    assert_eq!(summary.places.orders_at_nearest_prefix, 29);
    assert_eq!((summary.places.nodes_at_nearest_prefix, summary.places.points_outside), (4, 2));
    let odd = OddTimes {
        shipped_before_bought: 3,
        delivered_before_shipped: 3,
        cancelled_after_shipped: 75,
        shipped_without_lines: 1,
    };
    assert_eq!(summary.odd_times, odd);
    assert!(events.is_sorted_by_key(|event| event.time_ms));
    assert_eq!(events.len() as u64, summary.events);
    check_ids_and_units(&events, &summary);
    check_stock(&events, &summary);
}

fn check_ids_and_units(events: &[FileEvent], summary: &OlistSummary) {
    let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), events.len(), "every event has an id of its own");
    let orders = events.iter().filter_map(|event| match &event.event {
        Event::OrderPlaced(order) => Some(order),
        _ => None,
    });
    let (mut lines, mut milli) = (0, 0);
    for order in orders {
        lines += order.lines.len() as u64;
        milli += order.lines.iter().map(|line| line.quantity_milli).sum::<i64>();
        let names: BTreeSet<_> = order.lines.iter().map(|line| &line.line_id).collect();
        assert_eq!(names.len(), order.lines.len());
    }
    assert_eq!((lines, milli), (summary.lines, 8_365_000));
    let cancelled = summary.events_by_type["omnifold.v1.OrderCancelled"];
    assert_eq!(cancelled, 625 + 609, "every canceled and unavailable order");
}

fn check_stock(events: &[FileEvent], summary: &OlistSummary) {
    let stock = &summary.stock;
    assert_eq!(stock.rows, stock.enough + stock.scarce + stock.none);
    assert_eq!(summary.events_by_topic["stock"], stock.rows);
    for (share, of) in [(stock.enough, 2), (stock.scarce, 10), (stock.none, 10)] {
        assert!(share > stock.rows / of / 2, "{stock:?}");
    }
    let mut carriers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in events {
        if let Event::StockCounted(count) = &event.event {
            assert!(carriers.entry(&count.sku).or_default().insert(&count.node_id));
        }
    }
    assert_eq!(carriers.len(), 5_460, "every product is carried");
    assert!(carriers.values().any(|sellers| sellers.len() > 2));
}

#[test]
fn the_real_history_is_published_once_and_again_with_the_same_bytes() {
    let Some(data) = real_data() else { return };
    let dir = TempDir::new().expect("a folder");
    let ring = keyring(&dir);
    let published = || {
        let kept = KeepingLog::default();
        let batches = kept.batches.clone();
        let log: Arc<dyn Log> = Arc::new(kept);
        let mut publisher = Publisher::new(&log, "omnifold", "br", PublisherOptions::default())
            .expect("a publisher");
        let last = AtomicU64::new(0);
        let progress = |done, total| {
            assert!(done == last.load(Ordering::Relaxed) + 1 && done <= total);
            last.store(done, Ordering::Relaxed);
        };
        let options = OlistOptions::default();
        let summary = import(&data, &options, &mut publisher, &ring, &progress).expect("imported");
        assert_eq!(publisher.published().by_type, summary.events_by_type);
        assert_eq!(last.into_inner(), summary.events);
        batches.lock().expect("no panic").concat()
    };
    let first = published();
    let orders = first.iter().filter(|record| record.topic == "omnifold.br.orders");
    assert_eq!(orders.count(), 8_135 + 1_234 + 8_761, "placed, cancelled, paid");
    assert!(first == published(), "the same bytes again");
}
