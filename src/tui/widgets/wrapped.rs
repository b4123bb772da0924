//! Breaks text into lines by what the terminal's cells hold: wide characters, emoji and combining
//! marks count as they are drawn.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns of a tab in shown text.
const TAB: &str = "    ";

/// `text` in lines of at most `width` columns, broken at spaces where there are any; the indentation
/// of a line stays.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        wrap_line(&line.trim_end_matches('\r').replace('\t', TAB), width, &mut lines);
    }
    lines
}

fn wrap_line(line: &str, width: usize, lines: &mut Vec<String>) {
    let mut current = String::new();
    let mut used = 0;
    for word in &words(line) {
        let word = word.as_str();
        let columns = word.width();
        if used + columns <= width {
            current.push_str(word);
            used += columns;
            continue;
        }
        if word.trim().is_empty() {
            // A space at the end of a line is not carried over.
            lines.push(std::mem::take(&mut current));
            used = 0;
            continue;
        }
        if used > 0 && columns <= width {
            lines.push(std::mem::take(&mut current).trim_end().to_owned());
            current.push_str(word);
            used = columns;
            continue;
        }
        for part in word.graphemes(true) {
            let columns = part.width();
            if used + columns > width && used > 0 {
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            current.push_str(part);
            used += columns;
        }
    }
    lines.push(current);
}

/// What is not broken where it fits: words with the punctuation that belongs to them, and spaces.
fn words(line: &str) -> Vec<String> {
    let opens = |text: &str| text.ends_with(['(', '[', '{', '“', '‘']);
    let closes = |text: &str| {
        let mut characters = text.chars();
        characters.next().is_some_and(|first| ").,;:!?%…”’]}".contains(first))
            && characters.next().is_none()
    };
    let is_sign = |text: &str| matches!(text, "-" | "−" | "+");
    let mut words: Vec<String> = Vec::new();
    for part in line.split_word_bounds() {
        // A sign before a number, not a hyphen between words.
        let signed = match words.as_slice() {
            [.., before, last] => is_sign(last) && before.trim().is_empty(),
            [last] => is_sign(last),
            [] => false,
        };
        match words.last_mut() {
            Some(last) if (closes(part) && !last.trim().is_empty()) || opens(last) || signed => {
                last.push_str(part);
            }
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// `text` in one line of at most `width` columns, with `…` where it was cut.
pub fn elide(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.width() <= width {
        return line;
    }
    let mut shown = String::new();
    let mut used = 0;
    for part in line.graphemes(true) {
        if used + part.width() + 1 > width {
            break;
        }
        used += part.width();
        shown.push_str(part);
    }
    if width > 0 {
        shown.push('…');
    }
    shown
}

/// `text` with spaces to `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, answers in Chinese or with emoji run over the frame or lose characters.
    #[test]
    fn lines_are_as_wide_as_drawn_and_nothing_is_lost() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("  if x:\n\ty", 20), ["  if x:", "    y"]);
        assert_eq!(wrap("改善改善改", 4), ["改善", "改善", "改"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("limit (10 %), groups", 12), ["limit (10", "%), groups"]);
        assert_eq!(wrap("fell by -36.3 %", 10), ["fell by", "-36.3 %"]);
        assert_eq!(wrap("a well-known way", 8), ["a well-", "known", "way"]);
        for text in ["🧑‍🔬👍🏽 e\u{301}tude 改善 a-very-long-word-without-spaces", "日本語 text mixed"]
        {
            for width in 2..12 {
                let lines = wrap(text, width);
                assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
                let kept: String = lines.concat().split_whitespace().collect();
                assert_eq!(kept, text.split_whitespace().collect::<String>());
            }
        }
    }

    #[test]
    fn a_cut_line_says_so() {
        assert_eq!(elide("short", 10), "short");
        assert_eq!(elide("a long\nline", 7), "a long…");
        assert_eq!(elide("改善改善", 5), "改善…");
        assert_eq!(elide("abc", 0), "");
    }
}
