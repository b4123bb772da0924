//! The training curves of all arms in one chart: each has a colour and a mark of its own, named in a legend.

use crate::experiments::ExperimentRecord;
use crate::store::plain_line;
use crate::tui::theme::Theme;
use crate::tui::widgets::axis::Scale;
use crate::tui::widgets::curve::{Smoothing, smoothed};
use crate::tui::widgets::{LossChart, Points, Series, elide};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::GraphType;
use unicode_width::UnicodeWidthStr;

const MARKS: [char; 6] = ['●', '×', '▲', '■', '+', '◆'];

/// Marks on one curve, apart from its line.
const MARKS_A_CURVE: usize = 5;

/// Columns of a name in the legend.
const NAME: usize = 16;

/// One arm's losses by step.
#[derive(Debug, Clone)]
pub(super) struct ArmCurve {
    name: String,
    pub(super) points: Points,
}

impl ArmCurve {
    pub(super) fn of_losses(name: &str, losses: &[f64]) -> Self {
        let points = losses.iter().enumerate().map(|(nth, loss)| ((nth + 1) as f64, *loss));
        Self { name: plain_line(name), points: points.collect() }
    }
}

/// The curves of a record, as means over its seeds, with the arms' places.
pub(super) fn curves_of(record: &ExperimentRecord) -> Vec<(usize, ArmCurve)> {
    let mean = |step: usize, seeds: &[&Vec<f64>]| {
        let losses: Vec<f64> = seeds.iter().filter_map(|seed| seed.get(step).copied()).collect();
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    };
    let arms = record.arms.iter().enumerate().filter_map(|(place, arm)| {
        let seeds: Vec<&Vec<f64>> = arm.seeds.iter().map(|seed| &seed.losses).collect();
        let steps = seeds.iter().map(|losses| losses.len()).max().filter(|steps| *steps > 0)?;
        let losses: Vec<f64> = (0..steps).map(|step| mean(step, &seeds)).collect();
        Some((place, ArmCurve::of_losses(&arm.name, &losses)))
    });
    arms.collect()
}

fn look(place: usize, theme: &Theme) -> (char, Style) {
    let mark = MARKS.get(place % MARKS.len()).copied().unwrap_or('●');
    let style = theme.arms.get(place % theme.arms.len()).copied().unwrap_or_default();
    (mark, style)
}

/// Draws curves with their arms' places.
pub(super) fn render(
    curves: &[(usize, &ArmCurve)],
    empty: &str,
    area: Rect,
    buffer: &mut Buffer,
    theme: &Theme,
) {
    let mut series = Vec::new();
    let mut marks = Vec::new();
    for (nth, (place, curve)) in curves.iter().enumerate() {
        let (mark, style) = look(*place, theme);
        let losses = curve.points.iter().map(|point| point.1);
        let steps = curve.points.iter().map(|point| point.0);
        let points: Points = steps.zip(smoothed(losses, Smoothing::default())).collect();
        // Not all at the same steps: curves that lie on one another keep their marks.
        let every = points.len().div_ceil(MARKS_A_CURVE).max(1);
        let offset = every * nth / curves.len().max(1);
        let few = points.iter().skip(offset).step_by(every).copied().collect();
        series.push(Series { points, marker: Marker::Braille, graph: GraphType::Line, style });
        let graph = GraphType::Scatter;
        marks.push(Series { points: few, marker: Marker::Custom(mark), graph, style });
    }
    series.append(&mut marks);
    let last = curves.iter().filter_map(|(_, curve)| curve.points.last());
    let last_step = last.map(|point| point.0 as usize).max().unwrap_or(0);
    let legend = legend(curves, usize::from(area.width), theme);
    let chart = LossChart {
        series,
        legend,
        steps: [0, last_step],
        scale: Scale::Even,
        cursor: None,
        gaps: Vec::new(),
        empty,
    };
    chart.render(area, buffer, theme);
}

/// The same as lines of a text.
pub(super) fn lines(
    curves: &[(usize, &ArmCurve)],
    width: usize,
    height: u16,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let area = Rect::new(0, 0, u16::try_from(width).unwrap_or(u16::MAX), height);
    let mut buffer = Buffer::empty(area);
    render(curves, "no losses", area, &mut buffer, theme);
    let row = |y: u16| {
        let cells = (0..area.width).filter_map(|x| buffer.cell((x, y)));
        Line::from_iter(cells.map(|cell| Span::styled(cell.symbol().to_owned(), cell.style())))
    };
    (0..height).map(row).collect()
}

fn legend(curves: &[(usize, &ArmCurve)], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let (mut spans, mut used) = (Vec::new(), 0);
    for (place, curve) in curves {
        let (mark, style) = look(*place, theme);
        let entry = format!(" {mark} {} ", elide(&curve.name, NAME));
        if used + entry.width() > width && used > 0 {
            lines.push(Line::from(std::mem::take(&mut spans)));
            used = 0;
        }
        used += entry.width();
        spans.push(Span::styled(entry, style));
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    lines
}
