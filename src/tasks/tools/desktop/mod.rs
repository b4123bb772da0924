//! Tools for the windows and the screen of an X11 display. Owns which display that is; it is never taken
//! from the environment while a tool runs. Knows nothing of what is done with what is seen.
//!
//! What is typed into a window has all the rights of the person: no workspace and no sandbox bounds it.

mod availability;
mod click;
mod open_app;
mod picture;
mod press_keys;
mod programs;
mod read_screen;
mod screenshot;
mod type_text;

pub use availability::{Availability, Missing, availability};

use super::Tool;
use availability::Needs;

/// A display, with the programs of this machine that can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desktop {
    display: Option<String>,
    /// There other programs' windows cannot be seen.
    is_wayland: bool,
}

impl Desktop {
    /// The display that Kaizen was started on.
    pub fn of_this_session() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self { display: set("DISPLAY"), is_wayland: set("WAYLAND_DISPLAY").is_some() }
    }

    /// The X11 display of this name, as `:1`.
    pub fn on(display: &str) -> Self {
        Self { display: Some(display.to_owned()), is_wayland: false }
    }

    /// # Errors
    /// What is missing, and how to get it.
    fn require(&self, needs: &[Needs]) -> Result<(), String> {
        let missing = self.missing(needs);
        match missing.is_empty() {
            true => Ok(()),
            false => Err(missing.iter().map(Missing::to_string).collect::<Vec<_>>().join("; ")),
        }
    }
}

/// Every tool for `desktop`, in the order in which a model reads them.
pub(super) fn tools(desktop: &Desktop) -> Vec<Box<dyn Tool>> {
    vec![
        Box::new(screenshot::Screenshot(desktop.clone())),
        Box::new(read_screen::ReadScreen(desktop.clone())),
        Box::new(open_app::OpenApp(desktop.clone())),
        Box::new(type_text::TypeText(desktop.clone())),
        Box::new(press_keys::PressKeys(desktop.clone())),
        Box::new(click::Click(desktop.clone())),
    ]
}
