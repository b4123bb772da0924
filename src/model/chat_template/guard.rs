//! Keeps what people wrote from becoming control tokens. While the template runs, the first character
//! of every control token's text inside a message is replaced by a private character; once the
//! template's own control tokens have been found in the result, it is put back. So the template may
//! trim and move the contents, and tokens merge across their borders, exactly as without the guard.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::model::error::{Error, Result};
use crate::store::{Message, ToolCall};

/// Which private character stands for which.
#[derive(Debug, Default)]
pub(super) struct Guard {
    private: BTreeMap<char, char>,
}

impl Guard {
    /// Replaces in every message and tool what could become one of `control`; gives them so changed.
    ///
    /// # Errors
    /// When they use up all of Unicode's private characters.
    pub fn new<'a>(
        messages: &[Message],
        tools: &[Value],
        template: &str,
        control: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<(Self, Vec<Message>, Vec<Value>)> {
        let (mut messages, mut tools) = (messages.to_vec(), tools.to_vec());
        let mut used: BTreeSet<char> = template.chars().filter(is_private).collect();
        each_text(&mut messages, &mut tools, &mut |text| {
            used.extend(text.chars().filter(is_private));
            Ok(())
        })?;
        let mut free = PRIVATE.into_iter().flatten().filter(|character| !used.contains(character));
        let mut standing_for = BTreeMap::new();
        each_text(&mut messages, &mut tools, &mut |text| {
            let places = places(text, control.clone());
            if places.is_empty() {
                return Ok(());
            }
            let mut guarded = String::with_capacity(text.len());
            for (place, character) in text.char_indices() {
                if !places.contains(&place) {
                    guarded.push(character);
                    continue;
                }
                let private = match standing_for.get(&character) {
                    Some(&private) => private,
                    None => {
                        let private = free.next().ok_or_else(|| Error::ChatTemplate {
                            reason:
                                "a message holds every private character of Unicode; take some out"
                                    .into(),
                        })?;
                        standing_for.insert(character, private);
                        private
                    }
                };
                guarded.push(private);
            }
            *text = guarded;
            Ok(())
        })?;
        let private = standing_for.into_iter().map(|(character, private)| (private, character));
        Ok((Self { private: private.collect() }, messages, tools))
    }

    /// Puts the replaced characters back.
    pub fn restore(&self, text: &str) -> String {
        text.chars()
            .map(|character| self.private.get(&character).copied().unwrap_or(character))
            .collect()
    }
}

const PRIVATE: [RangeInclusive<char>; 2] = ['\u{f0000}'..='\u{ffffd}', '\u{100000}'..='\u{10fffd}'];

fn is_private(character: &char) -> bool {
    PRIVATE.iter().any(|range| range.contains(character))
}

/// Everything that people, models and tools wrote.
fn each_text(
    messages: &mut [Message],
    tools: &mut [Value],
    change: &mut impl FnMut(&mut String) -> Result<()>,
) -> Result<()> {
    for Message { role: _, content, tool_calls, tool_call_id } in messages {
        change(content)?;
        for ToolCall { id, name, arguments } in tool_calls {
            id.as_mut().map_or(Ok(()), &mut *change)?;
            change(name)?;
            each_text_of(arguments, change)?;
        }
        tool_call_id.as_mut().map_or(Ok(()), &mut *change)?;
    }
    tools.iter_mut().try_for_each(|tool| each_text_of(tool, change))
}

fn each_text_of(
    value: &mut Value,
    change: &mut impl FnMut(&mut String) -> Result<()>,
) -> Result<()> {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().try_for_each(|value| each_text_of(value, change)),
        Value::Object(fields) => {
            for (mut key, mut value) in std::mem::take(fields) {
                change(&mut key)?;
                each_text_of(&mut value, change)?;
                fields.insert(key, value);
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
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
    use crate::store::Role;
    use serde_json::json;

    fn guarded(content: &str, control: &[&str]) -> (String, String) {
        let messages = [Message::user(content)];
        let (guard, messages, _) = Guard::new(&messages, &[], "", control.iter().copied()).unwrap();
        let hidden = messages[0].content.clone();
        let restored = guard.restore(&hidden);
        (hidden, restored)
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
    fn calls_results_and_tools_are_guarded_too() {
        let call = ToolCall {
            id: Some("<a>1".into()),
            name: "<a>2".into(),
            arguments: json!({ "<a>3": ["<a>4", { "x": "<a>5" }], "n": 1.5 }),
        };
        let messages = [
            Message { tool_calls: vec![call], ..Message::assistant("<a>6") },
            Message { tool_call_id: Some("<a>7".into()), ..Message::new(Role::Tool, "<a>8") },
        ];
        let tools = [json!({ "<a>9": "<a>10" })];
        let (guard, guarded, guarded_tools) =
            Guard::new(&messages, &tools, "", ["<a>"].into_iter()).unwrap();
        let text = serde_json::to_string(&(&guarded, &guarded_tools)).unwrap();
        assert!(!text.contains("<a>"), "{text}");
        assert_eq!(guard.restore(&text), serde_json::to_string(&(messages, tools)).unwrap());
    }

    #[test]
    fn private_characters_of_the_person_are_left_alone() {
        let (_, restored) = guarded("\u{f0000}<|a|>\u{f0001}", &["<|a|>"]);
        assert_eq!(restored, "\u{f0000}<|a|>\u{f0001}");
    }
}
