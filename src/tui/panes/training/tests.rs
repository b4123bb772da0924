//! The pane driven by keys and reports, as a person sees it.
#![allow(clippy::unwrap_used)]

use crate::config::Config;
use crate::driver::{
    Effect, PreviewSample, Report, RunSummary, TrainingMaterial, TrainingPreview, TrainingStarted,
    WorkEvent, WorkId,
};
use crate::store::Holder;
use crate::train::{RunRecord, StepMetrics, TrainEvent, TrainSettings};
use crate::tui::tests::{SIZES, Screen};
use crate::workplace::{Event, Trained};
use ratatui::style::Modifier;
use std::collections::BTreeMap;

const RUN: &str = "run_20261123_120000";

/// The pane in front.
fn screen(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 4");
    screen.effects.clear();
    screen
}

fn line(step: usize, loss: f64) -> StepMetrics {
    StepMetrics {
        step,
        loss,
        lr: 2e-4,
        grad_norm: 0.75,
        tokens_per_second: 412.4,
        held_out_before: None,
        held_out_loss: None,
    }
}

/// A run that falls from 3 nats, a little ragged.
fn falling(steps: usize) -> Vec<StepMetrics> {
    let loss = |step: usize| 1.2 + 1.8 * (-(step as f64) / 12.0).exp() + 0.1 * (step as f64).sin();
    (1..=steps).map(|step| line(step, loss(step))).collect()
}

fn run(
    name: &str,
    metrics: Vec<StepMetrics>,
    adapter: Option<&str>,
    resumable: bool,
) -> RunSummary {
    let record = RunRecord {
        settings: TrainSettings::from_config(&Config::default()),
        base_sha256: String::new(),
        data_sha256: String::new(),
        threads: 2,
        parent: None,
        started: "2026-11-22T09:00:00+00:00".into(),
        adapter: adapter.map(str::to_owned),
        abandoned: adapter.is_none() && !resumable,
    };
    RunSummary { name: name.into(), record, metrics, steps: 40, resumable, trainer: None }
}

fn earlier() -> Vec<RunSummary> {
    let mut metrics = falling(40);
    metrics[0].held_out_before = Some(2.9);
    metrics[39].held_out_loss = Some(1.7);
    vec![
        run("run_20261122_090000", metrics, Some("lora-v1"), false),
        run("run_20261121_090000", falling(7), None, false),
    ]
}

fn preview() -> TrainingPreview {
    let tokens = |prompt: &[&str], answer: &[&str]| -> Vec<(String, bool)> {
        let prompt = prompt.iter().map(|text| ((*text).to_owned(), false));
        prompt.chain(answer.iter().map(|text| ((*text).to_owned(), true))).collect()
    };
    TrainingPreview {
        run: RUN.into(),
        examples: BTreeMap::from([("correction".into(), 9), ("replay".into(), 3)]),
        tokens: 4321,
        trained_tokens: 987,
        steps: 40,
        steps_done: 0,
        memory_mib: 612,
        free_mib: Some(2048),
        estimated_seconds: 75.0,
        notes: vec![
            "replay: 3 good answers of the past (4-5 stars) instead of 4, there are no more".into(),
        ],
        samples: vec![
            PreviewSample {
                id: "session_20261120_101500".into(),
                provenance: "correction",
                tokens: tokens(
                    &[
                        "<|im_start|>",
                        "user",
                        "\n",
                        "Count",
                        " the",
                        " lines",
                        " of",
                        " notes",
                        ".txt",
                        "<|im_end|>",
                        "\n",
                        "<|im_start|>",
                        "assistant",
                        "\n",
                    ],
                    &["wc", " -", "l", " notes", ".txt", "<|im_end|>"],
                ),
            },
            PreviewSample {
                id: "replay-session_20261119_080000".into(),
                provenance: "replay",
                tokens: tokens(
                    &["What", " is", " 2", " +", " 2", "?"],
                    &["It", " is", " 4", ".", "<|im_end|>"],
                ),
            },
        ],
    }
}

impl Screen {
    fn work(&mut self, work: WorkId, event: WorkEvent) -> &mut Self {
        self.report(Report::Work { work, event })
    }

