//! Rows of a list that have certain words.

use crate::store::plain_line;
use crate::tui::pane::Shared;

/// All of `words`, parted by spaces, are in `text`, whatever their case.
pub fn has_words(text: &str, words: &str) -> bool {
    if words.is_empty() {
        return true;
    }
    let text = text.to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// What a list is narrowed by, as its head says it: `/files`.
pub fn found_with(words: &str, shared: &Shared) -> String {
    format!("{} {}", shared.keymap.key("search"), plain_line(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a search leaves out rows that have what was searched for.
    #[test]
    fn all_words_count_in_any_order_and_case() {
        assert!(has_words("List the Files", "files list"));
        assert!(has_words("Écris une ligne", "éCRIS"));
        assert!(has_words("anything", "  "));
        assert!(!has_words("list the files", "list folder"));
    }
}
