//! A task that is carried out, from the first key to the rating, without a model.
#![allow(clippy::unwrap_used)]

use crate::driver::{ActDecision, ActShown, Effect, WorkEvent};
use crate::store::{ActEnding, Approval, ChangeKind, Role};
use crate::tui::pane::TerminalEffect;
use crate::tui::tests::acting::{
    acted, begun, command, decisions, did, event, proposed, quiet, step, task,
};
use crate::tui::tests::{SIZES, Screen};
use crate::tui::theme::Theme;
use std::path::Path;

// If this fails, nobody learns what act mode is, or whether a task will be answered or done.
#[test]
fn one_key_goes_to_act_mode_and_back_also_while_writing() {
    for (width, height) in SIZES {
        let mut screen = Screen::new(width, height);
        screen.keys("tab");
        insta::assert_snapshot!(format!("act_empty_{width}x{height}"), screen.picture());
    }
    let mut screen = Screen::new(80, 24);
    screen.text("half a ta").keys("tab").shows(&["half a ta", "act in ~/desk/docs"]);
    screen.keys("esc tab");
    assert!(!screen.shown().contains("act in"));
    screen
        .keys("tab")
        .shows(&["act in ~/desk/docs"])
        .keys("ctrl-p")
        .shows(&["or carry them out in"]);
}

// If this fails, a task is done in another folder than the one on screen.
#[test]
fn the_folder_is_chosen_in_words_and_the_task_goes_there_alone() {
    let mut screen = Screen::new(80, 24);
    screen.keys("tab ctrl-g").shows(&["Folder", "~/desk/docs"]);
    screen.text("/2026").keys("enter").shows(&["act in ~/desk/docs/2026"]);
    screen.text("count the files").keys("enter");
    let (_, first) = task(&screen);
    assert_eq!(first.task, "count the files");
    assert_eq!(first.workspace, Path::new("/home/ada/desk/docs/2026"));
    assert_eq!((first.retry_of, first.seed), (None, None));
    event(&mut screen, acted(Some("12"), ActEnding::Answered));
    // Esc skips the rating; the next task knows nothing of the first.
    screen.keys("esc esc d ctrl-u").text("~/other").keys("enter i").text("and now?").keys("enter");
    let (_, second) = task(&screen);
    assert_eq!((second.task.as_str(), second.retry_of), ("and now?", None));
    assert_eq!(second.workspace, Path::new("/home/ada/other"));
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::Ask { .. })));
}

// If this fails, an answer is mixed up with tasks that were carried out.
#[test]
fn a_question_after_a_task_knows_only_what_was_asked() {
    let mut screen = begun(80, 24, "tidy up");
    event(&mut screen, acted(Some("done"), ActEnding::Answered));
    screen.keys("esc tab").shows(&["Your task"]).text("why?").keys("enter");
    let asked = screen.effects.iter().find_map(|effect| match effect {
        Effect::Ask { task, .. } => Some(task.clone()),
        _ => None,
    });
    let asked = asked.unwrap();
    let turns: Vec<_> = asked.messages.iter().map(|m| (m.role, m.content.as_str())).collect();
    assert_eq!(turns, [(Role::User, "why?")]);
    assert_eq!(asked.follows, None);
}

fn running(width: u16, height: u16) -> Screen {
    let mut screen = begun(width, height, "Put the PDF files of 2025 into the archive");
    let names: Vec<String> =
        (1..=17).map(|number| format!("docs/invoice-2025-{number:02}.pdf")).collect();
    did(&mut screen, step(1, "shell find docs -name '*2025*.pdf'", &names.join("\n")));
    let mut made = step(2, "shell mkdir -p archive/2025", "");
    made.changed = vec![(ChangeKind::Created, "archive/2025".into())];
    made.approval = Approval::AllowedBefore;
    did(&mut screen, made);
    let mut failed = step(3, "shell mv docs/*2025.pdf archive", "mv: cannot stat 'docs/*2025.pdf'");
    failed.trouble = Some("exit code 1".into());
    failed.approval = Approval::Edited;
    did(&mut screen, failed);
    screen
}

// If this fails, a person does not see what is done in their folder while it is done.
#[test]
fn steps_are_shown_as_they_come_with_what_went_wrong_and_what_changed() {
    for (width, height) in SIZES {
        let mut screen = running(width, height);
        insta::assert_snapshot!(format!("act_running_{width}x{height}"), screen.picture());
    }
    let mut screen = running(120, 40);
    screen.shows(&[
        "1  shell  find docs",
        "invoice-2025-12.pdf",
        "… 5 more lines",
        "created archive/2025",
        "allowed before",
        "! exit code 1",
        "changed by you",
        "choosing step 4 · Esc cancels",
    ]);
    let theme = Theme::default();
    assert_eq!(screen.style_of("! exit code 1").fg, theme.bad.fg);
    assert_eq!(screen.style_of("docs/invoice-2025-01").fg, theme.dim.fg);
    let words = "shell ls".to_owned();
    event(&mut screen, WorkEvent::Act(Box::new(ActShown::Chosen { step: 4, words })));
    screen.shows(&["4  shell  ls", "doing step 4 · Esc cancels"]);
}

