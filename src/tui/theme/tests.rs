//! What themes keep: everything is legible on the backgrounds that people use, the heat map is read by
//! colour-blind eyes and without colours, and what a person writes is what they get.
#![allow(clippy::unwrap_used)]

use super::depth::{indexed, linear, usual};
use super::*;
use ratatui::style::Color;

const DEPTHS: [Depth; 3] = [Depth::True, Depth::Indexed, Depth::Sixteen];
/// Black, and the backgrounds of Catppuccin, Dracula and Nord.
const DARK: [u32; 4] = [0x00_00_00, 0x1e_1e_2e, 0x28_2a_36, 0x2e_34_40];
/// White, and the backgrounds of Catppuccin, Solarized and its tabs.
const LIGHT: [u32; 4] = [0xff_ff_ff, 0xef_f1_f5, 0xfd_f6_e3, 0xee_e8_d5];

fn asked(name: ThemeName) -> config::Theme {
    config::Theme { name, ..config::Theme::default() }
}

fn all(depth: Depth) -> [(&'static str, Background, Theme); 4] {
    use Background::{Dark, Light};
    [
        ("dark", Dark, ThemeName::Dark),
        ("light", Light, ThemeName::Light),
        ("high contrast, dark", Dark, ThemeName::HighContrast),
        ("high contrast, light", Light, ThemeName::HighContrast),
    ]
    .map(|(name, background, theme)| {
        (name, background, Theme::of(&asked(theme), TerminalColours { background, depth }))
    })
}

fn exact(colour: Color) -> [u8; 3] {
    match colour {
        Color::Rgb(red, green, blue) => [red, green, blue],
        Color::Indexed(index) => indexed(index).unwrap_or_else(|named| usual(named).unwrap()),
        named => usual(named).unwrap(),
    }
}

fn luminance([red, green, blue]: [u8; 3]) -> f64 {
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// The contrast ratio of WCAG 2.
fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn of_hex(colour: u32) -> f64 {
    let [_, red, green, blue] = colour.to_be_bytes();
    luminance([red, green, blue])
}

// If this fails, words cannot be read on somebody's terminal.
#[test]
fn text_is_legible_on_the_usual_backgrounds() {
    for depth in [Depth::True, Depth::Indexed] {
        for (name, background, mut theme) in all(depth) {
            let backgrounds = match background {
                Background::Dark => DARK,
                Background::Light => LIGHT,
            };
            let strict = name.starts_with("high");
            for (style_name, style) in theme.named_styles() {
                let Some(colour) = style.fg.filter(|_| style.bg.is_none()) else { continue };
                // Lines, bars and curves are no text.
                let line = style_name.contains("border") || style_name == "series-1";
                let least = match (line, strict) {
                    (true, false) => 3.0,
                    (_, false) => 4.5,
                    (_, true) => 6.0,
                };
                for behind in backgrounds {
                    let ratio = contrast(luminance(exact(colour)), of_hex(behind));
                    assert!(
                        ratio >= least,
                        "{name}, {depth:?}: {style_name} has {ratio:.2} on {behind:06x}"
                    );
                }
            }
        }
    }
}

/// What eyes without the cones for red or for green see, in linear light (Machado, Oliveira and Fernandes
/// 2009, severity 1).
const PROTANOPIA: [[f64; 3]; 3] = [
    [0.152_286, 1.052_583, -0.204_868],
    [0.114_503, 0.786_281, 0.099_216],
    [-0.003_882, -0.048_116, 1.051_998],
];
const DEUTERANOPIA: [[f64; 3]; 3] = [
    [0.367_322, 0.860_646, -0.227_968],
    [0.280_085, 0.672_501, 0.047_413],
    [-0.011_820, 0.042_940, 0.968_881],
];
const ALL_CONES: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

fn seen(colour: [u8; 3], eyes: [[f64; 3]; 3]) -> f64 {
    let light = colour.map(linear);
    let [red, green, blue] = eyes.map(|row| {
        row.iter().zip(light).map(|(share, light)| share * light).sum::<f64>().clamp(0.0, 1.0)
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

// If this fails, somebody with other eyes, or with sixteen colours, cannot see what surprised the model.
#[test]
fn the_heat_map_rises_in_lightness_alone_and_its_text_can_be_read() {
    for depth in DEPTHS {
        for (name, background, theme) in all(depth) {
            assert_eq!(theme.heat[0], Style::new(), "no surprise looks like text");
            for (eyes_name, eyes) in
                [("all", ALL_CONES), ("no red", PROTANOPIA), ("no green", DEUTERANOPIA)]
            {
                let mut levels = Vec::new();
                for style in &theme.heat[1..] {
                    let [text, behind] =
                        [style.fg, style.bg].map(|colour| seen(exact(colour.unwrap()), eyes));
                    let ratio = contrast(text, behind);
                    assert!(ratio >= 4.5, "{name}, {depth:?}, {eyes_name}: {ratio:.2}");
                    levels.push(behind);
                }
                if background == Background::Light {
                    levels.reverse();
                }
                for (one, next) in levels.iter().zip(&levels[1..]) {
                    let step = contrast(*one, *next);
                    let told = format!("{name}, {depth:?}, {eyes_name}: {levels:.3?}");
                    assert!(next > one && step >= 1.08, "{told}");
                }
            }
        }
    }
}

// If this fails, a person without colours sees every token alike, or loses the cursor among them.
#[test]
fn without_colours_marks_are_left_and_nothing_else() {
    for name in [ThemeName::Auto, ThemeName::Light, ThemeName::HighContrast] {
        let colours = TerminalColours { depth: Depth::None, ..TerminalColours::default() };
        let mut theme = Theme::of(&asked(name), colours);
        let marks: Vec<Modifier> = theme.heat.iter().map(|style| style.add_modifier).collect();
        assert!(marks[2..].windows(2).all(|pair| pair[0] != pair[1]), "{marks:?}");
        assert!(marks.iter().all(|marks| !marks.contains(Modifier::REVERSED)));
        assert!(theme.selected.add_modifier.contains(Modifier::REVERSED));
        assert!(theme.keyword.add_modifier.contains(Modifier::BOLD));
        for (name, style) in theme.named_styles() {
            assert_eq!((style.fg, style.bg, style.underline_color), (None, None, None), "{name}");
        }
    }
}

// If this fails, a terminal is sent colours that it does not have.
#[test]
fn a_terminal_gets_only_colours_that_it_has() {
    for (name, _, mut theme) in all(Depth::Indexed) {
        for (style_name, style) in theme.named_styles() {
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(matches!(colour, Color::Indexed(16..)), "{name}: {style_name} {colour:?}");
            }
        }
    }
    for (name, _, mut theme) in all(Depth::Sixteen) {
        for (style_name, style) in theme.named_styles() {
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(usual(colour).is_some(), "{name}: {style_name} {colour:?}");
            }
        }
    }
}

#[test]
fn the_nearest_colour_is_the_one_that_looks_like_it() {
    for (wanted, indexed, sixteen) in [
        (Color::Rgb(255, 0, 0), Color::Indexed(196), Color::LightRed),
        (Color::Rgb(9, 8, 10), Color::Indexed(232), Color::Black),
        (Color::Rgb(130, 130, 130), Color::Indexed(244), Color::DarkGray),
        (Color::Rgb(250, 189, 47), Color::Indexed(214), Color::Yellow),
        (Color::Rgb(10, 10, 120), Color::Indexed(18), Color::Blue),
        (Color::Rgb(254, 254, 254), Color::Indexed(231), Color::White),
    ] {
        assert_eq!(Depth::Indexed.shown(wanted), indexed, "{wanted:?}");
        assert_eq!(Depth::Sixteen.shown(wanted), sixteen, "{wanted:?}");
        assert_eq!(Depth::True.shown(wanted), wanted);
    }
    assert_eq!(Depth::Indexed.shown(Color::Indexed(99)), Color::Indexed(99));
    assert_eq!(Depth::Sixteen.shown(Color::Indexed(9)), Color::LightRed);
    assert_eq!(Depth::Sixteen.shown(Color::Indexed(196)), Color::LightRed);
    assert_eq!(Depth::Sixteen.shown(Color::Reset), Color::Reset);
}

// If this fails, a style that the configuration names is never used, or one in use cannot be changed.
#[test]
fn the_names_of_the_configuration_are_those_of_the_styles() {
    let mut theme = Theme::default();
    let names: Vec<&str> = theme.named_styles().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, config::STYLES);
}

// If this fails, a person's own colours do not come out, or others change with them.
#[test]
fn ones_own_styles_are_laid_over_the_theme() {
    let text = "[theme]\nname = \"light\"\n[theme.styles]\naccent = { fg = \"#ff8700\", bold = false, italic = true }\n\
                heat-5 = { bg = \"bright-red\" }\nbad = { fg = 9 }\ntext = { fg = \"default\" }";
    let config = crate::config::Config::parse(text, "config.toml".as_ref()).unwrap();
    let light = Theme::of(&asked(ThemeName::Light), TerminalColours::default());
    let own = Theme::of(&config.theme, TerminalColours::default());
    assert_eq!(own.accent, Style::new().fg(Color::Rgb(255, 135, 0)).add_modifier(Modifier::ITALIC));
    assert_eq!(own.heat[5], light.heat[5].bg(Color::LightRed));
    assert_eq!(own.bad.fg, Some(Color::LightRed));
    assert_eq!(own.text.fg, Some(Color::Reset));
    assert_eq!((own.good, own.heat[4]), (light.good, light.heat[4]));
    let few = TerminalColours { depth: Depth::Indexed, ..TerminalColours::default() };
    assert_eq!(Theme::of(&config.theme, few).accent.fg, Some(Color::Indexed(208)));
    let none = TerminalColours { depth: Depth::None, ..TerminalColours::default() };
    assert_eq!(Theme::of(&config.theme, none).accent.fg, None);
}

// If this fails, "auto" is dark on a light terminal, or an explicit theme is not kept to.
#[test]
fn auto_follows_the_terminal_and_a_name_does_not() {
    let on = |background| TerminalColours { background, ..TerminalColours::default() };
    let of = |name, background| Theme::of(&asked(name), on(background));
    let [dark, light] = [ThemeName::Dark, ThemeName::Light].map(|name| of(name, Background::Dark));
    assert_eq!(of(ThemeName::Auto, Background::Dark), dark);
    assert_eq!(of(ThemeName::Auto, Background::Light), light);
    assert_eq!(of(ThemeName::Dark, Background::Light), dark);
    assert_ne!(
        of(ThemeName::HighContrast, Background::Dark),
        of(ThemeName::HighContrast, Background::Light)
    );
    let mut name = ThemeName::Auto;
    let round: Vec<ThemeName> = (0..4)
        .map(|_| {
            name = next_name(name);
            name
        })
        .collect();
    assert_eq!(
        round,
        [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast, ThemeName::Auto]
    );
}
