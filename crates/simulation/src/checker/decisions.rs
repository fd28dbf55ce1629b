//! What the engine decided, taken into the books.

use omnifold_events::v1::{self, Cause, OutcomeStatus};
use omnifold_log::Record;
use xxhash_rust::xxh3::xxh3_128;

use super::audit::{Audit, Key};
use super::ledger::{Fulfilment, Share};
use super::names::pair_hash;
use super::report::Rule;
use crate::output::Output;

/// The hold that the engine puts on what nobody serves.
const UNSERVED: &str = "policy";

impl Audit {
    /// Takes one record of `assignments`. One without its mark never took effect.
    pub fn decision(&mut self, record: &Record<'_>, output: &Output, effective: bool) {
        let (channel, order_id) = output.order();
        let (key, name) = (pair_hash(channel, order_id), format!("{channel}/{order_id}"));
        if !effective || output.cause() == Cause::Void {
            return self.void(key, record, output, effective);
        }
        if !self.void.is_empty() {
            // Taken again byte for byte: readers drop the repeat.
            let again = void_of(key, record, output);
            self.answer_void(|void| *void == again);
        }
        if record.headers.get("again").is_some() && self.knows(key, output) {
            return;
        }
        self.check_step(output, &name);
        if let Output::SoftHold(outcome) = output {
            self.check_key(record, &format!("/hold/{}/{}", outcome.channel, outcome.hold_id));
            return self.soft_hold_outcome(outcome);
        }
        if let Output::Wave(planned) = output {
            self.check_key(record, &format!("/wave/{}", planned.wave_id));
            return self.wave_planned(planned, record.time_ms);
        }
        self.before_wave(key, output);
        self.check_labels(record, output, &name);
        self.check_number(key, output, &name);
        self.touch(key, &name);
        self.check_promises(key, &name, output, record.time_ms);
        self.check_deferred(key, &name, output, record.time_ms);
        match output {
            Output::Outcome(outcome) => self.outcome(key, &name, outcome),
            Output::Assigned(assigned) => {
                self.check_lots(&name, assigned, record.time_ms);
                self.check_in_stock(key, &name, assigned);
                self.assigned(key, &name, assigned, output.cause());
                if let Some(outcome) = &assigned.outcome {
                    self.outcome(key, &name, outcome);
                }
            }
            Output::Changed(changed) => {
                let leaves = changed.cause() == Cause::NodeOffboarded;
                self.keeps(key, &name, changed.fulfilment, &changed.lines, leaves);
            }
            Output::ReleaseRequested(asked) => self.asked_back(key, &name, asked),
            Output::Released(released) => self.released(key, &name, released),
            Output::SoftHold(_) | Output::Wave(_) => {} // above
            Output::ReturnAuthorised(message) => self.return_authorised(&name, message),
            Output::ReturnRefused(_) => {}
            Output::RefundDue(message) => self.refund_due(key, &name, message),
            Output::Rejected(_) | Output::Variance(_) | Output::Notice(_) | Output::Supply(_) => {
                self.violation(Rule::UnknownSubject, &name, "no decision, on `assignments`");
            }
        }
        if output.fulfilment().is_some() {
            self.check_sequence(key, record, output, &name);
        }
    }

    /// A decision that readers could see and that never took effect, or the release of one.
    fn void(&mut self, key: Key, record: &Record<'_>, output: &Output, effective: bool) {
        self.report.counts.void += u64::from(!effective);
        match output {
            // The same bytes once more are a repeat, which readers drop.
            Output::Assigned(_) if !effective => {
                let void = void_of(key, record, output);
                if !self.void.contains(&void) {
                    self.void.push(void);
                }
            }
            Output::Released(released) if released.cause() == Cause::Void => {
                let (fulfilment, _) = void_of(key, record, output);
                let same = |void: &(u128, u128)| void.0 == fulfilment;
                self.answer_void(same);
            }
            _ => {}
        }
    }

    fn answer_void(&mut self, same: impl Fn(&(u128, u128)) -> bool) {
        if let Some(place) = self.void.iter().position(same) {
            self.void.swap_remove(place);
        }
    }

    /// Whether a decision that is published again stands in the books: it was published again
    /// before, without its mark.
    fn knows(&self, key: Key, output: &Output) -> bool {
        let number = output.decision();
        let known = self.orders.get(&key).is_some_and(|order| order.decision >= number);
        output.step() < self.last_decided || (number > 0 && known)
    }

