//! Events about soft holds (rules H1 to H4). Whether the units are there is decided by the router,
//! in the same step; what is checked here is the request.

use omnifold_events::v1;

use super::orders::MAX_LINES;
use super::{Context, check};
use crate::{Reason, Refusal, SkuIx, SoftHoldKey, SoftHoldRequest, State, Work};

/// Longest life of a hold: 90 days. Stock that nobody may sell must come back by itself.
const MAX_LIFETIME_MS: i64 = 90 * 86_400_000;

pub(super) fn hold<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::StockHeld,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::channel(&event.channel)?;
    check::name("hold_id", &event.hold_id)?;
    let node = match event.node_id.as_str() {
        "" => None,
        id => Some(check::node(state, id)?),
    };
    let request = SoftHoldRequest {
        channel: event.channel.clone(),
        hold_id: event.hold_id.clone(),
        lines: lines_from(state, event)?,
        node,
        expires_at: expires_at(event, context.now_ms)?,
    };
    work.push(Work::SoftHold(Box::new(request)));
    Ok(())
}

fn lines_from<S: State>(state: &S, event: &v1::StockHeld) -> Result<Vec<(SkuIx, i64)>, Refusal> {
    let count = event.lines.len();
    if count == 0 {
        return Err(Refusal::new(Reason::NoLines, "the hold has no lines"));
    }
    if count > MAX_LINES {
        let detail = format!("the hold has {count} lines, {MAX_LINES} are allowed");
        return Err(Refusal::new(Reason::TooManyLines, detail));
    }
    event.lines.iter().map(|line| line_from(state, line)).collect()
}

fn line_from<S: State>(state: &S, line: &v1::StockHoldLine) -> Result<(SkuIx, i64), Refusal> {
    let sku = check::sku(state, &line.sku)?;
    let item = state.item(sku);
    check::quantity("quantity", line.quantity_milli, 1, item)?;
    if item.kit.as_ref().is_some_and(|kit| !kit.fits(line.quantity_milli)) {
        let detail = format!("the parts of {} milli-units of `{}`", line.quantity_milli, line.sku);
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    Ok((sku, line.quantity_milli))
}

/// Rule H3: the market's clock is what "now" means, so a request that comes late is not shorter.
fn expires_at(event: &v1::StockHeld, now_ms: i64) -> Result<i64, Refusal> {
    let (ttl, until) = (event.ttl_ms, event.expires_at_ms);
    let lifetime = match (ttl, until) {
        (0, until) => until.saturating_sub(now_ms),
        (ttl, 0) => ttl,
        _ => {
            let detail = "a hold has either ttl_ms or expires_at_ms, not both";
            return Err(Refusal::new(Reason::InvalidTime, detail));
        }
    };
    if !(1..=MAX_LIFETIME_MS).contains(&lifetime) {
        let detail = format!("the hold would live {lifetime} ms, not 1 to {MAX_LIFETIME_MS}");
        return Err(Refusal::new(Reason::InvalidTime, detail));
    }
    Ok(now_ms + lifetime)
}

pub(super) fn release<S: State>(
    state: &mut S,
    event: &v1::StockHoldReleased,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let hold = SoftHoldKey::of(&event.channel, &event.hold_id);
    if state.soft_hold(hold).is_none() {
        let detail = format!("no active hold `{}` of channel `{}`", event.hold_id, event.channel);
        return Err(Refusal::new(Reason::UnknownHold, detail));
    }
    let (status, order_id) = (v1::StockHoldStatus::Released, String::new());
    work.push(Work::EndSoftHold { hold, status, order_id });
    Ok(())
}
