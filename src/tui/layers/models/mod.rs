//! The models on this machine: one is chosen, and is the default from then on. What is typed narrows the
//! list; one that Kaizen cannot use stands there dimmed, with the reason below.

use super::{Narrowed, Stay};
use crate::driver::{Effect, Report};
use crate::tui::action::Action;
use crate::tui::pane::{Context, Shared};
use crate::tui::widgets::{Column, dialog, elide, spinner, table, wrap};
use crate::workplace::{Fits, ListedModel, MemoryFit, ModelList};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use std::sync::Arc;

/// Rows below the list that say more of the chosen one.
const DETAIL: u16 = 4;

/// The list on screen.
#[derive(Debug)]
pub struct ModelPicker {
    /// None until it has come.
    list: Option<Arc<ModelList>>,
    narrowed: Narrowed,
}

impl ModelPicker {
    /// Asks for the list.
    pub fn new(context: &mut Context) -> Self {
        context.perform(Effect::ListModels);
        Self { list: None, narrowed: Narrowed::new(0) }
    }

    pub fn act(&mut self, action: Action, context: &mut Context) -> Stay {
        match action {
            Action::Confirm => self.choose(context),
            action if self.narrowed.act(action) => Stay::Open,
            _ => Stay::Closed,
        }
    }

    fn choose(&self, context: &mut Context) -> Stay {
        let Some(listed) = self.chosen() else { return Stay::Open };
        let model = &listed.model;
        if let Some(why) = &model.facts.refusal {
            context.complain(format!("{} cannot be used: {why}", model.name));
            return Stay::Open;
        }
        context.perform(Effect::UseModel(model.lasting.clone()));
        Stay::Closed
    }

    fn chosen(&self) -> Option<&ListedModel> {
        self.list.as_ref()?.models.get(self.narrowed.chosen()?)
    }

    pub fn type_key(&mut self, key: KeyEvent) {
        self.narrowed.type_key(key);
        self.find();
    }

    pub fn paste(&mut self, text: &str) {
        self.narrowed.paste(text);
        self.find();
    }

    pub fn report(&mut self, report: &Report) -> Stay {
        if let Report::Models(list) = report {
            self.list = Some(list.clone());
            self.find();
            if let Some(in_use) = list.models.iter().position(|model| model.is_default) {
                self.narrowed.choose(in_use);
            }
        }
        Stay::Open
    }

    fn find(&mut self) {
        let Some(list) = &self.list else { return };
        let words = |listed: &ListedModel| {
            let facts = &listed.model.facts;
            let words = [
                Some(listed.model.name.as_str()),
                facts.architecture.as_deref(),
                facts.quantisation.as_deref(),
                Some(listed.model.keeper.as_str()),
            ];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            words.join(" ")
        };
        self.narrowed.find(list.models.iter().map(words));
    }

