//! Commands about work at nodes, parcels on their way and what comes back.

use omnifold_events::{Event, parse_time, v1};

use super::parse::{CHANNEL, choice, lines, target};
use super::words::{Fault, Words, number, place, quantity};
use super::{lots, nodes, serials};

/// The event of one of these commands.
pub fn event(verb: &str, words: &mut Words<'_>, clock_ms: i64) -> Result<Event, Fault> {
    Ok(match verb {
        "pick" => {
            let (target, lines) = (target(words)?, lines(words)?);
            let lots = lots::taken(words)?;
            v1::FulfilmentPicked { target, lines, lots, ..Default::default() }.into()
        }
        "short" => short(words)?.into(),
        "pack" => pack(words)?.into(),
        "hand_over" => hand_over(words)?.into(),
        "ready" => {
            let target = target(words)?;
            v1::FulfilmentReadyForPickup { target, ..Default::default() }.into()
        }
        "collect" => {
            let (target, lines) = (target(words)?, lines(words)?);
            let serials = serials::of_lines(words)?;
            v1::FulfilmentCollected { target, lines, serials, ..Default::default() }.into()
        }
        "reach_node" => {
            let (target, lines) = (target(words)?, lines(words)?);
            v1::FulfilmentArrivedAtNode { target, lines, ..Default::default() }.into()
        }
        "forward" => {
            let target = target(words)?;
            let carrier = words.option("carrier").unwrap_or_default().to_owned();
            let tracking_number = words.option("number").unwrap_or_default().to_owned();
            let forwarded = v1::FulfilmentForwarded { target, ..Default::default() };
            v1::FulfilmentForwarded { carrier, tracking_number, ..forwarded }.into()
        }
        "uncollected" => {
            let target = target(words)?;
            v1::FulfilmentPickupExpired { target, ..Default::default() }.into()
        }
        "back_in_stock" => {
            let target = target(words)?;
            v1::FulfilmentReturnedToStock { target, ..Default::default() }.into()
        }
        "relocate" => relocate(words)?.into(),
        "carrier" => carrier(words)?.into(),
        "track" => track(words, clock_ms)?.into(),
        "hand_on" => hand_on(words)?.into(),
        "lost" | "damaged" => {
            let kind =
                if verb == "lost" { v1::LossKind::Lost } else { v1::LossKind::Damaged }.into();
            let (target, lines) = (target(words)?, lines(words)?);
            let serials = serials::of_lines(words)?;
            v1::FulfilmentLost { target, lines, kind, serials, ..Default::default() }.into()
        }
        "back_at_origin" => back_at_origin(words)?.into(),
        "return" => request(words)?.into(),
        "expire_return" => expire(words)?.into(),
        "came_back" => receive(words)?.into(),
        "inspect" => inspect(words)?.into(),
        "blind_return" => blind(words)?.into(),
        other => return nodes::event(other, words),
    })
}

fn short(words: &mut Words<'_>) -> Result<v1::FulfilmentShortPicked, Fault> {
    let target = target(words)?;
    let reason = words.next("a reason")?;
    let reason = choice("REJECTION_REASON", reason, v1::RejectionReason::from_str_name)?.into();
    let lines = lines(words)?;
    Ok(v1::FulfilmentShortPicked { target, lines, reason, ..Default::default() })
}

fn fulfilment_id(words: &mut Words<'_>) -> Result<String, Fault> {
    let channel = words.option("channel").unwrap_or(CHANNEL);
    Ok(format!("{channel}/{}", words.next("a fulfilment")?))
}

fn pack(words: &mut Words<'_>) -> Result<v1::FulfilmentPacked, Fault> {
    Ok(v1::FulfilmentPacked {
        fulfilment_id: fulfilment_id(words)?,
        parcel_id: words.next("a parcel")?.to_owned(),
        lines: lines(words)?,
        weight_g: words.option("weight").map_or(Ok(0), number)?,
        backordered: words.take("backordered"),
        ..Default::default()
    })
}

