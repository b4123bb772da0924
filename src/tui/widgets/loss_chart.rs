//! Losses over the steps of training: axes that hold every drawable value, with gaps where a value is no
//! number. Knows nothing of what is drawn.

use super::axis::{Axis, Scale, round_step};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::canvas::{Canvas, Context, Line as Stroke, Points as Dots};
use ratatui::widgets::{GraphType, Paragraph, Widget};
use unicode_width::UnicodeWidthStr;

/// The smallest chart that says something.
const SMALLEST: (u16, u16) = (24, 4);

/// Dots of a curve in a cell.
const DOTS_ACROSS: f64 = 2.0;
const DOTS_DOWN: f64 = 4.0;

/// The mark of a step whose loss cannot be drawn.
pub const GAP: char = '×';

/// Step and nats.
pub type Points = Vec<(f64, f64)>;

/// One line or cloud of points.
pub struct Series {
    pub points: Points,
    pub marker: Marker,
    pub graph: GraphType,
    pub style: Style,
}

/// What is drawn; later series lie over earlier ones.
pub struct LossChart<'a> {
    pub series: Vec<Series>,
    /// In as many rows as it has.
    pub legend: Vec<Line<'static>>,
    /// The first and the last step shown.
    pub steps: [usize; 2],
    pub scale: Scale,
    /// A step that is marked from top to bottom.
    pub cursor: Option<usize>,
    /// Steps whose loss cannot be drawn: marked on the axis.
    pub gaps: Vec<usize>,
    /// What is said where there is nothing to draw.
    pub empty: &'a str,
}

/// Where the plot lies, and how steps and losses come into it.
struct Plot {
    area: Rect,
    x: [f64; 2],
    y: Axis,
}

impl LossChart<'_> {
    /// Draws legend and chart; the columns of the plot, 0 where there was no room for one.
    pub fn render(self, area: Rect, buffer: &mut Buffer, theme: &Theme) -> usize {
        let rows = u16::try_from(self.legend.len()).unwrap_or(u16::MAX);
        let [legend, chart] =
            Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(area);
        let x = [self.steps[0] as f64, self.steps[1].max(self.steps[0] + 1) as f64];
        let heights = self.series.iter().flat_map(|series| &series.points);
        let heights = heights.filter(|point| (x[0]..=x[1]).contains(&point.0)).map(|point| point.1);
        Paragraph::new(self.legend).render(legend, buffer);
        let Some(y) = Axis::over(heights, self.scale) else {
            let middle = Rect { y: area.y + area.height / 2, height: area.height.min(1), ..area };
            let words = Line::styled(self.empty, theme.dim).alignment(Alignment::Center);
            words.render(middle, buffer);
            return 0;
        };
        if chart.width < SMALLEST.0 || chart.height < SMALLEST.1 {
            let words = "too little room for the curve";
            Line::styled(words, theme.dim).render(chart, buffer);
            return 0;
        }
        let plot = draw_axes(chart, x, y, buffer, theme);
        for series in &self.series {
            plot.draw(series, self.scale, buffer);
        }
        for step in self.gaps {
            plot.mark_axis(step as f64, GAP, theme.bad, buffer);
        }
        if let Some(step) = self.cursor {
            plot.draw_cursor(step as f64, buffer, theme);
        }
        usize::from(plot.area.width)
    }
}

/// Draws both axes with their figures.
fn draw_axes(area: Rect, x: [f64; 2], y: Axis, buffer: &mut Buffer, theme: &Theme) -> Plot {
    let rows = usize::from(area.height.saturating_sub(2));
    let ticks = y.ticks((rows / 3 + 1).clamp(2, 8));
    let gutter = ticks.iter().map(|tick| tick.label.width()).max().unwrap_or(0).min(12) as u16;
    let inside = Rect {
        x: area.x + gutter + 1,
        y: area.y,
        width: area.width.saturating_sub(gutter + 1),
        height: area.height.saturating_sub(2),
    };
    let plot = Plot { area: inside, x, y };
    let bottom = inside.bottom();
    for row in inside.top()..bottom {
        buffer.set_string(area.x + gutter, row, "│", theme.border);
    }
    buffer.set_string(area.x + gutter, bottom, "└", theme.border);
    let line = "─".repeat(usize::from(inside.width));
    buffer.set_string(inside.x, bottom, line, theme.border);
    for tick in ticks {
        let row = plot.row(tick.place);
        let start = gutter.saturating_sub(tick.label.width() as u16);
        buffer.set_string(area.x + start, row, &tick.label, theme.dim);
        buffer.set_string(area.x + gutter, row, "┤", theme.border);
    }
    for (column, label) in step_labels(&plot) {
        buffer.set_string(inside.x + column, bottom + 1, label, theme.dim);
    }
    plot
}

