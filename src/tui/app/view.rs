//! How the whole looks: the tabs above, the pane with what lies over it, the keys below.

use super::App;
use crate::tui::pane::{ModelState, NoticeKind, Pane, PaneName};
use crate::tui::widgets::{elide, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Smaller screens cannot hold a pane.
const SMALLEST: (u16, u16) = (60, 16);

impl App {
    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame) {
        let area = frame.area();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let words = format!(
                "Kaizen needs {} columns and {} rows; here are {} and {}.",
                SMALLEST.0, SMALLEST.1, area.width, area.height
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
        let taken = self.layers.iter().map(|layer| layer.rows_taken(middle)).max().unwrap_or(0);
        let pane = Rect { height: middle.height.saturating_sub(taken), ..middle };
        self.front_pane().draw(frame, pane, &self.shared);
        for layer in &self.layers {
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
        let wide = panes().map(|(place, pane)| {
            Span::styled(format!(" {}{} {} ", place + 1, moving(pane), pane.title()), style(pane))
        });
        let wide: Vec<_> =
            std::iter::once(Span::styled(" kaizen ", theme.accent)).chain(wide).collect();
        let close = |titles: &dyn Fn(PaneName) -> bool| -> Vec<Span<'static>> {
            panes()
                .flat_map(|(place, pane)| {
                    let title =
                        if titles(pane) { format!(" {}", pane.title()) } else { String::new() };
                    let tab = format!("{}{}{title}", place + 1, moving(pane));
                    [Span::raw(" "), Span::styled(tab, style(pane))]
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
            let text = elide(&notice.text, usize::from(area.width).saturating_sub(4));
            frame.render_widget(Line::styled(format!(" {mark} {text}"), style), area);
            return;
        }
        let scopes = self.scopes();
        let mut spans = Vec::new();
        let mut used = 0;
        for scope in scopes {
            for row in self.keymap.rows().filter(|row| row.scope == scope) {
                let Some(hint) = row.hint.filter(|_| self.applies(scope, row.action)) else {
                    continue;
                };
                let key = self.keymap.first_key(row.name);
                // A hint that names its keys itself, such as `1-5 stars`.
                let key = if hint.starts_with(char::is_numeric) { String::new() } else { key };
                let width = key.width() + hint.width() + 3;
                if used + width > usize::from(area.width) {
                    continue;
                }
                used += width;
                spans.push(Span::styled(format!(" {key}"), theme.accent));
                spans.push(Span::styled(format!(" {hint} "), theme.dim));
            }
        }
        frame.render_widget(Line::from(spans), area);
    }
}
