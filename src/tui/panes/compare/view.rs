//! The pane's first rows (its parts, its arms) and what all parts draw alike.

use super::{ComparePane, Part};
use crate::tui::hits::{self, Split};
use crate::tui::pane::{ModelState, Shared};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, paragraphs, prompt};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

impl ComparePane {
    pub(super) fn draw_parts(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let [top, line, rest] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(u16::from(area.height > 14)),
            Constraint::Fill(1),
        ])
        .areas(area.inner(Margin::new(1, 0)));
        let told = self.draw_top(frame, top, shared);
        if self.answers.blind && !told {
            frame.render_widget(Line::styled("blind", shared.theme.accent), line);
        }
        shared.hits.text(rest, hits::Part::Main);
        let pair = self.pair(shared);
        if !self.is_blind(shared) && !self.is_half_rated() {
            self.draw_service(frame, line, shared);
        }
        let service = &self.service;
        match (self.part, &pair) {
            (Part::Ratings | Part::Progress, _) if self.is_half_rated() => {
                let words = "What the ratings say is told when both answers are rated: until then it \
                             would tell which arm is which. <next-part> leads back to them, <rate-answers> rates.";
                paragraphs(frame, rest, &[(words, shared.theme.warning)], &shared.keymap);
            }
            (Part::Ratings, _) => {
                let news = self.routing.news.as_deref();
                self.ratings.draw(frame, rest, shared, pair.as_ref(), service, news);
            }
            (Part::Progress, _) => self.progress.draw(frame, rest, shared),
            (Part::Answers, None) if self.answers.columns().is_none() => {
                no_adapter(frame, rest, shared)
            }
            (Part::Answers, _) => self.answers.draw(frame, rest, shared, pair.as_ref()),
            (Part::Replay, None) if self.replay.running.is_none() => {
                no_adapter(frame, rest, shared)
            }
            (Part::Replay, _) => self.replay.draw(frame, rest, shared, pair.as_ref(), service),
            (Part::Gate, None) if !self.gate.has_result() => no_adapter(frame, rest, shared),
            (Part::Gate, _) => self.gate.draw(frame, rest, shared, pair.as_ref(), service),
            (Part::Failed, None) if self.failed.result.is_none() => no_adapter(frame, rest, shared),
            (Part::Failed, _) => self.failed.draw(frame, rest, shared, pair.as_ref()),
        }
    }

    /// Who answers tasks, and what changed by itself.
    fn draw_service(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let told = if self.answers.blind { "blind  ".width() } else { 0 };
        let width = usize::from(area.width).saturating_sub(told);
        let line = match (&self.routing.news, self.service.line()) {
            (Some(news), _) => Line::styled(elide(news, width), theme.warning),
            (None, Some(line)) => Line::styled(elide(&line, width), theme.dim),
            (None, None) => return,
        };
        let right = u16::try_from(line.width()).unwrap_or(u16::MAX).min(area.width);
        let area = Rect { x: area.right() - right, width: right, ..area };
        frame.render_widget(line, area);
    }

    /// False where there was no room to say that the next answers are blind.
    fn draw_top(&self, frame: &mut Frame, area: Rect, shared: &Shared) -> bool {
        let theme = &shared.theme;
        let mut spans = Vec::new();
        for (place, part) in Part::ALL.into_iter().enumerate() {
            let moving = match part {
                Part::Answers => self.answers.is_answering(),
                Part::Replay => self.replay.running.is_some(),
                Part::Gate => self.gate.running.is_some(),
                Part::Failed => self.failed.running.is_some(),
                Part::Ratings | Part::Progress => false,
            };
            let style = if part == self.part { theme.selected } else { theme.dim };
            let used: usize = spans.iter().map(|span: &Span| span.content.width()).sum();
            let span = Span::styled(format!(" {} ", part.title()), style);
            let x = area.x.saturating_add(used as u16);
            let target = Rect { x, width: span.content.width() as u16, ..area };
            shared.hits.choice(target.intersection(area), place);
            spans.push(span);
            spans.push(Span::styled(if moving { "●" } else { " " }, theme.warning));
        }
        let used: usize = spans.iter().map(|span| span.content.width()).sum();
        let room = usize::from(area.width).saturating_sub(used);
        let (arms, blind) = match self.pair(shared) {
            Some(_) if self.is_blind(shared) => ("blind".into(), ""),
            Some([a, b]) if self.answers.blind => (format!("{a} → {b}"), "  blind"),
            Some([a, b]) => (format!("{a} → {b}"), ""),
            None => ("no adapter yet".into(), ""),
        };
        // Where there is no room for it, it stands a row below.
        let blind = if arms.width() + blind.width() <= room { blind } else { "" };
        let arms = elide(&arms, room.saturating_sub(blind.width()));
        let gap = room.saturating_sub(arms.width() + blind.width());
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(arms, theme.accent));
        spans.push(Span::styled(blind, theme.accent));
        frame.render_widget(Line::from(spans), area);
        !blind.is_empty() || self.is_blind(shared)
    }
}

fn no_adapter(frame: &mut Frame, area: Rect, shared: &Shared) {
    let unfit = shared.unfit_words();
    paragraphs(
        frame,
        area,
        &[
            match &unfit {
                Some(words) => (words.as_str(), shared.theme.warning),
                None => ("No adapter to compare with yet", shared.theme.accent),
            },
            (
                "Here base and an adapter stand side by side: their answers to one prompt, the gate's \
                 verdict on held-out examples, and your own failed tasks before and after.",
                shared.theme.text,
            ),
            (
                "An adapter comes of training: <show-training> goes there, and <train-on-failed> trains on \
                 your failed tasks that have a right answer, <train-from-file> on a file.",
                shared.theme.text,
            ),
        ],
        &shared.keymap,
    );
}

/// What is waited for before anything is measured, where that is not the measurement itself.
pub(super) fn model_trouble(shared: &Shared) -> Option<&str> {
    match &shared.model {
        ModelState::Failed(why) => Some(why),
        ModelState::Coming(..) | ModelState::Ready(_) => None,
    }
}

/// What both arms are asked, over their answers: a fifth of the height at most.
pub(super) fn asked_lines(text: &str, area: Rect, theme: &Theme) -> Vec<Line<'static>> {
    let most = usize::from(area.height / 5).clamp(1, 4);
    prompt(text.trim(), usize::from(area.width), most, theme)
}

/// Where the left and the right answer stand.
pub(super) fn halves(area: Rect, shared: &Shared) -> [Rect; 2] {
    let usual = area.width.saturating_sub(1).div_ceil(2);
    let left = shared.splits.left(Split::Compare, area.width, usual);
    let [left, right] =
        Layout::horizontal([Constraint::Length(left), Constraint::Fill(1)]).spacing(1).areas(area);
    let line = Rect { x: left.right(), width: area.width.min(1), ..area };
    shared.hits.text(left, hits::Part::Left);
    shared.hits.text(right, hits::Part::Right);
    shared.hits.split(line.intersection(area), Split::Compare, area);
    [left, right]
}
