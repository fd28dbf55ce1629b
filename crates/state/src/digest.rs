//! The digest of a state: the sum, modulo 2^128, of XXH3-128 over each row's table, key and value
//! in canonical form. A sum does not depend on the order of the rows, and a change of one row moves
//! it by the difference of two hashes.

use std::fmt;

use crate::Table;

/// The digest of a market's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest(pub u128);

impl Digest {
    /// What one row adds.
    pub(crate) fn of_row(table: Table, key: &[u8], value: &[u8]) -> u128 {
        let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
        hash.update(&[table as u8]);
        hash.update(key);
        hash.update(value);
        hash.digest128()
    }

    /// What one small row adds, without a streaming hasher's set-up: the row is copied together.
    pub(crate) fn of_small_row(table: Table, key: &[u8], value: &[u8]) -> u128 {
        let mut bytes = [0u8; 224];
        let length = 1 + key.len() + value.len();
        if length > bytes.len() {
            return Self::of_row(table, key, value);
        }
        bytes[0] = table as u8;
        bytes[1..=key.len()].copy_from_slice(key);
        bytes[1 + key.len()..length].copy_from_slice(value);
        xxhash_rust::xxh3::xxh3_128(&bytes[..length])
    }

    /// Replaces what a row added by what it adds now; 0 stands for no row.
    pub(crate) fn replace(&mut self, old: u128, new: u128) {
        self.0 = self.0.wrapping_sub(old).wrapping_add(new);
    }

    /// 16 bytes, big endian.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_gives_the_same_hash() {
        for length in [0, 1, 16, 100, 222, 223, 224, 300, 5_000] {
            let value = vec![7u8; length];
            assert_eq!(
                Digest::of_small_row(Table::Order, b"k", &value),
                Digest::of_row(Table::Order, b"k", &value),
            );
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_a_change_does() {
        let (a, b) =
            (Digest::of_row(Table::Order, b"a", b"1"), Digest::of_row(Table::Stock, b"b", b"2"));
        let (mut first, mut second) = (Digest::default(), Digest::default());
        first.replace(0, a);
        first.replace(0, b);
        second.replace(0, b);
        second.replace(0, a);
        assert_eq!(first, second);
        first.replace(a, Digest::of_row(Table::Order, b"a", b"3"));
        assert_ne!(first, second);
    }
}
