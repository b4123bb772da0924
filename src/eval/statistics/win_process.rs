//! Evidence from blind pairs: how much the wins and losses of one arm against another speak for it, in a
//! form that may be looked at after every pair.
//!
//! An e-process (Ramdas, Grünwald, Vovk and Shafer 2023, "Game-theoretic statistics and safe anytime-valid
//! inference", Statistical Science 38:576): the wealth of somebody who bets on wins at odds that are
//! fair or worse whenever the arm wins at most every second pair. By Ville's inequality (1939) such
//! wealth ever reaches 1/α with probability α at most, however often it is looked at.

/// The win probabilities that are bet on, in equal parts: most about two wins in three, where a decision is
/// wanted within a hundred pairs, and two for smaller differences. Whoever wins more often is found out
/// quickly by these as well; a wider range would cost more than it finds.
const BETS: [f64; 15] =
    [0.55, 0.57, 0.60, 0.61, 0.62, 0.63, 0.64, 0.65, 0.66, 0.67, 0.68, 0.69, 0.70, 0.71, 0.72];

/// Pairs beyond which "about so many more" is no advice.
const MOST_MORE: usize = 5_000;

/// The logarithm of the evidence (e-value) that the arm with `wins` wins more than every second decided
/// pair. Ties are left out: they speak for nobody.
///
/// Each bet θ multiplies its stake by 2θ at a win and by 2(1 − θ) at a loss; where wins come with
/// probability p ≤ ½ that is 1 on average at most, and so is the mean over the bets. Real numbers are
/// taken too, for looking ahead.
pub fn win_evidence(wins: f64, losses: f64) -> f64 {
    let wealth = BETS.map(|bet| wins * (2.0 * bet).ln() + losses * (2.0 * (1.0 - bet)).ln());
    let greatest = wealth.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = wealth.into_iter().map(|wealth| (wealth - greatest).exp()).sum();
    greatest + (sum / BETS.len() as f64).ln()
}

/// About how many more decided pairs it takes until the evidence reaches `bound` (a logarithm) if wins
/// go on as they came; none where they do not come more often than losses, or only after thousands.
///
/// The rate is drawn towards one half as if four pairs had been won and four lost before, so that a
/// lucky start promises nothing.
pub fn pairs_needed(wins: usize, losses: usize, bound: f64) -> Option<usize> {
    let (won, lost) = (wins as f64, losses as f64);
    if win_evidence(won, lost) >= bound {
        return Some(0);
    }
    let rate = (won + 4.0) / (won + lost + 8.0);
    let reaches = |more: usize| {
        let more = more as f64;
        win_evidence(won + more * rate, lost + more * (1.0 - rate)) >= bound
    };
    if rate <= 0.5 || !reaches(MOST_MORE) {
        return None;
    }
    // Past the first point that suffices all later ones do: evidence grows at a rate over one half,
    // after a dip at most.
    let (mut low, mut high) = (0, MOST_MORE);
    while high - low > 1 {
        let middle = (low + high) / 2;
        match reaches(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, looking after every pair finds "better" more often than is promised: the evidence
    // after one more pair must be no greater on average than before, for an arm that wins half of them.
    #[test]
    fn a_fair_coin_earns_nothing_on_average_after_any_history() {
        for (wins, losses) in [(0.0, 0.0), (1.0, 0.0), (0.0, 7.0), (30.0, 12.0), (400.0, 380.0)] {
            let before = win_evidence(wins, losses).exp();
            let after = 0.5 * win_evidence(wins + 1.0, losses).exp()
                + 0.5 * win_evidence(wins, losses + 1.0).exp();
            assert!((after / before - 1.0).abs() < 1e-12, "{wins} {losses}");
            let unfair = 0.4 * win_evidence(wins + 1.0, losses).exp()
                + 0.6 * win_evidence(wins, losses + 1.0).exp();
            assert!(unfair < before, "{wins} {losses}");
        }
    }

    #[test]
    fn evidence_is_what_can_be_computed_by_hand() {
        assert_eq!(win_evidence(0.0, 0.0), 0.0);
        // One win multiplies each stake by 2θ, a loss by 2(1 − θ): on average over all bets.
        let mean = (0.55 + 0.57 + 13.0 * 0.66) / 15.0;
        assert!((win_evidence(1.0, 0.0) - (2.0f64 * mean).ln()).abs() < 1e-12);
        assert!((win_evidence(0.0, 1.0) - (2.0f64 * (1.0 - mean)).ln()).abs() < 1e-12);
        assert!(win_evidence(1e6, 0.0).is_finite() && win_evidence(0.0, 1e6) < -1e4);
    }

    // If this fails, a person is promised a decision that does not come, or told to go on for nothing.
    #[test]
    fn the_pairs_still_needed_are_those_that_suffice() {
        let bound = 25f64.ln();
        assert_eq!(pairs_needed(40, 10, bound), Some(0));
        assert_eq!((pairs_needed(0, 0, bound), pairs_needed(5, 9, bound)), (None, None));
        let more = pairs_needed(20, 10, bound).unwrap();
        let rate = 24.0 / 38.0;
        let after = |more: f64| win_evidence(20.0 + more * rate, 10.0 + more * (1.0 - rate));
        assert!(after(more as f64) >= bound && after(more as f64 - 1.0) < bound, "{more}");
    }
}
