//! The form as a person meets it: over a pane, by keys and reports.
#![allow(clippy::unwrap_used)]

use super::FeedbackForm;
use crate::driver::{Effect, Report};
use crate::feedback::Rating;
use crate::store::{Correction, Issue, Session, SessionId, Stars};
use crate::tui::event::Event;
use crate::tui::layers::Layer;
use crate::tui::pane::{Intent, TerminalEffect};
use crate::tui::tests::Screen;

const ID: &str = "session_20261123_115500";
const ANSWER: &str = "ls\n\nIt lists the files of the folder.";

fn session() -> Session {
    let at = "2026-11-23T11:55:00[UTC]".parse().unwrap();
    let mut session = Session::begin(ID.parse().unwrap(), &at, "Count the files here");
    session.record_mut().answer = Some(ANSWER.into());
    session
}

fn over(form: FeedbackForm, width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.app.open_layer(Layer::Feedback(form));
    screen.effects.clear();
    screen
}

fn new_form() -> Screen {
    over(FeedbackForm::new(ID.parse().unwrap(), ANSWER), 80, 24)
}

/// The ratings that were asked to be saved.
fn ratings(screen: &Screen) -> Vec<Rating> {
    screen
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Rate { session, rating } => {
                assert_eq!(session.as_str(), ID);
                Some(rating.clone())
            }
            _ => None,
        })
        .collect()
}

/// What the desk would report of a rating.
fn rated(rating: &Rating) -> Report {
    let mut session = session();
    session.metadata.user_rating = Some(rating.stars);
    session.metadata.what_went_wrong = rating.issues.clone().unwrap_or_default();
    session.metadata.feedback_comment = rating.comment.clone().filter(|text| !text.is_empty());
    session.record_mut().correction = rating.correction.clone().map(|answer| Correction {
        answer,
        at: "2026-11-23T12:00:00Z".parse().unwrap(),
        extra: Default::default(),
    });
    Report::Rated(Box::new(session))
}

/// Reports the `nth` rating as saved.
fn save(screen: &mut Screen, nth: usize) {
    let rating = ratings(screen).get(nth).cloned().unwrap();
    screen.report(rated(&rating));
}

fn failed(why: &str) -> Report {
    Report::RatingFailed { session: ID.parse().unwrap(), why: why.into() }
}

fn stars(number: i64) -> Stars {
    Stars::try_from(number).unwrap()
}

// If this fails, rating takes more than one key, or a person is told that something is saved that is
// not on disk.
#[test]
fn one_key_rates_and_saved_is_said_only_after_it_is() {
    let mut screen = new_form();
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("stars_{width}x{height}"), picture);
    }
    screen.keys("4").shows(&["★★★★☆ saving…"]);
    assert_eq!(ratings(&screen), [Rating::stars(stars(4))]);
    assert!(!screen.shown().contains("saved "));
    save(&mut screen, 0);
    screen.shows(&["✓ ★★★★☆ saved"]);
    assert!(!screen.shown().contains("How good was the answer?"));
}

// If this fails, a bad answer teaches nothing: there is no way to say what was wrong.
#[test]
fn few_stars_ask_what_went_wrong_and_everything_is_saved_together() {
    let mut screen = new_form();
    screen.keys("2").shows(&["★★☆☆☆ saving…", "1 [ ] OCR confidence low"]);
    save(&mut screen, 0);
    screen.shows(&["★★☆☆☆ saved"]);
    screen.keys("2 5 3 3").shows(&["2 [x] Wrong action selected", "3 [ ] Timeout", "5 [x] Other"]);
    screen.keys("tab").text("q wants the number").keys("tab");
    screen.shows(&["› Right answer", "unchanged", "It lists the files"]);
    screen.keys("ctrl-u").text("ls | wc -l").keys("ctrl-j").text("counts them");
    screen.shows(&["changed"]);
    for (width, height, picture) in screen.pictures() {
        insta::assert_snapshot!(format!("rest_{width}x{height}"), picture);
    }
    screen.keys("enter").shows(&["saving…"]);
    let rest = Rating {
        stars: stars(2),
        issues: Some(vec![Issue::WrongAction, Issue::Other]),
        comment: Some("q wants the number".into()),
        correction: Some("ls | wc -l\ncounts them".into()),
    };
    assert_eq!(ratings(&screen), [Rating::stars(stars(2)), rest]);
    save(&mut screen, 1);
    screen.shows(&["★★☆☆☆ saved, with 2 issues, a comment and the right answer"]);
    assert!(!screen.shown().contains("Went wrong"));
}

