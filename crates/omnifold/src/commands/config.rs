//! `omnifold config`.

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::{KEYS, display_properties};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::table;

const EXAMPLE: &str = "\
A key stands in the file, in the environment or on the command line; the later wins:
  [slice]                          in omnifold.toml
  wait_ms = 50
  OMNIFOLD_SLICE__WAIT_MS=50       in the environment: `__` for the dot
  --data, --kafka, --prefix, --market

Example:
  omnifold config print
  omnifold --config deploy/omnifold.toml config check";

/// The configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is right, and all that is wrong with it
    #[command(after_help = EXAMPLE)]
    Check,
    /// Show every key, its value, where it came from and what is allowed
    #[command(after_help = EXAMPLE)]
    Print,
}

#[derive(Serialize)]
struct Row {
    key: String,
    value: String,
    origin: String,
    about: &'static str,
    allowed: &'static str,
}

impl ConfigCommand {
    /// Carries it out. A configuration with faults was refused before.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            ConfigCommand::Check => context.output.show(&json!({ "ok": true }), |_| {
                format!("the configuration is right ({} keys set)", context.loaded.origins.len())
            })?,
            ConfigCommand::Print => context.output.show(&as_json(&rows(context)), |_| {
                let rows = rows(context);
                let cells = |row: Row| vec![row.key, row.value, row.origin, row.about.to_owned()];
                table(&["key", "value", "from", "meaning"], &[], rows.into_iter().map(cells))
            })?,
        }
        Ok(Exit::Done)
    }
}

fn rows(context: &Context) -> Vec<Row> {
    let config = context.config();
    let origin = |key: &str| {
        context.loaded.origins.get(key).cloned().unwrap_or_else(|| "default".to_owned())
    };
    let known = KEYS.iter().map(|key| Row {
        key: key.name.to_owned(),
        value: (key.get)(config),
        origin: origin(key.name),
        about: key.about,
        allowed: key.allowed,
    });
    let properties = display_properties(config).into_iter().map(|(key, value)| Row {
        origin: origin(&key),
        key,
        value,
        about: "handed to librdkafka as it is",
        allowed: "see librdkafka's CONFIGURATION.md",
    });
    known.chain(properties).collect()
}

fn as_json(rows: &[Row]) -> Value {
    let list = rows.iter().map(|row| {
        let value = serde_json::from_str(&row.value).unwrap_or_else(|_| row.value.clone().into());
        let told = json!({
            "value": Value::clone(&value), "from": row.origin,
            "about": row.about, "allowed": row.allowed,
        });
        (row.key.clone(), told)
    });
    Value::Object(list.collect::<Map<String, Value>>())
}
