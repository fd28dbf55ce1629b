//! A document to a policy, and what is wrong with it, by line and column.

use omnifold_events::parse_time;
use toml::Spanned;
use xxhash_rust::xxh3::xxh3_128;

use super::check::check;
use super::{ActivePolicy, Policy, Schedule};

/// Longest document, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct PolicyFault {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// A fault by its offset in the document.
pub(super) struct At {
    pub offset: usize,
    pub what: String,
}

impl PolicyFault {
    /// A fault at a place in a document, in bytes.
    pub fn at(document: &str, offset: usize, what: String) -> Self {
        fault(document, At { offset, what })
    }
}

impl Policy {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn read(document: &str) -> Result<Self, PolicyFault> {
        let place = |at: At| fault(document, at);
        if document.len() > MAX_BYTES {
            let what = format!("the document is larger than {MAX_BYTES} bytes");
            return Err(place(At { offset: 0, what }));
        }
        let policy: Policy = toml::from_str(document).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            place(At { offset, what: error.message().trim_end().to_owned() })
        })?;
        check(document, &policy).map_err(place)?;
        Ok(policy)
    }

    /// The canonical form of the document: no comments, keys in the order of the schema.
    pub fn canonical(&self) -> String {
        toml::to_string(self).expect("what was read can be written")
    }

    /// The policy as the settings keep it.
    pub fn activated(&self) -> ActivePolicy {
        let document = self.canonical();
        let instant = |time: &Option<Spanned<String>>, open: i64| {
            time.as_ref().map_or(open, |time| parse_time(time.get_ref()).expect("checked"))
        };
        ActivePolicy {
            name: self.name.clone(),
            version: self.version,
            hash: format!("{:032x}", xxh3_128(document.as_bytes())),
            valid_from: instant(&self.valid_from, i64::MIN),
            valid_until: instant(&self.valid_until, i64::MAX),
            asks_place: self.asks_place(),
            serve_by: self.serve_by.iter().map(|by| *by.get_ref()).collect(),
            has_waves: self.rules.iter().any(|rule| {
                let rule = rule.get_ref();
                rule.schedule == Schedule::Wave || rule.days_ahead > 0
            }),
            document,
        }
    }
}

fn fault(document: &str, at: At) -> PolicyFault {
    let mut offset = at.offset.min(document.len());
    while !document.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &document[..offset];
    let line_start = before.rfind('\n').map_or(0, |place| place + 1);
    PolicyFault {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        what: at.what,
    }
}
