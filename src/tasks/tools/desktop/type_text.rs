//! Types text into the window that has the focus. Owns what can be typed: one line, no keys.

use super::programs::Call;
use super::{Desktop, Needs};
use crate::tasks::Action;
use crate::tasks::tools::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use std::time::Duration;

const LONGEST: usize = 1_000;
/// Milliseconds between two keys; windows lose what comes faster.
const BETWEEN: &str = "12";
const PATIENCE: Duration = Duration::from_secs(60);

/// `type_text`: as if a person typed it.
#[derive(Debug)]
pub(super) struct TypeText(pub(super) Desktop);

impl Tool for TypeText {
    fn name(&self) -> &'static str {
        "type_text"
    }

    fn purpose(&self) -> &'static str {
        "types a line of text into the window in front"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "text", kind: ArgumentKind::Line }]
    }

    fn effect(&self, action: &Action, _workspace: &Workspace) -> Effect {
        match self.0.require(&[Needs::Hands]).and_then(|()| checked(action.text("text"))) {
            Ok(_) => Effect::Changes { kind: self.name().to_owned() },
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        let checked = self.0.require(&[Needs::Hands]).and_then(|()| checked(action.text("text")));
        let text = match checked {
            Ok(text) => text,
            Err(why) => return ToolResult::failed(why),
        };
        // Read from its input, text cannot be taken for an option, and no list of processes shows it.
        let call = Call {
            program: "xdotool",
            arguments: &["type", "--clearmodifiers", "--delay", BETWEEN, "--file", "-"],
            input: text,
            folder: workspace.temporary(),
            limit: PATIENCE,
        };
        match self.0.run(&call) {
            Ok(_) => ToolResult::of(format!("typed {} characters", text.chars().count())),
            Err(result) => result,
        }
    }
}

fn checked(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("the text to type is empty".to_owned());
    }
    if text.chars().count() > LONGEST {
        return Err(format!("the text is longer than {LONGEST} characters; type it in parts"));
    }
    if text.chars().any(char::is_control) {
        return Err("only one line can be typed; press_keys presses Return and Tab".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, text that a person allowed to be typed also presses Return, and is carried out.
    #[test]
    fn text_is_one_line_without_keys() {
        for text in ["echo done", "--help", "é 好 $(id) `x`", "-"] {
            assert_eq!(checked(text), Ok(text));
        }
        let long = "x".repeat(LONGEST + 1);
        for text in ["", "ls\n", "a\rb", "a\tb", "\u{1b}[A", "\0", &long] {
            assert!(checked(text).is_err(), "{text:?}");
        }
    }
}
