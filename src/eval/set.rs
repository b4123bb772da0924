//! Reads evaluation sets and training files: JSONL, one example a line.
//!
//! Any bad line stops the reading before work begins: a set that is half understood would give
//! numbers that look right. Keys we do not know are allowed; blank lines are skipped.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::check::Check;
use super::error::{Error, Result};
use super::example::{Example, Provenance};
use super::field_map::{Field, FieldMap};
use crate::store::{Message, Role};

/// The area of items that name none.
pub const DEFAULT_AREA: &str = "all";

/// A longer line is no example but a file of another kind, read by mistake.
const LONGEST_LINE: u64 = 16 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the set or training file at `path`.
///
/// # Errors
/// The file cannot be read, holds no example, or has a bad line (named with its reason).
pub fn read(path: &Path, map: &FieldMap) -> Result<Vec<Example>> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_from(BufReader::new(file), &name, map),
        Err(source) => Err(Error::Read { name, source }),
    }
}

/// Reads a set from any reader, such as a built-in one; `name` stands in the errors.
///
/// Lines are `{"id","area","prompt","answer"}` or `{"id","area","messages":[…]}`, whose last
/// turn is the answer; `check`, `weight` and `provenance` may stand beside. An item without an
/// id is called `line-N`, one without an area belongs to [`DEFAULT_AREA`].
///
/// # Errors
/// As [`read`].
pub fn read_from(mut reader: impl BufRead, name: &str, map: &FieldMap) -> Result<Vec<Example>> {
    let mut examples: Vec<Example> = Vec::new();
    let mut first_seen: HashMap<String, usize> = HashMap::new();
    let mut bytes = Vec::new();
    let mut number = 0;
    loop {
        bytes.clear();
        let count = (&mut reader)
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut bytes)
            .map_err(|source| Error::Read { name: name.to_owned(), source })?;
        if count == 0 {
            break;
        }
        number += 1;
        let bad =
            |reason| Error::BadLine { name: name.to_owned(), line: number, reason: plain(reason) };
        if count as u64 > LONGEST_LINE {
            return Err(bad(format!("longer than {} MiB; is it JSONL?", LONGEST_LINE >> 20)));
        }
        let line = match number {
            1 => bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes),
            _ => &bytes,
        };
        let Ok(text) = std::str::from_utf8(line) else {
            return Err(bad("not UTF-8 text; save the file as UTF-8".to_owned()));
        };
        if text.trim().is_empty() {
            continue;
        }
        let example = example(text, number, map).map_err(bad)?;
        if let Some(first) = first_seen.insert(example.id.clone(), number) {
            return Err(bad(format!("id {:?} was already used in line {first}", example.id)));
        }
        examples.push(example);
    }
    if examples.is_empty() {
        return Err(Error::Empty { name: name.to_owned() });
    }
    Ok(examples)
}

/// Control characters from a file must not reach a terminal by way of an error.
fn plain(reason: String) -> String {
    reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

type Reason = String;

fn example(text: &str, number: usize, map: &FieldMap) -> std::result::Result<Example, Reason> {
    let line = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(line)) => Line { line, map },
        Ok(_) => return Err("is JSON, but not an object like {\"prompt\":…,\"answer\":…}".into()),
        Err(error) if error.is_eof() => return Err("is not JSON: it ends too early".into()),
        Err(error) => return Err(format!("is not JSON, from column {}", error.column())),
    };
    let id = line.text_or_number(Field::Id)?.unwrap_or_else(|| format!("line-{number}"));
    let area = line.text(Field::Area)?.unwrap_or_else(|| DEFAULT_AREA.to_owned());
    let (messages, answer) = line.turns()?;
    let weight: f64 = line.value(Field::Weight)?.unwrap_or(1.0);
    if !(weight.is_finite() && weight > 0.0) {
        return Err(format!("{:?} must be above zero", map.name(Field::Weight)));
    }
    let check: Option<Check> = line.value(Field::Check)?;
    if let Some(check) = &check {
        check.validate().map_err(|why| format!("{:?}: {why}", map.name(Field::Check)))?;
    }
    let provenance = line.value(Field::Provenance)?.unwrap_or(Provenance::File);
    Ok(Example { id, area, messages, answer, weight, provenance, check })
}

/// One parsed line, read by the names that the person's file uses.
struct Line<'a> {
    line: Map<String, Value>,
    map: &'a FieldMap,
}

