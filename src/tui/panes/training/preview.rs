//! What a run will learn, before it starts: figures, remarks, and its examples token by token.

use super::figures::{self, Figure, grouped};
use crate::driver::TrainingPreview;
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::hits::Part;
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, duration, elide, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Lines of remarks; what goes beyond is counted.
const REMARKS: usize = 4;

/// Marks around what is trained, so that it shows without colour and underline too.
const TRAINED: [&str; 2] = ["⟦", "⟧"];

/// The preview and which of its examples is in front.
#[derive(Debug)]
pub struct Preview {
    facts: TrainingPreview,
    example: usize,
    scroll: Scroll,
}

impl Preview {
    pub fn new(facts: TrainingPreview) -> Self {
        Self { facts, example: 0, scroll: Scroll::at_top() }
    }

    pub fn facts(&self) -> &TrainingPreview {
        &self.facts
    }

    pub fn act(&mut self, action: Action) {
        let last = self.facts.samples.len().saturating_sub(1);
        let example = match action {
            Action::Left => self.example.saturating_sub(1),
            Action::Right => (self.example + 1).min(last),
            _ => {
                self.scroll.act(action);
                return;
            }
        };
        if example != self.example {
            self.example = example;
            self.scroll = Scroll::at_top();
        }
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let width = usize::from(area.width);
        let remarks = self.remarks(width, theme);
        let [title, figures, notes, example] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(4),
            Constraint::Length(remarks.len().try_into().unwrap_or(u16::MAX)),
            Constraint::Fill(1),
        ])
        .areas(area);
        let mut words = vec![
            Span::styled(" Ready to train ", theme.accent),
            Span::styled(plain_line(&self.facts.run), theme.text),
        ];
        let start = shared.keymap.key("start-training");
        words.push(Span::styled(format!("  nothing is changed before {start}"), theme.dim));
        frame.render_widget(Line::from(words), title);
        figures::draw(frame, figures, self.figures(theme), theme);
        frame.render_widget(Paragraph::new(remarks), notes);
        shared.hits.text(example, Part::Main);
        self.draw_example(frame, example, theme);
    }

    fn figures(&self, theme: &Theme) -> [Vec<Figure>; 2] {
        let facts = &self.facts;
        let sources: Vec<String> =
            facts.examples.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let free = match facts.free_mib {
            Some(free) => {
                let figure = Figure::new("free", format!("{} MiB", grouped(free)));
                // The estimate is one: close to the edge is worth a look.
                let tight = facts.memory_mib.saturating_mul(10) > free.saturating_mul(8);
                figure.styled(if tight { theme.warning } else { theme.text })
            }
            None => Figure::new("free", "the system does not say"),
        };
        let left = vec![
            Figure::new("examples", plain_line(&sources.join(", "))),
            Figure::new("tokens", grouped(facts.tokens)),
            Figure::new("steps", grouped(facts.steps)),
        ];
        let right = vec![
            Figure::new("time", format!("about {}", duration(facts.estimated_seconds))),
            Figure::new("trained tokens", grouped(facts.trained_tokens)),
            Figure::new("memory", format!("about {} MiB", grouped(facts.memory_mib))),
            free,
        ];
        [left, right]
    }

    /// The remarks, an empty line behind them.
    fn remarks(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for note in &self.facts.notes {
            let wrapped = wrap(&plain_line(note), width.saturating_sub(4));
            for (nth, line) in wrapped.into_iter().enumerate() {
                let mark = if nth == 0 { " ! " } else { "   " };
                lines.push(Line::from(vec![
                    Span::styled(mark, theme.warning),
                    Span::styled(line, theme.text),
                ]));
            }
        }
        if lines.len() > REMARKS {
            let more = lines.len() - (REMARKS - 1);
            lines.truncate(REMARKS - 1);
            lines.push(Line::styled(format!("   … {more} more lines of remarks"), theme.dim));
        }
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines
    }

    fn draw_example(&self, frame: &mut Frame, area: Rect, theme: &Theme) {
        let Some(sample) = self.facts.samples.get(self.example) else { return };
        let all: usize = self.facts.examples.values().sum();
        let title = format!(
            "Example {} of {all} · {} · {}",
            self.example + 1,
            plain_line(&sample.id),
            sample.provenance
        );
        let [open, close] = TRAINED;
        let legend = Line::from(vec![
            Span::styled(format!(" {open}trained{close}"), trained_style(theme, false)),
            Span::styled(" the rest is only read ", theme.dim),
        ]);
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(theme.border)
            .title(format!(" {} ", elide(&title, usize::from(area.width).saturating_sub(4))))
            .title_style(theme.accent)
            .title_bottom(legend.right_aligned());
        let inner = block.inner(area).inner(Margin::new(1, 0));
        frame.render_widget(block, area);
        let lines = flow(&sample.tokens, usize::from(inner.width), theme);
        let first = self.scroll.first(lines.len(), usize::from(inner.height));
        let lines: Vec<Line> =
            lines.into_iter().skip(first).take(usize::from(inner.height)).collect();
        frame.render_widget(Paragraph::new(lines), inner);
    }
}

fn trained_style(theme: &Theme, odd: bool) -> Style {
    let style = theme.good.add_modifier(Modifier::UNDERLINED);
    if odd { style.add_modifier(Modifier::BOLD) } else { style }
}

/// The tokens in lines of `width` columns: neighbours look different, the trained ones are underlined
/// and stand between marks.
fn flow(tokens: &[(String, bool)], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut page = Page { width: width.max(2), lines: Vec::new(), line: Vec::new(), used: 0 };
    let mut within = false;
    for (nth, (text, trained)) in tokens.iter().enumerate() {
        if *trained != within {
            let mark = if *trained { TRAINED[0] } else { TRAINED[1] };
            page.word(mark, theme.accent);
            within = *trained;
        }
        let style = match (trained, nth % 2 == 1) {
            (true, odd) => trained_style(theme, odd),
            (false, true) => theme.dim,
            (false, false) => theme.text,
        };
        for (nth, part) in text.replace('\t', "    ").split('\n').enumerate() {
            if nth > 0 {
                page.word("↵", style);
                page.end_line();
            }
            page.word(part, style);
        }
    }
    if within {
        page.word(TRAINED[1], theme.accent);
    }
    page.end_line();
    page.lines
}

/// Lines being filled.
struct Page {
    width: usize,
    lines: Vec<Line<'static>>,
    line: Vec<Span<'static>>,
    used: usize,
}

impl Page {
    fn end_line(&mut self) {
        self.lines.push(Line::from(std::mem::take(&mut self.line)));
        self.used = 0;
    }

    /// A token goes to the next line as a whole, unless it is longer than one.
    fn word(&mut self, text: &str, style: Style) {
        let columns = text.width();
        if self.used > 0 && self.used + columns > self.width && columns <= self.width {
            self.end_line();
        }
        if self.used + columns <= self.width {
            self.used += columns;
            if !text.is_empty() {
                self.line.push(Span::styled(text.to_owned(), style));
            }
            return;
        }
        for part in text.graphemes(true) {
            if self.used + part.width() > self.width && self.used > 0 {
                self.end_line();
            }
            self.used += part.width();
            self.line.push(Span::styled(part.to_owned(), style));
        }
    }
}
