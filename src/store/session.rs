//! The session file: one run of one task, in the format that an existing agent's logger writes, with
//! our own additions in one `kaizen` object beside it. Reads strictly where a value is used and
//! keeps every field it does not know. Where the file lies is `logs.rs`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::act::{Approval, Demonstration, StepFeedback, StepResult};
use super::issue::Issue;
use super::message::{Message, Role};
use super::record::Record;
use super::session_id::SessionId;
use super::stars::Stars;
use super::terminal_text::plain;

/// A session. Field names and places are those of the file; fields we do not know are in `extra` at
/// each level and are written back unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub session_id: SessionId,
    pub metadata: Metadata,
    /// Local time, ISO 8601.
    #[serde(default)]
    pub start_time: String,
    #[serde(default)]
    pub iterations: Vec<Iteration>,
    #[serde(default)]
    pub total_iterations: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kaizen: Option<Record>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    pub session_id: SessionId,
    /// Local time, ISO 8601.
    #[serde(default)]
    pub start_time: String,
    /// What the person asked for.
    pub task: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_iterations: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug_mode: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_confirmation: Option<bool>,
    #[serde(default)]
    pub user_rating: Option<Stars>,
    #[serde(default)]
    pub feedback_comment: Option<String>,
    /// The adapter's name, or `base`. Of an imported session it is text, never one of our arms.
    #[serde(default)]
    pub lora_version: Option<String>,
    #[serde(default)]
    pub what_went_wrong: Vec<Issue>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One step of a session: what tools returned and what the model said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// From 1.
    #[serde(default)]
    pub iteration_number: u64,
    /// Seconds since 1970.
    #[serde(default)]
    pub start_time: Option<f64>,
    #[serde(default)]
    pub tool_results: Vec<Value>,
    /// The model's words, whichever model it was (the field bears the name of the logger's own).
    #[serde(default)]
    pub grok_response: Option<String>,
    #[serde(default)]
    pub errors: Vec<Value>,
    /// The turn that the actor saw before it chose: the first look, or what came of the last action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Value>,
    /// The action that was done, as JSON; the person may have changed what the model chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Iteration {
    /// The turn that the actor saw before this step.
    pub fn seen(&self) -> Option<&str> {
        self.observation.as_ref()?.as_str()
    }

    /// What came of the action, if it is a step of ours.
    pub fn outcome(&self) -> Option<StepResult> {
        serde_json::from_value(self.result.clone()?).ok()
    }
}

impl Session {
    /// A session that begins at `at`, with nothing in it but the task.
    pub fn begin(session_id: SessionId, at: &Zoned, task: &str) -> Self {
        let start_time = at.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        Self {
            metadata: Metadata {
                session_id: session_id.clone(),
                start_time: start_time.clone(),
                task: task.to_owned(),
                model: None,
                max_iterations: Some(1),
                debug_mode: Some(false),
                require_confirmation: Some(false),
                user_rating: None,
                feedback_comment: None,
                lora_version: None,
                what_went_wrong: Vec::new(),
                extra: Map::new(),
            },
            session_id,
            start_time,
            iterations: Vec::new(),
            total_iterations: 0,
            kaizen: Some(Record::default()),
            extra: Map::new(),
        }
    }