    pub fn select(&mut self, place: usize) -> bool {
        self.narrowed.select(place)
    }

    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let size = (area.width.saturating_sub(2).min(116), area.height.saturating_sub(2));
        let inner = dialog(frame, area, "Models on this machine", size, theme);
        let [typed, rows, detail] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(DETAIL.min(inner.height.saturating_sub(3))),
        ])
        .areas(inner);
        self.narrowed.draw_typed(frame, typed, theme);
        let lines = match &self.list {
            None => vec![Line::styled(
                format!("{} looking at what is here…", spinner(shared.ticks)),
                theme.dim,
            )],
            Some(list) if list.models.is_empty() => vec![Line::styled(
                "No models here yet: `kaizen models list` names some, `kaizen models get NAME` fetches one.",
                theme.dim,
            )],
            Some(_) if self.narrowed.found().is_empty() => {
                vec![Line::styled("None is like that.", theme.dim)]
            }
            Some(list) => self.rows(list, rows, shared),
        };
        frame.render_widget(Paragraph::new(lines), rows);
        frame.render_widget(Paragraph::new(self.detail(detail, shared)), detail);
    }

    /// The heading, and as many rows around the chosen one as there is room for.
    fn rows(&self, list: &ModelList, area: Rect, shared: &Shared) -> Vec<Line<'static>> {
        let theme = &shared.theme;
        let width = usize::from(area.width);
        let found = self.narrowed.found();
        let shown: Vec<&ListedModel> =
            found.iter().filter_map(|place| list.models.get(*place)).collect();
        let column = |heading: &str, right, rank, cell: &dyn Fn(&ListedModel) -> String| Column {
            heading: heading.into(),
            cells: shown
                .iter()
                .zip(found)
                .map(|(listed, place)| {
                    let chosen = self.narrowed.chosen() == Some(*place);
                    let style: Style = match (chosen, &listed.model.facts.refusal) {
                        (true, _) => theme.selected,
                        (false, Some(_)) => theme.dim,
                        (false, None) => theme.text,
                    };
                    (cell(listed), style)
                })
                .collect(),
            right,
            rank,
        };
        let dash = || "-".to_owned();
        let name = (width * 2 / 5).max(16);
        let columns = vec![
            column("name", false, 9, &|m| elide(&m.model.name, name)),
            column("architecture", false, 3, &|m| {
                m.model.facts.architecture.clone().map_or_else(dash, |name| elide(&name, 14))
            }),
            column("params", true, 6, &|m| m.model.facts.parameters.map_or_else(dash, count)),
            column("quant", false, 4, &|m| m.model.facts.quantisation.clone().unwrap_or_else(dash)),
            column("context", true, 2, &|m| {
                m.model.facts.context.map_or_else(dash, |tokens| tokens.to_string())
            }),
            column("MiB", true, 5, &|m| m.model.facts.bytes.div_ceil(1 << 20).to_string()),
            column("state", false, 8, &|m| state(m).to_owned()),
        ];
        let mut lines = table(columns, width, theme.dim);
        let visible = usize::from(area.height).saturating_sub(1);
        let first = self.narrowed.skipped(visible);
        // Below the heading.
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        shared.hits.rows(below, first, found.len().saturating_sub(first), 1, Action::Confirm);
        let body: Vec<Line<'static>> = lines.drain(1..).skip(first).take(visible).collect();
        lines.extend(body);
        lines
    }

    /// Where the chosen one is, and what it takes or why it cannot be used.
    fn detail(&self, area: Rect, shared: &Shared) -> Vec<Line<'static>> {
        let theme = &shared.theme;
        let width = usize::from(area.width);
        let Some(listed) = self.chosen() else { return Vec::new() };
        let model = &listed.model;
        let path = crate::store::plain_line(&model.path.display().to_string());
        let place = format!("{}: {path}", model.keeper.as_str());
        let (words, style) = match &model.facts.refusal {
            Some(why) => (why.clone(), theme.warning),
            None => (memory(listed), theme.text),
        };
        let mut lines = vec![Line::default(), Line::styled(elide(&place, width), theme.dim)];
        let room = usize::from(area.height).saturating_sub(lines.len());
        let mut words = wrap(&words, width);
        if words.len() > room {
            words.truncate(room);
            if let Some(last) = words.last_mut() {
                *last = elide(&format!("{last} …"), width);
            }
        }
        lines.extend(words.into_iter().map(|line| Line::styled(line, style)));
        lines
    }
}

fn memory(listed: &ListedModel) -> String {
    let of = |what: &str, fit: Option<MemoryFit>| match fit {
        None => format!("{what}: not known before it is loaded"),
        Some(fit) => format!("{what}: {} MiB, {}", fit.needed_mib, fit.fits.as_str()),
    };
    let adapters = match listed.adapters.len() {
        0 => "no adapter of this home belongs to it".to_owned(),
        _ => format!("its adapters: {}", listed.adapters.join(", ")),
    };
    let parts = [of("running", listed.running), of("training", listed.training), adapters];
    parts.join(" · ")
}

fn state(listed: &ListedModel) -> &'static str {
    match (&listed.model.facts.refusal, listed.is_default, listed.running.map(|fit| fit.fits)) {
        (Some(_), ..) => "unsupported",
        (None, true, _) => "in use",
        (None, false, Some(Fits::No)) => "no room",
        (None, false, Some(Fits::Tightly)) => "tight",
        (None, false, _) => "fits",
    }
}

/// As in 135M, 1.7B.
fn count(parameters: u64) -> String {
    match parameters {
        0..1_000_000 => parameters.to_string(),
        1_000_000..1_000_000_000 => format!("{}M", parameters / 1_000_000),
        _ => format!("{:.1}B", parameters as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests;
