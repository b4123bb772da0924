//! Columns of styled cells that line up, and leave where the room ends: the least important first.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// One column; `cells` are as many as the table has rows.
pub struct Column {
    pub heading: String,
    pub cells: Vec<(String, Style)>,
    pub right: bool,
    /// The column with the lowest rank leaves first.
    pub rank: u8,
}

const GAP: usize = 2;

/// The heading and the rows, in at most `width` columns where the most important column fits.
pub fn table(mut columns: Vec<Column>, width: usize, heading: Style) -> Vec<Line<'static>> {
    let widths = |columns: &[Column]| -> Vec<usize> {
        columns
            .iter()
            .map(|column| {
                let cells = column.cells.iter().map(|(text, _)| text.width());
                cells.chain([column.heading.width()]).max().unwrap_or_default()
            })
            .collect()
    };
    let total = |columns: &[Column]| {
        widths(columns).iter().sum::<usize>() + GAP * columns.len().saturating_sub(1)
    };
    while columns.len() > 1 && total(&columns) > width {
        let least = columns.iter().enumerate().min_by_key(|(_, column)| column.rank);
        let Some((least, _)) = least else { break };
        columns.remove(least);
    }
    let widths = widths(&columns);
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or_default();
    let mut lines = vec![line(&columns, &widths, |column| (column.heading.clone(), heading))];
    for row in 0..rows {
        lines.push(line(&columns, &widths, |column| {
            column.cells.get(row).cloned().unwrap_or_default()
        }));
    }
    lines
}

fn line(
    columns: &[Column],
    widths: &[usize],
    cell: impl Fn(&Column) -> (String, Style),
) -> Line<'static> {
    let mut spans = Vec::new();
    for (place, (column, width)) in columns.iter().zip(widths).enumerate() {
        if place > 0 {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        let (text, style) = cell(column);
        let padding = " ".repeat(width.saturating_sub(text.width()));
        let (before, after) =
            if column.right { (padding, String::new()) } else { (String::new(), padding) };
        spans.push(Span::raw(before));
        spans.push(Span::styled(text, style));
        spans.push(Span::raw(after));
    }
    Line::from(spans)
}

/// An interval on an axis of `width` columns from `from` to `to`, with its middle as `●` and a mark at
/// `zero` where the interval leaves it free.
pub fn interval_bar(
    [from, to]: [f64; 2],
    middle: f64,
    interval: Option<[f64; 2]>,
    zero: Option<f64>,
    width: usize,
) -> String {
    let place = |value: f64| {
        let share = (value - from) / (to - from);
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        (share * width.saturating_sub(1) as f64).round() as usize
    };
    let mut cells = vec![' '; width];
    let mut put = |place: usize, mark: char| {
        if let Some(cell) = cells.get_mut(place) {
            *cell = mark;
        }
    };
    if let Some([low, high]) = interval {
        for between in place(low)..=place(high) {
            put(between, '─');
        }
        put(place(low), '├');
        put(place(high), '┤');
    }
    if let Some(zero) = zero {
        let inside =
            interval.is_some_and(|[low, high]| (place(low)..=place(high)).contains(&place(zero)));
        put(place(zero), if inside { '┼' } else { '│' });
    }
    put(place(middle), '●');
    cells.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, an interval looks wider, narrower, or on the wrong side of zero.
    #[test]
    fn an_interval_is_drawn_to_scale() {
        assert_eq!(
            interval_bar([-1.0, 1.0], -0.5, Some([-0.8, -0.2]), Some(0.0), 21),
            "  ├──●──┤ │          "
        );
        assert_eq!(
            interval_bar([-1.0, 1.0], -0.5, Some([-1.0, 0.2]), Some(0.0), 21),
            "├────●────┼─┤        "
        );
        assert_eq!(interval_bar([1.0, 5.0], 3.0, None, None, 9), "    ●    ");
        // Nothing outside, nothing that is no number.
        assert_eq!(interval_bar([1.0, 5.0], f64::NAN, Some([0.0, 9.0]), None, 3), "●─┤");
        assert_eq!(interval_bar([1.0, 5.0], 3.0, None, None, 0), "");
    }

    #[test]
    fn the_least_important_column_leaves_first() {
        let column = |heading: &str, rank| Column {
            heading: heading.into(),
            cells: vec![("1".into(), Style::new())],
            right: true,
            rank,
        };
        let shown = |width| -> Vec<String> {
            table(
                vec![column("area", 9), column("change", 5), column("right", 1)],
                width,
                Style::new(),
            )
            .iter()
            .map(ToString::to_string)
            .collect()
        };
        assert_eq!(shown(19), ["area  change  right", "   1       1      1"]);
        assert_eq!(shown(18), ["area  change", "   1       1"]);
        assert_eq!(shown(3), ["area", "   1"]);
    }
}
