//! What is served in place of what was ordered: the parts of a kit that is not there assembled, or a
//! substitute that the customer allowed. Only a line that cannot be served is served otherwise, all
//! of it, by the first that can be.

use omnifold_domain::{Order, StandIn, View};
use omnifold_events::v1::{self, ExplanationLevel};

use crate::decide::{Plan, Router, Task, Writer};

/// Stand-ins that one decision tries: each is a plan of its own.
const MAX_TRIES: usize = 50;

impl Router {
    /// The order with stand-ins and its plan, where they serve what the first plan did not.
    pub(crate) fn stand_in<V: View>(
        &mut self,
        view: &mut V,
        task: Task<'_>,
        first: &Plan,
    ) -> Option<(Order, Plan)> {
        let order = task.order;
        if first.uncovered.is_empty() {
            return None;
        }
        let lacking = lacking(view, order, first);
        if lacking.is_empty() {
            return None;
        }
        let mut changed = order.clone();
        let (mut told, mut tries) = (Vec::new(), 0);
        for (line, others) in lacking {
            for by in others {
                tries += 1;
                if tries > MAX_TRIES {
                    break;
                }
                let mut other = changed.clone();
                other.stand_in(view, line, by);
                let level = ExplanationLevel::None;
                let (plan, _) = self.plan_ruled(view, Task { order: &other, level, ..task });
                if serves(view, order, &other, &plan, line) {
                    told.push(message(view, order, line, by));
                    changed = other;
                    break;
                }
            }
        }
        if told.is_empty() {
            return None;
        }
        let (mut plan, _) = self.plan_ruled(view, Task { order: &changed, ..task });
        if !order.allow_partial && !plan.uncovered.is_empty() {
            return None;
        }
        plan.stand_ins = told;
        Some((changed, plan))
    }
}

fn is_short<V: View>(view: &V, plan: &Plan, sku: omnifold_domain::SkuIx) -> bool {
    plan.shortages.iter().any(|shortage| shortage.sku == view.item(sku).sku)
}

/// The lines whose own SKU is missing and that may be served otherwise; other lines may be what the
/// order fails for.
fn lacking<V: View>(view: &V, order: &Order, plan: &Plan) -> Vec<(usize, Vec<StandIn>)> {
    let mut found = Vec::new();
    for &(line, _) in &plan.uncovered {
        let others = order.stand_ins(view, line);
        let known = found.iter().any(|row: &(usize, Vec<StandIn>)| row.0 == line);
        if !known && !others.is_empty() && is_short(view, plan, order.lines[line].sku) {
            found.push((line, others));
        }
    }
    found
}

/// Whether nothing of what the line became is missing.
fn serves<V: View>(view: &V, before: &Order, after: &Order, plan: &Plan, line: usize) -> bool {
    let kit = after.kits().iter().find(|kit| kit.line_id == before.lines[line].line_id);
    match kit {
        None => !is_short(view, plan, after.lines[line].sku),
        Some(kit) => {
            let parts = kit.parts.iter().map(|part| after.lines[part.line as usize].sku);
            parts.chain([kit.sku]).all(|sku| !is_short(view, plan, sku))
        }
    }
}

fn message<V: View>(view: &V, order: &Order, line: usize, by: StandIn) -> v1::StandIn {
    let row = &order.lines[line];
    v1::StandIn {
        line_id: row.line_id.clone(),
        ordered_sku: view.item(row.sku).sku.clone(),
        sku: match by {
            StandIn::Parts => String::new(),
            StandIn::Sku(sku) => view.item(sku).sku.clone(),
        },
        quantity_milli: row.open,
    }
}

impl<V: View> Writer<'_, V> {
    /// Where a line comes from that is not as the customer ordered it.
    pub(crate) fn origin(&self, line: usize) -> Option<Box<v1::LineOrigin>> {
        let kit = self.order.kit_of(line);
        let ordered = self.order.substitutes(line).and_then(|row| row.ordered);
        if kit.is_none() && ordered.is_none() {
            return None;
        }
        let name = |sku: omnifold_domain::SkuIx| self.view.item(sku).sku.clone();
        Some(Box::new(v1::LineOrigin {
            kit_line_id: kit.map(|kit| kit.line_id.clone()).unwrap_or_default(),
            kit_sku: kit.map(|kit| name(kit.sku)).unwrap_or_default(),
            substitute_for: ordered.map(name).unwrap_or_default(),
        }))
    }
}
