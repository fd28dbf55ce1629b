//! Every scenario file of `tests/scenarios/`, played on the real engine over the embedded log.
//! Adding a case is adding a file. Each command takes the market over anew, so each is a restart.

mod engine;

use std::path::Path;

use engine::{Engine, MARKET, PREFIX};
use omnifold_events::jsonl::FileEvent;
use omnifold_projector::{Query, rebuild, verify};
use omnifold_simulation::checker::{CheckOptions, check};
use omnifold_simulation::output::Output;
use omnifold_simulation::scenario::{Player, StockFigures, parse, play};

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
        Ok(Some(StockFigures {
            on_hand_milli: milli("on_hand")?,
            allocated_milli: milli("allocated")?,
            held_milli: milli("held")?,
            quarantine_milli: milli("quarantine")?,
            short_milli: milli("short")?,
            atp_milli: milli("atp")?,
        }))
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        Ok(()) // every command starts the engine on what the one before left
    }
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
    let mut failed = String::new();
    for file in files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
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
