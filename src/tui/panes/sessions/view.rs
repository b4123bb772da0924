//! How the list and an open session look. Draws visible rows only: there may be ten thousand.

use super::detail::Detail;
use super::{Choice, SessionsPane, list};
use crate::driver::Sessions;
use crate::feedback::Trigger;
use crate::store::{SessionSummary, plain_line};
use crate::tui::action::Action;
use crate::tui::hits::{Part, Split};
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{age, elide, sparkline, stars};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};
use unicode_width::UnicodeWidthStr;

/// From this width on, the selected session stands beside the list (columns).
const WIDE: u16 = 110;
/// Columns of the age of a session.
const AGE: usize = 6;
/// Columns of the arm that answered, where it is shown.
const ARM: usize = 9;
/// Characters of the course of ratings.
const COURSE: usize = 12;

pub fn draw(pane: &SessionsPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    pane.wide.set(area.width >= WIDE);
    let area = area.inner(Margin::new(1, 0));
    if let Some(walk) = &pane.walk {
        return walk.draw(frame, area, shared);
    }
    if let Some(opened) = &pane.opened {
        shared.hits.text(area, Part::Main);
        draw_session(opened, frame, area, shared);
        return;
    }
    let wide = pane.wide.get() && !list(&pane.listed).is_empty();
    let [head, _, body] =
        Layout::vertical([Constraint::Length(2), Constraint::Length(1), Constraint::Fill(1)])
            .areas(area);
    draw_head(pane, frame, head, shared);
    if !wide {
        draw_list(pane, frame, body, shared);
        return;
    }
    let usual = (u32::from(body.width) * 56 / 100) as u16;
    let columns = shared.splits.left(Split::Sessions, body.width, usual);
    let [left, right] =
        Layout::horizontal([Constraint::Length(columns), Constraint::Fill(1)]).areas(body);
    let rows = Rect { width: left.width.saturating_sub(1), ..left };
    draw_list(pane, frame, rows, shared);
    let block = Block::new().borders(Borders::LEFT).border_style(shared.theme.border);
    let inside = block.inner(right).inner(Margin::new(1, 0));
    frame.render_widget(block, right);
    shared.hits.text(inside, Part::Right);
    shared.hits.split(Rect { width: right.width.min(1), ..right }, Split::Sessions, body);
    let selected = pane.selected().map(|session| &session.id);
    if let Some(preview) =
        pane.preview.as_ref().filter(|preview| Some(&preview.session.session_id) == selected)
    {
        draw_session(preview, frame, inside, shared);
    }
}

/// Figures over all sessions, then what is listed of them.
fn draw_head(pane: &SessionsPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let key = |name: &str| shared.keymap.key(name);
    let [figures, choices] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    if let Some(sessions) = &pane.listed {
        draw_figures(pane, sessions, frame, figures, theme);
    }
    let mut spans = vec![Span::styled(format!("{} ", key("filter")), theme.accent)];
    for (place, choice) in Choice::ALL.into_iter().enumerate() {
        let style = if choice == pane.choice { theme.selected } else { theme.text };
        let used: usize = spans.iter().map(|span| span.content.width()).sum();
        let span = Span::styled(format!(" {} ", choice.title()), style);
        let x = choices.x.saturating_add(used as u16);
        let target = Rect { x, width: span.content.width() as u16, ..choices };
        shared.hits.choice(target.intersection(choices), place);
        spans.push(span);
    }
    spans.push(Span::styled(format!("   {} ", key("search")), theme.accent));
    let used: usize = spans.iter().map(|span| span.content.width()).sum();
    let room = usize::from(choices.width).saturating_sub(used);
    match pane.search.as_str() {
        "" => spans.push(Span::styled(elide("search", room), theme.dim)),
        words => spans.push(Span::styled(elide(&plain_line(words), room), theme.person)),
    }
    frame.render_widget(Line::from(spans), choices);
}

