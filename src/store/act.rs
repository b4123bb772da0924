//! What a session keeps of act mode: each step's result, what a person said of a step, how the task ended,
//! and how it would have been done. Knows the fields, not the tools.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::message::Message;
use super::session_id::SessionId;
use super::stars::Stars;

/// Act mode, in a session's record. Its presence says that the session is a task that was carried out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActRecord {
    /// The folder that it was carried out in.
    pub workspace: String,
    pub max_steps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<ActEnding>,
    /// Of a task that has a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckRecord>,
    /// What was said of single steps, each step at most once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<StepFeedback>,
    /// How the task would have been done: from a checked task's expected actions, or from another
    /// try that passed the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demonstration: Option<Demonstration>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Why no further step was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActEnding {
    /// The actor gave its answer.
    Answered,
    MaxSteps,
    OutOfTime,
    /// The same action came again and again, with the same result.
    GoesRound,
    ContextFull,
    Cancelled,
}

impl ActEnding {
    /// For a person: "after 8 steps without an answer".
    pub fn words(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::MaxSteps => "no answer within the steps allowed",
            Self::OutOfTime => "no answer within the time allowed",
            Self::GoesRound => "it did the same again and again",
            Self::ContextFull => "the model's context is full",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a checked task's check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// The task's id in its file.
    pub task: String,
    pub area: String,
    pub passed: bool,
}

/// What came of one action.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepResult {
    /// As printed, with the middle left out when it was long.
    pub output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
    pub files_changed: Vec<FileChange>,
    /// Files that changed beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_changed: usize,
    pub seconds: f64,
    pub approval: Approval,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl StepResult {
    pub fn is_success(&self) -> bool {
        self.error.is_none() && !self.timed_out && self.exit_code.is_none_or(|code| code == 0)
    }
}

/// A file of the workspace that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    pub path: String,
    pub how: ChangeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Created,
    Modified,
    Removed,
}

/// Whether somebody was asked before an action was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// It only looks.
    #[default]
    NotNeeded,
    Allowed,
    /// This kind of action was allowed in this folder before.
    AllowedBefore,
    /// Everything was allowed for this task.
    AllowedAll,
    /// Allowed after the person changed it.
    Edited,
    Denied,
    /// Never done, whoever allows it.
    Refused,
}

/// What a person said of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFeedback {
    /// From 1.
    pub step: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stars: Option<Stars>,
    /// The action that would have been right, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
    pub at: Timestamp,
}

/// A task as it would have been done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demonstration {
    pub from: DemonstrationFrom,
    /// The session that passed the check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The turns before the first action.
    pub messages: Vec<Message>,
    pub steps: Vec<DemonstratedStep>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DemonstrationFrom {
    /// The expected actions of a checked task.
    Expected,
    /// Another try that passed the check.
    Retry,
}

/// One action of a demonstration, and the turn that what came of it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemonstratedStep {
    pub action: String,
    /// Empty after the last action.
    pub next_look: String,
}

impl Demonstration {
    /// Each action with the turns before it.
    pub fn examples(&self) -> Vec<(Vec<Message>, String)> {
        let mut turns = self.messages.clone();
        let mut examples = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            examples.push((turns.clone(), step.action.clone()));
            turns.push(Message::assistant(step.action.clone()));
            turns.push(Message::user(step.next_look.clone()));
        }
        examples
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::{Correction, Iteration, Session};
    use serde_json::json;

    /// Looked, then answered wrong.
    fn session() -> Session {
        let step = |number: u64, seen: &str, action: Value, approval: Approval| Iteration {
            iteration_number: number,
            observation: Some(seen.into()),
            action: Some(action),
            result: serde_json::to_value(StepResult { approval, ..StepResult::default() }).ok(),
            ..Iteration::default()
        };
        let at: jiff::Zoned = "2026-11-27T10:00:00[UTC]".parse().unwrap();
        let mut session = Session::begin("s1".parse().unwrap(), &at, "count");
        session.iterations = vec![
            step(1, "Task: count", json!({"tool": "shell", "command": "ls"}), Approval::NotNeeded),
            step(2, "Result:\na", json!({"tool": "shell", "command": "rm a"}), Approval::Denied),
            step(3, "Result: no", json!({"tool": "answer", "text": "2"}), Approval::NotNeeded),
        ];
        let record = session.record_mut();
        record.messages = vec![Message::system("tools"), Message::user("Task: count")];
        record.act = Some(ActRecord::default());
        session
    }

    fn written(turns: &[Message]) -> Vec<&str> {
        turns.iter().map(|turn| turn.content.as_str()).collect()
    }

