//! kill -9 at random moments of a scripted day.
#![cfg(unix)]

use super::place::{Place, training};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What a person does.
#[derive(Debug, Clone, PartialEq)]
enum Deed {
    Ask(usize),
    Rate { session: String, stars: u64, correction: Option<String> },
    Train,
    Resume,
    Promote(String),
    RollBack,
}

/// What was confirmed, and so must be there from then on.
#[derive(Debug, Default)]
struct Confirmed {
    sessions: BTreeSet<String>,
    ratings: BTreeMap<String, u64>,
    corrections: BTreeMap<String, String>,
    adapters: BTreeSet<String>,
    /// Who answers, in the order of the confirmations.
    active: Option<String>,
}

struct Day {
    place: Place,
    random: ChaCha8Rng,
    confirmed: Confirmed,
    /// How long a short deed takes here, and a training.
    short: Duration,
    long: Duration,
    /// Deeds that ended before the kill came, and those that it hit.
    ended: usize,
    hit: usize,
}

impl Day {
    fn next_deed(&mut self, nth: usize) -> Deed {
        let sessions: Vec<&String> = self.confirmed.sessions.iter().collect();
        let adapters: Vec<&String> = self.confirmed.adapters.iter().collect();
        loop {
            return match self.random.random_range(0..10) {
                0..3 => Deed::Ask(nth),
                3..6 => {
                    let Some(session) = sessions.choose(&mut self.random) else { continue };
                    let session = (*session).clone();
                    let stars = self.random.random_range(1..=5);
                    let correction = (stars < 4).then(|| format!("the right answer {nth}"));
                    Deed::Rate { session, stars, correction }
                }
                6..8 => match self.unfinished() {
                    true => Deed::Resume,
                    false => Deed::Train,
                },
                8 => {
                    let Some(adapter) = adapters.choose(&mut self.random) else { continue };
                    Deed::Promote((*adapter).clone())
                }
                _ if self.confirmed.active.as_deref().is_some_and(|active| active != "base") => {
                    Deed::RollBack
                }
                _ => continue,
            };
        }
    }

    /// The newest run has no adapter yet. One that was killed before its record was whole is none.
    fn unfinished(&self) -> bool {
        let runs = kaizen::train::RunFolder::find(&self.place.home.join("runs"), "last");
        runs.is_ok_and(|run| run.record().unwrap().adapter.is_none())
    }

