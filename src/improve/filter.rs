//! Which made examples are good enough to train on: every rule counted, so that a person sees where
//! examples are lost. Pure. Answers of items that decide play no part.

use super::candidate::{Candidate, Rule};
use super::phrase::{distinct_pairs, most_frequent_run, words};
use super::plausible::Plausible;
use crate::eval::{Example, Neighbourhood, same_text};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// How strictly examples are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strictness {
    /// Only what is no example at all, or near to an item that decides, is dropped.
    Off,
    On,
    /// Also drops answers that fail what can be checked.
    Checked,
}

/// Runs of so many words, so often: the answer goes round in circles.
const RUN: usize = 3;
const RUNS: usize = 4;

/// Answers of at least so many words must have this share of different word pairs.
const LONG_ANSWER: usize = 12;
const DIFFERENT_PAIRS: f64 = 0.5;

/// With fewer examples there is no saying which is an outlier.
const FEWEST_FOR_OUTLIERS: usize = 8;

/// What examples are held against.
pub struct Filter {
    pub strictness: Strictness,
    /// Share of the sound examples that is kept, the least surprising first.
    pub keep_top: f64,
    pub min_diversity: f64,
    /// Enough examples; none: all good ones are kept.
    pub count: Option<usize>,
    /// Held-out and final items.
    pub deciding: Neighbourhood,
    /// The find items by id.
    pub find: HashMap<String, Example>,
    /// The areas of which made answers can be checked.
    pub checks: BTreeMap<String, Plausible>,
    /// Texts that stand in no honest example: control tokens of the model.
    pub marks: Vec<String>,
    /// The words that are common in each area, with no prompts yet.
    pub fresh: Neighbourhood,
}

/// A candidate and what is said against it; none: it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub candidate: Candidate,
    pub rejected: Option<Rule>,
}

/// What is left of the candidates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filtered {
    /// In the order in which they were made.
    pub judged: Vec<Judged>,
    /// Of the kept ones, and of those that can be checked at all: how many fail.
    pub checked: usize,
    pub failed_check: usize,
}

impl Filtered {
    pub fn kept(&self) -> impl Iterator<Item = &Candidate> {
        self.judged.iter().filter(|one| one.rejected.is_none()).map(|one| &one.candidate)
    }

    /// Candidates by what became of them.
    pub fn rejected(&self) -> BTreeMap<Rule, usize> {
        let mut counts = BTreeMap::new();
        for rule in self.judged.iter().filter_map(|one| one.rejected) {
            *counts.entry(rule).or_default() += 1;
        }
        counts
    }
}

impl Filter {
    /// Judges all candidates together: outliers and the better half are outliers and halves of all.
    pub fn judge(&self, candidates: &[Candidate]) -> Filtered {
        let mut kept_prompts = self.fresh.clone();
        let mut judged: Vec<Judged> = candidates
            .iter()
            .map(|candidate| {
                let rejected = self.alone(candidate, &mut kept_prompts);
                Judged { candidate: candidate.clone(), rejected }
            })
            .collect();
        if self.strictness != Strictness::Off {
            self.among_others(&mut judged);
        }
        if let Some(count) = self.count {
            let good = judged.iter_mut().filter(|one| one.rejected.is_none());
            good.skip(count).for_each(|one| one.rejected = Some(Rule::NotNeeded));
        }
        self.counted(judged)
    }

    /// Verdicts that were given before, with what they count up to.
    pub fn counted(&self, judged: Vec<Judged>) -> Filtered {
        let mut filtered = Filtered { judged, ..Filtered::default() };
        let fates: Vec<bool> =
            filtered.kept().filter_map(|candidate| self.passes_check(candidate)).collect();
        filtered.checked = fates.len();
        filtered.failed_check = fates.iter().filter(|passes| !**passes).count();
        filtered
    }

