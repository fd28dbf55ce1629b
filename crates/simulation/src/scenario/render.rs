//! Outputs of the engine to lines of text: one for each message, two for a fulfilment that holds
//! its order's outcome.

use omnifold_events::format_time;
use omnifold_events::v1::{self, Cause, OutcomeStatus, StockHoldStatus};

use super::lots::lots_text;
use super::parse::CHANNEL;
use super::policies::wave_line;
use super::promise::{moved_text, promised_text};
use super::render_supply::supply_line;
use super::{FulfilmentFigures, PhasedTable, StockFigures};
use crate::output::Output;

/// The lines of one step's outputs, in the order they were published.
pub fn render(outputs: &[Output]) -> Vec<String> {
    outputs.iter().flat_map(lines_of).collect()
}

fn lines_of(output: &Output) -> Vec<String> {
    match output {
        Output::Outcome(outcome) => vec![outcome_line(outcome)],
        Output::Assigned(message) => {
            let mut lines: Vec<String> = message.outcome.iter().map(outcome_line).collect();
            let delivery = message.delivery.as_deref().map_or_else(String::new, delivery_text);
            let promised = message.promise.as_deref().map_or_else(String::new, promised_text);
            let over = match message.send_to_node_id.as_str() {
                "" => String::new(),
                node => format!("; to {node}"),
            };
            lines.push(fulfilment_line(output, "", &message.lines) + &over + &delivery + &promised);
            lines
        }
        Output::Changed(message) => vec![
            fulfilment_line(output, "keeps ", &message.lines)
                + &holds_text(&message.holds)
                + &message.delivery.as_deref().map_or_else(String::new, delivery_text)
                + &message.promise.as_deref().map_or_else(String::new, promised_text),
        ],
        Output::ReleaseRequested(message) => {
            vec![fulfilment_line(output, "asked back ", &message.lines)]
        }
        Output::Released(message) => vec![fulfilment_line(output, "released ", &message.lines)],
        Output::Variance(message) => vec![variance_line(message)],
        Output::Notice(notice) => vec![notice_line(notice)],
        Output::Supply(notice) => vec![supply_line(notice)],
        Output::ReturnAuthorised(message) => vec![authorised_line(message)],
        Output::ReturnRefused(message) => {
            let name = order_name(&message.channel, &message.order_id);
            let line = match message.line_id.as_str() {
                "" => String::new(),
                line => format!(" line {line}"),
            };
            vec![format!("{name} return {} refused {}{line}", message.return_id, message.reason)]
        }
        Output::RefundDue(message) => vec![refund_line(message)],
        Output::SoftHold(message) => vec![stock_hold_line(message)],
        Output::Wave(message) => vec![wave_line(message)],
        Output::Rejected(message) => {
            let name = message.event_type.trim_start_matches("omnifold.v1.");
            vec![format!("rejected {name} {}", message.reason)]
        }
    }
}

fn variance_line(message: &v1::CountVariance) -> String {
    let (node, sku, now) = (&message.node_id, &message.sku, units(message.variance_milli));
    match message.corrected_from_milli {
        None => format!("{node} {sku} variance {now}"),
        Some(was) => format!("{node} {sku} variance {now}, was {}", units(was)),
    }
}

/// `notice O/f1 shipped line 1 x2; ups 1Z9`, `notice O refund_due 7.77 cancelled`.
fn notice_line(notice: &v1::Notice) -> String {
    let mut text = format!("notice {}", order_name(&notice.channel, &notice.order_id));
    if notice.fulfilment > 0 {
        text += &format!("/f{}", notice.fulfilment);
    }
    text += &format!(" {}", word(notice.kind().as_str_name(), "NOTICE_KIND_"));
    if notice.ticket > 0 {
        let kind = word(notice.ticket_kind().as_str_name(), "TICKET_KIND_");
        text += &format!(" {} {kind}", notice.ticket);
    }
    if !notice.lines.is_empty() {
        text += &format!(" {}", quantities(&notice.lines));
    }
    if let Some(amount) = &notice.amount {
        text += &format!(" {}", money(amount.minor));
    }
    for part in [&notice.reference, &notice.reason] {
        if !part.is_empty() {
            text += &format!(" {part}");
        }
    }
    text += &moved_text(notice);
    if !notice.tracking_number.is_empty() {
        text += &format!("; {} {}", notice.carrier, notice.tracking_number);
    }
    match notice.due_ms {
        0 => text,
        due => text + &format!(" until {}", format_time(due)),
    }
}

