//! Code in an answer: its words told apart, in a few classes.
//!
//! Written by hand. Grammars as editors have them (syntect) take 50 to 80 ms for the first lines of a language
//! and keep tens of megabytes; smaller crates run a regular expression for every kind of word over every
//! line, and trust the text. A model may write anything, and what it writes is laid out while somebody
//! types: this reads each character once, needs nothing loaded, and ends whatever it is given.

use super::inline::{Piece, wrapped};
use super::languages::{Language, language};
use super::markdown::prefixed;
use crate::tui::theme::Theme;
use crate::tui::widgets::elide;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// What a part of a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Plain,
    Keyword,
    Text,
    Number,
    Comment,
    Name,
    Added,
    Removed,
}

impl Class {
    fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Plain => theme.text,
            Self::Keyword => theme.keyword,
            Self::Text => theme.string,
            Self::Number => theme.number,
            Self::Comment => theme.comment,
            Self::Name => theme.name,
            Self::Added => theme.good,
            Self::Removed => theme.bad,
        }
    }
}

/// A block of code, set apart by a bar and under the name of its language.
pub fn lines(text: &str, name: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if !name.is_empty() {
        lines.push(Line::styled(elide(&format!("┌ {name}"), width), theme.border));
    }
    let text = text.trim_end_matches('\n').replace('\t', "    ");
    let mut pieces = Vec::new();
    for (class, part) in parts(&text, language(name)) {
        pieces.push(Piece { text: part.to_owned(), style: class.style(theme) });
    }
    let bar = || vec![Span::styled("│ ", theme.border)];
    lines.extend(prefixed(wrapped(&pieces, width.saturating_sub(2)), bar(), bar()));
    lines
}

/// The text in parts of one class each; put together they are the text.
pub fn parts<'t>(text: &'t str, language: Option<&Language>) -> Vec<(Class, &'t str)> {
    match language {
        None => vec![(Class::Plain, text)],
        Some(language) if language.difference => difference(text),
        Some(language) => Reader { text, at: 0, language, parts: Vec::new() }.read(),
    }
}

fn difference(text: &str) -> Vec<(Class, &str)> {
    text.split_inclusive('\n')
        .map(|line| {
            let class = match line.as_bytes() {
                [b'@', b'@', ..] => Class::Keyword,
                [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Class::Name,
                [b'+', ..] => Class::Added,
                [b'-', ..] => Class::Removed,
                _ => Class::Plain,
            };
            (class, line)
        })
        .collect()
}

struct Reader<'t, 'l> {
    text: &'t str,
    at: usize,
    language: &'l Language,
    parts: Vec<(Class, &'t str)>,
}

impl<'t> Reader<'t, '_> {
    fn read(mut self) -> Vec<(Class, &'t str)> {
        while let Some(next) = self.rest().chars().next() {
            let (class, length) = self.part(next);
            // Whatever was found, it goes on.
            let length = length.max(next.len_utf8());
            let end = (self.at + length).min(self.text.len());
            self.push(class, end);
        }
        self.parts
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, class: Class, end: usize) {
        // Ends are found between characters; if one were not, the rest is plain.
        let (class, part) = match self.text.get(self.at..end) {
            Some(part) => (class, part),
            None => (Class::Plain, self.rest()),
        };
        self.at += part.len();
        match self.parts.last_mut() {
            // Parts beside one another are one.
            Some((last, before)) if *last == class => {
                let start = self.at - part.len() - before.len();
                *before = self.text.get(start..self.at).unwrap_or(before);
            }
            _ => self.parts.push((class, part)),
        }
    }

    fn before(&self) -> Option<char> {
        self.text.get(..self.at)?.chars().next_back()
    }

    /// What begins here, and how long it is.
    fn part(&self, next: char) -> (Class, usize) {
        let (rest, language) = (self.rest(), self.language);
        let to_end = |start: usize, end: &str| {
            let after = rest.get(start..).unwrap_or_default();
            after.find(end).map_or(rest.len(), |place| start + place + end.len())
        };
        for (start, end) in language.long_comments {
            if rest.starts_with(start) {
                return (Class::Comment, to_end(start.len(), end));
            }
        }
        for start in language.comments {
            // `$#` and colours such as `a#b` are no comments.
            let alone = start.len() > 1 || self.before().is_none_or(char::is_whitespace);
            if alone && rest.starts_with(start) {
                return (Class::Comment, rest.find('\n').unwrap_or(rest.len()));
            }
        }
        for quote in language.long_quotes {
            if rest.starts_with(quote) {
                return (Class::Text, to_end(quote.len(), quote));
            }
        }
        if language.quotes.contains(&next)
            && let Some(length) = quoted(rest, next)
            && !(language.lifetimes && next == '\'' && is_lifetime(rest, length))
        {
            let key = language.keys && is_key(rest.get(length..).unwrap_or_default());
            return (if key { Class::Name } else { Class::Text }, length);
        }
        if next.is_ascii_digit() {
            return (Class::Number, number(rest));
        }
        if next.is_alphabetic() || next == '_' {
            return self.word();
        }
        (Class::Plain, next.len_utf8())
    }

    fn word(&self) -> (Class, usize) {
        let (rest, language) = (self.rest(), self.language);
        let inner = |c: char| {
            c.is_alphanumeric() || c == '_' || ((language.keys || language.tags) && c == '-')
        };
        let length = rest.find(|c| !inner(c)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let after = rest.get(length..).unwrap_or_default();
        let keyword = language.keywords.split(' ').any(|keyword| match language.any_case {
            true => keyword.eq_ignore_ascii_case(word),
            false => keyword == word,
        });
        let tag = language.tags && matches!(self.before(), Some('<' | '/'));
        let class = if keyword || tag {
            Class::Keyword
        } else if language.keys {
            if is_key(after) { Class::Name } else { Class::Plain }
        } else if language.tags {
            if after.starts_with('=') { Class::Name } else { Class::Plain }
        } else {
            // Functions by what follows them, types by how they are written.
            let is_type = word.starts_with(char::is_uppercase) && !language.any_case;
            let is_called = after.starts_with('(') || after.starts_with("!(");
            if is_called || is_type { Class::Name } else { Class::Plain }
        };
        (class, length)
    }
}

fn is_key(after: &str) -> bool {
    after.trim_start_matches(' ').starts_with([':', '='])
}

/// The length of a text that begins with a quote; none where it does not end in its line, as the mark of a
/// lifetime or an apostrophe does not.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (place, character) in rest.char_indices().skip(1) {
        match character {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(place + quote.len_utf8()),
            _ => {}
        }
    }
    None
}

/// Not one character between quotes.
fn is_lifetime(rest: &str, length: usize) -> bool {
    let inside = rest.get(1..length.saturating_sub(1)).unwrap_or_default();
    !inside.starts_with('\\') && inside.chars().count() != 1
}

fn number(rest: &str) -> usize {
    let mut characters = rest.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        let goes_on = character.is_ascii_alphanumeric()
            || character == '_'
            || (character == '.'
                && characters.peek().is_some_and(|(_, next)| next.is_ascii_digit()));
        if !goes_on {
            return place;
        }
    }
    rest.len()
}
