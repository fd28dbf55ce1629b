//! Text to commands.

use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{Event, parse_time, v1};

use super::promise::question;
use super::words::{Fault, Words, minor, number, place, quantity};
use super::{
    Action, ScenarioError, Step, changes, lots, nodes, policies, promise, serials, stock, supply,
    work,
};

/// Channel of orders that name none.
pub(super) const CHANNEL: &str = "web";
const SOURCE: &str = "scenario";
/// Time from one event to the next.
const TICK_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

/// Time of the first event where no `at` comes before it: 2025-06-02T00:00:00Z.
const START_MS: i64 = 1_748_822_400_000;

/// Reads a scenario.
pub fn parse(text: &str) -> Result<Vec<Step>, ScenarioError> {
    let mut reader = Reader { steps: Vec::new(), clock_ms: START_MS, newest: None };
    for (place, line) in text.lines().enumerate() {
        reader.line(place + 1, line).map_err(|what| ScenarioError {
            line: place + 1,
            text: line.to_owned(),
            what,
        })?;
    }
    Ok(reader.steps)
}

struct Reader {
    steps: Vec<Step>,
    clock_ms: i64,
    newest: Option<FileEvent>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), Fault> {
        if let Some(output) = text.trim_start().strip_prefix('>') {
            let step = self.steps.last_mut().ok_or("output before any command")?;
            step.expected.push(output.trim().to_owned());
            return Ok(());
        }
        if let Some(document) = text.trim_start().strip_prefix('|') {
            let event = policies::add_line(
                &mut self.steps,
                document.strip_prefix(' ').unwrap_or(document),
            )?;
            if let Some(newest) = &mut self.newest {
                newest.event = event;
            }
            return Ok(());
        }
        let command = text.split('#').next().unwrap_or_default().trim();
        if command.is_empty() {
            return Ok(());
        }
        let mut words = Words::of(command);
        let verb = words.next("a command")?;
        if verb == "at" {
            self.clock_ms = parse_time(words.next("a time")?).map_err(|fault| fault.to_string())?;
            return words.end();
        }
        let action = self.action(line, verb, &mut words)?;
        words.end()?;
        let (text, expected) = (command.to_owned(), Vec::new());
        self.steps.push(Step { line, text, action, expected });
        Ok(())
    }

    fn action(&mut self, line: usize, verb: &str, words: &mut Words<'_>) -> Result<Action, Fault> {
        let event = match verb {
            "restart" => return Ok(Action::Restart),
            "stock" => {
                let (node, sku) = shelf(words)?;
                return Ok(Action::ShowStock { node, sku });
            }
            "ledger" => {
                let (node, sku) = shelf(words)?;
                let as_of_ms = words.option("as_of").map(parse_time).transpose();
                let as_of_ms = as_of_ms.map_err(|fault| fault.to_string())?;
                return Ok(Action::ShowLedger { node, sku, as_of_ms });
            }
            "timephased" => return Ok(Action::ShowPhased(stock::phased(words)?)),
            "available" => {
                let channel = words.next("a channel")?.to_owned();
                let sku = words.next("a SKU")?.to_owned();
                return Ok(Action::ShowAvailable { channel, sku });
            }
            "inbound" => {
                let (node, sku) = shelf(words)?;
                return Ok(Action::ShowInbound { node, sku });
            }
            "serial" => {
                let sku = words.next("a SKU")?.to_owned();
                let serial = words.next("a serial number")?.to_owned();
                return Ok(Action::ShowSerial { sku, serial });
            }
            "purchase_order" => {
                let id = words.next("a purchase order")?.to_owned();
                return Ok(Action::ShowPurchaseOrder { id });
            }
            "score" => {
                let node = words.next("a node")?.to_owned();
                return Ok(Action::ShowScore { node });
            }
            "why" => {
                let channel = words.option("channel").unwrap_or(CHANNEL).to_owned();
                let order_id = words.next("an order")?.to_owned();
                return Ok(Action::ShowWhy { channel, order_id });
            }
            "promise" => return Ok(Action::Promise(Box::new(question(words)?))),
            "show" => {
                let channel = words.option("channel").unwrap_or(CHANNEL);
                let id = format!("{channel}/{}", words.next("a fulfilment")?);
                return Ok(Action::ShowFulfilment { id });
            }
            "again" => self.newest.clone().ok_or("there is no event to deliver again")?,
            _ => self.event(line, verb, words)?,
        };
        self.newest = Some(event.clone());
        Ok(Action::Event(Box::new(event)))
    }

    fn event(
        &mut self,
        line: usize,
        verb: &str,
        words: &mut Words<'_>,
    ) -> Result<FileEvent, Fault> {
        let event = event(verb, words, self.clock_ms)?;
        let id = words.option("id").map_or_else(|| format!("line-{line}"), str::to_owned);
        let source = words.option("source").unwrap_or(SOURCE).to_owned();
        let time_ms = Some(self.clock_ms);
        self.clock_ms += TICK_MS;
        Ok(FileEvent { id, source, time_ms, event })
    }
}

