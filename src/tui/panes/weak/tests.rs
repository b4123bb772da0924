//! The pane without a model: keys and reports in, screens and effects out.
#![allow(clippy::unwrap_used)]

use crate::adapters::AdapterSummary;
use crate::config::{Config, PerplexityThreshold};
use crate::driver::{
    Effect, MeasuredItem, Report, TokenAlternatives, TrainingMaterial, WeakFound, WorkEvent, WorkId,
};
use crate::eval::{Example, ItemScore, LeftOut, Provenance, weakness};
use crate::store::Message;
use crate::tui::action::Action;
use crate::tui::pane::{
    Context, Intent, ModelState, NoticeKind, Pane, PaneName, Shared, TerminalEffect,
};
use crate::tui::panes::WeakPane;
use crate::tui::tests::Screen;
use crate::tui::theme::Theme;
use crate::workplace::{ArmChoice, Event, SetChoice};
use ratatui::style::Modifier;

/// Token texts of one answer, with nats.
type Tokens = &'static [(&'static str, f32)];

const COPY: Tokens = &[
    ("rsync", 7.2),
    (" -", 1.1),
    ("av", 2.4),
    (" --", 3.6),
    ("delete", 5.4),
    (" src", 1.3),
    ("/", 0.1),
    (" dst", 1.4),
    ("/", 0.2),
    ("⏎", 1.6),
];
const LIST: Tokens =
    &[("ls", 0.4), (" -", 0.2), ("la", 3.1), (" |", 8.9), (" wc", 6.2), ("⏎", 1.2)];
const SUM: Tokens =
    &[("It", 2.0), (" is", 0.5), (" ", 0.2), ("4", 0.1), ("2", 0.1), (".", 0.1), ("⏎", 0.1)];
const POEM: Tokens = &[
    ("Snow", 4.1),
    (" falls", 2.2),
    (",\n", 1.4),
    ("改", 3.3),
    ("善", 1.0),
    (".", 0.9),
    ("⏎", 2.5),
];
const SHORT: Tokens = &[("Yes", 6.0), ("⏎", 4.0)];

fn measured(id: &str, area: &str, prompt: &str, tokens: Tokens) -> MeasuredItem {
    let nats: Vec<f64> = tokens.iter().map(|(_, nats)| f64::from(*nats)).collect();
    let inner = &nats[1..nats.len() - 1];
    let mean = |nats: &[f64]| nats.iter().sum::<f64>() / nats.len() as f64;
    let (_, text) = tokens.split_last().unwrap();
    MeasuredItem {
        example: Example {
            id: id.into(),
            area: area.into(),
            messages: vec![Message::user(prompt)],
            answer: text.iter().map(|(text, _)| *text).collect(),
            weight: 1.0,
            provenance: if area == "own" { Provenance::Correction } else { Provenance::File },
            check: None,
        },
        score: ItemScore {
            id: id.into(),
            area: area.into(),
            tokens: nats.len(),
            nll: mean(&nats),
            first: nats[0],
            rest: (!inner.is_empty()).then(|| mean(inner)),
            end_of_turn: nats[nats.len() - 1],
            correct: None,
        },
        tokens: tokens.iter().map(|(text, nats)| (text.to_string(), *nats)).collect(),
    }
}

fn items() -> Vec<MeasuredItem> {
    let mut items = vec![
        measured(
            "shell-copy",
            "shell",
            "Write one shell command: copy src to dst and delete what is only in dst",
            COPY,
        ),
        measured("shell-list", "shell", "Write one shell command: count the files here", LIST),
        measured("maths-1", "maths", "What is six times seven?", SUM),
        measured(
            "poem-1",
            "writing",
            "Write two lines about snow and continual improvement.",
            POEM,
        ),
        measured("session_20261101_101500", "own", "Is it open on Sundays?", SHORT),
    ];
    for place in 0..20 {
        let id = format!("maths-{:02}", place + 2);
        items.push(measured(&id, "maths", &format!("What is {place} and {place}?"), SUM));
    }
    items
}

fn found(items: Vec<MeasuredItem>) -> WorkEvent {
    let scores: Vec<ItemScore> = items.iter().map(|item| item.score.clone()).collect();
    let auto_threshold = weakness(&scores, PerplexityThreshold::Auto).threshold;
    let left_out = vec![LeftOut { id: "shell-9".into(), reason: "is near".into() }];
    WorkEvent::WeakFound(Box::new(WeakFound {
        arm: "base".into(),
        items,
        left_out,
        auto_threshold,
    }))
}

