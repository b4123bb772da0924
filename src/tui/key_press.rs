//! A key with its modifiers: as the terminal sends it, as the table of actions writes it, as hints show it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;

/// A key with its modifiers, as the table writes it: `ctrl-j`, `shift-g`, `pageup`, `[`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPress {
    pub code: KeyCode,
    pub modifiers: KeyModifiers,
}

impl KeyPress {
    /// What the terminal sent; the shift of a printed character is in the character.
    pub fn of(event: KeyEvent) -> Self {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::Char(character) => {
                modifiers -= KeyModifiers::SHIFT;
                // Ctrl-J is what a terminal sends for a bare line feed.
                KeyCode::Char(if modifiers.contains(KeyModifiers::CONTROL) {
                    character.to_ascii_lowercase()
                } else {
                    character
                })
            }
            KeyCode::BackTab => {
                modifiers -= KeyModifiers::SHIFT;
                KeyCode::BackTab
            }
            other => other,
        };
        Self { code, modifiers }
    }

    /// Reads the table's spelling (`ctrl-s`, `G`, `f5`) and others that people are used to (`C-s`, `^S`,
    /// `Ctrl+S`, `PgUp`); `None` where it names no key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        let mut shift = false;
        while let Some((modifier, after)) = modifier(rest) {
            shift |= modifier == KeyModifiers::SHIFT;
            modifiers |= modifier - KeyModifiers::SHIFT;
            rest = after;
        }
        let code = match named(&rest.to_lowercase()) {
            Some(KeyCode::Tab) if shift => {
                shift = false;
                KeyCode::BackTab
            }
            Some(code) => code,
            None => {
                let mut characters = rest.chars();
                let (first, more) = (characters.next()?, characters.next());
                if more.is_some() || first.is_control() {
                    return None;
                }
                KeyCode::Char(match (shift, modifiers.contains(KeyModifiers::CONTROL)) {
                    // As a terminal sends them.
                    (_, true) => first.to_ascii_lowercase(),
                    (true, false) => first.to_ascii_uppercase(),
                    (false, false) => first,
                })
            }
        };
        if shift && !matches!(code, KeyCode::Char(_)) {
            modifiers |= KeyModifiers::SHIFT;
        }
        Some(Self { code, modifiers })
    }

    /// The key that a terminal sends in this one's place: an application never sees this one.
    pub fn sent_as(self) -> Option<&'static str> {
        match (self.modifiers, self.code) {
            (KeyModifiers::CONTROL, KeyCode::Char('i')) => Some("tab"),
            (KeyModifiers::CONTROL, KeyCode::Char('m')) => Some("enter"),
            (KeyModifiers::CONTROL, KeyCode::Char('[')) => Some("esc"),
            _ => None,
        }
    }

    /// It is typed into a text, or takes away what was typed.
    pub fn is_text(self) -> bool {
        self.modifiers.is_empty() && matches!(self.code, KeyCode::Char(_) | KeyCode::Backspace)
    }

    /// The digit that it types, with Alt or without.
    pub fn digit(self) -> Option<usize> {
        match self.code {
            KeyCode::Char(character) if (self.modifiers - KeyModifiers::ALT).is_empty() => {
                character.to_digit(10).map(|digit| digit as usize)
            }
            _ => None,
        }
    }

    pub fn with_alt(self) -> Self {
        Self { modifiers: self.modifiers | KeyModifiers::ALT, ..self }
    }

    pub fn without_alt(self) -> Self {
        Self { modifiers: self.modifiers - KeyModifiers::ALT, ..self }
    }
}

/// The modifier that a spelling begins with, and the rest of it.
fn modifier(text: &str) -> Option<(KeyModifiers, &str)> {
    if let Some(rest) = text.strip_prefix('^').filter(|rest| !rest.is_empty()) {
        return Some((KeyModifiers::CONTROL, rest));
    }
    let end = text.find(['-', '+']).filter(|end| *end > 0 && end + 1 < text.len())?;
    let (name, rest) = (text.get(..end)?, text.get(end + 1..)?);
    let modifier = match name.to_lowercase().as_str() {
        "ctrl" | "control" | "c" => KeyModifiers::CONTROL,
        "alt" | "meta" | "option" | "m" | "a" => KeyModifiers::ALT,
        "shift" | "s" => KeyModifiers::SHIFT,
        _ => return None,
    };
    Some((modifier, rest))
}

/// A key with a name of its own.
fn named(name: &str) -> Option<KeyCode> {
    Some(match name {
        "enter" | "return" | "cr" => KeyCode::Enter,
        "esc" | "escape" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "space" => KeyCode::Char(' '),
        "minus" => KeyCode::Char('-'),
        "plus" => KeyCode::Char('+'),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pageup" | "page-up" | "pgup" => KeyCode::PageUp,
        "pagedown" | "page-down" | "pgdn" | "pgdown" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "insert" | "ins" => KeyCode::Insert,
        "delete" | "del" => KeyCode::Delete,
        "backspace" | "bs" => KeyCode::Backspace,
        name => {
            let number: u8 = name.strip_prefix('f')?.parse().ok()?;
            return (1..=24).contains(&number).then_some(KeyCode::F(number));
        }
    })
}

/// As hints show it: `^J`, `Enter`, `[`.
impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("^")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            f.write_str("Shift-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                write!(f, "{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            other => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, a key that somebody has written as they are used to is another one, or none.
    #[test]
    fn keys_are_read_as_people_write_them() {
        for (written, shown) in [
            ("ctrl-s", "^S"),
            ("Ctrl+S", "^S"),
            ("C-s", "^S"),
            ("^s", "^S"),
            ("control-S", "^S"),
            ("alt-x", "Alt-x"),
            ("M-x", "Alt-x"),
            ("ctrl-alt-del", "^Alt-Del"),
            ("G", "G"),
            ("shift-g", "G"),
            ("g", "g"),
            ("F5", "F5"),
            ("f", "f"),
            ("shift-f24", "Shift-F24"),
            ("Return", "Enter"),
            ("escape", "Esc"),
            ("shift-tab", "Shift-Tab"),
            ("PgDn", "PgDn"),
            ("page-up", "PgUp"),
            ("insert", "Insert"),
            ("space", "Space"),
            ("ctrl-space", "^Space"),
            ("-", "-"),
            ("ctrl--", "^-"),
            ("minus", "-"),
            ("+", "+"),
            ("^", "^"),
            ("ö", "ö"),
        ] {
            let press = KeyPress::parse(written);
            assert_eq!(press.map(|press| press.to_string()).as_deref(), Some(shown), "{written}");
        }
        for written in ["", "ctrl-", "f25", "f0", "hyper-x", "xy", "ctrl-xy", "\u{1b}", "enter-"] {
            assert_eq!(KeyPress::parse(written), None, "{written}");
        }
    }
}
