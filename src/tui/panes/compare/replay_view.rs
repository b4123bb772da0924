//! How a replay looks. While a pair is open no arm is named, whatever is known of them elsewhere.

use super::evidence::Service;
use super::replay::{Ended, Replay, Waiting};
use super::view::{asked_lines, halves, model_trouble};
use crate::driver::ShownPair;
use crate::eval::promotion::Finding;
use crate::tui::pane::{ModelState, Shared};
use crate::tui::widgets::{marked_lines, more_below, paragraphs, spinner, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};

impl Replay {
    pub(super) fn draw(
        &self,
        frame: &mut Frame,
        area: Rect,
        shared: &Shared,
        pair: Option<&[String; 2]>,
        service: &Service,
    ) {
        let Some(running) = &self.running else {
            return self.draw_rest(frame, area, shared, pair, service);
        };
        let width = usize::from(area.width);
        let below = self.standing(width, shared, service);
        let rows = u16::try_from(below.len()).unwrap_or(u16::MAX).min(area.height / 2);
        let [above, below_area] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(area);
        frame.render_widget(Paragraph::new(below), below_area);
        match &running.waiting {
            Waiting::Judgement(pair, _) => self.draw_pair(frame, above, pair, shared),
            waiting => {
                let words = match waiting {
                    Waiting::End => "ending; what you judged is kept",
                    Waiting::Disk => "writing it down",
                    _ if !running.started && matches!(shared.model, ModelState::Coming(..)) => {
                        "waiting for the model"
                    }
                    _ => "both answer …",
                };
                let theme = &shared.theme;
                let mut lines = vec![
                    Line::styled(format!("{} {words}", spinner(shared.ticks)), theme.warning),
                    Line::default(),
                ];
                let words = "Nothing of an answer is shown before both are whole, so that the pace \
                             tells nothing.";
                lines.extend(
                    wrap(words, width.min(76)).into_iter().map(|l| Line::styled(l, theme.dim)),
                );
                frame.render_widget(Paragraph::new(lines), above);
            }
        }
    }

    fn draw_pair(&self, frame: &mut Frame, area: Rect, pair: &ShownPair, shared: &Shared) {
        let theme = &shared.theme;
        let task = asked_lines(&pair.task, area, theme);
        let rows = u16::try_from(task.len()).unwrap_or(1);
        let [above, columns] =
            Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(area);
        frame.render_widget(Paragraph::new(task), above);
        let halves = halves(columns, shared);
        let blocks = ["left", "right"].map(|side| {
            Block::bordered()
                .border_type(BorderType::Rounded)
                .border_style(theme.border)
                .title(Line::styled(format!(" {side} "), theme.accent))
        });
        let insides = [0, 1].map(|side| blocks[side].inner(halves[side]).inner(Margin::new(1, 0)));
        let texts = [&pair.left, &pair.right];
        let texts = [0, 1].map(|side| -> Vec<Line> {
            let width = usize::from(insides[side].width);
            match self.pieces() {
                Some(pieces) => marked_lines(&pieces[side], width, theme.series[2 - side]),
                None => self.lines[side].of(texts[side].trim(), width, shared.reading()).to_vec(),
            }
        });
        let longest = texts.iter().map(Vec::len).max().unwrap_or_default();
        let visible = usize::from(insides[0].height);
        let first = self.scroll.first(longest, visible);
        for (side, (block, text)) in blocks.into_iter().zip(texts).enumerate() {
            let block = match more_below(text.len().saturating_sub(first + visible)) {
                None => block,
                Some(mark) => {
                    let mark = Line::styled(format!(" {mark} "), theme.warning);
                    block.title_bottom(mark.right_aligned())
                }
            };
            frame.render_widget(block, halves[side]);
            let shown: Vec<Line> = text.into_iter().skip(first).take(visible).collect();
            frame.render_widget(Paragraph::new(shown), insides[side]);
        }
    }

