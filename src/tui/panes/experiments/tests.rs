//! The pane by keys and reports, as a person meets it.
#![allow(clippy::unwrap_used)]

pub mod samples;

use crate::driver::{Effect, Report, WorkEvent, WorkId};
use crate::experiments::{Experiment, ExperimentEvent};
use crate::improve::{Ending, Phase, RoundEvent, Rule};
use crate::store::Holder;
use crate::train::TrainEvent;
use crate::tui::event::Event;
use crate::tui::pane::TerminalEffect;
use crate::tui::tests::{SIZES, Screen};
use crate::tui::theme::Theme;
use crate::workplace::{ArmChoice, Event as Progress, SetChoice};
use samples::{ARMS, EXPERIMENT, ROUND, STOPPED_ROUND};

/// The pane in front, in an empty home.
fn empty(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 6");
    screen.report(Report::Experiments(Default::default()));
    screen.effects.clear();
    screen
}

/// The pane in front, in a home in which something of everything was tried.
fn tried(width: u16, height: u16) -> Screen {
    let mut screen = empty(width, height);
    screen.report(Report::Experiments(samples::home()));
    screen
}

fn tell(screen: &mut Screen, work: WorkId, event: WorkEvent) {
    screen.report(Report::Work { work, event });
}

fn round_event(screen: &mut Screen, work: WorkId, event: RoundEvent) {
    tell(screen, work, WorkEvent::Round(Box::new(event)));
}

fn experiment_event(screen: &mut Screen, work: WorkId, event: ExperimentEvent) {
    tell(screen, work, WorkEvent::Experiment(Box::new(event)));
}

fn measuring(screen: &mut Screen, work: WorkId, what: &'static str, done: usize, total: usize) {
    tell(screen, work, WorkEvent::Progress(Progress::Measuring { what, done, total }));
}

/// The clock of the screen, minutes and seconds after twelve.
fn clock(screen: &mut Screen, minutes: u32, seconds: u32) {
    let now = format!("2026-11-23T12:{minutes:02}:{seconds:02}[UTC]").parse().unwrap();
    screen.event(Event::Tick(now));
}

fn started(screen: &Screen) -> WorkId {
    let started = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::Improve { work, .. }
        | Effect::ResumeRound { work, .. }
        | Effect::RunExperiment { work, .. }
        | Effect::ResumeExperiment { work, .. } => Some(*work),
        _ => None,
    });
    started.unwrap_or_else(|| panic!("nothing was started: {:?}", screen.effects))
}

fn lists(screen: &Screen) -> usize {
    screen.effects.iter().filter(|effect| matches!(effect, Effect::ListExperiments)).count()
}

// If this fails, the pane cannot be reached, or shows what was there an hour ago.
#[test]
fn six_shows_the_pane_and_reads_what_was_tried() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 6").shows(&["6 Experiments", "reading …"]);
    assert_eq!(lists(&screen), 1);
    screen.keys("1");
    screen.keys("esc 6");
    assert_eq!(lists(&screen), 2);
}

#[test]
fn an_empty_home_says_what_to_do() {
    for (width, height) in SIZES {
        let mut screen = empty(width, height);
        insta::assert_snapshot!(format!("empty_{width}x{height}"), screen.picture());
        screen.keys("enter r x esc left");
        assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    }
}

// If this fails, a person cannot see what a round found and why it was decided so.
#[test]
fn a_finished_round_is_shown_in_full() {
    for (width, height) in SIZES {
        let mut screen = tried(width, height);
        insta::assert_snapshot!(format!("round_{width}x{height}"), screen.picture());
        screen.shows(&["What each phase found"]).keys("pagedown").shows(&["Guards"]);
        screen.keys("enter");
        insta::assert_snapshot!(format!("round_large_{width}x{height}"), screen.picture());
        screen.keys("end").shows(&["23 min 10 s"]);
    }
}

#[test]
fn a_finished_experiment_is_shown_in_full() {
    for (width, height) in SIZES {
        let mut screen = tried(width, height);
        screen.keys("down down");
        insta::assert_snapshot!(format!("experiment_{width}x{height}"), screen.picture());
        screen.keys("enter");
        insta::assert_snapshot!(format!("experiment_large_{width}x{height}"), screen.picture());
        screen.keys("end");
        insta::assert_snapshot!(format!("experiment_end_{width}x{height}"), screen.picture());
        // The one above and below it in the list, without leaving.
        screen.keys("left").shows(&["‖ stopped: r goes on with it", STOPPED_ROUND]);
    }
}

