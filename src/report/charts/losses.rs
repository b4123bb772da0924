//! Training loss by step: the mean over seeds of every arm, with the seeds themselves where they are few.

use super::canvas::{Chart, Drawn, Paper};
use super::legend::{MARGIN, heading};
use super::style::{
    BODY, GRID, INK, Look, SOFT, cut, label, letter, line, look, mark, shown, step_label, text,
    width,
};
use crate::experiments::ExperimentRecord;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

pub const STEM: &str = "losses";

/// More seeds than these are a cloud.
const MOST_SEEDS: usize = 5;
/// More points than these on a line are not seen, and make a file large.
const MOST_POINTS: usize = 400;

pub struct Losses {
    lines: Vec<ArmLine>,
}

struct ArmLine {
    name: String,
    look: Look,
    mean: Vec<(f64, f64)>,
    seeds: Vec<Vec<(f64, f64)>>,
}

/// The mean at each step over the seeds that have one there.
fn mean_by_step(seeds: &[&[f64]]) -> Vec<(f64, f64)> {
    let steps = seeds.iter().map(|losses| losses.len()).max().unwrap_or(0);
    (0..steps)
        .filter_map(|step| {
            let at_step: Vec<f64> = seeds
                .iter()
                .filter_map(|losses| losses.get(step).copied())
                .filter(|loss| loss.is_finite())
                .collect();
            let sum: f64 = at_step.iter().sum();
            (!at_step.is_empty()).then(|| (step as f64 + 1.0, sum / at_step.len() as f64))
        })
        .collect()
}

/// Means of neighbours, so many at a time that [`MOST_POINTS`] are left.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let together = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let (x, y) = chunk.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        (x / chunk.len() as f64, y / chunk.len() as f64)
    };
    points.chunks(together).map(mean).collect()
}

impl Losses {
    /// None where nothing was trained.
    pub fn of(record: &ExperimentRecord) -> Option<Self> {
        let mut lines = Vec::new();
        for (index, arm) in record.arms.iter().enumerate() {
            let seeds: Vec<&[f64]> = arm.seeds.iter().map(|seed| seed.losses.as_slice()).collect();
            let mean = thinned(&mean_by_step(&seeds));
            if mean.is_empty() {
                continue;
            }
            let few = (2..=MOST_SEEDS).contains(&seeds.len());
            let shown_seeds = if few { seeds.as_slice() } else { &[] };
            lines.push(ArmLine {
                name: format!("{}  {}", letter(index), shown(&arm.name)),
                look: look(index),
                mean,
                seeds: shown_seeds.iter().map(|seed| thinned(&mean_by_step(&[seed]))).collect(),
            });
        }
        (!lines.is_empty()).then_some(Self { lines })
    }

    fn range(&self) -> ((f64, f64), (f64, f64)) {
        let points =
            || self.lines.iter().flat_map(|line| line.seeds.iter().chain([&line.mean]).flatten());
        let last = points().map(|point| point.0).fold(1.0, f64::max);
        let low = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let high = points().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let air = ((high - low) * 0.05).max(0.01);
        // Losses begin at zero where that costs little of the picture.
        let from = if low >= 0.0 && low < 0.15 * high { 0.0 } else { low - air };
        ((1.0, last.max(2.0)), (from, high + air))
    }
}

/// Heights for labels that want to be at `wanted`, at least `apart` from one another and within the plot.
fn without_overlap(wanted: &[i32], apart: i32, bottom: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| wanted[*index]);
    let mut placed = wanted.to_vec();
    for pair in 1..order.len() {
        let (above, here) = (order[pair - 1], order[pair]);
        placed[here] = placed[here].max(placed[above] + apart);
    }
    // What was pushed out below pushes back.
    let mut limit = bottom;
    for index in order.into_iter().rev() {
        placed[index] = placed[index].min(limit);
        limit = placed[index] - apart;
    }
    placed
}

impl Chart for Losses {
    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB> {
        let has_seeds = self.lines.iter().any(|line| !line.seeds.is_empty());
        let explanation = format!(
            "Training loss (nats per trained token) at every step, mean over seeds{}. It says how well the \
             examples were learned, not whether they helped.",
            if has_seeds { "; thin lines: single seeds" } else { "" }
        );
        let top = heading(paper, "Did training learn its examples?", &explanation)?;
        let (wide, high) = paper.dim_in_pixel();
        let (wide, high) = (wide as i32, high as i32);
        let names =
            self.lines.iter().map(|line| width(&line.name, BODY)).max().unwrap_or(0).min(200);
        text(paper, "loss", (MARGIN, top + 10), BODY, SOFT, HPos::Left)?;

        let ((first, last), (low, highest)) = self.range();
        let plot = paper
            .clone()
            .shrink((MARGIN, top + 22), (wide - 2 * MARGIN - names - 34, high - top - 30));
        let mut chart = ChartBuilder::on(&plot)
            .set_label_area_size(LabelAreaPosition::Left, 46)
            .set_label_area_size(LabelAreaPosition::Bottom, 48)
            .build_cartesian_2d(first..last, low..highest)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(SOFT)
            .x_labels(8)
            .y_labels(7)
            .x_label_formatter(&step_label)
            .y_label_formatter(&|loss| format!("{loss:.2}"))
            .x_desc("step")
            .axis_desc_style(label())
            .label_style(label())
            .draw()?;
        let place = |points: &[(f64, f64)]| -> Vec<(i32, i32)> {
            points.iter().map(|point| chart.backend_coord(point)).collect()
        };
        for arm in &self.lines {
            for seed in &arm.seeds {
                line(paper, place(seed), arm.look.colour.mix(0.3).stroke_width(1))?;
            }
        }
        let mut ends = Vec::new();
        for arm in &self.lines {
            let points = place(&arm.mean);
            ends.push(points.last().copied().unwrap_or_default());
            // Marks along the way tell lines apart without colour.
            let every = (points.len() / 6).max(1);
            for at in points.iter().skip(every / 2).step_by(every) {
                mark(paper, arm.look, *at, 4)?;
            }
            line(paper, points, arm.look.colour.stroke_width(2))?;
        }
        let bottom = chart.backend_coord(&(first, low)).1;
        let wanted: Vec<i32> = ends.iter().map(|end| end.1).collect();
        let heights = without_overlap(&wanted, 21, bottom);
        let right = chart.backend_coord(&(last, low)).0;
        for ((arm, end), height) in self.lines.iter().zip(&ends).zip(heights) {
            let from = (right + 16, height);
            line(paper, vec![*end, (right + 8, height)], arm.look.colour.mix(0.5).stroke_width(1))?;
            mark(paper, arm.look, from, 5)?;
            let name = cut(&arm.name, BODY, names);
            text(paper, &name, (from.0 + 12, height), BODY, INK, HPos::Left)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a run that was stopped early pulls the mean of the others to nothing.
    #[test]
    fn the_mean_is_over_the_seeds_that_have_the_step() {
        let means = mean_by_step(&[&[2.0, 1.0], &[4.0], &[f64::NAN, 3.0]]);
        assert_eq!(means, [(1.0, 3.0), (2.0, 2.0)]);
        assert_eq!(thinned(&means), means);
        let long: Vec<(f64, f64)> = (0..4001).map(|step| (f64::from(step), 1.0)).collect();
        assert!(thinned(&long).len() <= MOST_POINTS);
    }

    // If this fails, arms that end at the same loss have names written over one another.
    #[test]
    fn labels_keep_apart_and_inside() {
        let placed = without_overlap(&[95, 96, 10, 97], 20, 100);
        assert_eq!(placed, [60, 80, 10, 100]);
    }
}
