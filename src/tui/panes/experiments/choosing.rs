//! Which experiment is to be started: the list, and what the selected one would do.

use super::words;
use crate::experiments::{Experiment, Plan};
use crate::improve::Settings;
use crate::tui::action::Action;
use crate::tui::pane::{Shared, set_name};
use crate::tui::widgets::{duration, elide, moved, pad, wrap};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Trainings of every arm, and examples of the first one, of an experiment that is started here.
pub(super) const SEEDS: usize = 3;
pub(super) const COUNT: usize = 40;

/// The list's cursor.
#[derive(Debug, Default)]
pub(super) struct Choosing(usize);

impl Choosing {
    pub(super) fn selected(&self) -> Experiment {
        Experiment::ALL.get(self.0).copied().unwrap_or(Experiment::Control)
    }

    pub(super) fn act(&mut self, action: Action) {
        // All of them are on screen.
        let all = Experiment::ALL.len();
        self.0 = moved(action, self.0, all, all + 1).unwrap_or(self.0);
    }

    /// True if it was selected already.
    pub(super) fn select(&mut self, place: usize) -> bool {
        std::mem::replace(&mut self.0, place.min(Experiment::ALL.len().saturating_sub(1))) == self.0
    }

    pub(super) fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, each: Option<f64>) {
        let theme = &shared.theme;
        let width = usize::from(area.width);
        let title = format!("Which experiment? · on {}", set_name(&shared.set));
        let mut lines = vec![Line::styled(elide(&title, width), theme.accent), Line::default()];
        for (place, experiment) in Experiment::ALL.into_iter().enumerate() {
            let style = if place == self.0 { theme.selected } else { theme.text };
            let name = experiment.as_str();
            let row = format!(" {} {}", pad(name, 12), words::hypothesis(name));
            lines.push(Line::styled(pad(&elide_row(&row, width), width.min(60)), style));
        }
        let list = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
        shared.hits.rows(list, 0, Experiment::ALL.len(), 1, Action::Confirm);
        lines.push(Line::default());
        let selected = self.selected();
        let text = wrap(selected.hypothesis(), width);
        lines.extend(text.into_iter().map(|line| Line::styled(line, theme.text)));
        lines.push(Line::default());
        for arm in plan(selected, shared).arms {
            lines.push(Line::from(vec![
                Span::styled(format!(" {} ", pad(&arm.name, 14)), theme.accent),
                Span::styled(elide(&arm.what, width.saturating_sub(17)), theme.dim),
            ]));
        }
        let how_long = format!(" {}", how_long(selected, shared, each));
        lines.extend(wrap(&how_long, width).into_iter().map(|l| Line::styled(l, theme.dim)));
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// Cut at the end, with its spaces kept.
fn elide_row(row: &str, width: usize) -> String {
    wrap(row, width).into_iter().next().unwrap_or_default()
}

fn plan(experiment: Experiment, shared: &Shared) -> Plan {
    let config = &shared.config;
    let settings = Settings::from_config(&config.error_driven, config.train.seed);
    Plan::new(experiment, &settings, None)
}

/// What starting it means, in words; `each` is the seconds that an arm took under a seed before.
pub(super) fn question(experiment: Experiment, shared: &Shared, each: Option<f64>) -> String {
    format!(
        "Start the experiment {}?\n\n{}\n\n{}; {COUNT} examples an arm, on {}. It may run while you \
         do other things, and can be stopped and gone on with.",
        experiment.as_str(),
        experiment.hypothesis(),
        how_long(experiment, shared, each),
        set_name(&shared.set),
    )
}

fn how_long(experiment: Experiment, shared: &Shared, each: Option<f64>) -> String {
    let arms = plan(experiment, shared).arms.len();
    let trainings = arms * SEEDS;
    let time = match each {
        Some(each) => format!("about {}, by the last one", duration(each * trainings as f64)),
        None => "some minutes each; how long in all is shown after the baseline".into(),
    };
    format!("{arms} arms, {SEEDS} seeds: {trainings} trainings, {time}")
}
