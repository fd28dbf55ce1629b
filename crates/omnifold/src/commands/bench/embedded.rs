//! Encoded events in the embedded log to durable decisions; then rebuild and a check of the rows.

use anyhow::{Result, ensure};
use omnifold_events::ContentType;
use serde::Serialize;
use serde_json::Value;

use super::{Work, child, load};
use crate::process::ProcessFigures;

/// One run.
#[derive(Debug, Serialize)]
pub struct Embedded {
    /// `protobuf` or `json`.
    pub form: &'static str,
    /// Orders of the backlog.
    pub orders: u64,
    /// Records of the backlog.
    pub records: u64,
    /// Bytes of one order's payload, on average.
    pub payload_bytes_per_order: f64,
    /// From the first record taken to the last decision durable and checkpointed.
    pub seconds: f64,
    /// Orders a second over that time.
    pub orders_per_second: f64,
    /// What the engine's process used, its start included.
    pub process: ProcessFigures,
    /// Folding the log again and comparing every mark.
    pub rebuild_records_per_second: f64,
    /// What that process used.
    pub rebuild_process: ProcessFigures,
    /// Bytes of the log, inputs and decisions.
    pub log_bytes: u64,
    /// Bytes of the state.
    pub state_bytes: u64,
    /// Digest of the end: the same for both forms.
    pub digest: String,
}

/// Runs the scenario.
pub fn measure(work: &Work<'_>, orders: u64, form: ContentType) -> Result<Embedded> {
    let name = match form {
        ContentType::Protobuf => "protobuf",
        ContentType::Json => "json",
    };
    let folder = work.folder.path().join(format!("embedded-{name}-{orders}"));
    work.note(&format!("embedded, {name}: writing {orders} orders ..."));
    let mut backlog = load::Backlog::new(&work.mix, orders, form);
    let data = folder.join("data");
    backlog.setup(&*load::embedded_log(&data)?, "omnifold")?;
    child::answer(child::command(&folder, &["run", "--until-idle"])?)?;
    let written = backlog.orders(&*load::embedded_log(&data)?, "omnifold")?;
    work.note("embedded: deciding ...");
    let run = child::answer(child::command(&folder, &["run", "--until-idle"])?)?;
    let summary = &run["markets"][0];
    ensure!(summary["tally"]["orders"] == orders, "not every order was decided: {run}");
    work.note("embedded: rebuilding ...");
    let rebuilt = child::answer(child::command(&folder, &["rebuild"])?)?;
    let digest = &summary["position"]["digest"];
    let digest_again = &rebuilt["markets"][0]["position"]["digest"];
    ensure!(digest == digest_again, "the rebuilt digest {digest_again} is not {digest}");
    child::answer(child::command(&folder, &["verify", "--state"])?)?;
    let result = Embedded {
        form: name,
        orders,
        records: written.records,
        payload_bytes_per_order: written.payload_bytes as f64 / orders as f64,
        seconds: number(&summary["seconds"]),
        orders_per_second: number(&summary["orders_per_second"]),
        process: serde_json::from_value(run["process"].clone())?,
        rebuild_records_per_second: number(&rebuilt["markets"][0]["events_per_second"]),
        rebuild_process: serde_json::from_value(rebuilt["process"].clone())?,
        log_bytes: load::disk_bytes(&folder.join("data/log")),
        state_bytes: load::disk_bytes(&folder.join("data/state")),
        digest: digest.as_str().unwrap_or_default().to_owned(),
    };
    std::fs::remove_dir_all(&folder)?;
    Ok(result)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}
