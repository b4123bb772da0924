//! A forest plot: every arm's relative change of held-out perplexity with its interval, its seeds behind it.

use super::canvas::{Chart, Drawn, Paper};
use super::legend::{MARGIN, heading};
use super::style::{
    BODY, GRID, INK, Look, SOFT, cut, label, letter, line, look, mark, shown, text, width,
};
use crate::experiments::ExperimentRecord;
use crate::report::figures::{MISSING, change_with, finite, signed};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

pub const STEM: &str = "change";

const ROW: u32 = 46;

/// The title and the words over changes between arms.
const TITLE: &str = "Did held-out perplexity fall?";
const WORDS: &str = "Change over the held-out items of the targeted areas, after training against before. Left of \
     zero is better. Bars: 95 % interval over seeds and items; dots: single seeds.";

pub struct Change {
    title: String,
    words: String,
    rows: Vec<Row>,
}

/// Changes of one comparison, by area.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    pub title: String,
    pub words: String,
    pub rows: Vec<ChangeRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    pub name: String,
    pub change: f64,
    pub ci95: Option<[f64; 2]>,
}

impl Changes {
    fn chart(&self) -> Change {
        let rows = self.rows.iter().map(|row| Row {
            name: shown(&row.name),
            look: look(0),
            change: Some(row.change).filter(|change| change.is_finite()),
            interval: finite(row.ci95).filter(|_| row.change.is_finite()),
            seeds: Vec::new(),
        });
        Change { title: shown(&self.title), words: shown(&self.words), rows: rows.collect() }
    }
}

impl Chart for Changes {
    fn size(&self) -> (u32, u32) {
        self.chart().size()
    }

    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB> {
        self.chart().draw(paper)
    }
}

struct Row {
    name: String,
    look: Look,
    /// None where it is no number; the arm keeps its row.
    change: Option<f64>,
    interval: Option<[f64; 2]>,
    seeds: Vec<f64>,
}

impl Change {
    /// None where no arm's change is a number.
    pub fn of(record: &ExperimentRecord) -> Option<Self> {
        let rows: Vec<Row> = record
            .arms
            .iter()
            .enumerate()
            .map(|(index, arm)| Row {
                name: format!("{}  {}", letter(index), shown(&arm.name)),
                look: look(index),
                change: Some(arm.change).filter(|change| change.is_finite()),
                interval: finite(arm.ci95).filter(|_| arm.change.is_finite()),
                seeds: arm.seeds.iter().map(|seed| seed.change).filter(|c| c.is_finite()).collect(),
            })
            .collect();
        let any = rows.iter().any(|row| row.change.is_some());
        any.then(|| Self { title: TITLE.into(), words: WORDS.into(), rows })
    }

    /// What the axis shows: zero, every change, and intervals as far as they leave the rest readable.
    fn range(&self) -> (f64, f64) {
        range_of(
            self.rows
                .iter()
                .filter_map(|row| Some((row.change?, row.interval, row.seeds.as_slice()))),
        )
    }
}

/// The range of an axis of changes: zero, all of them, and their intervals up to three times as far, since
/// one arm with a very wide interval must not press the others into a point.
pub fn range_of<'a>(
    changes: impl Iterator<Item = (f64, Option<[f64; 2]>, &'a [f64])>,
) -> (f64, f64) {
    let changes: Vec<_> = changes.collect();
    let (mut low, mut high) = (0.0f64, 0.0f64);
    for (change, _, seeds) in &changes {
        for value in std::iter::once(change).chain(*seeds) {
            (low, high) = (low.min(*value), high.max(*value));
        }
    }
    let furthest = 3.0 * low.abs().max(high).max(0.01);
    for (_, interval, _) in &changes {
        if let Some([from, to]) = interval {
            (low, high) = (low.min(from.max(-furthest)), high.max(to.min(furthest)));
        }
    }
    let air = ((high - low) * 0.06).max(0.002);
    (low - air, high + air)
}

/// A change as an axis says it: with decimals only where they tell two marks apart.
pub fn tick(change: f64, span: f64) -> String {
    format!("{} %", signed(change * 100.0, if span < 0.05 { 1 } else { 0 }))
}

impl Chart for Change {
    fn size(&self) -> (u32, u32) {
        (900, (190 + ROW * self.rows.len() as u32).max(560))
    }

    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB> {
        let top = heading(paper, &self.title, &self.words)?;
        let (wide, high) = paper.dim_in_pixel();
        let (wide, high) = (wide as i32, high as i32);
        let names = self.rows.iter().map(|row| width(&row.name, BODY)).max().unwrap_or(0).min(220);
        let figures: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                row.change.map_or(MISSING.into(), |change| change_with(change, row.interval))
            })
            .collect();
        let figures_wide =
            figures.iter().map(|figure| width(figure, BODY)).max().unwrap_or(0).min(260);

        let (low, highest) = self.range();
        let plot = paper.clone().shrink(
            (MARGIN + names + 30, top + 8),
            (wide - 2 * MARGIN - names - 30 - figures_wide - 20, high - top - 16),
        );
        let mut chart = ChartBuilder::on(&plot)
            .set_label_area_size(LabelAreaPosition::Bottom, 52)
            .build_cartesian_2d(low..highest, 0.0..self.rows.len() as f64)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(SOFT)
            .x_labels(7)
            .x_label_formatter(&|value| tick(*value, highest - low))
            .x_desc("change of perplexity")
            .axis_desc_style(label())
            .label_style(label())
            .draw()?;
        // The first arm of the plan is the topmost.
        let middle = |row: usize| self.rows.len() as f64 - row as f64 - 0.5;
        let (zero, bottom) = chart.backend_coord(&(0.0, 0.0));
        let ceiling = chart.backend_coord(&(0.0, self.rows.len() as f64)).1;
        line(paper, vec![(zero, ceiling), (zero, bottom)], INK.stroke_width(2))?;
        for (index, (row, figure)) in self.rows.iter().zip(&figures).enumerate() {
            let place =
                |value: f64| chart.backend_coord(&(value.clamp(low, highest), middle(index)));
            let y = place(0.0).1;
            for (nth, seed) in row.seeds.iter().enumerate() {
                // Apart from the bar and from each other, so that each is seen.
                let apart = [-10, 10, -15, 15][nth % 4];
                let pale = row.look.colour.mix(0.45);
                paper.draw(&Circle::new((place(*seed).0, y + apart), 3, pale.filled()))?;
            }
            if let Some(ends) = row.interval {
                let [from, to] = ends.map(|end| place(end).0);
                line(paper, vec![(from, y), (to, y)], row.look.colour.stroke_width(3))?;
                for (end, x) in ends.into_iter().zip([from, to]) {
                    // An end that lies outside has no cap: the bar goes on.
                    if (low..=highest).contains(&end) {
                        let cap = vec![(x, y - 5), (x, y + 5)];
                        line(paper, cap, row.look.colour.stroke_width(2))?;
                    }
                }
            }
            if let Some(change) = row.change {
                mark(paper, row.look, place(change), 6)?;
            }
            let name = cut(&row.name, BODY, names);
            text(paper, &name, (MARGIN + names, y), BODY, INK, HPos::Right)?;
            text(paper, figure, (wide - MARGIN, y), BODY, INK, HPos::Right)?;
        }
        Ok(())
    }
}