// If this fails, nothing says why a round came to nothing.
#[test]
fn a_round_that_was_not_accepted_says_why_and_what_to_change() {
    let mut screen = empty(120, 40);
    let mut stored = samples::stored();
    stored.rounds[0].result = Some(samples::result(Ending::Rejected));
    screen.report(Report::Experiments(stored.into()));
    screen.shows(&["✗ REJECTED", "→ more examples: --variations 10", "✗ FAILED", "? undecided"]);
    screen.keys("pagedown").shows(&["– not measured"]);
}

// If this fails, one key sets hours of work going, or the wrong work.
#[test]
fn a_round_is_started_only_after_a_question_that_says_what_will_happen() {
    for (width, height) in SIZES {
        let mut screen = empty(width, height);
        screen.keys("i");
        insta::assert_snapshot!(format!("question_round_{width}x{height}"), screen.picture());
        screen.keys("n");
        assert!(screen.effects.is_empty(), "{:?}", screen.effects);
        screen.keys("i y");
        let Some(Effect::Improve { order, .. }) = screen.effects.last() else {
            panic!("{:?}", screen.effects)
        };
        assert_eq!((&order.set, &order.arm), (&SetChoice::BuiltIn, &ArmChoice::Base));
        assert_eq!((order.iterations, order.count), (1, None));
        screen.shows(&["waits for the model"]);
        // One at a time.
        screen.effects.clear();
        screen.keys("i n r");
        assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    }
    // The last one says how long it takes.
    tried(80, 24).keys("i").shows(&["about 23 min 10 s"]);
}

#[test]
fn another_set_and_another_adapter_are_what_the_next_round_takes() {
    let mut screen = empty(80, 24);
    let adapter = crate::adapters::AdapterSummary {
        name: "lora-v1".into(),
        ..crate::adapters::AdapterSummary::default()
    };
    screen.report(Report::Adapters(vec![adapter]));
    screen.keys("f").text("my/set.jsonl").keys("enter b");
    screen.shows(&["i improves lora-v1 on set.jsonl"]).keys("i y");
    let Some(Effect::Improve { order, .. }) = screen.effects.last() else { panic!() };
    assert_eq!(order.set, SetChoice::File("my/set.jsonl".into()));
    assert_eq!(order.arm, ArmChoice::Adapter("lora-v1".into()));
}

#[test]
fn an_experiment_is_chosen_from_a_list_and_started_after_a_question() {
    for (width, height) in SIZES {
        let mut screen = tried(width, height);
        screen.keys("n down down");
        insta::assert_snapshot!(format!("choosing_{width}x{height}"), screen.picture());
        screen.keys("enter");
        insta::assert_snapshot!(format!("question_experiment_{width}x{height}"), screen.picture());
        screen.keys("y");
        let Some(Effect::RunExperiment { order, .. }) = screen.effects.last() else {
            panic!("{:?}", screen.effects)
        };
        assert_eq!((order.experiment, order.seeds, order.count), (Experiment::Filter, 3, 40));
    }
    let mut screen = tried(80, 24);
    screen.keys("n").shows(&["Which experiment?"]).keys("esc").shows(&["✓ ACCEPTED"]);
}

/// A round that makes examples.
fn live_round(screen: &mut Screen) -> WorkId {
    screen.keys("i y");
    let work = started(screen);
    tell(screen, work, WorkEvent::Started);
    let round = "round_20261123_120000".into();
    round_event(screen, work, RoundEvent::Began { round, iteration: 1, iterations: 1 });
    let mut stored = samples::stored();
    stored.rounds.insert(0, samples::round("round_20261123_120000", None));
    screen.report(Report::Experiments(stored.into()));
    round_event(screen, work, RoundEvent::Phase(Phase::Baseline));
    measuring(screen, work, "scoring", 0, 120);
    clock(screen, 4, 0);
    measuring(screen, work, "scoring", 60, 120);
    round_event(screen, work, RoundEvent::Phase(Phase::WeakAreas));
    round_event(screen, work, RoundEvent::Weak(samples::weak()));
    round_event(screen, work, RoundEvent::Phase(Phase::Examples));
    measuring(screen, work, "writing examples", 0, 40);
    clock(screen, 4, 30);
    measuring(screen, work, "writing examples", 10, 40);
    work
}

