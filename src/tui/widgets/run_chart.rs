//! The loss of one run over its steps: raw as points, smoothed as a line, held-out as marks, an earlier run laid
//! over. Told apart by their marks, not by colour alone.

use super::axis::Scale;
use super::chart_window::{ChartWindow, Extent, Visible};
use super::curve::Smoothing;
use super::extremes::Extremes;
use super::loss_chart::{GAP, LossChart, Points, Series};
use super::loss_history::LossHistory;
use crate::tui::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::GraphType;
use unicode_width::UnicodeWidthStr;

/// The mark of a held-out loss.
const HELD_OUT: char = '◆';

/// The mark of the run laid over.
pub const OVERLAY: char = '·';

/// More parts than a column has dots are not seen.
const PARTS_A_COLUMN: usize = 2;

/// What is drawn.
pub struct Curves<'a> {
    pub history: &'a LossHistory,
    /// Steps of the whole run.
    pub steps: usize,
    /// Another run: its name and its course.
    pub overlay: Option<(&'a str, &'a LossHistory)>,
    pub smoothing: Smoothing,
    /// Which part of it; all where nobody can choose.
    pub window: Option<&'a ChartWindow>,
    /// What is said where there is nothing to draw.
    pub empty: &'a str,
}

/// As much of a row as is seen, and the steps of its gaps.
fn visible(
    history: &LossHistory,
    row: &Extremes,
    [from, to]: [usize; 2],
    columns: usize,
    scale: Scale,
) -> (Points, Vec<usize>) {
    let (mut points, mut gaps) = (Points::new(), Vec::new());
    let places = history.places(from, to);
    for part in row.parts(places, columns * PARTS_A_COLUMN, scale) {
        points.extend(part.outermost().map(|(place, loss)| (history.step_at(place) as f64, loss)));
        if let Some(gap) = part.gap {
            let step = history.step_at(gap);
            gaps.push(step);
            points.push((step as f64, f64::NAN));
        }
    }
    (points, gaps)
}

impl Curves<'_> {
    /// How far the run is, the one laid over included.
    pub fn extent(&self) -> Extent {
        let overlay = self.overlay.map_or(0, |(_, history)| history.last_step());
        let newest = self.history.last_step();
        Extent { newest, end: self.steps.max(newest).max(overlay).max(1) }
    }

    fn seen(&self) -> Visible {
        let extent = self.extent();
        match self.window {
            Some(window) => window.visible(extent),
            None => ChartWindow::default().visible(extent),
        }
    }

    fn scale(&self) -> Scale {
        self.window.map_or(Scale::Even, |window| window.scale)
    }

    fn series(&self, columns: usize, theme: &Theme) -> (Vec<Series>, Vec<usize>) {
        let [raw_style, smoothed_style, held_out_style, overlay_style] = theme.series;
        let (seen, scale) = (self.seen(), self.scale());
        let done = [seen.from, seen.to.min(seen.newest)];
        let held_out: Points = self
            .history
            .held_outs()
            .iter()
            .filter(|(step, _)| (done[0]..=done[1]).contains(step))
            .map(|(step, loss)| (*step as f64, *loss))
            .collect();
        let (raw, gaps) = visible(self.history, self.history.losses(), done, columns, scale);
        let smoothed = |history: &LossHistory, steps| {
            visible(history, history.smoothed(self.smoothing), steps, columns, scale).0
        };
        let overlay = self.overlay.map(|(_, history)| smoothed(history, [seen.from, seen.to]));
        let line = smoothed(self.history, done);
        // Later ones are drawn over earlier ones.
        let all: [(Points, Marker, GraphType, Style); 5] = [
            (overlay.unwrap_or_default(), Marker::Custom(OVERLAY), GraphType::Line, overlay_style),
            (raw, Marker::Braille, GraphType::Scatter, raw_style),
            (held_out.clone(), Marker::Braille, GraphType::Line, held_out_style),
            (line, Marker::Braille, GraphType::Line, smoothed_style),
            (held_out, Marker::Custom(HELD_OUT), GraphType::Scatter, held_out_style),
        ];
        let series = all
            .into_iter()
            .map(|(points, marker, graph, style)| Series { points, marker, graph, style })
            .collect();
        (series, gaps)
    }

    /// Draws title, legend and chart.
    pub fn draw(&self, frame: &mut Frame, area: Rect, theme: &Theme) {
        let (series, gaps) = self.series(area.width.into(), theme);
        let seen = self.seen();
        let title = self.window.map(|window| window.title(self.extent()));
        let chart = LossChart {
            series,
            legend: self.legend(title, !gaps.is_empty(), area.width.into(), theme),
            steps: [seen.from, seen.to],
            scale: self.scale(),
            cursor: self.window.and_then(ChartWindow::cursor),
            gaps,
            empty: match self.scale() {
                _ if self.history.is_empty() => self.empty,
                Scale::Logarithmic => "nothing here is over 0, as a log axis needs it",
                Scale::Even => "no loss to draw in these steps",
            },
        };
        let columns = chart.render(area, frame.buffer_mut(), theme);
        if let Some(window) = self.window {
            window.drawn_in(columns);
        }
    }

    /// In one row where the title has room in it, else below the title.
    fn legend(
        &self,
        title: Option<String>,
        has_gaps: bool,
        width: usize,
        theme: &Theme,
    ) -> Vec<Line<'static>> {
        let [raw, line, held_out, overlay] = theme.series;
        let mut spans = vec![Span::styled(" ⠒⠂ loss", raw)];
        let weight = self.smoothing.weight();
        if weight > 0.0 {
            spans.push(Span::styled(format!("   ━━ smoothed {weight}"), line));
        } else {
            spans.push(Span::styled("   ━━ not smoothed", line));
        }
        if !self.history.held_outs().is_empty() {
            spans.push(Span::styled(format!("   {HELD_OUT} held-out"), held_out));
        }
        if has_gaps {
            spans.push(Span::styled(format!("   {GAP} not drawn"), theme.bad));
        }
        if let Some((name, _)) = self.overlay {
            let mark = OVERLAY.to_string().repeat(3);
            spans.push(Span::styled(format!("   {mark} {name}"), overlay));
        }
        let mut legend = Line::from(spans);
        let Some(title) = title else { return vec![legend] };
        let gap = width.saturating_sub(legend.width() + title.width() + 1);
        if gap < 3 {
            return vec![Line::styled(format!(" {title}"), theme.accent), legend];
        }
        legend.push_span(Span::raw(" ".repeat(gap)));
        legend.push_span(Span::styled(title, theme.accent));
        vec![legend]
    }
}
