//! The colours of the themes. Each is written twice: exactly, as one of the 256 that most terminals have,
//! and as one of the terminal's own sixteen. `tests.rs` says what they must keep: text is legible on the
//! backgrounds that people use, and the heat map's levels differ in lightness alone too, so that they are
//! seen by colour-blind eyes (the order of cividis: Nuñez, Anderton and Renslow 2018).

use super::Theme;
use super::depth::Depth;
use ratatui::style::{Color, Modifier, Style};

/// A colour for terminals with many and with sixteen.
#[derive(Debug, Clone, Copy)]
pub struct Tone(pub u32, pub Color);

/// The text and background of one level of the heat map.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    pub text: Tone,
    pub background: Tone,
}

/// What a theme is made of; text is the terminal's own.
#[derive(Debug)]
pub struct Palette {
    dim: Tone,
    border: Tone,
    accent: Tone,
    person: Tone,
    good: Tone,
    bad: Tone,
    warning: Tone,
    quiet_line: Tone,
    /// Beside accent, warning, good and bad: for curves and for words of a program.
    purple: Tone,
    blue: Tone,
    orange: Tone,
    heat: [Level; 5],
    /// Chosen rows are bold, too.
    strong: bool,
}

// Of the sixteen, magenta and blue, or cyan and yellow, are as light as one another to eyes without red cones:
// neither pair stands side by side in a heat map.
const BLACK: Tone = Tone(0x00_00_00, Color::Black);
const WHITE: Tone = Tone(0xff_ff_ff, Color::White);

const fn level(text: Tone, background: u32, ansi: Color) -> Level {
    Level { text, background: Tone(background, ansi) }
}

/// From dark to light: surprise glows.
const RISING: [Level; 5] = [
    level(WHITE, 0x00_00_87, Color::Blue),
    Level {
        text: Tone(0xff_ff_ff, Color::Black),
        background: Tone(0x5f_5f_87, Color::LightMagenta),
    },
    level(BLACK, 0x87_87_5f, Color::Cyan),
    level(BLACK, 0xaf_af_5f, Color::Gray),
    level(BLACK, 0xff_ff_5f, Color::LightYellow),
];

/// From light to dark.
const FALLING: [Level; 5] = [
    level(BLACK, 0xff_ff_87, Color::LightYellow),
    level(BLACK, 0xd7_d7_5f, Color::Cyan),
    level(BLACK, 0xaf_af_5f, Color::LightMagenta),
    level(WHITE, 0x5f_5f_87, Color::Blue),
    level(WHITE, 0x00_00_5f, Color::Black),
];

pub const DARK: Palette = Palette {
    dim: Tone(0xa8_a8_a8, Color::DarkGray),
    border: Tone(0x80_80_80, Color::DarkGray),
    accent: Tone(0x5f_d7_d7, Color::Cyan),
    person: Tone(0x87_d7_ff, Color::Cyan),
    good: Tone(0x87_d7_87, Color::Green),
    bad: Tone(0xff_87_87, Color::LightRed),
    warning: Tone(0xff_d7_5f, Color::Yellow),
    quiet_line: Tone(0x8a_8a_8a, Color::DarkGray),
    purple: Tone(0xd7_87_d7, Color::Magenta),
    blue: Tone(0x87_af_ff, Color::LightBlue),
    orange: Tone(0xff_af_5f, Color::Yellow),
    heat: RISING,
    strong: false,
};

pub const LIGHT: Palette = Palette {
    dim: Tone(0x5f_5f_5f, Color::DarkGray),
    border: Tone(0x76_76_76, Color::DarkGray),
    accent: Tone(0x00_5f_87, Color::Blue),
    person: Tone(0x00_5f_af, Color::Blue),
    good: Tone(0x00_5f_00, Color::Green),
    bad: Tone(0xaf_00_00, Color::Red),
    warning: Tone(0x87_5f_00, Color::Magenta),
    quiet_line: Tone(0x76_76_76, Color::DarkGray),
    purple: Tone(0x87_00_87, Color::Magenta),
    blue: Tone(0x00_00_d7, Color::Blue),
    orange: Tone(0x87_5f_00, Color::Red),
    heat: FALLING,
    strong: false,
};

