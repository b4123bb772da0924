//! Keeps what people wrote from becoming control tokens. While the template runs, the first character
//! of every control token's text inside a message is replaced by a private character; once the
//! template's own control tokens have been found in the result, it is put back. So the template may
//! trim and move the contents, and tokens merge across their borders, exactly as without the guard.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::error::{Error, Result};
use crate::store::Message;

/// Which private character stands for which.
#[derive(Debug, Default)]
pub(super) struct Guard {
    private: BTreeMap<char, char>,
}

impl Guard {
    /// Replaces in every message what could become one of `control`; gives the contents so made.
    ///
    /// # Errors
    /// When the messages use up all of Unicode's private characters.
    pub fn new<'a>(
        messages: &[Message],
        template: &str,
        control: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<(Self, Vec<String>)> {
        let mut guard = Self::default();
        let mut contents = Vec::with_capacity(messages.len());
        let mut free =
            ('\u{f0000}'..='\u{ffffd}').chain('\u{100000}'..='\u{10fffd}').filter(|&character| {
                !template.contains(character)
                    && !messages.iter().any(|m| m.content.contains(character))
            });
        let mut standing_for = BTreeMap::new();
        for message in messages {
            let places = places(&message.content, control.clone());
            let mut content = String::with_capacity(message.content.len());
            for (place, character) in message.content.char_indices() {
                if !places.contains(&place) {
                    content.push(character);
                    continue;
                }
                let private = match standing_for.get(&character) {
                    Some(&private) => private,
                    None => {
                        let reason =
                            "a message holds every private character of Unicode; take some out";
                        let private = free
                            .next()
                            .ok_or_else(|| Error::ChatTemplate { reason: reason.into() })?;
                        standing_for.insert(character, private);
                        guard.private.insert(private, character);
                        private
                    }
                };
                content.push(private);
            }
            contents.push(content);
        }
        Ok((guard, contents))
    }

    /// Puts the replaced characters back.
    pub fn restore(&self, text: &str) -> String {
        text.chars()
            .map(|character| self.private.get(&character).copied().unwrap_or(character))
            .collect()
    }
}

/// Where in `content` a control token's text begins, or could begin were the template to complete it.
fn places<'a>(content: &str, control: impl Iterator<Item = &'a str>) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    for text in control {
        let Some(first) = text.chars().next().map(char::len_utf8) else { continue };
        let mut from = 0;
        while let Some(found) = content.get(from..).and_then(|rest| rest.find(text)) {
            places.insert(from + found);
            from += found + first;
        }
        let beginnings = text.char_indices().skip(1).filter_map(|(end, _)| text.get(..end));
        for beginning in beginnings.filter(|beginning| content.ends_with(beginning)) {
            places.insert(content.len() - beginning.len());
        }
    }
    places
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn guarded(content: &str, control: &[&str]) -> (String, String) {
        let (guard, contents) =
            Guard::new(&[Message::user(content)], "", control.iter().copied()).unwrap();
        let restored = guard.restore(&contents[0]);
        (contents[0].clone(), restored)
    }

    #[test]
    fn no_control_text_is_left_and_all_comes_back() {
        for content in ["<|a|>", "x<|a|><|a|>y", "aaaa", "<|a|", "<", "<<|a|>", "no", "", "é<|a|>é"]
        {
            let (hidden, restored) = guarded(content, &["<|a|>", "aa", "<"]);
            assert!(!hidden.contains("<|a|>") && !hidden.contains("aa") && !hidden.contains('<'));
            assert_eq!(restored, content);
        }
    }

    #[test]
    fn a_beginning_that_the_template_could_complete_is_broken_too() {
        let (hidden, _) = guarded("see <|im_", &["<|im_end|>"]);
        assert!(!format!("{hidden}end|>").contains("<|im_end|>"));
    }

    #[test]
    fn private_characters_of_the_person_are_left_alone() {
        let (_, restored) = guarded("\u{f0000}<|a|>\u{f0001}", &["<|a|>"]);
        assert_eq!(restored, "\u{f0000}<|a|>\u{f0001}");
    }
}