    /// Gathers failed sessions; the preview is on screen.
    fn previewed(&mut self) -> WorkId {
        self.keys("t");
        let Some(&Effect::PrepareTraining { work, material: TrainingMaterial::Failed }) =
            self.effects.iter().find(|effect| matches!(effect, Effect::PrepareTraining { .. }))
        else {
            panic!("nothing is gathered: {:?}", self.effects)
        };
        self.work(work, WorkEvent::Started);
        self.work(work, WorkEvent::Prepared(Box::new(preview())));
        self.effects.clear();
        work
    }

    /// A run that trains.
    fn training(&mut self) -> WorkId {
        let work = self.previewed();
        self.keys("enter");
        assert!(matches!(self.effects[..], [Effect::StartTraining(started)] if started == work));
        let started = TrainingStarted { run: RUN.into(), steps: 40, done: Vec::new() };
        self.work(work, WorkEvent::Training(Box::new(started)));
        self.effects.clear();
        work
    }

    fn steps(&mut self, work: WorkId, lines: &[StepMetrics]) {
        for line in lines {
            self.work(work, WorkEvent::Elapsed(2.0 * line.step as f64));
            self.work(work, WorkEvent::Memory(598));
            self.train(work, TrainEvent::Step(*line));
        }
    }

    fn train(&mut self, work: WorkId, event: TrainEvent) {
        self.work(work, WorkEvent::Progress(Event::Train(event)));
    }

    fn ends(&mut self, work: WorkId, adapter: Option<&str>, losses: Vec<f64>) {
        let trained = Trained {
            run: RUN.into(),
            adapter: adapter.map(str::to_owned),
            steps: losses.len(),
            losses,
            seconds: 81.0,
        };
        self.work(work, WorkEvent::Trained(Box::new(trained)));
    }
}

fn losses(lines: &[StepMetrics]) -> Vec<f64> {
    lines.iter().map(|line| line.loss).collect()
}

// If this fails, a new person finds an empty screen and no way on.
#[test]
fn an_empty_screen_says_what_would_fill_it() {
    let mut screen = screen(80, 24);
    screen.report(Report::Runs(Vec::new()));
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("empty_{width}x{height}"), picture);
    }
}

// If this fails, a person trains on they know not what.
#[test]
fn the_preview_shows_what_is_learned_and_marks_what_is_trained() {
    let mut screen = screen(80, 24);
    screen.keys("t").shows(&["waiting for the model"]);
    screen.keys("esc");
    screen.effects.clear();
    let work = screen.previewed();
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("preview_{width}x{height}"), picture);
    }
    let trained = screen.style_of("wc");
    assert!(trained.add_modifier.contains(Modifier::UNDERLINED));
    assert_ne!(trained, screen.style_of("Count"));
    screen.keys("right").shows(&["Example 2 of 12", "⟦It is 4."]);
    screen.keys("right left").shows(&["Example 1 of 12"]);
    screen.keys("esc");
    assert!(matches!(screen.effects[..], [Effect::DiscardTraining(gone)] if gone == work));
    screen.shows(&["Nothing has been trained here yet"]);
    screen.resize(120, 40);
    screen.effects.clear();
    screen.previewed();
    insta::assert_snapshot!("preview_120x40", screen.picture());
}

// If this fails, what was gathered for a person who gave up stays on the disk and locked.
#[test]
fn what_is_gathered_too_late_is_discarded() {
    let mut screen = screen(80, 24);
    screen.keys("t esc");
    let Some(&Effect::PrepareTraining { work, .. }) = screen.effects.first() else { panic!() };
    let cancelled = |effect: &Effect| matches!(effect, Effect::Cancel(w) if *w == work);
    assert!(screen.effects.iter().any(cancelled));
    screen.work(work, WorkEvent::Prepared(Box::new(preview())));
    assert!(matches!(screen.effects.last(), Some(Effect::DiscardTraining(w)) if *w == work));
    screen.keys("enter");
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::StartTraining(_))));
}

