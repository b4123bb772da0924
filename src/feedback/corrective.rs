//! Training material from failures: the failed sessions for which a person wrote the right answer, or
//! chose another one. Nothing is invented: a failure without a correction teaches nothing and is only counted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::error::{Error, Result};
use super::settings::Settings;
use crate::eval::{Example, Provenance};
use crate::store::{self, Filter, Home, Index, Message, SessionId, Skipped, Stars, logs};

/// A prompt and the answer that a person says is right: written by them, or chosen of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrective {
    /// The sessions that say so, oldest first; several when the same correction was given again.
    pub sessions: Vec<SessionId>,
    /// Which of the actions that the first session teaches, from 1; none for an answer.
    pub step: Option<usize>,
    /// The turns before the answer.
    pub messages: Vec<Message>,
    pub answer: String,
}

/// The area that a person's corrections belong to.
pub const OWN_WORK: &str = "own-work";

impl Corrective {
    fn id(&self) -> String {
        let session = self.sessions.first().map(ToString::to_string).unwrap_or_default();
        match self.step {
            Some(step) => format!("{session}#{step}"),
            None => session,
        }
    }

    /// As an item to learn from or to be judged by; it bears the name of the first session.
    pub fn example(&self) -> Example {
        Example {
            id: self.id(),
            area: OWN_WORK.into(),
            messages: self.messages.clone(),
            answer: self.answer.clone(),
            weight: 1.0,
            provenance: Provenance::Correction,
            check: None,
        }
    }
}

/// One prompt for which different answers were called right. Left out of training until the person
/// settles it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    pub messages: Vec<Message>,
    /// Each session and its correction, oldest first.
    pub answers: Vec<(SessionId, String)>,
}

/// What the failed sessions give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correctives {
    pub examples: Vec<Corrective>,
    pub contradictions: Vec<Contradiction>,
    /// Failed sessions in all, and those of them with a correction.
    pub failed: usize,
    pub corrected: usize,
    /// Sessions that could not be read since they were indexed.
    pub damaged: Vec<Skipped>,
}

/// Gathers the corrections of the failed sessions, oldest first. Fails when fewer than
/// `settings.min_failed` failed sessions have a usable one, saying what is missing.
pub fn corrective(home: &Home, index: &Index, settings: &Settings) -> Result<Correctives> {
    let at_most = Stars::try_from(i64::from(settings.failed_rating.clamp(1, 5))).ok();
    let failed = index.list(&Filter { at_most, ..Filter::default() })?;
    let mut found = Correctives { failed: failed.len(), ..Correctives::default() };
    let mut waiting = Vec::new();
    let mut by_prompt = ByPrompt::default();
    // The list is newest first.
    for summary in failed.iter().rev() {
        if !summary.corrected {
            waiting.push(summary.id.clone());
            continue;
        }
        let session = match logs::load(home, &summary.id) {
            Ok(session) => session,
            Err(error) => {
                found.damaged.push(damaged(home, &summary.id, error));
                continue;
            }
        };
        if session.is_act() {
            // Below, with those that nobody rated: a check may have failed them.
            found.corrected += 1;
        } else if let Some(answer) = session.right_answer() {
            found.corrected += 1;
            let written = session.kaizen.as_ref().is_some_and(|record| record.correction.is_some());
            let (messages, answer) = (session.prompt(), answer.to_owned());
            by_prompt.add(session.session_id, messages, answer, written);
        }
    }
    (found.examples, found.contradictions) = by_prompt.settle();
    add_steps(home, index, &mut found)?;
    let contradicting: usize =
        found.contradictions.iter().map(|contradiction| contradiction.answers.len()).sum();
    let acted: usize = found.examples.iter().filter(|example| example.step == Some(1)).count();
    let usable = (found.corrected - contradicting).max(acted);
    if usable < settings.min_failed {
        waiting.reverse();
        return Err(Error::TooFewCorrections {
            failed_rating: settings.failed_rating,
            failed: found.failed,
            corrected: found.corrected,
            contradicting,
            needed: settings.min_failed,
            waiting,
        });
    }
    Ok(found)
}

