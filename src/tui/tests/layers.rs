//! What lies over the panes: help, palette, questions.

use super::{SIZES, Screen};
use crate::driver::{AskTask, Effect, Report, TrainingStarted, WorkEvent};
use crate::tui::pane::TerminalEffect;

// If this fails, nobody finds out what the keys do.
#[test]
fn the_help_lists_the_keys_of_this_place_first_and_esc_takes_it_away() {
    for (width, height) in SIZES {
        let mut screen = Screen::new(width, height);
        screen.keys("esc ?");
        insta::assert_snapshot!(format!("help_{width}x{height}"), screen.picture());
        screen.shows(&["more ─╯"]).keys("down down pagedown").shows(&["Help"]).keys("end");
        assert!(!screen.shown().contains("more ─╯"), "the end is not reached");
        screen.keys("up").shows(&["↓ 1 more ─╯"]);
        screen.keys("esc");
        assert!(!screen.shown().contains("Help ·"));
    }
}

#[test]
fn the_palette_finds_an_action_by_a_few_letters_and_does_it() {
    for (width, height) in SIZES {
        let mut screen = Screen::new(width, height);
        screen.keys("esc :").text("weak");
        insta::assert_snapshot!(format!("palette_{width}x{height}"), screen.picture());
        screen.keys("enter").shows(&["Where is the model weak?"]);
    }
    let mut screen = Screen::new(80, 24);
    screen.keys("ctrl-p").text("zzzz").keys("enter esc");
    screen.shows(&["Your task"]);
}

#[test]
fn layers_stack_and_esc_backs_out_one_at_a_time() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc s").text("Be brief").shows(&["System prompt"]);
    screen.keys("esc").shows(&["i or Enter to write"]);
    screen.keys("? esc s").shows(&["System prompt"]).keys("esc ?").shows(&["Help ·"]);
}

fn training(screen: &mut Screen) {
    screen.keys("esc 4 o").text("examples.jsonl").keys("enter");
    let work = screen.effects.iter().find_map(|effect| match effect {
        Effect::PrepareTraining { work, .. } => Some(*work),
        _ => None,
    });
    let work = work.unwrap();
    screen.report(Report::Work { work, event: super::preview() });
    screen.keys("enter");
    let started = screen.effects.iter().find_map(|effect| match effect {
        Effect::StartTraining(work) => Some(*work),
        _ => None,
    });
    let started = started.expect("nothing was started");
    let run = TrainingStarted { run: "run_20261123_120000".into(), steps: 40, done: Vec::new() };
    screen.report(Report::Work { work: started, event: WorkEvent::Training(Box::new(run)) });
}

// If this fails, one wrong key loses a night of training.
#[test]
fn quitting_while_training_asks_and_can_pause_or_stop_the_run() {
    let mut screen = Screen::new(80, 24);
    training(&mut screen);
    screen.keys("q");
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("quit_while_training_{width}x{height}"), picture);
    }
    screen.keys("esc");
    assert!(!screen.terminal_effects.contains(&TerminalEffect::Quit));
    screen.keys("q l");
    assert!(screen.terminal_effects.contains(&TerminalEffect::Quit));
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::AbandonRun(_))));

    let mut screen = Screen::new(80, 24);
    training(&mut screen);
    screen.keys("q x");
    assert!(
        matches!(screen.effects.last(), Some(Effect::AbandonRun(run)) if run == "run_20261123_120000")
    );
    assert!(screen.terminal_effects.contains(&TerminalEffect::Quit));
}

// If this fails, Kaizen ends before anybody trains on, or stays although somebody does.
#[test]
fn a_run_left_to_the_background_ends_kaizen_only_when_that_works() {
    let mut screen = Screen::new(80, 24);
    training(&mut screen);
    screen.keys("q b");
    let run = "run_20261123_120000";
    assert!(matches!(screen.effects.last(), Some(Effect::LeaveTraining(left)) if left == run));
    assert!(!screen.app.is_quitting());
    let failed = Report::Failed { what: "go on in the background", why: "no memory".into() };
    screen.report(failed).shows(&["cannot go on in the background: no memory"]);
    assert!(!screen.app.is_quitting() && screen.app.farewell().is_none());
    screen.report(Report::InBackground { run: run.into(), process: 4242 });
    assert!(screen.app.is_quitting());
    let farewell = screen.app.farewell().unwrap();
    assert!(farewell.contains(run) && farewell.contains("4242"), "{farewell}");
}

// If this fails, a person works in a window whose work is refused, and does not know why.
#[test]
fn a_dashboard_that_follows_says_so_and_takes_over_when_the_other_ends() {
    use crate::store::Holder;
    let mut screen = Screen::starting(80, 24);
    assert!(matches!(screen.effects[0], Effect::WatchHome));
    screen.report(Report::Ownership(Some(Holder { process: Some(4242) })));
    insta::assert_snapshot!("follows_80x24", screen.shown());
    assert!(!screen.app.wants_ticks(), "it works for nothing");
    screen.effects.clear();
    screen.report(Report::Ownership(None)).shows(&["the other dashboard has ended"]);
    assert!(matches!(screen.effects[0], Effect::LoadModel));
    screen.report(Report::Model(crate::driver::ModelReport::Ready(Screen::facts())));
    let shown = screen.shown();
    assert!(!shown.contains("owns this home;") && shown.contains("SmolLM2"), "{shown}");
}

