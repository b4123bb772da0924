//! The file of checked tasks: JSONL, one task a line. A line that makes no sense stops everything before
//! any work.

use crate::tasks::act::parse_action;
use crate::tasks::tools::Toolbox;
use crate::tasks::{Action, Error, Result};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;
use std::collections::HashSet;
use std::path::Path;

/// One task with its world and its check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedTask {
    pub id: String,
    pub area: String,
    /// What is asked for in several tasks alike, such as `count-lines`; empty when the file names none.
    pub kind: String,
    /// Commands that make the folder, in order.
    pub setup: Vec<String>,
    pub task: String,
    /// A command in the same folder afterwards; code 0 says that the task was done. It finds the answer
    /// in `$ANSWER` and the last number of it in `$ANSWER_NUMBER`.
    pub check: String,
    /// How it would have been done; empty when the file does not say.
    pub actions: Vec<Action>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    area: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    setup: Setup,
    task: String,
    check: String,
    #[serde(default)]
    actions: Vec<Value>,
    /// The right answer alone, for a task that takes no other action.
    #[serde(default)]
    answer: Option<String>,
}

/// One command, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Setup {
    One(String),
    Several(Vec<String>),
}

impl Default for Setup {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// Reads a file of tasks; the expected actions must be ones that `toolbox` can do.
///
/// # Errors
/// A file that cannot be read or holds no task, or a line that is none, with its number.
pub fn read(path: &Path, toolbox: &Toolbox) -> Result<Vec<CheckedTask>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::TaskFile { name: name.clone(), why: error.to_string() })?;
    parse(&text, &name, toolbox)
}

/// One of the sets that come with Kaizen, by its name; none for any other name.
pub fn shipped(name: &str, toolbox: &Toolbox) -> Option<Result<Vec<CheckedTask>>> {
    let text = match name {
        "learn" => include_str!("../../../assets/tasks/learn.jsonl"),
        "test" => include_str!("../../../assets/tasks/test.jsonl"),
        _ => return None,
    };
    Some(parse(text, name, toolbox))
}

fn parse(text: &str, name: &str, toolbox: &Toolbox) -> Result<Vec<CheckedTask>> {
    let mut ids = HashSet::new();
    let mut tasks = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |why: String| Error::TaskFile {
            name: name.to_owned(),
            why: format!("line {}: {}", number + 1, crate::store::plain_line(&why)),
        };
        let task = task(line, toolbox).map_err(wrong)?;
        if !ids.insert(task.id.clone()) {
            return Err(wrong(format!("the id {:?} stands there twice", task.id)));
        }
        tasks.push(task);
    }
    if tasks.is_empty() {
        return Err(Error::TaskFile {
            name: name.to_owned(),
            why: "it holds no tasks; a line is like {\"id\":\"a\",\"area\":\"counting\",\
                  \"setup\":[\"touch a.pdf\"],\"task\":\"Count the PDF files.\",\
                  \"check\":\"[ \\\"$ANSWER_NUMBER\\\" = 1 ]\"}"
                .to_owned(),
        });
    }
    Ok(tasks)
}

fn task(line: &str, toolbox: &Toolbox) -> std::result::Result<CheckedTask, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| no_task(&error))?;
    for (key, value) in
        [("id", &line.id), ("area", &line.area), ("task", &line.task), ("check", &line.check)]
    {
        if value.trim().is_empty() {
            return Err(format!("{key:?} is empty"));
        }
    }
    let mut actions = Vec::with_capacity(line.actions.len());
    for action in &line.actions {
        actions.push(parse_action(&action.to_string(), toolbox)?);
    }
    if let (Some(answer), true) = (line.answer, actions.is_empty()) {
        actions.push(Action::new("answer", &[("text", &answer)]));
    }
    Ok(CheckedTask {
        id: line.id,
        area: line.area,
        kind: line.kind,
        setup: match line.setup {
            Setup::One(command) => vec![command],
            Setup::Several(commands) => commands,
        },
        task: line.task,
        check: line.check,
        actions,
    })
}

/// Why a line is no task, as the lines of sets are told of; where it stands in the file is said around it.
fn no_task(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => "is not JSON: it ends too early".into(),
        Category::Syntax | Category::Io => format!("is not JSON, from column {}", error.column()),
        Category::Data => {
            let text = error.to_string();
            text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tasks::tools::Answer;

    fn told(line: &str) -> String {
        let toolbox = Toolbox::files().with(Box::new(Answer));
        match parse(line, "t.jsonl", &toolbox) {
            Ok(tasks) => format!("{} tasks", tasks.len()),
            Err(error) => error.to_string(),
        }
    }

    // If this fails, an hour of tasks runs before somebody is told that a line is wrong.
    #[test]
    fn a_line_that_is_no_task_is_named() {
        let good =
            r#"{"id":"a","area":"x","setup":"touch a","task":"t","check":"true","answer":"1"}"#;
        assert_eq!(told(good), "1 tasks");
        assert_eq!(told(&format!("{good}\n\n{}\n", good.replace("\"a\"", "\"b\""))), "2 tasks");
        for (line, why) in [
            (format!("{good}\n{good}"), "line 2: the id \"a\" stands there twice"),
            (good.replace("\"true\"", "\" \""), "line 1: \"check\" is empty"),
            (good.replace("answer", "anwser"), "unknown field `anwser`"),
            ("{".to_owned(), "line 1: is not JSON: it ends too early"),
            ("no JSON".to_owned(), "line 1: is not JSON, from column 2"),
            (String::new(), "holds no tasks"),
            (
                good.replace("\"answer\":\"1\"", r#""actions":[{"tool":"fly"}]"#),
                "there is no tool \"fly\"; there are",
            ),
            (
                good.replace("\"answer\":\"1\"", r#""actions":[{"tool":"answer"}]"#),
                "answer needs \"text\"",
            ),
        ] {
            assert!(told(&line).contains(why), "{line}: {}", told(&line));
            assert!(!told(&line).contains("at line"), "{}", told(&line));
        }
    }
}
