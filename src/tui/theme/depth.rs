//! How many colours a terminal has, and which of them is nearest to one that was asked for.

use ratatui::style::Color;

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// None are to be used.
    None,
    /// The terminal's own.
    Sixteen,
    /// Those, a cube of 6 × 6 × 6, and 24 greys.
    Indexed,
    #[default]
    True,
}

/// The sixteen colours as xterm has them where nobody changed them.
const SIXTEEN: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

/// The steps of the cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Depth {
    /// `colour`, or the nearest that a terminal of this depth has.
    pub fn shown(self, colour: Color) -> Color {
        let exact = match colour {
            Color::Rgb(red, green, blue) => [red, green, blue],
            // The first sixteen of the 256 are the terminal's own.
            Color::Indexed(index) => match indexed(index) {
                Ok(exact) => exact,
                Err(named) => return if self == Self::Sixteen { named } else { colour },
            },
            named => return named,
        };
        match self {
            Self::True | Self::None => colour,
            Self::Indexed if matches!(colour, Color::Indexed(_)) => colour,
            Self::Indexed => nearest(
                exact,
                (16..=255).filter_map(|index| Some((Color::Indexed(index), indexed(index).ok()?))),
            )
            .unwrap_or(colour),
            Self::Sixteen => nearest(exact, SIXTEEN.into_iter()).unwrap_or(colour),
        }
    }
}

/// What an index of the 256 looks like, or which of the sixteen it is.
pub(super) fn indexed(index: u8) -> Result<[u8; 3], Color> {
    match index {
        0..=15 => Err(SIXTEEN.get(usize::from(index)).map_or(Color::Reset, |(named, _)| *named)),
        16..=231 => {
            let place = usize::from(index - 16);
            Ok([place / 36, place / 6 % 6, place % 6].map(|step| STEPS[step]))
        }
        232..=255 => Ok([8 + 10 * (index - 232); 3]),
    }
}

/// What one of the sixteen looks like where nobody changed it.
#[cfg(test)]
pub(super) fn usual(named: Color) -> Option<[u8; 3]> {
    SIXTEEN.iter().find(|(other, _)| *other == named).map(|(_, exact)| *exact)
}

fn nearest(wanted: [u8; 3], candidates: impl Iterator<Item = (Color, [u8; 3])>) -> Option<Color> {
    let wanted = oklab(wanted);
    let distance = |exact: [u8; 3]| -> f64 {
        oklab(exact).iter().zip(wanted).map(|(one, other)| (one - other).powi(2)).sum()
    };
    candidates
        .map(|(colour, exact)| (colour, distance(exact)))
        .min_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(colour, _)| colour)
}

/// A channel of sRGB as light (IEC 61966-2-1).
pub(super) fn linear(channel: u8) -> f64 {
    let share = f64::from(channel) / 255.0;
    if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
}

/// Where equal distances look equally far (Ottosson 2020, "A perceptual color space for image processing").
fn oklab(colour: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = colour.map(linear);
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}
