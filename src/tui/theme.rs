//! Colours and marks. The sixteen colours are the terminal's own, so that its theme is kept; nothing is
//! told by colour alone.

use ratatui::style::{Color, Modifier, Style};

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
    /// Backgrounds of the heat map, from no surprise to the greatest.
    pub heat: [Style; 6],
    /// Lines of a chart: the live one, its smoothed form, held-out, an earlier run.
    pub series: [Style; 4],
    /// Curves side by side: the arms of an experiment.
    pub arms: [Style; 6],
}

impl Default for Theme {
    fn default() -> Self {
        let colour = |colour| Style::new().fg(colour);
        let heat = |background, underlined: bool| {
            let style = Style::new().fg(Color::Indexed(231)).bg(Color::Indexed(background));
            if underlined { style.add_modifier(Modifier::UNDERLINED) } else { style }
        };
        Self {
            text: Style::new(),
            dim: Style::new().fg(Color::DarkGray),
            accent: colour(Color::Cyan).add_modifier(Modifier::BOLD),
            good: colour(Color::Green),
            bad: colour(Color::Red),
            warning: colour(Color::Yellow),
            selected: Style::new().add_modifier(Modifier::REVERSED),
            border: Style::new().fg(Color::DarkGray),
            focused_border: colour(Color::Cyan),
            stars: colour(Color::Yellow),
            person: colour(Color::Cyan),
            heat: [
                Style::new(),
                heat(58, false),
                heat(94, false),
                heat(130, true),
                heat(160, true),
                heat(88, true).add_modifier(Modifier::BOLD),
            ],
            series: [
                colour(Color::DarkGray),
                colour(Color::Cyan),
                colour(Color::Yellow),
                colour(Color::Magenta),
            ],
            arms: [
                colour(Color::Cyan),
                colour(Color::Yellow),
                colour(Color::Magenta),
                colour(Color::Green),
                colour(Color::Blue),
                colour(Color::Red),
            ],
        }
    }
}
