//! Parts of screens that several panes and layers share. They draw what they are given.

mod age;
pub mod curve;
mod dialog;
mod duration;
mod heat_map;
mod histogram;
mod loss_chart;
mod paragraphs;
mod prompt;
mod run_chart;
mod scroll;
mod sparkline;
mod spinner;
mod stars;
mod table;
mod text_field;
mod wrapped;

pub use age::age;
pub use dialog::dialog;
pub use duration::duration;
pub use heat_map::{heat_legend, heat_map};
pub use histogram::histogram;
pub use loss_chart::{LossChart, Points, Series};
pub use paragraphs::paragraphs;
pub use prompt::prompt;
pub use run_chart::{Curves, OVERLAY};
pub use scroll::{Scroll, more_below};
pub use sparkline::sparkline;
pub use spinner::spinner;
pub use stars::stars;
pub use table::{Column, interval_bar, table};
pub use text_field::TextField;
pub use wrapped::{columns, elide, pad, wrap};
