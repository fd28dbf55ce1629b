//! The checks that several events share.

use omnifold_events::{MAX_TIME_MS, is_iso4217, v1};

use prost::Message as _;

use crate::{Item, Location, MAX_QUANTITY_MILLI, NodeIx, Reason, Refusal, Settings, SkuIx, State};

/// Longest name of a channel, node or SKU, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// A name: not empty, not too long, no control characters.
pub(super) fn name(what: &str, text: &str) -> Result<(), Refusal> {
    let fault = if text.is_empty() {
        "is empty"
    } else if text.len() > MAX_NAME_BYTES {
        "is longer than 128 bytes"
    } else if text.chars().any(char::is_control) {
        "holds control characters"
    } else {
        return Ok(());
    };
    Err(Refusal::new(Reason::InvalidIdentifier, format!("{what} {fault}")))
}

/// A channel's name: a name without `/`, which ends it in a fulfilment id.
pub(super) fn channel(text: &str) -> Result<(), Refusal> {
    name("channel", text)?;
    if text.contains('/') {
        let detail = format!("channel `{text}` holds `/`");
        return Err(Refusal::new(Reason::InvalidIdentifier, detail));
    }
    Ok(())
}

/// A country code, or none.
pub(super) fn country(text: &str) -> Result<(), Refusal> {
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if text.is_empty() || is_code {
        return Ok(());
    }
    let detail = format!("country `{text}` is not an ISO 3166-1 alpha-2 code");
    Err(Refusal::new(Reason::InvalidIdentifier, detail))
}

/// A place on the globe, or none.
pub(super) fn location(place: Option<&v1::Location>) -> Result<Option<Location>, Refusal> {
    let Some(place) = place else { return Ok(None) };
    let (lat, lon) = (place.lat_e6.unsigned_abs(), place.lon_e6.unsigned_abs());
    let on_globe = lat <= 90_000_000 && lon <= 180_000_000;
    if !on_globe {
        let detail = format!("{}, {} microdegrees is not on the globe", place.lat_e6, place.lon_e6);
        return Err(Refusal::new(Reason::InvalidLocation, detail));
    }
    Ok(Some(Location { lat_e6: place.lat_e6, lon_e6: place.lon_e6 }))
}

/// A quantity from `least` to the largest allowed, in whole steps of the item.
pub(super) fn quantity(what: &str, milli: i64, least: i64, item: &Item) -> Result<(), Refusal> {
    let fault = if milli < least {
        format!("must be {least} or more")
    } else if milli > MAX_QUANTITY_MILLI {
        format!("must be {MAX_QUANTITY_MILLI} or less")
    } else if milli % item.step_milli() != 0 {
        format!("must be a multiple of {} (scale {})", item.step_milli(), item.scale)
    } else {
        return Ok(());
    };
    let detail = format!("{what} of `{}` is {milli} milli-units, {fault}", item.sku);
    Err(Refusal::new(Reason::InvalidQuantity, detail))
}

/// An instant of the years 1970 to 9999, milliseconds since the Unix epoch.
pub(super) fn instant(what: &str, at_ms: i64) -> Result<(), Refusal> {
    if (1..=MAX_TIME_MS).contains(&at_ms) {
        return Ok(());
    }
    let detail = format!("{what} {at_ms} is outside the years 1970 to 9999");
    Err(Refusal::new(Reason::InvalidTime, detail))
}

/// An amount in the market's currency, of at least so many minor units.
pub(super) fn money_of(
    settings: &Settings,
    what: &str,
    money: &v1::Money,
    least: i64,
) -> Result<i64, Refusal> {
    currency(&money.currency)?;
    if money.currency != settings.currency {
        let detail =
            format!("{what} is in {}, the market in {}", money.currency, settings.currency);
        return Err(Refusal::new(Reason::CurrencyMismatch, detail));
    }
    if money.minor < least {
        let detail = format!("{what} is {} minor units, must be {least} or more", money.minor);
        return Err(Refusal::new(Reason::InvalidMoney, detail));
    }
    Ok(money.minor)
}