// If this fails, a person cannot see whether it learns, or what is being done.
#[test]
fn a_run_is_followed_live() {
    for (width, height) in SIZES {
        let mut screen = screen(width, height);
        screen.report(Report::Runs(earlier()));
        let work = screen.training();
        screen.train(work, TrainEvent::Watching { done: 5, total: 16 });
        screen.shows(&["held-out example 5 of 16", "the curve begins with the first step"]);
        screen.train(work, TrainEvent::HeldOut { step: 0, loss: 2.85 });
        screen.shows(&["2.850 (start)", "after a few steps"]);
        let lines = falling(18);
        screen.steps(work, &lines[..8]);
        screen.train(work, TrainEvent::HeldOut { step: 8, loss: 2.3 });
        screen.steps(work, &lines[8..]);
        screen.train(work, TrainEvent::HeldOut { step: 16, loss: 2.0 });
        // The newest of the earlier ones is laid over.
        screen.keys("space");
        screen.shows(&["step 18 of 40", "2.850 → 2.000", "about 44 s", "598 MiB", "412 tokens/s"]);
        insta::assert_snapshot!(format!("live_{width}x{height}"), screen.picture());
        let theme = crate::tui::theme::Theme::default();
        assert_eq!(screen.style_of("◆").fg, theme.series[2].fg);
        assert_eq!(screen.style_of("━━ smoothed").fg, theme.series[1].fg);
        screen.keys("space");
        assert!(!screen.shown().contains("···"), "the overlay stays");
    }
}

// If this fails, one broken number empties the chart or takes the dashboard down.
#[test]
fn what_is_no_number_is_a_gap() {
    let mut screen = screen(80, 24);
    let work = screen.training();
    let mut lines = falling(12);
    lines[5].loss = f64::NAN;
    lines[6].loss = f64::INFINITY;
    lines[7].grad_norm = f64::NAN;
    screen.steps(work, &lines);
    screen.train(work, TrainEvent::HeldOut { step: 12, loss: f64::NAN });
    let shown = screen.shown();
    assert!(shown.contains("not a number") && shown.contains("step 40"), "{shown}");
    assert!(!shown.contains("inf"), "{shown}");
    insta::assert_snapshot!("gap_80x24", shown);
}

// If this fails, a person who needs the machine loses the run.
#[test]
fn a_run_is_paused_and_goes_on() {
    let mut screen = screen(80, 24);
    let work = screen.training();
    screen.steps(work, &falling(12));
    screen.keys("p").shows(&["pauses after this part"]);
    assert!(matches!(screen.effects[..], [Effect::Cancel(cancelled)] if cancelled == work));
    screen.keys("p");
    assert_eq!(screen.effects.len(), 1, "paused twice");
    screen.ends(work, None, losses(&falling(12)));
    screen.shows(&["is paused at step 12 of 40: p goes on"]);
    screen.keys("p");
    let Some(Effect::ResumeTraining { work: again, run }) = screen.effects.last() else { panic!() };
    let again = *again;
    assert!(run == RUN && again != work);
    let done = falling(12);
    let started = TrainingStarted { run: RUN.into(), steps: 40, done };
    screen.work(again, WorkEvent::Training(Box::new(started)));
    screen.steps(again, &[line(13, 1.9)]);
    screen.shows(&["trains: step 13 of 40"]);
}

// If this fails, quitting loses a run without a word.
#[test]
fn quitting_while_it_trains_asks() {
    let mut screen = screen(80, 24);
    let work = screen.training();
    screen.steps(work, &falling(3));
    screen.keys("q").shows(&["is training: step 3 of 40"]);
    screen.keys("esc");
    screen.ends(work, Some("lora-v2"), losses(&falling(40)));
    screen.keys("q");
    assert!(screen.app.is_quitting(), "it asks about a run that has ended");
}

// If this fails, one key throws a run away, or a stopped one is offered for ever.
#[test]
fn a_run_is_stopped_for_good_only_after_a_question() {
    let mut screen = screen(80, 24);
    let work = screen.training();
    screen.steps(work, &falling(12));
    screen.keys("x").shows(&["for good?"]);
    screen.keys("n");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    screen.keys("x y");
    assert!(
        matches!(&screen.effects[..], [Effect::Cancel(w), Effect::AbandonRun(run)] if *w == work && run == RUN)
    );
    screen.ends(work, None, losses(&falling(12)));
    screen.shows(&["was stopped at step 12 of 40"]);
}

