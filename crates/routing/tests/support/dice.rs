//! Random numbers, the same ones on every machine.

/// Marsaglia's xorshift: the tests need variety, not quality.
pub struct Dice(pub u64);

impl Dice {
    /// 0 or more, below `end`.
    pub fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as i64
    }

    pub fn one_in(&mut self, many: i64) -> bool {
        self.below(many) == 0
    }
}
