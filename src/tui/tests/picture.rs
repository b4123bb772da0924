//! What a snapshot of a screen keeps: its text, and at the smallest size how each cell looks in the dark and
//! the light theme and without colours.
//!
//! `INSTA_UPDATE=always cargo test --lib tui` writes all of them anew.

use super::{SIZES, Screen};
use crate::config::ThemeName;
use crate::tui::theme::{Background, Depth, TerminalColours};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};

/// How a cell looks in each of the three.
type Look = [Style; 3];

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

impl Screen {
    /// The text; at the smallest size with a map of the styles: a letter stands for all cells that look alike
    /// in all three, a dot for the terminal's own.
    pub fn picture(&mut self) -> String {
        let text = self.shown();
        let area = self.buffer().area;
        if (area.width, area.height) != SIZES[0] {
            return text;
        }
        let none = TerminalColours { depth: Depth::None, background: Background::Dark };
        let buffers = [
            (ThemeName::Dark, TerminalColours::default()),
            (ThemeName::Light, TerminalColours::default()),
            (ThemeName::Dark, none),
        ]
        .map(|(name, colours)| {
            self.app.show_as(name, colours);
            self.buffer()
        });
        self.app.show_as(ThemeName::Auto, TerminalColours::default());
        format!("{text}\n\n{}", styles(&buffers))
    }

    /// The pictures at all sizes, with the size; afterwards the screen is as large as before.
    pub fn pictures(&mut self) -> Vec<(u16, u16, String)> {
        let before = self.buffer().area;
        let pictures = SIZES
            .map(|(width, height)| {
                self.resize(width, height);
                (width, height, self.picture())
            })
            .into();
        self.resize(before.width, before.height);
        self.buffer();
        pictures
    }
}

fn styles(buffers: &[Buffer; 3]) -> String {
    let mut looks: Vec<Look> = Vec::new();
    let mut map = String::new();
    let area = buffers[0].area;
    for y in 0..area.height {
        let mut row = String::new();
        for x in 0..area.width {
            let look = [0, 1, 2].map(|nth| look(buffers[nth].cell((x, y)).unwrap()));
            row.push(match look.iter().all(|style| *style == Style::new()) {
                true => '.',
                false => {
                    let place = looks.iter().position(|known| *known == look);
                    let place = place.unwrap_or_else(|| {
                        looks.push(look);
                        looks.len() - 1
                    });
                    LETTERS.get(place).map_or('?', |letter| char::from(*letter))
                }
            });
        }
        map.push_str(row.trim_end_matches('.'));
        map.push('\n');
    }
    map.push_str("\n   dark | light | no colour\n");
    for (look, letter) in looks.iter().zip(LETTERS) {
        let words = look.map(words);
        map.push_str(&format!("{}  {}\n", char::from(*letter), words.join(" | ")));
    }
    map
}

/// What of a cell's style can be seen.
fn look(cell: &Cell) -> Style {
    let mut style = Style::new().add_modifier(cell.modifier);
    let seen = |colour| (colour != Color::Reset).then_some(colour);
    style.bg = seen(cell.bg);
    let drawn = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
    match cell.symbol().trim().is_empty() {
        // On nothing, only these are seen.
        true => style.add_modifier &= drawn,
        false => style.fg = seen(cell.fg),
    }
    if style.add_modifier.intersects(drawn) {
        style.fg = seen(cell.fg);
    }
    style
}

fn words(style: Style) -> String {
    let mut words = Vec::new();
    if let Some(colour) = style.fg {
        words.push(colour.to_string());
    }
    if let Some(colour) = style.bg {
        words.push(format!("on {colour}"));
    }
    for (name, _) in style.add_modifier.iter_names() {
        words.push(name.to_lowercase());
    }
    match words.is_empty() {
        true => "-".into(),
        false => words.join(" "),
    }
}