fn event(verb: &str, words: &mut Words<'_>, clock_ms: i64) -> Result<Event, Fault> {
    Ok(match verb {
        "market" => market(words)?.into(),
        "node" => node(words)?.into(),
        "capacity" => capacity(words)?.into(),
        "item" => item(words)?.into(),
        "count" => count(words)?.into(),
        "adjust" => adjust(words)?.into(),
        "move" => relocation(words)?.into(),
        "receive" => receipt(words)?.into(),
        "transfer" => transfer(words)?.into(),
        "arrived" => arrival(words)?.into(),
        "recall" => {
            let transfer_id = words.next("a transfer")?.to_owned();
            v1::TransferCancelled { transfer_id, ..Default::default() }.into()
        }
        "sales" => sales(words)?.into(),
        "markdown" => policies::markdown(words)?,
        "channel" => channel(words)?.into(),
        "prices" => prices(words)?.into(),
        "settings" => settings(words)?.into(),
        "order" => order(words)?.into(),
        "cancel" => cancel(words)?.into(),
        "hold_stock" => hold_stock(words)?.into(),
        "unhold_stock" => {
            let (hold_id, channel) = (words.next("a hold")?.to_owned(), channel_name(words));
            v1::StockHoldReleased { channel, hold_id, ..Default::default() }.into()
        }
        "tick" => v1::ItemDefined {
            sku: "tick".to_owned(),
            name: "tick".to_owned(),
            ..Default::default()
        }
        .into(),
        "close_wave" => policies::wave(words)?,
        "policy" | "retire_policy" => policies::event(verb, words)?,
        "accept" => {
            let target = target(words)?;
            v1::FulfilmentAccepted { target, ..Default::default() }.into()
        }
        "reject" => reject(words)?.into(),
        "ship" => {
            let (target, lines) = (target(words)?, lines(words)?);
            let (lots, serials) = (lots::taken(words)?, serials::of_lines(words)?);
            let carrier = words.option("carrier").unwrap_or_default().to_owned();
            let tracking_number = words.option("number").unwrap_or_default().to_owned();
            let shipped =
                v1::FulfilmentShipped { target, lines, lots, serials, ..Default::default() };
            v1::FulfilmentShipped { carrier, tracking_number, ..shipped }.into()
        }
        "deliver" => {
            let (target, lines) = (target(words)?, lines(words)?);
            v1::FulfilmentDelivered { target, lines, ..Default::default() }.into()
        }
        other => {
            let of_supply = supply::event(other, words)?;
            return of_supply.map_or_else(|| work::event(other, words, clock_ms), Ok);
        }
    })
}

/// The value of an enum whose names have this prefix.
pub(super) fn choice<T>(prefix: &str, word: &str, find: fn(&str) -> Option<T>) -> Result<T, Fault> {
    let name = format!("{prefix}_{}", word.to_uppercase());
    find(&name).ok_or_else(|| format!("`{word}` is none of the values of {prefix}"))
}

