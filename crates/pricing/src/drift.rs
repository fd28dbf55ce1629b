//! How far a market has moved from where its prices were solved.

use std::collections::BTreeMap;

use omnifold_domain::{NodeIx, SkuIx, View};

use crate::market::Found;
use crate::problem::Resource;

/// The stock that was scarce when prices were solved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scarce {
    /// Units, by SKU and node.
    units: BTreeMap<SkuIx, BTreeMap<NodeIx, f64>>,
    total: f64,
}

const MILLI: f64 = 1_000.0;

impl Scarce {
    /// As it was when these prices were found.
    pub fn of(found: &Found) -> Self {
        let mut scarce = Scarce::default();
        for &(resource, units) in &found.supplies {
            if let Resource::Stock { node, sku } = resource {
                let nodes = scarce.units.entry(SkuIx(sku)).or_default();
                nodes.insert(NodeIx(node.into()), units);
                scarce.total += units;
            }
        }
        scarce
    }

    /// Units that went or came since, as a share of all there were. More than 1 where more came. Where
    /// nothing was left that could go: 1 as soon as anything came.
    pub fn drift(&self, view: &mut dyn View) -> f64 {
        let mut moved = 0.0;
        for (&sku, nodes) in &self.units {
            let offers = view.offers_of(sku);
            for (&node, before) in nodes {
                let now = offers.iter().find(|offer| offer.node == node && !offer.flagged_out);
                let now = now.map_or(0.0, |offer| offer.on_hand.max(0) as f64 / MILLI);
                moved += (now - before).abs();
            }
        }
        match (moved > 0.0, self.total > 0.0) {
            (false, _) => 0.0,
            (true, true) => moved / self.total,
            (true, false) => 1.0,
        }
    }
}
