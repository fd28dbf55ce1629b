//! `omnifold policy`.

mod diff;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use omnifold_domain::Policy;
use omnifold_domain::policy::PolicyFault;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{ContentType, Event, parse_time, v1};
use omnifold_projector::{Query, failed_cases, query_offline};
use serde_json::{Value, json};

use crate::client::escaped;
use crate::commands::publish::publisher;
use crate::context::Context;
use crate::exit::{Exit, Usage};

const EXAMPLE: &str = "\
docs/POLICIES.md explains every key; deploy/policies/ holds policies to start from.

Example:
  omnifold policy check deploy/policies/*.toml
  omnifold policy activate deploy/policies/nearest.toml --market de
  omnifold policy show --market de";

/// The routing policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say what is wrong with policy files and their cases, by line and column
    #[command(after_help = EXAMPLE)]
    Check {
        /// Files to check
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show the policy in force, or the canonical form of a file
    #[command(after_help = EXAMPLE)]
    Show {
        /// Show this file instead
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Replay recorded demand under two policies and compare
    #[command(after_help = diff::EXAMPLE)]
    Diff(diff::Diff),
    /// Publish that a policy rules from now on
    #[command(after_help = EXAMPLE)]
    Activate {
        /// The policy; its state is `active`
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Publish that no policy rules any more
    #[command(after_help = EXAMPLE)]
    Retire {
        /// Name of the policy in force
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        at: At,
    },
}

/// When an event is said to have happened.
#[derive(Debug, Args)]
pub struct At {
    /// Time of the event, for markets whose clock is events (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<i64>,
}

impl PolicyCommand {
    /// Carries it out.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            PolicyCommand::Check { files } => check(context, files),
            PolicyCommand::Diff(diff) => diff.run(context),
            PolicyCommand::Show { file: Some(file) } => {
                let policy = read(file)?;
                show(context, &serde_json::to_value(policy.activated())?)
            }
            PolicyCommand::Show { file: None } => show(context, &in_force(context)?),
            PolicyCommand::Activate { file, at } => activate(context, file, at),
            PolicyCommand::Retire { name, at } => {
                let retired = v1::PolicyRetired { name: name.clone(), ..Default::default() };
                publish(context, "retired", name, retired.into(), at)
            }
        }
    }
}

/// A policy for people.
pub(super) fn label(policy: &Policy) -> String {
    format!("`{}` version {}", policy.name, policy.version)
}

/// The text of a file.
pub(super) fn text_of(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

/// A policy without faults.
pub(super) fn read(file: &Path) -> Result<Policy> {
    Ok(Policy::read(&text_of(file)?).map_err(|fault| placed(file, &fault))?)
}

fn placed(file: &Path, fault: &PolicyFault) -> Usage {
    Usage(format!("{}:{}:{}: {}", file.display(), fault.line, fault.column, fault.what))
}

fn check(context: &Context, files: &[PathBuf]) -> Result<Exit> {
    let rows: Result<Vec<Value>> = files.iter().map(|file| checked(file)).collect();
    let rows = rows?;
    let is_ok = rows.iter().all(|row| row["ok"] == true);
    context.output.show(&json!({ "ok": is_ok, "files": rows }), |_| {
        rows.iter().map(check_lines).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if is_ok { Exit::Done } else { Exit::Violations })
}

/// What is to be said about a file: what is wrong with it, and with its cases.
fn checked(file: &Path) -> Result<Value> {
    let (name, text) = (file.display().to_string(), text_of(file)?);
    let faults_body = |faults: &[PolicyFault]| -> Vec<Value> {
        let body = |fault: &PolicyFault| {
            json!({
                "line": fault.line, "column": fault.column, "fault": fault.what,
            })
        };
        faults.iter().map(body).collect()
    };
    let policy = match Policy::read(&text) {
        Ok(policy) => policy,
        Err(fault) => {
            return Ok(json!({ "file": name, "ok": false, "faults": faults_body(&[fault]) }));
        }
    };
    let faults = failed_cases(&text, &policy)?;
    Ok(json!({
        "file": name, "ok": faults.is_empty(), "name": policy.name, "version": policy.version,
        "rules": policy.rules.len(), "cases": policy.cases.len(), "hash": policy.activated().hash,
        "faults": faults_body(&faults),
    }))
}

fn check_lines(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    let faults = row["faults"].as_array().map_or(&[][..], Vec::as_slice);
    let fault = |fault: &Value| {
        let what = fault["fault"].as_str().unwrap_or_default();
        format!("{}:{}:{}: {what}", text("file"), fault["line"], fault["column"])
    };
    match row["ok"] == true {
        true => format!(
            "{}: `{}` version {}, {} rules, {} cases, {}",
            text("file"),
            text("name"),
            row["version"],
            row["rules"],
            row["cases"],
            text("hash")
        ),
        false => faults.iter().map(fault).collect::<Vec<_>>().join("\n"),
    }
}

/// The policy that the market's settings hold; null: none.
fn in_force(context: &Context) -> Result<Value> {
    let answer = match context.remote()? {
        Some(client) => {
            let market = context.market_of(&client)?;
            client.get(&format!("/v1/markets/{}", escaped(&market)))?
        }
        None => {
            let log = context.open_existing_log()?;
            let market = context.market(&log)?;
            let answer = query_offline(log.log(), &market, context.options(), Query::Market)?;
            serde_json::to_value(answer?)?
        }
    };
    Ok(answer["body"]["settings"]["policy"].clone())
}

fn show(context: &Context, policy: &Value) -> Result<Exit> {
    context.output.show(policy, |policy| match policy["document"].as_str() {
        None => "no policy is in force: the market's settings decide".to_owned(),
        Some(document) => {
            format!("# hash {}\n{document}", policy["hash"].as_str().unwrap_or_default())
        }
    })?;
    Ok(Exit::Done)
}

fn activate(context: &Context, file: &Path, at: &At) -> Result<Exit> {
    let policy = read(file)?;
    if policy.state != omnifold_domain::policy::Lifecycle::Active {
        let text = format!("{}: the policy's `state` is not `active`", file.display());
        return Err(Usage(text).into());
    }
    if let Some(fault) = failed_cases(&text_of(file)?, &policy)?.into_iter().next() {
        return Err(placed(file, &fault).into());
    }
    let active = policy.activated();
    let name = format!("{}/{}/{}", active.name, active.version, active.hash);
    let (document, hash) = (active.document, active.hash);
    let event = v1::PolicyActivated { document, hash, ..Default::default() };
    publish(context, "activated", &name, event.into(), at)
}

/// One event. Its id holds the time, so that a policy can come back into force.
fn publish(context: &Context, what: &str, name: &str, event: Event, at: &At) -> Result<Exit> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let time_ms = at.at.unwrap_or(i64::try_from(now.as_millis())?);
    let id = format!("policy/{what}/{name}/{time_ms}");
    let source = "omnifold policy".to_owned();
    let (mut publisher, _log) = publisher(context, ContentType::Protobuf)?;
    publisher.publish(&FileEvent { id: id.clone(), source, time_ms: Some(time_ms), event })?;
    publisher.flush()?;
    context.output.show(&json!({ "ok": true, "id": id }), |_| {
        format!("published: {what} {name}; it rules once the engine has folded it")
    })?;
    Ok(Exit::Done)
}