    fn said(step: u64, stars: Option<i64>, correction: Option<&str>) -> StepFeedback {
        StepFeedback {
            step,
            stars: stars.and_then(|stars| Stars::try_from(stars).ok()),
            correction: correction.map(str::to_owned),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    // If this fails, a correction is learned after turns that no actor ever sees.
    #[test]
    fn the_turns_before_a_step_are_those_that_the_actor_saw() {
        let session = session();
        assert_eq!(written(&session.turns_before_step(1).unwrap()), ["tools", "Task: count"]);
        assert_eq!(
            written(&session.turns_before_step(3).unwrap()),
            [
                "tools",
                "Task: count",
                r#"{"tool":"shell","command":"ls"}"#,
                "Result:\na",
                r#"{"tool":"shell","command":"rm a"}"#,
                "Result: no",
            ]
        );
        assert!(session.turns_before_step(0).is_none() && session.turns_before_step(4).is_none());
        let mut asked = session;
        asked.record_mut().act = None;
        assert!(asked.turns_before_step(1).is_none() && asked.step_examples().is_empty());
    }

    // If this fails, what a person said of a step or of the whole is not learned, or learned wrongly.
    #[test]
    fn corrections_of_steps_and_of_the_whole_are_actions() {
        let mut session = session();
        assert!(session.step_examples().is_empty());
        let act = session.record_mut().act.as_mut().unwrap();
        act.feedback = vec![said(2, Some(1), Some("{\"tool\":\"x\"}")), said(3, Some(5), None)];
        let examples = session.step_examples();
        assert_eq!((examples[0].0.len(), examples[0].1.as_str()), (4, "{\"tool\":\"x\"}"));
        assert_eq!(examples.len(), 1);

        let at = Timestamp::UNIX_EPOCH;
        let correct = |session: &mut Session, answer: &str| {
            let answer = answer.to_owned();
            session.record_mut().correction =
                Some(Correction { answer, at, extra: Map::default() });
        };
        correct(&mut session, "3");
        let (turns, action) = session.step_examples().remove(1);
        assert_eq!((turns.len(), action.as_str()), (6, r#"{"tool":"answer","text":"3"}"#));
        correct(&mut session, r#"{"tool":"shell","command":"ls | wc -l"}"#);
        let (turns, action) = session.step_examples().remove(1);
        assert_eq!((turns.len(), action.contains("wc -l")), (2, true));
    }

    #[test]
    fn a_demonstration_teaches_only_where_the_check_failed() {
        let mut session = session();
        let step = |action: &str, next: &str| DemonstratedStep {
            action: action.into(),
            next_look: next.into(),
        };
        let act = session.record_mut().act.as_mut().unwrap();
        act.demonstration = Some(Demonstration {
            from: DemonstrationFrom::Expected,
            session: None,
            messages: vec![Message::user("Task: count")],
            steps: vec![step("first", "Result:\n2"), step("second", "")],
        });
        assert!(session.step_examples().is_empty(), "there was no check");
        let act = session.record_mut().act.as_mut().unwrap();
        act.check = Some(CheckRecord { task: "t".into(), area: "a".into(), passed: false });
        let examples = session.step_examples();
        assert_eq!(written(&examples[0].0), ["Task: count"]);
        assert_eq!(written(&examples[1].0), ["Task: count", "first", "Result:\n2"]);
        assert_eq!(examples[1].1, "second");
        let act = session.record_mut().act.as_mut().unwrap();
        act.check.as_mut().unwrap().passed = true;
        assert!(session.step_examples().is_empty());
    }

    // If this fails, actions that a person forbade or found bad are shown to the model as good ones.
    #[test]
    fn only_what_was_done_and_liked_is_repeated() {
        let mut session = session();
        let tools = |session: &Session| -> Vec<String> {
            session.steps_done().into_iter().map(|(_, action)| action).collect()
        };
        assert_eq!(tools(&session).len(), 2);
        session.record_mut().act.as_mut().unwrap().feedback = vec![said(1, Some(2), None)];
        assert_eq!(tools(&session), [r#"{"tool":"answer","text":"2"}"#]);
    }

    // If this fails, a session of another program with fields of these names is refused or changed.
    #[test]
    fn foreign_steps_stay_as_they_are() {
        let text = json!({
            "session_id": "s1",
            "metadata": {"session_id": "s1", "task": "t"},
            "iterations": [{"observation": {"a": 1}, "action": "jump", "result": [1]}],
        });
        let session = Session::parse(text.to_string().as_bytes()).unwrap();
        let again: Value = serde_json::from_slice(&session.to_json().unwrap()).unwrap();
        for key in ["observation", "action", "result"] {
            assert_eq!(again["iterations"][0][key], text["iterations"][0][key]);
        }
        assert!(session.iterations[0].outcome().is_none() && session.steps_done().is_empty());
    }
}
