//! JSON into templates and out of them. Out of them by `tojson`: as Python's `json.dumps(value, ensure_ascii=False)` writes it,
//! to the last space. The engine's own filter escapes HTML's characters, which no model was trained on,
//! and writes some numbers otherwise.

use std::fmt::Write;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind};

/// Templates build lists in loops; one nested deeper than this describes no tool.
const DEEPEST: usize = 100;

/// The filter, with the arguments that transformers gives it.
pub(super) fn to_json(
    value: &Value,
    ensure_ascii: Option<Value>,
    indent: Option<Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let named = |given: Option<Value>, name: &str| match given {
        None => options.get::<Option<Value>>(name),
        given => Ok(given),
    };
    // Escaped, the characters that guard a person's text could not be found again.
    if named(ensure_ascii, "ensure_ascii")?.is_some_and(|wanted| wanted.is_true()) {
        return Err(refused("tojson with ensure_ascii=True is not supported"));
    }
    let indent = match named(indent, "indent")?.filter(|indent| !indent.is_none()) {
        None => None,
        Some(indent) => Some(match indent.as_str() {
            Some(text) => text.to_owned(),
            None => " ".repeat(usize::try_from(indent)?.min(16)),
        }),
    };
    let separators = match options.get::<Option<Value>>("separators")? {
        Some(given) if !given.is_none() => {
            given.try_iter()?.map(|separator| separator.to_string()).collect()
        }
        _ => vec![if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()],
    };
    let Ok([between, colon]) = <[String; 2]>::try_from(separators) else {
        return Err(refused("tojson takes two separators"));
    };
    let sorted = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    options.assert_all_used()?;
    let mut writer = Writer { json: String::new(), indent, between, colon, sorted };
    writer.value(value, 0)?;
    Ok(Value::from(writer.json))
}

/// A value of a file as templates see it.
pub(super) fn from_json(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or_else(|| Value::from(number.to_string())),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => values.iter().map(from_json).collect(),
        Json::Object(fields) => {
            Value::from_pairs(fields.iter().map(|(key, value)| (key.as_str(), from_json(value))))
        }
    }
}

fn refused(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}

struct Writer {
    json: String,
    indent: Option<String>,
    between: String,
    colon: String,
    sorted: bool,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(refused("tojson: the value is nested too deeply"));
        }
        match value.kind() {
            ValueKind::None => self.json.push_str("null"),
            ValueKind::Bool => self.json.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.number(value),
            ValueKind::String => self.text(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let values: Vec<Value> = value.try_iter()?.collect();
                self.group('[', &values, ']', depth, |writer, value| {
                    writer.value(value, depth + 1)
                })?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.group('{', &keys, '}', depth, |writer, key| {
                    match key.as_str() {
                        Some(text) => writer.text(text),
                        None => writer.text(&key.to_string()),
                    }
                    writer.json.push_str(&writer.colon.clone());
                    writer.value(&value.get_item(key)?, depth + 1)
                })?;
            }
            kind => return Err(refused(format!("tojson: {kind} cannot be written as JSON"))),
        }
        Ok(())
    }

    fn group(
        &mut self,
        open: char,
        parts: &[Value],
        close: char,
        depth: usize,
        mut part: impl FnMut(&mut Self, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.json.push(open);
        for (number, value) in parts.iter().enumerate() {
            if number > 0 {
                self.json.push_str(&self.between.clone());
            }
            self.new_line(depth + 1);
            part(self, value)?;
        }
        if !parts.is_empty() {
            self.new_line(depth);
        }
        self.json.push(close);
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.json.push('\n');
            self.json.push_str(&indent.repeat(depth));
        }
    }

    fn number(&mut self, value: &Value) {
        self.json.push_str(&decimal(value).unwrap_or_else(|| value.to_string()));
    }

    fn text(&mut self, text: &str) {
        self.json.push('"');
        for character in text.chars() {
            match character {
                '"' => self.json.push_str("\\\""),
                '\\' => self.json.push_str("\\\\"),
                '\n' => self.json.push_str("\\n"),
                '\r' => self.json.push_str("\\r"),
                '\t' => self.json.push_str("\\t"),
                '\u{8}' => self.json.push_str("\\b"),
                '\u{c}' => self.json.push_str("\\f"),
                '\0'..='\x1f' => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.json, "\\u{:04x}", u32::from(character));
                }
                _ => self.json.push(character),
            }
        }
        self.json.push('"');
    }
}

/// A float as Python writes it in JSON and, if it is finite, everywhere; none for all other values.
pub(super) fn decimal(value: &Value) -> Option<String> {
    let float = value.kind() == ValueKind::Number && !value.is_integer();
    f64::try_from(value.clone()).ok().filter(|_| float).map(shortest)
}

/// The shortest decimal that reads back the same, with an exponent from 1e16 up and below 1e-4.
fn shortest(number: f64) -> String {
    if !number.is_finite() {
        let name = if number.is_nan() { "NaN" } else { "Infinity" };
        return if number < 0.0 { format!("-{name}") } else { name.to_owned() };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        format!("{number:?}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (number, written) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(shortest(number), written);
        }
    }
}
