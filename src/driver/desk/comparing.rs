//! Comparing two arms: the gate, the failed tasks, the ratings.

use super::super::{ArmRating, FailedCompared, FailedTask, Report, WorkEvent};
use super::{Inner, Work};
use crate::eval::promotion::ratings_still_needed;
use crate::eval::statistics::StarCounts;
use crate::eval::{Example, Provenance, measure};
use crate::runtime::Runtime;
use crate::store::{Filter, Session, Stars, logs, plain, plain_line};
use crate::tasks::Arm;
use crate::workplace::measuring;
use crate::workplace::trained_prompts;
use crate::workplace::{
    ArmChoice, ArmsRequest, Event, Result, SetChoice, SplitChoice, compare_arms,
};
use std::collections::BTreeMap;

/// Failed sessions that are scored, newest first: a list to look through, in seconds.
const FAILED_TASKS: usize = 40;

/// The difference of means, in stars, for which "ratings still needed" is told.
const SEEN_STARS: f64 = 0.2;

impl Inner {
    pub(super) fn list_adapters(&self) -> Result<Report> {
        let adapters = match self.workplace.adapters() {
            Ok(adapters) => adapters.into_iter().map(|(adapter, _)| adapter).collect(),
            // The files are the truth: an index that cannot be opened hides no adapter.
            Err(error) => {
                tracing::warn!("the adapters are not in the index: {error}");
                self.workplace.registry().list()?
            }
        };
        Ok(Report::Adapters(adapters))
    }

    /// The gate's answer, as `kaizen compare` gives it.
    pub(super) fn judge(
        &self,
        work: &Work,
        a: &ArmChoice,
        b: &ArmChoice,
        set: &SetChoice,
    ) -> Result<WorkEvent> {
        let examples = self.workplace.set(set)?;
        let runtime = self.runtime(work)?;
        let (a, b) = (self.arm(a, &runtime, work)?, self.arm(b, &runtime, work)?);
        let request = ArmsRequest {
            examples: &examples,
            split: SplitChoice::HeldOut,
            no_split: false,
            seed: 0,
        };
        let seen = &mut |event| work.progress(event);
        let comparison = compare_arms(&self.workplace, &runtime, request, &a, &b, seen)?;
        Ok(WorkEvent::Judged(Box::new(comparison)))
    }

    /// Scores what the person wrote for the failed sessions by both arms.
    pub(super) fn compare_failed(
        &self,
        work: &Work,
        a: &ArmChoice,
        b: &ArmChoice,
    ) -> Result<WorkEvent> {
        let (corrected, uncorrected) = self.corrected_failures(work)?;
        let mut compared =
            FailedCompared { a: name(a), b: name(b), tasks: Vec::new(), uncorrected };
        if corrected.is_empty() {
            return Ok(WorkEvent::FailedCompared(Box::new(compared)));
        }
        let runtime = self.runtime(work)?;
        let (a, b) = (self.arm(a, &runtime, work)?, self.arm(b, &runtime, work)?);
        let (sessions, examples) = fitting(&runtime, corrected, work);
        let scores = |arm: &Arm, what| {
            let progress = &mut |event| work.progress(event);
            measure::score(&runtime, &examples, arm.lora.as_ref(), &mut measuring(what, progress))
        };
        let before = scores(&a, "scoring your corrections, before")?;
        let after = scores(&b, "scoring your corrections, after")?;
        let trained = trained_prompts(&self.workplace, &b)?;
        compared.tasks = sessions
            .into_iter()
            .zip(&examples)
            .zip(before.iter().zip(&after))
            .map(|((session, example), (before, after))| FailedTask {
                task: plain(&session.metadata.task),
                correction: plain(&example.answer),
                answer: plain(session.answer().unwrap_or_default()),
                session: session.session_id,
                before: before.nll.exp(),
                after: after.nll.exp(),
                seen: trained.contains(&example.prompt_sha256()),
                messages: example.messages.clone(),
            })
            .collect();
        Ok(WorkEvent::FailedCompared(Box::new(compared)))
    }