fn hand_over(words: &mut Words<'_>) -> Result<v1::FulfilmentHandedOver, Fault> {
    let fulfilment_id = fulfilment_id(words)?;
    let carrier = words.next("a carrier")?.to_owned();
    let mut parcels = Vec::new();
    while let Some(parcel) = words.take_if(|word| word.contains(':')) {
        let (parcel_id, tracking_number) = pair(parcel)?;
        parcels.push(v1::HandedParcel { parcel_id, tracking_number });
    }
    let manifest_id = words.option("manifest").unwrap_or_default().to_owned();
    Ok(v1::FulfilmentHandedOver {
        fulfilment_id,
        carrier,
        manifest_id,
        parcels,
        serials: serials::of_lines(words)?,
        ..Default::default()
    })
}

fn pair(text: &str) -> Result<(String, String), Fault> {
    let (left, right) = text.split_once(':').ok_or_else(|| format!("`{text}` has no `:`"))?;
    Ok((left.to_owned(), right.to_owned()))
}

fn relocate(words: &mut Words<'_>) -> Result<v1::FulfilmentMoved, Fault> {
    let fulfilment_id = fulfilment_id(words)?;
    let to_node = words.next("a node")?.to_owned();
    Ok(v1::FulfilmentMoved { fulfilment_id, to_node, lines: lines(words)?, ..Default::default() })
}

/// `carrier ups DL:out_for_delivery D:delivered`.
fn carrier(words: &mut Words<'_>) -> Result<v1::CarrierDefined, Fault> {
    let carrier = words.next("a carrier")?.to_owned();
    let mut codes = Vec::new();
    while let Some(row) = words.take_if(|word| word.contains(':')) {
        let (code, status) = pair(row)?;
        let status = choice("TRACKING_STATUS", &status, v1::TrackingStatus::from_str_name)?.into();
        codes.push(v1::CarrierCode { code, status });
    }
    Ok(v1::CarrierDefined { name: carrier.clone(), carrier, codes, ..Default::default() })
}

fn track(words: &mut Words<'_>, clock_ms: i64) -> Result<v1::TrackingUpdated, Fault> {
    let happened = words.option("happened").map(parse_time).transpose();
    Ok(v1::TrackingUpdated {
        carrier: words.next("a carrier")?.to_owned(),
        tracking_number: words.next("a number")?.to_owned(),
        code: words.next("a code")?.to_owned(),
        happened_at_ms: happened.map_err(|fault| fault.to_string())?.unwrap_or(clock_ms),
        place: words.option("place").unwrap_or_default().to_owned(),
        ..Default::default()
    })
}

fn hand_on(words: &mut Words<'_>) -> Result<v1::ParcelHandedOn, Fault> {
    Ok(v1::ParcelHandedOn {
        carrier: words.next("a carrier")?.to_owned(),
        tracking_number: words.next("a number")?.to_owned(),
        to_carrier: words.next("the next carrier")?.to_owned(),
        to_tracking_number: words.next("its number")?.to_owned(),
        ..Default::default()
    })
}

fn back_at_origin(words: &mut Words<'_>) -> Result<v1::FulfilmentReturnedToOrigin, Fault> {
    let (target, lines) = (target(words)?, lines(words)?);
    let serials = serials::of_lines(words)?;
    let destroyed = words.take("destroyed");
    let disposition =
        if destroyed { v1::Disposition::Destroy } else { v1::Disposition::Quarantine }.into();
    let extensions = Default::default();
    Ok(v1::FulfilmentReturnedToOrigin { target, lines, disposition, serials, extensions })
}

/// Channel, order and return.
fn return_name(words: &mut Words<'_>) -> Result<(String, String, String), Fault> {
    let channel = words.option("channel").unwrap_or(CHANNEL).to_owned();
    Ok((channel, words.next("an order")?.to_owned(), words.next("a return")?.to_owned()))
}