impl Line<'_> {
    fn get(&self, field: Field) -> Option<&Value> {
        self.line.get(self.map.name(field)).filter(|value| !value.is_null())
    }

    fn text(&self, field: Field) -> std::result::Result<Option<String>, Reason> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => {
                Err(format!("{:?} is empty", self.map.name(field)))
            }
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("{:?} must be text", self.map.name(field))),
        }
    }

    /// Ids and final answers are often bare numbers in published sets.
    fn text_or_number(&self, field: Field) -> std::result::Result<Option<String>, Reason> {
        match self.get(field) {
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            _ => self.text(field),
        }
    }

    fn value<T: DeserializeOwned>(&self, field: Field) -> std::result::Result<Option<T>, Reason> {
        self.get(field)
            .map(|value| T::deserialize(value))
            .transpose()
            .map_err(|error| format!("{:?}: {error}", self.map.name(field)))
    }

    /// The turns before the answer, and the answer.
    fn turns(&self) -> std::result::Result<(Vec<Message>, String), Reason> {
        let own_names = self.map.is_mapped(Field::Prompt) || self.map.is_mapped(Field::Answer);
        let conversation = match own_names && !self.map.is_mapped(Field::Messages) {
            true => None,
            false => self.value::<Vec<Message>>(Field::Messages)?,
        };
        match conversation {
            Some(_) if self.get(Field::Answer).is_some() => Err(format!(
                "has both {:?} and {:?}; choose with --map which is meant",
                self.map.name(Field::Messages),
                self.map.name(Field::Answer)
            )),
            Some(turns) => self.split_conversation(turns),
            None => {
                let missing = |field| format!("has no {:?}", self.map.name(field));
                let prompt = self.text(Field::Prompt)?.ok_or_else(|| missing(Field::Prompt))?;
                let answer =
                    self.text_or_number(Field::Answer)?.ok_or_else(|| missing(Field::Answer))?;
                Ok((vec![Message::user(prompt)], answer))
            }
        }
    }

    fn split_conversation(
        &self,
        mut turns: Vec<Message>,
    ) -> std::result::Result<(Vec<Message>, String), Reason> {
        let name = self.map.name(Field::Messages);
        let Some(last) = turns.pop() else {
            return Err(format!("{name:?} is empty"));
        };
        if last.role != Role::Assistant {
            return Err(format!(
                "the last turn is the {}'s; it must be the assistant's answer",
                last.role.as_str()
            ));
        }
        if last.content.trim().is_empty() {
            return Err("the answer (the last turn) is empty".into());
        }
        let asks = |turn: &Message| turn.role != Role::System && !turn.content.trim().is_empty();
        if !turns.iter().any(asks) {
            return Err("nothing is asked before the answer".into());
        }
        Ok((turns, last.content))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(bytes: impl AsRef<[u8]>) -> Result<Vec<Example>> {
        read_from(bytes.as_ref(), "set.jsonl", &FieldMap::default())
    }

    #[test]
    fn both_kinds_of_line_are_read() {
        let set = parse(concat!(
            r#"{"id":"a","area":"shell","prompt":"List files","answer":"ls","source":"me"}"#,
            "\n\n",
            r#"{"id":7,"area":"facts","messages":[{"role":"system","content":"Be brief."},"#,
            r#"{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello."}],"#,
            r#""check":{"kind":"exact","accept":["hello"]},"weight":2}"#,
        ))
        .unwrap();
        assert_eq!(set.len(), 2);
        assert_eq!(set[0].messages, [Message::user("List files")]);
        assert_eq!((set[0].answer.as_str(), set[0].weight), ("ls", 1.0));
        assert_eq!(set[0].provenance, Provenance::File);
        assert_eq!(set[1].id, "7");
        assert_eq!(set[1].messages.len(), 2);
        assert_eq!(set[1].answer, "Hello.");
        assert_eq!(set[1].weight, 2.0);
        assert_eq!(set[1].check, Some(Check::Exact { accept: vec!["hello".into()] }));
    }

    #[test]
    fn files_saved_on_windows_are_read() {
        let set = parse(
            "\u{feff}{\"prompt\":\"a\",\"answer\":\"b\"}\r\n{\"prompt\":\"c\",\"answer\":\"d\"}\r\n",
        );
        let set = set.unwrap();
        assert_eq!(set[0].id, "line-1");
        assert_eq!(set[1].id, "line-2");
        assert_eq!(set[1].area, "all");
        assert_eq!(set[1].answer, "d");
    }

    #[test]
    fn the_files_own_names_are_used_when_mapped() {
        let map: FieldMap = "prompt=question,answer=output".parse().unwrap();
        let line = r#"{"question":"2+2?","output":4,"messages":[],"answer":"unused"}"#;
        let set = read_from(line.as_bytes(), "x", &map).unwrap();
        assert_eq!(set[0].prompt(), "2+2?");
        assert_eq!(set[0].answer, "4");
    }

    #[test]
    fn any_bad_line_stops_with_file_line_and_reason() {
        let good = r#"{"id":"a","prompt":"p","answer":"x"}"#;
        for (bad, reason) in [
            (r#"{"id":"b","prompt":"p","answer":"#, "ends too early"),
            (r#"{"id":"b" "prompt"}"#, "is not JSON"),
            (r#"["p","x"]"#, "not an object"),
            (r#"{"id":"b","prompt":"p"}"#, "has no \"answer\""),
            (r#"{"id":"b","answer":"p"}"#, "has no \"prompt\""),
            (r#"{"id":"b","prompt":" ","answer":"x"}"#, "\"prompt\" is empty"),
            (r#"{"id":"b","prompt":"p","answer":""}"#, "\"answer\" is empty"),
            (r#"{"id":"b","prompt":["p"],"answer":"x"}"#, "must be text"),
            (r#"{"id":"","prompt":"p","answer":"x"}"#, "\"id\" is empty"),
            (r#"{"id":"a","prompt":"q","answer":"x"}"#, "already used in line 1"),
            (r#"{"id":"b","prompt":"p","answer":"x","weight":0}"#, "above zero"),
            (r#"{"id":"b","prompt":"p","answer":"x","check":{"kind":"regex"}}"#, "\"check\""),
            (
                r#"{"id":"b","prompt":"p","answer":"x","check":{"kind":"contains","any":[]}}"#,
                "never pass",
            ),
            (r#"{"id":"b","messages":[]}"#, "is empty"),
            (r#"{"id":"b","messages":[{"role":"user","content":"p"}]}"#, "the user's"),
            (r#"{"id":"b","messages":[{"role":"assistant","content":"x"}]}"#, "nothing is asked"),
            (r#"{"id":"b","messages":[{"role":"bot","content":"x"}]}"#, "unknown variant `bot`"),
            (
                r#"{"id":"b","messages":[{"role":"user","content":"p"},{"role":"assistant","content":""}]}"#,
                "answer (the last turn) is empty",
            ),
            (r#"{"id":"b","messages":[{"role":"user","content":"p"}],"answer":"x"}"#, "has both"),
        ] {
            let error = parse(format!("{good}\n{bad}\n{good}")).unwrap_err().to_string();
            assert!(error.starts_with("set.jsonl, line 2: "), "{error}");
            assert!(error.contains(reason), "{bad}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_named() {
        let error = parse(b"{\"prompt\":\"\xff\",\"answer\":\"x\"}").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("UTF-8"), "{error}");
    }

    #[test]
    fn an_empty_file_is_an_error_not_an_empty_result() {
        for text in ["", "\n\n", "\u{feff}"] {
            assert!(matches!(parse(text), Err(Error::Empty { .. })), "{text:?}");
        }
    }

    #[test]
    fn terminal_escapes_in_a_file_do_not_reach_the_screen_in_an_error() {
        let line = r#"{"messages":[{"role":"\u001b[31mred","content":"x"}]}"#;
        let error = parse(line).unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let set = vec![
            Example {
                id: "a".into(),
                area: "maths".into(),
                messages: vec![Message::user("2+2?")],
                answer: "4".into(),
                weight: 0.5,
                provenance: Provenance::Targeted,
                check: Some(Check::Number { value: 4.0 }),
            },
            Example {
                id: "b".into(),
                area: "all".into(),
                messages: vec![Message::system("Be brief."), Message::user("Hi")],
                answer: "Hello.\nHow are you?".into(),
                weight: 1.0,
                provenance: Provenance::Correction,
                check: None,
            },
        ];
        let lines: Vec<String> =
            set.iter().map(|example| serde_json::to_string(example).unwrap()).collect();
        assert_eq!(parse(lines.join("\n")).unwrap(), set);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/no/such/set.jsonl"), &FieldMap::default()).unwrap_err();
        assert!(error.to_string().contains("/no/such/set.jsonl"));
    }
}
