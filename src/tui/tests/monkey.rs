//! Keys, pastes, resizes, the mouse and reports at random: whatever somebody's cat types, nothing panics and the
//! way out stays open.

mod acting;
mod improving;
mod serving;

use super::Screen;
use crate::driver::{
    Answered, ArmRating, Effect, FailedCompared, FailedTask, MeasuredItem, ModelReport,
    PreviewSample, Report, RunSummary, Sessions, TokenAlternatives, TrainingPreview,
    TrainingStarted, WeakFound, WorkEvent, WorkId,
};
use crate::eval::statistics::Spending;
use crate::eval::{AreaOutcome, Decision, Example, ItemScore, Provenance, Verdict};
use crate::runtime::Stop;
use crate::store::{Holder, Message, Session, SessionId, SessionSummary, Stars};
use crate::train::{RunRecord, StepMetrics, TrainEvent, TrainSettings};
use crate::tui::action::{KeyPress, Scope, TABLE};
use crate::tui::event::Event;
use crate::tui::pane::TerminalEffect;
use crate::workplace::Event as Progress;
use crate::workplace::{Comparison, Trained};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::Zoned;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Keys, resizes, pastes, what the mouse does, and reports; all of them with `KAIZEN_FULL=1`.
const EVENTS: usize = 100_000;

/// Events between two looks for the way out.
const BETWEEN: usize = 500;

/// The name that this test has as its own process.
const ITSELF: &str =
    "tui::tests::monkey::random_events_end_without_a_panic_and_the_way_out_stays_open";

/// Set where it runs as its own process.
const ALONE: &str = "KAIZEN_CAT_ALONE";

/// MiB that the process may be larger at the end than after a quarter of the events: allocators round.
const GROWTH: usize = 24;

fn events() -> usize {
    let full = std::env::var_os("KAIZEN_FULL").is_some();
    if full { EVENTS } else { EVENTS / 10 }
}

// If this fails, some order of keys and events ends Kaizen in front of a person.
#[test]
fn random_events_end_without_a_panic_and_the_way_out_stays_open() {
    let mut screen = Screen::starting(80, 24);
    let mut cat = Cat { rng: ChaCha8Rng::seed_from_u64(18), asked: Vec::new(), sessions: 0 };
    let events = events();
    let [mut corrected, mut asked_about, mut steps, mut decided, mut dragged] = [0; 5];
    let mut begun = None;
    let midnight: Zoned = "2026-11-23T00:00:00[UTC]".parse().unwrap();
    for number in 0..events {
        let event = cat.event(&mut screen);
        // It is no slow cat.
        let time = jiff::Span::new().milliseconds(number as i64 * 250);
        screen.app.set_time(midnight.checked_add(time).unwrap());
        dragged += usize::from(matches!(event, Event::Mouse(_)));
        screen.event(event);
        let scope = screen.app.present_scope();
        corrected += usize::from(scope == Scope::Correcting);
        asked_about += usize::from(matches!(scope, Scope::Approval | Scope::ApprovalText));
        steps += usize::from(matches!(scope, Scope::StepStars | Scope::StepText));
        let said = |effect: &&Effect| matches!(effect, Effect::Decide { .. });
        decided += screen.effects.iter().filter(said).count();
        cat.asked.append(&mut screen.effects);
        // Nobody answers everything.
        let old = cat.asked.len().saturating_sub(200);
        cat.asked.drain(..old);
        screen.terminal_effects.clear();
        screen.buffer();
        if number % BETWEEN == BETWEEN - 1 {
            the_way_out(&mut screen);
        }
        if number == events / 4 {
            begun = memory();
        }
    }
    let least = events / 300;
    assert!(corrected > least, "the cat hardly found the corrections: {corrected} events");
    assert!(
        asked_about > least / 10,
        "the cat hardly met an action that waits: {asked_about} events"
    );
    assert!(decided > least / 10, "the cat hardly decided on an action: {decided} times");
    assert!(steps > least / 10, "the cat hardly rated a step: {steps} events");
    assert!(dragged > events / 50, "the cat hardly touched the mouse: {dragged} events");
    the_way_out(&mut screen);
    // Beside other tests the figures are theirs too.
    if let (Some(begun), Some(ended), true) = (begun, memory(), std::env::var_os(ALONE).is_some()) {
        println!("{begun} MiB after a quarter, {ended} MiB at the end");
        assert!(ended <= begun + GROWTH, "from {begun} MiB to {ended} MiB");
    }
}

