//! One turn of a conversation, as it is stored in sessions and sets and shown to the chat template.

use serde::{Deserialize, Deserializer, Serialize};

/// Who speaks in a [`Message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    /// The name that chat templates compare with.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One turn: who said it, and what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
    /// The tools that the assistant calls with this turn.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call a tool's turn answers, for models that number them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

/// One use of a tool that the assistant asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "WrittenCall")]
pub struct ToolCall {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub name: String,
    /// An object by the tool's own schema; some models' answers are kept as the text they wrote.
    pub arguments: serde_json::Value,
}

/// A call as files hold it: as we write it, or inside `function`, as `OpenAI`'s sets have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenCall {
    Inside { id: Option<String>, function: Function },
    Plain { id: Option<String>, name: String, arguments: serde_json::Value },
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: serde_json::Value,
}

impl From<WrittenCall> for ToolCall {
    fn from(written: WrittenCall) -> Self {
        match written {
            WrittenCall::Inside { id, function: Function { name, arguments } }
            | WrittenCall::Plain { id, name, arguments } => Self { id, name, arguments },
        }
    }
}

/// `null` stands for no calls in many sets.
fn or_none<'de, D: Deserializer<'de>>(calls: D) -> Result<Vec<ToolCall>, D::Error> {
    Option::deserialize(calls).map(Option::unwrap_or_default)
}

impl Message {
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }

    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_turn_without_calls_is_written_as_before_there_were_any() {
        let line = r#"{"role":"user","content":"Hi"}"#;
        let message: Message = serde_json::from_str(line).unwrap();
        assert_eq!(message, Message::user("Hi"));
        assert_eq!(serde_json::to_string(&message).unwrap(), line);
    }

    #[test]
    fn calls_are_read_as_we_write_them_and_as_others_do() {
        let ours = r#"{"role":"assistant","content":"","tool_calls":[{"id":"a","name":"add","arguments":{"x":1}}]}"#;
        let others = r#"{"role":"assistant","content":"","tool_calls":[{"id":"a","type":"function","function":{"name":"add","arguments":{"x":1}}}]}"#;
        let message: Message = serde_json::from_str(ours).unwrap();
        assert_eq!(message, serde_json::from_str(others).unwrap());
        assert_eq!(serde_json::to_string(&message).unwrap(), ours);
        let none = r#"{"role":"assistant","content":"","tool_calls":null}"#;
        assert_eq!(serde_json::from_str::<Message>(none).unwrap(), Message::assistant(""));
    }
}
