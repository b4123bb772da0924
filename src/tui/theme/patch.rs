//! The person's own changes to a theme, from `config.toml`.

use super::{Depth, Theme};
use crate::config::{Colour, StyleChange, StyleChanges};
use ratatui::style::{Color, Modifier, Style};

impl Theme {
    /// Lays the changes over the styles, in the nearest colours that there are.
    pub(super) fn change(&mut self, changes: &StyleChanges, depth: Depth) {
        for (name, style) in self.named_styles() {
            if let Some(change) = changes.get(name) {
                *style = changed(*style, change, depth);
            }
        }
    }
}

fn changed(mut style: Style, change: &StyleChange, depth: Depth) -> Style {
    if let Some(colour) = change.fg {
        style = style.fg(depth.shown(colour_of(colour)));
    }
    if let Some(colour) = change.bg {
        style = style.bg(depth.shown(colour_of(colour)));
    }
    for (wanted, modifier) in [
        (change.bold, Modifier::BOLD),
        (change.dim, Modifier::DIM),
        (change.italic, Modifier::ITALIC),
        (change.underlined, Modifier::UNDERLINED),
        (change.reversed, Modifier::REVERSED),
    ] {
        match wanted {
            Some(true) => style = style.add_modifier(modifier),
            Some(false) => style.add_modifier.remove(modifier),
            None => {}
        }
    }
    style
}

fn colour_of(colour: Colour) -> Color {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    match colour {
        Colour::Default => Color::Reset,
        Colour::Exact([red, green, blue]) => Color::Rgb(red, green, blue),
        Colour::Number(number) => {
            NAMED.get(usize::from(number)).copied().unwrap_or(Color::Indexed(number))
        }
    }
}