fn example(screen: &mut Screen, work: WorkId, answer: &str, rejected: Option<Rule>) {
    let question = "Write one shell command: show the three largest files in the folder logs.";
    let last = Some((question.to_owned(), answer.to_owned(), rejected));
    round_event(screen, work, RoundEvent::Examples { counts: samples::counts(), last });
}

// If this fails, a person waits for many minutes and does not see what happens, or why examples go.
#[test]
fn a_round_is_seen_while_it_makes_examples_and_trains() {
    for (width, height) in SIZES {
        let mut screen = tried(width, height);
        let work = live_round(&mut screen);
        let answer = "du -a logs | sort -n -r | head -n 3\u{1b}[2J";
        example(&mut screen, work, answer, Some(Rule::NearDuplicate));
        insta::assert_snapshot!(format!("live_examples_{width}x{height}"), screen.picture());
        example(&mut screen, work, answer, None);
        screen.shows(&["✓ kept", "● round"]);
        // Its place in the list is its own: others can be looked at meanwhile.
        screen.keys("down").shows(&["✓ ACCEPTED"]).keys("up");

        round_event(&mut screen, work, RoundEvent::Phase(Phase::Training));
        let run = "run_20261123_120501".to_owned();
        round_event(&mut screen, work, RoundEvent::Training { run, steps: 40 });
        for step in 1..=18 {
            clock(&mut screen, 5, step);
            let line = samples::step(step as usize, 0);
            tell(&mut screen, work, WorkEvent::Progress(Progress::Train(TrainEvent::Step(line))));
        }
        let watched = TrainEvent::HeldOut { step: 12, loss: 2.1 };
        tell(&mut screen, work, WorkEvent::Progress(Progress::Train(watched)));
        insta::assert_snapshot!(format!("live_training_{width}x{height}"), screen.picture());
        // 22 steps at a second each, and measuring as long as the baseline took.
        screen.shows(&["about 4 min 22 s left"]);
    }
}

/// An experiment with two arms at work.
fn live_experiment(screen: &mut Screen) -> WorkId {
    screen.keys("n enter y");
    let work = started(screen);
    tell(screen, work, WorkEvent::Started);
    let began = ExperimentEvent::Began {
        experiment: "experiment_20261123_120000".into(),
        arms: ARMS.map(str::to_owned).into(),
        seeds: vec![0, 1, 2],
    };
    experiment_event(screen, work, began);
    measuring(screen, work, "scoring", 30, 120);
    experiment_event(screen, work, ExperimentEvent::Estimated(3600.0));
    for (arm, steps) in [(0, 24), (1, 14)] {
        experiment_event(screen, work, ExperimentEvent::Arm { arm, seed: 0 });
        for step in 1..=steps {
            let line = samples::step(step, arm);
            tell(screen, work, WorkEvent::Progress(Progress::Train(TrainEvent::Step(line))));
        }
        if arm == 0 {
            let record = samples::experiment("experiment_20261123_120000", 1);
            experiment_event(screen, work, ExperimentEvent::Estimated(3360.0));
            experiment_event(screen, work, ExperimentEvent::Progressed(Box::new(record)));
        }
    }
    clock(screen, 1, 0);
    work
}

// If this fails, the arms cannot be told apart while they train, and nobody knows how long it takes.
#[test]
fn an_experiment_shows_the_curves_of_all_arms_together_and_results_as_they_come() {
    for (width, height) in SIZES {
        let mut screen = tried(width, height);
        live_experiment(&mut screen);
        insta::assert_snapshot!(format!("live_arms_{width}x{height}"), screen.picture());
        let theme = Theme::default();
        assert_eq!(screen.style_of("● targeted").fg, theme.arms[0].fg);
        assert_eq!(screen.style_of("× random-find").fg, theme.arms[1].fg);
        screen.shows(&["about 55 min 00 s left", "random-find, seed 0", "1 of 15", "-12.1 %"]);
    }
}

