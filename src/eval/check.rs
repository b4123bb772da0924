//! Whether a generated answer is right, where that can be told without a person.
//!
//! Checks are simple on purpose: each says in one sentence what passes, so that an accuracy can
//! be argued with. They judge the final answer, not the way to it.

use serde::{Deserialize, Serialize};

use super::number::{last_number, only_number};

/// How an item's answer is checked; in a set `"check": {"kind": "number", "value": 12}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Check {
    /// The last number of the answer is `value`, to one part in a million.
    Number { value: f64 },
    /// The answer is the reference or one of `accept`, apart from case, spacing, surrounding
    /// quotes or backticks, and punctuation at its end.
    Exact {
        #[serde(default)]
        accept: Vec<String>,
    },
    /// The answer's first word, without code fence, backticks and prompt sign, is the
    /// reference's: a command calls the same program.
    FirstWord,
    /// The answer contains one of these as whole words, whatever the case.
    Contains { any: Vec<String> },
}

/// Relative tolerance of [`Check::Number`]: answers are written with few digits, rounding of the
/// last of which is not meant to pass.
const NUMBER_TOLERANCE: f64 = 1e-6;

impl Check {
    /// Whether `model_answer` is right, given the set's own `reference_answer`.
    pub fn passes(&self, reference_answer: &str, model_answer: &str) -> bool {
        match self {
            Check::Number { value } => last_number(model_answer)
                .is_some_and(|number| (number - value).abs() <= NUMBER_TOLERANCE * value.abs()),
            Check::Exact { accept } => {
                let given = normalised(model_answer);
                std::iter::once(reference_answer)
                    .chain(accept.iter().map(String::as_str))
                    .any(|accepted| normalised(accepted) == given)
            }
            Check::FirstWord => {
                let expected = first_word(reference_answer);
                !expected.is_empty() && first_word(model_answer) == expected
            }
            Check::Contains { any } => {
                let text = spaced(model_answer);
                any.iter().any(|phrase| contains_words(&text, &spaced(phrase)))
            }
        }
    }

