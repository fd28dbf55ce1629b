//! Every scenario file of `tests/scenarios/`, played on the real engine over the embedded log.
//! Adding a case is adding a file. Each command takes the market over anew, so each is a restart.

mod engine;

use std::path::Path;

use engine::{Engine, MARKET, PREFIX};
use omnifold_domain::calendar::{Calendar, Days, date_of, zone};
use omnifold_domain::promise::{DayRange, Service, promise};
use omnifold_domain::{Period, Phasing, period_for, time_phased_atp};
use omnifold_events::jsonl::FileEvent;
use omnifold_projector::{Query, Why, rebuild, verify, why};
use omnifold_simulation::checker::{CheckOptions, check};
use omnifold_simulation::output::Output;
use omnifold_simulation::scenario::{
    FulfilmentFigures, ParcelFigures, PhasedTable, Player, PromiseQuestion, StockFigures, parse,
    play,
};
use serde_json::Value;

impl Player for Engine {
    fn take(&mut self, event: &FileEvent) -> anyhow::Result<Vec<Output>> {
        Ok(Engine::take(self, std::slice::from_ref(event)))
    }

    fn stock(&mut self, node: &str, sku: &str) -> anyhow::Result<Option<StockFigures>> {
        let (node, sku) = (Some(node.to_owned()), Some(sku.to_owned()));
        let answer = self.query(Query::Stock { node, sku, limit: 1 });
        let rows = answer.map(|answer| answer.body["rows"].clone()).unwrap_or_default();
        let Some(row) = rows.get(0) else { return Ok(None) };
        let milli = |field: &str| -> anyhow::Result<i64> {
            let text = row[field].as_str().unwrap_or_default();
            Ok((text.parse::<f64>()? * 1_000.0).round() as i64)
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let lot = |lot: &Value, units: &str| format!("{} {}", text(&lot["lot"]), text(&lot[units]));
        let known = rows_of(&row["lots"]);
        let here = known.iter().filter(|lot| lot["on_hand"] != "0" || lot["promised"] != "0");
        let aside = known.iter().filter(|lot| lot["quarantine"] != "0");
        let serials = &row["serials"];
        Ok(Some(StockFigures {
            lots: here.map(|row| lot(row, "on_hand")).collect(),
            quarantined: aside.map(|row| lot(row, "quarantine")).collect(),
            serials: serials["on_hand"].as_u64().zip(serials["quarantine"].as_u64()),
            on_hand_milli: milli("on_hand")?,
            allocated_milli: milli("allocated")?,
            held_milli: milli("held")?,
            quarantine_milli: milli("quarantine")?,
            in_transit_milli: milli("in_transit")?,
            written_off_milli: milli("written_off")?,
            returned_to_supplier_milli: milli("returned_to_supplier")?,
            inbound_milli: milli("inbound")?,
            short_milli: milli("short")?,
            atp_milli: milli("atp")?,
            price_milli: if row["shadow_price"].is_null() { 0 } else { milli("shadow_price")? },
        }))
    }

    fn ledger(
        &mut self,
        node: &str,
        sku: &str,
        as_of_ms: Option<i64>,
    ) -> anyhow::Result<Vec<String>> {
        let (node, sku) = (node.to_owned(), sku.to_owned());
        let question = Why { node, sku, as_of_ms, limit: 1_000 };
        let answer = why(self.log.clone(), MARKET, self.options.clone(), &question)??.body;
        assert_eq!(answer["agrees"], true, "L2: the row is not the sum of its ledger: {answer}");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let mut lines = Vec::new();
        for entry in answer["entries"].as_array().into_iter().flatten() {
            let words = [&entry["entry"], &entry["reason"], &entry["changes"]];
            let words: Vec<String> = words.into_iter().map(text).collect();
            lines.push(words.join(" ").replace("  ", " "));
        }
        let sum = answer["sum"].as_object().into_iter().flatten();
        let sum = sum.filter(|(name, units)| *units != "0" && *name != "entered");
        let sum: Vec<String> = sum.map(|(name, units)| format!("{name} {}", text(units))).collect();
        lines.push(format!("= {}", sum.join(", ")).trim_end().to_owned());
        Ok(lines)
    }

    fn available(&mut self, channel: &str, sku: &str) -> anyhow::Result<String> {
        let (channel, sku) = (channel.to_owned(), sku.to_owned());
        let answer = self.query(Query::Availability { channel, sku });
        let answer = answer.ok_or_else(|| anyhow::anyhow!("no such channel or SKU"))?;
        Ok(answer.body["available"].as_str().unwrap_or_default().to_owned())
    }

    fn time_phased(&mut self, table: &PhasedTable) -> anyhow::Result<(Vec<i64>, Option<usize>)> {
        let period = |&(supply, demand): &(i64, i64)| Period { supply, demand };
        let periods: Vec<Period> = table.periods.iter().map(period).collect();
        let PhasedTable { backward, forward, accumulation, .. } = *table;
        let atp = time_phased_atp(&periods, Phasing { backward, forward, accumulation });
        let offered = table.order.and_then(|(units, wanted)| period_for(&atp, wanted, units));
        Ok((atp, offered))
    }

    fn inbound(&mut self, node: &str, sku: &str) -> anyhow::Result<Vec<String>> {
        let (node, sku) = (Some(node.to_owned()), Some(sku.to_owned()));
        let answer = self.query(Query::Stock { node, sku, limit: 1 });
        let expected = answer.map(|answer| answer.body["rows"][0]["expected"].clone());
        let line = |row: &Value| {
            let due = row["due_at"].as_str().unwrap_or("some day");
            let [source, id, units] = ["source", "id", "units"].map(|name| text_of(&row[name]));
            format!("{due} {source} {id} x{units}")
        };
        Ok(rows_of(&expected.unwrap_or_default()).iter().map(line).collect())
    }

    fn purchase_order(&mut self, id: &str) -> anyhow::Result<Vec<String>> {
        let Some(answer) = self.query(Query::PurchaseOrder { id: id.to_owned() }) else {
            return Ok(Vec::new());
        };
        let body = &answer.body;
        let held = if body["on_hold"].is_null() { "" } else { " on hold" };
        let mut head = format!("{id} {}{held}", text_of(&body["state"]));
        if let Some(rate) = body["supplier_on_time_permille"].as_i64() {
            head += &format!(" on_time {}.{}%", rate / 10, rate % 10);
        }
        let line = |row: &Value| {
            let names =
                ["line_id", "sku", "ordered", "acknowledged", "received", "on_order", "billed"];
            let [line, sku, ordered, promised, received, on_order, billed] =
                names.map(|name| text_of(&row[name]));
            let promised = if promised.is_empty() { "nothing".to_owned() } else { promised };
            format!(
                "line {line} {sku} ordered {ordered} acknowledged {promised} received {received} \
                 on_order {on_order} billed {billed}"
            )
        };
        Ok(std::iter::once(head).chain(rows_of(&body["lines"]).iter().map(line)).collect())
    }

    fn serial(&mut self, sku: &str, serial: &str) -> anyhow::Result<Vec<String>> {
        let (sku, serial) = (sku.to_owned(), serial.to_owned());
        let Some(answer) = self.query(Query::Serial { sku, serial }) else {
            return Ok(Vec::new());
        };
        let body = &answer.body;
        let words = |row: &Value, names: &[&str]| -> Vec<String> {
            let words = names.iter().map(|name| text_of(&row[name]));
            words.filter(|word| !word.is_empty()).collect()
        };
        let head = words(body, &["sku", "serial", "place", "node", "with"]).join(" ");
        let line = |row: &Value| words(row, &["at", "by", "place", "node", "with"]).join(" ");
        Ok(std::iter::once(head).chain(rows_of(&body["history"]).iter().map(line)).collect())
    }

    fn promise(&mut self, asked: &PromiseQuestion) -> anyhow::Result<Option<[String; 2]>> {
        let days = |weekdays: u8, off: &[i32]| {
            let mut off: Vec<_> = off.iter().filter_map(|day| date_of(*day)).collect();
            off.sort_unstable();
            Days { weekdays, off }
        };
        let range = |(least, most)| DayRange::new(least, most).expect("parsed so");
        let zone = zone(&asked.zone).ok_or_else(|| anyhow::anyhow!("no zone {}", asked.zone))?;
        let working = days(asked.works, &asked.closed);
        let node = Calendar { zone, working, cut_off_minute: asked.cut_off_minute };
        let service = Service {
            moves: days(asked.moves, &asked.off),
            delivers: days(asked.delivers, &asked.off),
            transit: range(asked.transit),
        };
        let found = promise(&node, range(asked.handling), &service, asked.ordered_at_ms);
        Ok(found.map(|found| [found.earliest.to_string(), found.latest.to_string()]))
    }

    fn fulfilment(&mut self, id: &str) -> anyhow::Result<Option<FulfilmentFigures>> {
        let Some(answer) = self.query(Query::Fulfilment { id: id.to_owned() }) else {
            return Ok(None);
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let parcel = |row: &Value| ParcelFigures {
            carrier: text(&row["carrier"]),
            tracking_number: text(&row["tracking_number"]),
            status: text(&row["status"]),
            delivered_at: row["delivered_at"].as_str().map(str::to_owned),
            history: rows(&row["history"]).iter().map(|entry| text(&entry["status"])).collect(),
        };
        let body = &answer.body;
        Ok(Some(FulfilmentFigures {
            node: text(&body["node"]),
            state: text(&body["state"]),
            parcels: rows(&body["parcels"]).iter().map(parcel).collect(),
        }))
    }

    fn score(&mut self, node: &str) -> anyhow::Result<String> {
        let answer = self.query(Query::Node { id: node.to_owned() });
        let body = answer.ok_or_else(|| anyhow::anyhow!("no such node"))?.body;
        let score = body["score_permille"].as_i64();
        let mut line = score.map_or("no score".to_owned(), |score| format!("score {score}"));
        for name in ["kept", "late", "rejected", "timed_out", "short"] {
            if let Some(count @ 1..) = body["fulfilments"][name].as_i64() {
                line += &format!(" {name} {count}");
            }
        }
        Ok(line)
    }

    fn why(&mut self, channel: &str, order_id: &str) -> anyhow::Result<Vec<String>> {
        let (channel, order_id) = (channel.to_owned(), order_id.to_owned());
        let answer = self.query(Query::Decisions { channel, order_id });
        let answer = answer.ok_or_else(|| anyhow::anyhow!("no such order"))?;
        let decisions = answer.body["decisions"].as_array().cloned().unwrap_or_default();
        let explained = decisions.iter().rev().find(|it| it["candidates"].is_array());
        Ok(explained.map(why_lines).unwrap_or_default())
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        Ok(()) // every command starts the engine on what the one before left
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn rows_of(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// `by RULE; passed over X: REASON; cost 12, 3 more with B`, then a node a line.
fn why_lines(decision: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(text).collect()
    };
    let mut head = match decision["rule"].as_str() {
        Some("") => "by no rule".to_owned(),
        Some(rule) => format!("by {rule}"),
        None => "by the settings".to_owned(),
    };
    for passed in texts(&decision["passed_over"]) {
        head += &format!("; passed over {passed}");
    }
    if let Some(cost) = decision["cost"].as_str() {
        head += &format!("; cost {cost}");
    }
    if let Some(more) = decision["runner_up_costs_more"].as_str() {
        head += &format!(", {more} more with {}", texts(&decision["runner_up"]).join(" and "));
    }
    let nodes = decision["candidates"].as_array().into_iter().flatten().map(|row| {
        let verdict = text(&row["verdict"]).replace("VERDICT_", "").to_lowercase();
        let score = row["score"].as_i64().map_or(String::new(), |score| format!(" {score}"));
        let landed = row["landed_cost"].as_str();
        let landed = landed.map_or(String::new(), |cost| format!(", landed {cost}"));
        format!("{} {verdict}{score}{landed}", text(&row["node"]))
    });
    [head].into_iter().chain(nodes).collect()
}

#[test]
fn every_scenario_comes_out_as_written_and_verifies() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the scenarios")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(files.len() >= 14, "only {} scenarios in {}", files.len(), folder.display());
    // While one is being written: OMNIFOLD_SCENARIO=R10 plays those whose names begin so.
    let wanted = std::env::var("OMNIFOLD_SCENARIO").unwrap_or_default();
    let name_of = |file: &Path| file.file_name().expect("a name").to_string_lossy().into_owned();
    files.retain(|file| name_of(file).starts_with(&wanted));
    let mut failed = String::new();
    for file in files {
        let name = name_of(&file);
        let text = std::fs::read_to_string(&file).expect("a readable scenario");
        let steps = parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut engine = Engine::new();
        for mismatch in play(&steps, &mut engine).expect("a played scenario") {
            failed.push_str(&format!("{name} {mismatch}"));
        }
        check_whole_run(&engine, &name);
    }
    assert!(failed.is_empty(), "\n{failed}");
}

fn check_whole_run(engine: &Engine, name: &str) {
    let options = engine.options.clone();
    let verified = verify(engine.log.clone(), MARKET, options.clone(), &mut |_| {}).expect(name);
    assert!(verified.ok, "{name}: {:?}", verified.violations);
    let live = engine.query(Query::Market).expect("an answer").position;
    let rebuilt = rebuild(engine.log.clone(), MARKET, options, &mut |_| {}).expect(name);
    assert_eq!(rebuilt.position.digest, live.digest, "{name}");
    let books = check(&*engine.log, PREFIX, MARKET, &CheckOptions::default()).expect(name);
    assert!(books.is_clean(), "{name}: {books}");
}
