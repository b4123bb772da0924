//! What only one of two texts says, word by word, and how that is marked: between brackets and underlined, so
//! that no colour is needed to see it.

use super::wrap;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use similar::{Algorithm, ChangeTag, capture_diff_slices};
use unicode_segmentation::UnicodeSegmentation;

/// Longer texts are compared line by line: a person who looks at them would wait.
const MOST_WORDS: usize = 3000;

/// What stands around words that only one text has.
const MARKS: [char; 2] = ['⟦', '⟧'];

/// The same while lines are broken: no text holds them then.
const INNER: [char; 2] = ['\u{e000}', '\u{e001}'];

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    /// The other text lacks it.
    pub alone: bool,
}

/// Both texts in pieces; joined, they are the texts.
pub fn differences(left: &str, right: &str) -> [Vec<Piece>; 2] {
    let words = |text: &str| text.split_word_bounds().take(MOST_WORDS + 1).count() <= MOST_WORDS;
    let by_words = words(left) && words(right);
    let split = |text| -> Vec<&str> { if by_words { text_words(text) } else { text_lines(text) } };
    let (before, after) = (split(left), split(right));
    let mut pieces = [Vec::new(), Vec::new()];
    for part in capture_diff_slices(Algorithm::Myers, &before, &after)
        .iter()
        .flat_map(|part| part.iter_changes(&before, &after))
    {
        let text = part.value();
        match part.tag() {
            ChangeTag::Equal => pieces.iter_mut().for_each(|side| push(side, text, false)),
            ChangeTag::Delete => push(&mut pieces[0], text, true),
            ChangeTag::Insert => push(&mut pieces[1], text, true),
        }
    }
    pieces.map(joined)
}

fn text_words(text: &str) -> Vec<&str> {
    text.split_word_bounds().collect()
}

fn text_lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn push(pieces: &mut Vec<Piece>, text: &str, alone: bool) {
    match pieces.last_mut() {
        Some(last) if last.alone == alone => last.text.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), alone }),
    }
}

/// A space between two words that are marked is marked with them.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let blank = |piece: &Piece| piece.text.trim().is_empty() && !piece.text.contains('\n');
    let mut whole: Vec<Piece> = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let between = place > 0 && place + 1 < pieces.len();
        push(&mut whole, &piece.text, piece.alone || (between && blank(piece)));
    }
    whole
}

/// The pieces in lines of at most `width` columns.
pub fn marked_lines(pieces: &[Piece], width: usize, marked: Style) -> Vec<Line<'static>> {
    let mut text = String::new();
    for piece in pieces {
        let plain = piece.text.replace(INNER, "");
        match piece.alone && !plain.trim().is_empty() {
            true => {
                // Spaces at the ends stay outside the brackets.
                let start = plain.len() - plain.trim_start().len();
                let end = plain.trim_end().len();
                let [open, close] = INNER;
                text.push_str(plain.get(..start).unwrap_or_default());
                text.push(open);
                text.push_str(plain.get(start..end).unwrap_or_default());
                text.push(close);
                text.push_str(plain.get(end..).unwrap_or_default());
            }
            false => text.push_str(&plain),
        }
    }
    let marked = marked.add_modifier(Modifier::UNDERLINED);
    let mut within = false;
    let mut styled = |line: String| {
        let mut spans: Vec<Span> = Vec::new();
        for character in line.chars() {
            let opens = character == INNER[0];
            let closes = character == INNER[1];
            within |= opens;
            let shown = match character {
                _ if opens => MARKS[0],
                _ if closes => MARKS[1],
                other => other,
            };
            let style = if within { marked } else { Style::new() };
            match spans.last_mut().filter(|last| last.style == style) {
                Some(last) => last.content.to_mut().push(shown),
                None => spans.push(Span::styled(shown.to_string(), style)),
            }
            within &= !closes;
        }
        Line::from(spans)
    };
    wrap(&text, width).into_iter().map(&mut styled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    fn shown(pieces: &[Piece], width: usize) -> Vec<String> {
        marked_lines(pieces, width, Style::new()).iter().map(Line::to_string).collect()
    }

    // If this fails, a person sees differences where there are none, or misses the one word that matters.
    #[test]
    fn words_of_one_text_alone_stand_between_marks() {
        let [left, right] = differences(
            "Jupiter is the biggest planet, and it is made of gas.",
            "Saturn is the second biggest planet, and it is made of gas.",
        );
        assert_eq!(shown(&left, 80), ["⟦Jupiter⟧ is the biggest planet, and it is made of gas."]);
        assert_eq!(
            shown(&right, 80),
            ["⟦Saturn⟧ is the ⟦second⟧ biggest planet, and it is made of gas."]
        );
        let [left, right] = differences("The very same\nwords", "The very same\nwords");
        assert!(left.iter().chain(&right).all(|piece| !piece.alone));
        let [left, right] = differences("one two three", "four five");
        assert_eq!(
            (shown(&left, 80), shown(&right, 80)),
            (vec!["⟦one two three⟧".to_owned()], vec!["⟦four five⟧".to_owned()])
        );
    }

    // If this fails, a difference is told by colour alone.
    #[test]
    fn what_is_marked_is_underlined_over_broken_lines_too() {
        let [left, _] = differences("a long row of words that differ entirely", "");
        let lines = marked_lines(&left, 12, Style::new());
        assert!(lines.len() > 2);
        for span in lines.iter().flat_map(|line| &line.spans) {
            assert!(span.style.add_modifier.contains(Modifier::UNDERLINED), "{span:?}");
        }
    }

    proptest! {
        // If this fails, an answer beside another one lacks a part, or ends the program.
        #[test]
        fn nothing_of_either_text_is_lost(
            left in "[ab \n改é👍\u{e000}]{0,60}", right in "[ab \n改é👍⟧]{0,60}", width in 2usize..40,
        ) {
            let pieces = differences(&left, &right);
            for (pieces, text) in pieces.iter().zip([&left, &right]) {
                let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
                prop_assert_eq!(&whole, text);
                for line in shown(pieces, width) {
                    prop_assert!(line.width() <= width, "{}", line);
                }
            }
        }
    }
}