    /// Says why no answer could ever pass, for a check that a person wrote.
    ///
    /// # Errors
    /// The reason, in a few words.
    pub fn validate(&self) -> Result<(), String> {
        match self {
            Check::Contains { any } if any.iter().all(|phrase| phrase.trim().is_empty()) => {
                Err("\"any\" names no word, so an answer can never pass".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// The check that an item's answer implies where its set gives none: the number after GSM8K's
/// `####` (Cobbe et al. 2021, arXiv:2110.14168) or an answer that is just a number; the program
/// called, for shell commands; else none.
pub fn inferred(area: &str, answer: &str) -> Option<Check> {
    let last_line = answer.trim_end().lines().last().unwrap_or_default();
    let number = match last_line.trim().strip_prefix("####") {
        Some(rest) => only_number(rest),
        None => only_number(answer),
    };
    match number {
        Some(value) => Some(Check::Number { value }),
        None if area == "shell" => Some(Check::FirstWord),
        None => None,
    }
}

/// Lowercase, single spaces, without surrounding quotes and final punctuation.
fn normalised(text: &str) -> String {
    let text = spaced(text);
    let mut rest = text.as_str();
    loop {
        let trimmed = rest.trim().trim_end_matches(['.', '!', '?', ',', ';', ':']);
        let trimmed = unquoted(trimmed);
        if trimmed == rest {
            break;
        }
        rest = trimmed;
    }
    // An answer that is nothing but punctuation must still differ from an empty one.
    if rest.is_empty() { text } else { rest.to_owned() }
}

fn unquoted(text: &str) -> &str {
    const PAIRS: [(char, char); 6] =
        [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»')];
    PAIRS
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(text)
}

/// Lowercase with every run of white space as one space.
fn spaced(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_word(text: &str) -> &str {
    let mut rest = text.trim_start();
    if let Some(fenced) = rest.strip_prefix("```") {
        // What follows on the fence's own line is a language name when it is a single word and
        // more lines come.
        rest = match fenced.split_once('\n') {
            Some((info, code)) if info.split_whitespace().count() <= 1 => code,
            _ => fenced,
        };
    }
    loop {
        let trimmed = rest.trim_start().trim_start_matches('`');
        let trimmed = trimmed.strip_prefix("$ ").unwrap_or(trimmed);
        if trimmed == rest {
            break;
        }
        rest = trimmed;
    }
    rest.split_whitespace().next().unwrap_or_default().trim_end_matches('`')
}

/// Whether `phrase` stands in `text` with no letter or digit glued to either end.
fn contains_words(text: &str, phrase: &str) -> bool {
    let glued = |inside: Option<char>, outside: Option<char>| {
        inside.is_some_and(char::is_alphanumeric) && outside.is_some_and(char::is_alphanumeric)
    };
    !phrase.is_empty()
        && text.match_indices(phrase).any(|(start, _)| {
            let end = start + phrase.len();
            !glued(phrase.chars().next(), text[..start].chars().next_back())
                && !glued(phrase.chars().next_back(), text[end..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn checks_have_the_names_that_sets_use() {
        for (json, check) in [
            (r#"{"kind":"number","value":12}"#, Check::Number { value: 12.0 }),
            (r#"{"kind":"exact","accept":["a"]}"#, Check::Exact { accept: vec!["a".into()] }),
            (r#"{"kind":"first-word"}"#, Check::FirstWord),
            (r#"{"kind":"contains","any":["x"]}"#, Check::Contains { any: vec!["x".into()] }),
        ] {
            assert_eq!(serde_json::from_str::<Check>(json).unwrap(), check);
            let back = serde_json::to_string(&check).unwrap();
            assert_eq!(serde_json::from_str::<Check>(&back).unwrap(), check);
        }
    }

    #[test]
    fn a_number_passes_when_it_is_the_last_and_equal() {
        let check = Check::Number { value: 1234.5 };
        assert!(check.passes("", "First 7, then the total is $1,234.50."));
        assert!(!check.passes("", "1234.5 minus 1 is 1233.5"));
        assert!(!check.passes("", "about 1234.4"));
        assert!(!check.passes("", "I don't know"));
        assert!(Check::Number { value: 0.0 }.passes("", "It is 0."));
        assert!(!Check::Number { value: 0.0 }.passes("", "It is 0.001"));
        assert!(Check::Number { value: 0.333_333_3 }.passes("", "0.33333330000001"));
    }

    #[test]
    fn exact_ignores_dress_but_not_words() {
        let check = Check::Exact { accept: vec!["New York City".into()] };
        for answer in ["new york", "New York.", " \"New York\" ", "`New  York`", "New York City!"] {
            assert!(check.passes("New York", answer), "{answer:?}");
        }
        for answer in ["York", "New York is it", "", "."] {
            assert!(!check.passes("New York", answer), "{answer:?}");
        }
        assert!(!Check::Exact { accept: vec![] }.passes("?", "!"));
    }

    #[test]
    fn the_same_program_passes_whatever_surrounds_the_command() {
        for answer in [
            "find . -type f",
            "```bash\nfind .\n```",
            "`find`",
            "$ find .",
            "```\n$ find .\n```",
            "```find .```",
        ] {
            assert!(Check::FirstWord.passes("find /home -name x", answer), "{answer:?}");
        }
        for answer in ["ls", "To find files, use find", "", "```bash\n```", "findmnt /"] {
            assert!(!Check::FirstWord.passes("find /home", answer), "{answer:?}");
        }
    }

    #[test]
    fn contains_wants_whole_words() {
        let check = Check::Contains { any: vec!["Paris".into(), "city of light".into()] };
        for answer in ["It is PARIS.", "the City of\nLight!", "(paris)"] {
            assert!(check.passes("", answer), "{answer:?}");
        }
        for answer in ["comparison", "Parisian", "city of lights", ""] {
            assert!(!check.passes("", answer), "{answer:?}");
        }
        let signed = Check::Contains { any: vec!["$5".into()] };
        assert!(signed.passes("", "costs US$5 now") && !signed.passes("", "costs $50"));
    }

    #[test]
    fn checks_are_inferred_only_where_the_answer_implies_one() {
        let number = |value| Some(Check::Number { value });
        assert_eq!(inferred("maths", "16 - 9 = 7\n#### 7"), number(7.0));
        assert_eq!(inferred("maths", "…\n#### -1,250\n"), number(-1250.0));
        assert_eq!(inferred("facts", "1969"), number(1969.0));
        assert_eq!(inferred("shell", "ls -la"), Some(Check::FirstWord));
        assert_eq!(inferred("facts", "In 1969."), None);
        assert_eq!(inferred("code", "def f(): return 3"), None);
        assert_eq!(inferred("maths", "#### many"), None);
    }
}