/// The work that was started last.
fn work(screen: &Screen) -> WorkId {
    let started = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::FindWeak { work, .. } => Some(*work),
        _ => None,
    });
    started.expect("nothing is measured")
}

fn tell(screen: &mut Screen, event: WorkEvent) {
    let work = work(screen);
    screen.report(Report::Work { work, event });
}

/// The pane in front, as an empty home has it. Esc leaves the prompt of the first pane.
fn opened(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.keys("esc 3");
    screen
}

fn with_figures(width: u16, height: u16) -> Screen {
    let mut screen = opened(width, height);
    screen.keys("m");
    tell(&mut screen, found(items()));
    screen
}

fn with_adapters(screen: &mut Screen, names: &[&str]) {
    let adapters = names
        .iter()
        .map(|name| AdapterSummary { name: name.to_string(), ..AdapterSummary::default() })
        .collect();
    screen.report(Report::Adapters(adapters));
}

/// What the pane alone would train on after these actions.
fn trained_on(actions: &[Action]) -> Vec<Intent> {
    let mut shared = Shared {
        arm: crate::workplace::ArmChoice::Auto,
        front: PaneName::Weak,
        layered: false,
        config: Config::default(),
        theme: Theme::default(),
        keymap: crate::tui::keymap::Keymap::default(),
        hits: crate::tui::hits::Hits::default(),
        splits: crate::tui::hits::Splits::default(),
        mouse: true,
        raw: false,
        model: ModelState::Failed("none here".into()),
        now: "2026-11-23T12:00:00[UTC]".parse().unwrap(),
        ticks: 0,
        adapters: Vec::new(),
        unfit: Vec::new(),
        training: None,
        owner: None,
        hidden_task: None,
        set: SetChoice::default(),
        places: crate::tui::places::Places::default(),
        next_work: 0,
    };
    let mut pane = WeakPane::default();
    let mut context = Context::new(&mut shared);
    pane.act(Action::Measure, &mut context);
    let report = Report::Work { work: WorkId(1), event: found(items()) };
    pane.report(&report, &mut context);
    context.intents.clear();
    for action in actions {
        pane.act(*action, &mut context);
    }
    context.intents
}

// If this fails, a person opens the pane and does not know what it is for or how to begin.
#[test]
fn an_empty_pane_says_what_would_fill_it() {
    let mut screen = opened(80, 24);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("empty_{width}x{height}"), picture);
    }
    screen.keys("m");
    assert!(matches!(
        screen.effects.last(),
        Some(Effect::FindWeak { set: SetChoice::BuiltIn, arm: ArmChoice::Base, .. })
    ));
    screen.shows(&["as soon as the model is there", "Esc gives up"]);
}

// If this fails, the figures, their order or their words are wrong, or run over at 80×24.
#[test]
fn the_figures_at_80_by_24() {
    let mut screen = with_figures(80, 24);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("figures_{width}x{height}"), picture);
    }
    screen.keys("up");
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("area_{width}x{height}"), picture);
    }
}

#[test]
fn the_figures_at_120_by_40() {
    insta::assert_snapshot!("figures_120x40", with_figures(120, 40).picture());
}

// If this fails, a long answer cannot be read as a whole.
#[test]
fn enter_gives_the_heat_map_the_pane_and_goes_back() {
    let mut screen = with_figures(80, 24);
    screen.keys("enter");
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("large_{width}x{height}"), picture);
    }
    let large = screen.shown();
    screen.keys("down").shows(&["shell-copy"]).keys("up");
    assert_eq!(screen.shown(), large);
    screen.keys("esc").shows(&["by area", "2 of 25 over 10.0"]);
}

