//! What operators declare: the market's settings, its nodes and its items.

use std::collections::BTreeMap;

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::promise::PromiseRules;
use crate::{
    Replenishment, SkuIx, SlaTerms, sla, {
        Kit, {ActivePolicy, NodeIx, Opening},
    },
};

/// A place in microdegrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// North positive.
    pub lat_e6: i32,
    /// East positive.
    pub lon_e6: i32,
}

/// A place that holds stock and ships it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The operator's name for it; ties between nodes go to the smaller one.
    pub id: String,
    /// For people.
    pub name: String,
    /// `v1::NodeKind`.
    pub kind: i32,
    /// Unknown: no distance, ranked after every node that has one.
    pub location: Option<Location>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Only enabled nodes get new work (rule R1).
    pub enabled: bool,
    /// Customers' returns are sent here.
    pub takes_returns: bool,
    /// How long it has for each step; 0: as long as the market says.
    pub deadlines: Deadlines,
    /// Of nodes that do not take whatever comes.
    pub capacity: Option<Box<Capacity>>,
    /// Of nodes that are not always open.
    pub opening: Option<Box<Opening>>,
    /// Of nodes that get no work for a while, or none any more.
    pub absence: Option<Box<Absence>>,
    /// How soon it must dispatch, oldest terms first; of nearly all nodes, never said.
    pub sla: Vec<SlaTerms>,
    /// Names of the groups that it belongs to, sorted.
    pub groups: Vec<String>,
}

/// Why a node gets no work although it is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Absence {
    /// For a while.
    Paused {
        /// The operator's code.
        reason: String,
        /// When it ends by itself, milliseconds since the Unix epoch; 0: when somebody says so.
        until_ms: i64,
    },
    /// It left the network. What it has picked it still ships.
    Offboarded {
        /// The operator's code.
        reason: String,
    },
}

impl Node {
    /// Whether it may get new work (rule R1), whenever it is open.
    pub fn takes_work(&self) -> bool {
        self.enabled && self.absence.is_none()
    }

    /// Whether it left the network.
    pub fn is_offboarded(&self) -> bool {
        matches!(self.absence.as_deref(), Some(Absence::Offboarded { .. }))
    }

    /// When a time that it has from an instant is over: its opening hours count, where it has any.
    pub fn deadline(&self, from_ms: i64, within_ms: i64) -> i64 {
        match &self.opening {
            None => from_ms + within_ms,
            Some(opening) => opening.after(from_ms, within_ms),
        }
    }

    /// When it must have picked what it accepts now; 0: no deadline. `deadlines` are the market's.
    pub fn pick_by(&self, now_ms: i64, deadlines: Deadlines) -> i64 {
        let processing = self.opening.as_ref().map_or(0, |opening| opening.processing_ms);
        match self.deadlines.or(deadlines).pick_within_ms {
            0 => 0,
            within => self.deadline(now_ms, within.max(processing)),
        }
    }

    /// When work for an order must be dispatched wholly, if its node gets it at an instant (rule T4);
    /// 0: no limit. The terms in force when the order was placed apply.
    pub fn dispatch_by(&self, placed_at: i64, started_at: i64) -> i64 {
        let terms = sla::in_force(&self.sla, placed_at);
        terms.and_then(|terms| terms.due(started_at)).unwrap_or(0)
    }

    /// Whether another firm works here: it has the work from the moment it is told (rule R12).
    pub fn is_partner(&self) -> bool {
        let kind = v1::NodeKind::try_from(self.kind).unwrap_or_default();
        matches!(kind, v1::NodeKind::Partner | v1::NodeKind::Supplier)
    }
}

/// How many orders a node takes a local day (rule R8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// IANA name of the zone its days are in, checked when it was set.
    pub zone: String,
    /// 1 or more.
    pub orders_per_day: u32,
}

impl Capacity {
    /// The node's local date, in days since 1970-01-01.
    pub fn day_of(&self, at_ms: i64) -> i32 {
        let zone = crate::calendar::zone(&self.zone).expect("checked when it was set");
        crate::calendar::local_day(&zone, at_ms).expect("record times are of four-digit years")
    }

