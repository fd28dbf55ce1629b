//! What was promised, and what would be promised before anything is bought.

use omnifold_domain::calendar::date_of;
use omnifold_domain::promise::{Fate, Made, OrderPromise, PromiseKind, Tally, tally};
use omnifold_domain::{Decision, OrderKey, State as _, View};
use omnifold_events::{format_time, parse_time, v1};
use omnifold_state::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{QueryError, node_id};
use crate::decide::{Supposed, decisions};
use crate::machine::Machine;

/// What somebody wants to buy, and where it is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseAsked {
    /// The channel that sells it.
    pub channel: String,
    /// SKU and 1/1000 units, in the order asked.
    pub items: Vec<(String, i64)>,
    /// Microdegrees, north and east positive.
    pub to: Option<(i32, i32)>,
    /// ISO 3166-1 alpha-2; empty: unknown.
    pub country: String,
    /// Leading part of the postcode; empty: unknown.
    pub area: String,
    /// When it would be bought, milliseconds since the Unix epoch; 0: now by the market's clock.
    pub at_ms: i64,
}

impl PromiseAsked {
    /// Reads what people write: `tea-500=2,mug` and `48.85,2.35`; an empty text says nothing. Says
    /// what is wrong otherwise.
    pub fn read(
        channel: &str,
        items: &str,
        to: &str,
        (country, area): (&str, &str),
        at: &str,
    ) -> Result<Self, String> {
        let items: Result<Vec<_>, String> = items.split(',').map(item).collect();
        let at_ms = match at {
            "" => 0,
            at => parse_time(at).map_err(|fault| fault.to_string())?,
        };
        Ok(PromiseAsked {
            channel: channel.to_owned(),
            items: items?,
            to: if to.is_empty() { None } else { Some(place(to)?) },
            country: country.to_owned(),
            area: area.to_owned(),
            at_ms,
        })
    }

    fn order(&self) -> v1::OrderPlaced {
        let line = |(number, (sku, quantity_milli)): (u32, &(String, i64))| v1::OrderLine {
            line_id: number.to_string(),
            sku: sku.clone(),
            quantity_milli: *quantity_milli,
            ..v1::OrderLine::default()
        };
        let location = self.to.map(|(lat_e6, lon_e6)| v1::Location { lat_e6, lon_e6 });
        v1::OrderPlaced {
            channel: self.channel.clone(),
            order_id: "(asked before it is bought)".to_owned(),
            lines: (1..).zip(&self.items).map(line).collect(),
            destination: Some(v1::Destination {
                country: self.country.clone(),
                postcode_area: self.area.clone(),
                location,
                ..v1::Destination::default()
            }),
            ..v1::OrderPlaced::default()
        }
    }
}

