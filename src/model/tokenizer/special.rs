//! Finds the texts of special tokens inside a text: the leftmost first, of those the longest.

use aho_corasick::{AhoCorasick, MatchKind};

/// A set of texts that are tokens as a whole.
#[derive(Debug)]
pub(super) struct SpecialTexts {
    /// None when there are no such texts.
    search: Option<AhoCorasick>,
    texts: Vec<String>,
    tokens: Vec<(u32, Strips)>,
}

/// Whether a special token takes the white space before or after it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Strips {
    pub before: bool,
    pub after: bool,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Fragment<'a> {
    /// Plain text, never empty.
    Text(&'a str),
    /// A special token.
    Special(u32),
}

impl SpecialTexts {
    pub fn new<'a>(tokens: impl Iterator<Item = (u32, &'a str, Strips)>) -> Result<Self, String> {
        let (tokens, texts): (Vec<_>, Vec<String>) =
            tokens.map(|(id, text, strips)| ((id, strips), text.to_owned())).unzip();
        let search = if texts.is_empty() {
            None
        } else {
            let builder =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts);
            Some(builder.map_err(|error| error.to_string())?)
        };
        Ok(Self { search, texts, tokens })
    }

    /// The text as it falls apart at the special ones.
    pub fn split<'a>(&self, text: &'a str) -> Vec<Fragment<'a>> {
        let mut fragments = Vec::new();
        let mut rest = 0;
        let matches = self.search.iter().flat_map(|search| search.find_iter(text));
        for found in matches {
            let Some(&(id, strips)) = self.tokens.get(found.pattern().as_usize()) else { continue };
            // What the token before took away may reach up to this one.
            let mut before = text.get(rest..found.start()).unwrap_or_default();
            if strips.before {
                before = before.trim_end();
            }
            if !before.is_empty() {
                fragments.push(Fragment::Text(before));
            }
            fragments.push(Fragment::Special(id));
            let after = text.get(found.end()..).unwrap_or_default();
            rest = found.end();
            if strips.after {
                rest += after.len() - after.trim_start().len();
            }
        }
        fragments.extend(text.get(rest..).filter(|after| !after.is_empty()).map(Fragment::Text));
        fragments
    }

    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.texts.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_leftmost_and_of_those_the_longest_is_taken() {
        let tokens = [(7, "<a>"), (8, "<a><b>"), (9, "<b>")];
        let tokens = tokens.into_iter().map(|(id, text)| (id, text, Strips::default()));
        let texts = SpecialTexts::new(tokens).unwrap();
        use Fragment::{Special, Text};
        assert_eq!(texts.split("x<a><b><b>y"), [Text("x"), Special(8), Special(9), Text("y")]);
        assert_eq!(texts.split("<a><a"), [Special(7), Text("<a")]);
        assert_eq!(texts.split(""), []);
    }

    #[test]
    fn white_space_is_taken_away_where_a_token_says_so() {
        let strips = |before, after| Strips { before, after };
        let tokens = [(1, "<l>", strips(true, false)), (2, "<r>", strips(false, true))];
        let texts = SpecialTexts::new(tokens.into_iter()).unwrap();
        use Fragment::{Special, Text};
        assert_eq!(texts.split("a \n<l> b"), [Text("a"), Special(1), Text(" b")]);
        assert_eq!(texts.split("a <r>\n\u{3000}b"), [Text("a "), Special(2), Text("b")]);
        assert_eq!(
            texts.split("<r>  <l> <r> "),
            [2, 1].map(Special).into_iter().chain([Text(" "), Special(2)]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn without_special_texts_a_text_stays_whole() {
        let texts = SpecialTexts::new(std::iter::empty()).unwrap();
        assert_eq!(texts.split("<a>"), [Fragment::Text("<a>")]);
    }
}