// If this fails, a dashboard that is used all day fills the memory.
#[cfg(target_os = "linux")]
#[test]
fn random_events_do_not_fill_the_memory() {
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args([ITSELF, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout) + String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.success() && said.contains("MiB at the end"), "{said}");
}

/// MiB that this process holds; nothing where the system does not say.
fn memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

/// Esc leads out of everything that lies over a pane and out of every text, and from there quitting quits.
fn the_way_out(screen: &mut Screen) {
    screen.resize(80, 24).shown();
    for _ in 0..24 {
        let scope = screen.app.present_scope();
        if !scope.is_layer() && !scope.takes_text() {
            break;
        }
        screen.keys("esc");
        // What was cancelled ends.
        for effect in &screen.effects.split_off(0) {
            if let Effect::Cancel(work) = effect {
                screen.report(Report::Work { work: *work, event: WorkEvent::Cancelled });
            }
        }
    }
    let scope = screen.app.present_scope();
    assert!(!scope.is_layer() && !scope.takes_text(), "stuck in {scope:?}:\n{}", screen.shown());
    // Nor is anything wanted that was about to open.
    screen.keys("esc q");
    if !screen.terminal_effects.contains(&TerminalEffect::Quit) {
        assert_eq!(screen.app.present_scope(), Scope::Question, "{}", screen.shown());
        screen.keys("ctrl-c");
    }
    assert!(screen.terminal_effects.contains(&TerminalEffect::Quit), "{}", screen.shown());
    screen.terminal_effects.clear();
}

struct Cat {
    rng: ChaCha8Rng,
    /// What the dashboard asked for and nobody has done yet.
    asked: Vec<Effect>,
    sessions: u32,
}

const TEXTS: [&str; 6] = ["", "改善 🧑‍🔬", "a\nb\n\nc", "word ", "\u{1b}[2J", "e\u{301}\t"];