    /// Reads a session from the text of its file. The error says in plain words what makes no sense.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.trim_ascii().is_empty() {
            return Err("the file is empty".into());
        }
        let value: Value =
            serde_json::from_slice(text).map_err(|error| match error.classify() {
                serde_json::error::Category::Eof => format!("the JSON is cut short ({error})"),
                _ => format!("not JSON: {}", plain(&error.to_string())),
            })?;
        check(&value)?;
        serde_json::from_value(value).map_err(|error| plain(&error.to_string()))
    }

    /// The text of the file: JSON, indented by two spaces as the logger does.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Our part of the file, made when missing.
    pub fn record_mut(&mut self) -> &mut Record {
        self.kaizen.get_or_insert_default()
    }

    /// Whether it was brought in from elsewhere: its `lora_version` and arm are then not ours. What we
    /// record has an outcome from its first moment.
    pub fn is_imported(&self) -> bool {
        self.kaizen
            .as_ref()
            .is_none_or(|record| record.imported_from.is_some() || record.outcome.is_none())
    }

    /// What was asked: the turns before the answer, or the task where no turns were recorded.
    pub fn prompt(&self) -> Vec<Message> {
        let mut turns = self.kaizen.as_ref().map_or(Vec::new(), |record| record.messages.clone());
        while turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
            turns.pop();
        }
        if turns.is_empty() { vec![Message::user(self.metadata.task.clone())] } else { turns }
    }

    /// What came back: the recorded answer, or the last thing said in a step.
    pub fn answer(&self) -> Option<&str> {
        let recorded = self.kaizen.as_ref().and_then(|record| record.answer.as_deref());
        recorded
            .or_else(|| self.iterations.iter().rev().find_map(|step| step.grok_response.as_deref()))
    }

    /// The answer that the person says is right: the one they wrote, else another one they chose over
    /// this session's own.
    pub fn right_answer(&self) -> Option<&str> {
        let record = self.kaizen.as_ref()?;
        let written = record.correction.as_ref().map(|correction| correction.answer.as_str());
        written.or_else(|| record.better.as_ref().map(|better| better.answer.as_str()))
    }

    /// It was drawn among several arms and is not rated yet, so which one answered stays hidden.
    pub fn is_blind(&self) -> bool {
        let probability = self.kaizen.as_ref().and_then(|record| record.arm_probability);
        self.metadata.user_rating.is_none()
            && probability.is_some_and(|probability| probability < 1.0)
    }

    /// The turns before a step of act mode (from 1), exactly as the actor saw them; none where there was no
    /// such step.
    pub fn turns_before_step(&self, step: u64) -> Option<Vec<Message>> {
        let record = self.kaizen.as_ref()?;
        record.act.as_ref()?;
        let place = usize::try_from(step.checked_sub(1)?).ok()?;
        self.iterations.get(place)?;
        let mut turns = record.messages.clone();
        for pair in self.iterations.get(..=place)?.windows(2) {
            turns.push(Message::assistant(pair[0].action.as_ref()?.to_string()));
            turns.push(Message::user(pair[1].seen()?));
        }
        Some(turns)
    }

    /// What a task of act mode teaches: turns, and the action that would have been right after them. From
    /// a check that failed and the way it would have been done, from corrections of single steps, and
    /// from a correction of the whole: an action instead of the first, or what should have been answered.
    pub fn step_examples(&self) -> Vec<(Vec<Message>, String)> {
        let record = self.kaizen.as_ref();
        let Some(act) = record.and_then(|record| record.act.as_ref()) else { return Vec::new() };
        let failed = act.check.as_ref().is_some_and(|check| !check.passed);
        let shown = act.demonstration.as_ref().filter(|_| failed);
        let mut examples = shown.map(Demonstration::examples).unwrap_or_default();
        for feedback in &act.feedback {
            let turns = self.turns_before_step(feedback.step);
            examples.extend(turns.zip(feedback.correction.clone()));
        }
        if let Some(answer) = record.and_then(|record| record.correction.as_ref()) {
            let answer = answer.answer.trim();
            let (step, action) = match answer.starts_with('{') {
                true => (1, answer.to_owned()),
                false => (
                    self.iterations.len() as u64,
                    serde_json::json!({"tool": "answer", "text": answer}).to_string(),
                ),
            };
            examples.extend(self.turns_before_step(step).map(|turns| (turns, action)));
        }
        examples
    }

    /// The actions of a task of act mode that were done, each with the turns before it; without those that
    /// nobody allowed and those that the person found bad.
    pub fn steps_done(&self) -> Vec<(Vec<Message>, String)> {
        let done = |step: &Iteration| -> Option<(Vec<Message>, String)> {
            let approval = step.outcome()?.approval;
            let bad = |said: &StepFeedback| said.stars.is_some_and(|stars| stars.get() <= 3);
            let number = step.iteration_number;
            let liked = !matches!(approval, Approval::Denied | Approval::Refused)
                && !self.step_feedback(number).is_some_and(bad);
            let turns = self.turns_before_step(number).filter(|_| liked)?;
            Some((turns, step.action.as_ref()?.to_string()))
        };
        self.iterations.iter().filter_map(done).collect()
    }

    /// Whether it is a task of act mode.
    pub fn is_act(&self) -> bool {
        self.kaizen.as_ref().is_some_and(|record| record.act.is_some())
    }

    /// What a person said of a step.
    pub fn step_feedback(&self, step: u64) -> Option<&StepFeedback> {
        let act = self.kaizen.as_ref()?.act.as_ref()?;
        act.feedback.iter().find(|feedback| feedback.step == step)
    }

    /// When it began, local time: as the metadata says, else the file's own `start_time`, else the id.
    pub fn started(&self) -> Option<DateTime> {
        local_time(&self.metadata.start_time)
            .or_else(|| local_time(&self.start_time))
            .or_else(|| self.session_id.time())
    }
}

/// ISO 8601 with an offset is brought to local time; without one it is local time already.
fn local_time(text: &str) -> Option<DateTime> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.to_zoned(TimeZone::system()).datetime());
    }
    text.parse().ok()
}

/// The checks whose failure deserves plainer words than a deserialiser's.
fn check(value: &Value) -> Result<(), String> {
    let Value::Object(fields) = value else {
        return Err(format!("a session is a JSON object, this is {}", kind(value)));
    };
    let outer = id_in(fields, "session_id")?;
    let metadata = match fields.get("metadata") {
        Some(Value::Object(metadata)) => metadata,
        None => return Err("it has no metadata".into()),
        Some(other) => return Err(format!("its metadata is {}, not an object", kind(other))),
    };
    let inner = id_in(metadata, "session_id").map_err(|why| format!("metadata: {why}"))?;
    if outer != inner {
        return Err(format!("its session_id is {outer}, but {inner} in its metadata"));
    }
    match metadata.get("task") {
        Some(Value::String(_)) => {}
        Some(other) => return Err(format!("its metadata.task is {}, not a text", kind(other))),
        None => return Err("it has no metadata.task".into()),
    }
    match metadata.get("user_rating") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Number(number)) => match number.as_i64().map(Stars::try_from) {
            Some(Ok(_)) => Ok(()),
            _ => Err(format!("its user_rating is {number}, not a whole number from 1 to 5")),
        },
        Some(other) => Err(format!("its user_rating is {}, not a number", kind(other))),
    }
}

fn id_in(fields: &Map<String, Value>, name: &str) -> Result<SessionId, String> {
    match fields.get(name) {
        Some(Value::String(id)) => id.parse::<SessionId>().map_err(|error| match error {
            super::error::Error::BadSessionId { id, why } => {
                format!("its session_id {id:?} cannot be one: {why}")
            }
            other => other.to_string(),
        }),
        Some(other) => Err(format!("its {name} is {}, not a text", kind(other))),
        None => Err(format!("it has no {name}")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