// If this fails, a surprise is told by colour alone, or not by colour at all.
#[test]
fn the_heat_map_has_backgrounds_underlines_and_numbers() {
    let mut screen = with_figures(120, 40);
    screen.keys("home down").shows(&["session_20261101_101500"]);
    screen.keys("home down down down down").shows(&["rsync⁷ -¹av²"]);
    let heat = Theme::default().heat;
    // The cursor stands on the worst token, so the others show their own level.
    assert_eq!(screen.style_of(" -¹av").bg, heat[1].bg);
    assert_eq!(screen.style_of("av²").bg, heat[2].bg);
    assert!(!screen.style_of("av²").add_modifier.contains(Modifier::UNDERLINED));
    assert_eq!(screen.style_of("delete⁵").bg, heat[4].bg);
    assert!(screen.style_of("delete⁵").add_modifier.contains(Modifier::UNDERLINED));
    assert!(screen.style_of("rsync⁷").add_modifier.contains(Modifier::REVERSED));
}

// If this fails, the person cannot ask how likely a certain word was.
#[test]
fn the_token_cursor_says_what_each_token_cost() {
    let mut screen = with_figures(80, 24);
    screen.keys("down").shows(&["shell-copy", "token 1 of 10 “rsync”"]);
    screen.shows(&["1 in 1339 · 7.20 nats · perplexity 1339"]);
    screen.keys("left").shows(&["token 1 of 10"]);
    screen.keys("right").shows(&["token 2 of 10 “␣-”", "33 % · 1.10 nats · perplexity 3.0"]);
    for _ in 0..20 {
        screen.keys("right");
    }
    screen.shows(&["token 10 of 10 ⏎ the end of the turn", "1.60 nats"]);
}

/// What was asked about tokens last.
fn looked_at(screen: &Screen) -> Option<(WorkId, String)> {
    screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::LookAtTokens { work, example, arm: ArmChoice::Base } => {
            Some((*work, example.id.clone()))
        }
        _ => None,
    })
}

/// As many as an example has tokens; the first is the sixth likeliest, all others are the likeliest.
fn alternatives(tokens: usize) -> WorkEvent {
    let likeliest = |first: &str| -> Vec<(String, f32)> {
        let texts = [first, " cp", "scp", "\u{1b}[31m", "\n"];
        let shares = [0.41f32, 0.22, 0.091, 0.04, 0.0004];
        texts.iter().zip(shares).map(|(text, share)| ((*text).to_owned(), share)).collect()
    };
    let at = |place: usize| TokenAlternatives {
        probability: if place == 0 { 0.00075 } else { 0.41 },
        rank: if place == 0 { 6 } else { 1 },
        likeliest: likeliest(if place == 0 { "cp" } else { " -" }),
    };
    WorkEvent::TokensLookedAt((0..tokens).map(at).collect())
}

// If this fails, a person sees that a word was unlikely, and not what the model would have said.
#[test]
fn a_token_shows_what_was_expected_in_its_place() {
    let mut screen = with_figures(120, 40);
    screen.shows(&["← → show what the model expected"]);
    assert_eq!(looked_at(&screen), None, "nothing is computed before somebody looks");
    screen.keys("down left").shows(&["looking at what was expected here"]);
    let (work, id) = looked_at(&screen).unwrap();
    assert_eq!(id, "shell-copy");
    let asked = screen.effects.len();
    screen.report(Report::Work { work, event: alternatives(COPY.len()) });
    screen.shows(&["rank 6 · expected “cp” 41 %  “␣cp” 22 %  “scp” 9.1 %"]);
    screen.keys("right left right");
    assert_eq!(screen.effects.len(), asked, "it is asked once for an example");
    screen.shows(&["rank 1 · expected “␣-” 41 %"]);
    screen.keys("left enter");
    insta::assert_snapshot!("alternatives_120x40", screen.shown());
    // In large, the next example is looked at as it comes.
    screen.keys("down");
    let (next, id) = looked_at(&screen).unwrap();
    assert!(next != work && id != "shell-copy");
    screen.report(Report::Work { work: next, event: WorkEvent::Failed("no room\u{7}".into()) });
    screen.shows(&["no alternatives: no room"]);
    // Other figures: what was known of the old ones is forgotten.
    screen.keys("esc m");
    tell(&mut screen, found(items()));
    screen.shows(&["← → show what the model expected"]);
}

// If this fails, the words of another model stand under the figures of the one that was measured.
#[test]
fn alternatives_are_those_of_the_model_that_was_measured() {
    let mut screen = with_figures(120, 40);
    let facts = crate::driver::ModelFacts { sha256: "other".into(), ..Screen::facts() };
    screen.report(Report::Model(crate::driver::ModelReport::Ready(facts)));
    screen.keys("down right").shows(&["another model is loaded than was measured"]);
    assert_eq!(looked_at(&screen), None);
}

