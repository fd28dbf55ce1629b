//! What a day of the retailer holds, and that a seed means the same day.

use std::collections::HashMap;

use omnifold_events::jsonl::to_line;

use super::*;

fn options(orders: u64, seed: u64) -> Options {
    Options { orders, seed, ..Options::default() }
}

fn retailer(orders: u64, seed: u64) -> Retailer<'static> {
    Retailer::new(&options(orders, seed)).expect("a date")
}

fn lines(orders: u64, seed: u64) -> Vec<String> {
    retailer(orders, seed).map(|event| to_line(&event)).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(lines(300, 7), lines(300, 7));
    assert_ne!(lines(300, 7), lines(300, 8));
}

#[test]
fn events_come_in_time_order_and_the_market_first() {
    let events: Vec<FileEvent> = retailer(3_000, 1).collect();
    let Event::MarketConfigured(market) = &events[0].event else { panic!("{:?}", events[0]) };
    assert_eq!(market.shortage(), v1::Shortage::Wait);
    assert!(events.is_sorted_by_key(|event| event.time_ms));
}

#[test]
fn ids_are_unique_within_their_source() {
    let mut ids: Vec<(String, String)> =
        retailer(5_000, 1).map(|event| (event.source, event.id)).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

fn placed(event: &FileEvent) -> Option<&v1::OrderPlaced> {
    match &event.event {
        Event::OrderPlaced(order) => Some(order),
        _ => None,
    }
}

#[test]
fn a_day_has_as_many_orders_as_asked_and_its_peak_in_the_evening() {
    let events: Vec<FileEvent> = retailer(20_000, 1).collect();
    let day = omnifold_events::parse_time("2025-06-02T00:00:00Z").expect("a time");
    let mut hours = [0u32; 24];
    for event in events.iter().filter(|event| placed(event).is_some()) {
        hours[((event.time_ms.expect("a time") - day) / HOUR_MS) as usize] += 1;
    }
    assert_eq!(hours.iter().sum::<u32>(), 20_000);
    assert_eq!((0..24).max_by_key(|&hour| hours[hour]), Some(20));
    assert!(hours[20] > 10 * hours[3]);
}

#[test]
fn every_order_line_names_an_article_that_some_place_counted() {
    let events: Vec<FileEvent> = retailer(5_000, 1).collect();
    let counted: std::collections::HashSet<&str> = events
        .iter()
        .filter_map(|event| match &event.event {
            Event::StockCounted(count) => Some(count.sku.as_str()),
            _ => None,
        })
        .collect();
    for order in events.iter().filter_map(placed) {
        assert!((1..=5).contains(&order.lines.len()));
        assert!(order.lines.iter().all(|line| counted.contains(line.sku.as_str())));
    }
}

/// What the retailer of the demonstration never does: rules, settings of capacity and stock, soft
/// holds, and the life of an order beyond cancelling it.
const NEVER: [&str; 16] = [
    "RulesActivated",
    "NodeCapacitySet",
    "StockSettingsSet",
    "StockHeld",
    "StockHoldReleased",
    "OrderResumed",
    "OrderChanged",
    "OrderHeld",
    "OrderHoldReleased",
    "PaymentAuthorised",
    "PaymentCaptured",
    "PaymentFailed",
    "PaymentVoided",
    "PaymentRefunded",
    "FulfilmentReleaseConfirmed",
    "FulfilmentReleaseRefused",
];

#[test]
fn every_other_kind_of_event_happens_in_a_day() {
    let mut kinds: HashMap<&str, u32> = HashMap::new();
    for event in retailer(10_000, 1) {
        *kinds.entry(event.event.type_name()).or_default() += 1;
    }
    for (name, _) in Event::TYPES {
        let never = NEVER.contains(&name.trim_start_matches("omnifold.v1."));
        assert_eq!(kinds.contains_key(name), !never, "{name}: {kinds:?}");
    }
}

#[test]
fn what_happens_to_an_order_happens_after_it_was_placed() {
    let mut seen = std::collections::HashSet::new();
    for event in retailer(5_000, 1) {
        if let Some(order) = placed(&event) {
            seen.insert(format!("{}/{}", order.channel, order.order_id));
        }
        if let Event::FulfilmentAccepted(accepted) = &event.event {
            let Some(v1::fulfilment_target::Target::FulfilmentId(id)) =
                accepted.target.as_ref().and_then(|target| target.target.as_ref())
            else {
                panic!("accepted names its fulfilment")
            };
            assert!(seen.contains(id.strip_suffix("/f1").expect("the first fulfilment")));
        }
    }
}

#[test]
fn personal_data_is_there_only_sealed_and_only_when_asked_for() {
    let recipient = |order: &v1::OrderPlaced| {
        order.destination.as_ref().expect("a destination").recipient.clone()
    };
    assert!(retailer(50, 1).filter_map(|e| placed(&e).map(recipient)).all(|r| r.is_none()));

    let sealer: Sealer<'_> = Box::new(|key, clear| v1::Sealed {
        key_id: key.to_owned(),
        nonce: vec![1],
        ciphertext: clear.iter().map(|byte| byte ^ 0xff).collect(),
    });
    let sealed: Vec<v1::Sealed> = retailer(50, 1)
        .with_recipients(sealer)
        .filter_map(|event| placed(&event).map(recipient))
        .map(|recipient| recipient.expect("sealed"))
        .collect();
    assert_eq!(sealed.len(), 50);
    let clear: Vec<u8> = sealed[0].ciphertext.iter().map(|byte| byte ^ 0xff).collect();
    assert!(String::from_utf8(clear).expect("text").contains("Station Road"));
}

#[test]
fn a_day_that_is_no_date_is_refused() {
    let options = Options { day: "Monday".to_owned(), ..Options::default() };
    assert!(Retailer::new(&options).is_err());
}

#[test]
fn what_is_kept_for_orders_already_placed_stays_a_fraction_of_the_day() {
    let mut retailer = retailer(50_000, 1);
    let mut most = 0;
    while retailer.next().is_some() {
        most = most.max(retailer.day.ahead_len());
    }
    assert!(most < 50_000 / 4, "{most}");
}