fn draw_figures(
    pane: &SessionsPane,
    sessions: &Sessions,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
) {
    let narrowed = pane.choice != Choice::All || !pane.search.is_empty();
    let number = match sessions.total {
        1 => "1 session".to_owned(),
        total => format!("{total} sessions"),
    };
    let number = match narrowed {
        true => format!("{} of {number}", sessions.list.len()),
        false => number,
    };
    frame.render_widget(Line::styled(number.clone(), theme.accent), area);
    let width = usize::from(area.width);
    let right = figures_of(sessions, width, theme).alignment(Alignment::Right);
    let room = width.saturating_sub(number.width() + 2).min(usize::from(u16::MAX)) as u16;
    let place = Rect { x: area.x + area.width - room, width: room, ..area };
    frame.render_widget(right, place);
}

/// How good the last answers were, and whether it is time to retrain; with fewer words in fewer
/// columns.
fn figures_of(sessions: &Sessions, width: usize, theme: &Theme) -> Line<'static> {
    let wide = width >= 100;
    let mut spans = Vec::new();
    let given: Vec<f64> = sessions.recent_stars.iter().map(|stars| f64::from(*stars)).collect();
    if !given.is_empty() {
        let average = given.iter().sum::<f64>() / given.len() as f64;
        let (before, after) = if wide { (" on average", " rated") } else { ("", "") };
        let of = match given.len() {
            1 => format!("{before} over 1{after} "),
            several => format!("{before} over the last {several}{after} "),
        };
        spans.push(Span::styled(format!("★ {average:.2}"), theme.stars));
        spans.push(Span::styled(of, theme.dim));
        spans.push(Span::styled(sparkline(&given, 1.0, 5.0, COURSE), theme.stars));
    }
    match sessions.trigger {
        Some(Trigger::Retrain { below, .. }) => {
            let reason = if wide { format!("under {below}: ") } else { String::new() };
            spans.push(Span::styled(format!("  ● {reason}time to retrain"), theme.warning));
        }
        Some(Trigger::TooFewRated { rated, needed }) if rated > 0 => {
            let words = format!("  {} more to judge by", needed.saturating_sub(rated));
            spans.push(Span::styled(words, theme.dim));
        }
        _ => {}
    }
    Line::from(spans)
}

fn draw_list(pane: &SessionsPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let Some(sessions) = &pane.listed else {
        return draw_waiting(pane, frame, area, theme);
    };
    if sessions.list.is_empty() {
        draw_empty(pane, frame, area, shared);
        return draw_foot(pane, sessions, frame, bottom_row(area), theme);
    }
    let [heading, rows, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(u16::from(area.height > 4)),
    ])
    .areas(area);
    let columns =
        Columns::of(usize::from(area.width), &sessions.list, pane, usize::from(rows.height));
    frame.render_widget(columns.heading(theme), heading);
    let window = pane.cursor.window(sessions.list.len(), usize::from(rows.height));
    let first = window.start;
    let visible = sessions.list.get(window).unwrap_or_default();
    let lines: Vec<Line> = visible
        .iter()
        .enumerate()
        .map(|(row, session)| columns.row(session, first + row == pane.cursor.place(), shared))
        .collect();
    frame.render_widget(Paragraph::new(lines), rows);
    shared.hits.rows(rows, first, visible.len(), 1, Action::Open);
    draw_foot(pane, sessions, frame, foot, theme);
}

fn bottom_row(area: Rect) -> Rect {
    let height = area.height.min(1);
    Rect { y: area.y + area.height - height, height, ..area }
}

/// Widths of the columns; a column that nothing fills takes no room.
struct Columns {
    task: usize,
    wrong: usize,
    arm: usize,
}

impl Columns {
    fn of(width: usize, sessions: &[SessionSummary], pane: &SessionsPane, rows: usize) -> Self {
        let visible = sessions.get(pane.cursor.window(sessions.len(), rows)).unwrap_or_default();
        let fixed = 2 + AGE + 2 + 5 + 1 + 1 + 2;
        let arm = if width >= 76 { ARM + 2 } else { 0 };
        let most = if width >= 100 { 30 } else { 15 };
        let widest = visible.iter().map(|session| wrong(session).width()).max().unwrap_or(0);
        let wrong = match widest {
            0 => 0,
            widest => widest.clamp("Went wrong".width(), most) + 2,
        };
        Self { task: width.saturating_sub(fixed + arm + wrong), wrong, arm }
    }

