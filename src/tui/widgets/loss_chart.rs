//! Losses over the steps of training: axes that hold every drawable value, with gaps where a value is no
//! number. Knows nothing of what is drawn.

use super::curve;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Paragraph, Widget};

/// The smallest chart that says something.
const SMALLEST: (u16, u16) = (24, 4);

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
    pub last_step: usize,
    /// What is said where there is nothing to draw.
    pub empty: &'a str,
}

impl LossChart<'_> {
    pub fn render(self, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        let rows = u16::try_from(self.legend.len()).unwrap_or(u16::MAX);
        let [legend, chart] =
            Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(area);
        let parts: Vec<Series> = self
            .series
            .into_iter()
            .flat_map(|Series { points, marker, graph, style }| {
                curve::parts(points).into_iter().map(move |points| Series {
                    points,
                    marker,
                    graph,
                    style,
                })
            })
            .collect();
        let heights = parts.iter().flat_map(|part| part.points.iter().map(|point| point.1));
        let Some(y) = curve::bounds(heights) else {
            let middle = Rect { y: area.y + area.height / 2, height: area.height.min(1), ..area };
            let words = Line::styled(self.empty, theme.dim).alignment(Alignment::Center);
            return words.render(middle, buffer);
        };
        Paragraph::new(self.legend).render(legend, buffer);
        if chart.width < SMALLEST.0 || chart.height < SMALLEST.1 {
            let words = "too little room for the curve";
            return Line::styled(words, theme.dim).render(chart, buffer);
        }
        let datasets = parts
            .iter()
            .map(|part| {
                Dataset::default()
                    .data(&part.points)
                    .marker(part.marker)
                    .graph_type(part.graph)
                    .style(part.style)
            })
            .collect();
        let last = self.last_step.max(1);
        Chart::new(datasets)
            .x_axis(
                Axis::default()
                    .style(theme.border)
                    .bounds([0.0, last as f64])
                    .labels(step_labels(last, theme)),
            )
            .y_axis(Axis::default().style(theme.border).bounds(y).labels(loss_labels(
                y,
                chart.height,
                theme,
            )))
            .legend_position(None)
            .render(chart, buffer);
    }
}

fn step_labels(last: usize, theme: &Theme) -> Vec<Span<'static>> {
    let mut labels = vec!["0".to_owned()];
    if last >= 4 {
        labels.push((last / 2).to_string());
    }
    labels.push(format!("step {last}"));
    labels.into_iter().map(|label| Span::styled(label, theme.dim)).collect()
}

fn loss_labels([low, high]: [f64; 2], height: u16, theme: &Theme) -> Vec<Span<'static>> {
    let count = match height {
        0..7 => 2,
        7..14 => 3,
        _ => 5,
    };
    let decimals = match high - low {
        span if span < 0.1 => 3,
        span if span < 20.0 => 2,
        _ => 0,
    };
    (0..count)
        .map(|nth| low + (high - low) * f64::from(nth) / f64::from(count - 1))
        .map(|value| Span::styled(format!("{value:.decimals$}"), theme.dim))
        .collect()
}