/// Channel `web` goes without saying.
pub(super) fn order_name(channel: &str, order_id: &str) -> String {
    if channel == CHANNEL { order_id.to_owned() } else { format!("{channel}/{order_id}") }
}

fn outcome_line(outcome: &v1::OrderOutcome) -> String {
    let name = order_name(&outcome.channel, &outcome.order_id);
    match (outcome.status(), outcome.cause()) {
        (OutcomeStatus::Cancelled, cause) => {
            let because =
                if cause == Cause::Cancelled { String::new() } else { cause_suffix(cause) };
            let text = format!("{name} cancelled {}", quantities(&outcome.cancelled));
            let text = format!("{}{because}", text.trim_end());
            match outcome.release_requested.as_slice() {
                [] => text,
                asked => format!("{text}; release requested {}", quantities(asked)),
            }
        }
        (OutcomeStatus::ReleaseRequested, _) => {
            format!("{name} release requested {}", quantities(&outcome.release_requested))
        }
        (OutcomeStatus::Refused, Cause::Cancelled) => {
            let text = format!("{name} cancellation refused {}", outcome.reason);
            match outcome.kept.as_slice() {
                [] => text,
                kept => format!("{text}; kept {}", quantities(kept)),
            }
        }
        (status, cause) => {
            let mut text = format!("{name} {}", word(status.as_str_name(), "OUTCOME_STATUS_"));
            if !outcome.reason.is_empty() {
                text += &format!(" {}", outcome.reason);
            }
            text += &cause_suffix(cause);
            text += &holds_text(&outcome.holds);
            for by in &outcome.stand_ins {
                text += &stand_in_text(by);
            }
            for shortage in &outcome.shortages {
                text += &format!("; {}", shortage_text(shortage));
            }
            if !outcome.waiting.is_empty() {
                text += &format!("; waiting {}", quantities(&outcome.waiting));
            }
            // A refusal takes back every unit; saying so again adds nothing.
            if !outcome.cancelled.is_empty() && status != OutcomeStatus::Refused {
                text += &format!("; cancelled {}", quantities(&outcome.cancelled));
            }
            if outcome.for_wave {
                text += " for a wave";
            }
            if outcome.earliest_schedule_ms != 0 {
                text += &format!("; not before {}", format_time(outcome.earliest_schedule_ms));
            }
            if outcome.retry_at_ms != 0 {
                text += &format!("; again at {}", format_time(outcome.retry_at_ms));
            }
            text + &outcome.promise.as_deref().map_or_else(String::new, promised_text)
        }
    }
}

/// `; line 1 T for S`, `; line 1 K as parts`.
fn stand_in_text(by: &v1::StandIn) -> String {
    match by.sku.as_str() {
        "" => format!("; line {} {} as parts", by.line_id, by.ordered_sku),
        sku => format!("; line {} {sku} for {}", by.line_id, by.ordered_sku),
    }
}

fn authorised_line(message: &v1::ReturnAuthorised) -> String {
    let name = order_name(&message.channel, &message.order_id);
    let mut text = format!("{name} return {} to {}", message.return_id, message.node_id);
    if let Some(order) = &message.replacement {
        text += &format!("; replaced by {}", order_name(&message.channel, &order.order_id));
    }
    text
}

/// `O due for R1 line 2 14.00, line 3 23.07 credit; refund 14.00 credit 23.07`.
fn refund_line(message: &v1::RefundDue) -> String {
    let name = order_name(&message.channel, &message.order_id);
    let line = |line: &v1::RefundLine| {
        let credit = line.response() == v1::ReturnResponse::Credit;
        let suffix = if credit { " credit" } else { "" };
        format!("line {} {}{suffix}", line.line_id, money(line.amount_minor))
    };
    let lines: Vec<String> = message.lines.iter().map(line).collect();
    let what = match message.return_id.as_str() {
        "" => String::new(),
        return_id => format!(" for {return_id}"),
    };
    let mut text =
        format!("{name} due{what} {}{};", lines.join(", "), cause_suffix(message.cause()));
    let totals = [("refund", &message.refund), ("credit", &message.credit), ("fee", &message.fee)];
    for (word, amount) in totals {
        if let Some(amount) = amount {
            text += &format!(" {word} {}", money(amount.minor));
        }
    }
    text
}

