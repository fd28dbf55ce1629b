//! Events on `network`: settings, rules, nodes, items.

use omnifold_events::v1;

use super::{Context, check, kits, nodes, promises, serve_if_waited};
use crate::calendar::Days;
use crate::sla::MAX_TERMS;
use crate::{
    Capacity, Carrier, CarrierKey, Channel, Deadlines, Item, MAX_QUANTITY_MILLI, Node, NodeIx,
    Reason, Refusal, Replenishment, Settings, SkuIx, SlaTerms, State, Work, calendar,
    replenishment, rules,
};

/// Longest dispatch SLA, working days: what a calendar counts before it gives up.
const MAX_SLA_DAYS: u32 = 365;
/// Most days off that a node's SLA may name.
pub(super) const MAX_DAYS_OFF: usize = 400;
/// Most decimals an item may have: quantities are integers of 1/1000 unit.
const MAX_SCALE: u32 = 3;
/// Shortest horizon of event ids: ten minutes.
const MIN_HORIZON_MS: i64 = 600_000;
/// Longest horizon, and farthest ahead of the clock a record may be: a hundred years.
const MAX_SPAN_MS: i64 = 3_155_760_000_000;

pub(super) fn configure<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::MarketConfigured,
) -> Result<(), Refusal> {
    check::currency(&event.currency)?;
    if event.clock() == v1::ClockKind::Unspecified {
        let detail = "the market's clock must be WALL or EVENTS";
        return Err(Refusal::new(Reason::ClockFixed, detail));
    }
    check_spans(event)?;
    let rules_version = state.settings().map_or(1, |settings| settings.rules_version);
    let mut settings = Settings::from_event(event, rules_version);
    settings.promise = promises::rules_from(event.promise.as_ref())?;
    if let Some(old) = state.settings() {
        keep_what_is_fixed(old, &settings)?;
        settings.channels.clone_from(&old.channels);
        settings.policy.clone_from(&old.policy);
        settings.reserves = old.reserves;
    }
    state.put_settings(settings);
    nodes::await_openings(state, context.now_ms);
    Ok(())
}

/// Spans of time within which every sum of times fits, and in which the horizon's eighths can be
/// numbered to the year 9999 (the state crate keeps event ids by such numbers). 0 is the default.
fn check_spans(event: &v1::MarketConfigured) -> Result<(), Refusal> {
    let (horizon, ahead) = (event.dedupe_horizon_ms, event.max_ahead_ms);
    let (window, fee) = (event.return_window_ms, event.return_fee_minor);
    let fault = if horizon != 0 && !(MIN_HORIZON_MS..=MAX_SPAN_MS).contains(&horizon) {
        format!("dedupe_horizon_ms {horizon} is not in {MIN_HORIZON_MS} to {MAX_SPAN_MS}")
    } else if !(0..=MAX_SPAN_MS).contains(&ahead) {
        format!("max_ahead_ms {ahead} is not in 0 to {MAX_SPAN_MS}")
    } else if !(0..=MAX_SPAN_MS).contains(&window) {
        format!("return_window_ms {window} is not in 0 to {MAX_SPAN_MS}")
    } else if fee < 0 {
        format!("return_fee_minor {fee} is negative")
    } else {
        check_span("accept_within_ms", event.accept_within_ms)?;
        check_span("pick_within_ms", event.pick_within_ms)?;
        check_span("max_closed_ms", event.max_closed_ms)?;
        check_span("pickup_expires_after_ms", event.pickup_expires_after_ms)?;
        check_span("pickup_reminder_after_ms", event.pickup_reminder_after_ms)?;
        check_span("return_expires_after_ms", event.return_expires_after_ms)?;
        check_notices(&event.notices)?;
        return check_span("cancel_waiting_after_ms", event.cancel_waiting_after_ms);
    };
    Err(Refusal::new(Reason::InvalidQuantity, fault))
}

fn check_notices(notices: &[i32]) -> Result<(), Refusal> {
    let known = |kind: i32| v1::NoticeKind::try_from(kind).is_ok_and(|kind| kind as i32 != 0);
    let Some(unknown) = notices.iter().find(|&&kind| !known(kind)) else { return Ok(()) };
    Err(Refusal::new(Reason::Malformed, format!("notice kind {unknown} is not known")))
}

