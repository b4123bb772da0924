//! What the terminal's colours are: how many the environment promises, and whether the background is dark
//! or light. The terminal is asked (OSC 11) after the first frame, and its answer comes among the keys:
//! nobody waits for it, and what somebody types meanwhile stays theirs.

use super::theme::{Background, Depth, TerminalColours};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// Asks for the background colour.
pub const QUESTION: &str = "\u{1b}]11;?\u{1b}\\";

/// Longer ones are no answer.
const LONGEST: usize = 40;

impl TerminalColours {
    /// As the environment of this process has it.
    pub fn of_process() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        Self::of(&variable, crossterm::style::available_color_count())
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>, count: u16) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let depth = match count {
            // <https://no-color.org>
            _ if is_set("NO_COLOR") || variable("TERM").as_deref() == Some("dumb") => Depth::None,
            u16::MAX => Depth::True,
            256.. => Depth::Indexed,
            _ => Depth::Sixteen,
        };
        let background = variable("COLORFGBG").and_then(|value| of_fgbg(&value));
        Self { background: background.unwrap_or_default(), depth }
    }
}

/// Whether a terminal of this kind understands [`QUESTION`], or at least passes it over.
pub fn can_be_asked() -> bool {
    !matches!(std::env::var("TERM").as_deref(), Ok("linux" | "dumb") | Err(_))
}

/// The last number of `15;0` or `0;default;15` is the background, one of the sixteen colours.
fn of_fgbg(value: &str) -> Option<Background> {
    match value.rsplit(';').next()?.parse().ok()? {
        7 | 9..=15 => Some(Background::Light),
        0..=6 | 8 => Some(Background::Dark),
        _ => None,
    }
}

/// Finds the terminal's answer among the keys: what crossterm makes of `ESC ] 11 ; rgb : … ST` is Alt-],
/// the characters, and Alt-\ or Ctrl-G.
#[derive(Debug, Default)]
pub struct Answers {
    /// What may become an answer.
    held: Vec<KeyEvent>,
    text: String,
}

/// What came of one event.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// Perhaps the beginning of an answer.
    Nothing,
    /// The background; no key is lost.
    Background(Background),
    /// No answer: these events, in their order.
    Events(Vec<Event>),
}

impl Answers {
    /// The beginning of an answer was heard.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes the next event.
    pub fn hear(&mut self, event: Event) -> Heard {
        let Event::Key(key) = event else { return self.release(event) };
        if self.held.is_empty() {
            if key.code != KeyCode::Char(']') || key.modifiers != KeyModifiers::ALT {
                return Heard::Events(vec![event]);
            }
            self.held.push(key);
            return Heard::Nothing;
        }
        let ends = matches!(
            (key.code, key.modifiers),
            (KeyCode::Char('\\'), KeyModifiers::ALT) | (KeyCode::Char('g'), KeyModifiers::CONTROL)
        );
        match key.code {
            _ if ends => match background(&self.text) {
                Some(background) => {
                    *self = Self::default();
                    Heard::Background(background)
                }
                None => self.release(event),
            },
            KeyCode::Char(next) if self.goes_on(next, key.modifiers) => {
                self.held.push(key);
                self.text.push(next);
                Heard::Nothing
            }
            _ => self.release(event),
        }
    }

    fn goes_on(&self, next: char, modifiers: KeyModifiers) -> bool {
        const BEGINNING: &str = "11;rgb";
        let plain = (modifiers - KeyModifiers::SHIFT).is_empty();
        let fits = match BEGINNING.chars().nth(self.text.len()) {
            Some(expected) => next == expected,
            None => next.is_ascii_hexdigit() || matches!(next, ':' | '/' | 'a'),
        };
        plain && fits && self.text.len() < LONGEST
    }

    fn release(&mut self, event: Event) -> Heard {
        let held = std::mem::take(self).held.into_iter().map(Event::Key);
        Heard::Events(held.chain([event]).collect())
    }
}

