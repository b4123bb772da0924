//! One checked task: its folder is made, the task is carried out, the check looks. Where it failed, the
//! expected actions are done in another such folder, so that each stands behind the very turns that an
//! actor would see: a correction that is ready to be learned.

use super::CheckedTask;
use crate::runtime::Runtime;
use crate::sandbox::{CommandRequest, Ended, Sandbox};
use crate::store::{
    self, ActEnding, Approval, CheckRecord, DemonstratedStep, Demonstration, DemonstrationFrom,
    Home, Session,
};
use crate::tasks::act::{self, ActRequest, Means, Permission};
use crate::tasks::tools::{Toolbox, Workspace};
use crate::tasks::{Arm, Error, Result};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A set-up command or a check may take this long.
const SETUP_TIME: Duration = Duration::from_secs(30);

/// With what checked tasks are run.
pub struct CheckedMeans<'a> {
    pub runtime: &'a Runtime,
    pub home: &'a Home,
    pub sandbox: &'a Sandbox,
    pub toolbox: &'a Toolbox,
    pub arm: &'a Arm,
    pub cancel: &'a Arc<AtomicBool>,
}

impl CheckedMeans<'_> {
    fn in_folder<'a>(&'a self, workspace: &'a Workspace) -> Means<'a> {
        let Self { runtime, home, toolbox, arm, cancel, .. } = *self;
        Means { runtime, home, workspace, toolbox, arm, cancel }
    }
}

/// What came of one task.
#[derive(Debug, Clone)]
pub struct CheckedResult {
    pub session: Session,
    pub ended: ActEnding,
    pub passed: bool,
    /// Further tries after a failed one, and whether the last of them passed.
    pub retries: usize,
    pub retry_passed: bool,
    /// The expected actions do not pass the check themselves: the file is wrong about this task.
    pub expected_fails: bool,
}

/// Runs a task in a fresh folder, which is gone afterwards. A task that fails is tried up to `retries`
/// times more, with other seeds.
///
/// # Errors
/// When the folder cannot be made, a set-up command fails, or the home cannot be written.
pub fn run(
    means: &CheckedMeans,
    task: &CheckedTask,
    request: &ActRequest,
    retries: usize,
) -> Result<CheckedResult> {
    let first = attempt(means, task, request)?;
    let mut result = CheckedResult {
        passed: first.passed,
        ended: first.ended,
        session: first.session,
        retries: 0,
        retry_passed: false,
        expected_fails: false,
    };
    if result.passed || result.ended == ActEnding::Cancelled {
        return Ok(result);
    }
    let mut demonstration = match task.actions.is_empty() {
        true => None,
        false => demonstrate(means, task, request)?,
    };
    result.expected_fails = !task.actions.is_empty() && demonstration.is_none();
    while result.retries < retries && !result.retry_passed {
        result.retries += 1;
        let mut again = request.clone();
        again.retry_of = Some(result.session.session_id.clone());
        again.sampling.seed = request.sampling.seed.wrapping_add(result.retries as u64);
        // A greedy retry would only do the same.
        again.sampling.temperature = request.sampling.temperature.max(0.7);
        let attempt = attempt(means, task, &again)?;
        if attempt.ended == ActEnding::Cancelled {
            break;
        }
        result.retry_passed = attempt.passed;
        if attempt.passed && demonstration.is_none() {
            demonstration = shown_by(&attempt.session);
        }
    }
    if let Some(demonstration) = demonstration {
        let (session, ()) =
            store::logs::update(means.home, &result.session.session_id, |session| {
                if let Some(act) = &mut session.record_mut().act {
                    act.demonstration = Some(demonstration);
                }
                Ok::<(), Error>(())
            })?;
        result.session = session;
    }
    Ok(result)
}

struct Attempt {
    session: Session,
    ended: ActEnding,
    passed: bool,
}

fn attempt(means: &CheckedMeans, task: &CheckedTask, request: &ActRequest) -> Result<Attempt> {
    let place = Place::new(means, task)?;
    let acting = means.in_folder(&place.workspace);
    let acted = act::act(&acting, request, Permission::All, &mut |_| {})?;
    let answer = acted.answer.as_deref().unwrap_or_default();
    let passed = acted.ended != ActEnding::Cancelled && place.passes(means, &task.check, answer)?;
    let record = CheckRecord { task: task.id.clone(), area: task.area.clone(), passed };
    let (session, ()) = store::logs::update(means.home, &acted.session.session_id, |session| {
        if let Some(act) = &mut session.record_mut().act {
            act.check = (acted.ended != ActEnding::Cancelled).then_some(record);
        }
        Ok::<(), Error>(())
    })?;
    Ok(Attempt { session, ended: acted.ended, passed })
}

