//! The topic `availability`: what each defined channel may sell, told when it changed, once an epoch
//! and key; whoever reads it from its start has the table.

mod engine;

use std::collections::{BTreeMap, HashSet};

use engine::{Engine, MARKET, PREFIX, count, event, item, market, node};
use omnifold_events::v1;
use omnifold_log::{RecordBuf, TopicKind, topic_name};
use omnifold_projector::Query;
use prost::Message as _;

const START: i64 = 1_748_858_400_000;

/// Every record of the topic: epoch, key, units.
fn told(engine: &Engine) -> Vec<(Vec<u8>, String, i64)> {
    let topic = topic_name(PREFIX, MARKET, TopicKind::Availability);
    let mut reader = engine.log.reader(&[(topic, 0)]).expect("a reader");
    let mut buffer = RecordBuf::default();
    while !reader.fetch(0, 1 << 20, &mut buffer).expect("a fetch").at_end {}
    let row = |record: omnifold_log::Record<'_>| {
        let message = v1::AvailabilityChanged::decode(record.value.expect("a value"));
        let message = message.expect("an AvailabilityChanged");
        let key = String::from_utf8(record.key.to_vec()).expect("text");
        assert_eq!(key, format!("{}/{}", message.channel, message.sku));
        let epoch = record.headers.get("epoch").expect("its epoch").to_vec();
        (epoch, key, message.available_milli)
    };
    buffer.iter().map(row).collect()
}

fn table(engine: &Engine) -> BTreeMap<String, i64> {
    told(engine).into_iter().map(|(_, key, units)| (key, units)).collect()
}

fn asked(engine: &Engine, channel: &str, sku: &str) -> i64 {
    let (channel, sku) = (channel.to_owned(), sku.to_owned());
    let body = engine.query(Query::Availability { channel, sku }).expect("an answer").body;
    let units: f64 = body["available"].as_str().expect("text").parse().expect("a decimal");
    (units * 1_000.0).round() as i64
}

fn channel(id: &str, name: &str, nodes: &[&str], at: i64) -> omnifold_events::jsonl::FileEvent {
    let nodes = nodes.iter().map(|&node| node.to_owned()).collect();
    let channel = v1::ChannelDefined { channel: name.into(), nodes, ..Default::default() };
    event(id, at, channel)
}

fn sold(id: &str, sku: &str, at: i64) -> omnifold_events::jsonl::FileEvent {
    let line = v1::OrderLine {
        line_id: "1".into(),
        sku: sku.into(),
        quantity_milli: 1_000,
        unit_price: None,
    };
    let (channel, order_id) = ("web".to_owned(), id.to_owned());
    event(id, at, v1::OrderPlaced { channel, order_id, lines: vec![line], ..Default::default() })
}

fn shop() -> Vec<omnifold_events::jsonl::FileEvent> {
    let mut events = vec![
        market(START),
        node("a", 48_850_000, 2_350_000, START),
        node("b", 50_850_000, 4_350_000, START),
    ];
    for sku in ["s", "t", "u"] {
        events.push(item(sku, START));
        events.push(count(&format!("count a {sku}"), "a", sku, 50, START));
        events.push(count(&format!("count b {sku}"), "b", sku, 7, START));
    }
    events
}

#[test]
fn a_market_without_channels_tells_nothing() {
    let engine = Engine::new();
    engine.publish(&shop());
    engine.publish(&[sold("o", "s", START + 1)]);
    engine.run();
    assert_eq!(told(&engine), []);
}

#[test]
fn the_topic_holds_the_table_and_only_changes() {
    let engine = Engine::new();
    let mut events = shop();
    events.push(channel("c1", "web", &["a"], START + 1));
    events.push(channel("c2", "all", &[], START + 1));
    events.extend((0..40).map(|n| sold(&format!("o{n}"), ["s", "t"][n % 2], START + 2 + n as i64)));
    engine.publish_together(&events);
    engine.run();
    let rows = told(&engine);
    let per_epoch: HashSet<(&[u8], &str)> =
        rows.iter().map(|(epoch, key, _)| (epoch.as_slice(), key.as_str())).collect();
    assert_eq!(per_epoch.len(), rows.len(), "a key was told twice in one epoch: {rows:?}");
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, key, units) in &rows {
        assert_ne!(newest.insert(key, *units), Some(*units), "{key} did not change: {rows:?}");
    }
    let wanted = [("web", "s", 30_000), ("web", "t", 30_000), ("web", "u", 50_000)];
    for (name, sku, units) in wanted {
        assert_eq!(asked(&engine, name, sku), units, "{name} {sku}");
        assert_eq!(asked(&engine, "all", sku), units + 7_000, "{sku}");
    }
    for name in ["web", "all"] {
        for sku in ["s", "t", "u"] {
            assert_eq!(newest[format!("{name}/{sku}").as_str()], asked(&engine, name, sku));
        }
    }
}

#[test]
fn a_changed_node_or_channel_tells_every_sku_again_also_after_a_restart() {
    let engine = Engine::new();
    engine.publish(&shop());
    engine.publish(&[channel("c1", "web", &[], START + 1)]);
    engine.run();
    assert_eq!(table(&engine).values().copied().collect::<Vec<_>>(), [57_000; 3]);
    let closed = v1::NodeDefined { node_id: "b".into(), disabled: true, ..Default::default() };
    engine.publish(&[event("closed", START + 2, closed)]);
    engine.run();
    assert_eq!(table(&engine).values().copied().collect::<Vec<_>>(), [50_000; 3]);
    engine.publish(&[channel("c2", "web", &["b"], START + 3)]);
    engine.run();
    assert_eq!(table(&engine).values().copied().collect::<Vec<_>>(), [0; 3]);
    let before = told(&engine).len();
    engine.run();
    assert_eq!(told(&engine).len(), before, "nothing changed, and something was told");
}

/// A kit of two `s` and one `t`: what its parts do, it does, and so does another list of parts.
#[test]
fn a_kit_is_told_when_its_parts_change() {
    let kit = |parts: &[(&str, i64)]| v1::ItemDefined {
        sku: "kit".into(),
        components: parts
            .iter()
            .map(|&(sku, units)| v1::KitComponent {
                sku: sku.into(),
                quantity_milli: units * 1_000,
            })
            .collect(),
        ..Default::default()
    };
    let engine = Engine::new();
    engine.publish(&shop());
    engine.publish(&[channel("c1", "web", &[], START + 1)]);
    engine.publish(&[event("kit", START + 2, kit(&[("s", 2), ("t", 1)]))]);
    engine.run();
    assert_eq!(table(&engine)["web/kit"], 28_000, "25 at a, 3 at b");
    engine.publish(&[count("less", "a", "t", 4, START + 3)]);
    engine.run();
    assert_eq!(table(&engine)["web/kit"], 7_000);
    engine.publish(&[sold("o", "kit", START + 4)]);
    engine.run();
    assert_eq!((table(&engine)["web/kit"], asked(&engine, "web", "kit")), (6_000, 6_000));
    engine.publish(&[event("other parts", START + 5, kit(&[("u", 1)]))]);
    engine.run();
    assert_eq!(table(&engine)["web/kit"], 57_000);
    engine.publish(&[count("no part any more", "a", "t", 0, START + 6)]);
    engine.run();
    assert_eq!(table(&engine)["web/kit"], 57_000);
}
