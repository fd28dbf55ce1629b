//! In which order what waits is served: by priority and age (rule H6), or by what the policy in force
//! says instead.
//!
//! The queues stand by priority and age, whatever the policy. Another order is made when they are served,
//! of so many orders at a time: a key that came from the policy would have to be made anew for every
//! order that waits whenever the policy changes.

use crate::policy::ServeBy;
use crate::{Order, OrderKey, SkuIx, View, WaitingKey};

const DAY_MS: i64 = 86_400_000;

/// Orders that are put in order at a time: of more, the first by priority and age.
pub const WINDOW: usize = 1_000;

impl SkuIx {
    /// The queue of orders that wait for the next wave, among the queues of SKUs.
    pub const WAVE: SkuIx = SkuIx(u32::MAX);
    /// The queue of orders that their policy does not route before a time.
    pub const DEFERRED: SkuIx = SkuIx(u32::MAX - 1);

    /// Whether it is a queue of orders that their policy puts off, whatever stock there is.
    pub fn is_put_off(self) -> bool {
        self >= SkuIx::DEFERRED
    }
}

/// The next orders of a queue after a place, in the order in which they are served. Not more than
/// [`WINDOW`], and of the first of them by priority and age. Empty: none is left.
pub fn window<V: View>(
    view: &mut V,
    sku: SkuIx,
    after: Option<WaitingKey>,
    by: &[ServeBy],
) -> Vec<(WaitingKey, OrderKey)> {
    let mut found: Vec<(Vec<i64>, WaitingKey, OrderKey)> = Vec::new();
    let mut from = after;
    while found.len() < WINDOW {
        let Some((place, order)) = view.next_waiting(sku, from) else { break };
        found.push((rank(view, order, by), place, order));
        from = Some(place);
    }
    found.sort();
    found.into_iter().map(|(_, place, order)| (place, order)).collect()
}

/// What the policy in force serves by; empty: priority and age.
pub fn served_by<V: View>(view: &V, now_ms: i64) -> Vec<ServeBy> {
    let policy = view.settings().and_then(|settings| settings.policy.as_deref());
    let policy = policy.filter(|policy| policy.rules_at(now_ms));
    policy.map_or_else(Vec::new, |policy| policy.serve_by.clone())
}

/// Smaller is served first; ties are left to priority and age.
fn rank<V: View>(view: &mut V, key: OrderKey, by: &[ServeBy]) -> Vec<i64> {
    let promised = by.contains(&ServeBy::Promise).then(|| promised_day(view, key)).flatten();
    let Some(order) = view.order(key) else { return Vec::new() };
    let number = |by: &ServeBy| match by {
        ServeBy::Wanted => wanted_at(order).unwrap_or(i64::MAX),
        ServeBy::Promise => promised.unwrap_or(i64::MAX),
        ServeBy::DispatchBy => dispatch_by(order).unwrap_or(i64::MAX),
        ServeBy::Priority => -i64::from(order.priority),
        ServeBy::Age => order.placed_at,
    };
    by.iter().map(number).collect()
}

/// The end of the window in which the customer wants it, else of the day, in UTC; milliseconds since
/// the Unix epoch.
fn wanted_at(order: &Order) -> Option<i64> {
    let window = order.delivery_terms()?.window;
    let until = window.map(|window| window.until_ms).filter(|&until| until != 0);
    let end_of = |day: i32| (i64::from(day) + 1) * DAY_MS;
    until.or_else(|| order.requested_day().map(end_of))
}

/// The last day that the customer was promised, in days since 1970-01-01.
fn promised_day<V: View>(view: &mut V, key: OrderKey) -> Option<i64> {
    let given = view.promise_of(key)?.given.as_ref()?;
    Some(i64::from(given.promised.latest_day))
}

/// When a partner must have dispatched what it holds of the order (rule T4): the soonest.
fn dispatch_by(order: &Order) -> Option<i64> {
    order.slas().iter().filter(|clock| !clock.breached).map(|clock| clock.due_at).min()
}