// If this fails, hours of work are lost by one key, or cannot be stopped at all.
#[test]
fn stopping_asks_and_what_was_stopped_is_gone_on_with() {
    let mut screen = tried(80, 24);
    let work = live_round(&mut screen);
    screen.keys("x").shows(&["Stop round_20261123_120000?", "can be gone on with"]);
    screen.keys("n");
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::Cancel(_))));
    screen.keys("esc y");
    assert!(matches!(screen.effects.last(), Some(Effect::Cancel(id)) if *id == work));
    screen.shows(&["stops after this part"]);
    screen.effects.clear();
    screen.keys("x esc");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);

    let before = lists(&screen);
    tell(&mut screen, work, WorkEvent::Cancelled);
    assert_eq!(lists(&screen), before + 1);
    let mut stored = samples::stored();
    stored.rounds.insert(0, samples::round("round_20261123_120000", None));
    screen.report(Report::Experiments(stored.into()));
    screen.shows(&["stopped: r goes on", "was stopped: r goes on with it"]);
    screen.keys("r");
    assert!(matches!(
        screen.effects.last(),
        Some(Effect::ResumeRound { round, .. }) if round == "round_20261123_120000"
    ));
}

// If this fails, a round that a command works on is told as stopped, and a key for it is offered.
#[test]
fn what_another_process_works_on_is_told_so_and_not_gone_on_with() {
    let mut screen = empty(80, 24);
    let mut stored = samples::stored();
    let holder = Holder { process: Some(4242) };
    stored.elsewhere.insert(STOPPED_ROUND.into(), holder);
    screen.report(Report::Experiments(stored.into()));
    screen.keys("down").shows(&[
        "● round",
        "in another process (pid 4242)",
        "● goes on in another",
    ]);
    screen.effects.clear();
    screen.keys("r");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    // It has ended there, or was stopped.
    screen.report(Report::Experiments(samples::home()));
    screen.shows(&["stopped: r goes on"]).keys("r");
    assert!(matches!(screen.effects.last(), Some(Effect::ResumeRound { .. })));
}

#[test]
fn the_selected_stopped_one_is_gone_on_with_and_no_other() {
    let mut screen = tried(80, 24);
    screen.keys("r");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    screen.keys("down r");
    assert!(matches!(
        screen.effects.last(),
        Some(Effect::ResumeRound { round, .. }) if round == STOPPED_ROUND
    ));
    let mut screen = tried(80, 24);
    screen.keys("end r");
    assert!(matches!(
        screen.effects.last(),
        Some(Effect::ResumeExperiment { experiment, .. }) if experiment.ends_with("200000")
    ));
}

// If this fails, the list shows a round as running or stopped that has ended.
#[test]
fn the_end_refreshes_the_list_from_whatever_pane_is_in_front() {
    let mut screen = tried(80, 24);
    let work = live_round(&mut screen);
    screen.shows(&["6● Experiments"]).keys("4");
    let before = lists(&screen);
    let mut result = samples::result(Ending::Accepted);
    result.round = "round_20261123_120000".into();
    tell(&mut screen, work, WorkEvent::Improved(vec![result]));
    assert_eq!(lists(&screen), before + 1);
    screen.shows(&["✓ round_20261123_120000: accepted", "6 Experiments"]);

    let mut screen = tried(80, 24);
    let work = live_experiment(&mut screen);
    let before = lists(&screen);
    let record = Box::new(samples::experiment(EXPERIMENT, ARMS.len()));
    tell(&mut screen, work, WorkEvent::Experimented(record));
    assert_eq!(lists(&screen), before + 1);
    screen.shows(&["✓ control: supported"]);

    let mut screen = tried(80, 24);
    let work = live_round(&mut screen);
    screen.keys("1");
    tell(&mut screen, work, WorkEvent::Failed("no area of the set is weak".into()));
    screen.shows(&["6 shows why"]).keys("esc 6").shows(&["! no area of the set is weak"]);
}