    /// Does it, kills it at some moment, and gives the whole JSON lines that it printed.
    fn killed(&mut self, deed: &Deed) -> Vec<Value> {
        let correction = self.place.home.with_extension("correction");
        let flags = training(6);
        let mut arguments: Vec<&str> = Vec::new();
        let (prompt, stars);
        match deed {
            Deed::Ask(nth) => {
                prompt = format!("task {nth}");
                arguments.extend(["run", &prompt, "--greedy", "--max-tokens", "3"]);
            }
            Deed::Rate { session, stars: given, correction: right } => {
                stars = given.to_string();
                arguments.extend(["rate", session, &stars]);
                if let Some(right) = right {
                    std::fs::write(&correction, right).unwrap();
                    arguments.extend(["--answer", correction.to_str().unwrap()]);
                }
            }
            Deed::Train => {
                arguments.extend(["train", "--from", &self.place.examples]);
                arguments.extend(flags.iter().map(String::as_str));
            }
            Deed::Resume => arguments.extend(["train", "--resume", "last"]),
            Deed::Promote(adapter) => arguments.extend(["adapters", "promote", adapter]),
            Deed::RollBack => arguments.extend(["adapters", "rollback"]),
        }
        arguments.push("--json");
        let mut command = self.place.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lasts = match deed {
            Deed::Train | Deed::Resume => &mut self.long,
            _ => &mut self.short,
        };
        // Most kills come while it is at work, some at its very end, and some too late.
        std::thread::sleep(lasts.mul_f64(self.random.random_range(0.0..1.3)));
        child.kill().unwrap();
        // The machine may be busier or idler than at the start: about three of four are to be hit.
        let late = child.wait().unwrap().code().is_some();
        *lasts = lasts.mul_f64(if late { 0.8 } else { 1.08 });
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            None => self.hit += 1,
            Some(code) => {
                self.ended += 1;
                // Promoting the one that is active already is refused, and nothing else.
                assert!(code == 0 || matches!(deed, Deed::Promote(_)), "{deed:?}: {said}");
            }
        }
        assert!(!said.contains("panicked"), "{deed:?}: {said}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Remembers what was said to be done.
    fn confirm(&mut self, deed: &Deed, lines: &[Value]) {
        let Some(last) = lines.last() else { return };
        match deed {
            Deed::Ask(_) => {
                self.confirmed.sessions.insert(last["session"].as_str().unwrap().to_owned());
            }
            Deed::Rate { session, stars, correction } => {
                assert_eq!(last["rating"], *stars);
                self.confirmed.ratings.insert(session.clone(), *stars);
                if let Some(correction) = correction {
                    self.confirmed.corrections.insert(session.clone(), correction.clone());
                }
            }
            Deed::Train | Deed::Resume => {
                if let Some(adapter) = last["adapter"].as_str() {
                    self.confirmed.adapters.insert(adapter.to_owned());
                }
            }
            Deed::Promote(_) | Deed::RollBack => {
                self.confirmed.active = Some(last["active"].as_str().unwrap().to_owned());
            }
        }
    }

    /// The next start needs no help, and all that was confirmed is there. What was cut off in the middle may
    /// be there or not.
    fn check(&mut self, deed: &Deed, confirmed: bool) {
        let listed: BTreeMap<String, Option<u64>> = self.place.listed().into_iter().collect();
        for session in &self.confirmed.sessions {
            let Some(stars) = listed.get(session) else { panic!("{session} is gone: {deed:?}") };
            let cut = match deed {
                Deed::Rate { session: rated, stars, .. } if rated == session => Some(*stars),
                _ => None,
            };
            let before = self.confirmed.ratings.get(session).copied();
            let taken = !confirmed && cut.is_some() && *stars == cut;
            assert!(*stars == before || taken, "{session} has {stars:?}, not {before:?}: {deed:?}");
            if let (true, Some(stars)) = (taken, *stars) {
                self.confirmed.ratings.insert(session.clone(), stars);
            }
        }
        if let (false, Deed::Rate { session, stars, correction: Some(right) }) = (confirmed, deed) {
            let kept = self.place.session(session);
            if kept["kaizen"]["correction"]["answer"] == **right {
                // Stars and correction are one change of the file.
                assert_eq!(kept["metadata"]["user_rating"], *stars);
                self.confirmed.corrections.insert(session.clone(), right.clone());
            }
        }
        for (session, right) in &self.confirmed.corrections {
            let kept = self.place.session(session)["kaizen"]["correction"]["answer"].clone();
            assert_eq!(kept, **right, "the correction of {session}: {deed:?}");
        }
        let adapters = self.place.json(&["adapters", "list"]);
        let sound: BTreeSet<String> = adapters["adapters"]
            .as_array()
            .unwrap()
            .iter()
            .inspect(|adapter| assert!(adapter["damaged"].is_null(), "{adapter}: {deed:?}"))
            .map(|adapter| adapter["name"].as_str().unwrap().to_owned())
            .collect();
        let lost: Vec<&String> = self.confirmed.adapters.difference(&sound).collect();
        assert!(lost.is_empty(), "{lost:?}: {deed:?}");
        self.confirmed.adapters = sound;
        let active = adapters["active"].as_str().unwrap().to_owned();
        let changes = matches!(deed, Deed::Promote(_) | Deed::RollBack);
        let before = self.confirmed.active.as_deref().unwrap_or("base");
        assert!(active == before || (changes && !confirmed), "{active} answers, not {before}");
        self.confirmed.active = Some(active);
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

// If this fails, a power cut takes what a person was told is kept, or they must repair something by hand.
#[test]
fn a_day_of_kills_loses_nothing_that_was_confirmed() {
    let kills = if super::full() { 200 } else { 20 };
    let folder = tempfile::tempdir().unwrap();
    let mut day = Day {
        place: Place::new(folder.path()),
        random: ChaCha8Rng::seed_from_u64(6),
        confirmed: Confirmed::default(),
        short: Duration::ZERO,
        long: Duration::ZERO,
        ended: 0,
        hit: 0,
    };
    let (mut task, mut train) = (String::new(), String::new());
    day.short = timed(|| task = day.place.task("task"));
    day.long = timed(|| train = day.place.train(6));
    day.confirmed.sessions.insert(task);
    day.confirmed.adapters.insert(train);
    let mut nth = 0;
    while day.hit < kills {
        nth += 1;
        let deed = day.next_deed(nth);
        let hit_before = day.hit;
        let lines = day.killed(&deed);
        let ended = day.hit == hit_before;
        let done = match deed {
            // Its lines before the last one say only how far it is.
            Deed::Train | Deed::Resume => {
                lines.last().is_some_and(|last| !last["adapter"].is_null())
            }
            _ => !lines.is_empty(),
        };
        assert!(
            done || !ended || matches!(deed, Deed::Promote(_)),
            "{deed:?} ended without a word"
        );
        if done {
            day.confirm(&deed, &lines);
        }
        day.check(&deed, done);
    }
    println!("{} kills among {nth} deeds, {} of which had ended before", day.hit, day.ended);
    // What was begun can be ended, and every adapter answers.
    if day.unfinished() {
        assert!(day.place.json(&["train", "--resume", "last"])["adapter"].is_string());
    }
    for adapter in &day.confirmed.adapters {
        day.place.json(&["run", "x", "--greedy", "--max-tokens", "2", "--adapter", adapter]);
    }
}