#[test]
fn quitting_while_an_answer_comes_asks_and_with_nothing_at_work_it_does_not() {
    let mut screen = Screen::new(80, 24);
    screen.text("task").keys("enter ctrl-c").shows(&["still at work"]);
    assert!(screen.terminal_effects.is_empty());
    screen.keys("y");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Quit]);

    let mut screen = Screen::new(80, 24);
    screen.keys("esc q");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Quit]);
}

#[test]
fn a_screen_that_is_too_small_says_what_it_needs_and_nothing_is_lost() {
    let mut screen = Screen::new(80, 24);
    screen.text("kept").resize(40, 10).shows(&["needs 60 columns"]);
    screen.resize(80, 24).shows(&["kept"]);
}

// If this fails, a light terminal keeps unreadable colours, or the theme cannot be changed while one looks.
#[test]
fn the_theme_follows_the_terminal_and_the_key() {
    use crate::tui::event::Event;
    use crate::tui::theme::Background;
    let mut screen = Screen::new(80, 24);
    let dark = screen.style_of("Kaizen makes").fg;
    screen.event(Event::Background(Background::Light));
    let light = screen.style_of("Kaizen makes").fg;
    assert_ne!(dark, light);
    screen.keys("esc shift-t").shows(&["theme \"dark\""]);
    assert_eq!(screen.style_of("Kaizen makes").fg, dark);
    screen.event(Event::Background(Background::Light));
    assert_eq!(screen.style_of("Kaizen makes").fg, dark, "what is asked for by name stays");
    screen.keys("shift-t").shows(&["theme \"light\""]);
    assert_eq!(screen.style_of("Kaizen makes").fg, light);
    screen.keys("shift-t").shows(&["theme \"high-contrast\""]);
    screen.keys("shift-t").shows(&["theme \"auto\""]);
    assert_eq!(screen.style_of("Kaizen makes").fg, light);
}

#[test]
fn colours_are_the_themes() {
    let theme = crate::tui::theme::Theme::default();
    let mut screen = Screen::new(80, 24);
    assert_eq!(screen.style_of("1 Tasks").add_modifier, theme.selected.add_modifier);
    screen.text("task").keys("enter");
    assert_eq!(screen.style_of("❯ task").fg, theme.person.fg);
    let asked: Vec<&AskTask> = screen
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask { task, .. } => Some(task),
            _ => None,
        })
        .collect();
    assert_eq!(asked.len(), 1);
    screen.report(Report::Failed { what: "list the runs", why: "the disk is gone".into() });
    assert_eq!(screen.style_of("! cannot list").fg, theme.bad.fg);
}

// If this fails, the end of a complaint, with what to do, is never seen.
#[test]
fn a_long_complaint_is_read_whole_and_hints_come_back_under_a_layer() {
    let mut screen = Screen::new(80, 24);
    let why = format!("the file {}session.json is damaged; mend it", "folder/".repeat(12));
    screen.keys("esc").report(Report::Failed { what: "open the session", why });
    screen.shows(&["! cannot open the session:", "mend it"]);
    // What was done makes room for the keys of what opens; what went wrong stays.
    screen.keys("?").shows(&["mend it"]);
    let mut screen = Screen::new(80, 24);
    screen.keys("esc R").shows(&["answers are shown as they are"]);
    screen.keys("?").shows(&["Esc close"]);
    assert!(!screen.shown().contains("answers are shown"), "{}", screen.shown());
}

// If this fails, a frame has holes beside wide characters.
#[test]
fn a_dialog_over_wide_characters_keeps_its_frame() {
    for prompt in ["語".repeat(38), format!("a{}", "語".repeat(37))] {
        let mut screen = Screen::new(80, 24);
        for _ in 0..6 {
            screen.text(&prompt).keys("ctrl-j");
        }
        screen.keys("ctrl-p");
        let buffer = screen.buffer();
        let (left, top) = screen.place_of("╭ Do what?");
        for y in top + 1..20 {
            let cell = |x: u16| buffer.cell((x, y)).unwrap().symbol().to_owned();
            if cell(left) == "╰" {
                break;
            }
            assert_eq!(cell(left), "│", "row {y}");
            assert_ne!(
                cell(left - 1),
                "語",
                "half of a wide character would be left out in row {y}"
            );
        }
    }
}

// If this fails, the palette is an empty box, or the name that `[keys]` wants is nowhere.
#[test]
fn nothing_found_is_said_and_every_action_has_its_name_in_the_help() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc :").text("zzzz").shows(&["No action has these words."]);
    let mut screen = Screen::new(80, 24);
    screen.keys("esc ?");
    let mut seen = String::new();
    for _ in 0..40 {
        seen += &screen.shown();
        screen.keys("pagedown");
    }
    for (_, name) in crate::tui::actions() {
        assert!(seen.contains(name), "{name} is not in the help at 80 columns");
    }
}