/// An amount of a payment: given, more than 0, in the market's currency.
pub(super) fn amount<S: State>(
    state: &S,
    what: &str,
    money: Option<&v1::Money>,
) -> Result<i64, Refusal> {
    let settings = state.settings().expect("checked before every fold");
    let missing = || Refusal::new(Reason::InvalidMoney, format!("{what} is missing"));
    money_of(settings, what, money.ok_or_else(missing)?, 1)
}

/// Largest encoded form of an order's terms of delivery, in bytes.
const MAX_DELIVERY_BYTES: usize = 16_384;

/// The terms of delivery as a channel may send them.
pub(super) fn delivery(terms: &v1::DeliveryTerms) -> Result<(), Refusal> {
    for (what, code) in
        [("shipping_method", &terms.shipping_method), ("gift_wrap", &terms.gift_wrap)]
    {
        if !code.is_empty() {
            name(what, code)?;
        }
    }
    if terms.destination.is_some() {
        let detail = "the destination does not belong into the terms of delivery";
        return Err(Refusal::new(Reason::Malformed, detail));
    }
    let window = terms.window.unwrap_or_default();
    let backwards = window.until_ms != 0 && window.until_ms < window.from_ms;
    if backwards || window.from_ms < 0 || window.until_ms < 0 {
        let detail = format!("window {} to {}", window.from_ms, window.until_ms);
        return Err(Refusal::new(Reason::InvalidDate, detail));
    }
    date(&terms.requested_date)
}

/// What is carried with an order is bounded.
pub(super) fn delivery_size(terms: &v1::DeliveryTerms) -> Result<(), Refusal> {
    if terms.encoded_len() <= MAX_DELIVERY_BYTES {
        return Ok(());
    }
    let detail = format!("the terms of delivery are larger than {MAX_DELIVERY_BYTES} bytes");
    Err(Refusal::new(Reason::TooLarge, detail))
}

/// `YYYY-MM-DD`, a day that there is, or none.
fn date(text: &str) -> Result<(), Refusal> {
    let midnight = format!("{text}T00:00:00Z");
    if text.is_empty() || (text.len() == 10 && omnifold_events::parse_time(&midnight).is_ok()) {
        return Ok(());
    }
    let detail = "requested_date is not a day written `YYYY-MM-DD`";
    Err(Refusal::new(Reason::InvalidDate, detail))
}

/// A currency that exists.
pub(super) fn currency(code: &str) -> Result<(), Refusal> {
    if is_iso4217(code) {
        return Ok(());
    }
    Err(Refusal::new(Reason::UnknownCurrency, format!("currency `{code}` is not in ISO 4217")))
}

/// The node of that name.
pub(super) fn node<S: State>(state: &S, id: &str) -> Result<NodeIx, Refusal> {
    state
        .node_named(id)
        .ok_or_else(|| Refusal::new(Reason::UnknownNode, format!("no node `{id}` in this market")))
}

/// The item of that name.
pub(super) fn sku<S: State>(state: &S, sku: &str) -> Result<SkuIx, Refusal> {
    state
        .item_named(sku)
        .ok_or_else(|| Refusal::new(Reason::UnknownSku, format!("no item `{sku}` in this market")))
}

/// Days of the week, 1 is Monday and 7 Sunday, as bits; none: the default.
pub(super) fn weekdays(days: &[u32], default: u8) -> Result<u8, Refusal> {
    let mut bits = if days.is_empty() { default } else { 0 };
    for &day in days {
        if !(1..=7).contains(&day) {
            let detail = format!("weekday {day} is not 1 (Monday) to 7 (Sunday)");
            return Err(Refusal::new(Reason::InvalidDate, detail));
        }
        bits |= 1 << (day - 1);
    }
    Ok(bits)
}

/// Dates, sorted, as days since 1970-01-01.
pub(super) fn days_off(dates: &[String]) -> Result<Vec<i32>, Refusal> {
    let mut off = Vec::with_capacity(dates.len());
    for day in dates {
        let fault = || Refusal::new(Reason::InvalidDate, "a day off is not written `YYYY-MM-DD`");
        off.push(crate::calendar::day_named(day).ok_or_else(fault)?);
    }
    off.sort_unstable();
    off.dedup();
    Ok(off)
}