/// Adds the actions that tasks of act mode teach, oldest first; the same action after the same turns once.
fn add_steps(home: &Home, index: &Index, found: &mut Correctives) -> Result<()> {
    let acted = index.list(&Filter { teaches_steps: Some(true), ..Filter::default() })?;
    let mut known: BTreeSet<(Vec<String>, String)> = BTreeSet::new();
    for summary in acted.iter().rev() {
        let session = match logs::load(home, &summary.id) {
            Ok(session) => session,
            Err(error) => {
                found.damaged.push(damaged(home, &summary.id, error));
                continue;
            }
        };
        for (place, (messages, answer)) in session.step_examples().into_iter().enumerate() {
            let turns = messages.iter().map(|turn| turn.content.clone()).collect();
            if known.insert((turns, answer.clone())) {
                let (sessions, step) = (vec![summary.id.clone()], Some(place + 1));
                found.examples.push(Corrective { sessions, step, messages, answer });
            }
        }
    }
    Ok(())
}

/// Corrections under their prompts, in the order in which the prompts first came.
#[derive(Default)]
struct ByPrompt {
    place: BTreeMap<Vec<(&'static str, String)>, usize>,
    prompts: Vec<Corrected>,
}

/// One prompt with all that was said to be its right answer.
struct Corrected {
    messages: Vec<Message>,
    /// Written by the person.
    answers: Vec<(SessionId, String)>,
    /// Chosen of two. They count only where nothing was written, and then the last choice does.
    chosen: Vec<(SessionId, String)>,
}

impl ByPrompt {
    fn add(&mut self, session: SessionId, messages: Vec<Message>, answer: String, written: bool) {
        // Prompts that differ only in white space at the ends ask the same.
        let asked = messages
            .iter()
            .map(|turn| (turn.role.as_str(), turn.content.trim().to_owned()))
            .collect();
        let place = match self.place.entry(asked) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                let place = *place.insert(self.prompts.len());
                self.prompts.push(Corrected { messages, answers: Vec::new(), chosen: Vec::new() });
                place
            }
        };
        if let Some(corrected) = self.prompts.get_mut(place) {
            let answers = if written { &mut corrected.answers } else { &mut corrected.chosen };
            answers.push((session, answer));
        }
    }

    fn settle(self) -> (Vec<Corrective>, Vec<Contradiction>) {
        let mut examples = Vec::new();
        let mut contradictions = Vec::new();
        for Corrected { messages, answers, chosen } in self.prompts {
            let Some((_, first)) = answers.first().cloned() else {
                if let Some((_, answer)) = chosen.last().cloned() {
                    let sessions = chosen.into_iter().map(|(session, _)| session).collect();
                    examples.push(Corrective { sessions, step: None, messages, answer });
                }
                continue;
            };
            if answers.iter().all(|(_, answer)| answer.trim() == first.trim()) {
                let sessions = answers.into_iter().map(|(session, _)| session).collect();
                examples.push(Corrective { sessions, step: None, messages, answer: first });
            } else {
                contradictions.push(Contradiction { messages, answers });
            }
        }
        (examples, contradictions)
    }
}

