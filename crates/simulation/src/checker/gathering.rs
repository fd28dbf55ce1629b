//! Parts of an order that lie where they are collected, or where they become one parcel (rule R10),
//! taken into the books.

use omnifold_events::v1::{self, PickupSupply};

use super::audit::{Audit, Key};
use super::ledger::Order;
use super::report::Rule;

/// What few orders have: parts that lie somewhere for their customer.
#[derive(Debug, Default)]
pub struct Gathering {
    /// Where it is collected.
    pickup: Option<u32>,
    /// Others send there what they ship.
    is_supplied: bool,
    /// When what lies ready expires, milliseconds since the Unix epoch; 0: it does not.
    ready_until: i64,
    /// Beside [`Order::shares`], as far as there is something to say.
    lying: Vec<Lying>,
}

/// What is known of a share.
#[derive(Debug, Clone, Copy, Default)]
struct Lying {
    /// The node it is sent to.
    sent_to: Option<u32>,
    /// Units that lie there.
    at_node: i64,
    /// Units that the customer took away there.
    collected: i64,
    stand: Stand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stand {
    #[default]
    NotReady,
    Ready,
    Expired,
}

/// What the market says of pick-ups.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pickups {
    any_node: bool,
    expires_after_ms: i64,
    /// The newest time that an input has.
    now_ms: i64,
}

impl Pickups {
    /// What settings say.
    pub fn configure(&mut self, market: &v1::MarketConfigured) {
        self.any_node = market.pickup_supply() == PickupSupply::AnyNode;
        self.expires_after_ms = market.pickup_expires_after_ms;
    }

    /// Time passes.
    pub fn advance(&mut self, time_ms: i64) {
        self.now_ms = self.now_ms.max(time_ms);
    }

    /// Whether an order that is collected may come from other nodes.
    pub fn supplies(&self, placed: &v1::OrderPlaced) -> bool {
        match placed.pickup_supply() {
            PickupSupply::Unspecified => self.any_node,
            supply => supply == PickupSupply::AnyNode,
        }
    }
}

impl Gathering {
    /// That of an order which its customer collects at a node.
    pub fn collected_at(node: u32, is_supplied: bool) -> Box<Self> {
        Box::new(Gathering { pickup: Some(node), is_supplied, ..Gathering::default() })
    }

    fn at(&self, share: usize) -> Lying {
        self.lying.get(share).copied().unwrap_or_default()
    }

    fn at_mut(&mut self, share: usize) -> &mut Lying {
        if self.lying.len() <= share {
            self.lying.resize(share + 1, Lying::default());
        }
        &mut self.lying[share]
    }
}

/// Units of a share that left and are neither with the customer nor given up; exact where it is sent to
/// a node.
fn outstanding(order: &Order, share: usize, lying: Lying) -> i64 {
    let row = &order.shares[share];
    row.shipped - row.ended - lying.collected
}

impl Audit {
    /// A share was just promised; where it is sent is said with it.
    pub(super) fn sent_to(&mut self, key: Key, name: &str, node: u32, message: &str) {
        let to = (!message.is_empty()).then(|| self.names.number(message));
        let Some(order) = self.orders.get_mut(&key) else { return };
        let gathering = order.gathering.as_deref();
        let must = gathering.filter(|row| row.is_supplied).and_then(|row| row.pickup);
        if must.is_some() && to != must.filter(|&pickup| pickup != node) || to == Some(node) {
            let detail = format!("sent to `{message}`, which is not where it is collected");
            self.violation(Rule::NodeNotAllowed, name, detail);
        }
    }

    /// The shares of a fulfilment that were promised from a place on are sent to that node.
    pub(super) fn note_sent(&mut self, key: Key, from: usize, message: &str) {
        if message.is_empty() {
            return;
        }
        let to = self.names.number(message);
        let Some(order) = self.orders.get_mut(&key) else { return };
        for share in from..order.shares.len() {
            order.gathering.get_or_insert_default().at_mut(share).sent_to = Some(to);
        }
    }