// If this fails, a loss elsewhere is overlooked, or seen by its colour alone.
#[test]
fn the_matrix_shows_what_adapters_cost_in_figures_marks_and_colours() {
    let theme = Theme::default();
    for (width, height) in SIZES {
        let mut screen = tried(width, height);
        screen.keys("s");
        insta::assert_snapshot!(format!("matrix_{width}x{height}"), screen.picture());
        assert_eq!(screen.style_of("+13.4 % !!").fg, theme.bad.fg);
        assert_eq!(screen.style_of("+10.0 % !!").fg, theme.bad.fg);
        assert_eq!(screen.style_of("+6.3 % !").fg, theme.warning.fg);
        assert_eq!(screen.style_of("-1.2 %").fg, theme.good.fg);
        assert_eq!(screen.style_of("+4.9 %"), screen.style_of("+0.4 %"));
        // The cursor stands on the newest adapter.
        screen.shows(&["lora-v2 on code"]).keys("up right").shows(&["lora-v1 on maths"]);
        screen.keys("end right right right right").shows(&["lora-v2 on writing"]);
        screen.keys("up enter").shows(&["not measured"]);
        assert!(screen.effects.is_empty(), "{:?}", screen.effects);
        screen.keys("esc").shows(&["✓ ACCEPTED"]);
    }
    empty(80, 24).keys("s").shows(&["No round has measured an adapter"]);
}

// If this fails, a click opens the answers of another adapter or area.
#[test]
fn a_cell_is_clicked_and_a_second_click_opens_it() {
    let mut screen = tried(120, 40);
    screen.keys("s").click("+0.4 %").shows(&["+0.4 %"]);
    let shown = screen.shown();
    screen.keys("right left").shows(&["lora-v"]);
    assert_eq!(screen.shown(), shown, "the cursor is where the pointer was");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    screen.click("+0.4 %").click("+0.4 %").shows(&["reading …"]);
    assert!(matches!(screen.effects[..], [Effect::OpenSentinels { .. }]), "{:?}", screen.effects);
}

#[test]
fn a_cell_opens_to_the_answers_before_and_after() {
    for (width, height) in SIZES {
        let mut screen = tried(width, height);
        screen.keys("s right enter").shows(&["reading …"]);
        let Some(Effect::OpenSentinels { round, area }) = screen.effects.last().cloned() else {
            panic!("{:?}", screen.effects)
        };
        assert_eq!((round.as_str(), area.as_str()), (ROUND, "maths"));
        // Another cell's answers are not this one's.
        let other = Report::SentinelAnswers {
            round: round.clone(),
            area: "code".into(),
            pairs: samples::pairs(),
        };
        screen.report(other).shows(&["reading …"]);
        screen.report(Report::SentinelAnswers { round, area, pairs: samples::pairs() });
        insta::assert_snapshot!(format!("cell_{width}x{height}"), screen.picture());
        screen.keys("end").shows(&["maths-002"]);
        screen.keys("esc").shows(&["adapter", "lora-v1"]).keys("esc").shows(&["✓ ACCEPTED"]);
    }
}

