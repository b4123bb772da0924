//! Perplexity before and after: a panel for the targeted areas together and one for each area, base beside
//! every arm. Each panel has a scale of its own, or the hardest area would flatten all others.

use super::canvas::{Chart, Drawn, Paper};
use super::legend::{Entry, MARGIN, heading, legend};
use super::style::{
    BASE, BODY, GRID, INK, Look, SMALL, SOFT, cut, dashes, letter, line, look, mark, shown, text,
};
use crate::experiments::ExperimentRecord;
use crate::report::figures::finite;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

pub const STEM: &str = "before-after";

/// More panels than these are for a table.
const MOST_PANELS: usize = 12;

pub struct BeforeAfter {
    arms: Vec<(String, Look)>,
    panels: Vec<Panel>,
    left_out: usize,
}

struct Panel {
    title: String,
    note: String,
    base: Option<f64>,
    /// By the arm's place in the plan.
    points: Vec<(usize, Point)>,
}

struct Point {
    after: f64,
    interval: Option<[f64; 2]>,
}

/// A perplexity that can be drawn, with the interval of its change carried over to it.
fn point(before: f64, after: f64, change: Option<[f64; 2]>) -> Option<Point> {
    let interval = finite(change.map(|ends| ends.map(|end| before * (1.0 + end))));
    (after.is_finite() && after > 0.0).then_some(Point { after, interval })
}

impl Panel {
    fn of(
        title: String,
        note: String,
        figures: impl Iterator<Item = (usize, f64, f64, Option<[f64; 2]>)>,
    ) -> Option<Self> {
        let mut panel = Self { title, note, base: None, points: Vec::new() };
        for (arm, before, after, change) in figures {
            panel.base = panel.base.or((before.is_finite() && before > 0.0).then_some(before));
            panel.points.extend(point(before, after, change).map(|point| (arm, point)));
        }
        (!panel.points.is_empty()).then_some(panel)
    }

    /// Least and greatest of all that is drawn, with some air. An interval counts up to three times as far
    /// from base as the furthest arm, or a single wide one would press all arms into a line.
    fn range(&self) -> (f64, f64) {
        let centre = self.base.unwrap_or(self.points[0].1.after);
        let arms = self.points.iter().map(|(_, point)| point.after);
        let furthest =
            3.0 * arms.clone().map(|after| (after - centre).abs()).fold(centre * 0.02, f64::max);
        let ends = self.points.iter().filter_map(|(_, point)| point.interval).flatten();
        let (low, high) = ends
            .map(|end| end.clamp(centre - furthest, centre + furthest))
            .chain(arms)
            .chain([centre])
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let air = ((high - low) * 0.1).max(high.abs() * 0.01);
        ((low - air).max(0.0), high + air)
    }
}

impl BeforeAfter {
    /// None without a single perplexity that is a number.
    pub fn of(record: &ExperimentRecord) -> Option<Self> {
        let arms: Vec<(String, Look)> = record
            .arms
            .iter()
            .enumerate()
            .map(|(index, arm)| (shown(&arm.name), look(index)))
            .collect();
        let mut panels = Vec::new();
        let targeted = &record.setup.targeted;
        // One targeted area alone has its panel below.
        if targeted.len() != 1 {
            panels.extend(Panel::of(
                "all targeted".into(),
                format!("{} items", record.setup.held_out),
                record
                    .arms
                    .iter()
                    .enumerate()
                    .map(|(index, arm)| (index, arm.before, arm.after, arm.ci95)),
            ));
        }
        let mut areas: Vec<&str> = Vec::new();
        for area in record.arms.iter().flat_map(|arm| &arm.areas) {
            if !areas.contains(&area.area.as_str()) {
                areas.push(&area.area);
            }
        }
        // What was trained for comes first, else in the record's order.
        areas.sort_by_key(|area| !targeted.iter().any(|name| name == area));
        for name in areas {
            let of_area = |(index, arm): (usize, &crate::experiments::ArmResult)| {
                let area = arm.areas.iter().find(|area| area.area == name)?;
                Some((index, area.before, area.after, area.ci95))
            };
            let items =
                record.arms.iter().flat_map(|arm| &arm.areas).find(|area| area.area == name);
            let items = items.map_or(0, |area| area.n);
            let is_targeted = targeted.iter().any(|target| target == name);
            panels.extend(Panel::of(
                shown(name),
                format!("{}{items} items", if is_targeted { "targeted, " } else { "" }),
                record.arms.iter().enumerate().filter_map(of_area),
            ));
        }
        let left_out = panels.len().saturating_sub(MOST_PANELS);
        panels.truncate(MOST_PANELS);
        (!panels.is_empty()).then_some(Self { arms, panels, left_out })
    }