    /// The rules that look at one example, and at those kept before it.
    fn alone(&self, candidate: &Candidate, kept: &mut Neighbourhood) -> Option<Rule> {
        let is_empty = |text: &str| !text.chars().any(char::is_alphanumeric);
        if is_empty(&candidate.question) || is_empty(&candidate.answer) {
            // Without an end it was cut off inside the question.
            return Some(if candidate.complete { Rule::Empty } else { Rule::CutOff });
        }
        if !candidate.complete {
            return Some(Rule::CutOff);
        }
        if self.deciding.near_in_any_way(&candidate.question).is_some() {
            return Some(Rule::NearHeldOut);
        }
        if self.strictness == Strictness::Off {
            return None;
        }
        let rule = self
            .sound(candidate)
            .or_else(|| kept.near(&candidate.question).is_some().then_some(Rule::NearDuplicate));
        if rule.is_none() {
            kept.add(&candidate.area, &candidate.id, &candidate.question);
        }
        rule
    }

    fn sound(&self, candidate: &Candidate) -> Option<Rule> {
        let (question, answer) = (same_text(&candidate.question), same_text(&candidate.answer));
        let mut seeds = candidate.seeds.iter().filter_map(|id| self.find.get(id));
        let asks_as_a_seed = seeds.any(|seed| same_text(seed.question()) == question);
        if question == answer || asks_as_a_seed {
            return Some(Rule::Echo);
        }
        let answer_words = words(&candidate.answer);
        if most_frequent_run(&answer_words, RUN) >= RUNS
            || (answer_words.len() >= LONG_ANSWER
                && distinct_pairs(&answer_words) < DIFFERENT_PAIRS)
        {
            return Some(Rule::Repetition);
        }
        let whole = format!("{}\n{}", candidate.question, candidate.answer);
        if self.marks.iter().any(|mark| whole.contains(mark.as_str())) {
            return Some(Rule::TemplateTokens);
        }
        if distinct_pairs(&words(&whole)) < self.min_diversity {
            return Some(Rule::LowDiversity);
        }
        if candidate.refused.is_some() {
            return candidate.refused;
        }
        let fails = self.passes_check(candidate) == Some(false);
        (self.strictness == Strictness::Checked && fails).then_some(Rule::FailedCheck)
    }

    fn passes_check(&self, candidate: &Candidate) -> Option<bool> {
        Some(self.checks.get(&candidate.area)?.holds(&candidate.answer))
    }