    /// The instant at which the day after a local date begins.
    pub(crate) fn day_after(&self, day: i32) -> i64 {
        let zone = crate::calendar::zone(&self.zone).expect("checked when it was set");
        crate::calendar::start_of_day(&zone, day + 1).expect("as above")
    }
}

/// Orders that a node with a limit took on its newest local day, and when it last turned work down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeDay {
    /// Days since 1970-01-01, in the node's zone.
    pub day: i32,
    /// Orders.
    pub orders: u32,
    /// When it last rejected an order, milliseconds since the Unix epoch; 0: never.
    pub rejected_at: i64,
}

/// How long a node has for a step of its work, in milliseconds; 0: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Deadlines {
    /// From assigned to accepted.
    pub accept_within_ms: i64,
    /// From accepted to picked.
    pub pick_within_ms: i64,
}

impl Deadlines {
    /// These, and where they say nothing, the others.
    pub fn or(self, others: Deadlines) -> Deadlines {
        let or = |own: i64, other: i64| if own == 0 { other } else { own };
        Deadlines {
            accept_within_ms: or(self.accept_within_ms, others.accept_within_ms),
            pick_within_ms: or(self.pick_within_ms, others.pick_within_ms),
        }
    }
}

/// A thing that is sold and stocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The seller's name for it.
    pub sku: String,
    /// For people.
    pub name: String,
    /// Decimals of a unit that may be ordered, 0 to 3 (rule Q1).
    pub scale: u32,
    /// Not taken back unless it was faulty.
    pub final_sale: bool,
    /// What it is made of, where it is a kit.
    pub kit: Option<Box<Kit>>,
    /// The kits that it is a part of, by number.
    pub part_of: Vec<SkuIx>,
    /// Whom it is bought of when customers wait for it.
    pub purchase: Option<Box<Replenishment>>,
    /// Some event named a lot of it: its stock rows may have lots.
    pub has_lots: bool,
    /// Grams of one unit; 0: unknown.
    pub weight_g: u32,
    /// Where each of its units is, by serial number, is kept.
    pub serialised: bool,
}

impl Item {
    /// The smallest quantity that can be moved, in 1/1000 unit.
    pub fn step_milli(&self) -> i64 {
        10i64.pow(3 - self.scale.min(3))
    }
}

/// The market's settings, as the newest MarketConfigured and RulesActivated left them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether the clock moves with record times only; otherwise it is the machine's.
    pub events_clock: bool,
    /// ISO 4217.
    pub currency: String,
    /// Default for orders that say nothing (rule R5).
    pub allow_partial: bool,
    /// Whether uncovered units wait; otherwise they are refused (rule R5).
    pub wait: bool,
    /// `v1::ExplanationLevel`.
    pub explanation: i32,
    /// How long event ids are remembered.
    pub dedupe_horizon_ms: i64,
    /// How far ahead of the clock a record may be.
    pub max_ahead_ms: i64,
    /// Counted solver steps one decision may take.
    pub solver_steps: u32,
    /// Version of the rules in force.
    pub rules_version: u32,
    /// `v1::PaymentRule`: what the routing of orders placed from now on waits for.
    pub payment: i32,
    /// Whether a node is asked before units that it has accepted are taken back.
    pub asks_release: bool,
    /// How long after an order's completion a return may be asked for (rule S3).
    pub return_window_ms: i64,
    /// `v1::ItemCondition`: the worst that is taken back; 0: any.
    pub worst_return_condition: i32,
    /// Taken off the refund of each return, minor units.
    pub return_fee: i64,
    /// Grams a parcel of more than one unit may weigh (rule R13); 0: no limit.
    pub max_parcel_g: u32,
    /// What ChannelDefined said, by channel.
    pub channels: BTreeMap<String, Channel>,
    /// For nodes that have none of their own.
    pub deadlines: Deadlines,
    /// How long units wait before they are cancelled, in milliseconds; 0: for ever.
    pub cancel_waiting_after_ms: i64,
    /// A node that begins no work within this time is not routed to; 0: there is no limit.
    pub max_closed_ms: i64,
    /// Bit N: the notices of `v1::NoticeKind` N are published.
    pub notices: u32,
    /// How long a pick-up order lies ready before it expires; 0: until somebody says so.
    pub pickup_expires_after_ms: i64,
    /// How long it lies ready before its customer is reminded; 0: never.
    pub pickup_reminder_after_ms: i64,
    /// Whether any node may supply what is collected at another (rule R10).
    pub supplies_pickups: bool,
    /// How long an authorised return is waited for; 0: until somebody says so.
    pub return_expires_after_ms: i64,
    /// The routing policy in force; `None`: the settings above rule.
    pub policy: Option<Box<ActivePolicy>>,
    /// Whether units were ever reserved for a channel: nobody looks for any otherwise.
    pub reserves: bool,
    /// By what rules delivery dates are promised; `None`: none are.
    pub promise: Option<Box<PromiseRules>>,
}

