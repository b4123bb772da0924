//! The loss of one run over its steps: raw as points, smoothed as a line, held-out as marks, an earlier run laid
//! over. Told apart by their marks, not by colour alone.

use super::curve::{self, Smoothing};
use super::loss_chart::{LossChart, Points, Series};
use crate::train::StepMetrics;
use crate::tui::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::GraphType;

/// The mark of a held-out loss.
const HELD_OUT: char = '◆';

/// The mark of the run laid over.
pub const OVERLAY: char = '·';

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

fn losses(metrics: &[StepMetrics]) -> impl Iterator<Item = f64> + '_ {
    metrics.iter().map(|line| line.loss)
}

fn smoothed(metrics: &[StepMetrics], smoothing: Smoothing) -> Points {
    let steps = metrics.iter().map(|line| line.step as f64);
    steps.zip(curve::smoothed(losses(metrics), smoothing)).collect()
}

impl Curves<'_> {
    fn series(&self, theme: &Theme) -> Vec<Series> {
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
            .map(|(points, marker, graph, style)| Series { points, marker, graph, style })
            .collect()
    }

    fn last_step(&self) -> usize {
        let last = |metrics: &[StepMetrics]| metrics.last().map_or(0, |line| line.step);
        let overlay = self.overlay.map_or(0, |(_, metrics)| last(metrics));
        self.steps.max(last(self.metrics)).max(overlay).max(1)
    }

    /// Draws legend and chart.
    pub fn draw(&self, frame: &mut Frame, area: Rect, theme: &Theme) {
        let chart = LossChart {
            series: self.series(theme),
            legend: vec![self.legend(theme)],
            last_step: self.last_step(),
            empty: self.empty,
        };
        chart.render(area, frame.buffer_mut(), theme);
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
