//! Dice for tests that choose their own steps, the same ones for the same seed.
use kratos::base::random::{SeededRandom, bytes};

pub struct Dice(pub SeededRandom);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }
    /// Some number below the limit, or 0.
    pub fn below(&self, limit: usize) -> usize {
        usize::from_le_bytes(bytes::<8>(&self.0)) % limit.max(1)
    }
    pub fn pick<'t, T>(&self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
    /// Once in so many times.
    pub fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }
}
