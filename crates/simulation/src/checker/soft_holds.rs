//! Soft holds, as their outcomes tell them. Quantities in 1/1000 unit.

use omnifold_events::v1::{self, StockHoldStatus};

use super::audit::{Audit, Key};
use super::names::pair_hash;
use super::report::Rule;

/// What an active hold keeps.
#[derive(Debug, Default)]
pub struct HeldUnits {
    /// (node, SKU, units).
    pub units: Vec<(u32, u32, i64)>,
    /// It ends at this instant, milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// A request for a hold.
#[derive(Debug)]
pub struct SoftHoldAsked {
    pub key: Key,
    /// `channel/hold_id`.
    pub name: String,
    /// SKU and units; empty where the request was refused as an event.
    pub lines: Vec<(u32, i64)>,
}

impl Audit {
    /// A hold was asked for. A request that was refused as an event gets an outcome and no hold.
    pub(super) fn soft_hold_asked(&mut self, event: &v1::StockHeld, refused: bool) {
        let mut lines: Vec<(u32, i64)> = Vec::new();
        for line in event.lines.iter().filter(|_| !refused) {
            let sku = self.names.number(&line.sku);
            for (sku, units) in self.stocked_as(sku, line.quantity_milli) {
                match lines.iter_mut().find(|row| row.0 == sku) {
                    Some(row) => row.1 += units,
                    None => lines.push((sku, units)),
                }
            }
        }
        if event.lines.iter().any(|line| self.may_be_assembled(&line.sku)) {
            lines.clear(); // as itself or as parts: nobody knows before
        }
        let key = pair_hash(&event.channel, &event.hold_id);
        let name = format!("{}/{}", event.channel, event.hold_id);
        self.now.soft_hold = Some(SoftHoldAsked { key, name, lines });
    }

    /// No active hold reaches the time of a record: it has ended by then (rule H3).
    pub(super) fn check_soft_holds_at(&mut self, time_ms: i64) {
        while let Some((ends, key)) =
            self.soft_hold_ends.first().copied().filter(|e| e.0 <= time_ms)
        {
            let detail = format!("a hold that ends at {ends} is active at {time_ms}");
            self.violation(Rule::HoldOutlived, "holds", detail);
            self.soft_hold_ends.remove(&(ends, key)); // told once
        }
    }

    /// What became of a hold.
    pub(super) fn soft_hold_outcome(&mut self, outcome: &v1::StockHoldOutcome) {
        let key = pair_hash(&outcome.channel, &outcome.hold_id);
        let name = format!("{}/{}", outcome.channel, outcome.hold_id);
        match outcome.status() {
            StockHoldStatus::Held => {
                let asked = self.answer_soft_hold(key, &name);
                self.end_soft_hold(key);
                self.begin_soft_hold(key, &name, outcome, &asked);
            }
            StockHoldStatus::Refused => {
                self.answer_soft_hold(key, &name);
                if outcome.reason.is_empty() {
                    self.violation(Rule::OutcomeDisagrees, &name, "refused without a reason");
                }
            }
            StockHoldStatus::Released | StockHoldStatus::Expired | StockHoldStatus::Consumed => {
                if !self.end_soft_hold(key) {
                    self.violation(Rule::UnknownSubject, &name, "ended, and was not held");
                }
            }
            StockHoldStatus::Unspecified => {
                self.violation(Rule::OutcomeDisagrees, &name, "no status");
            }
        }
    }

    fn answer_soft_hold(&mut self, key: Key, name: &str) -> Vec<(u32, i64)> {
        match self.now.soft_hold.take_if(|asked| asked.key == key) {
            Some(asked) => asked.lines,
            None => {
                self.violation(Rule::OutcomeExtra, name, "nobody asked for the hold in this step");
                Vec::new()
            }
        }
    }

    fn begin_soft_hold(
        &mut self,
        key: Key,
        name: &str,
        outcome: &v1::StockHoldOutcome,
        asked: &[(u32, i64)],
    ) {
        let mut hold = HeldUnits { expires_at: outcome.expires_at_ms, ..HeldUnits::default() };
        for part in &outcome.units {
            let (node, sku) = (self.names.number(&part.node_id), self.names.number(&part.sku));
            hold.units.push((node, sku, part.quantity_milli));
            if let Some(fault) = self.shelves.at(node, sku).hold(part.quantity_milli) {
                let subject = format!("{} at {}", part.sku, part.node_id);
                self.violation(Rule::Oversold, &subject, format!("hold {name}: {fault}"));
            }
        }
        for &(sku, units) in asked {
            let held = hold.units.iter().filter(|row| row.1 == sku).map(|row| row.2);
            let held: i64 = held.sum();
            if held != units {
                let detail = format!("{held} held of {units} asked for");
                self.violation(Rule::Accounting, name, detail);
            }
        }
        self.soft_hold_ends.insert((hold.expires_at, key));
        self.soft_holds.insert(key, hold);
    }

    /// Whether there was one.
    fn end_soft_hold(&mut self, key: Key) -> bool {
        let Some(hold) = self.soft_holds.remove(&key) else { return false };
        self.soft_hold_ends.remove(&(hold.expires_at, key));
        for (node, sku, units) in hold.units {
            self.shelves.at(node, sku).held -= units;
        }
        true
    }
}
