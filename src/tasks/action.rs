//! What the actor chose: a tool and its arguments, as the JSON that a model writes and learns.

use serde_json::{Map, Value};

/// One action. Its text is canonical: the same action is always the same JSON, so that what is learned
/// is what is decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    pub tool: String,
    /// In the order of the tool's own list.
    pub arguments: Map<String, Value>,
}

impl Action {
    pub fn new(tool: &str, arguments: &[(&str, &str)]) -> Self {
        let arguments =
            arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        Self { tool: tool.to_owned(), arguments }
    }

    /// The text of an argument; empty when it is missing or a number.
    pub fn text(&self, name: &str) -> &str {
        self.arguments.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn whole(&self, name: &str) -> Option<i64> {
        self.arguments.get(name).and_then(Value::as_i64)
    }

    /// For a person: the tool, then its arguments. Not made safe for a terminal.
    pub fn describe(&self) -> String {
        let values = self.arguments.values();
        let arguments = values.map(|value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        });
        [self.tool.clone()].into_iter().chain(arguments).collect::<Vec<_>>().join("  ")
    }

    /// `{"tool":"shell","command":"ls"}`, without spaces between.
    pub fn to_json(&self) -> String {
        let mut object = Map::new();
        object.insert("tool".to_owned(), self.tool.clone().into());
        object.extend(self.arguments.clone());
        Value::Object(object).to_string()
    }
}