/// The expected actions, done in a fresh folder: none when they do not pass the check.
///
/// # Errors
/// As [`run`].
pub fn demonstrate(
    means: &CheckedMeans,
    task: &CheckedTask,
    request: &ActRequest,
) -> Result<Option<Demonstration>> {
    let place = Place::new(means, task)?;
    let acting = means.in_folder(&place.workspace);
    let messages = act::beginning(&acting, request, &place.workspace.listing(act::LISTED));
    let mut steps = Vec::with_capacity(task.actions.len());
    let mut answer = String::new();
    for action in &task.actions {
        let result = act::perform(means.toolbox, &place.workspace, action, Approval::AllowedAll);
        if means.toolbox.get(&action.tool).is_some_and(|tool| tool.ends_task()) {
            answer.clone_from(&result.output);
        }
        let budget = request.limits.observation_tokens;
        let next_look = act::next_look(means.runtime, &task.task, &result, budget);
        steps.push(DemonstratedStep { action: action.to_json(), next_look });
    }
    if let Some(last) = steps.last_mut() {
        last.next_look.clear();
    }
    let from = DemonstrationFrom::Expected;
    let shown = Demonstration { from, session: None, messages, steps };
    Ok(place.passes(means, &task.check, &answer)?.then_some(shown))
}

/// What another try shows that passed.
fn shown_by(session: &Session) -> Option<Demonstration> {
    let mut steps = Vec::with_capacity(session.iterations.len());
    for (place, iteration) in session.iterations.iter().enumerate() {
        let next = session.iterations.get(place + 1);
        steps.push(DemonstratedStep {
            action: iteration.action.as_ref()?.to_string(),
            next_look: next.and_then(store::Iteration::seen).unwrap_or_default().to_owned(),
        });
    }
    Some(Demonstration {
        from: DemonstrationFrom::Retry,
        session: Some(session.session_id.clone()),
        messages: session.turns_before_step(1)?,
        steps,
    })
}

/// A task's fresh folder.
struct Place {
    workspace: Workspace,
    /// Removed when dropped.
    _folder: tempfile::TempDir,
}

impl Place {
    fn new(means: &CheckedMeans, task: &CheckedTask) -> Result<Self> {
        let failed = |why: String| Error::SetUp { task: task.id.clone(), why };
        let folder = tempfile::Builder::new()
            .prefix("kaizen-task-")
            .tempdir()
            .map_err(|error| failed(error.to_string()))?;
        // What the actor sees of it is the same every time.
        let root = folder.path().join("work");
        std::fs::create_dir(&root).map_err(|error| failed(error.to_string()))?;
        let workspace = Workspace::open(&root, None)?;
        let place = Self { workspace, _folder: folder };
        for command in &task.setup {
            let (code, output) = place.command(means, command, true, Vec::new())?;
            if code != Some(0) {
                let output = store::plain_line(&output);
                return Err(failed(format!("`{command}` failed: {output}")));
            }
        }
        Ok(place)
    }

    fn passes(&self, means: &CheckedMeans, check: &str, answer: &str) -> Result<bool> {
        let environment = vec![
            ("ANSWER".to_owned(), answer.to_owned()),
            ("ANSWER_NUMBER".to_owned(), last_number(answer)),
        ];
        // A check looks and changes nothing.
        Ok(self.command(means, check, false, environment)?.0 == Some(0))
    }

    fn command(
        &self,
        means: &CheckedMeans,
        command: &str,
        may_write: bool,
        environment: Vec<(String, String)>,
    ) -> Result<(Option<i32>, String)> {
        let request = CommandRequest {
            command: command.to_owned(),
            workspace: self.workspace.root().to_owned(),
            temporary: self.workspace.temporary().to_owned(),
            may_write,
            time_limit: SETUP_TIME,
            output_limit: 16 * 1024,
            environment,
        };
        let result = means.sandbox.run(&request, means.cancel)?;
        let code = match result.ended {
            Ended::Code(code) => Some(code),
            _ => None,
        };
        Ok((code, result.output))
    }
}

/// The last number of an answer, without separators of thousands and without a full stop after it.
fn last_number(answer: &str) -> String {
    let mut last = String::new();
    let mut number = String::new();
    // A minus stands before a number, not inside a word.
    let (mut minus, mut before) = (false, ' ');
    for character in answer.chars().chain([' ']) {
        let goes_on = character.is_ascii_digit()
            || (matches!(character, '.' | ',') && number.ends_with(|c: char| c.is_ascii_digit()));
        if goes_on {
            if number.is_empty() && minus {
                number.push('-');
            }
            number.push(character);
        } else if !number.is_empty() {
            last = std::mem::take(&mut number);
        }
        minus = character == '-' && !before.is_alphanumeric();
        before = character;
    }
    last.trim_end_matches(['.', ',']).replace(',', "")
}

#[cfg(test)]
mod tests {
    use super::last_number;

    // If this fails, a right answer in a sentence counts as wrong.
    #[test]
    fn the_number_of_an_answer_is_the_last_one_in_it() {
        for (answer, number) in [
            ("", ""),
            ("none", ""),
            ("12", "12"),
            ("There are 3 folders and 12 files.", "12"),
            ("It is 1,234.50.", "1234.50"),
            ("-4", "-4"),
            ("from 2 to -3 degrees", "-3"),
            ("report-2024.txt", "2024"),
        ] {
            assert_eq!(last_number(answer), number, "{answer}");
        }
    }
}
