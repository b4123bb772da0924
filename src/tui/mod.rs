//! The dashboard. `app` is a state machine without files, clock or model: events in, intents out; views
//! are functions of it. `event_loop` is the one place that waits, draws and does what was asked.

mod action;
mod answer;
mod app;
mod editor;
mod event;
mod event_loop;
mod hits;
mod key_press;
mod keymap;
mod layers;
mod pane;
mod panes;
mod places;
mod terminal;
mod terminal_colours;
#[cfg(test)]
mod tests;
mod theme;
mod widgets;

use crate::config::{Config, Refusal};
use keymap::Keymap;

pub use app::App;
pub use event::Event;
pub use event_loop::open;
pub use pane::{Intent, PaneName, TerminalEffect};
pub use places::Places;
pub use terminal::Terminal;

/// What of a configuration the dashboard alone can judge: its keys.
///
/// # Errors
/// The first setting that it refuses.
pub fn check(config: &Config) -> Result<(), Refusal> {
    Keymap::configured(config).map(|_| ())
}

/// All actions: where their keys act, as the help has it, and their name, as `[keys]` and the palette know it.
pub fn actions() -> impl Iterator<Item = (&'static str, &'static str)> {
    action::TABLE.iter().map(|row| (row.scope.title(), row.name))
}