    fn heading(&self, theme: &Theme) -> Line<'static> {
        let Self { task, wrong, arm } = *self;
        let mut text = format!("  {:>AGE$}  {:<7}  {}", "Age", "Rating", fixed("Task", task));
        if wrong > 0 {
            text += &format!("  {}", fixed("Went wrong", wrong.saturating_sub(2)));
        }
        if arm > 0 {
            text += &format!("  {}", fixed("Arm", arm.saturating_sub(2)));
        }
        Line::styled(text, theme.dim)
    }

    fn row(&self, session: &SessionSummary, selected: bool, shared: &Shared) -> Line<'static> {
        let theme = &shared.theme;
        let mark = if selected { "› " } else { "  " };
        let given = stars(session.stars.map(|stars| stars.get()));
        // A task that was carried out, not answered.
        let mark_of_work = if session.acted { "▸ " } else { "" };
        let marked = mark_of_work.width();
        let corrected = if session.corrected { "✎" } else { " " };
        let mut spans = vec![
            Span::styled(
                format!("{mark}{:>AGE$}  ", age(&session.started, &shared.now)),
                theme.dim,
            ),
            Span::styled(given, if session.stars.is_some() { theme.stars } else { theme.dim }),
            Span::styled(format!(" {corrected}  "), theme.person),
            Span::styled(mark_of_work, theme.accent),
            Span::styled(
                fixed(&plain_line(first_words(&session.task)), self.task.saturating_sub(marked)),
                theme.text,
            ),
        ];
        if self.wrong > 0 {
            let words = fixed(&wrong(session), self.wrong.saturating_sub(2));
            spans.push(Span::styled(format!("  {words}"), theme.warning));
        }
        if self.arm > 0 {
            let words = fixed(&arm(session, shared), self.arm.saturating_sub(2));
            spans.push(Span::styled(format!("  {words}"), theme.dim));
        }
        let line = Line::from(spans);
        // One style over the whole row: colours of its parts would be hard to read on it.
        match selected {
            true => Line::styled(line.to_string(), theme.selected),
            false => line,
        }
    }
}

/// Enough of a task for any row: the whole may be a book.
fn first_words(task: &str) -> &str {
    let end = task.char_indices().nth(400).map_or(task.len(), |(place, _)| place);
    task.get(..end).unwrap_or(task)
}

/// `text` in exactly `width` columns.
fn fixed(text: &str, width: usize) -> String {
    let text = elide(text, width);
    let gap = width.saturating_sub(text.width());
    text + &" ".repeat(gap)
}

/// What the person found wrong; else how the task ended, where it did not end well.
fn wrong(session: &SessionSummary) -> String {
    let issues: Vec<String> = session.issues.iter().map(|issue| plain_line(issue.slug())).collect();
    match (issues.as_slice(), session.outcome.as_deref()) {
        ([only], _) => only.clone(),
        ([first, others @ ..], _) => format!("{first} +{}", others.len()),
        ([], Some("running")) => "(not ended)".into(),
        ([], Some(outcome @ ("cancelled" | "failed"))) => format!("({outcome})"),
        ([], _) => String::new(),
    }
}

/// Who answered, where that may be known.
pub(super) fn arm(session: &SessionSummary, shared: &Shared) -> String {
    match &session.arm {
        Some(_) if session.is_blind() || shared.hides(&session.task) => "hidden".into(),
        Some(arm) => plain_line(arm),
        None if session.imported => "imported".into(),
        None => String::new(),
    }
}

fn draw_waiting(pane: &SessionsPane, frame: &mut Frame, area: Rect, theme: &Theme) {
    let line = match &pane.trouble {
        Some(why) => Line::styled(format!("The sessions cannot be listed: {why}"), theme.bad),
        None => Line::styled("Reading the sessions…", theme.dim),
    };
    let text = Paragraph::new(line).wrap(ratatui::widgets::Wrap { trim: true });
    frame.render_widget(text, area);
}