// If this fails, the threshold on the chart and the counts beside it do not belong together.
#[test]
fn the_threshold_moves_in_round_steps_and_counts_live() {
    let mut screen = with_figures(80, 24);
    let scores: Vec<ItemScore> = items().into_iter().map(|item| item.score).collect();
    let auto = weakness(&scores, PerplexityThreshold::Auto);
    let count = |screen: &mut Screen, weakness: &crate::eval::Weakness| {
        let over = format!("{} of 25 over {:.1}", weakness.weak.len(), weakness.threshold);
        screen.shows(&[&over]);
    };
    count(&mut screen, &auto);
    screen.shows(&["· auto"]);
    for (keys, threshold) in [("]", 12.0), ("]", 15.0), ("[ [", 10.0), ("[ [ [ [ [ [ [", 3.5)] {
        screen.keys(keys);
        count(&mut screen, &weakness(&scores, PerplexityThreshold::Fixed(threshold)));
        screen.shows(&["auto is 10.0"]);
    }
    screen.keys("=");
    count(&mut screen, &auto);
    assert!(!screen.shown().contains("auto is"));
}

// If this fails, very short answers, whose figures are noise, are offered as weaknesses.
#[test]
fn with_auto_short_answers_are_not_weak_and_with_a_number_they_are() {
    let mut screen = with_figures(120, 40);
    screen.keys("home").shows(&["own"]);
    screen.shows(&["0/1"]).keys("]").shows(&["1/1"]);
}

// If this fails, a person trains on something else than what was chosen, or on nothing without a word.
#[test]
fn the_chosen_examples_go_to_training_with_their_right_answers() {
    let none = trained_on(&[Action::Train]);
    assert!(
        matches!(none.as_slice(), [Intent::Notice(notice)] if notice.kind == NoticeKind::Wrong)
    );

    // The first row is an area whose only example is a correction; the second is that example.
    let intents = trained_on(&[
        Action::ChooseAll,
        Action::First,
        Action::Down,
        Action::Choose,
        Action::Train,
    ]);
    let [Intent::Train(TrainingMaterial::Examples(examples))] = intents.as_slice() else {
        panic!("{intents:?}")
    };
    let chosen: Vec<_> = examples.iter().map(|e| (e.id.as_str(), e.provenance)).collect();
    assert_eq!(
        chosen,
        [
            ("session_20261101_101500", Provenance::Correction),
            ("shell-list", Provenance::Targeted),
            ("shell-copy", Provenance::Targeted),
        ]
    );
    assert_eq!(examples[2].answer, "rsync -av --delete src/ dst/");

    let again = trained_on(&[Action::ChooseAll, Action::ChooseAll, Action::Train]);
    assert!(matches!(again.as_slice(), [Intent::Notice(_)]), "{again:?}");
}

#[test]
fn space_on_an_area_chooses_its_weak_examples() {
    let mut screen = with_figures(80, 24);
    screen.keys("up space").shows(&["✓ 2 chosen", "2 chosen to train on"]);
    screen.keys("space").shows(&["0 chosen to train on"]);
}

// If this fails, the figures vanish for a minute whenever something is measured anew.
#[test]
fn while_measuring_the_old_figures_stay_and_can_be_used() {
    let mut screen = with_figures(80, 24);
    with_adapters(&mut screen, &["lora-v1"]);
    screen.keys("b").shows(&["m measures lora-v1 on the built-in set"]).keys("m");
    assert!(matches!(
        screen.effects.last(),
        Some(Effect::FindWeak { arm: ArmChoice::Adapter(name), .. }) if name == "lora-v1"
    ));
    assert!(screen.app.wants_ticks());
    tell(&mut screen, WorkEvent::Started);
    let event = Event::Measuring { what: "scoring", done: 30, total: 120 };
    tell(&mut screen, WorkEvent::Progress(event));
    screen.shows(&["measuring lora-v1", "━", "30 of 120 · Esc stops", "ls -la³", "base on"]);
    screen.keys("down down c").shows(&["✓ 2 chosen"]);
    let mut items = items();
    items.retain(|item| item.example.area != "own");
    tell(&mut screen, found(items));
    screen.shows(&["of 24 over", "✓ 2 chosen"]);
    assert!(!screen.app.wants_ticks());
}

