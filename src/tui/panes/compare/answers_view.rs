//! How the two answers look.

use super::answers::{Answers, State};
use super::arms::Side;
use super::view::{asked_lines, halves, model_trouble};
use crate::runtime::Stop;
use crate::tui::pane::{ModelState, Shared};
use crate::tui::widgets::{elide, marked_lines, paragraphs, spinner, stars, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};
use unicode_width::UnicodeWidthStr;

impl Answers {
    pub(super) fn draw(
        &self,
        frame: &mut Frame,
        area: Rect,
        shared: &Shared,
        pair: Option<&[String; 2]>,
    ) {
        let (Some(asked), Some(_)) = (&self.asked, self.columns()) else {
            return self.draw_empty(frame, area, shared, pair);
        };
        let theme = &shared.theme;
        let prompt = asked_lines(&asked.prompt, area, theme);
        let rows = u16::try_from(prompt.len()).unwrap_or(1);
        let [above, columns, below] = Layout::vertical([
            Constraint::Length(rows),
            Constraint::Fill(1),
            Constraint::Length(u16::from(self.is_hidden())),
        ])
        .areas(area);
        frame.render_widget(Paragraph::new(prompt), above);
        for (side, half) in Side::BOTH.into_iter().zip(halves(columns, shared)) {
            self.draw_column(frame, half, side, shared);
        }
        if self.is_hidden() {
            let words = "Blind: which arm is which, and how fast, is told when both are rated (<rate-answers>).";
            let words = shared.keymap.tell(words);
            frame.render_widget(Line::styled(words, theme.warning), below);
        }
    }

    fn draw_column(&self, frame: &mut Frame, area: Rect, side: Side, shared: &Shared) {
        let theme = &shared.theme;
        let Some(column) = self.columns().map(|columns| &columns[side as usize]) else { return };
        let focused = self.focused() == side;
        let border = if focused { theme.focused_border } else { theme.border };
        let room = usize::from(area.width).saturating_sub(4);
        let mut block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(border)
            .title(Line::styled(format!(" {} ", elide(self.title(side), room)), theme.accent));
        if column.stars.is_some() {
            let words = format!(" {} ", stars(column.stars));
            block = block.title(Line::styled(words, theme.stars).right_aligned());
        }
        let inner = block.inner(area).inner(Margin::new(1, 0));
        let status = elide(&self.status(side, room, shared), room);
        block = block.title_bottom(Line::styled(format!(" {status} "), theme.dim));
        let width = usize::from(inner.width);
        let visible = usize::from(inner.height);
        let mut shown: Vec<Line> = match &column.state {
            State::Failed(why) => {
                wrap(why, width).into_iter().map(|line| Line::styled(line, theme.bad)).collect()
            }
            _ => {
                let in_view = |lines: &[Line<'static>]| {
                    let first = column.scroll.first(lines.len(), visible);
                    lines.iter().skip(first).take(visible).cloned().collect()
                };
                let marked = theme.series[2 - side as usize];
                match self.pieces(side) {
                    Some(pieces) => in_view(&marked_lines(pieces, width, marked)),
                    None => in_view(&column.lines.of(self.shown(side), width, shared.reading())),
                }
            }
        };
        if !self.seems_ended(side) && column.scroll.below() == 0 {
            let cursor = Span::styled("▌", theme.accent);
            match shown.last_mut() {
                Some(last) => last.push_span(cursor),
                None => shown.push(cursor.into()),
            }
        }
        if let Some(mark) = column.scroll.mark() {
            block = block
                .title_bottom(Line::styled(format!(" {mark} "), theme.warning).right_aligned());
        }
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(shown), inner);
    }

    fn status(&self, side: Side, room: usize, shared: &Shared) -> String {
        let Some(column) = self.columns().map(|columns| &columns[side as usize]) else {
            return String::new();
        };
        if !self.seems_ended(side) {
            let waiting = self.shown(side).is_empty();
            let words = match shared.model {
                ModelState::Coming(..) => "waiting for the model",
                _ if waiting => "begins",
                _ => "answers",
            };
            return format!("{} {words}", spinner(shared.ticks));
        }
        match &column.state {
            State::Answered(answered) => {
                let rated = match column.stars {
                    None => format!(" · {} rates", shared.keymap.key("rate-answers")),
                    Some(_) => String::new(),
                };
                let end = match answered.stop {
                    Stop::EndOfTurn | Stop::Marker | Stop::Complete => "",
                    Stop::MaxTokens => " · cut off at its limit",
                    Stop::ContextFull => " · the context is full",
                    Stop::Cancelled => " · stopped",
                };
                if self.is_hidden() {
                    return format!("answered{end}{rated}");
                }
                // What is cut off says least: how an answer ended goes before its pace.
                let pace = format!("{:.1} tokens/s{end}{rated}", answered.tokens_per_second);
                let ended = format!("answered{end}{rated}");
                let all = [format!("{} tokens · {pace}", answered.tokens), pace, ended];
                let shortest = end.trim_start_matches(" · ").to_owned();
                all.into_iter().find(|words| words.width() <= room).unwrap_or(shortest)
            }
            State::Cancelled => "stopped before it began".into(),
            State::Failed(_) => "failed".into(),
            State::Waiting | State::Answering => String::new(),
        }
    }

    fn draw_empty(
        &self,
        frame: &mut Frame,
        area: Rect,
        shared: &Shared,
        pair: Option<&[String; 2]>,
    ) {
        let theme = &shared.theme;
        let [a, b] = pair.map_or(["base", "an adapter"], |[a, b]| [a.as_str(), b.as_str()]);
        let first = format!("One prompt, answered by {a} and {b} side by side");
        let mut texts = vec![
            (first.as_str(), theme.accent),
            (
                "<compare-prompt> writes the prompt; both answer it at the same time, and <rate-answers> rates what they said.",
                theme.text,
            ),
            (
                "<blind> makes it blind: the sides are dealt at random and the names hidden until both are \
                 rated. Blind pairs on your own tasks decide much sooner than stars given apart.",
                theme.text,
            ),
            (
                "<left-arm> and <right-arm> choose the arms. <next-part> shows replay, the gate, your tasks, ratings and progress.",
                theme.dim,
            ),
        ];
        if let Some(why) = model_trouble(shared) {
            texts.push((why, theme.bad));
        }
        paragraphs(frame, area, &texts, &shared.keymap);
    }
}
