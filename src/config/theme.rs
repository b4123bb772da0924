//! `[theme]`: which styles the dashboard uses, and what of them the person changes. Owns how styles and
//! colours are written; what they look like is the dashboard's business.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// `[theme]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Theme {
    pub name: ThemeName,
    /// Laid over the named theme.
    pub styles: StyleChanges,
}

/// A theme that Kaizen brings along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeName {
    /// Dark or light, as the terminal is.
    #[default]
    Auto,
    Dark,
    Light,
    HighContrast,
}

impl ThemeName {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
        }
    }
}

/// The styles that can be changed.
pub const STYLES: &[&str] = &[
    "text",
    "dim",
    "accent",
    "good",
    "bad",
    "warning",
    "selected",
    "border",
    "focused-border",
    "stars",
    "person",
    "heat-1",
    "heat-2",
    "heat-3",
    "heat-4",
    "heat-5",
    "series-1",
    "series-2",
    "series-3",
    "series-4",
    "arm-1",
    "arm-2",
    "arm-3",
    "arm-4",
    "arm-5",
    "arm-6",
    "heading",
    "quote",
    "link",
    "code",
    "keyword",
    "string",
    "number",
    "comment",
    "name",
];

/// Changes by the name of the style; no other names than those of [`STYLES`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct StyleChanges(BTreeMap<StyleName, StyleChange>);

impl StyleChanges {
    /// What is to be changed in a style.
    pub fn get(&self, name: &str) -> Option<&StyleChange> {
        self.0.iter().find(|(changed, _)| changed.0 == name).map(|(_, change)| change)
    }
}

impl<'de> Deserialize<'de> for StyleChanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
struct StyleName(String);

impl<'de> Deserialize<'de> for StyleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match STYLES.contains(&name.as_str()) {
            true => Ok(Self(name)),
            false => Err(D::Error::unknown_field(&name, STYLES)),
        }
    }
}

/// What is changed of one style; the rest of it stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StyleChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fg: Option<Colour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bg: Option<Colour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bold: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dim: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub italic: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlined: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversed: Option<bool>,
}

/// A colour as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own, `"default"`.
    Default,
    /// `"#rrggbb"`.
    Exact([u8; 3]),
    /// One of the 256, 0 to 255; the first sixteen have names, too.
    Number(u8),
}

/// The names of the first sixteen, in their order.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// What a colour may be, in words.
const COLOURS: &str = "\"#rrggbb\", a number from 0 to 255, \"default\", \"black\", \"red\", \"green\", \
                       \"yellow\", \"blue\", \"magenta\", \"cyan\", \"white\", or one of these with \
                       \"bright-\" before it";

impl Colour {
    fn named(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        if let Some(place) = NAMES.iter().position(|name| *name == text) {
            return u8::try_from(place).ok().map(Self::Number);
        }
        let digits = text.strip_prefix('#')?;
        let exact = u32::from_str_radix(digits, 16).ok()?;
        let plain = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let [_, red, green, blue] = exact.to_be_bytes();
        plain.then_some(Self::Exact([red, green, blue]))
    }
}

impl Serialize for Colour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Default => serializer.serialize_str("default"),
            Self::Exact([red, green, blue]) => {
                serializer.serialize_str(&format!("#{red:02x}{green:02x}{blue:02x}"))
            }
            Self::Number(number) => serializer.serialize_u8(number),
        }
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Colour;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(COLOURS)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Colour, E> {
                Colour::named(text)
                    .ok_or_else(|| E::custom(format!("is {text:?}; allowed: {COLOURS}")))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Colour, E> {
                u8::try_from(number)
                    .map(Colour::Number)
                    .map_err(|_| E::custom(format!("is {number}; allowed: {COLOURS}")))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
