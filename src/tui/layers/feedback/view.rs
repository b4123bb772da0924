//! How the form looks: a box at the bottom, small for the stars and larger for the rest, so that the
//! answer stays in sight above it.

use super::{FeedbackForm, Field};
use crate::store::{Issue, plain_line};
use crate::tui::action::{Action, Scope};
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{dialog, elide, stars, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Columns of the names of fields.
const NAMES: u16 = 16;
/// Columns of an issue with its number, box and words.
const ISSUE: usize = 27;
/// Columns of the frame and the margins inside it.
const FRAME: u16 = 4;
/// What one to five stars mean.
const MEANINGS: [&str; 5] = ["useless", "bad", "not enough", "good", "just right"];

impl FeedbackForm {
    /// Rows that the form takes of `area`.
    pub fn height(&self, area: Rect, keymap: &Keymap) -> u16 {
        let width = area.width.saturating_sub(FRAME);
        let words = self.words_below(width, keymap).len() as u16;
        let inside = match self.field {
            Field::Stars => 4 + words,
            _ => self.issue_rows(width) + 2 + self.correction_rows(area) + words,
        };
        (inside + 2).min(area.height)
    }

    /// Rows for the corrected answer: as many as it needs, and more of them while it is written.
    fn correction_rows(&self, area: Rect) -> u16 {
        let width = area.width.saturating_sub(FRAME + NAMES);
        let others = self.issue_rows(area.width.saturating_sub(FRAME)) + 4;
        let share = match self.field {
            Field::Correction => area.height.saturating_mul(2) / 3,
            _ => area.height / 2,
        };
        let most = share.saturating_sub(others).max(2);
        (self.correction.rows(width).min(usize::from(u16::MAX)) as u16).clamp(2, most)
    }

    fn issue_rows(&self, width: u16) -> u16 {
        let columns = issue_columns(width);
        Issue::ALL.len().div_ceil(columns) as u16 + u16::from(!self.foreign.is_empty())
    }

    /// What has to be said in words, in lines of `width` columns.
    fn words_below(&self, width: u16, keymap: &Keymap) -> Vec<String> {
        let words = if self.warned && !self.saving.is_under_way() {
            let [save, leave] =
                [Action::Confirm, Action::Back].map(|a| keymap.key_in(self.scope(), a));
            format!("What you wrote is not saved: {save} saves it, {leave} again lets it go.")
        } else if let Some(why) = &self.saving.trouble {
            let again = match self.field {
                Field::Stars => format!("{} try", star_keys(keymap)),
                _ => format!("{} tries", keymap.key_in(self.scope(), Action::Confirm)),
            };
            format!("Not saved: {why}. {again} again.")
        } else {
            return Vec::new();
        };
        let mut lines = wrap(&words, usize::from(width));
        lines.truncate(3);
        lines
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let height = self.height(area, &shared.keymap);
        let place = Rect { y: area.y + area.height.saturating_sub(height), height, ..area };
        let title = match (self.field, self.about) {
            (Field::Stars, _) if self.for_correction => {
                "First the stars, then the right answer".to_owned()
            }
            (Field::Stars, about) => format!("How good was {}?", about.unwrap_or("the answer")),
            (_, None) => "What should have been different?".to_owned(),
            (_, Some(about)) => format!("What should have been different in {about}?"),
        };
        let inner = dialog(frame, place, &title, (area.width, height), theme);
        self.draw_state(frame, place, &title, theme);
        let words = self.words_below(inner.width, &shared.keymap);
        let [fields, below] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(words.len() as u16)])
                .areas(inner);
        match self.field {
            Field::Stars => self.draw_stars(frame, fields, shared),
            _ => self.draw_rest(frame, area, fields, shared),
        }
        let style = if self.saving.trouble.is_some() { theme.bad } else { theme.warning };
        let words: Vec<Line> = words.into_iter().map(|words| Line::styled(words, style)).collect();
        frame.render_widget(Paragraph::new(words), below);
    }

    /// The stars at the right of the frame, and whether they are on disk.
    fn draw_state(&self, frame: &mut Frame, place: Rect, title: &str, theme: &Theme) {
        let Some(given) = self.stars else { return };
        let (word, style) = if self.saving.is_under_way() {
            ("saving…", theme.warning)
        } else if self.saving.trouble.is_some() {
            ("not saved", theme.bad)
        } else if self.saving.saved == Some(given) {
            ("saved", theme.good)
        } else {
            ("", theme.text)
        };
        let shown = stars(Some(given.get()));
        let width = (shown.width() + word.width() + 3) as u16;
        if place.width < width + title.width() as u16 + 8 || place.height == 0 {
            return;
        }
        let at = Rect { x: place.x + place.width - width - 2, width, height: 1, ..place };
        let line = Line::from(vec![
            Span::styled(format!(" {shown} "), theme.stars),
            Span::styled(format!("{word} "), style),
        ]);
        frame.render_widget(line, at);
    }

    fn draw_stars(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let (theme, keymap) = (&shared.theme, &shared.keymap);
        let column = usize::from(area.width / 5);
        let (mut choices, mut meanings) = (Vec::new(), Vec::new());
        for (place, meaning) in MEANINGS.into_iter().enumerate() {
            let number = place as u8 + 1;
            let present = self.stars.is_some_and(|stars| stars.get() == number);
            let shown = stars(Some(number));
            let gap = " ".repeat(column.saturating_sub(shown.width() + 2));
            let key = keymap.key_in(Scope::FormStars, Action::Stars(number));
            choices.push(Span::styled(format!("{key} "), theme.accent));
            let x = area.x.saturating_add((place * column) as u16);
            let target = Rect { x, width: column as u16, height: area.height.min(2), ..area };
            shared.hits.act(target, Action::Stars(number));
            choices.push(Span::styled(shown, chosen(present, theme.stars, theme)));
            choices.push(Span::raw(gap));
            let gap = " ".repeat(column.saturating_sub(meaning.width() + 2));
            meanings.push(Span::styled("  ", theme.text));
            meanings.push(Span::styled(meaning, if present { theme.text } else { theme.dim }));
            meanings.push(Span::raw(gap));
        }
        let hint = match (self.for_correction, self.stars) {
            (true, _) => "A right answer comes with a rating.",
            (false, None) => "One key saves it. Below four stars you can say what went wrong.",
            (false, Some(_)) => {
                "Another number replaces the stars; <keep-stars> keeps them and goes on."
            }
        };
        let hint = elide(&keymap.tell(hint), usize::from(area.width));
        let lines = vec![
            Line::from(choices),
            Line::from(meanings),
            Line::default(),
            Line::styled(hint, theme.dim),
        ];
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_rest(&self, frame: &mut Frame, whole: Rect, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let [issues, comment, _, correction] = Layout::vertical([
            Constraint::Length(self.issue_rows(area.width)),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(self.correction_rows(whole)),
        ])
        .areas(area);
        let [name, room] = columns(issues);
        self.draw_name(frame, name, "Went wrong", "", Field::Issues, theme);
        self.draw_issues(frame, room, area.width, shared);

        let [name, room] = columns(comment);
        self.draw_name(frame, name, "Comment", "", Field::Comment, theme);
        if self.comment.is_empty() && self.field != Field::Comment {
            let words = elide("in a line, for yourself", usize::from(room.width));
            frame.render_widget(Line::styled(words, theme.dim), room);
        } else {
            self.comment.draw(frame, room, self.field == Field::Comment, theme);
        }

        let [name, room] = columns(correction);
        let state = if self.new_correction().is_some() { "changed" } else { "unchanged" };
        self.draw_name(frame, name, "Right answer", state, Field::Correction, theme);
        self.correction.draw(frame, room, self.field == Field::Correction, theme);
    }

    fn draw_name(
        &self,
        frame: &mut Frame,
        area: Rect,
        name: &'static str,
        below: &'static str,
        field: Field,
        theme: &Theme,
    ) {
        let (mark, style) =
            if self.field == field { ("› ", theme.accent) } else { ("  ", theme.text) };
        let lines = vec![
            Line::from(vec![Span::styled(mark, style), Span::styled(name, style)]),
            Line::styled(format!("  {below}"), theme.dim),
        ];
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_issues(&self, frame: &mut Frame, area: Rect, width: u16, shared: &Shared) {
        let theme = &shared.theme;
        let rows = Issue::ALL.len().div_ceil(issue_columns(width));
        let number_style = if self.field == Field::Issues { theme.accent } else { theme.dim };
        let mut lines = vec![Line::default(); rows];
        for (place, (issue, ticked)) in Issue::ALL.into_iter().zip(self.ticked).enumerate() {
            let Some(line) = lines.get_mut(place % rows.max(1)) else { continue };
            let (mark, style) = if ticked { ("[x]", theme.warning) } else { ("[ ]", theme.text) };
            let words = format!("{mark} {}", issue.words());
            let gap = " ".repeat(ISSUE.saturating_sub(words.width() + 2) + 2);
            let toggles = Action::ToggleIssue(place as u8 + 1);
            let across = (place / rows.max(1) * (ISSUE + 2)) as u16;
            let target = Rect {
                x: area.x.saturating_add(across),
                y: area.y.saturating_add((place % rows.max(1)) as u16),
                width: ISSUE as u16,
                height: 1,
            };
            shared.hits.act(target.intersection(area), toggles);
            let key = shared.keymap.key_in(Scope::FormIssues, toggles);
            line.push_span(Span::styled(format!("{key} "), number_style));
            line.push_span(Span::styled(words, style));
            line.push_span(Span::raw(gap));
        }
        if !self.foreign.is_empty() {
            let words: Vec<String> =
                self.foreign.iter().map(|issue| plain_line(issue.words())).collect();
            let words = format!("  [x] {}", words.join(", "));
            lines.push(Line::styled(elide(&words, usize::from(area.width)), theme.dim));
        }
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// `1-5`.
fn star_keys(keymap: &Keymap) -> String {
    keymap.span(Scope::FormStars, Action::Stars(1), Action::Stars(5))
}

fn chosen(present: bool, style: Style, theme: &Theme) -> Style {
    if present { style.patch(theme.selected) } else { style }
}

/// The issues stand in two columns where there is room for them.
fn issue_columns(width: u16) -> usize {
    let room = usize::from(width.saturating_sub(NAMES));
    if room >= 2 * ISSUE { 2 } else { 1 }
}

fn columns(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Length(NAMES), Constraint::Fill(1)]).areas(area)
}
