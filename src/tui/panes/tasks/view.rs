//! How Tasks looks: the conversation above, the prompt below.

use super::conversation::{Attempt, AttemptState, Turn};
use super::{TasksPane, steps_view};
use crate::runtime::Stop;
use crate::tui::pane::{ModelState, Shared};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, stars, wrap};
use crate::workplace::ArmChoice;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Gauge, Paragraph};

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
    let theme = &shared.theme;
    let width = usize::from(area.width);
    let lines = match pane.conversation.is_empty() {
        true if pane.acting => welcome_to_acting(width, theme),
        true => welcome(width, theme),
        false => pane.conversation.turns.iter().flat_map(|t| turn(t, width, shared)).collect(),
    };
    let visible = usize::from(area.height);
    let first = match pane.conversation.is_empty() {
        true => 0,
        false => pane.scroll.first(lines.len(), visible),
    };
    let total = lines.len();
    let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
    frame.render_widget(Paragraph::new(shown), area);
    let below = total.saturating_sub(first + visible);
    if below > 0 && area.height > 0 {
        let mark = format!(" ↓ {below} more below ");
        let wide = (mark.chars().count() as u16).min(area.width);
        let place = Rect { x: area.right() - wide, y: area.bottom() - 1, width: wide, height: 1 };
        frame.render_widget(Line::styled(mark, theme.selected), place);
    }
}

fn welcome(width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let steps = [
        "Ask below; rate the answer with one key, and write what was right.",
        "See where the model is weak (3) and train an adapter on that (4).",
        "Compare it with the base on what it never saw (5); keep the better.",
    ];
    let note = "The small default model (135M) is there to show the loop; larger ones answer better (m shows those here). \
                All stays on this machine. Esc leaves the prompt, then ? shows all keys.";
    let title = "Kaizen makes a model better at your work, from your ratings.";
    words_on_empty(title, steps, note, width, theme)
}

fn welcome_to_acting(width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let steps = [
        "Say below what is to be done. The model looks, and chooses one action after another.",
        "Whatever changes something waits for your word; what only looks does not.",
        "Rate the work; Sessions (2) takes stars and right actions for single steps.",
    ];
    let note = "The model answers when it is done. Each task stands alone: it does not know the one before. \
                ^G changes the folder, Tab goes back to asking.";
    words_on_empty("Act mode: a task is carried out in a folder.", steps, note, width, theme)
}

fn words_on_empty(
    title: &'static str,
    steps: [&'static str; 3],
    note: &'static str,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default(), Line::styled(title, theme.accent), Line::default()];
    for (number, words) in steps.into_iter().enumerate() {
        for (row, line) in wrap(words, width.saturating_sub(5)).into_iter().enumerate() {
            let mark = if row == 0 { format!(" {}.  ", number + 1) } else { "     ".into() };
            lines.push(Line::from(vec![Span::styled(mark, theme.accent), Span::raw(line)]));
        }
    }
    lines.push(Line::default());
    lines.extend(wrap(note, width).into_iter().map(|line| Line::styled(line, theme.dim)));
    lines
}

fn turn<'a>(turn: &'a Turn, width: usize, shared: &Shared) -> Vec<Line<'a>> {
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
    let Some(attempt) = turn.attempts.last() else { return lines };
    match &attempt.acting {
        Some(acting) => lines.extend(steps_view::lines(attempt, acting, width, shared)),
        None => {
            if !attempt.text.is_empty() {
                lines.extend(wrap(attempt.text.trim_end(), width).into_iter().map(Line::raw));
            }
            lines.push(Line::from(state(attempt, shared)));
        }
    }
    if turn.attempts.len() > 1
        && let Some(last) = lines.last_mut()
    {
        let noun = if turn.folder.is_some() { "try" } else { "answer" };
        let which = format!(" · {noun} {} of {}", turn.attempts.len(), turn.attempts.len());
        last.push_span(Span::styled(which, theme.dim));
    }
    lines.push(Line::default());
    lines
}

fn state(attempt: &Attempt, shared: &Shared) -> Vec<Span<'static>> {
    let theme = &shared.theme;
    let spinner = SPINNER[(shared.ticks % SPINNER.len() as u64) as usize];
    match &attempt.state {
        AttemptState::Waiting => {
            let words = match shared.model {
                ModelState::Ready(_) => "waiting for the model",
                ModelState::Coming(..) => "will be answered as soon as the model is there",
                ModelState::Failed(_) => "there is no model",
            };
            vec![Span::styled(format!("{spinner} {words} · Esc cancels"), theme.warning)]
        }
        AttemptState::Writing => {
            vec![Span::styled(format!("{spinner} writing · Esc cancels"), theme.warning)]
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
        AttemptState::Failed(why) => vec![Span::styled(format!("! {why}"), theme.bad)],
    }
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
        (true, _, true) => Some(" an action waits for your word: ^O, or Esc and then o "),
        (true, _, false) => Some(" an action waits for your word: o "),
        (false, true, _) => Some(" an answer waits for its rating: Esc f "),
        (false, false, _) => None,
    };
    if let Some(mark) = mark {
        block = block.title_bottom(Line::styled(mark, theme.warning));
    }
    let inner = block.inner(area).inner(Margin::new(1, 0));
    frame.render_widget(block, area);
    if pane.prompt.is_empty() && !pane.writing {
        frame.render_widget(Line::styled("i or Enter to write", theme.dim), inner);
    } else {
        pane.prompt.draw(frame, inner, pane.writing, theme);
    }
}