    /// Units of a share that a carrier may get.
    pub(super) fn sendable(&self, key: Key) -> impl Fn(usize, i64) -> i64 + use<> {
        let order = self.orders.get(&key);
        let gathering = order.and_then(|order| order.gathering.as_deref());
        let stays: Vec<usize> = match gathering.filter(|row| row.pickup.is_some()) {
            None => Vec::new(),
            Some(row) => {
                let shares = 0..order.map_or(0, |order| order.shares.len());
                shares.filter(|&share| row.at(share).sent_to.is_none()).collect()
            }
        };
        move |share, live| if stays.contains(&share) { 0 } else { live }
    }

    pub(super) fn reached_node(&mut self, event: &v1::FulfilmentArrivedAtNode) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "an arrival", "names nothing known");
        };
        for (place, units) in self.shares_where(key, only, &event.lines, |order, share| {
            let lying = order.gathering.as_deref().map(|row| row.at(share)).unwrap_or_default();
            match lying.sent_to {
                Some(_) => (outstanding(order, share, lying) - lying.at_node).max(0),
                None => 0,
            }
        }) {
            if let Some(order) = self.orders.get_mut(&key) {
                order.gathering.get_or_insert_default().at_mut(place).at_node += units;
            }
        }
    }

    /// What lay at a node is under way to its customer, as anything else that left.
    pub(super) fn forwarded(&mut self, event: &v1::FulfilmentForwarded) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a forwarding", "names nothing known");
        };
        let Some(order) = self.orders.get_mut(&key) else { return };
        let there = all_there(order, only);
        let Some(gathering) = order.gathering.as_deref_mut() else { return };
        for share in there {
            *gathering.at_mut(share) = Lying::default();
        }
    }

    /// What lies ready for its customer is turned down no more.
    pub(super) fn ready(&mut self, event: &v1::FulfilmentReadyForPickup) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a pick-up", "names nothing known");
        };
        let pickups = self.pickups;
        let Some(order) = self.orders.get_mut(&key) else { return };
        expire(order, pickups.now_ms);
        let there = all_there(order, only);
        let mut own: Vec<usize> = Vec::new();
        for number in order.live_fulfilments(only) {
            let of = |share: &usize| order.shares[*share].fulfilment == number;
            let shares: Vec<usize> = (0..order.shares.len()).filter(of).collect();
            let gathering = order.gathering.as_deref();
            let is_own = |&share: &usize| {
                gathering.is_none_or(|row| {
                    let lying = row.at(share);
                    lying.sent_to.is_none() && lying.stand == Stand::NotReady
                })
            };
            if shares.iter().all(is_own) {
                own.extend(shares);
                order.begun.push(number);
            }
        }
        let gathering = order.gathering.get_or_insert_default();
        for share in own.into_iter().chain(there) {
            gathering.at_mut(share).stand = Stand::Ready;
        }
        let is_done = |order: &Order, share: usize| {
            let lying = order.gathering.as_deref().map(|row| row.at(share)).unwrap_or_default();
            let on_its_way = lying.sent_to.map_or(0, |_| outstanding(order, share, lying));
            lying.stand == Stand::Ready || order.shares[share].live + on_its_way == 0
        };
        let all_ready = (0..order.shares.len()).all(|share| is_done(order, share));
        if all_ready && pickups.expires_after_ms > 0 {
            let gathering = order.gathering.get_or_insert_default();
            gathering.ready_until = pickups.now_ms + pickups.expires_after_ms;
        }
    }

    pub(super) fn collected(&mut self, event: &v1::FulfilmentCollected, time_ms: i64) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a pick-up", "names nothing known");
        };
        let now_ms = self.pickups.now_ms;
        if let Some(order) = self.orders.get_mut(&key) {
            expire(order, now_ms);
        }
        let taken = self.shares_where(key, only, &event.lines, |order, share| {
            let lying = order.gathering.as_deref().map(|row| row.at(share)).unwrap_or_default();
            let is_ready = lying.stand == Stand::Ready;
            if is_ready { order.shares[share].live + lying.at_node } else { 0 }
        });
        for (place, units) in taken {
            let Some(order) = self.orders.get_mut(&key) else { return };
            let lying = order.gathering.get_or_insert_default().at_mut(place);
            if lying.sent_to.is_some() {
                lying.at_node -= units;
                lying.collected += units;
            } else {
                self.share_left(key, place, units, time_ms);
            }
        }
    }

    pub(super) fn not_collected(&mut self, event: &v1::FulfilmentPickupExpired) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a pick-up", "names nothing known");
        };
        let Some(order) = self.orders.get_mut(&key) else { return };
        for share in 0..order.shares.len() {
            if only.is_none_or(|only| only == order.shares[share].fulfilment) {
                let lying = order.gathering.get_or_insert_default().at_mut(share);
                if lying.stand == Stand::Ready {
                    lying.stand = Stand::Expired;
                }
            }
        }
    }

    /// What nobody came for is cancelled; the release that follows takes it off the shelf's promises.
    /// What was sent there is on the shelf of the node where it lies.
    pub(super) fn back_in_stock(&mut self, event: &v1::FulfilmentReturnedToStock, time_ms: i64) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a pick-up", "names nothing known");
        };
        let now_ms = self.pickups.now_ms;
        let Some(order) = self.orders.get_mut(&key) else { return };
        expire(order, now_ms);
        let mut shelved: Vec<(u32, u32, i64)> = Vec::new();
        for share in all_there(order, only) {
            let lying = order.gathering.get_or_insert_default().at_mut(share);
            let Some(node) = lying.sent_to.filter(|_| lying.stand != Stand::Ready) else {
                continue;
            };
            let units = std::mem::take(&mut lying.at_node);
            let row = &mut order.shares[share];
            row.ended += units;
            shelved.push((node, order.lines[row.line as usize].sku, units));
        }
        for share in 0..order.shares.len() {
            let stand = order.gathering.as_deref().map(|row| row.at(share).stand);
            let row = order.shares[share];
            if stand == Some(Stand::Expired) && only.is_none_or(|only| only == row.fulfilment) {
                order.lines[row.line as usize].cancelled += row.live;
            }
        }
        for (node, sku, units) in shelved {
            self.shelves.at(node, sku).moved(units, time_ms);
        }
    }

    /// Units of a share that is sent to a node were given up, or came back.
    pub(super) fn settle_lying(&mut self, key: Key, place: usize, came_back: i64) {
        let Some(order) = self.orders.get_mut(&key) else { return };
        let Some(gathering) = order.gathering.as_deref_mut() else { return };
        if gathering.at(place).sent_to.is_none() {
            return;
        }
        let mut lying = gathering.at(place);
        lying.collected -= came_back.min(lying.collected);
        let row = &order.shares[place];
        lying.at_node = lying.at_node.min(row.shipped - row.ended - lying.collected);
        *gathering.at_mut(place) = lying;
    }

    /// Units of a share that can be given up. Of what was sent to its customer it is not in these books
    /// how much arrived: only what is named counts.
    pub(super) fn can_be_lost(order: &Order, share: usize, is_named: bool) -> i64 {
        let lying = order.gathering.as_deref().map(|row| row.at(share)).unwrap_or_default();
        match lying.sent_to {
            Some(_) => outstanding(order, share, lying),
            None if is_named => order.shares[share].shipped - order.shares[share].ended,
            None => 0,
        }
    }
}