// If this fails, a person does not learn what came out, or what to do next.
#[test]
fn the_screen_stays_after_the_end_and_says_what_came_out() {
    for (width, height) in SIZES {
        let mut screen = screen(width, height);
        let work = screen.training();
        let lines = falling(40);
        screen.train(work, TrainEvent::HeldOut { step: 0, loss: 2.85 });
        screen.steps(work, &lines);
        screen.train(work, TrainEvent::HeldOut { step: 40, loss: 1.9 });
        screen.ends(work, Some("lora-v2"), losses(&lines));
        assert!(screen.effects.iter().any(|effect| matches!(effect, Effect::ListAdapters)));
        assert!(screen.effects.iter().any(|effect| matches!(effect, Effect::ListRuns)));
        let mut runs = earlier();
        runs.insert(0, run(RUN, lines, Some("lora-v2"), false));
        screen.report(Report::Runs(runs));
        screen.shows(&["lora-v2 is trained: 5 compares", "held-out 2.850 → 1.900"]);
        insta::assert_snapshot!(format!("ended_{width}x{height}"), screen.picture());
        screen.keys("ctrl-y");
        let copied = format!("{:?}", screen.terminal_effects);
        assert!(copied.contains("lora-v2"), "{copied}");
    }
}

// If this fails, a person does not know why it failed, or that their progress is kept.
#[test]
fn a_failed_run_says_why_and_goes_on_from_its_checkpoint() {
    let mut screen = screen(80, 24);
    let work = screen.training();
    screen.steps(work, &falling(12));
    let why = "the loss became NaN at step 13 (examples: a, b); try a lower --lr\u{1b}[31m";
    screen.work(work, WorkEvent::Failed(why.into()));
    screen.shows(&["failed: the loss became NaN at step 13"]);
    screen.report(Report::Runs(vec![run(RUN, falling(12), None, true)]));
    screen.shows(&["What was saved before is kept: p goes on from there."]);
    screen.keys("p");
    assert!(matches!(screen.effects.last(), Some(Effect::ResumeTraining { .. })));
}

// If this fails, pressing t without corrections looks as if nothing had happened.
#[test]
fn what_cannot_be_gathered_says_why() {
    let mut screen = screen(80, 24);
    screen.keys("t");
    let Some(&Effect::PrepareTraining { work, .. }) = screen.effects.first() else { panic!() };
    let why = "2 failed sessions have a correction, 5 are needed";
    screen.work(work, WorkEvent::Failed(why.into()));
    screen.shows(&["! 2 failed sessions have a correction, 5 are needed", "Nothing has been"]);
}

// If this fails, a run that the last session left is forgotten.
#[test]
fn a_run_that_was_left_is_offered_at_the_start() {
    let mut screen = screen(80, 24);
    let mut runs = earlier();
    runs.insert(1, run("run_20261121_100000", falling(12), None, true));
    screen.report(Report::Runs(runs.clone()));
    screen.shows(&["run_20261121_100000 stopped at step 12 of 40: p goes on"]);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("offered_{width}x{height}"), picture);
    }
    screen.resize(120, 40);
    insta::assert_snapshot!("offered_120x40", screen.picture());
    screen.keys("down down up");
    screen.report(Report::Runs(runs));
    screen.keys("p");
    assert!(
        matches!(screen.effects.last(), Some(Effect::ResumeTraining { run, .. }) if run == "run_20261121_100000")
    );
}

// If this fails, a second run is started over the first.
#[test]
fn nothing_else_is_gathered_while_a_run_trains() {
    let mut screen = screen(80, 24);
    let work = screen.training();
    screen.steps(work, &falling(2));
    screen.keys("t o");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    screen.shows(&["step 2 of 40"]);
}

/// The run of [`RUN`] as it stands in its folder, trained by process 4242.
fn elsewhere(done: usize) -> RunSummary {
    let trainer = Some(Holder { process: Some(4242) });
    RunSummary { trainer, ..run(RUN, falling(done), None, false) }
}

