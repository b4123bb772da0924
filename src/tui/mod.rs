//! The dashboard. `app` is a state machine without files, clock or model: events in, intents out; views
//! are functions of it. `event_loop` is the one place that waits, draws and does what was asked.

mod action;
mod answer;
mod app;
mod editor;
mod event;
mod event_loop;
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

pub use app::App;
pub use event::Event;
pub use event_loop::open;
pub use keymap::Keymap;
pub use pane::{Intent, PaneName, TerminalEffect};
pub use places::Places;
pub use terminal::Terminal;