/// What lies ready after its time does not any more.
fn expire(order: &mut Order, now_ms: i64) {
    let Some(gathering) = order.gathering.as_deref_mut() else { return };
    if gathering.ready_until == 0 || gathering.ready_until > now_ms {
        return;
    }
    gathering.ready_until = 0;
    for lying in gathering.lying.iter_mut().filter(|lying| lying.stand == Stand::Ready) {
        lying.stand = Stand::Expired;
    }
}

/// Shares of fulfilments of which all units lie at the node they were sent to, ready or not.
fn all_there(order: &Order, only: Option<u32>) -> Vec<usize> {
    let Some(gathering) = order.gathering.as_deref() else { return Vec::new() };
    let lies = |share: &usize| {
        let (row, lying) = (&order.shares[*share], gathering.at(*share));
        lying.sent_to.is_some()
            && row.live == 0
            && lying.at_node == outstanding(order, *share, lying)
    };
    let of = |number: u32| {
        (0..order.shares.len()).filter(move |&s| order.shares[s].fulfilment == number)
    };
    let is_there = |number: &u32| {
        of(*number).all(|share| lies(&share))
            && of(*number).any(|share| gathering.at(share).at_node > 0)
    };
    let numbers =
        (1..=order.fulfilments.len() as u32).filter(|n| only.is_none_or(|only| only == *n));
    numbers.filter(is_there).flat_map(of).collect()
}
