//! Styles and the themes that fill them: dark, light, high contrast, with the person's own changes, in as
//! many colours as the terminal has. Owns every colour on screen; nothing is told by colour alone. Knows
//! nothing of what is drawn.

mod depth;
mod palettes;
mod patch;
#[cfg(test)]
mod tests;

use crate::config::{self, ThemeName};
pub use depth::Depth;
use ratatui::style::{Modifier, Style};

/// The styles that widgets and panes use; no other colours stand anywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub text: Style,
    /// Less important words.
    pub dim: Style,
    /// Titles, the chosen pane, keys in hints.
    pub accent: Style,
    pub good: Style,
    pub bad: Style,
    pub warning: Style,
    /// The row or item under the cursor.
    pub selected: Style,
    pub border: Style,
    pub focused_border: Style,
    pub stars: Style,
    /// What a person wrote.
    pub person: Style,
    /// Of the heat map, from no surprise to the greatest.
    pub heat: [Style; 6],
    /// Lines of a chart: the live one, its smoothed form, held-out, an earlier run.
    pub series: [Style; 4],
    /// Curves side by side: the arms of an experiment.
    pub arms: [Style; 6],
    /// Parts of an answer.
    pub heading: Style,
    pub quote: Style,
    pub link: Style,
    /// Code within a line.
    pub code: Style,
    /// Words of a program.
    pub keyword: Style,
    pub string: Style,
    pub number: Style,
    pub comment: Style,
    /// Functions and types.
    pub name: Style,
}

/// What lies behind the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    #[default]
    Dark,
    Light,
}

/// What is known of the terminal's colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TerminalColours {
    pub background: Background,
    pub depth: Depth,
}

impl Default for Theme {
    fn default() -> Self {
        Self::of(&config::Theme::default(), TerminalColours::default())
    }
}

impl Theme {
    /// The theme that was asked for, as this terminal can show it.
    pub fn of(asked: &config::Theme, terminal: TerminalColours) -> Self {
        let light = match asked.name {
            ThemeName::Dark => false,
            ThemeName::Light => true,
            ThemeName::Auto | ThemeName::HighContrast => terminal.background == Background::Light,
        };
        let palette = match (asked.name == ThemeName::HighContrast, light) {
            (false, false) => &palettes::DARK,
            (false, true) => &palettes::LIGHT,
            (true, false) => &palettes::HIGH_CONTRAST_DARK,
            (true, true) => &palettes::HIGH_CONTRAST_LIGHT,
        };
        let mut theme = palette.theme(terminal.depth);
        theme.change(&asked.styles, terminal.depth);
        if terminal.depth == Depth::None {
            theme.drop_colours();
        }
        theme
    }

    /// Every style with the name that `config.toml` gives it.
    fn named_styles(&mut self) -> Vec<(&'static str, &mut Style)> {
        let Self { heat, series, arms, .. } = self;
        let [_, heat_1, heat_2, heat_3, heat_4, heat_5] = heat;
        let [series_1, series_2, series_3, series_4] = series;
        let [arm_1, arm_2, arm_3, arm_4, arm_5, arm_6] = arms;
        vec![
            ("text", &mut self.text),
            ("dim", &mut self.dim),
            ("accent", &mut self.accent),
            ("good", &mut self.good),
            ("bad", &mut self.bad),
            ("warning", &mut self.warning),
            ("selected", &mut self.selected),
            ("border", &mut self.border),
            ("focused-border", &mut self.focused_border),
            ("stars", &mut self.stars),
            ("person", &mut self.person),
            ("heat-1", heat_1),
            ("heat-2", heat_2),
            ("heat-3", heat_3),
            ("heat-4", heat_4),
            ("heat-5", heat_5),
            ("series-1", series_1),
            ("series-2", series_2),
            ("series-3", series_3),
            ("series-4", series_4),
            ("arm-1", arm_1),
            ("arm-2", arm_2),
            ("arm-3", arm_3),
            ("arm-4", arm_4),
            ("arm-5", arm_5),
            ("arm-6", arm_6),
            ("heading", &mut self.heading),
            ("quote", &mut self.quote),
            ("link", &mut self.link),
            ("code", &mut self.code),
            ("keyword", &mut self.keyword),
            ("string", &mut self.string),
            ("number", &mut self.number),
            ("comment", &mut self.comment),
            ("name", &mut self.name),
        ]
    }

    /// Leaves modifiers alone: for `NO_COLOR` and terminals without colours.
    fn drop_colours(&mut self) {
        self.dim = self.dim.add_modifier(Modifier::DIM);
        for (style, marks) in self.heat.iter_mut().zip(HEAT_MARKS) {
            style.add_modifier = marks;
        }
        for (_, style) in self.named_styles() {
            (style.fg, style.bg, style.underline_color) = (None, None, None);
        }
    }
}

/// How the levels of the heat map differ where there are no colours; beside them stand numbers. The cursor
/// is reversed, so no level is.
const HEAT_MARKS: [Modifier; 6] = [
    Modifier::empty(),
    Modifier::empty(),
    Modifier::ITALIC,
    Modifier::UNDERLINED,
    Modifier::UNDERLINED.union(Modifier::BOLD),
    Modifier::UNDERLINED.union(Modifier::BOLD).union(Modifier::ITALIC),
];

/// The name after this one, in the order that the key goes round.
pub fn next_name(name: ThemeName) -> ThemeName {
    match name {
        ThemeName::Auto => ThemeName::Dark,
        ThemeName::Dark => ThemeName::Light,
        ThemeName::Light => ThemeName::HighContrast,
        ThemeName::HighContrast => ThemeName::Auto,
    }
}