    /// The newest failed sessions with their corrections, and how many have none.
    fn corrected_failures(&self, work: &Work) -> Result<(Vec<(Session, Example)>, usize)> {
        let failed_rating = self.workplace.config.feedback.failed_rating.clamp(1, 5);
        let at_most = Stars::try_from(i64::from(failed_rating)).ok();
        let index = self.workplace.index()?;
        let failed =
            |corrected| Filter { at_most, corrected: Some(corrected), ..Filter::default() };
        let uncorrected = index.count(&failed(false))?;
        let newest = Filter { limit: Some(FAILED_TASKS), ..failed(true) };
        let mut corrected = Vec::new();
        for summary in index.list(&newest)? {
            match logs::load(&self.workplace.home, &summary.id) {
                Ok(session) => corrected.extend(example(&session).map(|e| (session, e))),
                Err(error) => work.progress(Event::Note(plain_line(&error.to_string()))),
            }
        }
        Ok((corrected, uncorrected))
    }

    /// Stars per arm, over the sessions that were answered here, and what they say of each other.
    pub(super) fn rate_arms(&self) -> Result<Report> {
        let own = Filter { imported: Some(false), ..Filter::default() };
        let mut by_arm = BTreeMap::<String, (Vec<u8>, usize)>::new();
        for (place, session) in self.workplace.index()?.list(&own)?.into_iter().enumerate() {
            let Some(arm) = session.arm.clone() else { continue };
            match session.stars {
                Some(stars) => by_arm.entry(arm).or_default().0.push(stars.get()),
                None if session.outcome.as_deref() != Some("finished") => {}
                // The newest one may still be rated: a count that moves with it would tell which arm it
                // went to.
                None if place == 0 => {}
                None => by_arm.entry(arm).or_default().1 += 1,
            }
        }
        let arms: Vec<(String, StarCounts, usize)> = by_arm
            .into_iter()
            .map(|(arm, (stars, unrated))| (arm, StarCounts::of(stars), unrated))
            .filter(|(_, stars, _)| stars.ratings() > 0)
            .collect();
        let mut ratings: Vec<ArmRating> = arms
            .iter()
            .map(|(arm, stars, unrated)| {
                let others = || arms.iter().filter(|(other, ..)| other != arm);
                ArmRating {
                    arm: arm.clone(),
                    rated: stars.ratings(),
                    mean: stars.mean(),
                    ci95: stars.credible(0).map(|interval| [interval.low, interval.high]),
                    unrated: *unrated,
                    better_than: others()
                        .filter_map(|(name, other, _)| {
                            Some((name.clone(), stars.better_than(other, 0)?))
                        })
                        .collect(),
                    still_needed: others()
                        .filter_map(|(name, other, _)| {
                            Some((name.clone(), ratings_still_needed(other, stars, SEEN_STARS)?))
                        })
                        .collect(),
                }
            })
            .collect();
        // base first, then lora-v2 before lora-v10.
        ratings.sort_by_key(|rating| (rating.arm != "base", rating.arm.len(), rating.arm.clone()));
        Ok(Report::ArmRatings(ratings))
    }
}

/// What a failed session teaches, if the person wrote the right answer.
fn example(session: &Session) -> Option<Example> {
    // Of a task that was carried out, the first action that would have been right.
    let (messages, answer) = match session.is_act() {
        true => session.step_examples().into_iter().next()?,
        false => {
            let correction = session.kaizen.as_ref()?.correction.as_ref()?;
            (session.prompt(), correction.answer.clone())
        }
    };
    Some(Example {
        id: session.session_id.to_string(),
        area: "own-work".into(),
        messages,
        answer,
        weight: 1.0,
        provenance: Provenance::Correction,
        check: None,
    })
}

/// Those that the model can read as a whole; of the others the person is told.
fn fitting(
    runtime: &Runtime,
    corrected: Vec<(Session, Example)>,
    work: &Work,
) -> (Vec<Session>, Vec<Example>) {
    let model = runtime.model();
    let context = model.network.architecture().context;
    corrected
        .into_iter()
        .filter(|(_, example)| {
            let encoded = model.template.encode_answered(
                &model.tokenizer,
                &example.messages,
                &example.answer,
            );
            let why = match encoded {
                Ok(answered) if answered.ids.len() <= context => return true,
                Ok(answered) => format!("{} tokens, the model holds {context}", answered.ids.len()),
                Err(error) => error.to_string(),
            };
            let note = format!("{} is left out: {why}", example.id);
            work.progress(Event::Note(plain_line(&note)));
            false
        })
        .unzip()
}

