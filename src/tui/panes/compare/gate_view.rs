//! How the gate's question, its progress and its answer look.

use super::evidence::Service;
use super::gate::{Gate, Judge};
use super::measuring::Measuring;
use super::view::model_trouble;
use crate::eval::Verdict;
use crate::improve::HeldOut;
use crate::store::plain_line;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::{
    BETTER, area_bars, area_table, facts_lines, guard_lines, held_out_facts, right_fact,
};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, paragraphs, wrap};
use crate::workplace::own_work::FEWEST_CORRECTIONS;
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
        service: &Service,
    ) {
        let theme = &shared.theme;
        let judge = self.judge_by(service);
        let [title, area] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let running = self.running.as_ref().filter(|running| running.by == judge);
        let set = running.map_or(&shared.set, |running| &running.set);
        let line = heading(judge, set, shared, service, usize::from(title.width));
        frame.render_widget(line, title);
        if let Some(running) = running {
            return draw_running(frame, area, &running.measuring, shared);
        }
        let verdicts = self.of(judge);
        match (&verdicts.result, &verdicts.scroll) {
            (Some(result), Some(scroll)) => {
                let mut lines = Vec::new();
                if let Some(why) = &verdicts.failed {
                    lines.extend(wrapped(why, area.width, theme.bad));
                }
                if let Some(words) = self.stands_below(judge, shared, pair) {
                    lines.extend(wrapped(&words, area.width, theme.warning));
                }
                let width = usize::from(area.width);
                lines.extend(result_lines(judge, result, &verdicts.notes, width, theme));
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
            _ => self.draw_empty(frame, area, judge, shared, pair, service),
        }
    }

    /// What the verdict on screen is about, where it is no answer to what would be asked now.
    fn stands_below(
        &self,
        judge: Judge,
        shared: &Shared,
        pair: Option<&[String; 2]>,
    ) -> Option<String> {
        let verdicts = self.of(judge);
        let result = verdicts.result.as_ref()?;
        let known = pair.is_none_or(|pair| self.knows(judge, pair, &shared.set));
        if known && verdicts.failed.is_none() {
            return None;
        }
        let mut below = format!("below stands {} → {}", result.a, result.b);
        if judge == Judge::Set && (verdicts.failed.is_some() || verdicts.set != shared.set) {
            below.push_str(&format!(", judged on {}", set_words(&verdicts.set)));
        }
        Some(match pair.filter(|_| !known) {
            Some([a, b]) => format!("{} judges {a} → {b}; {below}", shared.keymap.key("judge")),
            None => format!("{} tries again; {below}", shared.keymap.key("judge")),
        })
    }

    fn draw_empty(
        &self,
        frame: &mut Frame,
        area: Rect,
        judge: Judge,
        shared: &Shared,
        pair: Option<&[String; 2]>,
        service: &Service,
    ) {
        let theme = &shared.theme;
        let [a, b] = pair.map_or(["base", "an adapter"], |[a, b]| [a.as_str(), b.as_str()]);
        let question = format!("Is {b} better than {a}? <judge> asks the gate");
        let mut texts: Vec<(String, Style)> = Vec::new();
        match (judge, service.unproven()) {
            (Judge::OwnWork, Some(why)) => {
                texts.push((format!("{b} is {why}"), theme.warning));
                texts.push((
                    format!(
                        "From {FEWEST_CORRECTIONS} corrections on, one in four is held back from training \
                         and decides whether an adapter is better at your own work; with fewer, all are \
                         needed to learn from. Until then no adapter is promoted by itself."
                    ),
                    theme.text,
                ));
                texts.push((
                    "<show-sessions> lists your sessions; <correct> there writes the right answer. <other-judge> asks the evaluation set \
                     meanwhile."
                        .into(),
                    theme.text,
                ));
            }
            (Judge::OwnWork, None) => {
                texts.push((question, theme.accent));
                texts.push((
                    format!(
                        "It scores your corrections that were held back from training under both arms, and \
                         guards what {b} was not trained for with the sentinels: maths, safety, reasoning, \
                         code, writing. Without its yes no adapter is promoted by itself."
                    ),
                    theme.text,
                ));
                texts.push((
                    "Each decision spends a share of what your corrections may decide, so that asking \
                     often does not find what is not there; the same question again costs nothing. The \
                     first time it takes many minutes; it may be left running."
                        .into(),
                    theme.text,
                ));
            }
            (Judge::Set, _) => {
                texts.push((question, theme.accent));
                texts.push((
                    format!(
                        "It scores the held-out part of {} under both arms, lets both answer what can be \
                         checked, and guards what {b} was not trained for with the sentinels: maths, \
                         safety, reasoning, code, writing.",
                        set_words(&shared.set)
                    ),
                    theme.text,
                ));
                texts.push((
                    "The first time this takes many minutes, because base answers every sentinel five \
                     times; that is kept. It may be left running, and it spends nothing of what a \
                     promotion may spend."
                        .into(),
                    theme.text,
                ));
            }
        }
        if let Some(why) = &self.of(judge).failed {
            texts.push((why.clone(), theme.bad));
        } else if let Some(why) = model_trouble(shared) {
            texts.push((why.to_owned(), theme.bad));
        }
        if self.running.is_some() {
            texts.push((
                "The other judge is measuring; <other-judge> shows it.".into(),
                theme.warning,
            ));
        }
        let texts: Vec<(&str, Style)> =
            texts.iter().map(|(t, style)| (t.as_str(), *style)).collect();
        paragraphs(frame, area, &texts, &shared.keymap);
    }
}