impl Cat {
    fn event(&mut self, screen: &mut Screen) -> Event {
        // By chance alone it hardly ever has a task carried out, walks through what is to be corrected, or reads
        // what was done step by step.
        match self.rng.random_range(0..200) {
            0 | 1 => self.have_something_done(screen),
            2 | 3 => self.correct(screen),
            4 | 5 => self.read_steps(screen),
            _ => {}
        }
        let waits = matches!(screen.app.present_scope(), Scope::Approval | Scope::ApprovalText);
        match self.rng.random_range(0..4) {
            0 | 1 if waits => return Event::Tick("2026-11-23T12:00:00[UTC]".parse().unwrap()),
            2 if waits => {
                let key = *['y', 'a', 'n', 'e', 'x', '\n'].choose(&mut self.rng).unwrap();
                let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
                return Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
            }
            _ => {}
        }
        match self.rng.random_range(0..100) {
            0..50 => {
                let row = TABLE.choose(&mut self.rng).unwrap();
                let press = KeyPress::parse(row.keys.choose(&mut self.rng).unwrap()).unwrap();
                Event::Key(KeyEvent::new(press.code, press.modifiers))
            }
            50..62 => {
                let character = *['a', '7', '改', ' ', 'Z', '/'].choose(&mut self.rng).unwrap();
                Event::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE))
            }
            62..66 => Event::Paste(self.text()),
            66..72 => {
                // Now and then there is no room for anything.
                let least = if self.rng.random_range(0..10) == 0 { (1, 1) } else { (60, 16) };
                let width = self.rng.random_range(least.0..160);
                let height = self.rng.random_range(least.1..60);
                screen.resize(width, height);
                Event::Resize(width, height)
            }
            72..75 => {
                let second = self.rng.random_range(0..60);
                Event::Tick(format!("2026-11-23T12:00:{second:02}[UTC]").parse().unwrap())
            }
            75 => Event::Edited(Ok(self.text())),
            76 => Event::Edited(Err("the editor broke".into())),
            77..84 => Event::Mouse(self.mouse()),
            _ => Event::Report(Box::new(self.report())),
        }
    }

    /// Has a task carried out, whose first action waits.
    fn have_something_done(&mut self, screen: &mut Screen) {
        screen.keys("esc esc esc 1 i tab").text("x").keys("enter");
        let begun = screen.effects.iter().find_map(|effect| match effect {
            Effect::Act { work, .. } => Some(*work),
            _ => None,
        });
        if let Some(work) = begun {
            let event = WorkEvent::Proposed(Box::new(self.proposal(1)));
            screen.report(Report::Work { work, event });
        }
    }

    /// Begins the walk: its lists come before another key ends it.
    fn correct(&mut self, screen: &mut Screen) {
        screen.keys("esc esc esc 2 w");
        for _ in 0..3 {
            for effect in std::mem::take(&mut screen.effects) {
                match effect {
                    Effect::ListSessions(_) => {
                        let report = self.end(effect);
                        screen.report(report);
                    }
                    other => self.asked.push(other),
                }
            }
        }
    }

    /// Opens the selected session, as one that was carried out, and the stars of its first step.
    fn read_steps(&mut self, screen: &mut Screen) {
        screen.keys("esc esc esc 2 enter");
        for effect in std::mem::take(&mut screen.effects) {
            match effect {
                Effect::OpenSession(id) => {
                    let mut session = self.session(id);
                    self.carry_out(&mut session);
                    screen.report(Report::Session(Box::new(session)));
                }
                other => self.asked.push(other),
            }
        }
        screen.keys("s");
    }

    fn mouse(&mut self) -> MouseEvent {
        let left = MouseButton::Left;
        let kinds = [
            MouseEventKind::Down(left),
            MouseEventKind::Down(left),
            MouseEventKind::Up(left),
            MouseEventKind::Drag(left),
            MouseEventKind::ScrollUp,
            MouseEventKind::ScrollDown,
            MouseEventKind::Down(MouseButton::Right),
        ];
        MouseEvent {
            kind: *kinds.choose(&mut self.rng).unwrap(),
            column: self.rng.random_range(0..170),
            row: self.rng.random_range(0..60),
            modifiers: KeyModifiers::NONE,
        }
    }

    fn text(&mut self) -> String {
        let count = self.rng.random_range(0..8);
        (0..count).map(|_| *TEXTS.choose(&mut self.rng).unwrap()).collect()
    }

    fn number(&mut self) -> f64 {
        *[0.0, 1.5, 37.0, f64::NAN, f64::INFINITY, 1e300, 1e-300].choose(&mut self.rng).unwrap()
    }

    fn session_id(&mut self) -> SessionId {
        format!("session_20261123_1200{:02}", self.rng.random_range(0..10)).parse().unwrap()
    }

    fn session(&mut self, id: SessionId) -> Session {
        let at = "2026-11-23T11:00:00[UTC]".parse().unwrap();
        let mut session = Session::begin(id, &at, &self.text());
        session.metadata.user_rating = Stars::try_from(self.rng.random_range(0..6)).ok();
        session.record_mut().answer = Some(self.text());
        if self.rng.random_range(0..2) == 0 {
            self.carry_out(&mut session);
        }
        session
    }

    /// The answer to something that was asked, or something that nobody asked for.
    fn report(&mut self) -> Report {
        if self.asked.is_empty() || self.rng.random_range(0..10) == 0 {
            return match self.rng.random_range(0..6) {
                0 => Report::Model(ModelReport::Failed(self.text())),
                1 => Report::Model(ModelReport::Loading(self.number() as f32)),
                2 => Report::Failed { what: "do it", why: self.text() },
                3 => Report::RatingFailed { session: self.session_id(), why: self.text() },
                4 => self.routed("lora-v2".into()),
                _ => {
                    let work = WorkId(self.rng.random_range(0..50));
                    Report::Work { work, event: self.work_event() }
                }
            };
        }
        let carried_out = self.asked.iter().rev().find_map(|effect| match effect {
            Effect::Act { work, .. } => Some(*work),
            _ => None,
        });
        if let Some(work) = carried_out
            && self.rng.random_range(0..4) == 0
        {
            return Report::Work { work, event: self.acting() };
        }
        // Long work is reported on many times before it ends.
        let place = self.rng.random_range(0..self.asked.len());
        let goes_on = self.rng.random_range(0..4) > 0;
        let effect = self.asked[place].clone();
        if let Some(work) = effect.begins()
            && goes_on
        {
            return Report::Work { work, event: self.work_event() };
        }
        self.asked.swap_remove(place);
        self.end(effect)
    }

    fn work_event(&mut self) -> WorkEvent {
        match self.rng.random_range(0..20) {
            0 => WorkEvent::Started,
            1 => WorkEvent::Text(self.text()),
            2 => WorkEvent::Memory(900),
            3 => WorkEvent::Elapsed(self.number()),
            4 => WorkEvent::Progress(Progress::Note(self.text())),
            5 => WorkEvent::Progress(Progress::Measuring { what: "scoring", done: 3, total: 0 }),
            6 => WorkEvent::Training(Box::new(TrainingStarted {
                run: "run_20261123_120000".into(),
                steps: self.rng.random_range(0..40),
                done: vec![self.step(1)],
            })),
            7 => WorkEvent::Progress(Progress::Train(TrainEvent::Saved { step: 2 })),
            8..12 => self.improving(),
            12..15 => self.serving(),
            15..19 => self.acting(),
            _ => {
                let step = self.rng.random_range(0..60);
                WorkEvent::Progress(Progress::Train(TrainEvent::Step(self.step(step))))
            }
        }
    }

    fn step(&mut self, step: usize) -> StepMetrics {
        StepMetrics {
            step,
            loss: self.number(),
            lr: self.number(),
            grad_norm: self.number(),
            tokens_per_second: self.number(),
            held_out_before: Some(self.number()),
            held_out_loss: Some(self.number()),
        }
    }

    fn end(&mut self, effect: Effect) -> Report {
        let work = |work, event| Report::Work { work, event };
        if let Some(report) = self.served(&effect) {
            return report;
        }
        match effect {
            Effect::LoadModel => Report::Model(ModelReport::Ready(Screen::facts())),
            Effect::ListSessions(filter) => {
                let count = self.rng.random_range(0..30);
                let list = (0..count).map(|_| self.summary()).collect();
                let sessions = Sessions {
                    list,
                    total: count,
                    recent_stars: vec![1, 5, 3],
                    filter,
                    ..Sessions::default()
                };
                Report::Sessions(sessions.into())
            }
            Effect::OpenSession(id) => Report::Session(Box::new(self.session(id))),
            Effect::Act { work: id, .. } => work(id, self.acted()),
            Effect::Decide { work: id, .. } => work(id, self.acting()),
            Effect::RateStep { session, .. } => match self.rng.random_range(0..3) {
                0 => Report::RatingFailed { session, why: self.text() },
                _ => Report::Rated(Box::new(self.session(session))),
            },
            Effect::Rate { session, .. } => Report::Rated(Box::new(self.session(session))),
            Effect::AddToSet(session) => {
                Report::AddedToSet { session, set: "evaluation.jsonl".into() }
            }
            Effect::Ask { work: id, .. } => {
                self.sessions += 1;
                let session = format!("session_20261123_13{:04}", self.sessions).parse().unwrap();
                work(
                    id,
                    WorkEvent::Answered(Box::new(Answered {
                        session,
                        arm: "base".into(),
                        blind: false,
                        text: self.text(),
                        stop: Stop::MaxTokens,
                        tokens: 3,
                        tokens_per_second: self.number(),
                    })),
                )
            }
            Effect::FindWeak { work: id, .. } => work(id, self.weak()),
            Effect::LookAtTokens { work: id, .. } => {
                let likeliest = vec![(self.text(), 0.5), (self.text(), f32::NAN)];
                let here = TokenAlternatives { probability: f32::NAN, rank: 9, likeliest };
                let count = self.rng.random_range(0..9);
                work(id, WorkEvent::TokensLookedAt(vec![here; count]))
            }
            Effect::Export { what, path, replace } => match self.rng.random_range(0..3) {
                0 if !replace => Report::ExportStopped { what, path: path.clone(), there: path },
                1 => Report::Failed { what: "export what is shown", why: self.text() },
                _ => Report::Exported(vec![path]),
            },
            Effect::ListRuns => Report::Runs(vec![self.run()]),
            Effect::PrepareTraining { work: id, .. } => work(id, self.preview()),
            Effect::StartTraining(id) | Effect::ResumeTraining { work: id, .. } => {
                let adapter = self.rng.random_range(0..2) == 0;
                work(
                    id,
                    WorkEvent::Trained(Box::new(Trained {
                        run: "run_20261123_120000".into(),
                        adapter: adapter.then(|| "lora-v1".into()),
                        steps: 12,
                        losses: vec![self.number(), self.number()],
                        seconds: self.number(),
                    })),
                )
            }
            Effect::Judge { work: id, .. } => work(id, self.judged()),
            Effect::CompareFailed { work: id, .. } => work(id, self.failed()),
            Effect::RateArms => Report::ArmRatings(vec![ArmRating {
                arm: "base".into(),
                rated: 3,
                mean: self.number(),
                ci95: Some([self.number(), self.number()]),
                unrated: 1,
                better_than: [("lora-v1".into(), self.number())].into(),
                still_needed: [("lora-v1".into(), 560)].into(),
            }]),
            Effect::Cancel(id) => work(id, WorkEvent::Cancelled),
            Effect::DiscardTraining(_) | Effect::AbandonRun(_) => {
                Report::Failed { what: "do it", why: "no".into() }
            }
            Effect::WatchHome | Effect::PauseRun(_) | Effect::LeaveTraining(_) => self.elsewhere(),
            effect => self.improved(effect),
        }
    }

    /// What other processes do.
    fn elsewhere(&mut self) -> Report {
        // One of many: the owner stays for a while.
        self.asked.push(Effect::WatchHome);
        let run = "run_20261123_110000".to_owned();
        match self.rng.random_range(0..6) {
            0 => Report::Ownership(Some(Holder { process: Some(4242) })),
            1 => Report::Ownership(None),
            2 => Report::Recovered(self.text()),
            3 => Report::Runs(vec![RunSummary {
                trainer: Some(Holder { process: Some(4243) }),
                ..self.run()
            }]),
            4 => Report::Failed { what: "pause the run", why: self.text() },
            _ => Report::RunSteps {
                run,
                steps: vec![self.step(2), self.step(3), self.step(9)],
                elapsed: Some(9.0),
                memory_mib: None,
            },
        }
    }

    fn summary(&mut self) -> SessionSummary {
        SessionSummary {
            id: self.session_id(),
            started: "2026-11-23T11:00:00".into(),
            task: self.text(),
            stars: Stars::try_from(self.rng.random_range(0..6)).ok(),
            issues: Vec::new(),
            comment: Some(self.text()),
            arm: Some("base".into()),
            adapter: None,
            corrected: self.rng.random_range(0..2) == 0,
            imported: false,
            outcome: Some("finished".into()),
            rated_at: None,
            arm_probability: None,
            asked: (self.rng.random_range(0..2) == 0).then_some(1),
            acted: self.rng.random_range(0..2) == 0,
        }
    }

    fn example(&mut self, id: usize) -> Example {
        Example {
            id: format!("i{id}"),
            area: if id.is_multiple_of(2) { "even".into() } else { self.text() },
            messages: vec![Message::user(self.text())],
            answer: self.text(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        }
    }

    fn weak(&mut self) -> WorkEvent {
        let count = self.rng.random_range(0..30);
        let items = (0..count)
            .map(|id| {
                let example = self.example(id);
                let nll = self.number();
                let score = ItemScore {
                    id: example.id.clone(),
                    area: example.area.clone(),
                    tokens: 5,
                    nll,
                    first: nll,
                    rest: Some(nll),
                    end_of_turn: nll,
                    correct: None,
                };
                let tokens = (0..5).map(|_| (self.text(), self.number() as f32)).collect();
                MeasuredItem { example, score, tokens }
            })
            .collect();
        WorkEvent::WeakFound(Box::new(WeakFound {
            arm: "base".into(),
            items,
            left_out: Vec::new(),
            auto_threshold: self.number(),
        }))
    }

    fn run(&mut self) -> RunSummary {
        let settings = TrainSettings::from_config(&crate::config::Config::default());
        RunSummary {
            name: "run_20261123_110000".into(),
            record: RunRecord {
                settings,
                base_sha256: "b179".into(),
                data_sha256: "d".into(),
                threads: 2,
                parent: None,
                started: "2026-11-23T11:00:00+00:00".into(),
                adapter: None,
                abandoned: false,
            },
            metrics: vec![self.step(1), self.step(2)],
            steps: 12,
            resumable: true,
            trainer: None,
        }
    }

    fn preview(&mut self) -> WorkEvent {
        WorkEvent::Prepared(Box::new(TrainingPreview {
            run: "run_20261123_120000".into(),
            examples: [("file".to_owned(), 3)].into(),
            tokens: 100,
            trained_tokens: 40,
            steps: 12,
            steps_done: 0,
            memory_mib: 900,
            free_mib: Some(8000),
            estimated_seconds: self.number(),
            notes: vec![self.text(), self.text()],
            samples: (0..3)
                .map(|id| PreviewSample {
                    id: format!("i{id}"),
                    provenance: "file",
                    tokens: vec![(self.text(), false), (self.text(), true)],
                })
                .collect(),
        }))
    }

    fn judged(&mut self) -> WorkEvent {
        let area = |cat: &mut Self, area: &str| AreaOutcome {
            area: area.into(),
            n: 12,
            a: cat.number(),
            b: cat.number(),
            change: cat.number(),
            ci95: Some([cat.number(), cat.number()]),
            accuracy_a: Some(cat.number()),
            accuracy_b: None,
        };
        WorkEvent::Judged(Box::new(Comparison {
            a: "base".into(),
            b: "lora-v1".into(),
            decision: Decision {
                verdict: Verdict::CannotTell,
                style: false,
                reason: self.text(),
                p: self.number(),
                spending: Spending::of(1),
                a: self.number(),
                b: self.number(),
                change: self.number(),
                ci95: None,
                items: 12,
                groups: 11,
                accuracy: None,
                areas: vec![area(self, "shell"), area(self, "改善")],
                sentinels: vec![area(self, "maths")],
                guards: Vec::new(),
                needs_more: Some(40),
            },
            used: 2,
            sentinels_passed: Some(71),
        }))
    }

    fn failed(&mut self) -> WorkEvent {
        let count = self.rng.random_range(0..5);
        let tasks = (0..count)
            .map(|_| FailedTask {
                session: self.session_id(),
                task: self.text(),
                messages: vec![Message::user(self.text())],
                correction: self.text(),
                answer: self.text(),
                before: self.number(),
                after: self.number(),
                seen: self.rng.random_range(0..2) == 0,
            })
            .collect();
        WorkEvent::FailedCompared(Box::new(FailedCompared {
            a: "base".into(),
            b: "lora-v1".into(),
            tasks,
            uncorrected: 1,
        }))
    }
}
