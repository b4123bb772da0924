//! Tables in an answer: columns that line up, cells that wrap where the room ends.

use super::inline::{Piece, wrapped};
use crate::tui::theme::Theme;
use crate::tui::widgets::columns;
use pulldown_cmark::Alignment;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// Between two columns.
const BETWEEN: &str = " │ ";
const CROSSING: &str = "─┼─";
/// Columns narrower than this cannot be read.
const NARROWEST: usize = 5;

/// A table as it is read; the first row is its head.
pub struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Piece>>>,
}

impl Table {
    pub fn new(alignments: Vec<Alignment>) -> Self {
        Self { alignments, rows: Vec::new() }
    }

    pub fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub fn cell(&mut self, pieces: Vec<Piece>) {
        if let Some(row) = self.rows.last_mut() {
            row.push(pieces);
        }
    }

    /// The table in at most `width` columns: where even narrow columns have no room, a row becomes lines of
    /// their own, each under its heading.
    pub fn lines(mut self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        for piece in self.rows.iter_mut().take(1).flatten().flatten() {
            piece.style = piece.style.add_modifier(Modifier::BOLD);
        }
        let count = self.alignments.len();
        let between = columns(BETWEEN) * count.saturating_sub(1);
        let Some(widths) = self.widths(width.saturating_sub(between)) else {
            return self.records(width, theme);
        };
        let mut lines = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            lines.extend(self.row(row, &widths, theme));
            if place == 0 {
                let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                lines.push(Line::styled(rule.join(CROSSING), theme.border));
            }
        }
        lines
    }

    /// The columns' widths: as wide as their cells, the widest made narrower until all have room.
    fn widths(&self, room: usize) -> Option<Vec<usize>> {
        let mut natural = vec![1; self.alignments.len()];
        for row in &self.rows {
            for (width, cell) in natural.iter_mut().zip(row) {
                *width = (*width).max(cell.iter().map(|piece| columns(&piece.text)).sum());
            }
        }
        let total = |most: usize| natural.iter().map(|width| (*width).min(most)).sum::<usize>();
        let fewest = NARROWEST.min(natural.iter().copied().max().unwrap_or_default());
        let most = (fewest..=room.max(fewest)).rev().find(|most| total(*most) <= room)?;
        Some(natural.into_iter().map(|width| width.min(most)).collect())
    }

    fn row(&self, row: &[Vec<Piece>], widths: &[usize], theme: &Theme) -> Vec<Line<'static>> {
        let empty = Vec::new();
        let cells: Vec<Vec<Line<'static>>> = widths
            .iter()
            .enumerate()
            .map(|(place, width)| wrapped(row.get(place).unwrap_or(&empty), *width))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        (0..height)
            .map(|height| {
                let mut spans = Vec::new();
                for (place, (cell, width)) in cells.iter().zip(widths).enumerate() {
                    if place > 0 {
                        spans.push(Span::styled(BETWEEN, theme.border));
                    }
                    let line = cell.get(height).cloned().unwrap_or_default();
                    let used: usize = line.spans.iter().map(|span| columns(&span.content)).sum();
                    let gap = width.saturating_sub(used);
                    let before = match self.alignments.get(place) {
                        Some(Alignment::Right) => gap,
                        Some(Alignment::Center) => gap / 2,
                        _ => 0,
                    };
                    spans.push(Span::raw(" ".repeat(before)));
                    spans.extend(line.spans);
                    spans.push(Span::raw(" ".repeat(gap - before)));
                }
                Line::from(spans)
            })
            .collect()
    }

    fn records(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let Some((head, rows)) = self.rows.split_first() else { return Vec::new() };
        let mut lines = Vec::new();
        for row in rows {
            if !lines.is_empty() {
                lines.push(Line::styled("─".repeat(NARROWEST), theme.border));
            }
            for (place, cell) in row.iter().enumerate() {
                let mut pieces = head.get(place).cloned().unwrap_or_default();
                pieces.push(Piece { text: ": ".into(), style: theme.dim });
                pieces.extend(cell.iter().cloned());
                lines.extend(wrapped(&pieces, width));
            }
        }
        lines
    }
}