pub(super) fn damaged(home: &Home, id: &SessionId, error: store::Error) -> Skipped {
    Skipped { path: home.session_file(id), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::feedback::tests::Place;
    use crate::feedback::{StepRating, save_step_rating};
    use crate::store::{
        ActRecord, CheckRecord, DemonstratedStep, Demonstration, DemonstrationFrom, Iteration,
        Message, Session,
    };

    fn gather(place: &Place) -> Result<Correctives> {
        corrective(&place.home, &place.index, &Settings::default())
    }

    #[test]
    fn failed_sessions_with_a_correction_become_examples() {
        let place = Place::new();
        for minute in 0..5 {
            let task = format!("task {minute}");
            place.rated(minute, &task, "wrong", 1 + i64::from(minute) % 3, Some("right"));
        }
        place.rated(5, "good enough", "a", 4, Some("even better"));
        place.rated(6, "bad, nobody knows better", "a", 1, None);
        let found = gather(&place).unwrap();
        assert_eq!((found.failed, found.corrected, found.examples.len()), (6, 5, 5));
        assert_eq!(found.examples[0].messages, [Message::user("task 0")]);
        assert_eq!(found.examples[4].answer, "right");
    }

    // If this fails, the person does not learn why training refuses, and what to do.
    #[test]
    fn too_few_corrections_say_what_there_is_and_what_is_missing() {
        let place = Place::new();
        let told = gather(&place).unwrap_err().to_string();
        assert!(told.contains("there are 0 failed") && told.contains("5 more needed"), "{told}");
        for minute in 0..4 {
            place.rated(minute, &format!("t {minute}"), "a", 2, Some("b"));
        }
        let without = place.rated(9, "t", "a", 3, None);
        let told = gather(&place).unwrap_err().to_string();
        assert!(told.contains("5 failed, 4 of them corrected; 1 more needed"), "{told}");
        assert!(told.contains("kaizen rate SESSION STARS --answer FILE"), "{told}");
        assert!(told.contains(without.as_str()) && !told.contains('\n'), "{told}");
    }

    #[test]
    fn the_same_correction_twice_is_one_example() {
        let place = Place::new();
        for minute in 0..5 {
            place.rated(minute, "t \n", "a", 1, Some("b"));
        }
        let found = gather(&place).unwrap();
        assert_eq!(found.examples.len(), 1);
        assert_eq!(found.examples[0].sessions.len(), 5);
        assert!(found.examples[0].sessions.is_sorted());
    }

    // If this fails, the model is trained towards two answers at once.
    #[test]
    fn contradicting_corrections_are_named_and_left_out() {
        let place = Place::new();
        for minute in 0..5 {
            place.rated(minute, &format!("t {minute}"), "a", 1, Some("b"));
        }
        place.rated(8, "disputed", "a", 1, Some("left"));
        place.rated(9, "disputed", "a", 2, Some("right"));
        let found = gather(&place).unwrap();
        assert_eq!(found.examples.len(), 5);
        assert_eq!(found.contradictions.len(), 1);
        let answers: Vec<&str> =
            found.contradictions[0].answers.iter().map(|(_, answer)| answer.as_str()).collect();
        assert_eq!(answers, ["left", "right"]);
    }

    // If this fails, the list of what contradicts is another than what training leaves out.
    #[test]
    fn the_index_finds_the_same_contradictions() {
        let place = Place::new();
        for minute in 0..5 {
            place.rated(minute, &format!("t {minute}"), "a", 1, Some("b"));
        }
        place.rated(10, "disputed\n", "a", 1, Some("left"));
        place.rated(11, " disputed", "a", 3, Some("right"));
        place.rated(12, "disputed", "a", 2, Some(" left"));
        place.rated(13, "disputed", "a", 4, Some("good enough"));
        place.rated(14, "agreed", "a", 1, Some("yes"));
        place.rated(15, "agreed", "a", 1, Some("yes"));
        place.rated(16, "liked", "a", 2, Some("left"));
        place.rated(17, "liked", "a", 5, Some("right"));
        let found = gather(&place).unwrap();
        let named: Vec<SessionId> = found
            .contradictions
            .iter()
            .flat_map(|contradiction| contradiction.answers.iter().map(|(id, _)| id.clone()))
            .collect();
        assert_eq!(named.len(), 3);
        let contradicting = Stars::try_from(3).ok();
        let listed = place.index.list(&Filter { contradicting, ..Filter::default() }).unwrap();
        let listed: Vec<SessionId> = listed.into_iter().rev().map(|session| session.id).collect();
        assert_eq!(listed, named);
    }

    // If this fails, a choice between two answers stands against what the person wrote themselves.
    #[test]
    fn what_was_written_goes_before_what_was_chosen_and_the_last_choice_counts() {
        let place = Place::new();
        let settings = Settings { min_failed: 1, ..Settings::default() };
        for (minute, task, better) in [(1, "a", "x"), (2, "a", "y"), (3, "b", "x")] {
            let id = place.rated(minute, task, "wrong", 1, None);
            crate::feedback::choose_better(&place.home, &place.index, &id, better).unwrap();
        }
        place.rated(4, "b", "wrong", 1, Some("written"));
        let found = corrective(&place.home, &place.index, &settings).unwrap();
        let answers: Vec<&str> = found.examples.iter().map(|e| e.answer.as_str()).collect();
        assert_eq!(answers, ["y", "written"]);
        assert!(found.contradictions.is_empty());
    }

    #[test]
    fn contradicting_corrections_do_not_count_as_usable() {
        let place = Place::new();
        for minute in 0..5 {
            place.rated(minute, "disputed", "a", 1, Some(&format!("answer {minute}")));
        }
        let told = gather(&place).unwrap_err().to_string();
        assert!(told.contains("5 of these contradict each other"), "{told}");
        assert!(told.contains("5 more needed"), "{told}");
    }

    #[test]
    fn a_session_damaged_since_it_was_indexed_is_named() {
        let place = Place::new();
        for minute in 0..6 {
            place.rated(minute, &format!("t {minute}"), "a", 1, Some("b"));
        }
        let id = place.rated(7, "t", "a", 1, Some("b"));
        std::fs::write(place.home.session_file(&id), "").unwrap();
        let found = gather(&place).unwrap();
        assert_eq!((found.examples.len(), found.damaged.len()), (6, 1));
        assert!(found.damaged[0].why.contains("empty"));
    }

    #[test]
    fn an_imported_session_without_turns_asks_its_task() {
        let place = Place::new();
        let settings = Settings { min_failed: 1, ..Settings::default() };
        let id = place.session(1, "its task", "a");
        logs::update::<_, Error>(&place.home, &id, |session| {
            session.kaizen = None;
            Ok(())
        })
        .unwrap();
        place.rate_with(&id, 1, Some("right"));
        let found = corrective(&place.home, &place.index, &settings).unwrap();
        assert_eq!(found.examples[0].messages, [Message::user("its task")]);
    }

    /// A task that was carried out in one step, `ls`.
    fn acted(place: &Place, minute: u32, check: Option<bool>) -> SessionId {
        let id = place.session(minute, &format!("task {minute}"), "2");
        let change = |session: &mut Session| {
            session.iterations = vec![Iteration {
                iteration_number: 1,
                action: Some(serde_json::json!({"tool": "shell", "command": "ls"})),
                ..Iteration::default()
            }];
            let steps = vec![DemonstratedStep { action: "shown".into(), next_look: String::new() }];
            session.record_mut().act = Some(ActRecord {
                check: check.map(|passed| CheckRecord {
                    task: "t".into(),
                    area: "a".into(),
                    passed,
                }),
                demonstration: check.map(|_| Demonstration {
                    from: DemonstrationFrom::Expected,
                    session: None,
                    messages: vec![Message::user("look")],
                    steps,
                }),
                ..ActRecord::default()
            });
            Ok(())
        };
        let (session, ()) = logs::update::<_, Error>(&place.home, &id, change).unwrap();
        place.index.upsert(&session).unwrap();
        id
    }

    // If this fails, the corrections of tasks that were carried out are not learned, or as plain answers.
    #[test]
    fn actions_that_would_have_been_right_are_learned_each_after_its_turns() {
        let place = Place::new();
        let settings = Settings { min_failed: 2, ..Settings::default() };
        acted(&place, 1, Some(false));
        acted(&place, 2, Some(true));
        let unchecked = acted(&place, 3, None);
        let right = |correction: &str| StepRating {
            step: 1,
            stars: Stars::try_from(1).ok(),
            correction: Some(correction.to_owned()),
        };
        let rate = |rating: &StepRating| {
            let session = save_step_rating(&place.home, unchecked.as_str(), rating)?;
            place.index.upsert(&session).map_err(Error::Store)?;
            Ok::<_, Error>(session)
        };
        assert!(corrective(&place.home, &place.index, &settings).is_err(), "there is only one");
        let told = rate(&right(r#"{"tool":"shell","command":"ls"}"#)).unwrap_err();
        assert!(told.to_string().contains("is the one that was done"), "{told}");
        let told = rate(&StepRating { step: 2, ..right("x") }).unwrap_err();
        assert!(told.to_string().contains("it has 1"), "{told}");
        let session = rate(&right("first")).unwrap();
        // What is not said again stays, the rest is replaced.
        let session = rate(&StepRating { stars: Stars::try_from(2).ok(), ..right("second") })
            .map(|after| (session, after))
            .unwrap();
        assert_eq!(session.0.step_feedback(1).unwrap().stars, Stars::try_from(1).ok());
        assert_eq!(session.1.step_feedback(1).unwrap().stars, Stars::try_from(2).ok());
        let kept = rate(&StepRating { stars: None, correction: None, step: 1 }).unwrap();
        let said = |session: &Session| {
            session.step_feedback(1).map(|said| (said.stars, said.correction.clone()))
        };
        assert_eq!(said(&kept), said(&session.1));

        let found = corrective(&place.home, &place.index, &settings).unwrap();
        let learned: Vec<_> = found
            .examples
            .iter()
            .map(|example| (example.example().id, example.answer.as_str(), example.messages.len()))
            .collect();
        assert_eq!(learned.len(), 2);
        assert_eq!((learned[0].1, learned[0].2), ("shown", 1));
        assert_eq!(learned[1].1, "second");
        assert_eq!(learned[1].0, format!("{unchecked}#1"));
    }
}