    /// The rules that need all sound examples: outliers by Tukey's fences (1977, "Exploratory data
    /// analysis"), then the more surprising part.
    fn among_others(&self, judged: &mut [Judged]) {
        let mut scores: Vec<f64> = judged
            .iter()
            .filter(|one| one.rejected.is_none())
            .map(|one| one.candidate.nll)
            .collect();
        scores.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (scores.len().saturating_sub(1)) as f64;
            let (low, high) = (place.floor() as usize, place.ceil() as usize);
            let of = |place: usize| scores.get(place).copied().unwrap_or(f64::NAN);
            of(low) + (of(high) - of(low)) * place.fract()
        };
        if scores.len() >= FEWEST_FOR_OUTLIERS {
            let (first, third) = (at(0.25), at(0.75));
            let reach = 1.5 * (third - first);
            for one in judged.iter_mut().filter(|one| one.rejected.is_none()) {
                let nll = one.candidate.nll;
                if !(first - reach..=third + reach).contains(&nll) {
                    one.rejected = Some(Rule::PerplexityOutlier);
                }
            }
        }
        let mut order: Vec<usize> =
            (0..judged.len()).filter(|at| judged[*at].rejected.is_none()).collect();
        // Ties by the order in which they were made.
        order.sort_by(|a, b| judged[*a].candidate.nll.total_cmp(&judged[*b].candidate.nll));
        let keep = (order.len() as f64 * self.keep_top).ceil() as usize;
        for at in order.into_iter().skip(keep) {
            judged[at].rejected = Some(Rule::LessExpected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Provenance;
    use crate::store::Message;

    fn item(id: &str, question: &str, answer: &str) -> Example {
        Example {
            id: id.into(),
            area: "shell".into(),
            messages: vec![Message::user(question)],
            answer: answer.into(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        }
    }

    fn made(question: &str, answer: &str) -> Candidate {
        Candidate {
            id: question.into(),
            area: "shell".into(),
            seeds: vec!["seed".into()],
            question: question.into(),
            answer: answer.into(),
            complete: true,
            refused: None,
            nll: 2.0,
            before: Vec::new(),
        }
    }

    fn filter(strictness: Strictness) -> Filter {
        let find = item("seed", "list the users of this machine", "cut -d: -f1 /etc/passwd");
        let held_out = item("held", "count the lines of notes.txt", "wc -l notes.txt");
        let whole = [find.clone(), held_out.clone()];
        Filter {
            strictness,
            keep_top: 1.0,
            min_diversity: 0.4,
            count: None,
            deciding: Neighbourhood::of([&held_out], &whole),
            checks: [("shell".to_owned(), Plausible::of_area([&find]).expect("commands"))].into(),
            find: [("seed".to_owned(), find)].into(),
            marks: vec!["<|im_end|>".into(), "Question:".into()],
            fresh: Neighbourhood::of([], &whole),
        }
    }

    fn fate(strictness: Strictness, candidate: Candidate) -> Option<Rule> {
        filter(strictness).judge(&[candidate]).judged[0].rejected
    }

    // If this fails, bad examples are trained on, or a person cannot see why good ones are lost.
    #[test]
    fn every_rule_catches_what_it_is_for() {
        let cut = Candidate { complete: false, ..made("show free memory", "free -m and") };
        let unrewritten =
            Candidate { refused: Some(Rule::NoBetterRewrite), ..made("show free memory", "free") };
        for (rule, candidate) in [
            (Rule::Empty, made("show free memory", "...")),
            (Rule::Empty, made("", "free")),
            (Rule::CutOff, cut),
            (Rule::NearHeldOut, made("Count lines of notes.txt", "wc -l notes.txt")),
            (Rule::Echo, made("List the users of this  machine", "who")),
            (Rule::Echo, made("show free memory", "Show free memory")),
            (Rule::Repetition, made("show free memory", &"free -m -h | ".repeat(6))),
            (Rule::TemplateTokens, made("show free memory", "free<|im_end|>")),
            (Rule::LowDiversity, made("why why why why why why why why", "why why")),
            (Rule::NoBetterRewrite, unrewritten),
        ] {
            assert_eq!(fate(Strictness::On, candidate.clone()), Some(rule), "{candidate:?}");
        }
        assert_eq!(fate(Strictness::On, made("show free memory", "free -m")), None);
        // Checked answers are counted; dropped only when that is asked for.
        let wrong = made("show free memory", "showmemory --free");
        assert_eq!(fate(Strictness::On, wrong.clone()), None);
        assert_eq!(filter(Strictness::On).judge(std::slice::from_ref(&wrong)).failed_check, 1);
        assert_eq!(fate(Strictness::Checked, wrong), Some(Rule::FailedCheck));
    }

    // If this fails, an experiment without the filter trains on what decides.
    #[test]
    fn without_the_filter_only_leaks_and_broken_ones_are_dropped() {
        let off = |candidate| fate(Strictness::Off, candidate);
        let near = made("Count lines of notes.txt", "wc -l notes.txt");
        assert_eq!(off(near), Some(Rule::NearHeldOut));
        assert_eq!(off(made("show free memory", "")), Some(Rule::Empty));
        assert_eq!(off(made("show free memory", &"free -m -h | ".repeat(6))), None);
    }

    #[test]
    fn twins_outliers_and_the_more_surprising_half_go() {
        let question = |nth: usize| format!("unit{nth} device{nth} of host{nth}");
        let mut candidates: Vec<Candidate> = (0..12)
            .map(|nth| Candidate {
                nll: 2.0 + nth as f64 / 100.0,
                ..made(&question(nth), &format!("ping host{nth}"))
            })
            .collect();
        candidates.push(made("the unit3 device3 of host3", "ping host3"));
        candidates.push(Candidate { nll: 9.0, ..made("odd one out", "ls") });
        let mut filter = filter(Strictness::On);
        filter.keep_top = 0.5;
        filter.count = Some(4);
        let filtered = filter.judge(&candidates);
        let counts = filtered.rejected();
        assert_eq!(counts[&Rule::NearDuplicate], 1);
        assert_eq!(counts[&Rule::PerplexityOutlier], 1);
        assert_eq!((counts[&Rule::LessExpected], counts[&Rule::NotNeeded]), (6, 2));
        let kept: Vec<&str> = filtered.kept().map(|one| one.question.as_str()).collect();
        assert_eq!(kept, [question(0), question(1), question(2), question(3)]);
    }
}
