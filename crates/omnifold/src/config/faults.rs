//! Everything that is wrong with a configuration, told at once.

use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key, `log.kind`.
    pub key: String,
    /// Its value as it was given.
    pub value: String,
    /// Where it came from.
    pub origin: String,
    /// What is wrong with it.
    pub wrong: String,
    /// What is allowed.
    pub allowed: String,
}

/// All faults of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<Fault>);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { key, value, origin, wrong, allowed } = self;
        write!(f, "`{key}` = {value} ({origin}): {wrong}\n    allowed: {allowed}")
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        write!(f, "the configuration has {count} {noun}")?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        write!(f, "\n  `omnifold config print` shows every key, its value and where it came from")
    }
}

impl std::error::Error for ConfigFaults {}
