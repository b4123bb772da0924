//! Makes text that came from a model or a file safe to show on a terminal: escape sequences, control
//! characters and bidirectional overrides are taken out. What is stored is never changed.
//!
//! Written by hand because `strip-ansi-escapes` loses tabs, shows nothing after an unfinished
//! sequence, and leaves overrides in. Sequences as in ECMA-48 and xterm's control sequence list.

/// `text` without anything that steers a terminal: only line breaks and tabs are left of the control
/// characters.
pub fn plain(text: &str) -> String {
    PlainStream::default().push(text)
}

/// As [`plain`], and without line breaks: for a list, a title or an error of one line.
pub fn plain_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As [`plain`], for text that arrives in pieces: a sequence may be cut between two of them. The
/// pieces put together are what `plain` makes of the whole.
#[derive(Debug, Clone, Default)]
pub struct PlainStream {
    state: State,
    /// Characters swallowed in the present sequence.
    swallowed: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Text,
    /// After ESC and perhaps intermediate characters.
    Escape,
    /// In a control sequence (ESC `[`), until its final character.
    Control,
    /// In an operating system command or another string sequence, until its terminator.
    String,
}

const ESCAPE: char = '\u{1b}';
/// A sequence longer than this is not one: text must not vanish behind a stray ESC.
const LONGEST_CONTROL: usize = 128;
const LONGEST_STRING: usize = 4096;

impl PlainStream {
    /// The part of `piece` that may be shown.
    pub fn push(&mut self, piece: &str) -> String {
        let mut shown = String::with_capacity(piece.len());
        for character in piece.chars() {
            self.take(character, &mut shown);
        }
        shown
    }

    fn take(&mut self, character: char, shown: &mut String) {
        // These act the same wherever they stand.
        match character {
            ESCAPE => return self.enter(State::Escape),
            '\u{9b}' => return self.enter(State::Control),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                return self.enter(State::String);
            }
            // The string terminator, cancel, substitute; and a new line, since no honest sequence
            // spans lines and an unfinished one must not swallow the rest.
            '\u{9c}' | '\u{18}' | '\u{1a}' => return self.enter(State::Text),
            '\n' => {
                self.enter(State::Text);
                return shown.push('\n');
            }
            _ => {}
        }
        self.swallowed += 1;
        match self.state {
            State::Text => {
                if character == '\t' || !(character.is_control() || reorders(character)) {
                    shown.push(character);
                }
            }
            State::Escape => match character {
                '[' => self.enter(State::Control),
                ']' | 'P' | 'X' | '^' | '_' => self.enter(State::String),
                ' '..='/' if self.swallowed <= LONGEST_CONTROL => {}
                '0'..='~' => self.enter(State::Text),
                _ => self.give_up(character, shown),
            },
            State::Control => match character {
                ' '..='?' if self.swallowed <= LONGEST_CONTROL => {}
                '@'..='~' => self.enter(State::Text),
                _ => self.give_up(character, shown),
            },
            State::String => match character {
                '\u{7}' => self.enter(State::Text),
                _ if self.swallowed <= LONGEST_STRING => {}
                _ => self.give_up(character, shown),
            },
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.swallowed = 0;
    }

    /// It was no sequence after all: the character is text again.
    fn give_up(&mut self, character: char, shown: &mut String) {
        self.enter(State::Text);
        self.take(character, shown);
    }
}

/// Embeddings, overrides and isolates, which can make shown text read otherwise than it is (CVE-2021-42574).
fn reorders(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_go_and_words_stay() {
        for (text, shown) in [
            ("a\tb\nc", "a\tb\nc"),
            ("naïve café 🍕 好的 עברית\u{200f}", "naïve café 🍕 好的 עברית\u{200f}"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[?25l\u{1b}[2J\u{1b}[1;1Hx", "x"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\!", "link!"),
            ("\u{1b}]52;c;cm0gLXJm\u{9c}x", "x"),
            ("\u{1b}Pq#0;2;0~\u{1b}\\x", "x"),
            ("\u{1b}(0x\u{1b}cy\u{1b}7z", "xyz"),
            ("\u{9b}31mred\u{9d}0;t\u{7}x\u{85}", "redx"),
            ("one\r\ntwo\rthree\u{8}\u{7f}\u{0}", "one\ntwothree"),
            ("user\u{202e}txt.exe\u{2066}", "usertxt.exe"),
            // Unfinished ones: the rest of the answer is still shown.
            ("\u{1b}]0;never closed\nshown", "\nshown"),
            ("\u{1b}[12\nshown", "\nshown"),
            ("\u{1b}é\u{1b}[1é", "éé"),
            ("x\u{1b}", "x"),
        ] {
            assert_eq!(plain(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_stray_opening_swallows_only_so_much() {
        let long = "x".repeat(10_000);
        assert_eq!(plain(&format!("\u{1b}]{long}")).len(), 10_000 - LONGEST_STRING);
        let digits = "1".repeat(1_000);
        assert_eq!(plain(&format!("\u{1b}[{digits}")).len(), 1_000 - LONGEST_CONTROL);
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(plain_line(" a\n\u{1b}[1mb\t c "), "a b c");
    }

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            (0u32..0xa0).prop_map(|code| char::from_u32(code).map_or(String::new(), String::from)),
            prop_oneof![
                Just("\u{1b}"),
                Just("\u{1b}["),
                Just("\u{1b}]"),
                Just("\u{1b}\\"),
                Just("\u{7}"),
                Just("31m"),
                Just("\u{9b}"),
                Just("\u{202e}"),
                Just("word "),
            ]
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        // If this fails, a model's answer or an imported text can steer the person's terminal.
        #[test]
        fn nothing_shown_steers_a_terminal(text in hostile()) {
            let shown = plain(&text);
            prop_assert!(!shown.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || reorders(c)));
            prop_assert_eq!(plain(&shown), shown);
        }

        // If this fails, what streams past differs from what is shown afterwards.
        #[test]
        fn pieces_give_what_the_whole_gives(text in hostile(), size in 1usize..5) {
            let characters: Vec<char> = text.chars().collect();
            let mut stream = PlainStream::default();
            let pieces: String =
                characters.chunks(size).map(|c| stream.push(&c.iter().collect::<String>())).collect();
            prop_assert_eq!(pieces, plain(&text));
        }
    }
}
