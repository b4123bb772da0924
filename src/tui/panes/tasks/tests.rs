//! A task from the first key to the rating, without a model.
#![allow(clippy::unwrap_used)]

use crate::driver::{Answered, Effect, Report, WorkEvent, WorkId};
use crate::runtime::Stop;
use crate::store::Role;
use crate::tui::event::Event;
use crate::tui::pane::TerminalEffect;
use crate::tui::tests::{SIZES, Screen};

fn asked(screen: &Screen) -> (WorkId, crate::driver::AskTask) {
    let asks = screen.effects.iter().rev();
    asks.filter_map(|effect| match effect {
        Effect::Ask { work, task } => Some((*work, task.clone())),
        _ => None,
    })
    .next()
    .expect("nothing was asked")
}

fn event(screen: &mut Screen, event: WorkEvent) {
    let (work, _) = asked(screen);
    screen.report(Report::Work { work, event });
}

fn answer(screen: &mut Screen, text: &str) {
    event(screen, WorkEvent::Started);
    event(screen, WorkEvent::Text(text.into()));
    event(
        screen,
        WorkEvent::Answered(Box::new(Answered {
            session: "session_20261123_120000".parse().unwrap(),
            arm: "base".into(),
            blind: false,
            text: text.into(),
            stop: Stop::EndOfTurn,
            tokens: 12,
            tokens_per_second: 14.25,
        })),
    );
}

#[test]
fn the_first_screen_tells_the_loop_in_three_lines_and_that_the_model_is_small() {
    let mut screen = Screen::new(80, 24);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("first_{width}x{height}"), picture);
    }
    let mut screen = Screen::new(120, 40);
    insta::assert_snapshot!("first_120x40", screen.picture());
}

#[test]
fn a_model_that_is_being_fetched_shows_a_bar_and_a_missing_one_its_reason() {
    use crate::driver::ModelReport;
    use crate::model::source;
    let mut screen = Screen::starting(80, 24);
    let bytes = source::Event::Bytes { done: 46_000_000, total: Some(92_000_000) };
    screen.report(Report::Model(ModelReport::Source(bytes)));
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("fetching_{width}x{height}"), picture);
    }
    screen.report(Report::Model(ModelReport::Failed("no source gives it; see config.toml".into())));
    screen.shows(&["no source gives it", "sending a prompt tries again", "no model"]);
    screen.text("hello").keys("enter");
    let again = screen.effects.iter().filter(|e| matches!(e, Effect::LoadModel)).count();
    assert_eq!(again, 2, "a failed model is not tried again");
}

#[test]
fn digits_letters_and_new_lines_are_text_and_enter_sends() {
    let mut screen = Screen::new(80, 24);
    screen.text("q 1").keys("ctrl-j").text("2?").keys("alt-enter").text("3").keys("enter");
    let (_, task) = asked(&screen);
    assert_eq!(task.messages.len(), 1);
    assert_eq!(task.messages[0].content, "q 1\n2?\n3");
    event(&mut screen, WorkEvent::Started);
    event(&mut screen, WorkEvent::Text("It str".into()));
    event(&mut screen, WorkEvent::Text("eams".into()));
    screen.shows(&["It streams", "writing", "Esc cancels"]);
    screen.keys("esc");
    assert!(matches!(screen.effects.last(), Some(Effect::Cancel(_))));
}

#[test]
fn a_follow_up_carries_the_conversation_and_the_system_prompt() {
    let mut screen = Screen::new(80, 24);
    screen.keys("esc s").text("Be brief.").keys("enter").keys("i");
    screen.text("first").keys("enter");
    answer(&mut screen, "one");
    screen.keys("esc").text("second").keys("enter");
    let (_, task) = asked(&screen);
    let turns: Vec<_> = task.messages.iter().map(|m| (m.role, m.content.as_str())).collect();
    assert_eq!(
        turns,
        [
            (Role::System, "Be brief."),
            (Role::User, "first"),
            (Role::Assistant, "one"),
            (Role::User, "second"),
        ]
    );
}

// If this fails, a new task carries the old one along, which a small model answers worse.
#[test]
fn a_new_task_begins_without_the_old_one() {
    let mut screen = Screen::new(80, 24);
    screen.text("first").keys("enter");
    answer(&mut screen, "one");
    screen.keys("esc ctrl-n").text("second").keys("enter");
    let (_, task) = asked(&screen);
    assert_eq!(task.messages.len(), 1);
}

#[test]
fn an_answer_can_be_asked_for_again_and_is_recorded_as_a_retry() {
    let mut screen = Screen::new(80, 24);
    screen.text("task").keys("enter");
    answer(&mut screen, "bad");
    screen.keys("esc esc r");
    let (_, task) = asked(&screen);
    assert_eq!(task.retry_of.unwrap().as_str(), "session_20261123_120000");
    assert_eq!(task.messages.len(), 1);
}

#[test]
fn a_text_that_is_being_written_is_never_taken_for_a_rating() {
    let mut screen = Screen::new(80, 24);
    screen.text("task").keys("enter").text("and 5");
    answer(&mut screen, "done");
    screen.text(" more");
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::Rate { .. })));
    screen.shows(&["and 5 more", "waits for its rating"]);
}

