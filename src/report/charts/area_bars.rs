//! Perplexity by area as bars on a logarithmic axis from 1, with the threshold over which an example is weak.

use super::canvas::{Chart, Drawn, Paper};
use super::legend::{MARGIN, heading};
use super::style::{BODY, GRID, INK, SOFT, cut, line, look, shown, text, width};
use crate::report::figures::perplexity;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

const ROW: i32 = 34;

#[derive(Debug, Clone, PartialEq)]
pub struct AreaBars {
    pub title: String,
    pub words: String,
    /// Area and perplexity, the worst first.
    pub rows: Vec<(String, f64)>,
    pub threshold: f64,
}

impl Chart for AreaBars {
    fn size(&self) -> (u32, u32) {
        (900, (150 + ROW as u32 * self.rows.len() as u32).max(240))
    }

    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB> {
        let words = format!(
            "Perplexity by area, {}. Equal steps to the right multiply; the line is the threshold, {}.",
            shown(&self.words),
            perplexity(self.threshold)
        );
        let top = heading(paper, &shown(&self.title), &words)? + 14;
        let wide = paper.dim_in_pixel().0 as i32;
        let names = self.rows.iter().map(|(name, _)| width(&shown(name), BODY)).max();
        let left = MARGIN + names.unwrap_or(0).min(260) + 14;
        let room = f64::from(wide - left - MARGIN - 90);
        let finite = |value: &f64| value.is_finite();
        let values = self.rows.iter().map(|(_, value)| *value).chain([self.threshold]);
        let end = values.filter(finite).fold(10.0, f64::max).ln();
        let place = |value: f64| left + (value.max(1.0).ln() / end * room).round() as i32;
        let bottom = top + ROW * self.rows.len() as i32;
        for power in 0..9 {
            let value = 10f64.powi(power);
            if value.ln() <= end {
                let x = place(value);
                line(paper, vec![(x, top), (x, bottom)], GRID.stroke_width(1))?;
                text(paper, &format!("{value:.0}"), (x, bottom + 14), BODY, SOFT, HPos::Center)?;
            }
        }
        let bar = look(0).colour.filled();
        for (nth, (name, value)) in self.rows.iter().enumerate() {
            let y = top + ROW * nth as i32;
            let name = cut(&shown(name), BODY, left - MARGIN - 14);
            text(paper, &name, (left - 10, y + ROW / 2), BODY, INK, HPos::Right)?;
            let x = if value.is_finite() { place(*value) } else { left };
            paper.draw(&Rectangle::new([(left, y + 7), (x, y + ROW - 7)], bar))?;
            let figure = perplexity(*value);
            text(paper, &figure, (x + 8, y + ROW / 2), BODY, INK, HPos::Left)?;
        }
        if self.threshold.is_finite() {
            let x = place(self.threshold);
            line(paper, vec![(x, top), (x, bottom)], INK.stroke_width(2))?;
        }
        Ok(())
    }
}