pub(super) fn money(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// `; held by h1 fraud, payment`: the engine's own hold has no name.
fn holds_text(holds: &[v1::Hold]) -> String {
    let text = |hold: &v1::Hold| {
        let reason = word(hold.reason().as_str_name(), "HOLD_REASON_");
        if hold.hold_id.is_empty() { reason } else { format!("{} {reason}", hold.hold_id) }
    };
    match holds {
        [] => String::new(),
        holds => format!("; held by {}", holds.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}

/// `; by express on 2025-06-05 from 8:00`: what a node is told beyond its units.
fn delivery_text(terms: &v1::DeliveryTerms) -> String {
    let mut text = String::new();
    let mut add = |word: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("; {word} {value}");
        }
    };
    add("by", &terms.shipping_method);
    add("on", &terms.requested_date);
    if let Some(window) = &terms.window {
        let time = |ms: i64| if ms == 0 { String::new() } else { format_time(ms) };
        add("from", &time(window.from_ms));
        add("until", &time(window.until_ms));
    }
    add("gift", if terms.gift && terms.gift_wrap.is_empty() { "yes" } else { &terms.gift_wrap });
    if let Some(location) = terms.destination.as_ref().and_then(|to| to.location.as_ref()) {
        let degrees = |e6: i32| f64::from(e6) / 1e6;
        add("to", &format!("{},{}", degrees(location.lat_e6), degrees(location.lon_e6)));
    }
    text
}

/// `stock hold A held N S x3 until 2025-06-02T10:07:00Z`, `stock hold A expired N S x3`.
fn stock_hold_line(outcome: &v1::StockHoldOutcome) -> String {
    let name = order_name(&outcome.channel, &outcome.hold_id);
    let mut text =
        format!("stock hold {name} {}", word(outcome.status().as_str_name(), "STOCK_HOLD_STATUS_"));
    if !outcome.reason.is_empty() {
        text += &format!(" {}", outcome.reason);
    }
    for shortage in &outcome.shortages {
        text += &format!("; {}", shortage_text(shortage));
    }
    let units: Vec<String> = outcome
        .units
        .iter()
        .map(|held| format!("{} {} x{}", held.node_id, held.sku, units(held.quantity_milli)))
        .collect();
    if !units.is_empty() {
        text += &format!(" {}", units.join(", "));
    }
    match outcome.status() {
        StockHoldStatus::Held => text + &format!(" until {}", format_time(outcome.expires_at_ms)),
        StockHoldStatus::Consumed => text + &format!(" by {}", outcome.order_id),
        _ => text,
    }
}

fn shortage_text(shortage: &v1::SkuShortage) -> String {
    let (asked, there) = (units(shortage.requested_milli), units(shortage.available_milli));
    format!("{} requested {asked} available {there}", shortage.sku)
}

fn quantities(lines: &[v1::LineQuantity]) -> String {
    let text =
        |line: &v1::LineQuantity| format!("line {} x{}", line.line_id, units(line.quantity_milli));
    lines.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn fulfilment_line(output: &Output, verb: &str, lines: &[v1::AssignedLine]) -> String {
    let (channel, order_id) = output.order();
    let name = order_name(channel, order_id);
    let number = output.fulfilment().unwrap_or_default();
    let node = output.node().unwrap_or_default();
    let parts: Vec<String> = lines.iter().map(assigned_text).collect();
    let cause = cause_suffix(output.cause());
    format!("{name}/f{number} {node} {verb}{}{cause}", parts.join(", "))
}

fn assigned_text(line: &v1::AssignedLine) -> String {
    let text = format!("{} x{}{}", line.sku, units(line.quantity_milli), origin_text(line));
    let text = text + &lots_text(&line.lots);
    match line.backordered_milli {
        0 => text,
        backordered => format!("{text} ({} backordered)", units(backordered)),
    }
}

/// ` of K` for a part of a kit, ` for S` for a substitute.
fn origin_text(line: &v1::AssignedLine) -> String {
    let Some(origin) = &line.origin else { return String::new() };
    let word = |word: &str, name: &str| match name {
        "" => String::new(),
        name => format!(" {word} {name}"),
    };
    word("of", &origin.kit_sku) + &word("for", &origin.substitute_for)
}

fn cause_suffix(cause: Cause) -> String {
    match cause {
        Cause::Placed | Cause::Unspecified => String::new(),
        other => format!(" ({})", word(other.as_str_name(), "CAUSE_")),
    }
}

fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

/// 1/1000 units as a decimal without trailing zeros.
pub(super) fn units(milli: i64) -> String {
    let (sign, size) = (if milli < 0 { "-" } else { "" }, milli.unsigned_abs());
    let decimals = format!("{:03}", size % 1_000);
    match decimals.trim_end_matches('0') {
        "" => format!("{sign}{}", size / 1_000),
        decimals => format!("{sign}{}.{decimals}", size / 1_000),
    }
}

/// `N S on_hand 5 allocated 3 atp 2`, with the other buckets, `short` and `price` where there are any.
pub fn render_stock(node: &str, sku: &str, figures: &StockFigures) -> String {
    let mut text = format!(
        "{node} {sku} on_hand {} allocated {}",
        units(figures.on_hand_milli),
        units(figures.allocated_milli)
    );
    for (name, milli) in [
        ("held", figures.held_milli),
        ("quarantine", figures.quarantine_milli),
        ("in_transit", figures.in_transit_milli),
        ("written_off", figures.written_off_milli),
        ("returned_to_supplier", figures.returned_to_supplier_milli),
        ("inbound", figures.inbound_milli),
        ("short", figures.short_milli),
    ] {
        if milli != 0 {
            text += &format!(" {name} {}", units(milli));
        }
    }
    text += &format!(" atp {}", units(figures.atp_milli));
    if figures.price_milli != 0 {
        text += &format!(" price {}", units(figures.price_milli));
    }
    if !figures.lots.is_empty() {
        text += &format!(" lots {}", figures.lots.join(", "));
    }
    if !figures.quarantined.is_empty() {
        text += &format!(" quarantined {}", figures.quarantined.join(", "));
    }
    match figures.serials {
        None | Some((0, 0)) => text,
        Some((on_hand, 0)) => text + &format!(" serials {on_hand}"),
        Some((on_hand, aside)) => text + &format!(" serials {on_hand} quarantined {aside}"),
    }
}

/// `atp 0 2 3`; where an order was asked about, `order of 3 in period 3`, or `no period` has it.
pub(super) fn render_phased(
    table: &PhasedTable,
    atp: &[i64],
    offered: Option<usize>,
) -> Vec<String> {
    let row: Vec<String> = atp.iter().map(|&milli| units(milli)).collect();
    let mut lines = vec![format!("atp {}", row.join(" "))];
    if let Some((wanted, _)) = table.order {
        let wanted = units(wanted);
        lines.push(match offered {
            Some(period) => format!("order of {wanted} in period {}", period + 1),
            None => format!("order of {wanted} in no period"),
        });
    }
    lines
}

/// `O/f1 N Shipped`, and a line for each parcel with what its carriers said.
pub fn render_fulfilment(id: &str, figures: &FulfilmentFigures) -> Vec<String> {
    let id = id.strip_prefix(&format!("{CHANNEL}/")).unwrap_or(id);
    let mut lines = vec![format!("{id} {} {}", figures.node, figures.state)];
    for parcel in &figures.parcels {
        let mut text =
            format!("parcel {} {} {}", parcel.carrier, parcel.tracking_number, parcel.status);
        if let Some(at) = &parcel.delivered_at {
            text += &format!(" at {at}");
        }
        if !parcel.history.is_empty() {
            text += &format!("; {}", parcel.history.join(", "));
        }
        lines.push(text);
    }
    lines
}
