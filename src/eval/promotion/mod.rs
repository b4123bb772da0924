//! Whether an adapter in service has earned its place, or lost it: what blind pairs and stars say, put
//! against bounds that may be looked at after every rating. Pure: counts in, a finding out. Where the
//! counts come from, and what is done about them, is the business of rooms above.

#[cfg(test)]
mod simulation;

use super::statistics::{
    Interval, StarCounts, pairs_needed, ratings_needed, star_evidence, wilson, win_evidence,
};
use serde::{Deserialize, Serialize};

/// The chance that blind pairs ever find an adapter better that is not. With [`STAR_ALPHA`] it makes the
/// 5 % that promotion may err by (Bonferroni); pairs get most of it, since they decide sooner.
pub const PAIR_ALPHA: f64 = 0.04;
/// The same for stars.
pub const STAR_ALPHA: f64 = 0.01;

/// A candidate that leaves so many more of its sessions unrated than the reference is not promoted on
/// the rest: people do not rate what they gave up on.
const UNRATED_LIMIT: f64 = 0.10;

/// Blind pairs, as the candidate fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    pub wins: usize,
    pub losses: usize,
    pub ties: usize,
}

impl PairCounts {
    pub fn pairs(&self) -> usize {
        self.wins + self.losses + self.ties
    }

    /// The e-value that the candidate wins more than every second decided pair.
    pub fn e_value(&self) -> f64 {
        win_evidence(self.wins as f64, self.losses as f64).exp()
    }

    /// The e-value that it loses more than every second one.
    pub fn e_value_against(&self) -> f64 {
        win_evidence(self.losses as f64, self.wins as f64).exp()
    }

    /// What the pairs say so far.
    pub fn finding(&self) -> Finding {
        let bound = 1.0 / PAIR_ALPHA;
        match (self.e_value() >= bound, self.e_value_against() >= bound) {
            (true, _) => Finding::Better,
            (_, true) => Finding::Worse,
            _ => Finding::Open,
        }
    }

    /// About how many more decided pairs a finding needs, whichever way it goes; none where wins and
    /// losses are too even to tell.
    pub fn more_needed(&self) -> Option<usize> {
        let bound = (1.0 / PAIR_ALPHA).ln();
        let better = pairs_needed(self.wins, self.losses, bound);
        let worse = pairs_needed(self.losses, self.wins, bound);
        better.into_iter().chain(worse).min()
    }

    /// Wins, losses, the evidence so far, and about how many more pairs a decision needs.
    pub fn describe(&self) -> String {
        let more = match (self.finding(), self.more_needed()) {
            (Finding::Open, None) if self.pairs() == 0 => String::new(),
            (Finding::Open, Some(more)) => format!("; about {more} more pairs for a decision"),
            (Finding::Open, None) => {
                "; too even so far to say how many more pairs a decision needs".into()
            }
            _ => String::new(),
        };
        format!(
            "{} won, {} lost, {} even; evidence {:.2} for, {:.2} against, {:.0} decides{more}",
            self.wins,
            self.losses,
            self.ties,
            self.e_value(),
            self.e_value_against(),
            1.0 / PAIR_ALPHA
        )
    }

    /// What the pairs found about two arms, in a sentence.
    pub fn conclusion(&self, candidate: &str, reference: &str) -> String {
        match self.finding() {
            Finding::Better => format!("{candidate} is better than {reference} on your own tasks."),
            Finding::Worse => format!("{candidate} is worse than {reference} on your own tasks."),
            Finding::Open => format!("Nothing is decided between {candidate} and {reference}."),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    Better,
    Worse,
    /// Neither bound is reached.
    Open,
}

impl Finding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Open => "open",
        }
    }
}

/// What an arm's sessions came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArmRecord {
    pub stars: StarCounts,
    /// Sessions that ended without a rating.
    pub unrated: usize,
}

impl ArmRecord {
    pub fn sessions(&self) -> usize {
        self.stars.ratings() + self.unrated
    }