// If this fails, a run that was left to the background, or trains on the command line, is not seen.
#[test]
fn a_run_of_another_process_is_followed_live_paused_from_here_and_gone_on_with() {
    let mut first = screen(80, 24);
    first.report(Report::Runs(vec![elsewhere(2)]));
    first.shows(&["trains: step 2 of 40", "in another process (pid 4242)"]);
    let told = |steps: Vec<StepMetrics>, seconds: f64| Report::RunSteps {
        run: RUN.into(),
        steps,
        elapsed: Some(seconds),
        memory_mib: Some(598),
    };
    first.report(told(falling(4), 70.0));
    // Told twice, known once.
    first.report(told(falling(4), 71.0));
    first.shows(&["trains: step 4 of 40", "1 min 10 s", "after a few steps", "598 MiB"]);
    // Three steps in 30 seconds: what is left is told as of a run of its own.
    first.report(told(falling(7), 100.0));
    first.shows(&["trains: step 7 of 40", "1 min 40 s", "about 5 min 30 s"]);
    insta::assert_snapshot!("elsewhere_80x24", first.shown());
    first.keys("q");
    assert!(first.app.is_quitting(), "it asks about a run that is not its own");

    let mut second = screen(80, 24);
    second.report(Report::Runs(vec![elsewhere(4)]));
    second.keys("t");
    assert!(second.effects.is_empty(), "a second run begins beside it");
    second.keys("p").shows(&["pauses after this part"]);
    assert!(matches!(&second.effects[..], [Effect::PauseRun(run)] if run == RUN));
    second.report(Report::Runs(vec![run(RUN, falling(5), None, true)]));
    second.shows(&["is paused at step 5 of 40: p goes on"]);
    second.keys("p");
    assert!(
        matches!(second.effects.last(), Some(Effect::ResumeTraining { run, .. }) if run == RUN)
    );
}

// If this fails, what came of a run in another process is not said, or said wrongly.
#[test]
fn the_end_of_a_run_of_another_process_says_what_came_of_it() {
    let mut ended = screen(80, 24);
    ended.report(Report::Runs(vec![elsewhere(4)]));
    ended.report(Report::Runs(vec![run(RUN, falling(40), Some("lora-v2"), false)]));
    ended.shows(&["lora-v2 came out of", "40 steps, in another process", "lora-v2 is trained"]);

    let mut stopped = screen(80, 24);
    stopped.report(Report::Runs(vec![elsewhere(4)]));
    stopped.keys("x y");
    assert!(
        matches!(&stopped.effects[..], [Effect::PauseRun(run), Effect::AbandonRun(_)] if run == RUN)
    );
    stopped.report(Report::Runs(vec![run(RUN, falling(4), None, false)]));
    stopped.shows(&["was stopped at step 4 of 40"]);

    // A dashboard that only follows may not, and does not say that it may.
    let mut refused = screen(80, 24);
    refused.report(Report::Runs(vec![elsewhere(4)])).shows(&["p pauses it, x stops it for good"]);
    refused.report(Report::Ownership(Some(Holder { process: Some(4242) })));
    assert!(!refused.shown().contains("pauses it"), "{}", refused.shown());
    refused.keys("p");
    refused.report(Report::Failed { what: "pause the run", why: "no".into() });
    refused.shows(&["trains: step 4 of 40"]);
}

// If this fails, resizing the window takes the dashboard down.
#[test]
fn every_size_is_drawn() {
    let mut screen = screen(80, 24);
    let mut sizes = Vec::new();
    for (width, height) in [(3, 2), (60, 16), (61, 17), (79, 20), (109, 16), (110, 16), (200, 60)] {
        sizes.push((width, height));
    }
    let draw = |screen: &mut Screen| {
        for (width, height) in &sizes {
            screen.resize(*width, *height);
            screen.shown();
        }
    };
    draw(&mut screen);
    let mut runs = earlier();
    runs.extend((0..30).map(|i| run(&format!("run_{i}"), Vec::new(), None, i % 2 == 0)));
    screen.report(Report::Runs(runs));
    draw(&mut screen);
    let work = screen.previewed();
    draw(&mut screen);
    screen.keys("enter");
    draw(&mut screen);
    screen.steps(work, &falling(1));
    screen.keys("space end space");
    draw(&mut screen);
}