/// `sku=2`, `sku=0.5` or `sku`.
fn item(text: &str) -> Result<(String, i64), String> {
    let (sku, units) = text.split_once('=').unwrap_or((text, "1"));
    let fault = || format!("`{text}` is not SKU=UNITS, such as `tea-500=2`");
    let (whole, parts) = units.split_once('.').unwrap_or((units, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if sku.is_empty() || whole.is_empty() || parts.len() > 3 || !digits(whole) || !digits(parts) {
        return Err(fault());
    }
    let milli: i64 = format!("{whole}{parts:0<3}").parse().map_err(|_| fault())?;
    if milli > 0 { Ok((sku.to_owned(), milli)) } else { Err(fault()) }
}

/// `48.85,2.35` as microdegrees.
fn place(text: &str) -> Result<(i32, i32), String> {
    let fault = || format!("`{text}` is not LAT,LON in degrees, such as `48.85,2.35`");
    let (lat, lon) = text.split_once(',').ok_or_else(fault)?;
    let microdegrees = |part: &str, most: f64| {
        let degrees: f64 = part.trim().parse().map_err(|_| fault())?;
        let within = degrees.abs() <= most;
        within.then(|| (degrees * 1e6).round() as i32).ok_or_else(fault)
    };
    Ok((microdegrees(lat, 90.0)?, microdegrees(lon, 180.0)?))
}

/// What would be promised. Everything is taken back: nothing is published or stored.
pub(super) fn foreseen_body(
    machine: &mut Machine,
    asked: &PromiseAsked,
) -> Result<Value, QueryError> {
    machine.store.begin_step();
    // Whoever asks has not paid yet, and is told what holds once they have.
    if let Some(mut settings) = machine.settings().cloned() {
        settings.payment = v1::PaymentRule::Nothing.into();
        machine.store.put_settings(settings);
    }
    let supposed = Supposed { policy: None, order: asked.order() };
    let decided = decisions(machine, &supposed, asked.at_ms);
    machine.store.roll_back();
    let decided = decided.map_err(|refusal| QueryError::NotFound(refusal.to_string()))?;
    let nodes: Vec<&str> = decided
        .iter()
        .filter_map(|decision| match decision {
            Decision::Assigned(message) => Some(message.node_id.as_str()),
            _ => None,
        })
        .collect();
    let outcome = decided.iter().find_map(|decision| match decision {
        Decision::Outcome(outcome) => Some(outcome),
        Decision::Assigned(message) => message.outcome.as_ref(),
        _ => None,
    });
    let promise = outcome.and_then(|outcome| outcome.promise.as_deref());
    Ok(json!({
        "status": outcome.map(|outcome| outcome.status().as_str_name()),
        "reason": outcome.map(|outcome| &outcome.reason),
        "nodes": nodes,
        "promise": promise.map(|promise| promise_body(&machine.store, promise)),
    }))
}

fn date(day: i32) -> String {
    date_of(day).map_or_else(|| day.to_string(), |date| date.to_string())
}

/// A promise as people read it; nothing where nothing is promised.
pub(super) fn promise_body<V: View>(store: &V, promise: &v1::Promise) -> Value {
    let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase();
    match promise.source() {
        v1::PromiseSource::Unspecified => Value::Null,
        source => json!({
            "earliest": date(promise.earliest_day), "latest": date(promise.latest_day),
            "source": word(source.as_str_name(), "PROMISE_SOURCE_"),
            "level": word(promise.level().as_str_name(), "PROMISE_LEVEL_"),
            "deliveries": promise.deliveries, "late_ppm": promise.late_ppm,
            "node": node_id(store, omnifold_domain::NodeIx(promise.node)),
            "made_at": format_time(promise.made_at_ms),
            "stock_due": (promise.stock_due_ms != 0).then(|| format_time(promise.stock_due_ms)),
        }),
    }
}

/// What was promised for an order and what became of it; nothing where the market did not promise.
pub(super) fn of_order<V: View>(store: &mut V, key: OrderKey) -> Value {
    let Some(row) = store.promise_of(key).cloned() else { return Value::Null };
    let OrderPromise { given, first, expected, moved, fate, .. } = row;
    let interval = |made: Made| {
        let (earliest, latest) = (made.promised.earliest_day, made.promised.latest_day);
        json!({ "earliest": date(earliest), "latest": date(latest) })
    };
    let (delivered, late) = match fate {
        Fate::Delivered(day) => {
            (Some(date(day)), first.map(|first| day > first.promised.latest_day))
        }
        Fate::Open | Fate::Ended => (None, None),
    };
    json!({
        "now": given.map_or(Value::Null, |given| promise_body(store, &given.message())),
        "first": first.map(interval), "expected_at_hand_over": expected.map(interval),
        "moved_later": moved, "delivered": delivered, "late": late,
    })
}

/// What became of the market's promises, by kind; nothing where it made none.
pub(super) fn of_market(store: &Store) -> Value {
    let kinds = [
        ("learned", PromiseKind::Learned),
        ("by_calendar", PromiseKind::Calendar),
        ("at_hand_over", PromiseKind::HandedOver),
        ("of_inbound_stock", PromiseKind::Inbound),
    ];
    let rows = kinds.into_iter().map(|(name, kind)| (name, tally(store, kind)));
    let rows = rows.filter(|(_, tally)| tally.orders > 0);
    rows.map(|(name, tally)| tally_body(name, &tally)).collect()
}

fn tally_body(name: &str, tally: &Tally) -> Value {
    let orders = tally.orders as f64;
    let mean = |days: i64| format!("{:.2}", days as f64 / orders);
    let share = |count: u64| format!("{:.2} %", count as f64 * 100.0 / orders);
    json!({
        "promises": name, "delivered": tally.orders,
        "late": share(tally.late), "early": share(tally.early),
        "mean_days_promised": mean(tally.promised_days), "mean_days_taken": mean(tally.taken_days),
        "mean_days_wide": mean(tally.width_days),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_reads_as_people_write_it() {
        let asked = PromiseAsked::read("web", "a=2,b,c=0.5", "48.85,-2.5", ("FR", "750"), "")
            .expect("a question");
        let items = [("a", 2_000), ("b", 1_000), ("c", 500)].map(|(sku, n)| (sku.to_owned(), n));
        assert_eq!(asked.items, items);
        assert_eq!((asked.to, asked.at_ms), (Some((48_850_000, -2_500_000)), 0));
        let order = asked.order();
        assert_eq!((order.lines.len(), order.lines[2].quantity_milli), (3, 500));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (items, to, at) in
            [("", "", ""), ("a=x", "", ""), ("a=0", "", ""), ("a", "91,0", ""), ("a", "", "noon")]
        {
            let asked = PromiseAsked::read("web", items, to, ("", ""), at);
            assert!(asked.is_err(), "{items} {to} {at}");
        }
    }
}