    /// The share that nobody rated; none without sessions.
    pub fn unrated_share(&self) -> Option<f64> {
        (self.sessions() > 0).then(|| self.unrated as f64 / self.sessions() as f64)
    }
}

/// All that is known about a candidate in service against its reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceEvidence {
    pub pairs: PairCounts,
    pub reference: ArmRecord,
    pub candidate: ArmRecord,
}

impl ServiceEvidence {
    /// The e-value that the candidate's stars are better; 1 while either arm has too few.
    pub fn star_e_value(&self) -> f64 {
        star_evidence(&self.reference.stars, &self.candidate.stars).exp()
    }

    /// The e-value that they are worse.
    pub fn star_e_value_against(&self) -> f64 {
        star_evidence(&self.candidate.stars, &self.reference.stars).exp()
    }

    /// Better or worse by pairs or by stars, whichever crosses its bound; where they contradict each
    /// other, nothing is decided.
    pub fn finding(&self) -> Finding {
        let bound = 1.0 / STAR_ALPHA;
        let by_pairs = self.pairs.finding();
        let better = by_pairs == Finding::Better || self.star_e_value() >= bound;
        let worse = by_pairs == Finding::Worse || self.star_e_value_against() >= bound;
        match (better, worse) {
            (true, false) => Finding::Better,
            (false, true) => Finding::Worse,
            _ => Finding::Open,
        }
    }

    /// How many more of the candidate's sessions stay unrated, with a 95 % interval (Newcombe 1998,
    /// Statistics in Medicine 17:873, method 10); none while an arm has no sessions.
    pub fn unrated_difference(&self) -> Option<(f64, Interval)> {
        let share = |arm: &ArmRecord| {
            Some((arm.unrated_share()?, wilson(arm.unrated, arm.sessions(), 0.95)?))
        };
        let ((a, ci_a), (b, ci_b)) = (share(&self.reference)?, share(&self.candidate)?);
        let low = b - a - ((b - ci_b.low).powi(2) + (ci_a.high - a).powi(2)).sqrt();
        let high = b - a + ((ci_b.high - b).powi(2) + (a - ci_a.low).powi(2)).sqrt();
        Some((b - a, Interval { low, high }))
    }

    /// Whether the guard rail holds: the candidate's sessions are not left unrated much more often,
    /// beyond chance.
    pub fn guard_holds(&self) -> bool {
        self.unrated_difference()
            .is_none_or(|(difference, ci)| difference < UNRATED_LIMIT || ci.low <= 0.0)
    }

    /// The evidence in words, one line.
    pub fn describe(&self) -> String {
        let PairCounts { wins, losses, ties } = self.pairs;
        let mut parts = Vec::new();
        if self.pairs.pairs() > 0 {
            parts.push(format!(
                "blind pairs {wins} won, {losses} lost, {ties} even (evidence {:.1} of {:.0})",
                self.pairs.e_value(),
                1.0 / PAIR_ALPHA
            ));
        }
        let (a, b) = (&self.reference.stars, &self.candidate.stars);
        if a.ratings() > 0 && b.ratings() > 0 {
            parts.push(format!(
                "stars {:.2} of {} against {:.2} of {} (evidence {:.1} of {:.0})",
                b.mean(),
                b.ratings(),
                a.mean(),
                a.ratings(),
                self.star_e_value(),
                1.0 / STAR_ALPHA
            ));
        }
        match parts.is_empty() {
            true => "no pairs and no ratings yet".into(),
            false => parts.join("; "),
        }
    }
}

