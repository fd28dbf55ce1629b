//! What was promised is taken back, asked back, or told anew.

use omnifold_domain::{
    Decision, Fulfilment, FulfilmentState, NodeIx, Order, OrderKey, Reason, View,
};
use omnifold_events::v1::{self, Cause, OutcomeStatus};

use crate::decide::{Router, Turn, Writer, quantities};
use crate::promise;

/// What becomes of an order by a cancellation.
struct Withdrawal {
    /// The order as it is after what is taken back at once.
    kept: Order,
    /// (place of the order line, units) that are gone at once.
    gone: Vec<(usize, i64)>,
    /// (place of the fulfilment, place of the order line, units) that nodes are asked for.
    asked: Vec<(usize, usize, i64)>,
}

impl Withdrawal {
    /// Open units first, then those that need no question, then the others; of either, the newest
    /// fulfilment's first.
    fn of(order: &Order, lines: &[(usize, i64)], asks: bool) -> Self {
        let (gone, asked) = (Vec::new(), Vec::new());
        let mut withdrawal = Withdrawal { kept: order.clone(), gone, asked };
        for &(line, units) in lines {
            let open = units.min(order.lines[line].open);
            let missing = withdrawal.take_back(order, line, units - open, asks);
            let at_once = units - missing;
            if at_once > 0 {
                withdrawal.gone.push((line, at_once));
            }
            let missing = if asks { withdrawal.ask(order, line, missing) } else { missing };
            assert_eq!(missing, 0, "the fold checked that the units are there");
        }
        withdrawal
    }

    /// Returns what is still missing.
    fn take_back(&mut self, order: &Order, line: usize, mut missing: i64, asks: bool) -> i64 {
        let may =
            |f: &Fulfilment| f.state.is_open() && !(asks && f.state != FulfilmentState::Assigned);
        let open = self.kept.fulfilments.iter_mut().enumerate().filter(|(_, f)| may(f));
        for (place, fulfilment) in open.rev() {
            for part in fulfilment.lines.iter_mut().filter(|part| part.line as usize == line) {
                let taken = (part.allocated - order.asked_back_of(place, part)).min(missing);
                part.allocated -= taken;
                part.backordered = part.backordered.min(part.allocated);
                missing -= taken;
            }
        }
        missing
    }

    fn ask(&mut self, order: &Order, line: usize, mut missing: i64) -> i64 {
        let open = self.kept.fulfilments.iter().enumerate().filter(|(_, f)| f.state.is_open());
        for (place, fulfilment) in open.rev() {
            for part in fulfilment.lines.iter().filter(|part| part.line as usize == line) {
                let units = (part.allocated - order.asked_back_of(place, part)).min(missing);
                if units > 0 {
                    self.asked.push((place, line, units));
                    missing -= units;
                }
            }
        }
        missing
    }
}

impl Router {
    /// Takes back units of an order; where the market's rule says so, asks the nodes that have
    /// accepted them.
    ///
    /// # Panics
    /// Where there is no such order, or it holds fewer units.
    pub fn cancel<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        lines: &[(usize, i64)],
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let settings = view.settings().expect("a market with orders has settings");
        let withdrawal = Withdrawal::of(&order, lines, settings.asks_release);
        Writer { view, turn, order: &order, distances: &[] }.write_withdrawal(&withdrawal)
    }

    /// Takes back from one fulfilment what its node gave up, and cancels it.
    ///
    /// # Panics
    /// Where there is no such order, or the fulfilment holds fewer units.
    pub fn release<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        fulfilment: usize,
        lines: &[(usize, i64)],
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let mut kept = Order::clone(&order);
        for &(line, units) in lines {
            let rows = &mut kept.fulfilments[fulfilment].lines;
            let row = rows.iter_mut().find(|row| row.line as usize == line);
            let row = row.expect("the node was asked for units that it holds");
            row.allocated -= units;
            row.backordered = row.backordered.min(row.allocated);
            assert!(row.allocated >= 0, "the node was asked for units that it holds");
        }
        let withdrawal = Withdrawal { kept, gone: lines.to_vec(), asked: Vec::new() };
        Writer { view, turn, order: &order, distances: &[] }.write_withdrawal(&withdrawal)
    }

    /// Says that units stay which a cancellation asked for: it came too late for them.
    ///
    /// # Panics
    /// Where there is no such order.
    pub fn keep<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        lines: &[(usize, i64)],
        reason: Reason,
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let writer = Writer { view, turn, order: &order, distances: &[] };
        vec![Decision::Outcome(v1::OrderOutcome {
            reason: reason.code().to_owned(),
            kept: quantities(&order, lines),
            ..writer.answer(0, OutcomeStatus::Refused)
        })]
    }

    /// Tells the nodes of these fulfilments how their work stands now.
    ///
    /// # Panics
    /// Where there is no such order.
    pub fn tell<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        fulfilments: &[usize],
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let writer = Writer { view, turn, order: &order, distances: &[] };
        let open = fulfilments.iter().filter(|&&place| order.fulfilments[place].state.is_open());
        let changed = (0..)
            .zip(open)
            .map(|(nth, &place)| writer.changed(place, &order.fulfilments[place], nth));
        let mut decisions: Vec<Decision> = changed.collect();
        if turn.cause == Cause::Changed {
            promise::attach_changed(view, turn, &order, &mut decisions);
        }
        decisions
    }

    /// Takes back the fulfilments of an order whose deadline is at or before an instant. What
    /// becomes of the units is for the routing that follows.
    ///
    /// # Panics
    /// Where there is no such order.
    pub fn time_out<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        due_ms: i64,
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let writer = Writer { view, turn, order: &order, distances: &[] };
        let overdue = order.overdue(due_ms).enumerate();
        overdue.map(|(nth, place)| writer.released(place, &order.fulfilments[place], nth)).collect()
    }

    /// Takes back what a node gives up of an order: it is paused, or leaves (`turn.cause`). What
    /// becomes of the units is for the routing that follows.
    ///
    /// # Panics
    /// Where there is no such order.
    pub fn take_back<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        node: NodeIx,
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let writer = Writer { view, turn, order: &order, distances: &[] };
        let leaving = order.leaving(node, turn.cause);
        let told = leaving.iter().enumerate().map(|(nth, (place, lines))| {
            let before = &order.fulfilments[*place];
            let mut after = before.clone();
            for &(line, units) in lines {
                let part = &mut after.lines[line];
                part.allocated -= units;
                part.backordered = part.backordered.min(part.allocated);
            }
            writer.keeps(*place, before, &after, nth)
        });
        told.collect()
    }

    /// Cancels the units of an order that still wait.
    ///
    /// # Panics
    /// Where there is no such order.
    pub fn end_waiting<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let lines = order.lines.iter().map(|line| line.waiting).enumerate();
        let lines: Vec<(usize, i64)> = lines.filter(|&(_, units)| units > 0).collect();
        if lines.is_empty() { Vec::new() } else { self.cancel(view, turn, key, &lines) }
    }
}

