//! What was promised for one order, as it stands beside it.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Facts, Open, PromiseRules, Promised};
use crate::decision::Moment;
use crate::{Location, Node, NodeIx, Order, TimerKey, TimerKind, View};

/// What was promised for an order, and what is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPromise {
    /// The age of the order.
    pub placed_step: u64,
    /// Where it goes, from broad to narrow: see [`regions`].
    pub areas: [u64; 3],
    /// What the customer was told last; `None`: nothing, or nobody can say.
    pub given: Option<Given>,
    /// What was promised first.
    pub first: Option<Made>,
    /// What is expected since it was handed over, where that was learned.
    pub expected: Option<Made>,
    /// How often the customer was told a later date.
    pub moved: u32,
    /// The newest decision that spoke of it.
    pub decided: Moment,
    /// What is learned of it, once it has come.
    pub open: Option<Open>,
    /// What became of it.
    pub fate: Fate,
    /// When something becomes of it next, milliseconds since the Unix epoch; 0: never.
    pub due_at: i64,
}

/// A promise, to be compared with what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The local day on which it was made, days since 1970-01-01.
    pub day: i32,
    /// The interval.
    pub promised: Promised,
    /// Of what kind it is.
    pub kind: PromiseKind,
}

/// Kinds of promises that are counted each by itself. The numbers are in rows' keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromiseKind {
    /// Of the way from purchase on, learned.
    Learned = 1,
    /// Of the way from purchase on, by calendar.
    Calendar = 2,
    /// Of what remains at hand-over, learned.
    HandedOver = 3,
    /// Of the way from purchase on, of units that waited for what was inbound.
    Inbound = 4,
}

/// What became of an order, as far as its promise goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It is waited for.
    Open,
    /// All of it that will come came on that local day, days since 1970-01-01.
    Delivered(i32),
    /// It was called off, or will not come.
    Ended,
}

/// What a customer was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The interval.
    pub promised: Promised,
    /// `v1::PromiseSource`.
    pub source: i32,
    /// `v1::PromiseLevel`.
    pub level: i32,
    /// Deliveries that the level knew of.
    pub deliveries: u32,
    /// The stated share of late orders; 0: none was stated.
    pub late_ppm: u32,
    /// The node whose part has the longest way.
    pub node: NodeIx,
    /// When it was made, milliseconds since the Unix epoch.
    pub made_at: i64,
}

impl Given {
    /// What a message promises; `None`: nothing.
    pub(crate) fn of(message: &v1::Promise) -> Option<Self> {
        if message.source() == v1::PromiseSource::Unspecified {
            return None;
        }
        let (earliest_day, latest_day) = (message.earliest_day, message.latest_day);
        Some(Given {
            promised: Promised { earliest_day, latest_day },
            source: message.source,
            level: message.level,
            deliveries: message.deliveries,
            late_ppm: message.late_ppm,
            node: NodeIx(message.node),
            made_at: message.made_at_ms,
        })
    }

    /// As messages say it.
    pub fn message(&self) -> v1::Promise {
        v1::Promise {
            earliest_day: self.promised.earliest_day,
            latest_day: self.promised.latest_day,
            source: self.source,
            level: self.level,
            deliveries: self.deliveries,
            late_ppm: self.late_ppm,
            node: self.node.0,
            made_at_ms: self.made_at,
            ..v1::Promise::default()
        }
    }
}

impl OrderPromise {
    /// Nothing is promised yet.
    pub(crate) fn none(placed_step: u64, areas: [u64; 3]) -> Self {
        OrderPromise {
            placed_step,
            areas,
            given: None,
            first: None,
            expected: None,
            moved: 0,
            decided: (0, 0),
            open: None,
            fate: Fate::Open,
            due_at: 0,
        }
    }

    /// Its timer. One at a time: whatever falls due sets the next.
    pub fn timer(&self) -> Option<TimerKey> {
        let (due_ms, kind) = (self.due_at, TimerKind::PromiseDue);
        (due_ms != 0).then_some(TimerKey { due_ms, kind, step: self.placed_step })
    }

    /// Sets when something becomes of it next.
    pub(crate) fn settle_due(&mut self, rules: &PromiseRules) {
        let open = self.open.as_ref().map(Open::due_day);
        let given = self.given.filter(|_| self.is_awaited()).map(|given| given.promised.latest_day);
        let day = open.into_iter().chain(given).min().filter(|_| self.fate == Fate::Open);
        self.due_at = day.map_or(0, |day| rules.end_of(day));
    }

    /// Whether a customer who was promised a day is told when it has passed: not for ever.
    fn is_awaited(&self) -> bool {
        let first = self.first.map_or(0, |first| first.promised.latest_day);
        let given = self.given.map_or(0, |given| given.promised.latest_day);
        self.fate == Fate::Open && given <= first.saturating_add(FORGOTTEN_AFTER_DAYS)
    }
}

/// Days after its first promise after which nobody is told any more that an order has not come.
const FORGOTTEN_AFTER_DAYS: i32 = 200;

/// Where an order goes, as numbers from broad to narrow: its country and the first one and two
/// characters of the postcode area, and all of it; without one, squares of five, one and a quarter
/// degrees. Only whether two are the same is read from them.
pub fn regions(to: &v1::Destination) -> [u64; 3] {
    let area = &to.postcode_area;
    if area.is_empty() {
        let place = to.location.as_ref();
        let place = place.map(|at| Location { lat_e6: at.lat_e6, lon_e6: at.lon_e6 });
        return [5_000_000, 1_000_000, 250_000].map(|side| square(&to.country, place, side));
    }
    let first = |characters: usize| {
        let end = area.char_indices().nth(characters).map_or(area.len(), |(at, _)| at);
        named(&to.country, 1, &area.as_bytes()[..end])
    };
    [first(1), first(2), named(&to.country, 1, area.as_bytes())]
}

/// The region in which a node is: a square of two degrees.
fn origin(node: &Node) -> u64 {
    square(&node.country, node.location, 2_000_000)
}

fn square(country: &str, place: Option<Location>, side_e6: i32) -> u64 {
    let Some(Location { lat_e6, lon_e6 }) = place else { return named(country, 0, &[]) };
    let [lat, lon] = [lat_e6, lon_e6].map(|e6| e6.div_euclid(side_e6).to_be_bytes());
    named(country, 2, &[lat, lon].concat())
}

fn named(country: &str, kind: u8, name: &[u8]) -> u64 {
    let mut bytes = country.as_bytes().to_vec();
    bytes.extend([0, kind]);
    bytes.extend(name);
    xxh3_64(&bytes)
}

/// What is known of an order when nodes get it: the one with the longest way stands for all.
pub fn facts<V: View>(view: &V, order: &Order, areas: [u64; 3], way: &v1::Promise) -> Facts {
    let mut weight_milli = 0i128;
    let mut units_milli = 0i128;
    for line in &order.lines {
        let units = i128::from(line.ordered - line.cancelled);
        weight_milli += units * i128::from(view.item(line.sku).weight_g);
        units_milli += units;
    }
    let whole = |milli: i128| u32::try_from((milli + 999) / 1_000).unwrap_or(u32::MAX);
    Facts {
        node: u64::from(way.node),
        origin: origin(&view.nodes()[way.node as usize]),
        areas,
        distance_m: way.distance_m,
        weight_g: whole(weight_milli),
        nodes: way.nodes,
        units: whole(units_milli),
    }
}