    /// Which pair it is, what the last one came to, and how far the decision is.
    fn standing(&self, width: usize, shared: &Shared, service: &Service) -> Vec<Line<'static>> {
        let theme = &shared.theme;
        let mut first = vec![Span::styled(
            self.number.map_or_else(
                || "The first pair comes".to_owned(),
                |(number, total)| format!("Pair {number} of {total}"),
            ),
            theme.accent,
        )];
        if let Some(last) = &self.last {
            let before = if self.pair().is_some() { "  the one before: " } else { "  " };
            first.push(Span::styled(before, theme.dim));
            first.push(Span::styled(last.clone(), theme.text));
        }
        let mut lines = vec![Line::from(first)];
        let counts = self.counts().or_else(|| service.pairs(self.arms.as_ref()?));
        if let Some(counts) = counts {
            let words = match counts.pairs() {
                0 => "No pair of these two is judged yet.".to_owned(),
                _ => counts.describe(),
            };
            let words = wrap(&words, width);
            lines.extend(words.into_iter().map(|line| Line::styled(line, theme.dim)));
        }
        lines
    }

    /// Before the first pair, and after the last one.
    fn draw_rest(
        &self,
        frame: &mut Frame,
        area: Rect,
        shared: &Shared,
        pair: Option<&[String; 2]>,
        service: &Service,
    ) {
        let theme = &shared.theme;
        let mut texts: Vec<(String, ratatui::style::Style)> = Vec::new();
        if let Some(last) = &self.last {
            texts.push((last.clone(), theme.text));
        }
        match &self.ended {
            None => {}
            Some(Ended::Failed(why)) => {
                texts.push((why.clone(), theme.bad));
                texts.push((
                    "What you judged is kept; <start-replay> tries again.".into(),
                    theme.text,
                ));
            }
            Some(Ended::Stopped) => texts.push((
                "You ended it. What you judged is kept and counts; <start-replay> goes on.".into(),
                theme.warning,
            )),
            Some(Ended::Whole) => texts.extend(self.conclusion(shared, service)),
        }
        let counts = self.counts().filter(|counts| counts.pairs() > 0);
        if let Some(counts) = counts.filter(|_| self.ended.is_some()) {
            texts.push((counts.describe(), theme.dim));
        }
        let [a, b] = pair.map_or(["base", "an adapter"], |[a, b]| [a.as_str(), b.as_str()]);
        if self.ended.is_none() {
            texts.push((format!("Is {b} better than {a} on your own tasks?"), theme.accent));
            texts.push((
                "<start-replay> begins: your recent rated tasks are answered again by both, side by side, blind \
                 and on sides drawn at random. One key says which answer is better: \
                 <left-better> left, <right-better> right, <even> even, <skip-pair> says nothing of it. Tasks that either was trained on are left out."
                    .into(),
                theme.text,
            ));
            texts.push((
                "This is the shortest way to a decision, since both answer the same tasks. It may be \
                 looked at after every pair: the bound holds however often you look."
                    .into(),
                theme.text,
            ));
            if let Some(counts) =
                pair.and_then(|pair| service.pairs(pair)).filter(|counts| counts.pairs() > 0)
            {
                texts.push((format!("So far: {}", counts.describe()), theme.dim));
            }
        } else if self.arms.as_ref() != pair {
            texts.push((format!("<start-replay> replays {b} against {a}."), theme.accent));
        }
        if let Some(why) = model_trouble(shared) {
            texts.push((why.to_owned(), theme.bad));
        }
        let texts: Vec<(&str, _)> =
            texts.iter().map(|(text, style)| (text.as_str(), *style)).collect();
        paragraphs(frame, area, &texts, &shared.keymap);
    }

    /// What was found, and what follows from it.
    fn conclusion(
        &self,
        shared: &Shared,
        service: &Service,
    ) -> Vec<(String, ratatui::style::Style)> {
        let theme = &shared.theme;
        let Some(state) = &self.state else { return Vec::new() };
        let (counts, candidate) = (&state.counts, state.candidate.as_str());
        if counts.pairs() == 0 && self.number.is_none() {
            return vec![
                ("There is no task to replay".into(), theme.accent),
                (
                    "A task that you have rated is needed, answered to its end and trained on by neither \
                     arm; none is left. A correction that was trained on does not count, since an adapter \
                     may know it by heart."
                        .into(),
                    theme.text,
                ),
                (
                    "<show-tasks> asks tasks; <rate> rates the answers. Then <start-replay> here shows them to you again, answered \
                     by both."
                        .into(),
                    theme.text,
                ),
            ];
        }
        let words = counts.conclusion(candidate, &state.reference);
        let (style, follows) = match counts.finding() {
            Finding::Better => (theme.good, service.after_better(candidate, shared)),
            Finding::Worse => (theme.bad, service.after_worse(candidate)),
            Finding::Open => (
                theme.warning,
                "All tasks that could be replayed are judged. Rate more answers (<show-tasks>), and <start-replay> goes on \
                 with those; what you judged counts on."
                    .into(),
            ),
        };
        vec![(words, style), (follows, theme.text)]
    }
}