/// The last step at the right end, the first at the left one, and round steps between them where there is room.
fn step_labels(plot: &Plot) -> Vec<(u16, String)> {
    let [from, to] = plot.x;
    let width = usize::from(plot.area.width);
    let last = format!("step {to:.0}");
    let end = width.saturating_sub(last.width());
    let mut labels = vec![(end, last), (0, format!("{from:.0}"))];
    let step = round_step((to - from) / (width as f64 / 16.0).clamp(1.0, 12.0)).max(1.0);
    let mut at = (from / step).floor() * step + step;
    while at < to {
        let label = format!("{at:.0}");
        let start = plot.column(at).saturating_sub(label.width() / 2);
        let free = labels.iter().all(|(other, text)| {
            start + label.width() + 1 < *other || other + text.width() + 1 < start
        });
        if free {
            labels.push((start, label));
        }
        at += step;
    }
    let fitting = labels.into_iter().filter(|(start, label)| start + label.width() <= width);
    fitting.filter_map(|(start, label)| Some((u16::try_from(start).ok()?, label))).collect()
}

impl Plot {
    fn row(&self, place: f64) -> u16 {
        let [low, high] = self.y.ends();
        let last = self.area.height.saturating_sub(1);
        // As the canvas places the dots of a curve, four in a cell: a mark stands on its line.
        let dots = f64::from(self.area.height) * DOTS_DOWN - 1.0;
        let dot = ((high - place) / (high - low) * dots).round();
        self.area.y + ((dot / DOTS_DOWN) as u16).min(last)
    }

    /// From the left end of the plot.
    fn column(&self, step: f64) -> usize {
        let dots = f64::from(self.area.width) * DOTS_ACROSS - 1.0;
        let dot = ((step - self.x[0]) / (self.x[1] - self.x[0]) * dots).round();
        (dot / DOTS_ACROSS) as usize
    }

    fn draw(&self, series: &Series, scale: Scale, buffer: &mut Buffer) {
        let parts = parts(&series.points, scale, self.x);
        if let (Marker::Custom(mark), GraphType::Scatter) = (series.marker, series.graph) {
            for (step, place) in parts.into_iter().flatten() {
                if let Some(column) = self.cell_column(step)
                    && let Some(cell) = buffer.cell_mut((column, self.row(place)))
                {
                    cell.set_char(mark).set_style(series.style);
                }
            }
            return;
        }
        Canvas::default()
            .marker(series.marker)
            .x_bounds(self.x)
            .y_bounds(self.y.ends())
            .paint(|context| {
                for part in &parts {
                    paint(context, part, series.graph, series.style);
                }
            })
            .render(self.area, buffer);
    }

    fn cell_column(&self, step: f64) -> Option<u16> {
        if !(self.x[0]..=self.x[1]).contains(&step) {
            return None;
        }
        let column = u16::try_from(self.column(step)).ok()?;
        (column < self.area.width).then_some(self.area.x + column)
    }

    fn mark_axis(&self, step: f64, mark: char, style: Style, buffer: &mut Buffer) {
        if let Some(column) = self.cell_column(step)
            && let Some(cell) = buffer.cell_mut((column, self.area.bottom()))
        {
            cell.set_char(mark).set_style(style);
        }
    }

    /// A line from top to bottom that hides nothing of the curves.
    fn draw_cursor(&self, step: f64, buffer: &mut Buffer, theme: &Theme) {
        let Some(column) = self.cell_column(step) else { return };
        for row in self.area.top()..self.area.bottom() {
            if let Some(cell) = buffer.cell_mut((column, row)) {
                if matches!(cell.symbol(), " " | "⠀") {
                    cell.set_char('┊');
                }
                cell.set_style(theme.accent);
            }
        }
        self.mark_axis(step, '┴', theme.accent, buffer);
    }
}

fn paint(context: &mut Context, part: &Points, graph: GraphType, style: Style) {
    let color = style.fg.unwrap_or_default();
    match (graph, part.as_slice()) {
        (GraphType::Line, [_, _, ..]) => {
            for pair in part.windows(2) {
                let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
                context.draw(&Stroke { x1, y1, x2, y2, color });
            }
        }
        // A step between two gaps is seen as well.
        _ => context.draw(&Dots { coords: part, color }),
    }
}

