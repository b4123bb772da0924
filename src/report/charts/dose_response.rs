//! Change of perplexity against how much was given: variations, iterations or the threshold.

use super::canvas::{Chart, Drawn, Paper};
use super::change::{range_of, tick};
use super::legend::{Entry, MARGIN, heading, legend};
use super::style::{
    BODY, GRID, INK, Look, SMALL, SOFT, label, letter, line, look, mark, shown, text, width,
};
use crate::experiments::ExperimentRecord;
use crate::report::figures::finite;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::ops::RangeInclusive;

pub const STEM: &str = "dose-response";

/// Doses that span more than this are laid out by their logarithms.
const WIDE_SPAN: f64 = 8.0;

pub struct DoseResponse {
    experiment: String,
    points: Vec<Point>,
}

struct Point {
    arm: usize,
    name: String,
    look: Look,
    dose: f64,
    change: f64,
    interval: Option<[f64; 2]>,
    seeds: Vec<f64>,
}

impl DoseResponse {
    /// None where fewer than two doses were given: one dose shows no response.
    pub fn of(record: &ExperimentRecord) -> Option<Self> {
        let mut points: Vec<Point> = record
            .arms
            .iter()
            .enumerate()
            .filter_map(|(index, arm)| {
                let dose = arm.dose.filter(|dose| dose.is_finite())?;
                arm.change.is_finite().then(|| Point {
                    arm: index,
                    name: shown(&arm.name),
                    look: look(index),
                    dose,
                    change: arm.change,
                    interval: finite(arm.ci95),
                    seeds: arm
                        .seeds
                        .iter()
                        .map(|seed| seed.change)
                        .filter(|change| change.is_finite())
                        .collect(),
                })
            })
            .collect();
        points.sort_by(|a, b| a.dose.total_cmp(&b.dose));
        let chart = Self { experiment: record.name.clone(), points };
        (chart.doses().len() > 1).then_some(chart)
    }

    /// The different doses, least first.
    fn doses(&self) -> Vec<f64> {
        let mut doses: Vec<f64> = self.points.iter().map(|point| point.dose).collect();
        doses.dedup();
        doses
    }

    fn scale(&self) -> Scale {
        let doses = self.doses();
        let (least, most) = (doses[0], doses[doses.len() - 1]);
        Scale::of(least, most)
    }

    /// The question and what the x axis has, by the experiment.
    fn words(&self) -> (&'static str, &'static str) {
        match self.experiment.as_str() {
            "iterations" => ("Does each iteration help further?", "iterations"),
            "threshold" => (
                "Which threshold of weakness helps most?",
                "perplexity above which an item is weak",
            ),
            "variations" | "dose" => {
                ("Do more variations help more?", "variations of each weak item")
            }
            _ => ("Does more help more?", "dose"),
        }
    }
}

/// Where a dose lies on the x axis.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Even,
    Logarithmic,
}

impl Scale {
    fn of(least: f64, most: f64) -> Self {
        if least > 0.0 && most / least > WIDE_SPAN { Self::Logarithmic } else { Self::Even }
    }

    fn place(self, dose: f64) -> f64 {
        match self {
            Self::Even => dose,
            Self::Logarithmic => dose.log10(),
        }
    }
}

