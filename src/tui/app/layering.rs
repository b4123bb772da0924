//! What becomes of a layer after an action or a report: it stays, or its end asks for something.

use super::App;
use crate::tui::action::Action;
use crate::tui::layers::{EntryPurpose, Layer, Stay};
use crate::tui::pane::{Context, Intent};
use crate::workplace::SetChoice;

impl App {
    pub(super) fn act_on_layer(&mut self, action: Action) -> Vec<Intent> {
        let Some(mut layer) = self.layers.pop() else { return Vec::new() };
        let mut context = Context::new(&mut self.shared);
        let stay = layer.act(action, &mut context);
        let mut intents = context.intents;
        intents.extend(self.settle(layer, stay));
        intents
    }

    /// Puts a layer back, or does what its end asks for.
    pub(super) fn settle(&mut self, layer: Layer, stay: Stay) -> Vec<Intent> {
        match stay {
            Stay::Open => {
                self.layers.push(layer);
                Vec::new()
            }
            Stay::OpenAnd(action) => {
                self.layers.push(layer);
                self.with_front(|pane, context| pane.act(action, context))
            }
            Stay::Closed => Vec::new(),
            Stay::ClosedThen(action) => self.act(action),
            Stay::Entered(EntryPurpose::EvaluationSet, text) => {
                let set = match text.trim() {
                    "" => SetChoice::BuiltIn,
                    path => SetChoice::File(self.shared.places.expanded(path)),
                };
                vec![Intent::UseSet(set)]
            }
            Stay::Entered(EntryPurpose::TrainingFile, text) => match text.trim() {
                "" => Vec::new(),
                path => {
                    let path = self.shared.places.expanded(path);
                    vec![Intent::Train(crate::driver::TrainingMaterial::File(path))]
                }
            },
            Stay::Entered(EntryPurpose::ExportFile, name) => self.export_to(&name),
            Stay::Entered(EntryPurpose::SystemPrompt, text) => {
                self.tasks.set_system_prompt(&text);
                Vec::new()
            }
            Stay::Entered(EntryPurpose::Folder, text) => {
                self.tasks.set_folder(&text, &self.shared);
                Vec::new()
            }
            Stay::Decided { work, step, decision } => {
                let mut context = Context::new(&mut self.shared);
                self.tasks.decide(work, step, decision, &mut context);
                context.intents
            }
            Stay::Entered(EntryPurpose::Search, text) => self.search(&text),
            Stay::Entered(EntryPurpose::ComparePrompt, text) => {
                let mut context = Context::new(&mut self.shared);
                self.compare.ask(&text, &mut context);
                context.intents
            }
        }
    }
}
