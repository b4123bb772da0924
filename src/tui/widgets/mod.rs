//! Parts of screens that several panes and layers share. They draw what they are given.

mod age;
mod dialog;
mod heat_map;
mod histogram;
mod scroll;
mod sparkline;
mod stars;
mod text_field;
mod wrapped;

pub use age::age;
pub use dialog::dialog;
pub use heat_map::{heat_legend, heat_map};
pub use histogram::histogram;
pub use scroll::Scroll;
pub use sparkline::sparkline;
pub use stars::stars;
pub use text_field::TextField;
pub use wrapped::{elide, wrap};