/// A dose as it is said: without decimals that say nothing.
fn said(dose: f64) -> String {
    let text = format!("{dose:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Chart for DoseResponse {
    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB> {
        let (question, axis) = self.words();
        let scale = self.scale();
        let explanation = format!(
            "Change of perplexity over the held-out items of the targeted areas; below zero is better. Whiskers: \
             95 % interval over seeds and items; dots: single seeds.{}",
            match scale {
                Scale::Even => "",
                Scale::Logarithmic => " Equal steps to the right multiply.",
            }
        );
        let y = heading(paper, question, &explanation)?;
        let mut points: Vec<&Point> = self.points.iter().collect();
        points.sort_by_key(|point| point.arm);
        let entries: Vec<Entry> =
            points.iter().map(|point| Entry::arm(point.arm, &point.name, point.look)).collect();
        let top = legend(paper, &entries, y)?;

        let (wide, high) = paper.dim_in_pixel();
        let (wide, high) = (wide as i32, high as i32);
        let (low, highest) =
            range_of(self.points.iter().map(|p| (p.change, p.interval, p.seeds.as_slice())));
        // Room for the letter above the topmost whisker.
        let highest = highest + (highest - low) * 0.03;
        let doses = self.doses();
        let (from, to) = (scale.place(doses[0]), scale.place(doses[doses.len() - 1]));
        let air = (to - from) * 0.08;
        let plot = paper.clone().shrink((MARGIN, top + 6), (wide - 2 * MARGIN, high - top - 14));
        let mut chart = ChartBuilder::on(&plot)
            .set_label_area_size(LabelAreaPosition::Left, 62)
            .margin_bottom(48)
            .build_cartesian_2d(from - air..to + air, low..highest)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(SOFT)
            .y_labels(7)
            .y_label_formatter(&|value| tick(*value, highest - low))
            .label_style(label())
            .draw()?;
        let place = |dose: f64, change: f64| {
            chart.backend_coord(&(scale.place(dose), change.clamp(low, highest)))
        };
        let (left, bottom) = chart.backend_coord(&(from - air, low));
        let (right, zero) = chart.backend_coord(&(to + air, 0.0));
        line(paper, vec![(left, zero), (right, zero)], INK.stroke_width(2))?;
        line(paper, vec![(left, bottom), (right, bottom)], SOFT.stroke_width(1))?;
        // The axis names the doses that were given, as far as there is room.
        let mut free = i32::MIN;
        for dose in &doses {
            let x = place(*dose, low).0;
            line(paper, vec![(x, bottom), (x, bottom + 5)], SOFT.stroke_width(1))?;
            let said = said(*dose);
            let half = width(&said, SMALL) / 2 + 4;
            if x - half >= free {
                text(paper, &said, (x, bottom + 15), SMALL, SOFT, HPos::Center)?;
                free = x + half;
            }
        }
        text(paper, axis, ((left + right) / 2, bottom + 37), BODY, SOFT, HPos::Center)?;
        // Where every dose was given to one arm, a line shows the trend.
        if doses.len() == self.points.len() {
            let trend = self.points.iter().map(|point| place(point.dose, point.change)).collect();
            line(paper, trend, SOFT.mix(0.6).stroke_width(2))?;
        }
        for point in &self.points {
            let same: Vec<usize> =
                self.points.iter().filter(|p| p.dose == point.dose).map(|p| p.arm).collect();
            let nth = same.iter().position(|arm| *arm == point.arm).unwrap_or(0) as i32;
            // Arms with the same dose stand side by side.
            let aside = 26 * nth - 13 * (same.len() as i32 - 1);
            self.draw_point(paper, point, &(low..=highest), |change| {
                let (x, y) = place(point.dose, change);
                (x + aside, y)
            })?;
        }
        Ok(())
    }
}

impl DoseResponse {
    fn draw_point<DB: DrawingBackend>(
        &self,
        paper: &Paper<DB>,
        point: &Point,
        range: &RangeInclusive<f64>,
        place: impl Fn(f64) -> (i32, i32),
    ) -> Drawn<DB> {
        let colour = point.look.colour;
        for (nth, seed) in point.seeds.iter().enumerate() {
            let (x, y) = place(*seed);
            let apart = [-9, 9, -13, 13][nth % 4];
            paper.draw(&Circle::new((x + apart, y), 3, colour.mix(0.45).filled()))?;
        }
        let (x, y) = place(point.change);
        let mut top = y - 8;
        if let Some(ends) = point.interval {
            let [low, high] = ends.map(|end| place(end).1);
            line(paper, vec![(x, low), (x, high)], colour.stroke_width(2))?;
            // An end that lies outside has no cap: the whisker goes on.
            for (end, y) in ends.into_iter().zip([low, high]) {
                if range.contains(&end) {
                    line(paper, vec![(x - 5, y), (x + 5, y)], colour.stroke_width(2))?;
                }
            }
            top = top.min(low).min(high);
        }
        mark(paper, point.look, (x, y), 6)?;
        text(paper, &letter(point.arm), (x, top - 11), BODY, INK, HPos::Center)
    }
}