/// The parts of a curve between its gaps, as places on the axes.
fn parts(points: &Points, scale: Scale, [from, to]: [f64; 2]) -> Vec<Points> {
    let mut parts = vec![Points::new()];
    for (step, loss) in points {
        match (scale.place(*loss), parts.last_mut()) {
            (Some(place), Some(part)) if (from..=to).contains(step) => part.push((*step, place)),
            (Some(_), _) => {}
            (None, _) => parts.push(Points::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn drawn(
        points: Points,
        steps: [usize; 2],
        scale: Scale,
        cursor: Option<usize>,
        (width, height): (u16, u16),
    ) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let gaps = points.iter().filter(|point| scale.place(point.1).is_none());
        let gaps = gaps.map(|point| point.0 as usize).collect();
        let (marker, graph, style) = (Marker::Braille, GraphType::Line, Style::new());
        LossChart {
            series: vec![Series { points, marker, graph, style }],
            legend: vec![Line::raw("legend")],
            steps,
            scale,
            cursor,
            gaps,
            empty: "nothing to draw",
        }
        .render(area, &mut buffer, &Theme::default());
        let rows = buffer.content.chunks(usize::from(width.max(1)));
        let row = |cells: &[ratatui::buffer::Cell]| -> String {
            cells.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()
        };
        rows.map(row).collect::<Vec<_>>().join("\n")
    }

    fn losses(losses: &[f64]) -> Points {
        losses.iter().enumerate().map(|(nth, loss)| ((nth + 1) as f64, *loss)).collect()
    }

    // If this fails, one broken loss empties the chart, stretches its axis, or is passed over in silence.
    #[test]
    fn a_gap_is_a_gap_and_is_marked() {
        let mut values: Vec<f64> = (0..40).map(|step| 4.0 - f64::from(step) * 0.05).collect();
        (values[9], values[10], values[30]) = (f64::NAN, f64::INFINITY, 1e300);
        let shown = drawn(losses(&values), [0, 40], Scale::Even, Some(20), (60, 12));
        insta::assert_snapshot!("gap_and_cursor", shown);
    }

    // If this fails, a held-out loss floats beside the line that joins it to the next one.
    #[test]
    fn a_mark_stands_on_its_own_line() {
        for height in 5..30 {
            for loss in 0..40 {
                let (loss, area) = (f64::from(loss) / 10.0, Rect::new(0, 0, 60, height));
                let draw = |marker, graph| {
                    let mut buffer = Buffer::empty(area);
                    let ends = Plot {
                        area,
                        x: [0.0, 40.0],
                        y: Axis::over([0.0, 4.0], Scale::Even).unwrap(),
                    };
                    let points = vec![(loss * 10.0, loss)];
                    let series = Series { points, marker, graph, style: Style::new() };
                    ends.draw(&series, Scale::Even, &mut buffer);
                    let drawn = |cell: &ratatui::buffer::Cell| !matches!(cell.symbol(), " " | "⠀");
                    buffer.content.iter().position(drawn)
                };
                let mark = draw(Marker::Custom('◆'), GraphType::Scatter);
                assert!(mark.is_some());
                assert_eq!(mark, draw(Marker::Braille, GraphType::Line), "{loss} in {height}");
            }
        }
    }

    // If this fails, a loss that falls over three powers of ten looks like a line on the floor.
    #[test]
    fn a_logarithmic_axis_shows_small_losses() {
        let values: Vec<f64> =
            (0..60).map(|step| 10f64.powf(1.0 - f64::from(step) / 20.0)).collect();
        insta::assert_snapshot!(
            "logarithmic",
            drawn(losses(&values), [0, 60], Scale::Logarithmic, None, (60, 12))
        );
    }

    // If this fails, such a run takes the chart down, or shows axes of nothing.
    #[test]
    fn nothing_one_point_and_equal_values_are_drawn() {
        for scale in [Scale::Even, Scale::Logarithmic] {
            for (values, drawable) in [
                (&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY][..], false),
                (&[], false),
                (&[2.0], true),
                (&[2.0, 2.0, 2.0], true),
                (&[f64::NAN, 2.0, f64::NAN], true),
                (&[0.0, -1.0], scale == Scale::Even),
            ] {
                let shown = drawn(losses(values), [0, 5], scale, Some(1), (40, 8));
                assert_eq!(shown.contains("nothing to draw"), !drawable, "{values:?}:\n{shown}");
                let curve = shown.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
                assert_eq!(curve, drawable, "{values:?}:\n{shown}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        // If this fails, some losses in some window take the dashboard down.
        #[test]
        fn any_losses_are_drawn_in_any_room(
            points in proptest::collection::vec(
                (0.0..500.0f64, prop_oneof![any::<f64>(), 0.0..9.0f64, Just(f64::NAN), Just(0.0)]),
                0..60,
            ),
            from in 0usize..600,
            length in 0usize..600,
            logarithmic in any::<bool>(),
            cursor in proptest::option::of(0usize..700),
            width in 0u16..90,
            height in 0u16..24,
        ) {
            let scale = if logarithmic { Scale::Logarithmic } else { Scale::Even };
            drawn(points, [from, from + length], scale, cursor, (width, height));
        }
    }
}