fn market(words: &mut Words<'_>) -> Result<v1::MarketConfigured, Fault> {
    let clock = words.option("clock").unwrap_or("events");
    let coverage = words.option("coverage").unwrap_or("ship_complete");
    let shortage = words.option("shortage").unwrap_or("refuse");
    let payment = words.option("payment").unwrap_or("nothing");
    let release = words.option("release").unwrap_or("at_once");
    Ok(v1::MarketConfigured {
        clock: choice("CLOCK_KIND", clock, v1::ClockKind::from_str_name)?.into(),
        currency: "EUR".to_owned(),
        coverage: choice("COVERAGE", coverage, v1::Coverage::from_str_name)?.into(),
        shortage: choice("SHORTAGE", shortage, v1::Shortage::from_str_name)?.into(),
        explanation: v1::ExplanationLevel::Full.into(),
        payment: choice("PAYMENT_RULE", payment, v1::PaymentRule::from_str_name)?.into(),
        release: choice("RELEASE_RULE", release, v1::ReleaseRule::from_str_name)?.into(),
        return_window_ms: words.option("return_days").map_or(Ok(0), number)? as i64 * DAY_MS,
        worst_return_condition: match words.option("worst_condition") {
            None => 0,
            Some(word) => choice("ITEM_CONDITION", word, v1::ItemCondition::from_str_name)?.into(),
        },
        return_fee_minor: words.option("return_fee").map_or(Ok(0), minor)?,
        max_parcel_g: words.option("max_parcel_g").map_or(Ok(0), number)?,
        accept_within_ms: words.span_option("accept_within")?,
        pick_within_ms: words.span_option("pick_within")?,
        cancel_waiting_after_ms: words.span_option("cancel_waiting_after")?,
        max_closed_ms: words.span_option("max_closed")?,
        notices: nodes::notices(words)?,
        promise: promise::rules(words)?,
        pickup_expires_after_ms: words.span_option("pickup_expires_after")?,
        pickup_reminder_after_ms: words.span_option("pickup_reminder_after")?,
        return_expires_after_ms: words.span_option("return_expires_after")?,
        pickup_supply: supply(words)?,
        ..Default::default()
    })
}

fn supply(words: &mut Words<'_>) -> Result<i32, Fault> {
    let word = words.option("pickup_supply").unwrap_or("unspecified");
    Ok(choice("PICKUP_SUPPLY", word, v1::PickupSupply::from_str_name)?.into())
}

fn node(words: &mut Words<'_>) -> Result<v1::NodeDefined, Fault> {
    let node_id = words.next("a node")?.to_owned();
    let location = if words.take("at") { Some(place(words.next("a place")?)?) } else { None };
    Ok(v1::NodeDefined {
        name: node_id.clone(),
        node_id,
        kind: match words.option("kind") {
            None => v1::NodeKind::Warehouse,
            Some(word) => choice("NODE_KIND", word, v1::NodeKind::from_str_name)?,
        }
        .into(),
        location,
        country: "FR".to_owned(),
        disabled: words.take("disabled"),
        takes_returns: words.take("takes_returns"),
        accept_within_ms: words.span_option("accept_within")?,
        pick_within_ms: words.span_option("pick_within")?,
        dispatch_sla: supply::dispatch_sla(words)?,
        groups: names(words.option("groups")),
        ..Default::default()
    })
}

