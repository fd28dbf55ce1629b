//! What can go wrong with a log, and what to do about it.

/// A fault of a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Another owner took the market over. Take over again, or stand by.
    #[error("market `{market}` was taken over by another owner")]
    Fenced {
        /// The market.
        market: String,
    },
    /// The append may or may not have happened. Open a new owner and read what there is.
    #[error("outcome of the append is unknown: {detail}")]
    Unknown {
        /// What the medium said.
        detail: String,
    },
    /// The append did not happen and can be tried again.
    #[error("append refused: {detail}")]
    Refused {
        /// What the medium said.
        detail: String,
    },
    /// There is no such topic.
    #[error("topic `{topic}` does not exist; create it with `omnifold topics create`")]
    NoTopic {
        /// Its name.
        topic: String,
    },
    /// The position is outside what the topic holds.
    #[error("topic `{topic}` holds offsets {start} to {end}, position {asked} is outside of it")]
    OutOfRange {
        /// Its name.
        topic: String,
        /// The position asked for.
        asked: u64,
        /// First offset held.
        start: u64,
        /// Next offset to be written.
        end: u64,
    },
    /// A record is damaged and good ones follow it: this is no torn tail, and nothing was cut.
    #[error("{place}: record damaged at offset {offset} of `{topic}`: {detail}")]
    Damaged {
        /// The folder or file.
        place: String,
        /// Topic.
        topic: String,
        /// Offset of the damaged record.
        offset: u64,
        /// What does not fit.
        detail: String,
    },
    /// A file of the medium is damaged, and this is no torn tail. Nothing was cut.
    #[error("{file}: damaged{}: {detail}", at_byte(*position))]
    DamagedFile {
        /// The file.
        file: String,
        /// The byte where the damage begins, where that is known.
        position: Option<u64>,
        /// What does not fit, and what to do.
        detail: String,
    },
    /// Records that a holder still needs would be removed.
    #[error("`{topic}` before {offset} is still needed by {holder} (from {floor} on)")]
    StillNeeded {
        /// Topic.
        topic: String,
        /// The trim asked for.
        offset: u64,
        /// Who needs them.
        holder: String,
        /// From where.
        floor: u64,
    },
    /// The medium cannot be reached or used now.
    #[error("{what}: {detail}")]
    Unavailable {
        /// What was tried, with address or folder.
        what: String,
        /// What the medium said.
        detail: String,
    },
    /// The settings given to the log are not usable.
    #[error("{0}")]
    Configuration(String),
}

fn at_byte(position: Option<u64>) -> String {
    position.map(|position| format!(" at byte {position}")).unwrap_or_default()
}