// If this fails, the answer is lost among the steps, or cannot be rated like any other.
#[test]
fn the_answer_is_set_apart_rated_with_one_key_and_copied() {
    for (width, height) in SIZES {
        let mut screen = begun(width, height, "How many PDF files are there?");
        did(&mut screen, step(1, "shell find . -name '*.pdf' | wc -l", "12"));
        did(&mut screen, step(2, "answer There are 12.", "There are 12."));
        event(&mut screen, acted(Some("There are 12."), ActEnding::Answered));
        insta::assert_snapshot!(format!("act_answered_{width}x{height}"), screen.picture());
        screen.shows(&[
            "▌ There are 12.",
            "3 steps · 14.2 tokens/s · base",
            "How good was the work?",
        ]);
        screen.keys("2");
        assert!(matches!(screen.effects.last(), Some(Effect::Rate { .. })));
        screen.shows(&["Wrong action selected", "What should have been different in the work?"]);
        screen.keys("esc ctrl-y");
        assert_eq!(screen.terminal_effects, [TerminalEffect::Copy("There are 12.".into())]);
    }
}

// If this fails, a task without an answer looks as if it were still going on, or as if it had one.
#[test]
fn a_task_that_ends_without_an_answer_says_why_and_can_be_tried_again() {
    let mut screen = begun(80, 24, "tidy up");
    did(&mut screen, step(1, "shell ls", "a b"));
    event(&mut screen, acted(None, ActEnding::MaxSteps));
    screen.shows(&["! no answer within the steps allowed", "How good was the work?"]);
    screen.keys("esc esc r");
    let (_, again) = task(&screen);
    assert_eq!(again.retry_of.unwrap().as_str(), "session_20261123_120000");
    assert_eq!(again.task, "tidy up");
    event(&mut screen, WorkEvent::Failed("the folder is gone\u{1b}[2J".into()));
    screen.shows(&["! the folder is gone · try 2 of 2"]);
}

#[test]
fn an_arm_that_was_drawn_stays_hidden_until_the_work_is_rated() {
    let mut screen = begun(80, 24, "tidy up");
    let WorkEvent::Acted(mut end) = acted(Some("done"), ActEnding::Answered) else { panic!() };
    end.blind = true;
    end.arm = "lora-v7".into();
    event(&mut screen, WorkEvent::Acted(end));
    screen.shows(&["arm hidden until rated"]);
    assert!(!screen.shown().contains("lora-v7"));
}

// If this fails, what runs in the folder cannot be ended.
#[test]
fn esc_cancels_what_runs_and_nobody_is_asked_to_rate_it() {
    let mut screen = begun(80, 24, "tidy up");
    let (work, _) = task(&screen);
    screen.keys("esc");
    assert!(matches!(screen.effects.last(), Some(Effect::Cancel(cancelled)) if *cancelled == work));
    event(&mut screen, acted(None, ActEnding::Cancelled));
    screen.shows(&["cancelled"]);
    assert!(!screen.shown().contains("How good"));
}

// If this fails, keys that were meant for a text allow an action.
#[test]
fn the_prompt_never_opens_over_a_text_that_is_being_written() {
    let mut screen = begun(80, 24, "tidy up");
    screen.text("next: y");
    proposed(&mut screen, command(1, "mv a b"));
    quiet(&mut screen);
    screen.text("y").keys("enter").shows(&["next: yy", "an action waits for your word"]);
    assert!(decisions(&screen).is_empty());
    // Esc leaves the text, not the task; o shows the action.
    screen.keys("esc");
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::Cancel(_))));
    screen.keys("o").shows(&["may this be done?"]);
    quiet(&mut screen);
    screen.keys("y");
    assert_eq!(decisions(&screen), [ActDecision::Allow]);
    screen.shows(&["next: yy", "doing step 1"]);
}

// If this fails, an action waits for ever because nobody sees it.
#[test]
fn an_action_that_came_while_one_was_elsewhere_is_told_and_opens_on_coming_back() {
    let mut screen = begun(80, 24, "tidy up");
    event(&mut screen, acted(None, ActEnding::Cancelled));
    screen.keys("esc r 2");
    event(&mut screen, WorkEvent::Started);
    proposed(&mut screen, command(1, "mv a b"));
    screen.shows(&["an action waits for your word", "1! Tasks"]);
    assert!(!screen.shown().contains("may this be done?"));
    screen.keys("1").shows(&["may this be done?"]);
    // Put aside, it still waits, and opens with a key, also from the text.
    screen.keys("esc").shows(&["? waits for your word", "an action waits for your word: o"]);
    screen.keys("i").shows(&["an action waits for your word: ^O"]).keys("ctrl-o");
    screen.shows(&["may this be done?"]);
    assert!(decisions(&screen).is_empty());
    // Another layer is not covered.
    let mut screen = begun(80, 24, "tidy up");
    screen.keys("ctrl-p");
    proposed(&mut screen, command(1, "mv a b"));
    assert!(!screen.shown().contains("may this be done?"));
    screen.keys("esc").shows(&["an action waits for your word"]);
}

// If this fails, a task that is at work ends because somebody left without being asked.
#[test]
fn quitting_while_an_action_waits_asks() {
    let mut screen = begun(80, 24, "tidy up");
    proposed(&mut screen, command(1, "mv a b"));
    screen.keys("ctrl-c").shows(&["still at work"]);
    screen.keys("n").shows(&["may this be done?"]);
    assert!(screen.terminal_effects.is_empty() && decisions(&screen).is_empty());
}
