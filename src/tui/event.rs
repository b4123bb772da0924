//! What comes to the application.

use super::theme::Background;
use crate::driver::Report;
use crossterm::event::{KeyEvent, MouseEvent};
use jiff::Zoned;

/// One event.
#[derive(Debug, Clone)]
pub enum Event {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    Mouse(MouseEvent),
    Report(Box<Report>),
    /// `$EDITOR` was left; none when nothing came of it, with the reason.
    Edited(Result<String, String>),
    /// Time has passed: sent while something moves or a notice is to go.
    Tick(Zoned),
    /// The terminal says what lies behind the text.
    Background(Background),
    /// SIGTERM or SIGHUP: end well, without a question.
    Terminate,
}