// If this fails, the model's own bad answer is learned as the right one.
#[test]
fn an_answer_that_nobody_changed_is_no_correction() {
    for keys in ["2 enter", "2 tab tab enter", "2 tab tab ctrl-j enter", "2 tab tab ctrl-u enter"] {
        let mut screen = new_form();
        screen.keys(keys);
        let rest = ratings(&screen).pop().unwrap();
        assert_eq!((rest.correction, rest.comment), (None, None), "{keys}");
    }
}

// If this fails, what is being typed vanishes when the first save is reported late.
#[test]
fn a_late_report_of_the_stars_neither_closes_the_form_nor_touches_the_texts() {
    let mut screen = new_form();
    screen.keys("1 3 tab").text("half a comm");
    save(&mut screen, 0);
    screen.shows(&["3 [x] Timeout", "half a comm", "★☆☆☆☆ saved"]);
    screen.text("ent").keys("enter");
    // Neither another session's rating, nor an older one of this session, is what is waited for.
    save(&mut screen, 0);
    let mut other = session();
    other.session_id = "session_20200101_000000".parse().unwrap();
    other.metadata.user_rating = Some(stars(1));
    screen.report(Report::Rated(Box::new(other))).shows(&["saving…", "half a comment"]);
    save(&mut screen, 1);
    screen.shows(&["saved, with 1 issue and a comment"]);
}

// If this fails, both saves are asked for at once and the form is gone before the second is done.
#[test]
fn a_quick_enter_waits_for_its_own_report() {
    let mut screen = new_form();
    screen.keys("2 1 enter");
    save(&mut screen, 0);
    screen.shows(&["saving…", "1 [x] OCR"]);
    // Nothing can be typed into what is already on its way.
    screen.keys("2").shows(&["2 [ ] Wrong"]);
    save(&mut screen, 1);
    assert!(!screen.shown().contains("1 [x] OCR"));
}

// If this fails, a full disk costs what was written, or nobody hears of it.
#[test]
fn a_rating_that_cannot_be_saved_says_why_and_stays() {
    let mut screen = new_form();
    screen.keys("5").report(failed("no space left on the device"));
    screen.shows(&["Not saved: no space left on the device. 1-5 try again.", "not saved"]);
    screen.keys("2").text("1").keys("tab").text("slow").keys("enter");
    screen.report(failed("still full")).report(failed("still full"));
    screen.shows(&["Not saved: still full. Enter tries again.", "slow", "1 [x] OCR"]);
    screen.keys("enter");
    assert_eq!(ratings(&screen).len(), 4);
    save(&mut screen, 3);
    screen.shows(&["★★☆☆☆ saved, with 1 issue and a comment"]);
}

// If this fails, the stars failing and the rest succeeding leaves a form that never goes.
#[test]
fn the_rest_brings_the_stars_that_failed_before() {
    let mut screen = new_form();
    screen.keys("3 4 enter").report(failed("busy"));
    screen.shows(&["saving…"]);
    save(&mut screen, 1);
    screen.shows(&["★★★☆☆ saved, with 1 issue"]);
}

// If this fails, a slip of the finger cannot be put right.
#[test]
fn another_number_replaces_the_stars_before_and_after_they_are_saved() {
    let mut screen = new_form();
    screen.keys("4 2");
    save(&mut screen, 0);
    save(&mut screen, 1);
    screen.shows(&["Went wrong", "★★☆☆☆ saved"]);
    screen.keys("up").shows(&["How good was the answer?", "Tab keeps them"]);
    screen.keys("5");
    save(&mut screen, 2);
    screen.shows(&["★★★★★ saved"]);
    assert_eq!(ratings(&screen).len(), 3);
}

