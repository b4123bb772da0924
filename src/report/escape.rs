//! Text from data made safe to stand in Markdown: it reads as it is, and makes no table cell, heading,
//! link or HTML of its own.

/// `text` on one line, as plain words inside a paragraph, list or table cell.
pub fn plain_text(text: &str) -> String {
    let line = crate::store::plain_line(text);
    let characters: Vec<char> = line.chars().collect();
    let mut safe = String::with_capacity(line.len());
    for index in 0..characters.len() {
        if is_active(&characters[..index], characters[index], characters.get(index + 1).copied()) {
            safe.push('\\');
        }
        safe.push(characters[index]);
    }
    safe
}

/// Whether Markdown would read `character`, with this before and after it, as more than itself.
fn is_active(before: &[char], character: char, after: Option<char>) -> bool {
    let in_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
    match character {
        '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '@' => true,
        // Inside a word it emphasises nothing, and names would be hard to read.
        '_' => !(in_word(before.last()) && in_word(after.as_ref())),
        // At the start of a line: headings, lists, rules, underlines of headings.
        '#' | '-' | '+' | '=' => before.is_empty(),
        // A number at the start of a line begins a list; "www." begins an address.
        '.' | ')' => {
            let numbers = !before.is_empty() && before.iter().all(char::is_ascii_digit);
            let address = before.iter().rev().take(3).filter(|c| matches!(c, 'w' | 'W')).count();
            (numbers && after.is_none_or(char::is_whitespace)) || (character == '.' && address == 3)
        }
        ':' => after == Some('/'),
        _ => false,
    }
}

/// Whether `name` can be a file's or folder's name anywhere and stand in Markdown as it is.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    /// What a reader of the Markdown sees, and whether there is anything but words.
    fn read(markdown: &str) -> (String, bool) {
        let mut words = String::new();
        let mut only_words = true;
        let mut options = Options::all();
        // Quotes and dashes are no concern here.
        options.remove(Options::ENABLE_SMART_PUNCTUATION);
        for event in Parser::new_ext(markdown, options) {
            match event {
                Event::Text(text) => words.push_str(&text),
                Event::Start(Tag::Paragraph) | Event::End(_) => {}
                _ => only_words = false,
            }
        }
        (words, only_words)
    }

    // If this fails, the name of an area can put a link, a picture or a script into a person's report.
    #[test]
    fn text_stays_text() {
        for text in [
            "<script>alert(1)</script>",
            "a | b",
            "**bold** _soft_ ~~gone~~ `code` $x$",
            "![picture](http://example.org/x.png) [link](x)",
            "# heading",
            "- point",
            "+ point",
            "1. point",
            "1) point",
            "===",
            "---",
            "> quoted",
            "&lt; &amp;",
            "\\| \\",
            "lora_v1 and random-find",
            "<!-- hidden -->",
            "[^1]",
            "www.example.org",
        ] {
            let safe = plain_text(text);
            assert_eq!(read(&safe), (text.to_owned(), true), "{safe}");
        }
        assert_eq!(plain_text("one\n\n# two\r\n\u{1b}[31mred"), "one # two red");
        assert_eq!(plain_text("a http://b.c"), "a http\\://b.c");
        // Names and figures stay easy to read.
        for text in ["lora_v1", "0.0120", "-", "(2 of 3)", "a-b. C"] {
            assert_eq!(plain_text(text).trim_start_matches('\\'), text);
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_no_name() {
        assert!(is_plain_name("experiment_20260102_030405"));
        for bad in ["", "..", "a/b", "a b", "a-->", "é", "a\n"] {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
    }
}
