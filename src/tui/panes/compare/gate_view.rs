//! How the gate's question, its progress and its answer look.

use super::gate::Gate;
use super::view::model_trouble;
use crate::eval::Verdict;
use crate::improve::HeldOut;
use crate::store::plain_line;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::{
    area_table, facts_lines, guard_lines, held_out_facts, right_fact,
};
use crate::tui::theme::Theme;
use crate::tui::widgets::{paragraphs, wrap};
use crate::workplace::{Comparison, SetChoice};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

impl Gate {
    pub(super) fn draw(
        &self,
        frame: &mut Frame,
        area: Rect,
        shared: &Shared,
        pair: Option<&[String; 2]>,
    ) {
        let theme = &shared.theme;
        if let Some(running) = &self.running {
            let [a, b] = &running.arms;
            let words = format!("Is {b} better than {a}?");
            let [above, progress, below] = Layout::vertical([
                Constraint::Length(2),
                Constraint::Fill(1),
                Constraint::Length(4),
            ])
            .areas(area);
            frame.render_widget(Line::styled(words, theme.accent), above);
            let lines =
                running.lines(usize::from(progress.width), usize::from(progress.height), shared);
            frame.render_widget(Paragraph::new(lines), progress);
            return paragraphs(
                frame,
                below,
                &[(
                    "This takes many minutes the first time, because base answers every sentinel five \
                 times; that is kept. Leave it running and go on elsewhere: answers and tasks go \
                 first. Esc stops it.",
                    theme.dim,
                )],
            );
        }
        let known = pair.is_none_or(|pair| self.knows(pair));
        match (&self.result, &self.scroll) {
            (Some(result), Some(scroll)) => {
                let mut lines = Vec::new();
                if let Some(why) = &self.failed {
                    lines.extend(wrapped(why, area.width, theme.bad));
                }
                if let Some([a, b]) = pair.filter(|_| !known) {
                    let words =
                        format!("g judges {a} → {b}; below stands {} → {}", result.a, result.b);
                    lines.push(Line::styled(words, theme.warning));
                }
                lines.extend(result_lines(result, &self.notes, usize::from(area.width), theme));
                let [text, more] =
                    Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
                let visible = usize::from(text.height);
                let first = scroll.first(lines.len(), visible);
                let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
                frame.render_widget(Paragraph::new(shown), text);
                if scroll.below() > 0 {
                    let words = format!("↓ {} below", scroll.below());
                    frame.render_widget(Line::styled(words, theme.dim), more);
                }
            }
            _ => self.draw_empty(frame, area, shared, pair),
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
        let question = format!("Is {b} better than {a}? g asks the gate");
        let set = match &shared.set {
            SetChoice::BuiltIn => "the built-in set with your own items".to_owned(),
            SetChoice::File(path) => plain_line(&path.display().to_string()),
        };
        let what = format!(
            "It scores the held-out part of {set} under both arms, lets both answer what can be \
             checked, and guards what {b} was not trained for with the sentinels: maths, safety, \
             reasoning, code, writing."
        );
        let mut texts = vec![
            (question.as_str(), theme.accent),
            (what.as_str(), theme.text),
            (
                "The first time this takes many minutes, because base answers every sentinel five \
                 times; that is kept. It may be left running, and it spends nothing of what a \
                 promotion may spend.",
                theme.text,
            ),
        ];
        if let Some(why) = &self.failed {
            texts.push((why, theme.bad));
        } else if let Some(why) = model_trouble(shared) {
            texts.push((why, theme.bad));
        }
        paragraphs(frame, area, &texts);
    }
}

fn wrapped(text: &str, width: u16, style: Style) -> Vec<Line<'static>> {
    wrap(&plain_line(text), usize::from(width))
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}

fn result_lines(
    comparison: &Comparison,
    notes: &[String],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = verdict(comparison, width, theme);
    lines.push(Line::default());
    let decision = &comparison.decision;
    lines.extend(area_table(&decision.areas, &decision.sentinels, width, theme));
    lines.push(Line::default());
    for guard in &decision.guards {
        lines.extend(guard_lines(guard, width, theme));
    }
    for note in notes {
        lines.extend(wrap(note, width).into_iter().map(|line| Line::styled(line, theme.dim)));
    }
    lines
}

/// The verdict with its reason and what it rests on.
fn verdict(comparison: &Comparison, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let decision = &comparison.decision;
    let (a, b) = (&comparison.a, &comparison.b);
    let (word, style, words) = match decision.verdict {
        Verdict::Accepted if decision.style => {
            ("✓ ACCEPTED", theme.good, format!("{b} is better than {a}, maybe in style alone"))
        }
        Verdict::Accepted => ("✓ ACCEPTED", theme.good, format!("{b} is better than {a}")),
        Verdict::Rejected => ("✗ REJECTED", theme.bad, format!("{b} does not replace {a}")),
        Verdict::CannotTell => {
            ("? CANNOT TELL", theme.warning, format!("whether {b} is better than {a}"))
        }
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(word, style.add_modifier(Modifier::BOLD | Modifier::REVERSED)),
        Span::styled(format!("  {words}"), style.add_modifier(Modifier::BOLD)),
    ])];
    let plain = |text: &str, style| {
        wrap(&plain_line(text), width).into_iter().map(move |line| Line::styled(line, style))
    };
    lines.extend(plain(&decision.reason, theme.text));
    let mut facts = held_out_facts(&HeldOut::of(decision, false));
    facts.extend(decision.accuracy.as_ref().map(right_fact));
    let times = if comparison.used == 1 { "time" } else { "times" };
    let mut used =
        format!("held-out used {} {times} before; comparing spends nothing", comparison.used);
    if let Some(more) = decision.needs_more {
        used.push_str(&format!(" · needs about {more} more items"));
    }
    facts.push(("budget", used));
    lines.extend(facts_lines(&facts, width, theme));
    lines
}
