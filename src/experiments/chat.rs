//! Everyday conversation that comes with Kaizen: what the arm `unrelated` learns.

use crate::eval::{Example, FieldMap, set};
use crate::workplace::Result;

/// The built-in conversation.
///
/// # Errors
/// Never for an unchanged build: a test reads it.
pub fn chat() -> Result<Vec<Example>> {
    let text = include_bytes!("../../assets/experiments/chat.jsonl");
    Ok(set::read_from(text.as_slice(), "the built-in conversation", &FieldMap::default())?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, the control of an experiment is missing or is no longer unrelated.
    #[test]
    fn the_built_in_conversation_is_whole_and_about_nothing_that_is_measured() {
        let chat = chat().unwrap();
        assert!(chat.len() >= 80);
        for example in &chat {
            assert!(example.effective_check().is_none(), "{}", example.id);
            let text = format!("{} {}", example.prompt(), example.answer).to_lowercase();
            for word in ["shell command", "python", "function", "equation", "perplexity"] {
                assert!(!text.contains(word), "{}: {word}", example.id);
            }
        }
    }
}