fn name(choice: &ArmChoice) -> String {
    match choice {
        ArmChoice::Auto | ArmChoice::Base => "base".into(),
        ArmChoice::Adapter(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::super::{Desk, Effect, WorkId};
    use super::*;
    use crate::feedback::{self, Rating};
    use crate::store::{ImportedFrom, Message, Outcome, SessionId};
    use crate::workplace::Workplace;
    use std::sync::mpsc::{self, Receiver};
    use std::sync::{Arc, Mutex};
    use tempfile::TempDir;

    fn workplace() -> (TempDir, Workplace) {
        let folder = tempfile::tempdir().unwrap();
        let workplace = Workplace::open(folder.path(), None, None).unwrap();
        (folder, workplace)
    }

    fn desk(workplace: Workplace) -> (Desk, Receiver<Report>) {
        let (send, reports) = mpsc::channel();
        let send = Mutex::new(send);
        let tell = move |report| {
            let _ = send.lock().unwrap().send(report);
        };
        (Desk::new(workplace, Arc::new(tell)).unwrap(), reports)
    }

    fn rated(workplace: &Workplace, arm: &str, stars: i64, correction: Option<&str>) -> SessionId {
        let mut session = logs::create(&workplace.home, "a task").unwrap();
        let record = session.record_mut();
        record.arm = Some(arm.into());
        record.messages = vec![Message::user("a task")];
        record.outcome = Some(Outcome::Finished);
        logs::save(&workplace.home, &session).unwrap();
        let id = session.session_id;
        let stars = Stars::try_from(stars).unwrap();
        let rating = Rating { correction: correction.map(str::to_owned), ..Rating::stars(stars) };
        feedback::rate(&workplace.home, &workplace.index().unwrap(), id.as_str(), &rating).unwrap();
        id
    }

    // If this fails, a person sees one arm's stars under another's name, or the stars that a stranger
    // gave to another program.
    #[test]
    fn every_arm_has_the_mean_of_its_own_stars() {
        let (_folder, workplace) = workplace();
        for stars in [1, 3] {
            rated(&workplace, "base", stars, None);
        }
        rated(&workplace, "lora-v10", 5, None);
        rated(&workplace, "lora-v2", 4, None);
        let foreign = rated(&workplace, "base", 5, None);
        logs::update::<_, crate::store::Error>(&workplace.home, &foreign, |session| {
            session.record_mut().imported_from = Some(ImportedFrom {
                path: "elsewhere".into(),
                sha256: String::new(),
                at: "2026-11-23T12:00:00Z".parse().unwrap(),
            });
            Ok(())
        })
        .unwrap();
        let (desk, reports) = desk(workplace);
        desk.perform(Effect::RateArms);
        let Report::ArmRatings(ratings) = reports.recv().unwrap() else { panic!() };
        let arms: Vec<(&str, usize, f64)> =
            ratings.iter().map(|r| (r.arm.as_str(), r.rated, r.mean)).collect();
        assert_eq!(arms, [("base", 2, 2.0), ("lora-v2", 1, 4.0), ("lora-v10", 1, 5.0)]);
        let [low, high] = ratings[0].ci95.unwrap();
        assert!(low > 1.0 && low < 2.0 && high > 2.0 && high < 5.0, "{low} {high}");
        assert!(ratings[2].better_than["base"] > 0.8, "{:?}", ratings[2].better_than);
        // (1.96 + 0.84)² · 2 · σ² / 0.2² less the one rating there is.
        assert!(ratings[2].still_needed["base"] > 500, "{:?}", ratings[2].still_needed);
        desk.close();
    }

    // If this fails, a person without corrections waits for a model that has nothing to score, and is
    // not told what is missing.
    #[test]
    fn failures_without_a_correction_are_counted_and_nothing_waits_for_the_model() {
        let (_folder, workplace) = workplace();
        rated(&workplace, "base", 2, None);
        rated(&workplace, "base", 3, None);
        rated(&workplace, "base", 4, Some("better"));
        let (desk, reports) = desk(workplace);
        let b = ArmChoice::Adapter("lora-v1".into());
        desk.perform(Effect::CompareFailed { work: WorkId(1), a: ArmChoice::Base, b });
        let Report::Work { event: WorkEvent::FailedCompared(compared), .. } =
            reports.recv().unwrap()
        else {
            panic!()
        };
        assert_eq!((compared.a.as_str(), compared.b.as_str()), ("base", "lora-v1"));
        assert_eq!((compared.tasks.len(), compared.uncorrected), (0, 2));
        desk.close();
    }
}