    fn check_step(&mut self, output: &Output, name: &str) {
        let step = output.step();
        if step < self.last_decided {
            let detail = format!("decided at step {step}, after one of {}", self.last_decided);
            self.violation(Rule::StepOrder, name, detail);
        } else if step != self.now.number {
            let detail = format!("decided at step {step}, stands at step {}", self.now.number);
            self.violation(Rule::StepOrder, name, detail);
        }
        self.last_decided = self.last_decided.max(step);
    }

    fn check_labels(&mut self, record: &Record<'_>, output: &Output, name: &str) {
        let key = match output.fulfilment() {
            Some(number) => format!("{name}/f{number}"),
            None => name.to_owned(),
        };
        if record.key != key.as_bytes() {
            let found = String::from_utf8_lossy(record.key);
            self.violation(Rule::Labels, &key, format!("the record's key is `{found}`"));
        }
        let header = record.headers.get("node");
        if let Some(node) = output.node()
            && header != Some(node.as_bytes())
        {
            let found = header.map(String::from_utf8_lossy);
            let detail = format!("header `node` is {found:?}, the message says `{node}`");
            self.violation(Rule::Labels, &key, detail);
        }
    }

    fn check_key(&mut self, record: &Record<'_>, key: &str) {
        if record.key != key.as_bytes() {
            let found = String::from_utf8_lossy(record.key);
            self.violation(Rule::Labels, key, format!("the record's key is `{found}`"));
        }
    }

    fn check_number(&mut self, key: Key, output: &Output, name: &str) {
        let decision = output.decision();
        let Some(order) = self.orders.get_mut(&key) else { return };
        // 0 is the answer to a request that never became an order.
        if decision == 0 && matches!(output, Output::Outcome(_)) {
            return;
        }
        let last = order.decision;
        order.decision = last.max(decision);
        if decision <= last {
            let detail = format!("decision {decision} after {last}");
            self.violation(Rule::DecisionRepeated, name, detail);
        }
    }

    fn check_sequence(&mut self, key: Key, record: &Record<'_>, output: &Output, name: &str) {
        let text = record.headers.get("seq").and_then(|seq| std::str::from_utf8(seq).ok());
        let Some(seq) = text.and_then(|seq| seq.parse::<u32>().ok()) else {
            return self.violation(Rule::Labels, name, "header `seq` is missing or no number");
        };
        let Some(number) = output.fulfilment() else { return };
        let place = (number as usize).wrapping_sub(1);
        let row = self.orders.get_mut(&key).and_then(|order| order.fulfilments.get_mut(place));
        let Some(row) = row else { return };
        let last = row.seq;
        row.seq = last.max(seq);
        if seq <= last {
            let detail = format!("f{number}: seq {seq} after {last}");
            self.violation(Rule::SequenceRepeated, name, detail);
        }
    }

    fn outcome(&mut self, key: Key, name: &str, outcome: &v1::OrderOutcome) {
        let status = outcome.status();
        if status == OutcomeStatus::Refused && outcome.reason.is_empty() {
            self.violation(Rule::OutcomeDisagrees, name, "refused without a reason");
        }
        if outcome.cause() == Cause::Placed {
            self.answer(key, name, status);
        }
        // A request that never became an order says nothing about the order of that name.
        if outcome.decision != 0 {
            self.say(key, name, outcome);
            self.transfers_suggested(key, name, outcome);
        }
    }

    /// The outcome of the order that was asked for in this step.
    fn answer(&mut self, key: Key, name: &str, status: OutcomeStatus) {
        let request = self.now.request.as_mut().filter(|request| request.key == key);
        let Some(request) = request else {
            return self.violation(Rule::OutcomeExtra, name, "nobody asked for it in this step");
        };
        if request.outcome.replace(status).is_some() {
            return self.violation(Rule::OutcomeExtra, name, "a second outcome");
        }
        if request.must_answer {
            let status = status.as_str_name().trim_start_matches("OUTCOME_STATUS_").to_lowercase();
            *self.report.counts.outcomes.entry(status).or_default() += 1;
        }
    }

