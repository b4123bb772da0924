//! The loss over the steps: raw as points, smoothed as a line, held-out as marks, an earlier run laid
//! over. Told apart by their marks, not by colour alone.

use super::curve::{self, Smoothing};
use crate::train::StepMetrics;
use crate::tui::theme::Theme;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Paragraph};

/// The mark of a held-out loss.
const HELD_OUT: char = '◆';

/// The mark of the run laid over.
pub const OVERLAY: char = '·';

/// The smallest chart that says something.
const SMALLEST: (u16, u16) = (24, 4);

/// What is drawn.
pub struct Curves<'a> {
    pub metrics: &'a [StepMetrics],
    /// Step and nats.
    pub held_out: &'a [(usize, f64)],
    /// Steps of the whole run.
    pub steps: usize,
    /// Another run: its name and its steps.
    pub overlay: Option<(&'a str, &'a [StepMetrics])>,
    pub smoothing: Smoothing,
    /// What is said where there is nothing to draw.
    pub empty: &'a str,
}

/// Step and nats.
type Points = Vec<(f64, f64)>;

/// One line or cloud of points between two gaps.
struct Part {
    points: Points,
    marker: Marker,
    graph: GraphType,
    style: Style,
}

fn losses(metrics: &[StepMetrics]) -> impl Iterator<Item = f64> + '_ {
    metrics.iter().map(|line| line.loss)
}

fn smoothed(metrics: &[StepMetrics], smoothing: Smoothing) -> Points {
    let steps = metrics.iter().map(|line| line.step as f64);
    steps.zip(curve::smoothed(losses(metrics), smoothing)).collect()
}

impl Curves<'_> {
    fn parts(&self, theme: &Theme) -> Vec<Part> {
        let [raw_style, smoothed_style, held_out_style, overlay_style] = theme.series;
        let held_out: Points =
            self.held_out.iter().map(|(step, loss)| (*step as f64, *loss)).collect();
        let raw: Points = self.metrics.iter().map(|line| (line.step as f64, line.loss)).collect();
        let overlay = self.overlay.map(|(_, metrics)| smoothed(metrics, self.smoothing));
        let line = smoothed(self.metrics, self.smoothing);
        // Later ones are drawn over earlier ones.
        let all: [(Points, Marker, GraphType, Style); 5] = [
            (overlay.unwrap_or_default(), Marker::Custom(OVERLAY), GraphType::Line, overlay_style),
            (raw, Marker::Braille, GraphType::Scatter, raw_style),
            (held_out.clone(), Marker::Braille, GraphType::Line, held_out_style),
            (line, Marker::Braille, GraphType::Line, smoothed_style),
            (held_out, Marker::Custom(HELD_OUT), GraphType::Scatter, held_out_style),
        ];
        all.into_iter()
            .flat_map(|(points, marker, graph, style)| {
                curve::parts(points).into_iter().map(move |points| Part {
                    points,
                    marker,
                    graph,
                    style,
                })
            })
            .collect()
    }

    fn last_step(&self) -> usize {
        let last = |metrics: &[StepMetrics]| metrics.last().map_or(0, |line| line.step);
        let overlay = self.overlay.map_or(0, |(_, metrics)| last(metrics));
        self.steps.max(last(self.metrics)).max(overlay).max(1)
    }

    /// Draws legend and chart.
    pub fn draw(&self, frame: &mut Frame, area: Rect, theme: &Theme) {
        let [legend, chart] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let parts = self.parts(theme);
        let heights = parts.iter().flat_map(|part| part.points.iter().map(|point| point.1));
        let Some(y) = curve::bounds(heights) else {
            let middle = Rect { y: area.y + area.height / 2, height: area.height.min(1), ..area };
            let words = Line::styled(self.empty, theme.dim).alignment(Alignment::Center);
            return frame.render_widget(words, middle);
        };
        frame.render_widget(self.legend(theme), legend);
        if chart.width < SMALLEST.0 || chart.height < SMALLEST.1 {
            let words = "too little room for the curve";
            return frame.render_widget(Paragraph::new(Line::styled(words, theme.dim)), chart);
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
        let last = self.last_step();
        let chart_widget = Chart::new(datasets)
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
            .legend_position(None);
        frame.render_widget(chart_widget, chart);
    }

    fn legend(&self, theme: &Theme) -> Line<'static> {
        let [raw, line, held_out, overlay] = theme.series;
        let mut spans = vec![Span::styled(" ⠒⠂ loss", raw)];
        let weight = self.smoothing.weight();
        if weight > 0.0 {
            spans.push(Span::styled(format!("   ━━ smoothed {weight}"), line));
        } else {
            spans.push(Span::styled("   ━━ not smoothed", line));
        }
        if !self.held_out.is_empty() {
            spans.push(Span::styled(format!("   {HELD_OUT} held-out"), held_out));
        }
        if let Some((name, _)) = self.overlay {
            let mark = OVERLAY.to_string().repeat(3);
            spans.push(Span::styled(format!("   {mark} {name}"), overlay));
        }
        Line::from(spans)
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
