//! A text in which every token shows how much it surprised the model: by its background, by an
//! underline where it is strong, and by a small number, so that no colour is needed to read it.

use crate::tui::theme::Theme;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Nats at which the second and each further level of [`Theme::heat`] begins.
const LEVELS: [f32; 5] = [1.0, 2.0, 3.0, 5.0, 8.0];

const LINE_BREAK: &str = "¶";
const TAB: &str = "→   ";
/// A token that is only the beginning of a character.
const PART: &str = "◌";

/// The lines of a heat map.
#[derive(Debug, Clone)]
pub struct HeatMap {
    pub lines: Vec<Line<'static>>,
    /// The line in which the token under the cursor begins.
    pub cursor_line: Option<usize>,
}

/// Tokens (text and nats) in lines of at most `width` columns. After a token of 1 nat or more stands
/// its number of nats, rounded; line breaks are shown as `¶`.
pub fn heat_map(
    tokens: &[(String, f32)],
    cursor: Option<usize>,
    width: usize,
    theme: &Theme,
) -> HeatMap {
    let mut pieces = Vec::new();
    for (place, (text, nats)) in tokens.iter().enumerate() {
        push_token(&mut pieces, place, text, *nats, cursor == Some(place), theme);
    }
    let rows = rows(pieces, width.max(4));
    let cursor_line =
        rows.iter().position(|row| row.iter().any(|piece| cursor == Some(piece.token)));
    HeatMap { lines: rows.into_iter().map(line).collect(), cursor_line }
}

