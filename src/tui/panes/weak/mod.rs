//! Where an arm is weak: areas and examples by perplexity, the threshold above which they count as
//! weak, and the selected answer token by token. Owns what is selected and chosen; scores, and what
//! counts as weak, come from `eval`.

mod alternatives;
mod example;
mod figures;
mod found;
mod taken_out;
#[cfg(test)]
mod tests;
mod view;

use crate::config::PerplexityThreshold;
use crate::driver::{Effect, Report, TrainingMaterial, WorkEvent, WorkId};
use crate::eval::{Example, Provenance};
use crate::report::TakenOut;
use crate::store::{plain, plain_line};
use crate::tui::action::{Action, Scope};
use crate::tui::hits::Part;
use crate::tui::layers::{Entry, EntryPurpose, Layer};
use crate::tui::pane::{Context, Intent, Pane, Shared, TerminalEffect};
use crate::tui::widgets::moved;
use crate::workplace::{ArmChoice, Event, SetChoice};
use alternatives::Alternatives;
use crossterm::event::KeyEvent;
use found::{Found, Item, Row};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::cell::Cell;
use std::collections::BTreeSet;

/// The pane.
#[derive(Debug, Default)]
pub struct WeakPane {
    /// The last measurement that came to an end.
    found: Option<Found>,
    measuring: Option<Measuring>,
    /// Why the last one came to nothing.
    failed: Option<String>,
    /// What is measured next; none is base.
    adapter: Option<String>,
    /// None until a person has moved it: the configured one.
    threshold: Option<PerplexityThreshold>,
    /// A row of the list.
    selected: usize,
    /// A token of the selected example.
    token: usize,
    /// Only rows with these words are shown.
    words: String,
    /// What was expected where the tokens of examples stand.
    alternatives: Alternatives,
    /// Ids of the examples to train on.
    chosen: BTreeSet<String>,
    /// The example has the pane for itself.
    large: bool,
    /// Lines of the large text that were scrolled away; none follows the token cursor.
    scrolled: Option<usize>,
    /// The home's own items have changed since.
    set_has_grown: bool,
    /// The first visible row of the list, and how many are visible.
    list: Cell<(usize, usize)>,
    /// The first visible line of the large text, how many are visible, and how many there are.
    text: Cell<(usize, usize, usize)>,
}

/// A measurement under way.
#[derive(Debug)]
struct Measuring {
    work: WorkId,
    arm: String,
    set: SetChoice,
    /// The model is there.
    started: bool,
    /// Items, once it is known how many there are.
    done: Option<(usize, usize)>,
}

impl Pane for WeakPane {
    fn scope(&self) -> Scope {
        Scope::Weak
    }

