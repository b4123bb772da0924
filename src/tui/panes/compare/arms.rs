//! Which two arms are compared: what the person chose, or base and the newest adapter.

use crate::workplace::ArmChoice;

/// Left or right; also the index of the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left = 0,
    Right = 1,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Left, Self::Right];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// The chosen arms by name; none stands for the default.
#[derive(Debug, Default)]
pub(super) struct Arms {
    chosen: [Option<String>; 2],
}

impl Arms {
    /// Reference and candidate, which are never the same; none while there is no adapter. Where nobody chose,
    /// the newest adapter stands against whoever answers now.
    pub(super) fn pair(&self, adapters: &[String], active: &str) -> Option<[String; 2]> {
        let newest = adapters.last()?;
        let active = match active != newest && adapters.iter().any(|name| name == active) {
            true => active,
            false => "base",
        };
        let there = |choice: &Option<String>| {
            choice.clone().filter(|name| name == "base" || adapters.contains(name))
        };
        let [a, b] = &self.chosen;
        let (a, b) = (there(a), there(b));
        let pair = match (a, b) {
            (Some(a), Some(b)) => [a, b],
            (Some(a), None) if a == *newest => [a, "base".into()],
            (Some(a), None) => [a, newest.clone()],
            (None, Some(b)) if b == "base" => [newest.clone(), b],
            (None, Some(b)) if b == active => ["base".into(), b],
            (None, Some(b)) => [active.to_owned(), b],
            (None, None) => [active.to_owned(), newest.clone()],
        };
        (pair[0] != pair[1]).then_some(pair).or_else(|| Some(["base".into(), newest.clone()]))
    }

    /// The next arm on one side; the sides change places where both would be the same.
    pub(super) fn next(&mut self, side: Side, adapters: &[String], active: &str) {
        let Some([mut a, mut b]) = self.pair(adapters, active) else { return };
        let (moved, other) = match side {
            Side::Left => (&mut a, &mut b),
            Side::Right => (&mut b, &mut a),
        };
        let place = adapters.iter().position(|name| name == moved);
        let following = match place {
            None => adapters.first(),
            Some(place) => adapters.get(place + 1),
        };
        let following = following.map_or("base", String::as_str).to_owned();
        if *other == following {
            *other = std::mem::take(moved);
        }
        *moved = following;
        self.chosen = [Some(a), Some(b)];
    }
}

/// An arm by its name on screen.
pub(super) fn choice(name: &str) -> ArmChoice {
    match name {
        "base" => ArmChoice::Base,
        name => ArmChoice::Adapter(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapters(count: usize) -> Vec<String> {
        (1..=count).map(|version| format!("lora-v{version}")).collect()
    }

    // If this fails, an arm is compared with itself, or one that is gone is asked.
    #[test]
    fn the_arms_differ_and_are_there_whatever_was_chosen() {
        let mut arms = Arms::default();
        assert_eq!(arms.pair(&[], "base"), None);
        arms.next(Side::Left, &[], "base");
        assert_eq!(arms.pair(&adapters(2), "base"), Some(["base".into(), "lora-v2".into()]));
        assert_eq!(arms.pair(&adapters(2), "lora-v1"), Some(["lora-v1".into(), "lora-v2".into()]));
        assert_eq!(arms.pair(&adapters(2), "lora-v2"), Some(["base".into(), "lora-v2".into()]));
        for step in 0..40usize {
            let side = if step.is_multiple_of(3) { Side::Left } else { Side::Right };
            arms.next(side, &adapters(3), "lora-v2");
            for count in 1..4 {
                let there = adapters(count);
                let pair = arms.pair(&there, "lora-v2").into_iter().flatten().collect::<Vec<_>>();
                assert_ne!(pair.first(), pair.last());
                assert!(pair.iter().all(|arm| arm == "base" || there.contains(arm)), "{pair:?}");
            }
        }
    }

    #[test]
    fn every_arm_can_be_reached_on_either_side() {
        for side in Side::BOTH {
            let mut arms = Arms::default();
            let mut reached = std::collections::BTreeSet::new();
            for _ in 0..4 {
                arms.next(side, &adapters(3), "lora-v2");
                reached.extend(
                    arms.pair(&adapters(3), "base").map(|pair| pair[side as usize].clone()),
                );
            }
            assert_eq!(reached.len(), 4, "{reached:?}");
        }
    }
}
