//! The loss of one run over its steps, as the dashboard shows it: raw, smoothed, held-out, another run laid over.

use super::canvas::{Chart, Drawn, Paper};
use super::legend::{Entry, MARGIN, heading, legend};
use super::style::{GRID, SOFT, label, line, look, mark, shown, step_label};
use plotters::prelude::*;

/// More points than these in one row are not seen, and make a file large.
const MOST_POINTS: usize = 2000;

/// A named curve; what is no number is a gap.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: String,
    /// Step and nats.
    pub points: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RunLosses {
    pub title: String,
    /// What is shown of it.
    pub words: String,
    /// The first and the last step shown.
    pub steps: [usize; 2],
    pub raw: Vec<(f64, f64)>,
    pub lines: Vec<Line>,
    pub held_out: Vec<(f64, f64)>,
    pub logarithmic: bool,
}

impl RunLosses {
    fn place(&self, loss: f64) -> Option<f64> {
        let drawable = loss.is_finite() && loss.abs() <= 1e6;
        match self.logarithmic {
            _ if !drawable => None,
            false => Some(loss),
            true => (loss >= 1e-9).then(|| loss.log10()),
        }
    }

    /// Points that can be drawn within the steps shown; every so-manieth of very many.
    fn points(&self, points: &[(f64, f64)]) -> Vec<(f64, Option<f64>)> {
        let [from, to] = self.steps.map(|step| step as f64);
        let inside: Vec<_> = points.iter().filter(|(step, _)| (from..=to).contains(step)).collect();
        let every = inside.len().div_ceil(MOST_POINTS).max(1);
        inside.iter().step_by(every).map(|(step, loss)| (*step, self.place(*loss))).collect()
    }

    fn range(&self) -> (f64, f64) {
        let lines = self.lines.iter().map(|line| line.points.as_slice());
        let places = lines
            .chain([self.raw.as_slice(), self.held_out.as_slice()])
            .flat_map(|points| self.points(points))
            .filter_map(|(_, place)| place);
        let (low, high) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| {
            (low.min(place), high.max(place))
        });
        if low > high {
            return (0.0, 1.0);
        }
        let air = ((high - low) * 0.05).max(0.01);
        let zero = !self.logarithmic && low >= 0.0;
        (if zero { (low - air).max(0.0) } else { low - air }, high + air)
    }
}

/// A loss with as many decimals as its size needs.
fn figure(loss: f64) -> String {
    let decimals = (1.0 - loss.abs().max(1e-9).log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{loss:.decimals$}")
}

impl Chart for RunLosses {
    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB> {
        let axis = if self.logarithmic { " Equal steps upwards multiply." } else { "" };
        let words = format!(
            "Training loss in nats per trained token, {}. Dots: single steps.{axis}",
            shown(&self.words)
        );
        let y = heading(paper, &shown(&self.title), &words)?;
        let mut entries: Vec<Entry> = self
            .lines
            .iter()
            .enumerate()
            .map(|(nth, line)| Entry { name: shown(&line.name), look: look(nth), letter: None })
            .collect();
        let held_look = look(self.lines.len() + 2);
        if !self.held_out.is_empty() {
            entries.push(Entry { name: "held-out".into(), look: held_look, letter: None });
        }
        let top = legend(paper, &entries, y)?;
        let (wide, high) = paper.dim_in_pixel();
        let (wide, high) = (wide as i32, high as i32);
        let [first, last] = self.steps.map(|step| step as f64);
        let (low, highest) = self.range();
        let plot = paper.clone().shrink((MARGIN, top + 8), (wide - 2 * MARGIN, high - top - 20));
        let mut chart = ChartBuilder::on(&plot)
            .set_label_area_size(LabelAreaPosition::Left, 64)
            .set_label_area_size(LabelAreaPosition::Bottom, 48)
            .build_cartesian_2d(first..last.max(first + 1.0), low..highest)?;
        let logarithmic = self.logarithmic;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(SOFT)
            .x_labels(8)
            .y_labels(7)
            .x_label_formatter(&step_label)
            .y_label_formatter(&|place| match logarithmic {
                true => figure(10f64.powf(*place)),
                false => format!("{place:.2}"),
            })
            .x_desc("step")
            .y_desc("loss")
            .axis_desc_style(label())
            .label_style(label())
            .draw()?;
        let at = |step: f64, place: f64| chart.backend_coord(&(step, place));
        for (step, place) in self.points(&self.raw) {
            if let Some(place) = place {
                paper.draw(&Circle::new(at(step, place), 2, SOFT.mix(0.5).filled()))?;
            }
        }
        for (nth, curve) in self.lines.iter().enumerate().rev() {
            let points = self.points(&curve.points);
            for part in points.split(|(_, place)| place.is_none()) {
                let part: Vec<(i32, i32)> = part
                    .iter()
                    .filter_map(|(step, place)| place.map(|place| at(*step, place)))
                    .collect();
                let every = (part.len() / 6).max(1);
                for marked in part.iter().skip(every / 2).step_by(every) {
                    mark(paper, look(nth), *marked, 4)?;
                }
                line(paper, part, look(nth).colour.stroke_width(2))?;
            }
        }
        for (step, place) in self.points(&self.held_out) {
            if let Some(place) = place {
                mark(paper, held_look, at(step, place), 5)?;
            }
        }
        Ok(())
    }
}