/// There are sessions, and all of them are damaged.
fn unreadable(pane: &SessionsPane) -> bool {
    pane.listed.as_ref().is_some_and(|listed| listed.total == 0 && !listed.damaged.is_empty())
}

fn draw_empty(pane: &SessionsPane, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let words = match pane.search.as_str() {
        "" if unreadable(pane) => [
            "No session could be read.".into(),
            "`kaizen sessions reindex` names the files and says what is wrong with each.".into(),
        ],
        "" => pane.choice.when_empty().map(str::to_owned),
        search => [
            format!("No session has the words {:?}.", elide(&plain_line(search), 40)),
            "<leave-session> shows all; <search> searches for others.".into(),
        ],
    };
    let [first, second] = words;
    let lines = vec![
        Line::raw(first),
        Line::default(),
        Line::styled(shared.keymap.tell(&second), theme.dim),
    ];
    let down = area.height.saturating_sub(3) / 3;
    let place = Rect { y: area.y + down, height: area.height - down, ..area };
    frame.render_widget(Paragraph::new(lines).alignment(Alignment::Center), place);
}

/// Files that make no sense, and where in a long list one is.
fn draw_foot(
    pane: &SessionsPane,
    sessions: &Sessions,
    frame: &mut Frame,
    area: Rect,
    theme: &Theme,
) {
    let place = match sessions.list.len() {
        0 => String::new(),
        rows => format!("{} of {rows}", pane.cursor.place() + 1),
    };
    let room = usize::from(area.width).saturating_sub(place.width() + 2);
    let words = match (&pane.trouble, sessions.damaged.as_slice()) {
        (Some(why), _) => format!("not up to date: {why}"),
        (None, []) => {
            let corrected = sessions.list.iter().any(|session| session.corrected);
            let acted = sessions.list.iter().any(|session| session.acted);
            let legend =
                [corrected.then_some("✎ has its right answer"), acted.then_some("▸ carried out")];
            legend.into_iter().flatten().collect::<Vec<_>>().join("  ")
        }
        (None, [one]) => {
            let folder = one.path.parent().and_then(|folder| folder.file_name());
            let name = folder.unwrap_or_default().to_string_lossy();
            format!("left out: {} ({})", plain_line(&name), plain_line(&one.why))
        }
        (None, several) => format!(
            "left out: {} sessions whose files make no sense (kaizen sessions reindex names them)",
            several.len()
        ),
    };
    frame.render_widget(Line::styled(elide(&words, room), theme.dim), area);
    frame.render_widget(Line::styled(place, theme.dim).alignment(Alignment::Right), area);
}

/// A session: what and how good above, its text below.
fn draw_session(detail: &Detail, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let [head, text] = Layout::vertical([Constraint::Length(2), Constraint::Fill(1)]).areas(area);
    let width = usize::from(area.width);
    let lines = detail.visible(width, usize::from(text.height), shared.reading());
    frame.render_widget(Paragraph::new(lines), text);

    let session = &detail.session;
    let given = stars(session.metadata.user_rating.map(|stars| stars.get()));
    let started = session.started().map(|at| at.to_string()).unwrap_or_default();
    let more = detail.scroll.mark().map(|mark| mark + "  ").unwrap_or_default();
    let ago = match age(&started, &shared.now).as_str() {
        "" => String::new(),
        "now" => "just now".into(),
        age => format!("{age} ago"),
    };
    let right = format!("{more}{ago}");
    let room = width.saturating_sub(given.width() + right.width() + 4);
    let task = elide(&plain_line(first_words(&session.metadata.task)), room);
    let gap = " ".repeat(room.saturating_sub(task.width()) + 2);
    let line = Line::from(vec![
        Span::styled(given, theme.stars),
        Span::raw("  "),
        Span::styled(task, theme.accent),
        Span::raw(gap),
        Span::styled(right, theme.dim),
    ]);
    let rule = Line::styled("─".repeat(width), theme.border);
    frame.render_widget(Paragraph::new(vec![line, rule]), head);
}