impl<V: View> Writer<'_, V> {
    fn write_withdrawal(&self, withdrawal: &Withdrawal) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let pairs = self.order.fulfilments.iter().zip(&withdrawal.kept.fulfilments).enumerate();
        for (place, (before, after)) in pairs.filter(|(_, (before, after))| before != after) {
            decisions.push(self.keeps(place, before, after, decisions.len()));
        }
        for place in 0..self.order.fulfilments.len() {
            let asked = withdrawal.asked.iter().filter(|asked| asked.0 == place);
            let lines: Vec<(usize, i64)> = asked.map(|&(_, line, units)| (line, units)).collect();
            if !lines.is_empty() {
                decisions.push(self.asked_back(place, &lines, decisions.len()));
            }
        }
        let all_asked = withdrawal.gone.is_empty() && !withdrawal.asked.is_empty();
        let status =
            if all_asked { OutcomeStatus::ReleaseRequested } else { OutcomeStatus::Cancelled };
        let asked = withdrawal.asked.iter().map(|&(_, line, units)| (line, units));
        let asked: Vec<(usize, i64)> = asked.collect();
        decisions.push(Decision::Outcome(v1::OrderOutcome {
            cancelled: quantities(self.order, &withdrawal.gone),
            release_requested: quantities(self.order, &asked),
            ..self.answer(decisions.len(), status)
        }));
        decisions
    }

    /// The answer to a cancellation, as the decision at that place among those taken now.
    fn answer(&self, place: usize, status: OutcomeStatus) -> v1::OrderOutcome {
        v1::OrderOutcome {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            revision: self.order.revision,
            decision: self.number(place),
            step: self.turn.step,
            cause: self.turn.cause.into(),
            status: status.into(),
            timer: self.turn.timer,
            ..v1::OrderOutcome::default()
        }
    }

    /// A fulfilment keeps less than before, or nothing.
    pub(crate) fn keeps(
        &self,
        place: usize,
        before: &Fulfilment,
        after: &Fulfilment,
        nth: usize,
    ) -> Decision {
        if after.lines.iter().all(|line| line.allocated == 0) {
            self.released(place, before, nth)
        } else {
            self.changed(place, after, nth)
        }
    }

    fn node_of(&self, place: usize) -> String {
        let node = self.order.fulfilments[place].node;
        self.view.nodes()[node.0 as usize].id.clone()
    }

    fn released(&self, place: usize, before: &Fulfilment, nth: usize) -> Decision {
        Decision::Released(v1::FulfilmentReleased {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            fulfilment: place as u32 + 1,
            node_id: self.node_of(place),
            lines: self.held_lines(place, before),
            revision: self.order.revision,
            decision: self.number(nth),
            step: self.turn.step,
            cause: self.turn.cause.into(),
            timer: self.turn.timer,
        })
    }

    fn changed(&self, place: usize, after: &Fulfilment, nth: usize) -> Decision {
        Decision::Changed(v1::FulfilmentChanged {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            fulfilment: place as u32 + 1,
            node_id: self.node_of(place),
            lines: self.held_lines(place, after),
            revision: self.order.revision,
            decision: self.number(nth),
            step: self.turn.step,
            cause: self.turn.cause.into(),
            holds: self.order.holds_of_fulfilment(place),
            delivery: self.order.delivery_terms().map(Box::new),
            timer: self.turn.timer,
            promise: None,
        })
    }

    fn asked_back(&self, place: usize, lines: &[(usize, i64)], nth: usize) -> Decision {
        let line = |&(line, units): &(usize, i64)| self.assigned_line(line, units, 0);
        Decision::ReleaseRequested(v1::FulfilmentReleaseRequested {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            fulfilment: place as u32 + 1,
            node_id: self.node_of(place),
            lines: lines.iter().map(line).collect(),
            revision: self.order.revision,
            decision: self.number(nth),
            step: self.turn.step,
            cause: self.turn.cause.into(),
            timer: self.turn.timer,
        })
    }

    fn held_lines(&self, place: usize, fulfilment: &Fulfilment) -> Vec<v1::AssignedLine> {
        let held = fulfilment.lines.iter().enumerate().filter(|(_, line)| line.allocated > 0);
        held.map(|(part, row)| {
            let line = self.assigned_line(row.line as usize, row.allocated, row.backordered);
            let lots = self.order.lots_held(place, part, row.allocated);
            let lots = lots.iter().map(|(lot, units)| lot.told(*units)).collect();
            v1::AssignedLine { lots, ..line }
        })
        .collect()
    }
}