    fn applies(&self, action: Action, shared: &Shared) -> bool {
        match action {
            Action::Choose => self.selected_row().is_some(),
            Action::ChooseAll
            | Action::LowerThreshold
            | Action::RaiseThreshold
            | Action::AutoThreshold
            | Action::Train => self.found.as_ref().is_some_and(|found| !found.items.is_empty()),
            Action::Open | Action::Left | Action::Right => self.selected_item().is_some(),
            Action::ChooseArm => !shared.adapters.is_empty(),
            Action::Search => {
                !self.large && self.found.as_ref().is_some_and(|found| !found.items.is_empty())
            }
            Action::Back => self.large || !self.words.is_empty() || self.measuring.is_some(),
            _ => true,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        match action {
            Action::Measure => self.measure(context),
            Action::Choose => self.choose(),
            Action::ChooseAll => self.choose_weak(context),
            Action::LowerThreshold | Action::RaiseThreshold => {
                let up = action == Action::RaiseThreshold;
                if let Some(found) = &self.found {
                    let threshold = figures::step(found.threshold, up);
                    self.set_threshold(PerplexityThreshold::Fixed(threshold));
                }
            }
            Action::AutoThreshold => self.set_threshold(PerplexityThreshold::Auto),
            Action::Train => self.train(context),
            Action::Open => {
                self.large = !self.large && self.selected_item().is_some();
                self.scrolled = None;
                self.look(context);
            }
            Action::Left | Action::Right => {
                match action {
                    Action::Left => self.move_token(|token, _| token.saturating_sub(1)),
                    _ => self.move_token(|token, last| (token + 1).min(last)),
                }
                self.look(context);
            }
            Action::ChooseSet => {
                let present = match &context.shared.set {
                    SetChoice::BuiltIn => String::new(),
                    SetChoice::File(path) => path.display().to_string(),
                };
                context.push(Layer::Entry(Entry::new(EntryPurpose::EvaluationSet, &present)));
            }
            Action::ChooseArm => {
                self.adapter = context.shared.adapter_after(self.adapter.as_deref());
                context.say_unfit();
            }
            Action::Back if self.large => self.large = false,
            Action::Back if !self.words.is_empty() => self.search("", context),
            Action::Back => {
                if let Some(measuring) = &self.measuring {
                    context.perform(Effect::Cancel(measuring.work));
                }
            }
            Action::Copy => self.copy(context),
            Action::Up | Action::Down => {
                self.move_row(action);
                // Beside the list, an example is only looked at when somebody moves in it.
                if self.large {
                    self.look(context);
                }
            }
            movement if self.large => self.scroll_text(movement),
            movement => self.move_row(movement),
        }
    }

    fn type_key(&mut self, _: KeyEvent, _: &mut Context) {}

    fn paste(&mut self, _: &str, _: &mut Context) {}

    fn report(&mut self, report: &Report, context: &mut Context) {
        match report {
            Report::Work { work, event }
                if self.measuring.as_ref().is_some_and(|measuring| measuring.work == *work) =>
            {
                self.measured(event, context);
            }
            Report::Work { work, event } => {
                let came = self.alternatives.event(*work, event);
                // In large, what is shown now is looked at next.
                if came && self.large {
                    self.look(context);
                }
            }
            Report::Adapters(_) => {
                let adapters = &context.shared.adapters;
                self.adapter = self.adapter.take().filter(|name| adapters.contains(name));
            }
            Report::AddedToSet { .. } => {
                self.set_has_grown = context.shared.set == SetChoice::BuiltIn;
            }
            _ => {}
        }
    }

    fn search(&mut self, words: &str, _: &mut Context) {
        self.words = words.trim().to_owned();
        let Some(found) = &mut self.found else { return };
        let before = match found.rows.get(self.selected) {
            Some(Row::Item(at)) => {
                found.items.get(*at).map(|item| item.measured.example.id.clone())
            }
            _ => None,
        };
        found.narrow(&self.words);
        let kept = before.and_then(|id| found.row_of(&id));
        // An example, where there is one: under the first area.
        self.selected = kept.unwrap_or(1.min(found.rows.len().saturating_sub(1)));
        if kept.is_none() {
            self.point_at_worst_token();
        }
    }

    fn searched(&self) -> &str {
        &self.words
    }

    fn select(&mut self, place: usize, _: &mut Context) -> bool {
        let last = self.found.as_ref().map_or(0, |found| found.rows.len().saturating_sub(1));
        let before = std::mem::replace(&mut self.selected, place.min(last));
        if self.selected != before {
            self.point_at_worst_token();
        }
        self.selected == before
    }

    fn scroll(&mut self, part: Part, action: Action, context: &mut Context) {
        match part {
            Part::Main if self.large => self.scroll_text(action),
            _ => self.act(action, context),
        }
    }

    fn opened(&mut self, context: &mut Context) {
        context.perform(Effect::ListAdapters);
    }

    fn edited(&mut self, _: &str, _: &mut Context) {}

    fn is_moving(&self) -> bool {
        self.measuring.is_some()
    }

    fn taken_out(&self, _: &Shared) -> Option<TakenOut> {
        self.taken()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        view::draw(self, frame, area, shared);
    }
}

impl WeakPane {
    /// Another set is to be measured from now on.
    pub fn set_changed(&mut self, context: &mut Context) {
        if let Some(measuring) = &self.measuring {
            context.perform(Effect::Cancel(measuring.work));
        }
        self.set_has_grown = false;
        self.failed = None;
    }

