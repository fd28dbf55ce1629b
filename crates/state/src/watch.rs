//! Listening to the ledger of one stock row, for who asks where its figures come from.

use omnifold_domain::Entry;

/// The entries of one row since they were last taken. By name: who listens from a log's start
/// cannot know the numbers that the names will get.
#[derive(Debug)]
pub(crate) struct Watch {
    pub node: String,
    pub sku: String,
    pub entries: Vec<Entry>,
}
