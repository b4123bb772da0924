//! What texts of a list begin with alike, so that each row can show what tells it from the others.

/// Fewer bytes in common are not worth leaving out.
const LEAST_COMMON: usize = 12;

/// Bytes of whole words that all of several texts begin with; 0 when it is hardly any.
pub fn common_beginning(texts: &[String]) -> usize {
    let [first, others @ ..] = texts else { return 0 };
    if others.is_empty() {
        return 0;
    }
    let common = others.iter().fold(first.len(), |common, other| {
        let same = first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        common.min(same)
    });
    let end = (0..=common)
        .rev()
        .find(|&at| {
            first.is_char_boundary(at) && first.as_bytes().get(at.wrapping_sub(1)) == Some(&b' ')
        })
        .unwrap_or(0);
    if end >= LEAST_COMMON { end } else { 0 }
}

/// A text without what it shares with the others: `common` bytes.
pub fn without_beginning(text: &str, common: usize) -> String {
    match common {
        0 => text.to_owned(),
        _ => format!("…{}", text.get(common..).unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a list of prompts that begin alike shows the same words in every row, or cuts a
    // character in two.
    #[test]
    fn what_all_prompts_of_an_area_begin_with_is_left_out() {
        let common = |texts: &[&str]| {
            common_beginning(&texts.iter().map(|text| text.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(common(&["Write one command: a", "Write one command: b"]), 19);
        assert_eq!(common(&["Write one command: list", "Write one command: line"]), 19);
        assert_eq!(common(&["Why is é so?", "Why is è so?"]), 0);
        assert_eq!(common(&["Écris une ligneé", "Écris une ligneè"]), 0);
        assert_eq!(common(&["Écris une ligne é", "Écris une ligne è"]), 17);
        assert_eq!(common(&["the very same prompt", "the very same prompt"]), 14);
        assert_eq!(common(&["only one prompt here"]), 0);
        assert_eq!(common(&[]), 0);
    }
}