    fn measure(&mut self, context: &mut Context) {
        if self.measuring.is_some() {
            // Not another meaning of its key, either.
            return context
                .complain_with_keys("it is measuring already: <stop-measuring> stops it");
        }
        let work = context.new_work();
        let set = context.shared.set.clone();
        let (name, arm) = match &self.adapter {
            None => ("base".to_owned(), ArmChoice::Base),
            Some(name) => (name.clone(), ArmChoice::Adapter(name.clone())),
        };
        self.failed = None;
        self.measuring =
            Some(Measuring { work, arm: name, set: set.clone(), started: false, done: None });
        context.perform(Effect::FindWeak { work, set, arm });
    }

    fn measured(&mut self, event: &WorkEvent, context: &mut Context) {
        let Some(measuring) = &mut self.measuring else { return };
        match event {
            WorkEvent::Started => measuring.started = true,
            WorkEvent::Progress(Event::Measuring { done, total, .. }) => {
                measuring.done = Some((*done, *total));
            }
            WorkEvent::Progress(Event::Note(note)) => context.say(plain_line(note)),
            WorkEvent::WeakFound(weak) => {
                let configured = context.shared.config.error_driven.perplexity_threshold;
                let threshold = self.threshold.unwrap_or(configured);
                let found = Found::new(weak, measuring.set.clone(), threshold);
                self.measuring = None;
                self.set_has_grown = false;
                self.alternatives.begin_anew(weak, context);
                self.arrange(found);
            }
            WorkEvent::Cancelled => {
                self.measuring = None;
                context.say("measuring was stopped");
            }
            WorkEvent::Failed(why) => {
                self.measuring = None;
                self.failed = Some(plain_line(why));
            }
            _ => {}
        }
    }

    /// Takes new figures, and keeps what was selected and chosen where it is still there.
    fn arrange(&mut self, mut found: Found) {
        found.narrow(&self.words);
        let before = self.selected_item().map(|item| item.measured.example.id.clone());
        let kept = before.and_then(|id| found.row_of(&id));
        // At first the worst example, so that there is a heat map to see.
        let worst = found.first_weak().unwrap_or(1.min(found.rows.len().saturating_sub(1)));
        self.selected = kept.unwrap_or(worst);
        if kept.is_none() {
            self.large = false;
            self.list.set((0, 0));
        }
        self.scrolled = None;
        self.chosen.retain(|id| found.has(id));
        self.found = Some(found);
        self.point_at_worst_token();
    }

    /// Asks what was expected in the selected example, unless that is known.
    fn look(&mut self, context: &mut Context) {
        if let Some(Row::Item(at)) = self.selected_row()
            && let Some(item) = self.found.as_ref().and_then(|found| found.items.get(at))
        {
            self.alternatives.ask(&item.measured, context);
        }
    }

    fn set_threshold(&mut self, threshold: PerplexityThreshold) {
        if let Some(found) = &mut self.found {
            self.threshold = Some(threshold);
            found.set_threshold(threshold);
        }
    }

    fn selected_row(&self) -> Option<Row> {
        self.found.as_ref().and_then(|found| found.rows.get(self.selected)).copied()
    }

    fn selected_item(&self) -> Option<&Item> {
        let Some(Row::Item(at)) = self.selected_row() else { return None };
        self.found.as_ref().and_then(|found| found.items.get(at))
    }