/// Of `11;rgb:ffff/ffff/dddd`, with one to four digits a channel.
fn background(answer: &str) -> Option<Background> {
    let channels = answer.strip_prefix("11;rgb")?;
    let channels = channels.strip_prefix('a').unwrap_or(channels).strip_prefix(':')?;
    let mut shares = channels.split('/').map(|digits| {
        let most = match digits.len() {
            length @ 1..=4 => 16f64.powi(length as i32) - 1.0,
            _ => return None,
        };
        Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / most)
    });
    let mut next = || shares.next().flatten();
    let (red, green, blue) = (next()?, next()?, next()?);
    // Rec. 601 luma: near enough to what looks light.
    let light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5;
    Some(if light { Background::Light } else { Background::Dark })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(code: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(code), modifiers))
    }

    /// As crossterm reads these bytes.
    fn keys(answer: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let mut alt = KeyModifiers::NONE;
        for character in answer.chars() {
            match character {
                '\u{1b}' => alt = KeyModifiers::ALT,
                '\u{7}' => events.push(key('g', KeyModifiers::CONTROL)),
                other => {
                    let shift = match other.is_uppercase() {
                        true => KeyModifiers::SHIFT,
                        false => KeyModifiers::NONE,
                    };
                    events
                        .push(key(other, std::mem::replace(&mut alt, KeyModifiers::NONE) | shift));
                }
            }
        }
        events
    }

    fn heard(events: Vec<Event>) -> (Vec<Background>, Vec<Event>) {
        let mut answers = Answers::default();
        let (mut backgrounds, mut left) = (Vec::new(), Vec::new());
        for event in events {
            match answers.hear(event) {
                Heard::Nothing => {}
                Heard::Background(background) => backgrounds.push(background),
                Heard::Events(events) => left.extend(events),
            }
        }
        (backgrounds, left)
    }

    // If this fails, a light terminal gets a dark theme, or the answer is typed into the prompt.
    #[test]
    fn the_answer_is_understood_as_terminals_write_it() {
        for (answer, background) in [
            ("\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\", Background::Light),
            ("\u{1b}]11;rgb:FDFD/F6F6/E3E3\u{7}", Background::Light),
            ("\u{1b}]11;rgb:1e/1e/2e\u{7}", Background::Dark),
            ("\u{1b}]11;rgba:0000/0000/0000/ffff\u{1b}\\", Background::Dark),
        ] {
            assert_eq!(heard(keys(answer)), (vec![background], Vec::new()), "{answer:?}");
        }
    }

    // If this fails, keys are lost while the terminal answers, or because something looks like an answer.
    #[test]
    fn what_somebody_types_is_kept() {
        let mut events = keys("be");
        events.extend(keys("\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\"));
        events.extend(keys("ef"));
        assert_eq!(heard(events), (vec![Background::Light], keys("beef")));
        for typed in [
            "\u{1b}]x",
            "\u{1b}]11;rgb:zz",
            "\u{1b}]11;rgb:\u{7}",
            "\u{1b}]11;rgb:ff/ff\u{1b}\\",
            "\u{1b}]11;rgb:fffff/0/0\u{7}",
            "\u{1b}]\u{1b}]ab",
        ] {
            assert_eq!(heard(keys(typed)), (Vec::new(), keys(typed)), "{typed:?}");
        }
        let long = format!("\u{1b}]11;rgb:{}", "f".repeat(100));
        assert_eq!(heard(keys(&long)).1, keys(&long));
        let mut pasted = keys("\u{1b}]11;");
        pasted.push(Event::Paste("text".into()));
        assert_eq!(heard(pasted.clone()), (Vec::new(), pasted));
    }

    // If this fails, colours come out where somebody asked for none, or too few where there are more.
    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        let told = |pairs: &[(&str, &str)], count| {
            let pairs: Vec<(String, String)> =
                pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            let variable = move |wanted: &str| {
                pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
            };
            TerminalColours::of(&variable, count)
        };
        assert_eq!(told(&[], u16::MAX).depth, Depth::True);
        assert_eq!(told(&[("NO_COLOR", "")], 256).depth, Depth::Indexed);
        assert_eq!(told(&[("TERM", "linux")], 8).depth, Depth::Sixteen);
        assert_eq!(told(&[("NO_COLOR", "1")], u16::MAX).depth, Depth::None);
        assert_eq!(told(&[("TERM", "dumb")], 8).depth, Depth::None);
        for (value, background) in [
            ("15;0", Background::Dark),
            ("0;15", Background::Light),
            ("0;default;7", Background::Light),
            ("12;8", Background::Dark),
            ("0;default", Background::Dark),
            ("", Background::Dark),
        ] {
            assert_eq!(told(&[("COLORFGBG", value)], 8).background, background, "{value}");
        }
    }
}
