//! Versions of the rules. Changed behaviour of the fold or the router stands behind a version
//! that a RulesActivated event activates; old epochs fold under the old rules for ever.

/// One version of the rules: every switch that ever changed, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Its number, from 1.
    pub version: u32,
    /// From which node a line that must be split takes its units first.
    pub split_from: SplitFrom,
}

/// From which node a split line takes its units first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitFrom {
    /// The best-ranked of the chosen nodes (rule R2 d).
    BestRank,
    /// The chosen node with the most free units, then the best-ranked.
    MostFree,
}

/// The versions that this build knows and offers to operators.
pub const KNOWN: &[Rules] = &[Rules { version: 1, split_from: SplitFrom::BestRank }];

/// The rules of that number.
pub fn find(known: &[Rules], version: u32) -> Option<Rules> {
    known.iter().copied().find(|rules| rules.version == version)
}