    /// The cursor stands where the model was surprised most.
    fn point_at_worst_token(&mut self) {
        let tokens = self.selected_item().map(|item| item.measured.tokens.as_slice());
        let worst =
            tokens.unwrap_or_default().iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1));
        self.token = worst.map_or(0, |(place, _)| place);
        self.scrolled = None;
    }

    fn move_token(&mut self, to: impl Fn(usize, usize) -> usize) {
        if let Some(item) = self.selected_item() {
            let last = item.measured.tokens.len().saturating_sub(1);
            self.token = to(self.token, last).min(last);
            self.scrolled = None;
        }
    }

    fn move_row(&mut self, action: Action) {
        let Some(found) = &self.found else { return };
        let last = found.rows.len().saturating_sub(1);
        let before = self.selected;
        let Some(mut to) = moved(action, before, found.rows.len(), self.list.get().1) else {
            return;
        };
        // Alone on the screen, an example is followed by an example.
        if self.large && matches!(found.rows.get(to), Some(Row::Area(_))) {
            to = if to > before { to + 1 } else { to.saturating_sub(1) }.min(last);
            if matches!(found.rows.get(to), Some(Row::Area(_))) {
                to = before;
            }
        }
        if to != before {
            self.selected = to;
            self.point_at_worst_token();
        }
    }

    fn scroll_text(&mut self, action: Action) {
        let (first, visible, lines) = self.text.get();
        let end = lines.saturating_sub(visible);
        if let Some(to) = moved(action, first, end + 1, visible) {
            self.scrolled = Some(to);
        }
    }

    /// The example, or all weak ones of the area, or none of them when they are chosen already.
    fn choose(&mut self) {
        let Some(found) = &self.found else { return };
        let ids = match self.selected_row() {
            None => return,
            Some(Row::Area(area)) => found.weak_of(Some(area)),
            Some(Row::Item(at)) => {
                let item = found.items.get(at);
                item.map(|item| item.measured.example.id.clone()).into_iter().collect()
            }
        };
        self.turn_over(ids);
    }

    fn choose_weak(&mut self, context: &mut Context) {
        let Some(found) = &self.found else { return };
        let weak = found.weak_of(None);
        match weak.is_empty() && self.chosen.is_empty() {
            true => {
                context.complain_with_keys(
                    "nothing is over the threshold: <lower-threshold> lowers it",
                );
            }
            false if weak.is_subset(&self.chosen) => self.chosen.clear(),
            false => self.turn_over(weak),
        }
    }

    fn turn_over(&mut self, ids: BTreeSet<String>) {
        match ids.is_subset(&self.chosen) {
            true => self.chosen.retain(|id| !ids.contains(id)),
            false => self.chosen.extend(ids),
        }
    }

    fn train(&mut self, context: &mut Context) {
        let Some(found) = &self.found else { return };
        let chosen = found.all.iter().filter_map(|row| match row {
            Row::Item(at) => found.items.get(*at).map(|item| &item.measured.example),
            Row::Area(_) => None,
        });
        let chosen: Vec<Example> = chosen
            .filter(|example| self.chosen.contains(&example.id))
            .map(|example| Example {
                provenance: as_material(example.provenance),
                ..example.clone()
            })
            .collect();
        match chosen.is_empty() {
            true => context.complain_with_keys(
                "no example is chosen: <choose> chooses one, <choose-weak> all weak ones",
            ),
            false => context.intents.push(Intent::Train(TrainingMaterial::Examples(chosen))),
        }
    }

    fn copy(&self, context: &mut Context) {
        let text = match (self.selected_item(), &self.found) {
            (Some(item), _) => {
                let example = &item.measured.example;
                plain(&format!("{}\n\n{}\n", example.prompt(), example.answer))
            }
            (None, Some(found)) if !found.items.is_empty() => {
                taken_out::examples(found).tab_separated()
            }
            _ => {
                return context
                    .complain_with_keys("there is nothing to copy yet: <measure> measures");
            }
        };
        let what =
            if self.selected_item().is_some() { "prompt and right answer" } else { "the table" };
        context.terminal(TerminalEffect::Copy(text));
        context.say(format!("copied {what}"));
    }
}

/// What an example is to a training: one that was only read from a file is there because it was
/// chosen for its weakness; corrections and the like stay what they are.
fn as_material(provenance: Provenance) -> Provenance {
    match provenance {
        Provenance::File => Provenance::Targeted,
        other => other,
    }
}