// If this fails, whoever reads back is thrown to the end by the next word, or does not know that there is more.
#[test]
fn reading_back_stays_where_it_is_while_the_answer_goes_on() {
    let mut screen = Screen::new(80, 24);
    screen.text("task").keys("enter");
    event(&mut screen, WorkEvent::Started);
    for line in 0..60 {
        event(&mut screen, WorkEvent::Text(format!("line {line}\n")));
    }
    screen.shows(&["line 59"]);
    screen.keys("pageup pageup");
    let before = screen.shown();
    let first = before.lines().nth(2).unwrap().to_owned();
    for line in 60..90 {
        event(&mut screen, WorkEvent::Text(format!("line {line}\n")));
    }
    assert_eq!(screen.shown().lines().nth(2).unwrap(), first);
    // On the border between what is seen and the prompt.
    let shown = screen.shown();
    let border = shown.lines().find(|line| line.contains("Follow-up")).unwrap();
    assert!(border.ends_with("↓ 66 more ╮"), "{border}");
    screen.keys("pagedown pagedown pagedown pagedown pagedown");
    screen.shows(&["line 89"]);
    assert!(!screen.shown().contains("more ╮"));
    // Outside the prompt one key goes to an end.
    for key in ["shift-g", "end"] {
        let mut screen = scrolled();
        screen.keys(key).shows(&["line 59"]);
        assert!(!screen.shown().contains("more ╮"));
        screen.keys("g").shows(&["❯ task", "line 0", "more ╮"]);
    }
}

/// A long answer that is whole, read back by a page.
fn scrolled() -> Screen {
    let mut screen = Screen::new(80, 24);
    screen.text("task").keys("enter");
    answer(&mut screen, &(0..60).map(|line| format!("line {line}\n")).collect::<String>());
    // What a key scrolls was seen before.
    screen.keys("esc esc").shows(&["line 59"]).keys("pageup").shows(&["more ╮"]);
    screen
}

// If this fails, an answer is a wall of marks; or what the model really wrote cannot be seen.
#[test]
fn an_answer_is_laid_out_and_one_key_shows_it_as_it_is() {
    let mut screen = Screen::new(80, 24);
    screen.text("task").keys("enter");
    let text = "Use **this**:\n\n- `ls`\n\n```sh\nls -l # all\n```";
    answer(&mut screen, text);
    screen.keys("esc esc").shows(&["Use this:", "• `ls`", "┌ sh", "│ ls -l # all"]);
    let theme = crate::tui::theme::Theme::default();
    assert_eq!(screen.style_of("# all").fg, theme.comment.fg);
    screen.keys("shift-r").shows(&["Use **this**:", "- `ls`", "```sh", "shown as they are"]);
    screen.keys("shift-r").shows(&["• `ls`", "laid out"]);
    screen.keys("ctrl-y");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Copy(text.into())]);
}

#[test]
fn an_answer_is_copied_also_while_it_comes() {
    let mut screen = Screen::new(80, 24);
    screen.text("task").keys("enter");
    event(&mut screen, WorkEvent::Text("half an".into()));
    screen.keys("ctrl-y");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Copy("half an".into())]);
}

#[test]
fn the_arrows_bring_older_prompts_back() {
    let mut screen = Screen::new(80, 24);
    screen.text("first task").keys("enter");
    answer(&mut screen, "a");
    screen.keys("esc").text("draft").keys("up");
    screen.shows(&["│ first task"]);
    screen.keys("down");
    screen.shows(&["│ draft"]);
}

#[test]
fn a_conversation_fits_the_small_screen_and_uses_the_large_one() {
    for (width, height) in SIZES {
        let mut screen = Screen::new(width, height);
        screen.text("Write one shell command: count the files here").keys("enter");
        answer(&mut screen, "You can use this:\n\n    ls -1 | wc -l\n\n改善 🧑‍🔬 done.");
        screen.keys("esc").text("and hidden ones?");
        insta::assert_snapshot!(format!("conversation_{width}x{height}"), screen.picture());
    }
}

// If this fails, what a person can do about a refused task is cut off.
#[test]
fn why_an_answer_failed_is_read_whole() {
    let mut screen = Screen::new(80, 24);
    screen.text("Say hi").keys("enter");
    let work = screen
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Ask { work, .. } => Some(*work),
            _ => None,
        })
        .unwrap();
    let why = "the prompt has 7823 tokens, the model's context holds 256 and the answer needs some: shorten the prompt";
    screen.report(Report::Work { work, event: WorkEvent::Failed(why.into()) });
    screen.shows(&["! the prompt has 7823 tokens", "shorten the prompt"]);
}

// If this fails, an editor's line ends and control characters reach the model unseen.
#[test]
fn a_text_from_the_editor_is_cleaned_as_a_pasted_one_is() {
    let mut screen = Screen::new(80, 24);
    screen.event(Event::Edited(Ok("one\r\ntwo\u{1b}[31m".into()))).keys("enter");
    let asked = screen.effects.iter().find_map(|effect| match effect {
        Effect::Ask { task, .. } => task.messages.last().map(|message| message.content.clone()),
        _ => None,
    });
    let asked = asked.unwrap();
    assert!(asked.starts_with("one\ntwo") && !asked.contains(['\r', '\u{1b}']), "{asked:?}");
}