// If this fails, an old run is only found by looking through all of them.
#[test]
fn a_search_leaves_the_matching_runs_and_esc_shows_all() {
    let mut screen = screen(120, 40);
    screen.report(Report::Runs(earlier()));
    screen.keys("/").text("LORA-V1").keys("enter").shows(&["Runs / LORA-V1", "run_20261122"]);
    assert!(!screen.shown().contains("run_20261121"), "{}", screen.shown());
    screen.keys("/").text("xyz").keys("enter").shows(&["No run has these words: Esc shows all"]);
    screen.keys("esc").shows(&["run_20261121", "run_20261122"]);
    // A click selects; the second lays the curve over.
    screen.click("run_20261121").click("run_20261121");
    screen.shows(&["· run_20261121"]);
}

/// A run of so many steps that trains, the first `done` of them done.
fn long_run(screen: &mut Screen, steps: usize, done: &[StepMetrics]) -> WorkId {
    let work = screen.previewed();
    screen.keys("enter");
    let started = TrainingStarted { run: RUN.into(), steps, done: done.to_vec() };
    screen.work(work, WorkEvent::Training(Box::new(started)));
    screen.effects.clear();
    work
}

// If this fails, a person zooms into a run and the next step takes them out again, or cannot go along with
// it, or cannot hold it still.
#[test]
fn the_chart_shows_the_whole_run_its_tail_or_stays() {
    let mut screen = screen(120, 40);
    let work = long_run(&mut screen, 1000, &falling(300));
    screen.shows(&["whole run", "step 1000"]);
    screen.keys("+ +").shows(&["steps 225 to 475", "step 475"]);
    screen.steps(work, &[line(301, 1.9)]);
    screen.shows(&["steps 225 to 475"]);
    screen.keys("<").shows(&["steps 100 to 350"]);
    screen.keys("f").shows(&["live tail, 250 steps", "step 301"]);
    screen.steps(work, &[line(302, 1.9)]);
    screen.shows(&["live tail, 250 steps", "step 302"]);
    screen.keys("f").shows(&["frozen, steps 52 to 302"]);
    let frozen = screen.shown();
    let chart = |shown: &str| -> Vec<String> {
        shown.lines().skip(2).take(32).map(|line| line.chars().take(77).collect()).collect()
    };
    screen.steps(work, &[line(303, 9.9)]);
    assert_eq!(chart(&frozen), chart(&screen.shown()), "a frozen chart moves");
    screen.keys("f").shows(&["whole run"]);
    screen.keys("- esc").shows(&["whole run"]);
    // Another run begins as a whole again.
    screen.keys("+").shows(&["steps 151 to 651"]);
    screen.ends(work, None, losses(&falling(303)));
    let work = screen.previewed();
    screen.keys("enter");
    let (run, done) = ("run_20261123_130000".to_owned(), falling(300));
    let started = TrainingStarted { run, steps: 1000, done };
    screen.work(work, WorkEvent::Training(Box::new(started)));
    screen.shows(&["whole run"]);
}

// If this fails, the cursor says another step's figures, or hides the curve under it.
#[test]
fn the_cursor_reads_off_a_step() {
    let mut screen = screen(120, 40);
    let mut lines = falling(40);
    lines[29].lr = 1.25e-4;
    lines[29].grad_norm = 0.5;
    let work = long_run(&mut screen, 40, &lines[..20]);
    screen.train(work, TrainEvent::HeldOut { step: 20, loss: 2.25 });
    screen.steps(work, &lines[20..30]);
    screen.keys("left").shows(&["┊ step         30 of 40", "1.25e-4", "0.500", "2.250 (step 20)"]);
    let loss = format!("loss           {:.3}", lines[29].loss);
    screen.shows(&[&loss]);
    insta::assert_snapshot!("cursor_120x40", screen.shown());
    screen.steps(work, &lines[30..]);
    screen.shows(&["┊ step         30 of 40", &loss]);
    screen.keys("right").shows(&["┊ step         31 of 40"]);
    screen.keys("shift-left").shows(&["┊ step         21 of 40"]);
    screen.keys("[ [ [").shows(&["┊ step         1 of 40"]);
    screen.keys("esc").shows(&["step           40 / 40"]);
}