// If this fails, Esc loses a correction that took minutes, or cannot skip the rest.
#[test]
fn escape_keeps_the_stars_and_asks_before_it_drops_what_was_written() {
    let mut screen = new_form();
    screen.keys("esc");
    assert!(ratings(&screen).is_empty() && !screen.shown().contains("How good"));

    let mut screen = new_form();
    screen.keys("2");
    save(&mut screen, 0);
    screen.keys("1 esc");
    assert_eq!((ratings(&screen).len(), screen.shown().contains("Went wrong")), (1, false));

    let mut screen = new_form();
    screen.keys("2");
    save(&mut screen, 0);
    screen.keys("tab").text("x").keys("esc").shows(&["Esc again lets it go", "Went wrong"]);
    screen.text("y").keys("esc").shows(&["Esc again lets it go"]).keys("esc");
    assert!(!screen.shown().contains("Went wrong"));

    // Over stars that are not on disk yet it waits for them.
    let mut screen = new_form();
    screen.keys("1 esc").shows(&["saving…"]);
    save(&mut screen, 0);
    screen.shows(&["★☆☆☆☆ saved"]);
    assert!(!screen.shown().contains("Went wrong"));
    let mut screen = new_form();
    screen.keys("1 esc esc").shows(&["left before the rating was saved"]);
}

// If this fails, re-rating forgets what was said before or sends it all again as new.
#[test]
fn a_session_brings_what_was_said_before() {
    let mut session = session();
    session.metadata.user_rating = Some(stars(2));
    session.metadata.what_went_wrong =
        vec![Issue::Timeout, Issue::Unrecognised("Ran out of\u{1b}[31m coffee".into())];
    session.metadata.feedback_comment = Some("too slow".into());
    session.record_mut().correction = Some(Correction {
        answer: "ls | wc -l".into(),
        at: "2026-11-23T12:00:00Z".parse().unwrap(),
        extra: Default::default(),
    });
    let mut screen = over(FeedbackForm::of(&session, false), 80, 24);
    screen.shows(&["★★☆☆☆ saved", "Tab keeps them"]);
    screen.keys("tab");
    screen.shows(&["3 [x] Timeout", "[x] Ran out of coffee", "too slow", "ls | wc -l"]);
    screen.keys("3 4 enter");
    let rating = ratings(&screen).pop().unwrap();
    let kept = Issue::Unrecognised("Ran out of\u{1b}[31m coffee".into());
    assert_eq!(rating.issues, Some(vec![Issue::Coordination, kept]));
    assert_eq!((rating.comment, rating.correction), (None, None));

    let mut screen = over(FeedbackForm::of(&session, true), 80, 24);
    screen.shows(&["› Right answer"]).text(" # counts").keys("enter");
    let rating = ratings(&screen).pop().unwrap();
    assert_eq!(rating.correction.as_deref(), Some("ls | wc -l # counts"));
}

// If this fails, a right answer for an unrated session cannot be written.
#[test]
fn a_correction_without_stars_asks_for_them_first() {
    let mut screen = over(FeedbackForm::of(&session(), true), 80, 24);
    screen.shows(&["First the stars, then the right answer"]).keys("5");
    save(&mut screen, 0);
    screen.shows(&["› Right answer", "★★★★★ saved"]);
}

// If this fails, the editor's text is lost or lands in the wrong place.
#[test]
fn the_right_answer_goes_through_the_editor() {
    let mut screen = new_form();
    screen.keys("2 tab ctrl-e");
    assert_eq!(screen.terminal_effects, [TerminalEffect::Edit(ANSWER.into())]);
    screen.event(Event::Edited(Ok("ls -1 | wc -l\u{1b}]0;title\u{7}\n# a line each".into())));
    screen.shows(&["› Right answer", "ls -1 | wc -l", "# a line each"]).keys("enter");
    let rating = ratings(&screen).pop().unwrap();
    assert_eq!(rating.correction.as_deref(), Some("ls -1 | wc -l\n# a line each"));
    let mut screen = new_form();
    screen.event(Event::Edited(Ok("not asked for".into()))).keys("2 enter");
    assert_eq!(ratings(&screen).pop().unwrap().correction, None);
}