// If this fails, a long measurement cannot be stopped, or stopping it loses the figures before it.
#[test]
fn esc_stops_measuring_and_keeps_what_there_was() {
    let mut screen = with_figures(80, 24);
    screen.keys("m");
    let started = work(&screen);
    screen.keys("esc");
    assert!(matches!(screen.effects.last(), Some(Effect::Cancel(work)) if *work == started));
    tell(&mut screen, WorkEvent::Cancelled);
    screen.shows(&["measuring was stopped", "of 25 over"]);
    // What comes late of it is not taken for a new measurement.
    tell(&mut screen, found(Vec::new()));
    screen.shows(&["of 25 over"]);
}

// If this fails, a person with a bad line in a set does not learn which.
#[test]
fn a_set_that_cannot_be_read_is_said_with_its_reason() {
    for mut screen in [opened(80, 24), with_figures(80, 24)] {
        screen.keys("m");
        let why = "line 7 of my-set.jsonl: it needs `answer` \u{1b}[31mor `messages`";
        tell(&mut screen, WorkEvent::Failed(why.into()));
        screen.shows(&["! not measured: line 7 of my-set.jsonl: it needs `answer` or `messages`"]);
        screen.keys("m");
        assert!(!screen.shown().contains("not measured"));
    }
}

// If this fails, another set cannot be chosen, or its figures are taken for those of the one before.
#[test]
fn another_set_is_entered_and_the_figures_say_whose_they_are() {
    let mut screen = with_figures(80, 24);
    screen.keys("o").shows(&["Evaluation set"]).text("/sets/mine.jsonl").keys("enter");
    screen.shows(&["base on the built-in set", "m measures base on mine.jsonl"]).keys("m");
    assert!(matches!(
        screen.effects.last(),
        Some(Effect::FindWeak { set: SetChoice::File(path), .. }) if path.ends_with("mine.jsonl")
    ));
    tell(&mut screen, found(items()));
    screen.shows(&["base on mine.jsonl"]);
    assert!(!screen.shown().contains("m measures"));
    screen.keys("m o backspace enter");
    assert!(matches!(screen.effects.last(), Some(Effect::Cancel(_))));
}

// If this fails, a set too small to have a find part looks like one that was never measured.
#[test]
fn a_set_without_a_find_part_is_said_to_have_none() {
    let mut screen = opened(80, 24);
    screen.keys("m");
    tell(&mut screen, found(Vec::new()));
    screen.shows(&["The find part of the built-in set", "is empty", "m  measures"]);
    screen.keys("c t space enter [ ] = left right down end ctrl-y").shows(&["nothing to copy"]);
}