/// `return O R1 line 1 x2 refund line 2 x1 credit faulty`.
fn request(words: &mut Words<'_>) -> Result<v1::ReturnRequested, Fault> {
    let (channel, order_id, return_id) = return_name(words)?;
    let mut lines = Vec::new();
    while words.take("line") {
        let (line_id, quantity_milli) = line_units(words)?;
        let word = words.next("refund, credit or replace")?;
        let response = choice("RETURN_RESPONSE", word, v1::ReturnResponse::from_str_name)?.into();
        let condition = words.take_if(|word| condition(word).is_ok());
        let condition = condition.map_or(Ok(0), condition_number)?;
        lines.push(v1::ReturnLine { line_id, quantity_milli, response, condition });
    }
    let from = words.option("from").map(place).transpose()?;
    Ok(v1::ReturnRequested { channel, order_id, return_id, lines, from, ..Default::default() })
}

fn condition(word: &str) -> Result<v1::ItemCondition, Fault> {
    choice("ITEM_CONDITION", word, v1::ItemCondition::from_str_name)
}

fn condition_number(word: &str) -> Result<i32, Fault> {
    condition(word).map(Into::into)
}

fn line_units(words: &mut Words<'_>) -> Result<(String, i64), Fault> {
    let line_id = words.next("a line's name")?.to_owned();
    let units = words.take_if(|word| word.starts_with('x')).ok_or("a quantity is missing")?;
    Ok((line_id, quantity(&units[1..])?))
}

fn expire(words: &mut Words<'_>) -> Result<v1::ReturnExpired, Fault> {
    let (channel, order_id, return_id) = return_name(words)?;
    Ok(v1::ReturnExpired { channel, order_id, return_id, ..Default::default() })
}

/// `at N line 1 x2 restock of L1 serials A,B line 2 x1 inspect`.
fn received_lines(words: &mut Words<'_>) -> Result<(String, Vec<v1::ReceivedLine>), Fault> {
    let node = words.option("at").ok_or("`at=` names the node")?.to_owned();
    let mut lines = Vec::new();
    while words.take("line") {
        let (line_id, quantity_milli) = line_units(words)?;
        let disposition = disposition(words)?;
        let lot = if words.take("of") { words.next("a lot")?.to_owned() } else { String::new() };
        let read = if words.take("serials") { words.next("serial numbers")? } else { "" };
        let serials = serials::names(read);
        lines.push(v1::ReceivedLine { line_id, quantity_milli, disposition, lot, serials });
    }
    Ok((node, lines))
}

fn disposition(words: &mut Words<'_>) -> Result<i32, Fault> {
    let word = words.next("a disposition")?;
    choice("DISPOSITION", word, v1::Disposition::from_str_name).map(Into::into)
}

fn receive(words: &mut Words<'_>) -> Result<v1::ReturnReceived, Fault> {
    let (channel, order_id, return_id) = return_name(words)?;
    let (node_id, lines) = received_lines(words)?;
    let extensions = Default::default();
    Ok(v1::ReturnReceived { channel, order_id, return_id, node_id, lines, extensions })
}

fn inspect(words: &mut Words<'_>) -> Result<v1::ReturnInspected, Fault> {
    let (channel, order_id, return_id) = return_name(words)?;
    let (node_id, lines) = received_lines(words)?;
    let extensions = Default::default();
    Ok(v1::ReturnInspected { channel, order_id, return_id, node_id, lines, extensions })
}

fn blind(words: &mut Words<'_>) -> Result<v1::BlindReturnReceived, Fault> {
    Ok(v1::BlindReturnReceived {
        node_id: words.next("a node")?.to_owned(),
        sku: words.next("a SKU")?.to_owned(),
        quantity_milli: quantity(words.next("a quantity")?)?,
        disposition: disposition(words)?,
        units: lots::units(words),
        ..Default::default()
    })
}