pub const HIGH_CONTRAST_DARK: Palette = Palette {
    dim: Tone(0xd7_d7_d7, Color::Gray),
    border: Tone(0xff_ff_ff, Color::White),
    accent: Tone(0x5f_ff_ff, Color::LightCyan),
    person: Tone(0xaf_ff_ff, Color::LightCyan),
    good: Tone(0x87_ff_87, Color::LightGreen),
    bad: Tone(0xff_af_af, Color::LightRed),
    warning: Tone(0xff_ff_5f, Color::LightYellow),
    quiet_line: Tone(0xd7_d7_d7, Color::Gray),
    purple: Tone(0xff_af_ff, Color::LightMagenta),
    blue: Tone(0xaf_d7_ff, Color::LightCyan),
    orange: Tone(0xff_d7_87, Color::LightYellow),
    heat: RISING,
    strong: true,
};

pub const HIGH_CONTRAST_LIGHT: Palette = Palette {
    dim: Tone(0x30_30_30, Color::Black),
    border: Tone(0x00_00_00, Color::Black),
    accent: Tone(0x00_00_af, Color::Blue),
    person: Tone(0x00_00_87, Color::Blue),
    good: Tone(0x00_50_00, Color::Black),
    bad: Tone(0x87_00_00, Color::Red),
    warning: Tone(0x5f_30_00, Color::Magenta),
    quiet_line: Tone(0x30_30_30, Color::Black),
    purple: Tone(0x5f_00_5f, Color::Magenta),
    blue: Tone(0x00_00_87, Color::Blue),
    orange: Tone(0x5f_30_00, Color::Red),
    heat: FALLING,
    strong: true,
};

impl Palette {
    pub fn theme(&self, depth: Depth) -> Theme {
        let colour = |tone: Tone| match depth {
            Depth::Sixteen => tone.1,
            _ => depth.shown(rgb(tone.0)),
        };
        let style = |tone: Tone| Style::new().fg(colour(tone));
        let [first, second, third, fourth, fifth] =
            self.heat.map(|level| style(level.text).bg(colour(level.background)));
        let [underlined, bold] = [Modifier::UNDERLINED, Modifier::BOLD];
        let accent = style(self.accent).add_modifier(bold);
        let selected = Style::new().add_modifier(Modifier::REVERSED);
        Theme {
            text: Style::new(),
            dim: style(self.dim),
            accent,
            good: style(self.good),
            bad: style(self.bad),
            warning: style(self.warning),
            selected: if self.strong { selected.add_modifier(bold) } else { selected },
            border: style(self.border),
            focused_border: style(self.accent),
            stars: style(self.warning),
            person: style(self.person),
            heat: [
                Style::new(),
                first,
                second,
                third.add_modifier(underlined),
                fourth.add_modifier(underlined),
                fifth.add_modifier(underlined | bold),
            ],
            series: [self.quiet_line, self.accent, self.warning, self.purple].map(style),
            arms: [self.accent, self.warning, self.purple, self.good, self.blue, self.bad]
                .map(style),
            heading: accent,
            quote: style(self.dim).add_modifier(Modifier::ITALIC),
            link: style(self.person).add_modifier(underlined),
            code: style(self.orange),
            keyword: style(self.purple).add_modifier(bold),
            string: style(self.good),
            number: style(self.orange),
            comment: style(self.dim).add_modifier(Modifier::ITALIC),
            name: style(self.blue),
        }
    }
}

fn rgb(colour: u32) -> Color {
    let [_, red, green, blue] = colour.to_be_bytes();
    Color::Rgb(red, green, blue)
}
