//! A Bloom filter of ids that are hashes already: one cache line an id.
//!
//! Nearly every event's id is new, and finding that out from RocksDB costs more than folding the
//! event. The filter answers "certainly not here" from one line of memory.

/// Bits set an id.
const PROBES: u32 = 6;

/// Remembers which ids may have been put in. About 1 % of absent ids are asked for in vain at 43
/// ids a line; beyond that the share grows, and nothing else changes.
#[derive(Clone)]
pub(crate) struct Filter {
    lines: Vec<[u64; 8]>,
}

impl Filter {
    /// A filter of this many lines of 64 bytes.
    pub(crate) fn new(lines: usize) -> Self {
        Filter { lines: vec![[0; 8]; lines] }
    }

    pub(crate) fn insert(&mut self, id: u128) {
        let place = self.line_of(id);
        let line = &mut self.lines[place];
        for bit in bits_of(id) {
            line[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// False: certainly not inserted.
    pub(crate) fn may_contain(&self, id: u128) -> bool {
        let line = &self.lines[self.line_of(id)];
        bits_of(id).all(|bit| line[bit / 64] & (1 << (bit % 64)) != 0)
    }

    fn line_of(&self, id: u128) -> usize {
        (id >> 96) as usize % self.lines.len()
    }
}

/// Places in the line's 512 bits: nine bits of the id each.
fn bits_of(id: u128) -> impl Iterator<Item = usize> {
    (0..PROBES).map(move |probe| (id >> (probe * 9)) as usize % 512)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> u128 {
        xxhash_rust::xxh3::xxh3_128(&number.to_be_bytes())
    }

    #[test]
    fn what_was_inserted_is_found_and_little_else() {
        let mut filter = Filter::new(32_768);
        (0..1_000_000).for_each(|number| filter.insert(id(number)));
        assert!((0..1_000_000).all(|number| filter.may_contain(id(number))));
        let in_vain = (1_000_000..1_100_000).filter(|&n| filter.may_contain(id(n))).count();
        assert!(in_vain < 1_000, "{in_vain} of 100,000 absent ids");
    }
}