/// What a channel may sell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Nodes that its definition names.
    pub named: Vec<NodeIx>,
    /// Groups that it names. Neither: it sells the stock of every node.
    pub groups: Vec<String>,
    /// Nodes whose stock it sells, sorted: the named ones and those of its groups now.
    pub nodes: Vec<NodeIx>,
    /// Units of each SKU that it does not show (rule Q4).
    pub threshold: i64,
}

impl Channel {
    /// Whether the channel sells this node's stock.
    pub fn exposes(&self, node: NodeIx) -> bool {
        (self.named.is_empty() && self.groups.is_empty()) || self.nodes.contains(&node)
    }

    /// Looks up who belongs to its groups.
    pub(crate) fn settle(&mut self, nodes: &[Node]) {
        let belongs = |node: &Node| self.groups.iter().any(|group| node.groups.contains(group));
        let members = (0..).map(NodeIx).zip(nodes).filter(|(_, node)| belongs(node));
        let members: Vec<NodeIx> = members.map(|(ix, _)| ix).collect();
        self.nodes.clone_from(&self.named);
        self.nodes.extend(members);
        self.nodes.sort_unstable();
        self.nodes.dedup();
    }
}

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400 * SECOND_MS;
/// Default of [`Settings::dedupe_horizon_ms`].
pub(crate) const DEFAULT_HORIZON_MS: i64 = 7 * DAY_MS;
const DEFAULT_RETURN_WINDOW_MS: i64 = 30 * DAY_MS;
const DEFAULT_SOLVER_STEPS: u32 = 200_000;

impl Settings {
    /// The settings that an event asks for, defaults filled in.
    pub(crate) fn from_event(event: &v1::MarketConfigured, rules_version: u32) -> Self {
        let events_clock = event.clock() == v1::ClockKind::Events;
        let ahead = if events_clock { 400 * DAY_MS } else { 5 * SECOND_MS };
        let or = |value: i64, default: i64| if value == 0 { default } else { value };
        Settings {
            events_clock,
            currency: event.currency.clone(),
            allow_partial: event.coverage() == v1::Coverage::AllowPartial,
            wait: event.shortage() == v1::Shortage::Wait,
            explanation: event.explanation,
            dedupe_horizon_ms: or(event.dedupe_horizon_ms, DEFAULT_HORIZON_MS),
            max_ahead_ms: or(event.max_ahead_ms, ahead),
            solver_steps: match event.solver_steps {
                0 => DEFAULT_SOLVER_STEPS,
                steps => steps,
            },
            rules_version,
            channels: BTreeMap::new(),
            return_window_ms: or(event.return_window_ms, DEFAULT_RETURN_WINDOW_MS),
            worst_return_condition: event.worst_return_condition,
            return_fee: event.return_fee_minor,
            max_parcel_g: event.max_parcel_g,
            payment: event.payment,
            asks_release: event.release() == v1::ReleaseRule::AskOnceAccepted,
            deadlines: Deadlines {
                accept_within_ms: event.accept_within_ms,
                pick_within_ms: event.pick_within_ms,
            },
            cancel_waiting_after_ms: event.cancel_waiting_after_ms,
            max_closed_ms: event.max_closed_ms,
            notices: event.notices.iter().fold(0, |set, &kind| set | 1 << (kind & 31)),
            pickup_expires_after_ms: event.pickup_expires_after_ms,
            pickup_reminder_after_ms: event.pickup_reminder_after_ms,
            supplies_pickups: event.pickup_supply() == v1::PickupSupply::AnyNode,
            return_expires_after_ms: event.return_expires_after_ms,
            policy: None,
            reserves: false,
            promise: None,
        }
    }
}
