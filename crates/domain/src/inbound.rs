//! What a (node, SKU) may expect, by date and source: lines of purchase orders that the supplier
//! acknowledged, announced deliveries, and transfers under way. A function of those rows, kept beside
//! the stock so that nobody has to look for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{NodeIx, Reason, Refusal, SkuIx, State};

/// Sources that one (node, SKU) may expect units from at once.
pub const MAX_SOURCES: usize = 1_000;

/// Where expected units come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A purchase order, by its id.
    PurchaseOrder(String),
    /// A purchase order, and the delivery that its supplier announced.
    ShipNotice(String, String),
    /// A transfer, by its id.
    Transfer(String),
}

/// Units that some source holds for a (node, SKU).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// What.
    pub sku: SkuIx,
    /// Where.
    pub node: NodeIx,
    /// From whom.
    pub source: Source,
    /// When, milliseconds since the Unix epoch; 0: nobody knows.
    pub due_at: i64,
    /// How many, 1/1000 unit.
    pub units: i64,
}

/// All that one (node, SKU) may expect. Where that is nothing there is no row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inbound {
    /// (due, source, units): by date, those without one last.
    pub rows: Vec<(i64, Source, i64)>,
}

impl Inbound {
    /// What these sources hold for one (node, SKU).
    pub fn of(expected: &[Expected]) -> Self {
        let mut inbound = Inbound::default();
        inbound.replace(&[], &expected.iter().collect::<Vec<_>>());
        inbound
    }

    /// Units that are expected, with or without a date.
    pub fn units(&self) -> i64 {
        self.rows.iter().map(|(_, _, units)| units).fold(0, |sum, units| sum.saturating_add(*units))
    }

    /// Replaces what some sources held by what they hold now. Units of one source and date add up.
    fn replace(&mut self, before: &[&Expected], after: &[&Expected]) {
        let was = |source: &Source| before.iter().any(|row| row.source == *source);
        self.rows.retain(|(_, source, _)| !was(source));
        for new in after {
            let same = |row: &&mut (i64, Source, i64)| row.0 == new.due_at && row.1 == new.source;
            match self.rows.iter_mut().find(same) {
                Some(row) => row.2 = row.2.saturating_add(new.units),
                None => self.rows.push((new.due_at, new.source.clone(), new.units)),
            }
        }
        self.rows.sort_by(|a, b| (a.0 == 0, a).cmp(&(b.0 == 0, b)));
    }
}

/// Changes of inbound rows, ready to be written.
pub(crate) struct Change(Vec<((SkuIx, NodeIx), Inbound)>);

/// What becomes of the inbound rows when sources that held `before` hold `after`; refused where a row
/// would have too many sources.
pub(crate) fn change<S: State>(
    state: &mut S,
    before: &[Expected],
    after: &[Expected],
) -> Result<Change, Refusal> {
    /// What was expected on a shelf, and what is now.
    type WasAndIs<'e> = (Vec<&'e Expected>, Vec<&'e Expected>);
    let mut shelves: BTreeMap<(SkuIx, NodeIx), WasAndIs<'_>> = BTreeMap::new();
    for row in before {
        shelves.entry((row.sku, row.node)).or_default().0.push(row);
    }
    for row in after {
        shelves.entry((row.sku, row.node)).or_default().1.push(row);
    }
    let mut changed = Vec::new();
    for ((sku, node), (was, is)) in shelves {
        if was == is {
            continue;
        }
        let mut row = state.inbound(sku, node).cloned().unwrap_or_default();
        row.replace(&was, &is);
        if row.rows.len() > MAX_SOURCES {
            let sku = &state.item(sku).sku;
            let detail = format!("`{sku}` is expected from {MAX_SOURCES} sources already");
            return Err(Refusal::new(Reason::TooManyInbound, detail));
        }
        changed.push(((sku, node), row));
    }
    Ok(Change(changed))
}

impl Change {
    pub(crate) fn write<S: State>(self, state: &mut S) {
        for ((sku, node), row) in self.0 {
            state.put_inbound(sku, node, (!row.rows.is_empty()).then_some(row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(source: &str, due_at: i64, units: i64) -> Expected {
        let source = Source::PurchaseOrder(source.to_owned());
        Expected { sku: SkuIx(0), node: NodeIx(0), source, due_at, units }
    }

    #[test]
    fn what_a_source_held_is_replaced_and_what_has_no_date_stands_last() {
        let mut inbound = Inbound::default();
        let (a, b, c) = (expected("A", 0, 5), expected("B", 20, 3), expected("B", 10, 1));
        inbound.replace(&[], &[&a]);
        inbound.replace(&[], &[&b, &c, &c]);
        let rows = |inbound: &Inbound| -> Vec<(i64, i64)> {
            inbound.rows.iter().map(|(due, _, units)| (*due, *units)).collect()
        };
        assert_eq!(rows(&inbound), [(10, 2), (20, 3), (0, 5)]);
        inbound.replace(&[&b, &c], &[&b]);
        assert_eq!(rows(&inbound), [(20, 3), (0, 5)]);
        assert_eq!(inbound.units(), 8);
        inbound.replace(&[&a], &[]);
        inbound.replace(&[&b], &[]);
        assert_eq!(inbound, Inbound::default());
    }
}