/// Which judge it is, and how to get to the other one.
fn heading(
    judge: Judge,
    set: &SetChoice,
    shared: &Shared,
    service: &Service,
    width: usize,
) -> Line<'static> {
    let theme = &shared.theme;
    let key = shared.keymap.key("other-judge");
    let (title, other) = match judge {
        Judge::OwnWork => {
            let held_back = service.state.as_ref().map_or(0, |state| state.held_back);
            let title = match held_back {
                0 => "Judge: your own work".to_owned(),
                1 => "Judge: your own work, 1 correction held back".to_owned(),
                count => format!("Judge: your own work, {count} corrections held back"),
            };
            (title, format!("  {key}: evaluation set"))
        }
        Judge::Set => {
            let other = match service.unproven() {
                Some(_) => format!("  {key}: own work (unproven)"),
                None => format!("  {key}: own work"),
            };
            (format!("Judge: {}", set_words(set)), other)
        }
    };
    let title = elide(&title, width.saturating_sub(other.len()));
    Line::from(vec![Span::styled(title, theme.accent), Span::styled(other, theme.dim)])
}

fn set_words(set: &SetChoice) -> String {
    match set {
        SetChoice::BuiltIn => "the built-in set with your own items".to_owned(),
        SetChoice::File(path) => plain_line(&path.display().to_string()),
    }
}

fn draw_running(frame: &mut Frame, area: Rect, running: &Measuring, shared: &Shared) {
    let theme = &shared.theme;
    let [a, b] = &running.arms;
    let words = format!("Is {b} better than {a}?");
    let [above, progress, below] =
        Layout::vertical([Constraint::Length(2), Constraint::Fill(1), Constraint::Length(4)])
            .areas(area);
    frame.render_widget(Line::styled(words, theme.accent), above);
    let lines = running.lines(usize::from(progress.width), usize::from(progress.height), shared);
    frame.render_widget(Paragraph::new(lines), progress);
    paragraphs(
        frame,
        below,
        &[(
            "This takes many minutes the first time, because base answers every sentinel five times; that \
             is kept. Leave it running and go on elsewhere: answers and tasks go first. <stop-comparing> stops it.",
            theme.dim,
        )],
        &shared.keymap,
    );
}

fn wrapped(text: &str, width: u16, style: Style) -> Vec<Line<'static>> {
    wrap(&plain_line(text), usize::from(width))
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}

fn result_lines(
    judge: Judge,
    comparison: &Comparison,
    notes: &[String],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = verdict(judge, comparison, width, theme);
    lines.push(Line::default());
    let decision = &comparison.decision;
    let table = area_table(&decision.areas, &decision.sentinels, width, theme);
    let drawn = table.first().is_some_and(|heading| heading.to_string().contains(BETTER));
    lines.extend(table);
    if !drawn {
        lines.push(Line::default());
        lines.extend(area_bars(&decision.areas, &decision.sentinels, width, theme));
    }
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
fn verdict(
    judge: Judge,
    comparison: &Comparison,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
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
    let mut used = match judge {
        Judge::Set => {
            format!("held-out used {} {times} before; comparing spends nothing", comparison.used)
        }
        Judge::OwnWork => format!(
            "your corrections were asked {} {times} before; each decision spends a share",
            comparison.used
        ),
    };
    if let Some(more) = decision.needs_more {
        used.push_str(&format!(" · needs about {more} more items"));
    }
    facts.push(("budget", used));
    lines.extend(facts_lines(&facts, width, theme));
    lines
}
