//! How Tasks looks: the conversation above, the prompt below.

use super::conversation::{Attempt, AttemptState, Turn};
use super::{TasksPane, steps_view};
use crate::runtime::Stop;
use crate::tui::action::Action;
use crate::tui::hits::Part;
use crate::tui::pane::{ModelState, Shared};
use crate::tui::widgets::{elide, stars, wrap};
use crate::workplace::ArmChoice;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Gauge, Paragraph};
use std::cell::Ref;

/// The prompt grows to this many rows of text.
const PROMPT_ROWS: usize = 8;

const SPINNER: [&str; 4] = ["◐", "◓", "◑", "◒"];

pub fn draw(pane: &TasksPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let rows = pane.prompt.rows(area.width.saturating_sub(4)).clamp(1, PROMPT_ROWS) as u16;
    let fetching = match &shared.model {
        ModelState::Ready(_) => 0,
        ModelState::Coming(..) => 1,
        ModelState::Failed(_) => 3,
    };
    let [conversation, model, prompt] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(fetching),
        Constraint::Length(rows + 2),
    ])
    .areas(area);
    draw_conversation(pane, frame, conversation.inner(Margin::new(1, 0)), shared);
    draw_model(frame, model.inner(Margin::new(1, 0)), shared);
    draw_prompt(pane, frame, prompt, shared);
}

fn draw_conversation(pane: &TasksPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let width = usize::from(area.width);
    if pane.conversation.is_empty() {
        let lines = match pane.acting {
            true => welcome_to_acting(width, shared),
            false => welcome(width, shared),
        };
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let turns: Vec<TurnLines> =
        pane.conversation.turns.iter().map(|turn| turn_lines(turn, width, shared)).collect();
    let visible = usize::from(area.height);
    let first = pane.scroll.first(turns.iter().map(TurnLines::len).sum(), visible);
    let lines = turns.iter().flat_map(TurnLines::lines);
    let shown: Vec<Line> = lines.skip(first).take(visible).cloned().collect();
    frame.render_widget(Paragraph::new(shown), area);
    shared.hits.text(area, Part::Main);
}

fn welcome(width: usize, shared: &Shared) -> Vec<Line<'static>> {
    let steps = [
        "Ask below; rate the answer with one key, and write what was right.",
        "See where the model is weak (<show-weak-areas>) and train an adapter on that (<show-training>).",
        "Compare it with the base on what it never saw (<show-compare>); keep the better.",
    ];
    let note = "The small default model (135M) is there to show the loop; larger ones answer better (<models> shows those here). \
                All stays on this machine. <leave-prompt> leaves the prompt, then <help> shows all keys.";
    let title = "Kaizen makes a model better at your work, from your ratings.";
    words_on_empty(title, steps, note, width, shared)
}

fn welcome_to_acting(width: usize, shared: &Shared) -> Vec<Line<'static>> {
    let steps = [
        "Say below what is to be done. The model looks, and chooses one action after another.",
        "Whatever changes something waits for your word; what only looks does not.",
        "Rate the work; Sessions (<show-sessions>) takes stars and right actions for single steps.",
    ];
    let note = "The model answers when it is done. Each task stands alone: it does not know the one before. \
                <folder-now> changes the folder, <switch-mode> goes back to asking.";
    words_on_empty("Act mode: a task is carried out in a folder.", steps, note, width, shared)
}

fn words_on_empty(
    title: &'static str,
    steps: [&'static str; 3],
    note: &'static str,
    width: usize,
    shared: &Shared,
) -> Vec<Line<'static>> {
    let (theme, keymap) = (&shared.theme, &shared.keymap);
    let mut lines = vec![Line::default(), Line::styled(title, theme.accent), Line::default()];
    for (number, words) in steps.into_iter().enumerate() {
        for (row, line) in
            wrap(&keymap.tell(words), width.saturating_sub(5)).into_iter().enumerate()
        {
            let mark = if row == 0 { format!(" {}.  ", number + 1) } else { "     ".into() };
            lines.push(Line::from(vec![Span::styled(mark, theme.accent), Span::raw(line)]));
        }
    }
    lines.push(Line::default());
    lines.extend(
        wrap(&keymap.tell(note), width).into_iter().map(|line| Line::styled(line, theme.dim)),
    );
    lines
}

/// A turn as it is drawn: the answer's lines are kept with it, and not made anew.
struct TurnLines<'a> {
    before: Vec<Line<'static>>,
    answer: Option<Ref<'a, [Line<'static>]>>,
    after: Vec<Line<'static>>,
}

impl TurnLines<'_> {
    fn len(&self) -> usize {
        self.lines().count()
    }

    fn lines(&self) -> impl Iterator<Item = &Line<'static>> {
        let answer = self.answer.iter().flat_map(|lines| lines.iter());
        self.before.iter().chain(answer).chain(&self.after)
    }
}

fn turn_lines<'a>(turn: &'a Turn, width: usize, shared: &Shared) -> TurnLines<'a> {
    let theme = &shared.theme;
    let mut lines = Vec::new();
    for (row, line) in wrap(&turn.prompt, width.saturating_sub(2)).into_iter().enumerate() {
        let mark = if row == 0 { "❯ " } else { "  " };
        lines.push(Line::styled(format!("{mark}{line}"), theme.person));
    }
    if let Some(folder) = &turn.folder {
        let words = elide(&format!("in {}", shared.places.shown(folder)), width.saturating_sub(2));
        lines.push(Line::styled(format!("  {words}"), theme.dim));
    }
    lines.push(Line::default());
    let (before, mut answer, mut after) = (lines, None, Vec::new());
    let Some(attempt) = turn.attempts.last() else {
        return TurnLines { before, answer, after };
    };
    match &attempt.acting {
        Some(acting) => after.extend(steps_view::lines(attempt, acting, width, shared)),
        None => {
            if !attempt.text.is_empty() {
                answer = Some(attempt.lines.of(&attempt.text, width, shared.reading()));
            }
            after.extend(state(attempt, width, shared));
        }
    }
    if turn.attempts.len() > 1
        && let Some(last) = after.last_mut()
    {
        let noun = if turn.folder.is_some() { "try" } else { "answer" };
        let which = format!(" · {noun} {} of {}", turn.attempts.len(), turn.attempts.len());
        last.push_span(Span::styled(which, theme.dim));
    }
    after.push(Line::default());
    TurnLines { before, answer, after }
}