    fn columns(&self) -> usize {
        match self.panels.len() {
            few @ 0..=3 => few.max(1),
            some @ 4..=8 => some.div_ceil(2),
            _ => 4,
        }
    }

    fn draw_panel<DB: DrawingBackend>(
        &self,
        paper: &Paper<DB>,
        panel: &Panel,
        (left, top): (i32, i32),
        (wide, high): (i32, i32),
    ) -> Drawn<DB> {
        let title = cut(&panel.title, BODY, wide - 20);
        text(paper, &title, (left + 8, top + 10), BODY, INK, HPos::Left)?;
        let note = cut(&panel.note, SMALL, wide - 20);
        text(paper, &note, (left + 8, top + 29), SMALL, SOFT, HPos::Left)?;

        let (lowest, highest) = panel.range();
        let part = paper.clone().shrink((left, top + 42), (wide, high - 50));
        let mut chart = ChartBuilder::on(&part)
            .set_label_area_size(LabelAreaPosition::Left, 52)
            .margin_bottom(22)
            .margin_right(8)
            .build_cartesian_2d(-0.95..self.arms.len() as f64 + 0.7, lowest..highest)?;
        let decimals = decimals_for(highest - lowest);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(SOFT)
            .y_labels(5)
            .y_label_formatter(&|value| format!("{value:.decimals$}"))
            .label_style(super::style::label())
            .draw()?;
        // Base stands a little apart.
        let place = |slot: usize, value: f64| {
            let x = if slot == 0 { -0.25 } else { slot as f64 };
            chart.backend_coord(&(x, value.clamp(lowest, highest)))
        };
        let bottom = chart.backend_coord(&(0.0, lowest)).1;
        if let Some(base) = panel.base {
            let (x, y) = place(0, base);
            let end = chart.backend_coord(&(self.arms.len() as f64 + 0.7, base)).0;
            dashes(paper, (x, y), end, SOFT)?;
            mark(paper, BASE, (x, y), 5)?;
            text(paper, "base", (x, bottom + 13), SMALL, SOFT, HPos::Center)?;
        }
        for (arm, point) in &panel.points {
            let look = self.arms[*arm].1;
            let (x, y) = place(arm + 1, point.after);
            if let Some([low, high]) = point.interval {
                let ends = [low, high].map(|end| (end, place(arm + 1, end).1));
                line(paper, vec![(x, ends[0].1), (x, ends[1].1)], look.colour.stroke_width(2))?;
                // An end that lies outside has no cap: the whisker goes on.
                for (_, y) in ends.iter().filter(|(end, _)| (lowest..=highest).contains(end)) {
                    line(paper, vec![(x - 4, *y), (x + 4, *y)], look.colour.stroke_width(2))?;
                }
            }
            mark(paper, look, (x, y), 5)?;
            text(paper, &letter(*arm), (x, bottom + 13), SMALL, INK, HPos::Center)?;
        }
        Ok(())
    }
}

/// So many decimals that five steps over `span` are told apart.
fn decimals_for(span: f64) -> usize {
    if span > 0.0 && span.is_finite() {
        (0.7 - (span / 5.0).log10()).floor().clamp(0.0, 4.0) as usize
    } else {
        2
    }
}

impl Chart for BeforeAfter {
    fn size(&self) -> (u32, u32) {
        let rows = self.panels.len().div_ceil(self.columns()) as u32;
        (900, 560 + 200 * rows.saturating_sub(2))
    }

    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB> {
        let more = match self.left_out {
            0 => String::new(),
            n => format!(" {n} more areas are in areas.csv."),
        };
        let explanation = format!(
            "Perplexity on held-out items, lower is better; every panel has its own scale. Whiskers: 95 % \
             interval of the change from base.{more}"
        );
        let y = heading(paper, "How well does the model predict good answers?", &explanation)?;
        let mut entries = vec![Entry { name: "base".into(), look: BASE, letter: None }];
        entries.extend(
            self.arms
                .iter()
                .enumerate()
                .map(|(index, (name, look))| Entry::arm(index, name, *look)),
        );
        let top = legend(paper, &entries, y)? + 4;
        let (width, height) = paper.dim_in_pixel();
        let columns = self.columns();
        let rows = self.panels.len().div_ceil(columns);
        let wide = (width as i32 - 2 * MARGIN) / columns as i32;
        let high = (height as i32 - top - 8) / rows as i32;
        for (index, panel) in self.panels.iter().enumerate() {
            let place = ((index % columns) as i32, (index / columns) as i32);
            let corner = (MARGIN + place.0 * wide, top + place.1 * high);
            self.draw_panel(paper, panel, corner, (wide, high))?;
        }
        Ok(())
    }
}
