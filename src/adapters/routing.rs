//! Who answers: the arms with their shares, and the draw between them. Pure; where it is kept is
//! `history.rs`.

use super::{Error, Result};
use serde::{Deserialize, Serialize};

/// The arm without an adapter.
pub const BASE: &str = "base";

/// Shares are taken as equal within this.
const ROUNDING: f64 = 1e-9;

/// One arm of the routing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmShare {
    /// `base` or an adapter.
    pub adapter: String,
    /// In (0, 1]; all shares sum to 1.
    pub share: f64,
}

/// What a task was drawn for.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    pub adapter: String,
    /// The probability with which it was drawn.
    pub probability: f64,
    /// The random number that decided, in [0, 1).
    pub number: f64,
}

/// Who answers tasks that nobody chose an arm for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Routing {
    /// Whoever was promoted last, or base.
    pub active: String,
    pub arms: Vec<ArmShare>,
}

impl Default for Routing {
    fn default() -> Self {
        Self::only(BASE)
    }
}

impl Routing {
    /// Everything goes to one arm.
    pub fn only(adapter: &str) -> Self {
        let arm = ArmShare { adapter: adapter.to_owned(), share: 1.0 };
        Self { active: adapter.to_owned(), arms: vec![arm] }
    }

    /// A part of the traffic goes to `adapter`, the rest to the active arm.
    ///
    /// # Errors
    /// A share that is not above 0 and below 1, or the active arm as its own canary.
    pub fn with_canary(&self, adapter: &str, share: f64) -> Result<Self> {
        if adapter == self.active {
            return Err(Error::ActiveAlready(adapter.to_owned()));
        }
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::CanaryShare { percent: share * 100.0 });
        }
        let arm = |adapter: &str, share| ArmShare { adapter: adapter.to_owned(), share };
        let arms = vec![arm(&self.active, 1.0 - share), arm(adapter, share)];
        Ok(Self { active: self.active.clone(), arms })
    }

    /// Any split. What it leaves over goes to the active arm.
    ///
    /// # Errors
    /// A share that is none, an arm named twice, or more than the whole.
    pub fn with_shares(&self, shares: &[ArmShare]) -> Result<Self> {
        let mut arms: Vec<ArmShare> = Vec::with_capacity(shares.len() + 1);
        for share in shares {
            if !(share.share > 0.0 && share.share <= 1.0 + ROUNDING) {
                return Err(Error::Share {
                    adapter: share.adapter.clone(),
                    percent: share.share * 100.0,
                });
            }
            if arms.iter().any(|arm| arm.adapter == share.adapter) {
                return Err(Error::ArmTwice(share.adapter.clone()));
            }
            arms.push(share.clone());
        }
        let total: f64 = arms.iter().map(|arm| arm.share).sum();
        let left = 1.0 - total;
        if left < -ROUNDING {
            return Err(Error::SharesOverTheWhole { percent: total * 100.0 });
        }
        if left > ROUNDING {
            match arms.iter_mut().find(|arm| arm.adapter == self.active) {
                Some(active) => active.share += left,
                None => arms.insert(0, ArmShare { adapter: self.active.clone(), share: left }),
            }
        }
        Ok(Self { active: self.active.clone(), arms })
    }

    /// The share of an arm; 0 for one that gets nothing.
    pub fn share(&self, adapter: &str) -> f64 {
        self.arms.iter().find(|arm| arm.adapter == adapter).map_or(0.0, |arm| arm.share)
    }

    /// The arm that is tried: the one beside the active arm, where there is just one.
    pub fn candidate(&self) -> Option<&str> {
        let mut others = self.arms.iter().filter(|arm| arm.adapter != self.active);
        match (others.next(), others.next()) {
            (Some(only), None) => Some(&only.adapter),
            _ => None,
        }
    }

    /// Who answers, in a line.
    pub fn describe(&self) -> String {
        let arms: Vec<String> = self
            .arms
            .iter()
            .map(|arm| format!("{} {:.0} %", arm.adapter, 100.0 * arm.share))
            .collect();
        format!("tasks go to {}", arms.join(", "))
    }

    /// The arm that a random number in [0, 1) falls to.
    pub fn draw(&self, number: f64) -> Draw {
        let mut below = 0.0;
        let found = self.arms.iter().find(|arm| {
            below += arm.share;
            number < below
        });
        // Shares that sum to a little less than 1 leave a sliver, which is the last arm's.
        match found.or(self.arms.last()) {
            Some(arm) => Draw { adapter: arm.adapter.clone(), probability: arm.share, number },
            None => Draw { adapter: BASE.to_owned(), probability: 1.0, number },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn arm(adapter: &str, share: f64) -> ArmShare {
        ArmShare { adapter: adapter.into(), share }
    }

    #[test]
    fn a_canary_takes_its_share_from_the_active_arm() {
        let routing = Routing::only("lora-v1").with_canary("lora-v2", 0.1).unwrap();
        assert_eq!(routing.arms, [arm("lora-v1", 0.9), arm("lora-v2", 0.1)]);
        assert_eq!(routing.candidate(), Some("lora-v2"));
        assert_eq!(routing.draw(0.89).adapter, "lora-v1");
        let drawn = routing.draw(0.95);
        assert_eq!((drawn.adapter.as_str(), drawn.probability), ("lora-v2", 0.1));
        assert!(Routing::default().with_canary(BASE, 0.1).is_err());
    }

    #[test]
    fn shares_that_make_no_sense_are_refused_with_their_figures() {
        let routing = Routing::default();
        let told = |shares: &[ArmShare]| routing.with_shares(shares).unwrap_err().to_string();
        assert!(told(&[arm("lora-v1", 0.7), arm("lora-v2", 0.4)]).contains("110.0 %"));
        assert!(told(&[arm("lora-v1", 0.0)]).contains("lora-v1"));
        assert!(told(&[arm("lora-v1", f64::NAN)]).contains("lora-v1"));
        assert!(told(&[arm("lora-v1", 0.1), arm("lora-v1", 0.1)]).contains("twice"));
        for share in [0.0, 1.0, 1.2, -0.1, f64::NAN] {
            assert!(routing.with_canary("lora-v1", share).is_err(), "{share}");
        }
    }

    proptest! {
        // If this fails, an arm gets more or fewer tasks than was asked for.
        #[test]
        fn any_split_draws_every_arm_as_often_as_its_share(
            shares in prop::collection::vec(0.01f64..0.33, 1..4)
        ) {
            let asked: Vec<ArmShare> =
                shares.iter().enumerate().map(|(n, s)| arm(&format!("lora-v{}", n + 1), *s)).collect();
            let routing = Routing::default().with_shares(&asked).unwrap();
            prop_assert!((routing.arms.iter().map(|arm| arm.share).sum::<f64>() - 1.0).abs() < 1e-9);
            let draws = 10_000;
            for arm in &routing.arms {
                let drawn = (0..draws)
                    .filter(|n| routing.draw((f64::from(*n) + 0.5) / f64::from(draws)).adapter == arm.adapter)
                    .count();
                prop_assert!((drawn as f64 / f64::from(draws) - arm.share).abs() < 2e-4);
            }
        }
    }
}