// If this fails, a log axis of losses at or under zero takes the chart down, or there is no way back.
#[test]
fn a_log_axis_is_there_on_request() {
    let mut screen = screen(80, 24);
    let lines: Vec<StepMetrics> =
        (1..=40).map(|step| line(step, 10f64.powf(1.0 - step as f64 / 10.0))).collect();
    let work = long_run(&mut screen, 40, &lines);
    screen.keys("y").shows(&["log axis", "10┤", "0.01┤"]);
    insta::assert_snapshot!("log_80x24", screen.shown());
    screen.ends(work, None, losses(&lines));
    let work = screen.previewed();
    screen.keys("enter");
    let started = TrainingStarted { run: RUN.into(), steps: 40, done: vec![line(1, 0.0)] };
    screen.work(work, WorkEvent::Training(Box::new(started)));
    screen.shows(&["nothing here is over 0"]);
    screen.keys("y").shows(&["step 40"]);
    assert!(!screen.shown().contains("· log axis"));
}

// If this fails, a run of a hundred thousand steps is not shown, or a spike in it is lost among the others.
#[test]
fn a_very_long_run_keeps_its_spikes() {
    let mut screen = screen(120, 40);
    let mut lines: Vec<StepMetrics> = (1..=100_000).map(|step| line(step, 2.0)).collect();
    lines[49_999].loss = 8.0;
    lines[69_999].loss = f64::NAN;
    long_run(&mut screen, 100_000, &lines);
    screen.keys("s s").shows(&["not smoothed", "step 100000", "× not drawn"]);
    let shown = screen.shown();
    let axis = shown.lines().find(|line| line.contains('└')).unwrap();
    let place = axis.chars().position(|c| c == '×').unwrap();
    assert!((46..52).contains(&place), "{axis}");
    let top = shown.lines().find(|line| line.contains("8┤")).unwrap();
    assert!(top.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{shown}");
}

/// What was asked to be written last.
fn written(screen: &Screen) -> (std::sync::Arc<crate::report::TakenOut>, String, bool) {
    let Some(Effect::Export { what, path, replace }) = screen.effects.last() else {
        panic!("nothing is written: {:?}", screen.effects)
    };
    (what.clone(), path.display().to_string(), *replace)
}

// If this fails, a person cannot take a curve to where others see it, or it goes where they do not find it.
#[test]
fn what_is_shown_is_exported_under_a_name_of_the_persons_choice() {
    let mut screen = screen(80, 24);
    screen.report(Report::Runs(earlier()));
    screen.effects.clear();
    screen.keys("e").shows(&["loss-run_20261122_090000.svg", "Into ~/desk/docs", "runs.csv."]);
    insta::assert_snapshot!("export_80x24", screen.shown());
    screen.keys("enter");
    let (what, path, replace) = written(&screen);
    assert_eq!(path, "/home/ada/desk/docs/loss-run_20261122_090000.svg");
    assert!(!replace);
    // What is written is what was shown.
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        crate::report::write_taken_out(&what, &path, false).unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    let svg = write("loss.svg");
    let words = roxmltree::Document::parse(&svg).unwrap();
    let words: Vec<&str> = words.descendants().filter_map(|node| node.text()).collect();
    for wanted in ["Loss of run_20261122_090000", "smoothed 0.8", "held-out"] {
        assert!(words.iter().any(|text| text.contains(wanted)), "{wanted}: {words:?}");
    }
    let steps = write("loss.csv");
    let mut rows = csv::Reader::from_reader(steps.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 41, "the look before the first step and forty steps");
    assert_eq!((&rows[0][0], &rows[0][3]), ("0", "2.9"));
    assert_eq!((&rows[40][0], &rows[40][3]), ("40", "1.7"));
    assert_eq!(rows[40][1].parse::<f64>().unwrap(), falling(40)[39].loss);
    assert_eq!(write("runs.csv").lines().count(), 3);
    let files = vec!["/home/ada/desk/docs/loss-run_20261122_090000.svg".into()];
    screen.report(Report::Exported(files));
    screen.shows(&["written: ~/desk/docs/loss-run_20261122_090000.svg"]);
}

// If this fails, a typing error loses what was to be written, or a file is overwritten without a word.
#[test]
fn a_bad_name_is_asked_for_again_and_a_file_is_only_replaced_at_a_yes() {
    let mut screen = screen(80, 24);
    screen.report(Report::Runs(earlier()));
    screen.effects.clear();
    screen.keys("shift-e ctrl-u").text("~/mine.pdf").keys("enter");
    screen.shows(&["a file of this ends in .svg, .png or .csv", "mine.pdf"]);
    assert!(screen.effects.is_empty());
    screen.keys("backspace backspace backspace").text("png").keys("enter");
    let (what, path, _) = written(&screen);
    assert_eq!(path, "/home/ada/mine.png");
    let stopped = || Report::ExportStopped {
        what: what.clone(),
        path: "/home/ada/mine.png".into(),
        there: "/home/ada/mine.png".into(),
    };
    screen.effects.clear();
    screen.report(stopped()).shows(&["~/mine.png is there already", "Replace it?"]);
    screen.keys("n");
    assert!(screen.effects.is_empty());
    screen.report(stopped());
    screen.keys("y");
    assert!(written(&screen).2);
    screen.effects.clear();
    screen.keys("e esc");
    screen.keys("e ctrl-u enter");
    assert!(screen.effects.is_empty());
    let why = "cannot write /srv/a.svg: Permission denied".to_owned();
    screen.report(Report::Failed { what: "export what is shown", why });
    screen.shows(&["! cannot export what is shown: cannot write"]);
    screen.keys("esc 1 esc e").shows(&["there is nothing to export here"]);
}

// If this fails, a spreadsheet gets a line of words in place of a table.
#[test]
fn the_table_of_what_is_shown_is_copied() {
    let mut screen = screen(80, 24);
    screen.keys("alt-y").shows(&["there is no table to copy here"]);
    screen.report(Report::Runs(earlier()));
    screen.keys("alt-y").shows(&["copied a table of 41 rows"]);
    let Some(crate::tui::pane::TerminalEffect::Copy(text)) = screen.terminal_effects.last() else {
        panic!()
    };
    assert!(text.starts_with("step\tloss\tsmoothed\theld-out"), "{text}");
}

// If this fails, a dashboard follows a run for ever whose folder is gone, and trains nothing any more.
#[test]
fn a_run_elsewhere_whose_folder_is_gone_is_followed_no_more() {
    let mut screen = screen(80, 24);
    screen.report(Report::Runs(vec![elsewhere(2)])).shows(&["in another process"]);
    screen.report(Report::Runs(Vec::new())).shows(&["Nothing has been trained here yet"]);
    let other = RunSummary { name: "run_20261123_130000".into(), ..elsewhere(3) };
    screen.report(Report::Runs(vec![other])).shows(&["run_20261123_130000 trains: step 3"]);
}

// If this fails, a question about a paused run speaks of one that trains.
#[test]
fn giving_up_a_paused_run_is_asked_as_that() {
    let mut screen = screen(80, 24);
    screen.report(Report::Runs(vec![run(RUN, falling(5), None, true)]));
    screen.keys("x").shows(&["for good?", "p would go on", "n leaves it paused"]);
}

// If this fails, a run of an hour that was paused near its end seems to have taken four seconds.
#[test]
fn the_time_of_a_run_that_went_on_says_since_when() {
    for (done, since) in [(0, false), (4, true)] {
        let mut screen = screen(80, 24);
        let work = screen.training();
        let started = TrainingStarted { run: RUN.into(), steps: 6, done: falling(done) };
        screen.work(work, WorkEvent::Training(Box::new(started)));
        screen.work(work, WorkEvent::Elapsed(4.0));
        let ended = crate::workplace::Trained {
            run: RUN.into(),
            adapter: Some("lora-v2".into()),
            steps: 6,
            losses: Vec::new(),
            seconds: 4.0,
        };
        screen.work(work, WorkEvent::Trained(Box::new(ended)));
        assert_eq!(screen.shown().contains("since it went on"), since, "{}", screen.shown());
    }
}

// If this fails, a wide screen tells less of the runs than a narrow one.
#[test]
fn beside_the_chart_runs_tell_their_steps_and_losses() {
    for (width, height) in [(120, 40), (160, 50)] {
        let mut screen = screen(width, height);
        screen.report(Report::Runs(vec![run(RUN, falling(40), Some("lora-v2"), false)]));
        let shown = screen.shown();
        let row = shown.lines().find(|line| line.contains(&format!("{RUN} "))).unwrap().to_owned();
        assert!(row.contains("40/40"), "{shown}");
    }
}
