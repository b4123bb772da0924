//! How many values lie where, on a logarithmic axis from 1, with a threshold drawn across.

use crate::tui::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// Columns of one bin.
const BIN: usize = 2;

/// The axis reaches at least this far.
const LEAST_END: f64 = 20.0;

const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws bars for `values` (1 or more each; others are not shown), those over `threshold` in another
/// colour and to the right of its line. The last row is the axis; nothing is drawn in less than three.
pub fn histogram(frame: &mut Frame, area: Rect, values: &[f64], threshold: f64, theme: &Theme) {
    let gutter = 4;
    let columns = usize::from(area.width).saturating_sub(gutter) / BIN * BIN;
    let rows = usize::from(area.height).saturating_sub(1);
    if columns == 0 || rows < 2 {
        return;
    }
    let axis = Axis::over(values, threshold, columns);
    let counts = axis.counts(values);
    let tallest = counts.iter().copied().max().unwrap_or(0);
    let line = axis.column(threshold);
    let mut put = |column: usize, row: usize, symbol: &str, style| {
        let (Ok(x), Ok(y)) = (u16::try_from(column), u16::try_from(row)) else { return };
        if let Some(cell) = frame.buffer_mut().cell_mut((area.x + x, area.y + y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    };
    for column in 0..columns {
        let count = counts.get(column / BIN).copied().unwrap_or(0);
        let style = if column > line { theme.warning } else { theme.series[0] };
        for row in 0..rows {
            put(gutter + column, row, block(count, tallest, rows, row), style);
        }
    }
    for row in 0..rows {
        put(gutter + line, row, "│", theme.accent);
    }
    put(gutter + line, rows, "▲", theme.accent);
    for (column, label) in axis.labels(line) {
        for (place, digit) in label.chars().enumerate() {
            put(gutter + column + place, rows, digit.encode_utf8(&mut [0; 4]), theme.dim);
        }
    }
    let tallest = tallest.to_string();
    for (place, digit) in tallest.chars().enumerate().take(gutter) {
        put(place, 0, digit.encode_utf8(&mut [0; 4]), theme.dim);
    }
}

/// What stands in `row` (0 is the top) of a bar.
fn block(count: usize, tallest: usize, rows: usize, row: usize) -> &'static str {
    let eighths = (count * rows * 8).div_ceil(tallest.max(1));
    let here = eighths.saturating_sub(rows.saturating_sub(row + 1) * 8).min(8);
    BLOCKS.get(here).copied().unwrap_or(" ")
}

/// The way from a value to its column.
struct Axis {
    /// Natural logarithm of the value at the end.
    end: f64,
    columns: usize,
}

impl Axis {
    fn over(values: &[f64], threshold: f64, columns: usize) -> Self {
        let greatest = values
            .iter()
            .chain([&threshold])
            .copied()
            .filter(|value| value.is_finite())
            .fold(LEAST_END, f64::max);
        Self { end: (greatest * 1.1).ln(), columns }
    }

    fn column(&self, value: f64) -> usize {
        let share = (value.max(1.0).ln() / self.end).clamp(0.0, 1.0);
        ((share * self.columns as f64) as usize).min(self.columns.saturating_sub(1))
    }

    fn counts(&self, values: &[f64]) -> Vec<usize> {
        let mut counts = vec![0; self.columns / BIN];
        for value in values.iter().filter(|value| value.is_finite() && **value >= 1.0) {
            if let Some(count) = counts.get_mut(self.column(*value) / BIN) {
                *count += 1;
            }
        }
        counts
    }

    /// Round values where there is room, the powers of ten before those between; none lies at `mark`.
    fn labels(&self, mark: usize) -> Vec<(usize, String)> {
        let tens = (0..=9).map(|power| 10f64.powi(power));
        let between = (0..=9).map(|power| 3.0 * 10f64.powi(power));
        let mut placed: Vec<(usize, String)> = Vec::new();
        for value in tens.chain(between).filter(|value| value.ln() <= self.end) {
            let label = round(value);
            let (start, end) = (self.column(value), self.column(value) + label.width());
            let free =
                placed.iter().all(|(other, label)| end < *other || other + label.width() < start);
            if free && end <= self.columns && !(start..end).contains(&mark) {
                placed.push((start, label));
            }
        }
        placed
    }
}

/// `300`, `3k`, `30M`.
fn round(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.0}M", v / 1e6),
        v if v >= 1e3 => format!("{:.0}k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::buffer::Buffer;

    fn drawn(width: u16, height: u16, values: &[f64], threshold: f64) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let theme = Theme::default();
        terminal
            .draw(|frame| histogram(frame, frame.area(), values, threshold, &theme))
            .unwrap()
            .buffer
            .clone()
    }

    fn text(buffer: &Buffer) -> String {
        let rows = buffer.content.chunks(buffer.area.width.into());
        rows.map(|row| {
            row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
    }

    // If this fails, the person moves a threshold without seeing what lies on which side of it.
    #[test]
    fn bars_stand_at_their_values_and_the_line_between_them() {
        let values: Vec<f64> = [2.0; 4].into_iter().chain([8.0; 2]).chain([80.0; 3]).collect();
        insta::assert_snapshot!(text(&drawn(44, 5, &values, 20.0)), @r"
        4         ██                  │
                  ██                  │           ██
                  ██          ██      │           ██
                  ██          ██      │           ██
            1        3          10    ▲   30
        ");
    }

    // If this fails, the two sides of the threshold look alike.
    #[test]
    fn what_is_over_the_threshold_has_its_own_colour() {
        let theme = Theme::default();
        let buffer = drawn(44, 5, &[2.0, 80.0], 20.0);
        let style = |symbol: &str, last: bool| {
            let mut cells = buffer.content.iter().filter(|cell| cell.symbol() == symbol);
            if last { cells.next_back().unwrap().fg } else { cells.next().unwrap().fg }
        };
        assert_eq!(Some(style("█", false)), theme.series[0].fg);
        assert_eq!(Some(style("█", true)), theme.warning.fg);
        assert_eq!(Some(style("│", false)), theme.accent.fg);
    }

    // If this fails, a small window or an odd score ends the program.
    #[test]
    fn any_size_and_any_values_are_drawn() {
        let odd = [f64::NAN, f64::INFINITY, -3.0, 0.0, 1.0, 1e300];
        for (width, height) in [(0, 0), (1, 1), (3, 3), (5, 2), (7, 4), (60, 12)] {
            for threshold in [f64::NAN, 0.0, 1.0, 12.0, f64::INFINITY] {
                for values in [&odd[..], &odd[..4], &[]] {
                    drawn(width, height, values, threshold);
                }
            }
        }
        let columns: usize = Axis::over(&odd, 10.0, 40).counts(&odd).iter().sum();
        assert_eq!(columns, 2, "1 and 1e300 are values, the others are none");
    }
}
