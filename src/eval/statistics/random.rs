//! Random numbers that depend on a seed and a purpose only, never on what ran before.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What random numbers are for; each purpose has a stream of its own, so that adding one guard
/// changes no other figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    SignFlip = 1,
    Interval = 2,
    Reference = 3,
    Candidate = 4,
}

/// The generator of a purpose under a seed.
pub(super) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(purpose as u64);
    generator
}

/// An index below `bound`, which is under 2³²; the bias of multiply-and-shift is below 2⁻³².
/// Written out, so that figures stay the same whatever version of `rand` is used.
pub(super) fn index_below(generator: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u128::from(generator.next_u64()) * bound as u128) >> 64) as usize
}
