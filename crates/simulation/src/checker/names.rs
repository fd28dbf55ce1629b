//! Names to numbers and order names to hashes, so that a million orders fit into memory.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::Xxh3Default;

/// Numbers for names that come again and again: nodes, SKUs, line ids.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashMap<Box<str>, u32, FxBuildHasher>,
    texts: Vec<Box<str>>,
}

impl Names {
    /// The number of a name.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).expect("fewer than four billion names");
        self.numbers.insert(name.into(), number);
        self.texts.push(name.into());
        number
    }

    /// The name of a number.
    pub fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

/// A hash of a pair of names; one in 2^64 pairs would have to be placed before two meet.
pub fn pair_hash(first: &str, second: &str) -> u128 {
    let mut hash = Xxh3Default::new();
    hash.update(&(first.len() as u64).to_le_bytes());
    hash.update(first.as_bytes());
    hash.update(second.as_bytes());
    hash.digest128()
}
