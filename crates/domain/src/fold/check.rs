//! The checks that several events share.

use omnifold_events::{is_iso4217, v1};

use crate::{Item, Location, MAX_QUANTITY_MILLI, NodeIx, Reason, Refusal, SkuIx, State};

/// Longest name of a channel, node or SKU, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// 9999-12-31T23:59:59.999Z.
const MAX_TIME_MS: i64 = 253_402_300_799_999;

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

/// An amount that is not negative, in a currency that exists.
pub(super) fn price(money: &v1::Money) -> Result<(), Refusal> {
    currency(&money.currency)?;
    if money.minor < 0 {
        let detail = format!("unit price {} {} is negative", money.minor, money.currency);
        return Err(Refusal::new(Reason::InvalidMoney, detail));
    }
    Ok(())
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
