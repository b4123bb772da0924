//! Runs a chat template the way transformers does (jinja2 with `trim_blocks` and `lstrip_blocks`, its
//! extra functions and its plain `tojson`), with a bound on the work that a template may do.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, context};
use serde_json::json;

use super::json::{decimal, from_json, to_json};
use crate::model::error::{Error, Result};
use crate::store::{Message, ToolCall};

/// One unit is about one instruction or 64 bytes; a conversation of a thousand turns needs some ten
/// thousands. Bounds both time and memory.
const FUEL: u64 = 2_000_000;
/// Macros calling macros; templates in use nest two or three.
const RECURSION: usize = 64;
const NAME: &str = "chat_template";

/// A compiled template.
#[derive(Debug)]
pub(super) struct Renderer {
    environment: Environment<'static>,
    bos_token: Value,
    eos_token: Value,
}

impl Renderer {
    /// # Errors
    /// When the template is not valid Jinja; the reason says where.
    pub fn new(template: &str, bos_token: Option<&str>, eos_token: Option<&str>) -> Result<Self> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| refused(&error))?);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_formatter(|output, state, value| match decimal(value) {
            Some(decimal) => output.write_str(&decimal).map_err(minijinja::Error::from),
            None => minijinja::escape_formatter(output, state, value),
        });
        environment.add_filter("string", |value: Value| match decimal(&value) {
            Some(decimal) => Value::from(decimal),
            None => Value::from(value.to_string()),
        });
        // The engine takes none for an empty list.
        environment.add_test("iterable", |value: Value| {
            !value.is_none() && (value.as_str().is_some() || value.try_iter().is_ok())
        });
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment
            .add_template_owned(NAME, without_generation_tags(template))
            .map_err(|error| refused(&error))?;
        let token = |text: Option<&str>| text.map_or(Value::UNDEFINED, Value::from);
        Ok(Self { environment, bos_token: token(bos_token), eos_token: token(eos_token) })
    }

    /// The text of these messages, with these tools.
    ///
    /// # Errors
    /// When the template refuses the conversation (in its own words) or does too much work.
    pub fn render(
        &self,
        messages: &[Message],
        tools: &[serde_json::Value],
        add_generation_prompt: bool,
    ) -> Result<String> {
        let messages: Vec<Value> = messages.iter().map(shown).collect();
        // Templates ask whether there are tools by `tools is not none`.
        let tools =
            if tools.is_empty() { Value::from(()) } else { tools.iter().map(from_json).collect() };
        let template = self.environment.get_template(NAME).map_err(|error| refused(&error))?;
        template
            .render(context! {
                messages => messages,
                add_generation_prompt => add_generation_prompt,
                bos_token => self.bos_token.clone(),
                eos_token => self.eos_token.clone(),
                tools => tools,
                documents => Value::from(()),
            })
            .map_err(|error| refused(&error))
    }
}

/// A message with the names that templates read. What it has not got is left out: they ask by `in` and
/// by `is defined`.
fn shown(message: &Message) -> Value {
    let Message { role, content, tool_calls, tool_call_id } = message;
    let mut shown = json!({ "role": role.as_str(), "content": content });
    if !tool_calls.is_empty() {
        shown["tool_calls"] = tool_calls.iter().map(shown_call).collect();
    }
    if let Some(id) = tool_call_id {
        shown["tool_call_id"] = json!(id);
    }
    from_json(&shown)
}

fn shown_call(ToolCall { id, name, arguments }: &ToolCall) -> serde_json::Value {
    let function = json!({ "name": name, "arguments": arguments });
    match id {
        Some(id) => json!({ "id": id, "type": "function", "function": function }),
        None => json!({ "type": "function", "function": function }),
    }
}

/// One line out of an error of the template engine.
fn refused(error: &minijinja::Error) -> Error {
    let reason = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it does far more work than a chat template should".to_owned(),
        (_, Some(detail)) => match error.line() {
            Some(line) => format!("{detail} (line {line} of the template)"),
            None => detail.to_owned(),
        },
        _ => error.to_string(),
    };
    let words: Vec<_> = reason.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let mut reason = words.join(" ");
    if let Some((end, _)) = reason.char_indices().nth(500) {
        reason.truncate(end);
    }
    Error::ChatTemplate { reason }
}

fn raise_exception(message: String) -> std::result::Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

fn strftime_now(format: String) -> std::result::Result<String, minijinja::Error> {
    jiff::fmt::strtime::format(&format, &jiff::Zoned::now())
        .map_err(|error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// `{% generation %}` marks, for transformers, what the assistant said; it does not change the text.
fn without_generation_tags(template: &str) -> String {
    let mut plain = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, tag)) = rest.split_once("{%") {
        plain.push_str(before);
        plain.push_str("{%");
        rest = tag;
        let Some((inside, after)) = tag.split_once("%}") else { continue };
        let word = inside.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        let harmless = match word {
            "generation" => "if true",
            "endgeneration" => "endif",
            _ => continue,
        };
        plain.push_str(&inside.replacen(word, harmless, 1));
        plain.push_str("%}");
        rest = after;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn render(template: &str, messages: &[Message]) -> Result<String> {
        Renderer::new(template, Some("<s>"), None)?.render(messages, &[], true)
    }

    #[test]
    fn templates_written_for_transformers_run() {
        let hello = [Message::user(" <b>\"don't\" & é \\u003c ")];
        let json = render("{{ messages[0]['content'] | tojson }}", &hello).unwrap();
        assert_eq!(json, r#"" <b>\"don't\" & é \\u003c ""#);
        let json =
            render("{{ messages | tojson(indent=2, ensure_ascii=False) }}", &[Message::user("<")]);
        assert!(json.unwrap().contains("\"content\": \"<\""));
        assert_eq!(
            render("{{ messages[0].content.strip().startswith('<b>') }}", &hello).unwrap(),
            "True"
        );
        assert_eq!(render("{{ bos_token }}{{ eos_token }}", &hello).unwrap(), "<s>");
        assert_eq!(render("{% if tools is not none %}a{% endif %}b", &hello).unwrap(), "b");
        let blocks = "{% for m in messages %}\n  {% generation %}\n{{ m.role }}\n  {%- endgeneration -%}\n{% endfor %}";
        assert_eq!(render(blocks, &hello).unwrap(), "user");
        assert_eq!(render("{{ strftime_now('%Y')|length }}", &hello).unwrap(), "4");
    }

    #[test]
    fn a_template_that_refuses_speaks_for_itself_in_one_line() {
        let message = render("{{ raise_exception('System role\nnot supported') }}", &[])
            .unwrap_err()
            .to_string();
        assert!(message.contains("System role not supported"), "{message}");
        for faulty in ["{% if %}", "{{ nothing.at.all }}", "{% for", "{{ strftime_now('%!') }}"] {
            let message = render(faulty, &[]).unwrap_err().to_string();
            assert!(!message.contains('\n'), "{message}");
        }
    }

    /// A template comes with the model file, from anywhere.
    #[test]
    fn a_hostile_template_is_stopped() {
        for hostile in [
            "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
            "{{ 'x' * 99999999 * 99999999 }}",
            "{% set n = namespace(s='x') %}{% for i in range(64) %}{% set n.s = n.s + n.s %}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        ] {
            let message = render(hostile, &[]).unwrap_err().to_string();
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
