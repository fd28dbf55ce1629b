//! `omnifold simulate`.

mod compare;
mod replay;

use std::collections::HashMap;

use anyhow::{Result, bail};
use clap::Args;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, parse_time};
use omnifold_log::{Log, TopicKind, topic_name};
use omnifold_simulation::output::Output;
use omnifold_simulation::what_if::demand::Window;
use omnifold_simulation::what_if::figures::Account;
use omnifold_simulation::what_if::nodes::Learned;
use omnifold_simulation::what_if::settings::Settings;
use omnifold_simulation::what_if::{AsItWas, Variant};

use self::compare::Report;
use crate::context::Context;
use crate::exit::{Exit, NotFound, Usage};
use crate::history::{each_event, each_record};

const EXAMPLE: &str = "\
Plays what customers asked for through the same engine under other settings, in a scratch log, and
compares with what happened. Recorded and replayed: the network, counts and receipts, transfers,
orders with their changes, holds and payments. Modelled: nodes, which do with an order what they did
with it, and ship other work after their median time. Left out: returns, pick-ups, couriers. The
settings as they were are replayed too: what differs there from what happened is the model's error.

A setting is a field of MarketConfigured. Holds the demand in memory; an embedded log must not be in
use by `omnifold serve`.

Example:
  omnifold simulate --settings shortage=WAIT --market de
  omnifold simulate --settings coverage=ALLOW_PARTIAL --from 2025-06-02T00:00:00Z --output json";

/// Replays what happened against other settings.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Simulate {
    /// Setting that is otherwise; repeat it for several
    #[arg(long = "settings", value_name = "NAME=VALUE", required = true)]
    settings: Vec<String>,
    /// The change begins, and orders count from here on [default: the beginning]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<i64>,
    /// Orders count until before this time, and the replay ends [default: the end]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
    /// How late a modelled node may speak: smaller is finer and slower
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(i64).range(1..=10_080))]
    step_minutes: i64,
}

/// What was recorded of one market.
struct Recorded {
    /// Input events but those of nodes, topic by topic.
    inputs: Vec<FileEvent>,
    learned: Learned,
    account: Account,
    unreadable: u64,
}

impl Simulate {
    /// Replays and compares.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let change = Settings::parse(&self.settings).map_err(|fault| Usage(fault.to_string()))?;
        let window = Window {
            from_ms: self.from.unwrap_or(i64::MIN),
            until_ms: self.until.unwrap_or(i64::MAX),
        };
        if window.from_ms >= window.until_ms {
            bail!(Usage("--until must be later than --from".to_owned()));
        }
        let opened = context.open_existing_log()?;
        let market = context.market(&opened)?;
        let recorded = read(&*opened.log(), (&context.config().prefix, &market), window)?;
        if recorded.inputs.is_empty() {
            return Err(NotFound(format!("nothing was recorded of market `{market}`")).into());
        }
        let step_ms = self.step_minutes * 60_000;
        let play = |variant: &dyn Variant| {
            context.output.note(&format!("replaying {} ...", variant.name()));
            replay::play(context, &market, &recorded, variant, (window, step_ms))
        };
        let (same, other) = (play(&AsItWas)?, play(&change)?);
        let report = Report::new(&market, change.name(), &recorded, same, other);
        context.output.show(&report, compare::text)?;
        Ok(Exit::Done)
    }
}

fn read(log: &dyn Log, of: (&str, &str), window: Window) -> Result<Recorded> {
    let mut recorded = Recorded {
        inputs: Vec::new(),
        learned: Learned::default(),
        account: Account::default(),
        unreadable: 0,
    };
    for kind in TopicKind::INPUTS.into_iter().filter(|kind| *kind != TopicKind::Fulfilment) {
        let inputs = &mut recorded.inputs;
        recorded.unreadable += each_event(log, of, kind, |published| {
            inputs.push(FileEvent {
                id: published.envelope.id.to_owned(),
                source: published.envelope.source.to_owned(),
                time_ms: Some(published.time_ms),
                event: published.event,
            });
        })?;
    }
    count_placed(&recorded.inputs, window, &mut recorded.account);
    let (account, learned) = (&mut recorded.account, &mut recorded.learned);
    each_record(log, topic_name(of.0, of.1, TopicKind::Assignments), |record| {
        // Outputs that a replay has no use for are of other types.
        let Ok(output) = Output::from_record(record) else { return };
        if let Output::Assigned(assigned) = &output {
            learned.told(assigned, record.time_ms);
        }
        account.hear(&output);
    })?;
    let unreadable = each_event(log, of, TopicKind::Fulfilment, |published| {
        learned.heard(&published.event, published.time_ms);
        account.said(&published.event);
    })?;
    recorded.unreadable += unreadable;
    Ok(recorded)
}

/// An order counts by the first event that places it.
fn count_placed(inputs: &[FileEvent], window: Window, account: &mut Account) {
    let mut first: HashMap<(&str, &str), i64> = HashMap::new();
    for input in inputs {
        let Event::OrderPlaced(order) = &input.event else { continue };
        let at_ms = input.time_ms.unwrap_or_default();
        let key = (order.channel.as_str(), order.order_id.as_str());
        if *first.entry(key).or_insert(at_ms) == at_ms && window.holds(at_ms) {
            account.placed(order);
        }
    }
}