pub(super) fn check_span(what: &str, span_ms: i64) -> Result<(), Refusal> {
    if (0..=MAX_SPAN_MS).contains(&span_ms) {
        return Ok(());
    }
    let detail = format!("{what} {span_ms} is not in 0 to {MAX_SPAN_MS}");
    Err(Refusal::new(Reason::InvalidTime, detail))
}

/// The clock is fixed because time would jump; the horizon because ids already forgotten cannot
/// be remembered again.
fn keep_what_is_fixed(old: &Settings, new: &Settings) -> Result<(), Refusal> {
    if old.events_clock != new.events_clock {
        let detail = "the market's clock was fixed by its first network event";
        return Err(Refusal::new(Reason::ClockFixed, detail));
    }
    if old.dedupe_horizon_ms != new.dedupe_horizon_ms {
        let detail = "the horizon of event ids was fixed by the market's first network event";
        return Err(Refusal::new(Reason::ClockFixed, detail));
    }
    Ok(())
}

pub(super) fn activate_rules<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::RulesActivated,
) -> Result<(), Refusal> {
    let mut settings = state.settings().expect("checked before every fold").clone();
    let known = rules::find(context.known_rules, event.version).is_some();
    if !known || event.version < settings.rules_version {
        let detail = format!(
            "rules version {} cannot follow version {}; this build knows {:?}",
            event.version,
            settings.rules_version,
            context.known_rules.iter().map(|rules| rules.version).collect::<Vec<_>>(),
        );
        return Err(Refusal::new(Reason::UnknownRules, detail));
    }
    settings.rules_version = event.version;
    state.put_settings(settings);
    Ok(())
}

pub(super) fn define_node<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::NodeDefined,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::name("node_id", &event.node_id)?;
    check::country(&event.country)?;
    check_span("accept_within_ms", event.accept_within_ms)?;
    check_span("pick_within_ms", event.pick_within_ms)?;
    let terms = sla_terms(event.dispatch_sla.as_ref(), context.now_ms)?;
    let groups = groups_from(&event.groups)?;
    let node = Node {
        id: event.node_id.clone(),
        name: event.name.clone(),
        kind: event.kind,
        location: check::location(event.location.as_ref())?,
        country: event.country.clone(),
        enabled: !event.disabled,
        takes_returns: event.takes_returns,
        deadlines: Deadlines {
            accept_within_ms: event.accept_within_ms,
            pick_within_ms: event.pick_within_ms,
        },
        capacity: None,
        opening: None,
        absence: None,
        sla: Vec::new(),
        groups,
    };
    let known = state.node_named(&event.node_id);
    let old = known.map(|ix| state.nodes()[ix.0 as usize].clone());
    let worked = old.as_ref().is_none_or(Node::takes_work);
    let mut sla = known.map_or(Vec::new(), |ix| state.nodes()[ix.0 as usize].sla.clone());
    agree(&mut sla, terms);
    let node = old.map_or(node.clone(), |old| keeps_what_others_set(node, old));
    let node = Node { sla, ..node };
    let next = u32::try_from(state.nodes().len()).expect("nodes fit a u32");
    let appears = node.takes_work() && !worked;
    state.put_node(known.unwrap_or(NodeIx(next)), node);
    if settle_channels(state) || appears {
        serve_every_queue(state, work);
    }
    Ok(())
}

/// Most groups that a node or a channel may name.
const MAX_GROUPS: usize = 20;

