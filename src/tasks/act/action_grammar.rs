//! The grammar of actions: what the toolbox and the workspace allow, as one regular expression over
//! canonical JSON. Whatever keeps to it parses; whether it is wise is not its business.

use crate::tasks::Action;
use crate::tasks::tools::{ArgumentKind, Listing, Tool, Toolbox};
use serde_json::{Map, Value};

/// One character of a line of JSON text, but a space; as `serde_json` writes it, so that there is one way
/// only.
const CHARACTER: &str = r#"([^ "\\\x00-\x1F\x7F]|\\["\\])"#;
/// One character of a text of any number of lines.
const TEXT_CHARACTER: &str = r#"([^"\\\x00-\x1F\x7F]|\\["\\nt])"#;

/// A line that says something, without spaces at its ends. A model that is about to write `-name "*.pdf"` would
/// else end the whole command with that first quote.
fn line() -> String {
    format!("\"{CHARACTER}( {{0,4}}{CHARACTER})*\"")
}

/// The pattern of all actions that `toolbox` can do in a workspace with these files. A tool that needs a
/// file that exists, where there is none, is left out.
pub fn pattern(toolbox: &Toolbox, listing: &Listing) -> String {
    let tools: Vec<String> =
        toolbox.iter().filter_map(|tool| tool_pattern(tool, listing)).collect();
    format!("({})", tools.join("|"))
}

fn tool_pattern(tool: &dyn Tool, listing: &Listing) -> Option<String> {
    let mut pattern = literal(&format!("{{\"tool\":\"{}\"", tool.name()));
    for argument in tool.arguments() {
        pattern.push_str(&literal(&format!(",\"{}\":", argument.name)));
        pattern.push_str(&value_pattern(argument.kind, listing)?);
    }
    pattern.push_str(&literal("}"));
    Some(pattern)
}

fn value_pattern(kind: ArgumentKind, listing: &Listing) -> Option<String> {
    Some(match kind {
        ArgumentKind::Line | ArgumentKind::Path => line(),
        ArgumentKind::Text => format!("\"{TEXT_CHARACTER}*\""),
        ArgumentKind::Whole => "(0|[1-9][0-9]{0,4})".to_owned(),
        ArgumentKind::ExistingFile => one_of(listing, paths(listing, false))?,
        ArgumentKind::ExistingFolder => {
            one_of(listing, std::iter::once(".").chain(paths(listing, true)))?
        }
    })
}

fn paths(listing: &Listing, folders: bool) -> impl Iterator<Item = &str> {
    let wanted = listing.entries.iter().filter(move |entry| entry.is_folder == folders);
    wanted.map(|entry| entry.path.as_str())
}

/// One of these paths; any path where more exist than are listed.
fn one_of<'a>(listing: &Listing, paths: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut patterns: Vec<String> =
        paths.map(|path| literal(&Value::from(path).to_string())).collect();
    if listing.left_out > 0 || listing.is_cut {
        patterns.push(line());
    }
    (!patterns.is_empty()).then(|| format!("({})", patterns.join("|")))
}

fn literal(text: &str) -> String {
    regex::escape(text)
}

/// The action that a person wrote in the place of `action`: as JSON, or, for the shell, a command alone.
///
/// # Errors
/// What is wrong with it.
pub fn edit(action: &Action, text: &str, toolbox: &Toolbox) -> Result<Action, String> {
    let text = text.trim();
    if text.starts_with('{') || action.tool != "shell" {
        return parse(text, toolbox);
    }
    parse(&Action::new("shell", &[("command", text)]).to_json(), toolbox)
}

/// Reads an action and makes it canonical: known tool, its own arguments in their order and of their
/// kind, nothing else.
///
/// # Errors
/// What is wrong, for whoever wrote it: a model that was not constrained, or a person who corrects.
pub fn parse(text: &str, toolbox: &Toolbox) -> Result<Action, String> {
    let value: Value = serde_json::from_str(text.trim())
        .map_err(|error| format!("the action is not JSON: {error}"))?;
    let Value::Object(mut fields) = value else {
        return Err(
            "an action is a JSON object such as {\"tool\":\"answer\",\"text\":\"12\"}".into()
        );
    };
    let name = match fields.remove("tool") {
        Some(Value::String(name)) => name,
        _ => return Err("the action names no \"tool\"".into()),
    };
    let tool = toolbox.get(&name).ok_or_else(|| {
        let names: Vec<&str> = toolbox.iter().map(Tool::name).collect();
        format!("there is no tool {name:?}; there are {}", names.join(", "))
    })?;
    let mut arguments = Map::new();
    for argument in tool.arguments() {
        let value = fields
            .remove(argument.name)
            .ok_or_else(|| format!("{name} needs {:?}", argument.name))?;
        let fits = match argument.kind {
            ArgumentKind::Whole => value.as_u64().is_some_and(|number| number < 100_000),
            ArgumentKind::Text => value.is_string(),
            _ => value.as_str().is_some_and(|line| !line.trim().is_empty() && !line.contains('\n')),
        };
        if !fits {
            let wanted = match argument.kind {
                ArgumentKind::Whole => "a whole number below 100000",
                ArgumentKind::Text => "a text",
                _ => "a line of text",
            };
            return Err(format!("{:?} of {name} must be {wanted}", argument.name));
        }
        arguments.insert(argument.name.to_owned(), value);
    }
    match fields.keys().next() {
        Some(other) => Err(format!("{name} takes no {other:?}")),
        None => Ok(Action { tool: name, arguments }),
    }
}