// If this fails, a person copies the screen by hand into their notes.
#[test]
fn what_is_shown_can_be_copied() {
    let copied = |screen: &Screen| match screen.terminal_effects.last() {
        Some(TerminalEffect::Copy(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut screen = tried(80, 24);
    screen.keys("ctrl-y");
    assert!(copied(&screen).contains("✓ ACCEPTED  lora-v2 is better than base"));
    screen.keys("s ctrl-y");
    assert!(copied(&screen).contains("\t0.004000\t0.063000\t"), "{}", copied(&screen));
    empty(80, 24).keys("ctrl-y").shows(&["nothing to copy"]);
}

// If this fails, a small terminal or hostile text garbles the screen.
#[test]
fn small_screens_and_text_from_files_do_no_harm() {
    let mut stored = samples::stored();
    let hostile = "\u{1b}[2J\u{7}\nevil";
    stored.rounds[0].record.set = hostile.into();
    let result = stored.rounds[0].result.as_mut().unwrap();
    result.reason = hostile.into();
    result.adapter = Some(hostile.into());
    result.guards[0].detail = hostile.into();
    stored.experiments[0].arms[0].name = hostile.into();
    stored.experiments[0].name = hostile.into();
    stored.sentinels.areas[0] = hostile.into();
    for (width, height) in [(60, 16), (80, 24), (200, 60), (20, 5)] {
        let mut screen = empty(width, height);
        screen.report(Report::Experiments(stored.clone().into()));
        for keys in ["", "enter", "down", "esc", "down", "enter", "esc", "s", "enter", "esc esc n"]
        {
            let shown = screen.keys(keys).shown();
            assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown}");
        }
    }
}

// If this fails, one experiment among a hundred is not found, or what runs can no longer be stopped.
#[test]
fn a_search_leaves_what_matches_and_esc_shows_all() {
    let mut screen = tried(120, 40);
    screen.keys("/").text("experiment").keys("enter").shows(&["/ experiment", "control ·"]);
    assert!(!screen.shown().contains("round ·"), "{}", screen.shown());
    screen.keys("/ ctrl-u").text("nothing like this").keys("enter");
    screen.shows(&["Nothing that was tried has these words: Esc shows all"]);
    screen.keys("esc").shows(&["round ·"]);
}

// If this fails, one adapter among many is not found in the matrix, or a cell of another one is opened.
#[test]
fn a_search_in_the_matrix_leaves_the_adapters_that_match() {
    let mut screen = tried(120, 40);
    let rows = samples::stored().sentinels.rows;
    let (first, last) = (rows.first().unwrap(), rows.last().unwrap());
    assert_ne!(first.adapter, last.adapter);
    screen.keys("s /").text(&first.adapter).keys("enter");
    screen.shows(&[&format!("/ {}", first.adapter), &format!("{} on", first.adapter)]);
    assert!(!screen.shown().contains(&last.adapter), "{}", screen.shown());
    screen.keys("enter");
    let opened = screen.effects.last();
    assert!(
        matches!(opened, Some(Effect::OpenSentinels { round, .. }) if *round == first.round),
        "{opened:?}"
    );
    screen.keys("esc / ctrl-u").text("nothing like this").keys("enter");
    screen.shows(&["No adapter has these words in its name: Esc shows all"]);
    screen.keys("esc").shows(&[&first.adapter, &last.adapter]);
}

// If this fails, a finding cannot be shown to anybody, or the matrix is copied with other figures.
#[test]
fn what_is_selected_is_exported_and_so_is_the_matrix() {
    let mut screen = Screen::new(120, 40);
    screen.keys("esc 6");
    screen.report(Report::Experiments(samples::home()));
    let mut figures = Vec::new();
    for _ in 0..6 {
        screen.keys("e");
        if screen.shown().contains("Export what is shown") {
            screen.keys("enter");
            let Some(Effect::Export { what, .. }) = screen.effects.last() else { panic!() };
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(what.file_name());
            let written = crate::report::write_taken_out(what, &path, false).unwrap();
            let crate::report::Written::Files(files) = written else { panic!() };
            figures.extend(
                files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()),
            );
        }
        screen.keys("down");
    }
    assert!(figures.iter().any(|name| name.ends_with("-change.svg")), "{figures:?}");
    assert!(figures.iter().any(|name| name.starts_with("round_")), "{figures:?}");
    screen.keys("s e").shows(&["sentinels.csv"]).keys("esc alt-y");
    let Some(TerminalEffect::Copy(table)) = screen.terminal_effects.last() else { panic!() };
    assert!(table.starts_with("adapter\tround\t"), "{table}");
}

// If this fails, the error of one round reads as another one's, and what failed as if a person had stopped it.
#[test]
fn what_failed_stands_at_its_own_row_alone() {
    let mut screen = tried(120, 40);
    screen.keys("down r");
    let work = started(&screen);
    tell(&mut screen, work, WorkEvent::Failed("the disk is full".into()));
    screen.shows(&["! the disk is full", "‖ failed: r goes on with it"]);
    screen.shows(&["  failed: r goes on"]);
    screen.keys("up");
    assert!(!screen.shown().contains("the disk is full"), "{}", screen.shown());
    screen.shows(&["  failed: r goes on"]).keys("down").shows(&["! the disk is full"]);
    // One that never had a folder has no row to stand at.
    screen.keys("i y");
    let work = started(&screen);
    tell(&mut screen, work, WorkEvent::Failed("no area of the set is weak".into()));
    screen.shows(&["! no area of the set is weak"]);
    assert!(!screen.shown().contains("the disk is full"));
}

// If this fails, what a person should know before an hour of work is cut off above empty rows.
#[test]
fn a_long_remark_is_whole_where_there_is_room() {
    let mut screen = tried(80, 24);
    let work = live_round(&mut screen);
    let remark = "the weak areas have 12 groups of held-out items, and nothing is accepted on fewer than \
                  20: the round can show a direction, its decision will be \"cannot tell\"";
    tell(&mut screen, work, WorkEvent::Progress(Progress::Note(remark.into())));
    screen.shows(&["decision will be \"cannot", "tell\""]);
}