/// Ratings an arm that are still missing until a difference of `difference` stars would be seen in four
/// of five tries, at the spread of the stars so far (1.2 before there are any).
pub fn ratings_still_needed(
    reference: &StarCounts,
    candidate: &StarCounts,
    difference: f64,
) -> Option<usize> {
    let deviations = [reference.deviation(), candidate.deviation()];
    let known: Vec<f64> = deviations.into_iter().flatten().filter(|d| *d > 0.0).collect();
    let deviation = match known.is_empty() {
        true => 1.2,
        false => (known.iter().map(|d| d * d).sum::<f64>() / known.len() as f64).sqrt(),
    };
    let needed = ratings_needed(difference, deviation)?;
    Some(needed.saturating_sub(reference.ratings().min(candidate.ratings())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(wins: usize, losses: usize) -> PairCounts {
        PairCounts { wins, losses, ties: 3 }
    }

    #[test]
    fn pairs_find_better_worse_or_nothing() {
        assert_eq!(pairs(30, 8).finding(), Finding::Better);
        assert_eq!(pairs(8, 30).finding(), Finding::Worse);
        assert_eq!(pairs(12, 9).finding(), Finding::Open);
        assert_eq!(pairs(0, 0).more_needed(), None);
        assert!(pairs(15, 8).more_needed().is_some() && pairs(8, 15).more_needed().is_some());
    }

    // If this fails, a person does not learn how far they are from a decision.
    #[test]
    fn the_description_tells_wins_losses_evidence_and_what_is_left() {
        let told = PairCounts { wins: 12, losses: 5, ties: 2 }.describe();
        assert!(told.starts_with("12 won, 5 lost, 2 even; evidence "), "{told}");
        assert!(told.contains("25 decides; about "), "{told}");
        let even = PairCounts { wins: 4, losses: 4, ties: 0 }.describe();
        assert!(even.contains("too even"), "{even}");
        let none = PairCounts::default().describe();
        assert!(none.ends_with("25 decides"), "{none}");
        let done = PairCounts { wins: 30, losses: 2, ties: 0 }.describe();
        assert!(!done.contains("more pairs"), "{done}");
    }

    // If this fails, an adapter is promoted although people walk away from its answers.
    #[test]
    fn the_guard_sees_sessions_that_nobody_rates() {
        let arm = |rated: usize, unrated: usize| ArmRecord {
            stars: StarCounts([0, 0, 0, 0, rated]),
            unrated,
        };
        let evidence = |b| ServiceEvidence {
            reference: arm(90, 10),
            candidate: b,
            ..ServiceEvidence::default()
        };
        assert!(!evidence(arm(60, 40)).guard_holds());
        assert!(evidence(arm(85, 15)).guard_holds());
        // One of three unrated is chance still.
        assert!(evidence(arm(2, 1)).guard_holds());
        // Newcombe's own example: 56 of 70 against 48 of 80, method 10: 0.0524 to 0.3339.
        let example = ServiceEvidence {
            candidate: arm(14, 56),
            reference: arm(32, 48),
            ..ServiceEvidence::default()
        };
        let (difference, ci) =
            example.unrated_difference().unwrap_or((0.0, Interval { low: 0.0, high: 0.0 }));
        assert!((difference - 0.2).abs() < 1e-12);
        assert!((ci.low - 0.0524).abs() < 1e-4 && (ci.high - 0.3339).abs() < 1e-4, "{ci:?}");
    }

    #[test]
    fn contradicting_evidence_decides_nothing() {
        let stars = |counts| ArmRecord { stars: StarCounts(counts), unrated: 0 };
        let evidence = ServiceEvidence {
            pairs: pairs(30, 8),
            reference: stars([0, 0, 10, 40, 50]),
            candidate: stars([50, 40, 10, 0, 0]),
        };
        assert_eq!(evidence.finding(), Finding::Open);
        let agreeing = ServiceEvidence { candidate: ArmRecord::default(), ..evidence };
        assert_eq!(agreeing.finding(), Finding::Better);
    }

    #[test]
    fn ratings_still_needed_are_said_honestly() {
        let none = StarCounts::default();
        assert_eq!(ratings_still_needed(&none, &none, 0.2), Some(566));
        let some = StarCounts([10, 10, 20, 30, 30]);
        let needed = ratings_still_needed(&some, &some, 0.2).unwrap_or_default();
        assert!((500..700).contains(&needed), "{needed}");
        let even = StarCounts([0, 0, 0, 600, 0]);
        assert_eq!(ratings_still_needed(&even, &even, 0.2), Some(0));
    }
}
