//! How the whole looks: the tabs above, the pane with what lies over it, the keys below.

use super::App;
use crate::tui::action::{Action, ActionRow, Scope};
use crate::tui::pane::{ModelState, NoticeKind, Pane, PaneName};
use crate::tui::widgets::{elide, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

/// Rows of a notice of what went wrong.
const MOST_NOTICE_ROWS: usize = 3;

/// Smaller screens cannot hold a pane.
const SMALLEST: (u16, u16) = (60, 16);

impl App {
    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame) {
        let area = frame.area();
        self.shared.hits.clear();
        let too_small = area.width < SMALLEST.0 || area.height < SMALLEST.1;
        self.too_small.set(too_small);
        if too_small {
            let words = format!(
                "Kaizen needs {} columns and {} rows; here are {} and {}. Nothing is lost; {} quits.",
                SMALLEST.0,
                SMALLEST.1,
                area.width,
                area.height,
                self.shared.keymap.first_key("quit-anywhere"),
            );
            let lines: Vec<Line> =
                wrap(&words, area.width.into()).into_iter().map(Line::from).collect();
            frame.render_widget(Paragraph::new(lines), area);
            return;
        }
        let [top, owner, middle, bottom] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(self.owner_rows()),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(area);
        self.draw_tabs(frame, top);
        self.draw_owner(frame, owner);
        let taken = self
            .layers
            .iter()
            .map(|layer| layer.rows_taken(middle, &self.shared))
            .max()
            .unwrap_or(0);
        let pane = Rect { height: middle.height.saturating_sub(taken), ..middle };
        self.front_pane().draw(frame, pane, &self.shared);
        for layer in &self.layers {
            self.shared.hits.cover();
            layer.draw(frame, middle, &self.shared);
        }
        self.draw_footer(frame, bottom);
    }

    fn draw_tabs(&self, frame: &mut Frame, area: Rect) {
        let theme = &self.shared.theme;
        let mut spans = self.tabs(usize::from(area.width));
        let used: usize = spans.iter().map(|span| span.content.width()).sum();
        // A space on either side.
        let room = usize::from(area.width).saturating_sub(used + 2);
        let (words, style) = match &self.shared.model {
            ModelState::Ready(facts) => (elide(&facts.name, room), theme.dim),
            ModelState::Coming(words, share) => {
                let share = share.map(|s| format!(" {:.0} %", s * 100.0)).unwrap_or_default();
                let words = elide(words, room.saturating_sub(share.width()));
                (elide(&(words + &share), room), theme.warning)
            }
            ModelState::Failed(_) => (elide("no model", room), theme.bad),
        };
        let shown: u16 = (used.min(usize::from(area.width))) as u16;
        self.record_tabs(&spans, Rect { width: shown, ..area });
        let gap = room.saturating_sub(words.width());
        spans.push(Span::raw(" ".repeat(gap + 1)));
        spans.push(Span::styled(words, style));
        frame.render_widget(Line::from(spans), area);
    }

    /// The panes by number, with as much around them as leaves room for the model's state.
    fn tabs(&self, width: usize) -> Vec<Span<'static>> {
        const MODEL: usize = 11;
        let theme = &self.shared.theme;
        let front = self.shared.front;
        let moving = |pane| match pane {
            PaneName::Training if self.training.trains() => "●",
            PaneName::Experiments if self.experiments.is_moving() => "●",
            PaneName::Tasks if front != pane && self.tasks.waits() => "!",
            PaneName::Compare if self.compare.has_news() => "!",
            _ => "",
        };
        let style = |pane| if pane == front { theme.selected } else { theme.text };
        let panes = || PaneName::ALL.into_iter().enumerate();
        let tab = |place: usize, pane, title: &str, around: &str| {
            let key = self.tab_key(place, pane);
            let words = format!("{key}{}{title}", moving(pane));
            format!("{around}{}{around}", words.trim_start())
        };
        let wide = panes().map(|(place, pane)| {
            Span::styled(tab(place, pane, &format!(" {}", pane.title()), " "), style(pane))
        });
        let wide: Vec<_> =
            std::iter::once(Span::styled(" kaizen ", theme.accent)).chain(wide).collect();
        let close = |titles: &dyn Fn(PaneName) -> bool| -> Vec<Span<'static>> {
            panes()
                .flat_map(|(place, pane)| {
                    // Without its key a pane is known by its title alone.
                    let named = titles(pane) || self.tab_key(place, pane).is_empty();
                    let title = if named { format!(" {}", pane.title()) } else { String::new() };
                    [Span::raw(" "), Span::styled(tab(place, pane, &title, ""), style(pane))]
                })
                .collect()
        };
        let used = |spans: &[Span]| spans.iter().map(|span| span.content.width()).sum::<usize>();
        if used(&wide) + MODEL < width {
            return wide;
        }
        let all = close(&|_| true);
        if used(&all) + MODEL < width { all } else { close(&|pane| pane == front) }
    }

    fn draw_footer(&self, frame: &mut Frame, area: Rect) {
        let theme = &self.shared.theme;
        if let Some((notice, _)) = &self.notice {
            let (mark, style) = match notice.kind {
                NoticeKind::Done => ("✓", theme.good),
                NoticeKind::Wrong => ("!", theme.bad),
            };
            let width = usize::from(area.width).saturating_sub(4);
            // The reason and what to do stand at the end.
            let most = if notice.kind == NoticeKind::Wrong { MOST_NOTICE_ROWS } else { 1 };
            let mut rows = wrap(&notice.text, width.max(1));
            if rows.len() > most {
                let rest = rows.split_off(most - 1).join(" ");
                rows.push(elide(&rest, width));
            }
            let lines: Vec<Line> = rows
                .into_iter()
                .enumerate()
                .map(|(nth, row)| match nth {
                    0 => Line::styled(format!(" {mark} {row}"), style),
                    _ => Line::styled(format!("   {row}"), style),
                })
                .collect();
            let height = u16::try_from(lines.len()).unwrap_or(1).min(area.bottom());
            let area = Rect { y: area.bottom() - height, height, ..area };
            frame.render_widget(Clear, area);
            frame.render_widget(Paragraph::new(lines), area);
            return;
        }
        let scopes = self.scopes();
        let mut spans = Vec::new();
        let mut used = 0;
        if let Some(count) = self.count {
            let words = if count == 0 { " … ".to_owned() } else { format!(" {count} … ") };
            used += words.width();
            spans.push(Span::styled(words, theme.accent));
        }
        for scope in scopes {
            for row in self.shared.keymap.rows().filter(|row| row.scope == scope) {
                let Some(hint) = row.hint.filter(|_| self.applies(scope, row.action)) else {
                    continue;
                };
                let hint = match self.layers.is_empty() {
                    true => self.front_pane().hint(row.action).unwrap_or(hint),
                    false => hint,
                };
                let key = self.hint_key(row);
                if key.is_empty() {
                    continue;
                }
                let width = key.width() + hint.width() + 3;
                if used + width > usize::from(area.width) {
                    continue;
                }
                let x = area.x.saturating_add(used as u16);
                used += width;
                // Several keys are no target.
                if !matches!(row.action, Action::Stars(_) | Action::ToggleIssue(_)) {
                    let target = Rect { x, width: width as u16, ..area };
                    self.shared.hits.act(target, row.action);
                }
                spans.push(Span::styled(format!(" {key}"), theme.accent));
                spans.push(Span::styled(format!(" {hint} "), theme.dim));
            }
        }
        frame.render_widget(Line::from(spans), area);
    }

    /// The key that shows a pane, where it is one column wide; one of several columns has no room there.
    fn tab_key(&self, place: usize, pane: PaneName) -> String {
        let key = self.shared.keymap.key_in(Scope::Everywhere, Action::Show(pane));
        match key.width() {
            1 => key,
            // With counts the digits are those that Alt goes with.
            _ if self.shared.config.tui.counts => (place + 1).to_string(),
            _ => String::new(),
        }
    }

    /// Where each pane's name stands in the spans of the first row.
    fn record_tabs(&self, spans: &[Span], area: Rect) {
        let mut x = area.x;
        // The program's own name stands before them where there is room.
        let named = spans.len() == PaneName::ALL.len() + 1;
        let mut panes = PaneName::ALL.into_iter();
        for (place, span) in spans.iter().enumerate() {
            let width = span.content.width() as u16;
            let is_tab = if named { place > 0 } else { place % 2 == 1 };
            if let Some(pane) = is_tab.then(|| panes.next()).flatten() {
                let target = Rect { x, width, ..area }.intersection(area);
                self.shared.hits.act(target, Action::Show(pane));
            }
            x = x.saturating_add(width);
        }
    }

    /// What stands before a hint: the first key, or of stars and the like all of them.
    fn hint_key(&self, row: &ActionRow) -> String {
        let keymap = &self.shared.keymap;
        match row.action {
            Action::Stars(_) => keymap.span(row.scope, Action::Stars(1), Action::Stars(5)),
            Action::ToggleIssue(_) => {
                keymap.span(row.scope, Action::ToggleIssue(1), Action::ToggleIssue(5))
            }
            _ => keymap.first_key(row.name),
        }
    }
}