#[test]
fn copying_takes_the_example_or_the_table() {
    let mut screen = with_figures(80, 24);
    screen.keys("down ctrl-y");
    let copied = |screen: &Screen| match screen.terminal_effects.last() {
        Some(TerminalEffect::Copy(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    let text = copied(&screen);
    assert!(
        text.starts_with("Write one shell command: copy") && text.ends_with("dst/\n"),
        "{text}"
    );
    screen.keys("home ctrl-y");
    let text = copied(&screen);
    assert_eq!(text.lines().count(), 26);
    assert!(text.contains("shell\tshell-copy\t"), "{text}");
}

// If this fails, text from a set or a model steers the terminal, or breaks the frame.
#[test]
fn hostile_text_is_shown_as_text() {
    let mut items = items();
    for item in &mut items {
        item.example.messages = vec![Message::user("a\u{1b}[2J\n\tb 改善 ".repeat(60))];
        item.example.area.push_str("\u{1b}]0;x\u{7}");
    }
    let mut screen = opened(80, 24);
    screen.keys("m");
    tell(&mut screen, found(items));
    for keys in ["down", "enter", "pagedown end", "home", "esc end"] {
        screen.keys(keys);
        assert!(!screen.shown().contains('\u{1b}'));
    }
}

// If this fails, a small window or a fast hand ends the program.
#[test]
fn any_keys_at_any_size() {
    let keys =
        "up down pageup pagedown home end left right space c [ ] = t enter esc b m o esc ctrl-y";
    let keys: Vec<&str> = keys.split(' ').collect();
    let sizes = [(60, 16), (61, 17), (80, 24), (200, 60), (3, 2)];
    let mut screen = with_figures(80, 24);
    with_adapters(&mut screen, &["lora-v1", "lora-v2"]);
    let mut random = 17u64;
    for step in 0..1500 {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let number = (random >> 33) as usize;
        screen.keys(keys[number % keys.len()]);
        if step % 40 == 0 {
            let (width, height) = sizes[number / 64 % sizes.len()];
            screen.resize(width, height);
            screen.shown();
        }
        // Training brings another pane to the front.
        screen.event(crate::tui::event::Event::Resize(1, 1)).keys("3");
    }
    screen.resize(80, 24).shown();
}

// If this fails, one example among hundreds is not found, or what was chosen is forgotten while one looks.
#[test]
fn a_search_leaves_the_matching_examples_under_their_areas() {
    let mut screen = with_figures(80, 24);
    screen.keys("c /").text("snow improvement");
    screen.shows(&["writing", "/ snow improvement", "poem-1"]);
    assert!(!screen.shown().contains("maths"), "{}", screen.shown());
    screen.keys("enter").keys("/ ctrl-u").text("nowhere").shows(&["No example has these words"]);
    screen.keys("down enter esc").shows(&["maths"]);
    // Those that are chosen are trained on, shown or not.
    screen.keys("t");
    let trained = screen.effects.iter().find_map(|effect| match effect {
        Effect::PrepareTraining { material: TrainingMaterial::Examples(examples), .. } => {
            Some(examples.len())
        }
        _ => None,
    });
    assert!(trained.is_some_and(|examples| examples > 1), "{trained:?}");
    screen.keys("esc 3 esc").shows(&["maths"]);
}

// If this fails, the mouse leads to another example than the one under it, or the heat map keeps its narrow
// half.
#[test]
fn examples_are_clicked_and_the_line_beside_the_list_is_dragged() {
    let mut screen = with_figures(120, 40);
    screen.click("What is 3 and").shows(&["maths-05"]).click("What is 3 and");
    screen.shows(&["token"]);
    assert!(!screen.shown().contains("What is 4 and 4"), "the second click shows it alone");
    screen.keys("esc");
    let (column, row) = screen.place_of(" │");
    use crossterm::event::{MouseButton, MouseEventKind};
    let left = MouseButton::Left;
    screen.mouse(MouseEventKind::Down(left), (column + 1, row));
    screen.mouse(MouseEventKind::Drag(left), (30, row));
    assert!(screen.place_of(" │").0 < column - 10, "{}", screen.shown());
}

// If this fails, a person cannot show where the model is weak, or compute with it.
#[test]
fn areas_are_exported_as_a_chart_and_an_open_example_token_by_token() {
    let mut screen = with_figures(120, 40);
    let taken = |screen: &mut Screen| {
        screen.keys("e enter");
        let Some(Effect::Export { what, .. }) = screen.effects.last() else { panic!() };
        what.clone()
    };
    let areas = taken(&mut screen);
    assert_eq!((areas.file_name(), areas.table.rows.len()), ("weak-areas-base.svg".into(), 25));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("areas.svg");
    crate::report::write_taken_out(&areas, &path, false).unwrap();
    let svg = std::fs::read_to_string(path).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let words = document.descendants().filter_map(|node| node.text());
    let words: Vec<&str> = words.map(str::trim).collect();
    assert!(words.contains(&"shell") && words.contains(&"maths"), "{words:?}");
    screen.keys("down enter");
    let (work, _) = looked_at(&screen).unwrap();
    screen.report(Report::Work { work, event: alternatives(COPY.len()) });
    let tokens = taken(&mut screen);
    assert_eq!(tokens.file_name(), "tokens-shell-copy.csv");
    let first = &tokens.table.rows[0];
    assert_eq!((first[1].as_str(), first[4].as_str()), ("\"rsync\"", "6"));
    assert!(first[5].contains("\"cp\" 41 %"), "{first:?}");
}

// If this fails, a key that is pressed twice changes the model.
#[test]
fn measuring_twice_asks_for_nothing_else() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc 3 m m").shows(&["it is measuring already: Esc stops it"]);
    assert!(!screen.shown().contains("Models on this machine"), "{}", screen.shown());
}
