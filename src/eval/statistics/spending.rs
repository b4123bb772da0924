//! How much of the error allowance a decision may use when a held-out set decides repeatedly.

use serde::{Deserialize, Serialize};

/// The chance that a held-out set ever accepts an adapter that is no better, over all decisions
/// made with it.
pub const ALPHA: f64 = 0.05;

/// The share of [`ALPHA`] that the `k`-th decision on a held-out set spends: α/(k(k+1)).
///
/// The shares of all decisions, however many, sum to less than α (the sum telescopes to
/// α·(1 − 1/(K+1))), so by Bonferroni's inequality the chance of any false acceptance does too.
/// Online testing with a fixed sequence of shares: Foster and Stine 2008, "α-investing".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// Counts from 1.
    pub k: u32,
    pub alpha: f64,
}

impl Spending {
    /// The `k`-th decision's; `k` counts from 1.
    pub fn of(k: u32) -> Self {
        let count = f64::from(k.max(1));
        Self { k: k.max(1), alpha: ALPHA / (count * (count + 1.0)) }
    }

    /// The next decision's.
    pub fn next(self) -> Self {
        Self::of(self.k.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_a_set_is_used_its_allowance_is_never_overspent() {
        let mut spent = 0.0;
        for k in 1..=100_000 {
            spent += Spending::of(k).alpha;
            assert!(spent < ALPHA, "after {k}");
        }
        assert!((spent - ALPHA * (1.0 - 1.0 / 100_001.0)).abs() < 1e-12);
        assert_eq!(Spending::of(1).alpha, 0.025);
        assert_eq!(Spending::of(1).next(), Spending::of(2));
    }
}
