//! The curve on screen, its steps and the list of runs, to be taken out.

use super::{Stage, TrainingPane, runs};
use crate::report::{Figure, Line, RunLosses, Table, TakenOut};
use crate::store::plain_line;
use crate::tui::widgets::axis::Scale;
use crate::tui::widgets::{Curves, LossHistory};

impl TrainingPane {
    pub(super) fn taken(&self) -> Option<TakenOut> {
        if !matches!(self.stage, Stage::Runs) {
            return None;
        }
        let run = plain_line(self.shown()?);
        let curves = self.curves()?;
        let mut what = TakenOut::of_table(format!("loss-{run}"), steps(&curves))
            .with(Some(Figure::Run(self.figure(&run, &curves))));
        if !self.runs.list.is_empty() {
            what.others.push(("runs.csv", self.runs()));
        }
        Some(what)
    }

    fn figure(&self, run: &str, curves: &Curves) -> RunLosses {
        let extent = curves.extent();
        let seen = self.chart.visible(extent);
        let until = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
            points.into_iter().filter(|(step, _)| *step <= seen.newest as f64).collect()
        };
        let smoothed = |history: &LossHistory| -> Vec<(f64, f64)> {
            let steps = history.metrics().iter().map(|line| line.step as f64);
            steps.zip(history.smoothed(self.smoothing).values().iter().copied()).collect()
        };
        let history = curves.history;
        let name = match self.smoothing.weight() {
            0.0 => "not smoothed".to_owned(),
            weight => format!("smoothed {weight}"),
        };
        let mut lines = vec![Line { name, points: until(smoothed(history)) }];
        if let Some((name, overlay)) = curves.overlay {
            lines.push(Line { name: plain_line(name), points: smoothed(overlay) });
        }
        let raw = history.metrics().iter().map(|line| (line.step as f64, line.loss));
        let held_out = history.held_outs().iter().map(|(step, loss)| (*step as f64, *loss));
        RunLosses {
            title: format!("Loss of {run}"),
            words: self.chart.title(extent),
            steps: [seen.from, seen.to],
            raw: until(raw.collect()),
            lines,
            held_out: until(held_out.collect()),
            logarithmic: self.chart.scale == Scale::Logarithmic,
        }
    }

    fn runs(&self) -> Table {
        let mut table =
            Table::new(&["run", "started", "adapter", "steps done", "steps", "last loss", "state"]);
        for run in &self.runs.list {
            let state = match (&run.record.adapter, run.resumable, run.record.abandoned) {
                (Some(_), ..) => "ended",
                (None, true, _) => "paused",
                (None, false, true) => "stopped",
                (None, false, false) => "elsewhere",
            };
            let last = run.metrics.last().map(|line| line.loss.to_string());
            table.push([
                plain_line(&run.name),
                plain_line(&run.record.started),
                run.record.adapter.as_deref().map(plain_line).unwrap_or_default(),
                runs::done(run).to_string(),
                run.steps.to_string(),
                last.unwrap_or_default(),
                state.to_owned(),
            ]);
        }
        table
    }
}

/// All steps in figures, whatever part of them is seen.
fn steps(curves: &Curves) -> Table {
    let history = curves.history;
    let mut table = Table::new(&[
        "step",
        "loss",
        "smoothed",
        "held-out",
        "learning rate",
        "gradient norm",
        "tokens per second",
    ]);
    let mut held = history.held_outs().iter().peekable();
    let smoothed = history.smoothed(curves.smoothing).values();
    for (line, smoothed) in history.metrics().iter().zip(smoothed) {
        // The look before the first step has a row of its own.
        while let Some((step, loss)) = held.next_if(|(step, _)| *step < line.step) {
            let empty = String::new;
            table.push([step.to_string(), empty(), empty(), loss.to_string()]);
        }
        let here = held.next_if(|(step, _)| *step == line.step).map(|(_, loss)| loss.to_string());
        table.push([
            line.step.to_string(),
            line.loss.to_string(),
            smoothed.to_string(),
            here.unwrap_or_default(),
            line.lr.to_string(),
            line.grad_norm.to_string(),
            line.tokens_per_second.to_string(),
        ]);
    }
    table
}