/// Names of groups, sorted, each once.
fn groups_from(names: &[String]) -> Result<Vec<String>, Refusal> {
    if names.len() > MAX_GROUPS {
        let detail = format!("{} groups, {MAX_GROUPS} are allowed", names.len());
        return Err(Refusal::new(Reason::TooManyGroups, detail));
    }
    for name in names {
        check::name("group", name)?;
    }
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Who belongs to a group may have changed. Whether some channel sells from other nodes now.
fn settle_channels<S: State>(state: &mut S) -> bool {
    let settings = state.settings().expect("checked before every fold");
    if settings.channels.values().all(|channel| channel.groups.is_empty()) {
        return false;
    }
    let (nodes, mut settings) = (state.nodes(), settings.clone());
    settings.channels.values_mut().for_each(|channel| channel.settle(nodes));
    let changed = state.settings() != Some(&settings);
    if changed {
        state.put_settings(settings);
    }
    changed
}

/// The terms that an event names; none named are terms of no limit.
fn sla_terms(event: Option<&v1::DispatchSla>, since: i64) -> Result<SlaTerms, Refusal> {
    let nothing = v1::DispatchSla { zone: "UTC".to_owned(), ..Default::default() };
    let event = event.unwrap_or(&nothing);
    if calendar::zone(&event.zone).is_none() {
        let detail = format!("zone `{}` is not in the data of this build", event.zone);
        return Err(Refusal::new(Reason::UnknownZone, detail));
    }
    if event.days > MAX_SLA_DAYS || event.days_off.len() > MAX_DAYS_OFF {
        let detail = format!("an SLA has {MAX_SLA_DAYS} days and {MAX_DAYS_OFF} days off at most");
        return Err(Refusal::new(Reason::InvalidTime, detail));
    }
    let weekdays = check::weekdays(&event.weekdays, Days::WORKING_WEEK)?;
    let off = check::days_off(&event.days_off)?;
    Ok(SlaTerms { since, days: event.days, zone: event.zone.clone(), weekdays, off })
}

/// New terms stand beside the ones that earlier orders were placed under. A node that never had a
/// limit has none.
fn agree(known: &mut Vec<SlaTerms>, new: SlaTerms) {
    let stays = known.last().map_or(new.days == 0, |newest| newest.agrees(&new));
    if stays {
        return;
    }
    known.push(new);
    if known.len() > MAX_TERMS {
        known.remove(0);
    }
}

/// Most channels a market may define.
const MAX_CHANNELS: usize = 200;

pub(super) fn define_channel<S: State>(
    state: &mut S,
    event: &v1::ChannelDefined,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::channel(&event.channel)?;
    let mut nodes = Vec::new();
    for id in &event.nodes {
        nodes.push(check::node(state, id)?);
    }
    nodes.sort_unstable();
    nodes.dedup();
    let threshold = event.threshold_milli;
    if !(0..=MAX_QUANTITY_MILLI).contains(&threshold) {
        let detail = format!("threshold_milli {threshold} is negative or too large");
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    let groups = groups_from(&event.groups)?;
    let mut channel = Channel { named: nodes, groups, nodes: Vec::new(), threshold };
    channel.settle(state.nodes());
    let mut settings = state.settings().expect("checked before every fold").clone();
    settings.channels.insert(event.channel.clone(), channel);
    if settings.channels.len() > MAX_CHANNELS {
        let detail = format!("the market has {MAX_CHANNELS} channels already");
        return Err(Refusal::new(Reason::TooManyChannels, detail));
    }
    state.put_settings(settings);
    serve_every_queue(state, work); // it may sell what its waiting orders could not have
    Ok(())
}

/// What a NodeDefined does not speak of stays. One that had left the network is taken in again.
fn keeps_what_others_set(node: Node, old: Node) -> Node {
    let absence = if old.is_offboarded() { None } else { old.absence };
    Node { capacity: old.capacity, opening: old.opening, absence, ..node }
}

/// Rule R8: what the node took today counts against the new limit.
pub(super) fn set_capacity<S: State>(
    state: &mut S,
    event: &v1::NodeCapacitySet,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let ix = check::node(state, &event.node_id)?;
    if calendar::zone(&event.zone).is_none() {
        let detail = format!("zone `{}` is not in the data of this build", event.zone);
        return Err(Refusal::new(Reason::UnknownZone, detail));
    }
    let capacity = (event.orders_per_day > 0).then(|| {
        let zone = event.zone.clone();
        Box::new(Capacity { zone, orders_per_day: event.orders_per_day })
    });
    let node = Node { capacity, ..state.nodes()[ix.0 as usize].clone() };
    state.put_node(ix, node);
    serve_every_queue(state, work);
    Ok(())
}

/// A node that comes back may stock anything that somebody waits for.
pub(crate) fn serve_every_queue<S: State>(state: &mut S, work: &mut Vec<Work>) {
    let mut after = None;
    while let Some(sku) = state.next_waited_sku(after) {
        serve_if_waited(state, sku, work);
        after = Some(sku);
    }
}

pub(super) fn define_item<S: State>(state: &mut S, event: &v1::ItemDefined) -> Result<(), Refusal> {
    check::name("sku", &event.sku)?;
    if event.scale > MAX_SCALE {
        let detail = format!("scale {} of `{}` is more than {MAX_SCALE}", event.scale, event.sku);
        return Err(Refusal::new(Reason::InvalidScale, detail));
    }
    let known = state.item_named(&event.sku);
    // Parts of a unit that stand in stock and orders could neither be shipped nor cancelled.
    if let Some(finer) = known.map(|ix| state.item(ix).scale).filter(|&old| event.scale < old) {
        let detail = format!("scale {finer} of `{}` cannot go down to {}", event.sku, event.scale);
        return Err(Refusal::new(Reason::InvalidScale, detail));
    }
    let was_serialised = known.is_some_and(|ix| state.item(ix).serialised);
    let serialised = event.serialised || was_serialised;
    if serialised && event.scale > 0 {
        let detail = format!("`{}` is serialised: it has whole units only", event.sku);
        return Err(Refusal::new(Reason::InvalidScale, detail));
    }
    let kit = kits::kit_from(state, event)?;
    let purchase = purchase_from(state, event, known)?;
    let ix = known.unwrap_or(SkuIx(state.item_count()));
    let old = known.map(|ix| state.item(ix).clone());
    let (old_kit, part_of, has_lots) =
        old.map(|old| (old.kit, old.part_of, old.has_lots)).unwrap_or_default();
    let relinks = kit.is_some() || old_kit.is_some();
    let row = Item {
        sku: event.sku.clone(),
        name: event.name.clone(),
        scale: event.scale,
        final_sale: event.final_sale,
        kit,
        part_of,
        purchase,
        has_lots,
        weight_g: event.weight_g,
        serialised,
    };
    state.put_item(ix, row);
    if relinks {
        kits::link_parts(state, ix, old_kit.as_deref());
    }
    Ok(())
}

/// How the item is bought in. What was suggested stands until the next look.
fn purchase_from<S: State>(
    state: &mut S,
    event: &v1::ItemDefined,
    known: Option<SkuIx>,
) -> Result<Option<Box<Replenishment>>, Refusal> {
    let Some(purchase) = &event.purchase else { return Ok(None) };
    check::name("supplier_id", &purchase.supplier_id)?;
    let (multiple, step) = (purchase.order_multiple_milli, 10i64.pow(MAX_SCALE - event.scale));
    if !(0..=MAX_QUANTITY_MILLI).contains(&multiple) || multiple % step != 0 {
        let detail = format!("order multiple {multiple} is no multiple of {step} from 0 up");
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    let old = known.and_then(|ix| state.item(ix).purchase.clone());
    let (waiting, told) = match (old, known) {
        (Some(old), _) => (old.waiting, old.told),
        (None, Some(ix)) => (replenishment::count_waiting(state, ix), 0),
        (None, None) => (0, 0),
    };
    let multiple = if multiple == 0 { step } else { multiple };
    let supplier = purchase.supplier_id.clone();
    Ok(Some(Box::new(Replenishment { supplier, multiple, waiting, told })))
}

/// Most codes a carrier's table may have.
const MAX_CODES: usize = 1_000;

pub(super) fn define_carrier<S: State>(
    state: &mut S,
    event: &v1::CarrierDefined,
) -> Result<(), Refusal> {
    check::name("carrier", &event.carrier)?;
    if event.codes.len() > MAX_CODES {
        let detail = format!("{} codes, {MAX_CODES} are allowed", event.codes.len());
        return Err(Refusal::new(Reason::TooManyLines, detail));
    }
    let mut codes = Vec::with_capacity(event.codes.len());
    for row in &event.codes {
        check::name("code", &row.code)?;
        if row.status() == v1::TrackingStatus::Unspecified {
            let detail = format!("code `{}` of `{}` has no status", row.code, event.carrier);
            return Err(Refusal::new(Reason::Malformed, detail));
        }
        codes.push((row.code.clone(), row.status));
    }
    codes.sort_unstable();
    if let Some(pair) = codes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let detail = format!("code `{}` of `{}` stands twice", pair[0].0, event.carrier);
        return Err(Refusal::new(Reason::DuplicateLine, detail));
    }
    let row = Carrier { id: event.carrier.clone(), name: event.name.clone(), codes };
    state.put_carrier(CarrierKey::of(&event.carrier), row);
    Ok(())
}
