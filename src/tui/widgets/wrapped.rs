//! Breaks text into lines by what the terminal's cells hold: wide characters, emoji and combining
//! marks count as they are drawn.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns of a tab in shown text.
const TAB: &str = "    ";

/// The columns of `text` as it is drawn: grapheme by grapheme. The width of the whole may be less, where a
/// font would draw two letters as one.
pub fn columns(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.graphemes(true).map(UnicodeWidthStr::width).sum(),
    }
}

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
        let wide = columns(word);
        if used + wide <= width {
            current.push_str(word);
            used += wide;
            continue;
        }
        if word.trim().is_empty() {
            // A space at the end of a line is not carried over.
            lines.push(std::mem::take(&mut current));
            used = 0;
            continue;
        }
        if used > 0 && wide <= width {
            lines.push(std::mem::take(&mut current).trim_end().to_owned());
            current.push_str(word);
            used = wide;
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
    let opens = |text: &str| text == "`" || text.ends_with(['(', '[', '{', '“', '‘']);
    let closes = |text: &str| {
        let mut characters = text.chars();
        characters.next().is_some_and(|first| ").,;:!?%…”’]}`".contains(first))
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
    if columns(&line) <= width {
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
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
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
        assert_eq!(wrap("it is `code`, so", 9), ["it is", "`code`,", "so"]);
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

    // If this fails, a line is drawn wider than its frame, and its end is cut off without a word.
    #[test]
    fn what_is_drawn_fits_whatever_the_script() {
        let samples = [
            "family 👨‍👩‍👧‍👦 and 🏳️‍🌈 flags 🇩🇪🇯🇵 in a row",
            "heart ❤️ and text heart ❤︎, keycap 1️⃣2️⃣, ☎️",
            "e\u{301}\u{323}\u{308} zalgo z\u{335}\u{31b}\u{353} o\u{302}\u{303}\u{309}",
            "漢字かな交じり文、全角（括弧）と半角ｶﾅ",
            "한국어 \u{1112}\u{1161}\u{11ab} 조합",
            "لا إله سلام lam-alef لالالا",
            "हिन्दी क्षत्रिय ก็ไม่รู้ မြန်မာ",
            "zero\u{200b}width\u{200d}joiner soft\u{ad}hyphen",
            " \u{301}alone, \u{fe0f}alone, \u{200d}alone",
        ];
        for text in samples {
            // Clusters of some scripts are three columns wide.
            for width in 4..24u16 {
                let lines = wrap(text, width.into());
                let kept: String = lines.concat().split_whitespace().collect();
                assert_eq!(kept, text.split_whitespace().collect::<String>());
                for line in lines {
                    assert!(columns(&line) <= width.into(), "{width}: {line:?}");
                    // A cell more than the line may have: nothing of it is drawn there.
                    let area = ratatui::layout::Rect::new(0, 0, width + 2, 1);
                    let mut buffer = ratatui::buffer::Buffer::empty(area);
                    buffer.set_string(width, 0, "||", ratatui::style::Style::new());
                    buffer.set_string(0, 0, &line, ratatui::style::Style::new());
                    let cell = buffer.cell((width, 0)).map(|cell| cell.symbol());
                    assert_eq!(cell, Some("|"), "{width}: {line:?}");
                }
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
