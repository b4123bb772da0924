//! Finds the texts of special tokens inside a text: the leftmost first, of those the longest.

use aho_corasick::{AhoCorasick, MatchKind};

/// A set of texts that are tokens as a whole.
#[derive(Debug)]
pub(super) struct SpecialTexts {
    /// None when there are no such texts.
    search: Option<AhoCorasick>,
    texts: Vec<String>,
    ids: Vec<u32>,
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
    pub fn new<'a>(tokens: impl Iterator<Item = (u32, &'a str)>) -> Result<Self, String> {
        let (ids, texts): (Vec<u32>, Vec<String>) =
            tokens.map(|(id, text)| (id, text.to_owned())).unzip();
        let search = if texts.is_empty() {
            None
        } else {
            let builder =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts);
            Some(builder.map_err(|error| error.to_string())?)
        };
        Ok(Self { search, texts, ids })
    }

    /// The text as it falls apart at the special ones.
    pub fn split<'a>(&self, text: &'a str) -> Vec<Fragment<'a>> {
        let mut fragments = Vec::new();
        let mut rest = 0;
        let matches = self.search.iter().flat_map(|search| search.find_iter(text));
        for found in matches {
            if let Some(before) = text.get(rest..found.start()).filter(|before| !before.is_empty())
            {
                fragments.push(Fragment::Text(before));
            }
            fragments
                .extend(self.ids.get(found.pattern().as_usize()).copied().map(Fragment::Special));
            rest = found.end();
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
        let texts = SpecialTexts::new([(7, "<a>"), (8, "<a><b>"), (9, "<b>")].into_iter()).unwrap();
        use Fragment::{Special, Text};
        assert_eq!(texts.split("x<a><b><b>y"), [Text("x"), Special(8), Special(9), Text("y")]);
        assert_eq!(texts.split("<a><a"), [Special(7), Text("<a")]);
        assert_eq!(texts.split(""), []);
    }

    #[test]
    fn without_special_texts_a_text_stays_whole() {
        let texts = SpecialTexts::new(std::iter::empty()).unwrap();
        assert_eq!(texts.split("<a>"), [Fragment::Text("<a>")]);
    }
}