fn state(attempt: &Attempt, width: usize, shared: &Shared) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let cancel = shared.keymap.key("cancel-answer");
    let spinner = SPINNER[(shared.ticks % SPINNER.len() as u64) as usize];
    let spans = match &attempt.state {
        AttemptState::Waiting => {
            let words = match shared.model {
                ModelState::Ready(_) => "waiting for the model",
                ModelState::Coming(..) => "will be answered as soon as the model is there",
                ModelState::Failed(_) => "there is no model",
            };
            vec![Span::styled(format!("{spinner} {words} · {cancel} cancels"), theme.warning)]
        }
        AttemptState::Writing => {
            vec![Span::styled(format!("{spinner} writing · {cancel} cancels"), theme.warning)]
        }
        AttemptState::Done(answered) => {
            let ended = match answered.stop {
                Stop::EndOfTurn | Stop::Marker | Stop::Complete => "",
                Stop::MaxTokens => " · cut at the longest answer allowed",
                Stop::ContextFull => " · the model's context is full",
                Stop::Cancelled => " · cancelled",
            };
            let arm = match answered.blind && attempt.stars.is_none() {
                true => "arm hidden until rated",
                false => &answered.arm,
            };
            let figures = format!(
                "  {} tokens · {:.1} tokens/s · {arm}{ended}",
                answered.tokens, answered.tokens_per_second
            );
            vec![Span::styled(stars(attempt.stars), theme.stars), Span::styled(figures, theme.dim)]
        }
        AttemptState::Acted(_) => Vec::new(),
        AttemptState::Cancelled => vec![Span::styled("cancelled before it began", theme.dim)],
        AttemptState::Failed(why) => {
            let rows = wrap(&format!("! {why}"), width);
            return rows.into_iter().map(|row| Line::styled(row, theme.bad)).collect();
        }
    };
    vec![Line::from(spans)]
}

fn draw_model(frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    match &shared.model {
        ModelState::Ready(_) => {}
        ModelState::Coming(words, share) => {
            let gauge = Gauge::default()
                .gauge_style(theme.accent)
                .ratio(
                    share
                        .filter(|share| share.is_finite())
                        .map_or(0.0, |s| s.clamp(0.0, 1.0).into()),
                )
                .label(words.clone());
            frame.render_widget(gauge, area);
        }
        ModelState::Failed(why) => {
            let again = match shared.owner {
                Some(_) => "",
                None => " (sending a prompt tries again)",
            };
            let lines = wrap(&format!("! {why}{again}"), area.width.into());
            let lines: Vec<Line> =
                lines.into_iter().map(|line| Line::styled(line, theme.bad)).collect();
            frame.render_widget(Paragraph::new(lines), area);
        }
    }
}

fn draw_prompt(pane: &TasksPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let arm = match &shared.arm {
        ArmChoice::Auto => String::new(),
        ArmChoice::Base => "for base ".to_owned(),
        ArmChoice::Adapter(name) => format!("for {name} "),
    };
    let style = if pane.writing { theme.accent } else { theme.dim };
    let follows_up = !pane.acting && pane.conversation.has_answers();
    let what = if follows_up { "Follow-up" } else { "Your task" };
    let mut title = vec![Span::styled(format!(" {what} {arm}"), style)];
    if pane.acting {
        let used = title.iter().map(Span::width).sum::<usize>() + "· act in ".len() + 4;
        let room = usize::from(area.width).saturating_sub(used);
        let folder = elide(&shared.places.shown(&pane.folder), room);
        title.push(Span::styled(format!("· act in {folder} "), theme.warning));
    } else if !pane.system.is_empty() {
        title.push(Span::styled("· with a system prompt ", style));
    }
    let border = if pane.writing { theme.focused_border } else { theme.border };
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(border)
        .title(Line::from(title));
    let mark = match (pane.waits() && !shared.layered, pane.unrated, pane.writing) {
        (true, _, true) => Some(
            " an action waits for your word: <look-at-action>, or <leave-prompt> and then <show-action> ",
        ),
        (true, _, false) => Some(" an action waits for your word: <show-action> "),
        (false, true, _) => Some(" an answer waits for its rating: <leave-prompt> <rate> "),
        (false, false, _) => None,
    };
    if let Some(mark) = mark {
        block = block.title_bottom(Line::styled(shared.keymap.tell(mark), theme.warning));
    }
    // The conversation goes on between what is seen of it and this border.
    if let Some(mark) = pane.scroll.mark().filter(|_| !pane.conversation.is_empty()) {
        block = block.title(Line::styled(format!(" {mark} "), theme.warning).right_aligned());
    }
    let inner = block.inner(area).inner(Margin::new(1, 0));
    frame.render_widget(block, area);
    shared.hits.act(area, Action::EnterPrompt);
    if pane.prompt.is_empty() && !pane.writing {
        let words = format!("{} to write", shared.keymap.any_of("prompt"));
        frame.render_widget(Line::styled(words, theme.dim), inner);
    } else {
        pane.prompt.draw(frame, inner, pane.writing, theme);
    }
}
