//! The customer's day in a wave: no order comes to be served by a node that would make it late.
//!
//! What stands is the day that the customer was promised; of an order without a promise the day that was
//! asked for, as long as the nodes that have it now keep it. A node that has a part of the order already
//! may go on, with more of it or less: its part is due with what was promised, as it was before.

use std::collections::BTreeMap;

use omnifold_domain::{NodeIx, Order, View};

use super::gather::parts;
use crate::Turn;
use crate::distance::UNKNOWN;
use crate::policy::{Model, day_there};
use crate::promise::{self, From};

/// On which day nodes serve what they get now, each reckoned once a wave.
#[derive(Default)]
pub(super) struct Days {
    by_calendar: BTreeMap<usize, Option<i32>>,
    there: BTreeMap<usize, Option<i32>>,
}

/// By when the customer is to have an order.
enum Due {
    /// The day promised, where the order goes to these areas.
    Promised([u64; 3], i32),
    /// The day asked for.
    Wanted(i32),
}

impl Days {
    /// Takes nodes out that would serve the order on a later day than stands.
    pub fn keep<V: View>(&mut self, view: &mut V, turn: Turn, order: &Order, model: &mut Model) {
        let Some(due) = self.due(view, turn, order) else { return };
        for node in 0..model.permitted.len() {
            let has_part = || parts(order).any(|(_, part)| part.node.0 as usize == node);
            if model.permitted[node] && !has_part() {
                model.permitted[node] = self.is_in_time(view, turn, order, model, node, &due);
            }
        }
    }

    fn due<V: View>(&mut self, view: &mut V, turn: Turn, order: &Order) -> Option<Due> {
        if let Some((areas, given)) = promise::standing(view, turn, order) {
            return Some(Due::Promised(areas, given.promised.latest_day));
        }
        let wanted = order.requested_day()?;
        let mut nodes = parts(order).map(|(_, part)| part.node.0 as usize);
        let is_kept = nodes.all(|node| self.there(view, turn, node).is_some_and(|it| it <= wanted));
        is_kept.then_some(Due::Wanted(wanted))
    }

    /// As it would be promised, whether the order goes as one part or as one of several.
    fn is_in_time<V: View>(
        &mut self,
        view: &V,
        turn: Turn,
        order: &Order,
        model: &Model,
        node: usize,
        due: &Due,
    ) -> bool {
        let (areas, latest) = match *due {
            Due::Promised(areas, latest) => (areas, latest),
            Due::Wanted(latest) => {
                return self.there(view, turn, node).is_some_and(|day| day <= latest);
            }
        };
        let metres = model.metres[node];
        let metres = if metres == UNKNOWN { 0 } else { metres };
        let most = model.max_shipments.min(2) as u32; // what was learned tells one part from several
        (1..=most).all(|nodes| {
            let from = From { node: NodeIx(node as u32), metres, nodes, now_ms: turn.now_ms };
            let learned = promise::learned_day(view, order, areas, from);
            let day = learned.or_else(|| self.by_calendar(view, turn, node));
            day.is_some_and(|day| day <= latest)
        })
    }

    fn by_calendar<V: View>(&mut self, view: &V, turn: Turn, node: usize) -> Option<i32> {
        let of = || promise::calendar_day(view, turn, NodeIx(node as u32));
        *self.by_calendar.entry(node).or_insert_with(of)
    }

    fn there<V: View>(&mut self, view: &V, turn: Turn, node: usize) -> Option<i32> {
        let of = || day_there(view, NodeIx(node as u32), turn.now_ms);
        *self.there.entry(node).or_insert_with(of)
    }
}
