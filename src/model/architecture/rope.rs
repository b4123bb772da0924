//! How positions turn queries and keys (Su et al. 2021), and the ways of stretching it to longer contexts.

use super::super::{Error, Result};
use crate::kernels::Rotary;

/// How positions turn queries and keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    pub base: f32,
    /// Elements of a head that turn.
    pub rotated: usize,
    /// Linear scaling: positions are divided by this.
    pub scale: f32,
    /// What the frequency of each turning pair is divided by besides; empty for none.
    pub factors: Vec<f32>,
}

/// Llama 3.1's way: frequencies so low that their period exceeds the first context are divided by `factor`,
/// high ones are kept, and those between go over smoothly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Llama3Scaling {
    pub factor: f32,
    pub low_frequency: f32,
    pub high_frequency: f32,
    /// Tokens of the context that the model was first trained with.
    pub first_context: f32,
}

impl Rope {
    /// Without any stretching.
    pub fn plain(base: f32, rotated: usize) -> Self {
        Self { base, rotated, scale: 1.0, factors: Vec::new() }
    }

    pub(super) fn check(&self, head_width: usize) -> Result<()> {
        if self.rotated == 0 || !self.rotated.is_multiple_of(2) || self.rotated > head_width {
            return Err(Error::Contradiction(format!(
                "{} rotated elements in a head of {head_width}",
                self.rotated
            )));
        }
        let mut numbers = [self.base, self.scale].into_iter().chain(self.factors.iter().copied());
        if !numbers.all(|number| number.is_finite() && number > 0.0) {
            return Err(Error::Contradiction("a rope base or scale is no usable number".into()));
        }
        if !self.factors.is_empty() && self.factors.len() != self.rotated / 2 {
            return Err(Error::Contradiction(format!(
                "{} rope factors for {} turning pairs",
                self.factors.len(),
                self.rotated / 2
            )));
        }
        Ok(())
    }

    /// The rotation of heads of this width.
    pub fn rotary(&self, head_width: usize) -> Rotary {
        let factors = (!self.factors.is_empty()).then_some(self.factors.as_slice());
        Rotary::new(head_width, self.rotated, self.base, self.scale, factors)
    }

    /// The same, stretched in Llama 3.1's way.
    pub(super) fn with_llama3(mut self, scaling: Llama3Scaling) -> Self {
        let Llama3Scaling { factor, low_frequency, high_frequency, first_context } = scaling;
        self.factors = (0..self.rotated / 2)
            .map(|pair| {
                let period =
                    std::f32::consts::TAU * self.base.powf(2.0 * pair as f32 / self.rotated as f32);
                let turns = first_context / period;
                if turns > high_frequency {
                    1.0
                } else if turns < low_frequency {
                    factor
                } else {
                    let smooth = (turns - low_frequency) / (high_frequency - low_frequency);
                    1.0 / ((1.0 - smooth) / factor + smooth)
                }
            })
            .collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Llama 3.2 1B's settings: periods below 2,048 tokens are kept, those above 8,192 stretched by 32.
    #[test]
    fn llama3_keeps_fast_pairs_stretches_slow_ones_and_goes_over_smoothly() {
        let scaling = Llama3Scaling {
            factor: 32.0,
            low_frequency: 1.0,
            high_frequency: 4.0,
            first_context: 8192.0,
        };
        let rope = Rope::plain(500_000.0, 64).with_llama3(scaling);
        assert_eq!(rope.factors.len(), 32);
        assert_eq!(rope.factors[..14], [1.0; 14]);
        assert_eq!(rope.factors[18..], [32.0; 14]);
        assert!(rope.factors[13..19].is_sorted());
        assert!(rope.check(64).is_ok());
    }
}