/// `a,b,c`.
fn names(list: Option<&str>) -> Vec<String> {
    let names = list.unwrap_or_default().split(',');
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn capacity(words: &mut Words<'_>) -> Result<v1::NodeCapacitySet, Fault> {
    Ok(v1::NodeCapacitySet {
        node_id: words.next("a node")?.to_owned(),
        orders_per_day: number(words.next("orders a day")?)?,
        zone: words.option("zone").unwrap_or("UTC").to_owned(),
        ..Default::default()
    })
}

fn item(words: &mut Words<'_>) -> Result<v1::ItemDefined, Fault> {
    let sku = words.next("a SKU")?.to_owned();
    let scale = words.option("scale").map_or(Ok(0), number)?;
    let (components, picking, may_split) = stock::kit(words)?;
    let final_sale = words.take("final_sale");
    let serialised = words.take("serialised");
    let name = sku.clone();
    let weight_g = words.option("weight_g").map_or(Ok(0), number)?;
    let item = v1::ItemDefined { name, sku, scale, final_sale, weight_g, ..Default::default() };
    let purchase = supply::bought_in(words)?;
    Ok(v1::ItemDefined { components, picking, may_split, purchase, serialised, ..item })
}

pub(super) fn shelf(words: &mut Words<'_>) -> Result<(String, String), Fault> {
    Ok((words.next("a node")?.to_owned(), words.next("a SKU")?.to_owned()))
}

fn count(words: &mut Words<'_>) -> Result<v1::StockCounted, Fault> {
    let (node_id, sku) = shelf(words)?;
    let on_hand_milli = quantity(words.next("a quantity")?)?;
    let as_of_ms = words.time_option("as_of")?;
    let basis = words.option("basis").unwrap_or("unspecified");
    let basis = choice("COUNT_BASIS", basis, v1::CountBasis::from_str_name)?.into();
    let reason = words.option("reason").unwrap_or("unspecified");
    let reason = choice("COUNT_REASON", reason, v1::CountReason::from_str_name)?.into();
    let lots = lots::counted(words)?;
    let serials = serials::names(words.option("serials").unwrap_or_default());
    let count = v1::StockCounted { node_id, sku, on_hand_milli, lots, ..Default::default() };
    Ok(v1::StockCounted { as_of_ms, basis, reason, serials, ..count })
}

fn adjust(words: &mut Words<'_>) -> Result<v1::StockAdjusted, Fault> {
    let (node_id, sku) = shelf(words)?;
    let delta_milli = quantity(words.next("a quantity")?)?;
    let usual = if delta_milli < 0 { "correction" } else { "received" };
    let reason = words.option("reason").unwrap_or(usual);
    let reason = choice("ADJUSTMENT_REASON", reason, v1::AdjustmentReason::from_str_name)?;
    let (reason, units) = (reason.into(), lots::units(words));
    Ok(v1::StockAdjusted { node_id, sku, delta_milli, reason, units, ..Default::default() })
}

fn bucket(word: &str) -> Result<i32, Fault> {
    Ok(choice("STOCK_BUCKET", word, v1::StockBucket::from_str_name)?.into())
}

fn relocation(words: &mut Words<'_>) -> Result<v1::StockMoved, Fault> {
    let (node_id, sku) = shelf(words)?;
    let quantity_milli = quantity(words.next("a quantity")?)?;
    words.take("from");
    let from = bucket(words.next("a bucket")?)?;
    words.take("to");
    let to = bucket(words.next("a bucket")?)?;
    let reason = words.option("reason").unwrap_or("unspecified");
    let reason = choice("MOVE_REASON", reason, v1::MoveReason::from_str_name)?.into();
    let units = lots::units(words);
    let moved = v1::StockMoved { node_id, sku, quantity_milli, from, to, ..Default::default() };
    Ok(v1::StockMoved { reason, units, ..moved })
}

fn receipt(words: &mut Words<'_>) -> Result<v1::StockReceived, Fault> {
    let (node_id, sku) = shelf(words)?;
    let quantity_milli = quantity(words.next("a quantity")?)?;
    let into = bucket(words.option("into").unwrap_or("unspecified"))?;
    let units = lots::units(words);
    Ok(v1::StockReceived { node_id, sku, quantity_milli, into, units, ..Default::default() })
}

fn transfer(words: &mut Words<'_>) -> Result<v1::TransferDispatched, Fault> {
    let transfer_id = words.next("a transfer")?.to_owned();
    let expected_at_ms = words.time_option("due")?;
    words.take("from");
    let from_node = words.next("a node")?.to_owned();
    words.take("to");
    let to_node = words.next("a node")?.to_owned();
    let mut lines = Vec::new();
    while let Some(line) = words.take_if(|word| word.contains(':')) {
        let (v1::OrderLine { sku, quantity_milli, .. }, _) = order_line(0, line)?;
        lines.push(v1::TransferLine { sku, quantity_milli, ..Default::default() });
    }
    let (lots, serials) = (words.option("lots"), words.option("serials").unwrap_or_default());
    for line in &mut lines {
        line.lots = lots.map_or(Ok(Vec::new()), |lots| lots::of_sku(lots, &line.sku))?;
        line.serials = serials::of(serials, &line.sku);
    }
    let extensions = Default::default();
    Ok(v1::TransferDispatched {
        transfer_id,
        from_node,
        to_node,
        lines,
        extensions,
        expected_at_ms,
    })
}

fn arrival(words: &mut Words<'_>) -> Result<v1::TransferReceived, Fault> {
    let transfer_id = words.next("a transfer")?.to_owned();
    let mut lines = Vec::new();
    while let Some(line) = words.take_if(|word| word.contains(':')) {
        let (v1::OrderLine { sku, quantity_milli, .. }, _) = order_line(0, line)?;
        lines.push(v1::TransferReceipt { sku, quantity_milli, ..Default::default() });
    }
    let lots = words.option("lots");
    let [serials, damaged_serials] =
        ["serials", "damaged_serials"].map(|name| words.option(name).unwrap_or_default());
    for line in &mut lines {
        line.lots = lots.map_or(Ok(Vec::new()), |lots| lots::of_sku(lots, &line.sku))?;
        line.serials = serials::of(serials, &line.sku);
        line.damaged_serials = serials::of(damaged_serials, &line.sku);
    }
    let damaged = words.quantity_option("damaged")?;
    match lines.last_mut() {
        Some(line) => line.damaged_milli = damaged,
        None if damaged != 0 => return Err("`damaged` needs a SKU before it".to_owned()),
        None => {}
    }
    let closes = words.take("closes");
    Ok(v1::TransferReceived { transfer_id, lines, closes, ..Default::default() })
}

fn sales(words: &mut Words<'_>) -> Result<v1::SalesRateSet, Fault> {
    let (node_id, sku) = shelf(words)?;
    let weekly_milli = quantity(words.next("a quantity")?)?;
    Ok(v1::SalesRateSet { node_id, sku, weekly_milli, ..Default::default() })
}

fn prices(words: &mut Words<'_>) -> Result<v1::PricesPublished, Fault> {
    let of = words.next("a SKU or `capacity`")?;
    let mut nodes = Vec::new();
    while let Some(word) = words.take_if(|word| word.contains(':')) {
        let (node, price) = word.split_once(':').expect("just seen");
        let price_milli = quantity(price)?;
        nodes.push(v1::NodePrice { node_id: node.to_owned(), price_milli });
    }
    let (stock, capacity) = match of {
        "capacity" => (Vec::new(), Some(v1::CapacityPrices { nodes })),
        sku => (vec![v1::StockPrices { sku: sku.to_owned(), nodes }], None),
    };
    let (valid_from_ms, valid_until_ms) = (words.time_option("from")?, words.time_option("until")?);
    Ok(v1::PricesPublished { valid_from_ms, valid_until_ms, stock, capacity, ..Default::default() })
}

fn channel(words: &mut Words<'_>) -> Result<v1::ChannelDefined, Fault> {
    Ok(v1::ChannelDefined {
        nodes: names(words.option("nodes")),
        groups: names(words.option("groups")),
        channel: words.next("a channel")?.to_owned(),
        threshold_milli: words.quantity_option("threshold")?,
        ..Default::default()
    })
}

fn settings(words: &mut Words<'_>) -> Result<v1::StockSettingsSet, Fault> {
    let (node_id, sku) = shelf(words)?;
    Ok(v1::StockSettingsSet {
        node_id,
        sku,
        buffer_milli: words.quantity_option("buffer")?,
        backorder_limit_milli: words.quantity_option("backorder_limit")?,
        flagged_out: words.take("flagged_out"),
        buffer_percent: words.option("percent").map_or(Ok(0), number)?,
        buffer_weeks_milli: words.quantity_option("weeks")?,
        ..Default::default()
    })
}

fn order(words: &mut Words<'_>) -> Result<v1::OrderPlaced, Fault> {
    let order_id = words.next("an order")?.to_owned();
    let (mut lines, mut line_charges) = (Vec::new(), Vec::new());
    let mut substitutes = Vec::new();
    if words.take("lines") {
        while let Some(line) = words.take_if(|word| word.contains(':')) {
            let (line, others) = stock::substitutes(lines.len() + 1, line);
            substitutes.extend(others);
            let (line, charges) = order_line(lines.len() + 1, &line)?;
            lines.push(line);
            line_charges.extend(charges);
        }
    }
    let location = if words.take("to") { Some(place(words.next("a place")?)?) } else { None };
    let country = words.option("country").unwrap_or("FR").to_owned();
    let postcode_area = words.option("postcode").unwrap_or_default().to_owned();
    let destination = v1::Destination { country, postcode_area, location, ..Default::default() };
    let coverage = match words.option("coverage") {
        None => v1::Coverage::Unspecified,
        Some(word) => choice("COVERAGE", word, v1::Coverage::from_str_name)?,
    };
    Ok(v1::OrderPlaced {
        channel: words.option("channel").unwrap_or(CHANNEL).to_owned(),
        order_id,
        lines,
        destination: Some(destination),
        priority: words.option("priority").map_or(Ok(0), number)?,
        fulfil_from: names(words.option("from")),
        coverage: coverage.into(),
        pickup_node: words.option("pickup").unwrap_or_default().to_owned(),
        pickup_supply: supply(words)?,
        line_charges,
        substitutes,
        charges: changes::charges(words)?.map(Box::new),
        delivery: changes::delivery(words)?.map(Box::new),
        class: policies::class(words).map(Box::new),
        hold_id: words.option("hold").unwrap_or_default().to_owned(),
        release_at_ms: words.time_option("release_at")?,
        ..Default::default()
    })
}

/// `S:2`, `S:2@7.77` with a price, `S:2@7.77-2.46+0.92` with a discount and a tax on the line.
pub(super) fn order_line(
    number: usize,
    text: &str,
) -> Result<(v1::OrderLine, Option<v1::LineCharges>), Fault> {
    let (sku, rest) = text.rsplit_once(':').ok_or("a line is `SKU:quantity`")?;
    let (units, price) = rest.split_once('@').map_or((rest, None), |(u, price)| (u, Some(price)));
    let line_id = number.to_string();
    let mut line = v1::OrderLine {
        line_id: line_id.clone(),
        sku: sku.to_owned(),
        quantity_milli: quantity(units)?,
        unit_price: None,
    };
    let Some(price) = price else { return Ok((line, None)) };
    let (price, tax) = price.split_once('+').map_or((price, None), |(p, tax)| (p, Some(tax)));
    let (price, discount) = price.split_once('-').map_or((price, None), |(p, d)| (p, Some(d)));
    line.unit_price = Some(money(price)?);
    let charges = v1::LineCharges {
        line_id,
        discount: discount.map(money).transpose()?,
        tax: tax.map(money).transpose()?,
    };
    let charged = charges.discount.is_some() || charges.tax.is_some();
    Ok((line, charged.then_some(charges)))
}

fn money(text: &str) -> Result<v1::Money, Fault> {
    Ok(changes::euros(minor(text)?))
}

fn channel_name(words: &mut Words<'_>) -> String {
    words.option("channel").unwrap_or(CHANNEL).to_owned()
}

fn hold_stock(words: &mut Words<'_>) -> Result<v1::StockHeld, Fault> {
    let hold_id = words.next("a hold")?.to_owned();
    let mut lines = Vec::new();
    if words.take("lines") {
        while let Some(line) = words.take_if(|word| word.contains(':')) {
            let (v1::OrderLine { sku, quantity_milli, .. }, _) = order_line(1, line)?;
            lines.push(v1::StockHoldLine { sku, quantity_milli });
        }
    }
    Ok(v1::StockHeld {
        channel: channel_name(words),
        hold_id,
        lines,
        node_id: words.option("from").unwrap_or_default().to_owned(),
        ttl_ms: words.span_option("ttl")?,
        expires_at_ms: words.time_option("until")?,
        ..Default::default()
    })
}

fn cancel(words: &mut Words<'_>) -> Result<v1::OrderCancelled, Fault> {
    let order_id = words.next("an order")?.to_owned();
    let channel = words.option("channel").unwrap_or(CHANNEL).to_owned();
    let return_to_origin = words.take("to_origin");
    let lines = lines(words)?;
    Ok(v1::OrderCancelled { channel, order_id, lines, return_to_origin, ..Default::default() })
}

/// `line 1 x2 line 3`: without a quantity, all that is left of the line.
pub(super) fn lines(words: &mut Words<'_>) -> Result<Vec<v1::LineQuantity>, Fault> {
    let mut lines = Vec::new();
    while words.take("line") {
        let line_id = words.next("a line's name")?.to_owned();
        let units = words.take_if(|word| word.starts_with('x'));
        let quantity_milli = units.map_or(Ok(0), |units| quantity(&units[1..]))?;
        lines.push(v1::LineQuantity { line_id, quantity_milli });
    }
    Ok(lines)
}

/// `O/f1`, or `any O` for the units of an order wherever they stand.
pub(super) fn target(words: &mut Words<'_>) -> Result<Option<v1::FulfilmentTarget>, Fault> {
    let channel = words.option("channel").unwrap_or(CHANNEL);
    let target = if words.take("any") {
        let order_id = words.next("an order")?.to_owned();
        Target::AnyNode(v1::AnyNode { channel: channel.to_owned(), order_id })
    } else {
        Target::FulfilmentId(format!("{channel}/{}", words.next("a fulfilment")?))
    };
    Ok(Some(v1::FulfilmentTarget { target: Some(target) }))
}

fn reject(words: &mut Words<'_>) -> Result<v1::FulfilmentRejected, Fault> {
    let target = target(words)?;
    let reason = words.next("a reason")?;
    let reason = choice("REJECTION_REASON", reason, v1::RejectionReason::from_str_name)?.into();
    Ok(v1::FulfilmentRejected { target, reason, ..Default::default() })
}