    /// What the outcome says about the lines: which units wait, which are cancelled.
    fn say(&mut self, key: Key, name: &str, outcome: &v1::OrderOutcome) {
        for by in &outcome.stand_ins {
            self.stand_in(key, name, by);
        }
        let waiting = self.numbered(&outcome.waiting);
        let cancelled = self.numbered(&outcome.cancelled);
        let hold = outcome.puts_on_hold.then(|| self.names.number(UNSERVED));
        let Some(order) = self.orders.get_mut(&key) else { return };
        if let Some(hold) = hold {
            order.handling.get_or_insert_default().hold_unserved(hold, outcome.step);
        }
        let mut unknown = false;
        for (line_id, units) in waiting {
            match order.line_named(line_id) {
                Some(line) => order.lines[line].waiting = units,
                None => unknown = true,
            }
        }
        // What the customer took back stands in the books already.
        let by_engine = outcome.cause() != Cause::Cancelled;
        for (line_id, units) in cancelled {
            match order.line_named(line_id) {
                Some(line) if by_engine => order.lines[line].cancelled += units,
                Some(_) => {}
                None => unknown = true,
            }
        }
        if outcome.status() == OutcomeStatus::Refused && outcome.cause() == Cause::Placed {
            for line in &mut order.lines {
                line.cancelled = line.ordered;
            }
        }
        if unknown {
            self.violation(Rule::UnknownSubject, name, "the outcome names a line it has not");
        }
    }

    pub(super) fn numbered(&mut self, lines: &[v1::LineQuantity]) -> Vec<(u32, i64)> {
        lines.iter().map(|line| (self.names.number(&line.line_id), line.quantity_milli)).collect()
    }

    fn assigned(&mut self, key: Key, name: &str, message: &v1::FulfilmentAssigned, cause: Cause) {
        let node = self.names.number(&message.node_id);
        let channel = self.names.number(&message.channel);
        let exposed = self.is_exposed(channel, node);
        let Some(order) = self.orders.get_mut(&key) else {
            return self.violation(Rule::UnknownSubject, name, "assigned, never placed");
        };
        let held = order.is_held() && !order.is_put_on_hold_by(message.step);
        let metres = message.distance_m;
        order.fulfilments.push(Fulfilment { node, seq: 0, metres });
        let number = order.fulfilments.len();
        let hidden = (!exposed).then_some("its channel does not sell that node's stock");
        let is_absent = self.absent.contains(&node) || self.gone.contains(&node);
        let absent = is_absent.then_some("it is paused or gone");
        let forbids = order.forbids(node).or(hidden).or(absent);
        if number != message.fulfilment as usize {
            let detail = format!("f{} where f{number} is due", message.fulfilment);
            self.violation(Rule::FulfilmentNumber, name, detail);
        }
        if held {
            self.violation(Rule::OnHold, name, format!("f{number} assigned while it is on hold"));
        }
        if let Some(why) = forbids {
            let detail = format!("assigned to {}: {why}", message.node_id);
            self.violation(Rule::NodeNotAllowed, name, detail);
        }
        let counts = &mut self.report.counts;
        counts.assigned += 1;
        counts.rerouted += u64::from(cause == Cause::Rerouted);
        counts.served_from_waiting += u64::from(cause == Cause::StockAppeared);
        self.check_whole_kits(key, name, message);
        self.sent_to(key, name, node, &message.send_to_node_id);
        let before = self.orders.get(&key).map_or(0, |order| order.shares.len());
        for line in &message.lines {
            let at = (number as u32, node);
            self.promise(key, name, at, line, cause == Cause::Moved);
        }
        self.note_sent(key, before, &message.send_to_node_id);
    }

    /// `is_moved`: an operator gives it to the node, whatever is kept there for other channels.
    fn promise(
        &mut self,
        key: Key,
        name: &str,
        (number, node): (u32, u32),
        part: &v1::AssignedLine,
        is_moved: bool,
    ) {
        let (line_id, sku) = (self.names.number(&part.line_id), self.names.number(&part.sku));
        let Some(order) = self.orders.get_mut(&key) else { return };
        let place = order.line_named(line_id).filter(|&line| order.lines[line].sku == sku);
        let units = part.quantity_milli;
        let (Some(line), true) = (place, units > 0) else {
            let detail = format!("{units} of line {} ({}): no such line", part.line_id, part.sku);
            return self.violation(Rule::UnknownSubject, name, detail);
        };
        let share =
            Share { fulfilment: number, line: line as u32, live: units, ..Share::default() };
        order.shares.push(share);
        if order.was_not_found(node, sku) {
            let detail = format!("{} promised where it was not found", part.sku);
            self.violation(Rule::NodeNotAllowed, name, detail);
        }
        let channel = name.split('/').next().unwrap_or_default();
        let channel = self.names.number(channel);
        let shelf = self.shelves.at(node, sku);
        if let Some(fault) = shelf.promise(channel, (units, part.backordered_milli), is_moved) {
            let subject = format!("{} at {}", part.sku, self.names.text(node));
            self.violation(Rule::Oversold, &subject, format!("{name}/f{number}: {fault}"));
        }
    }