// If this fails, keys that the text widget knows for itself break a line where there is but one.
#[test]
fn a_comment_is_one_line_and_arrows_move_between_the_fields() {
    let mut screen = new_form();
    screen.keys("2 tab").text("a b").keys("ctrl-j alt-enter");
    screen.event(Event::Paste("c\nd".into()));
    screen.shows(&["a bc d"]).keys("down").shows(&["› Right answer"]);
    screen.keys("up up up").shows(&["› Comment"]);
    screen.keys("up").shows(&["› Went wrong"]).keys("enter");
    assert_eq!(ratings(&screen).pop().unwrap().comment.as_deref(), Some("a bc d"));
}

// If this fails, the form hides the answer that is to be rated, or its texts have no room.
#[test]
fn it_leaves_room_above_and_uses_it_on_a_large_screen() {
    let long = "A long answer of many words that has to be broken. ".repeat(60);
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let mut screen = over(FeedbackForm::new(ID.parse().unwrap(), &long), width, height);
        screen.keys("2 tab tab");
        let shown = screen.shown();
        let top = shown.lines().position(|line| line.contains("What should")).unwrap();
        assert!(top >= usize::from(height) / 4 - 1, "{width}x{height}:\n{shown}");
        assert!(shown.contains("Went wrong") && shown.contains("Right answer"), "{shown}");
    }
    let mut screen = over(FeedbackForm::new(ID.parse().unwrap(), &long), 120, 40);
    screen.keys("1 tab tab");
    insta::assert_snapshot!("long_answer_120x40", screen.picture());
}

// If this fails, what was ticked or failed is told by nothing, or by colour alone.
#[test]
fn states_have_words_and_colours() {
    let mut screen = new_form();
    let theme = crate::tui::theme::Theme::default();
    screen.keys("2");
    assert_eq!(screen.style_of("saving…").fg, theme.warning.fg);
    save(&mut screen, 0);
    assert_eq!(screen.style_of("saved").fg, theme.good.fg);
    screen.keys("3");
    assert_eq!(screen.style_of("[x] Timeout").fg, theme.warning.fg);
    screen.keys("enter").report(failed("no"));
    assert_eq!(screen.style_of("Not saved: no").fg, theme.bad.fg);
}

// If this fails, the form crashes on a small or strange screen.
#[test]
fn no_key_and_no_size_breaks_it() {
    let keys = [
        "1",
        "2",
        "5",
        "tab",
        "backtab",
        "up",
        "down",
        "left",
        "enter",
        "esc",
        "ctrl-j",
        "ctrl-u",
        "ctrl-e",
        "x",
        "space",
        "pageup",
        "end",
        "delete",
        "backspace",
        "k",
    ];
    let mut state = 7_u64;
    let mut next = |limit: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let mut screen = new_form();
    for _ in 0..1500 {
        screen.keys(keys[next(keys.len())]);
        match next(12) {
            0 => screen.report(failed("no")),
            1 => screen.event(Event::Edited(Ok("改善 👍🏽\n\tx".into()))),
            2 => screen.resize(1 + next(90) as u16, 1 + next(40) as u16),
            3 => {
                if let Some(rating) = ratings(&screen).pop() {
                    screen.report(rated(&rating));
                }
                screen.app.handle(Event::Resize(1, 1));
                screen.app.open_layer(Layer::Feedback(FeedbackForm::new(
                    ID.parse::<SessionId>().unwrap(),
                    ANSWER,
                )));
                &mut screen
            }
            _ => &mut screen,
        };
        screen.shown();
    }
    let _: Vec<Intent> = screen.app.handle(Event::Terminate);
}

// If this fails, a key that promises to bring a text back brings another.
#[test]
fn what_was_emptied_comes_back_as_it_was() {
    let mut screen = new_form();
    screen.keys("2 tab").text("not this").keys("ctrl-u");
    assert!(!screen.shown().contains("not this"), "{}", screen.shown());
    screen.keys("ctrl-u").shows(&["not this"]);
    screen.keys("tab ctrl-u").text("what I wrote").keys("ctrl-u ctrl-u").shows(&["what I wrote"]);
}
