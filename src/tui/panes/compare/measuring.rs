//! A measurement under way: what has been measured, what is being measured, and for how long.

use crate::driver::{WorkEvent, WorkId};
use crate::store::plain_line;
use crate::tui::pane::Shared;
use crate::tui::widgets::{elide, pad, spinner};
use crate::workplace::Event;
use jiff::Zoned;
use ratatui::text::{Line, Span};

/// Parts that are measured once for each arm, the reference first.
const ONCE_AN_ARM: [&str; 4] =
    ["scoring", "answering", "scoring sentinels", "sampling for diversity"];

#[derive(Debug)]
pub(super) struct Measuring {
    pub(super) work: WorkId,
    /// Reference and candidate.
    pub(super) arms: [String; 2],
    began: Zoned,
    started: bool,
    parts: Vec<Part>,
    pub(super) notes: Vec<String>,
}

#[derive(Debug)]
struct Part {
    what: &'static str,
    done: usize,
    total: usize,
}

impl Measuring {
    pub(super) fn new(work: WorkId, arms: [String; 2], now: &Zoned) -> Self {
        Self {
            work,
            arms,
            began: now.clone(),
            started: false,
            parts: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn event(&mut self, event: &WorkEvent) {
        match event {
            WorkEvent::Started => self.started = true,
            WorkEvent::Progress(Event::Note(note)) => self.notes.push(plain_line(note)),
            WorkEvent::Progress(Event::Measuring { what, done, total }) => {
                let (what, done, total) = (*what, *done, *total);
                match self.parts.last_mut() {
                    Some(part) if part.what == what && part.done <= done => {
                        (part.done, part.total) = (done, total);
                    }
                    _ => self.parts.push(Part { what, done, total }),
                }
            }
            _ => {}
        }
    }

    /// A part in words, with the arm where it is measured for each.
    fn label(&self, place: usize) -> String {
        let Some(part) = self.parts.get(place) else { return String::new() };
        if !ONCE_AN_ARM.contains(&part.what) {
            return part.what.to_owned();
        }
        let before = self.parts.iter().take(place).filter(|other| other.what == part.what).count();
        match self.arms.get(before) {
            Some(arm) => format!("{}, {arm}", part.what),
            None => part.what.to_owned(),
        }
    }

    /// The newest `rows` lines of progress, a part a line.
    pub(super) fn lines(&self, width: usize, rows: usize, shared: &Shared) -> Vec<Line<'static>> {
        let theme = &shared.theme;
        let seconds =
            shared.now.timestamp().as_second().saturating_sub(self.began.timestamp().as_second());
        let what = if self.started { "measuring" } else { "waiting for the model" };
        let mut lines = vec![Line::from(vec![
            Span::styled(format!("{} {what}", spinner(shared.ticks)), theme.warning),
            Span::styled(format!("  {}", duration(seconds)), theme.dim),
        ])];
        let room = rows.saturating_sub(1).max(1);
        let hidden = self.parts.len().saturating_sub(room);
        let label_width = (width / 2).clamp(8, 42);
        for (place, part) in self.parts.iter().enumerate().skip(hidden) {
            let ended = part.done >= part.total;
            let (mark, style) = if ended { ("✓", theme.good) } else { ("·", theme.accent) };
            let label = elide(&self.label(place), label_width.saturating_sub(2));
            let count = format!(" {}/{}", part.done, part.total);
            let bar = width.saturating_sub(label_width + count.len() + 4).min(32);
            let full = (bar * part.done.min(part.total)).checked_div(part.total).unwrap_or(bar);
            lines.push(Line::from(vec![
                Span::styled(format!("{mark} "), style),
                Span::styled(pad(&label, label_width), theme.text),
                Span::styled("█".repeat(full), style),
                Span::styled("░".repeat(bar.saturating_sub(full)), theme.dim),
                Span::styled(count, theme.dim),
            ]));
        }
        lines
    }
}

fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