/// What the levels mean, in one line.
pub fn heat_legend(theme: &Theme) -> Line<'static> {
    let mut spans = vec![Span::styled("nats ", theme.dim)];
    let names = ["under 1", " 1 ", " 2 ", " 3-4 ", " 5-7 ", " 8+ "];
    for (name, style) in names.into_iter().zip(theme.heat) {
        spans.push(Span::styled(name, style));
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

fn level(nats: f32) -> usize {
    LEVELS.iter().filter(|least| nats >= **least).count()
}

/// Something that is never broken, of one token.
struct Piece {
    text: String,
    token: usize,
    style: Style,
    space: bool,
    /// May be left out where a line ends: its token is seen by other pieces.
    optional: bool,
    ends_line: bool,
}

fn push_token(
    pieces: &mut Vec<Piece>,
    token: usize,
    text: &str,
    nats: f32,
    under_cursor: bool,
    theme: &Theme,
) {
    let mut style = theme.heat.get(level(nats)).copied().unwrap_or_default();
    if under_cursor {
        style = style.patch(theme.selected);
    }
    let number = number(nats);
    let optional = !text.trim().is_empty() || !number.is_empty();
    let shown = if text.is_empty() { PART } else { text };
    for grapheme in shown.graphemes(true) {
        let (text, space, ends_line) = match grapheme {
            "\n" => (LINE_BREAK, false, true),
            "\t" => (TAB, true, false),
            other => (other, other.trim().is_empty(), false),
        };
        pieces.push(Piece { text: text.into(), token, style, space, optional, ends_line });
    }
    if number.is_empty() {
        return;
    }
    // The number of a line break stands before the next line.
    let ends_line = pieces.last_mut().is_some_and(|last| std::mem::take(&mut last.ends_line));
    pieces.push(Piece {
        text: number,
        token,
        style: style.remove_modifier(Modifier::UNDERLINED),
        space: false,
        optional: false,
        ends_line,
    });
}

/// Rounded nats in small digits; nothing below 1.
fn number(nats: f32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    if nats.is_nan() || nats < 1.0 {
        return String::new();
    }
    let rounded = nats.round().min(99.0) as usize;
    rounded
        .to_string()
        .bytes()
        .filter_map(|digit| DIGITS.get(usize::from(digit.wrapping_sub(b'0'))))
        .collect()
}

/// Breaks after spaces where there are any, and never drops a token.
fn rows(pieces: Vec<Piece>, width: usize) -> Vec<Vec<Piece>> {
    let mut rows = Vec::new();
    let mut row: Vec<Piece> = Vec::new();
    let mut used = 0;
    for piece in pieces {
        let columns = piece.text.width();
        if used + columns > width && piece.space && piece.optional {
            rows.push(std::mem::take(&mut row));
            used = 0;
            continue;
        }
        while used + columns > width && !row.is_empty() {
            let word = row.iter().rposition(|piece| piece.space).map_or(row.len(), |at| at + 1);
            // A word that fills the line, or a space that must be seen, is broken here.
            let rest = row.split_off(if piece.space { row.len() } else { word });
            rows.push(std::mem::replace(&mut row, rest));
            used = row.iter().map(|piece| piece.text.width()).sum();
        }
        used += columns;
        let ends_line = piece.ends_line;
        row.push(piece);
        if ends_line {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
    }
    if !row.is_empty() {
        rows.push(row);
    }
    rows
}

fn line(row: Vec<Piece>) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for piece in row {
        match spans.last_mut() {
            Some(last) if last.style == piece.style => last.content.to_mut().push_str(&piece.text),
            _ => spans.push(Span::styled(piece.text, piece.style)),
        }
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tokens(pairs: &[(&str, f32)]) -> Vec<(String, f32)> {
        pairs.iter().map(|(text, nats)| (text.to_string(), *nats)).collect()
    }

    fn shown(map: &HeatMap) -> Vec<String> {
        map.lines.iter().map(Line::to_string).collect()
    }

    // If this fails, a person without colours cannot see which words surprised the model.
    #[test]
    fn a_number_stands_after_every_token_of_a_nat_or_more() {
        let tokens = tokens(&[("ls", 0.2), (" -la", 3.4), ("\n", 1.5), ("pwd", 12.6), ("⏎", 0.9)]);
        let map = heat_map(&tokens, None, 40, &Theme::default());
        assert_eq!(shown(&map), ["ls -la³¶²", "pwd¹³⏎"]);
        assert_eq!(number(f32::NAN) + &number(0.99) + &number(f32::INFINITY), "⁹⁹");
    }

    // If this fails, all words look alike, or a mild surprise looks like a great one.
    #[test]
    fn the_background_grows_with_the_nats_and_strong_tokens_are_underlined() {
        let theme = Theme::default();
        let tokens =
            tokens(&[("a", 0.0), ("b", 1.0), ("c", 2.9), ("d", 4.0), ("e", 6.0), ("f", 9.0)]);
        let map = heat_map(&tokens, None, 40, &theme);
        let style = |text: &str| {
            let spans = map.lines.iter().flat_map(|line| &line.spans);
            spans.into_iter().find(|span| span.content.starts_with(text)).unwrap().style
        };
        for (text, level) in [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4), ("f", 5)] {
            assert_eq!(style(text), theme.heat[level], "{text}");
        }
        assert!(!style("c").add_modifier.contains(Modifier::UNDERLINED));
        assert!(style("d").add_modifier.contains(Modifier::UNDERLINED));
    }

    // If this fails, words run over the frame, or a part of the answer is never seen.
    #[test]
    fn lines_keep_to_the_width_and_nothing_is_lost() {
        let tokens = tokens(&[
            ("The", 0.1),
            (" 改善", 2.0),
            ("", 4.0),
            ("👍🏽", 0.0),
            (" ", 0.0),
            ("a-very-long-word-without-spaces", 7.0),
            ("\tx\n\n", 1.0),
            ("⏎", 0.0),
        ]);
        // White space may go where a line ends.
        let visible = |text: &str| text.split_whitespace().collect::<String>().replace('→', "");
        let whole = "The改善²◌⁴👍🏽a-very-long-word-without-spaces⁷x¶¶¹⏎";
        for width in 4..60 {
            for cursor in 0..tokens.len() {
                let map = heat_map(&tokens, Some(cursor), width, &Theme::default());
                let lines = shown(&map);
                assert!(lines.iter().all(|line| line.width() <= width), "{width}: {lines:?}");
                assert_eq!(visible(&lines.concat()), whole);
                assert!(map.cursor_line.unwrap() < map.lines.len());
            }
        }
        assert!(heat_map(&[], Some(3), 0, &Theme::default()).lines.is_empty());
    }

    // If this fails, the cursor's word is not found on screen.
    #[test]
    fn the_token_under_the_cursor_stands_out_and_its_line_is_known() {
        let theme = Theme::default();
        let tokens = tokens(&[("first", 0.0), ("\n", 0.0), ("second", 0.0)]);
        let map = heat_map(&tokens, Some(2), 40, &theme);
        assert_eq!(map.cursor_line, Some(1));
        assert_eq!(map.lines[1].spans[0].style, theme.heat[0].patch(theme.selected));
    }
}