    /// Units of a cancellation that are not gone: their node is asked for them first.
    fn asked_back(&mut self, key: Key, name: &str, message: &v1::FulfilmentReleaseRequested) {
        // What the engine takes back by itself stands in no event.
        let by_customer = !matches!(message.cause(), Cause::TimedOut | Cause::KitIncomplete);
        for part in &message.lines {
            let line_id = self.names.number(&part.line_id);
            let Some(order) = self.orders.get_mut(&key) else { return };
            let line = order.line_named(line_id);
            let share = order.shares.iter_mut().find(|share| {
                share.fulfilment == message.fulfilment && line == Some(share.line as usize)
            });
            let units = part.quantity_milli;
            match share.filter(|share| units > 0 && units <= share.live - share.asked) {
                Some(share) => {
                    share.asked += units;
                    if by_customer {
                        order.lines[share.line as usize].cancelled -= units;
                    }
                }
                None => {
                    let detail = format!(
                        "f{}: asked for {units} of line {} that it has not",
                        message.fulfilment, part.line_id
                    );
                    self.violation(Rule::Accounting, name, detail);
                }
            }
        }
    }

    fn released(&mut self, key: Key, name: &str, message: &v1::FulfilmentReleased) {
        if message.cause() == Cause::TimedOut
            && let Some(order) = self.orders.get_mut(&key)
        {
            let node = self.names.number(&message.node_id);
            order.exclude(node);
            order.answer(message.fulfilment, true);
        }
        let said: i64 = message.lines.iter().map(|line| line.quantity_milli).sum();
        let leaves = message.cause() == Cause::NodeOffboarded;
        let Some(taken) = self.keeps(key, name, message.fulfilment, &[], leaves) else { return };
        if said != taken {
            let detail =
                format!("f{}: {said} units released, {taken} stood there", message.fulfilment);
            self.violation(Rule::Accounting, name, detail);
        }
    }

    /// A fulfilment keeps these units and no others. Returns how many it gave up. Of what a node that
    /// leaves the network gives up, the units that it was asked for are cancelled.
    fn keeps(
        &mut self,
        key: Key,
        name: &str,
        number: u32,
        lines: &[v1::AssignedLine],
        leaves: bool,
    ) -> Option<i64> {
        self.report.counts.taken_back += 1;
        let kept: Vec<(u32, i64)> = lines
            .iter()
            .map(|line| (self.names.number(&line.line_id), line.quantity_milli))
            .collect();
        let place = (number as usize).wrapping_sub(1);
        let order = self.orders.get_mut(&key);
        let Some((order, node)) = order
            .and_then(|order| order.fulfilments.get(place).map(|row| row.node).map(|n| (order, n)))
        else {
            let detail = format!("f{number} changed, never assigned");
            self.violation(Rule::UnknownSubject, name, detail);
            return None;
        };
        let (mut given_up, mut grew) = (0, false);
        for share in order.shares.iter_mut().filter(|share| share.fulfilment == number) {
            let line = order.lines[share.line as usize];
            let keeps =
                kept.iter().find(|(id, _)| *id == line.line_id).map_or(0, |(_, units)| *units);
            let less = share.live - keeps;
            grew |= less < 0;
            share.live = keeps;
            share.picked = share.picked.min(keeps);
            if leaves {
                let answered = share.asked.min(less);
                share.asked -= answered;
                order.lines[share.line as usize].cancelled += answered;
            }
            self.shelves.at(node, line.sku).promised -= less;
            given_up += less;
        }
        if grew {
            let detail = format!("f{number} changed to more units than it had");
            self.violation(Rule::Accounting, name, detail);
        }
        Some(given_up)
    }
}

/// What a void decision is known by: its fulfilment, and the message byte for byte.
fn void_of(key: Key, record: &Record<'_>, output: &Output) -> (u128, u128) {
    let fulfilment = key ^ u128::from(output.fulfilment().unwrap_or_default());
    (fulfilment, xxh3_128(record.value.unwrap_or_default()))
}
