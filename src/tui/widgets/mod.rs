//! Parts of screens that several panes and layers share. They draw what they are given.

mod dialog;
mod scroll;
mod stars;
mod text_field;
mod wrapped;

pub use dialog::dialog;
pub use scroll::Scroll;
pub use stars::stars;
pub use text_field::TextField;
pub use wrapped::{elide, wrap};
