//! Act mode: a task is carried out, step by step. The observer says what there is, the actor chooses one
//! action, the action is approved and done, and what came of it is the next observation. Every step is
//! on disk before it is said to be done.
//!
//! Owns the order of things and the record of it. Knows nothing of how a person is asked, of stars, or
//! of what confines a command.

mod action_grammar;
mod approval;
mod record;
mod words;

pub use action_grammar::{edit as edit_action, parse as parse_action, pattern as action_pattern};
pub use approval::{Decision, Habits, Permission, Proposal};

use super::tools::{Changed, Effect, How, Listing, Tool, Toolbox, Workspace};
use super::{Action, Arm, Error, Result};
use crate::model::Grammar;
use crate::model::sampler::Sampling;
use crate::runtime::{Ending, Generate, GenerateRequest, Generation, Runtime, Stop, Until};
use crate::store::{
    self, ActEnding, Approval, ChangeKind, FileChange, Home, Message, Session, SessionId,
    StepResult,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So often the same action with the same result, one after the other, and the task has gone round.
const ROUNDS: usize = 3;
/// Files of the workspace that the actor may name, at most.
pub(super) const LISTED: usize = 300;
/// Characters of an output that a session keeps, at most.
const OUTPUT_KEPT: usize = 20_000;
/// Changed files that a step names.
const CHANGES_NAMED: usize = 50;

/// A task in act mode.
#[derive(Debug, Clone)]
pub struct ActRequest {
    pub task: String,
    pub sampling: Sampling,
    pub limits: ActLimits,
    /// The session that this one tries again.
    pub retry_of: Option<SessionId>,
}

/// How long a task may go on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActLimits {
    pub max_steps: usize,
    /// Of the whole task.
    pub task_time: Duration,
    /// Tokens of one action; at its end the action is closed.
    pub action_tokens: usize,
    /// Tokens of what one observation shows: of the files, and of an output.
    pub observation_tokens: usize,
}

/// What happens while a task is carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum ActEvent {
    /// The session is on disk and the actor thinks about its first action.
    Began { session: SessionId },
    /// A step begins; what the actor sees.
    Observed { step: usize, observation: String },
    /// The actor chose; the action is now approved or done.
    Chosen { step: usize, action: Action },
    /// What came of it. The action may be another than the chosen one, if the person changed it.
    Did { step: usize, action: Action, result: StepResult },
}

/// A task that was carried out, or as far as it came.
#[derive(Debug, Clone)]
pub struct Acted {
    pub session: Session,
    pub ended: ActEnding,
    /// The actor's answer, as it wrote it.
    pub answer: Option<String>,
    pub generations: Vec<Generation>,
}

impl Acted {
    /// Over all actions, tokens written a second.
    pub fn tokens_per_second(&self) -> f64 {
        let tokens: usize = self.generations.iter().map(|written| written.tokens.len()).sum();
        let seconds: f64 = self.generations.iter().map(|w| w.write_time.as_secs_f64()).sum();
        tokens as f64 / seconds.max(1e-9)
    }
}

/// With what a task is carried out.
pub struct Means<'a> {
    pub runtime: &'a Runtime,
    pub home: &'a Home,
    pub workspace: &'a Workspace,
    pub toolbox: &'a Toolbox,
    pub arm: &'a Arm,
    /// Ends the task after its present step; what runs is killed.
    pub cancel: &'a Arc<AtomicBool>,
}

/// Carries a task out and records it.
///
/// # Errors
/// An empty task, a prompt longer than the context, or a home that cannot be written.
pub fn act(
    means: &Means,
    request: &ActRequest,
    mut permission: Permission,
    seen: &mut dyn FnMut(ActEvent),
) -> Result<Acted> {
    let task = request.task.trim();
    if task.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    let began = Instant::now();
    let listing = means.workspace.listing(LISTED);
    let beginning = beginning(means, request, &listing);
    let mut session = store::logs::create(means.home, task)?;
    record::describe(&mut session, request, means, &beginning);
    store::logs::save(means.home, &session)?;
    let id = session.session_id.clone();
    seen(ActEvent::Began { session: id.clone() });

    let mut course = Course {
        means,
        request,
        began,
        grammar: None,
        listing,
        turns: beginning,
        generations: Vec::new(),
        steps: 0,
        repeated: 0,
    };
    let mut answer = None;
    let ended = loop {
        if let Some(ended) = course.is_over() {
            break Ok(ended);
        }
        match course.step(&id, &mut permission, seen) {
            Ok(Progress::On) => {}
            Ok(Progress::Answered(text)) => {
                answer = Some(text);
                break Ok(ActEnding::Answered);
            }
            Ok(Progress::Over(ended)) => break Ok(ended),
            Err(error) => break Err(error),
        }
    };
    let generations = course.generations;
    let (session, ()) = store::logs::update(means.home, &id, |session| {
        let seconds = began.elapsed().as_secs_f64();
        record::complete(session, &ended, answer.as_deref(), &generations, seconds);
        Ok::<(), Error>(())
    })?;
    Ok(Acted { session, ended: ended?, answer, generations })
}

/// The turns before the first action.
pub fn beginning(means: &Means, request: &ActRequest, listing: &Listing) -> Vec<Message> {
    let budget = request.limits.observation_tokens;
    let tokenizer = &means.runtime.model().tokenizer;
    let screen = look_at_screen(means);
    // Its name alone: where it lies says nothing of the task.
    let folder = means.workspace.root().file_name().unwrap_or_default().to_string_lossy();
    let screen = screen.as_deref();
    let look = words::first_look(tokenizer, &request.task, &folder, listing, screen, budget);
    vec![Message::system(words::instructions(means.toolbox)), Message::user(look)]
}

/// The turn that what came of an action makes while `task` is done. `budget` is in tokens.
pub fn next_look(runtime: &Runtime, task: &str, result: &StepResult, budget: usize) -> String {
    words::what_came(&runtime.model().tokenizer, task, result, budget)
}

/// Does an action without asking anybody, and says what came of it.
pub fn perform(
    toolbox: &Toolbox,
    workspace: &Workspace,
    action: &Action,
    approval: Approval,
) -> StepResult {
    let Some(tool) = toolbox.get(&action.tool) else {
        let error = Some(format!("there is no tool {:?}", action.tool));
        return StepResult { error, ..StepResult::default() };
    };
    let before = workspace.snapshot();
    let began = Instant::now();
    let came = tool.run(action, workspace);
    let seconds = began.elapsed().as_secs_f64();
    let mut files_changed: Vec<FileChange> =
        workspace.changes_since(&before).into_iter().map(file_change).collect();
    let more_changed = files_changed.len().saturating_sub(CHANGES_NAMED);
    files_changed.truncate(CHANGES_NAMED);
    StepResult {
        output: words::cut_middle(&came.output, OUTPUT_KEPT),
        exit_code: came.exit_code,
        error: came.error,
        timed_out: came.timed_out,
        files_changed,
        more_changed,
        seconds,
        approval,
    }
}

fn file_change(changed: Changed) -> FileChange {
    FileChange {
        path: changed.path.to_string_lossy().into_owned(),
        how: match changed.how {
            How::Created => ChangeKind::Created,
            How::Modified => ChangeKind::Modified,
            How::Removed => ChangeKind::Removed,
        },
    }
}

/// The text on the screen, for an actor that may use the desktop.
fn look_at_screen(means: &Means) -> Option<String> {
    let tool = means.toolbox.get("read_screen")?;
    let seen = tool.run(&Action::new("read_screen", &[]), means.workspace);
    seen.is_success().then_some(seen.output)
}

/// What a step leads to.
enum Progress {
    On,
    Answered(String),
    Over(ActEnding),
}

/// A task under way.
struct Course<'a> {
    means: &'a Means<'a>,
    request: &'a ActRequest,
    began: Instant,
    /// Of the files as they were last listed; none until it is needed.
    grammar: Option<Arc<Grammar>>,
    listing: Listing,
    turns: Vec<Message>,
    generations: Vec<Generation>,
    steps: usize,
    /// How often the last action came with the last result.
    repeated: usize,
}

impl Course<'_> {
    fn is_over(&self) -> Option<ActEnding> {
        if self.means.cancel.load(Ordering::Relaxed) {
            return Some(ActEnding::Cancelled);
        }
        if self.steps >= self.request.limits.max_steps {
            return Some(ActEnding::MaxSteps);
        }
        (self.began.elapsed() >= self.request.limits.task_time).then_some(ActEnding::OutOfTime)
    }

    fn step(
        &mut self,
        session: &SessionId,
        permission: &mut Permission,
        seen: &mut dyn FnMut(ActEvent),
    ) -> Result<Progress> {
        let step = self.steps + 1;
        let observation = self.turns.last().map(|turn| turn.content.clone()).unwrap_or_default();
        seen(ActEvent::Observed { step, observation: observation.clone() });
        let started = jiff::Timestamp::now();
        let Some((chosen, generation)) = self.choose()? else {
            return Ok(Progress::Over(match self.means.cancel.load(Ordering::Relaxed) {
                true => ActEnding::Cancelled,
                false => ActEnding::ContextFull,
            }));
        };
        seen(ActEvent::Chosen { step, action: chosen.clone() });
        let thought = generation.prompt_time + generation.write_time;
        let written = generation.text.clone();
        self.generations.push(generation);

        let (action, result, stop) = self.approve_and_do(step, &chosen, permission)?;
        self.steps = step;
        let done = record::Done {
            step,
            started,
            observation: &observation,
            written: &written,
            action: &action,
            result: &result,
            thought,
        };
        store::logs::update(self.means.home, session, |session| {
            record::add_step(session, &done);
            Ok::<(), Error>(())
        })?;
        seen(ActEvent::Did { step, action: action.clone(), result: result.clone() });
        if stop {
            return Ok(Progress::Over(ActEnding::Cancelled));
        }
        let ends = self.means.toolbox.get(&action.tool).is_some_and(Tool::ends_task);
        if ends && result.is_success() {
            return Ok(Progress::Answered(result.output));
        }
        let budget = self.request.limits.observation_tokens;
        let did = Message::assistant(action.to_json());
        let came =
            Message::user(next_look(self.means.runtime, &self.request.task, &result, budget));
        let same = self.turns.len() > 2 && self.turns.ends_with(&[did.clone(), came.clone()]);
        self.repeated = if same { self.repeated + 1 } else { 1 };
        if self.repeated >= ROUNDS {
            return Ok(Progress::Over(ActEnding::GoesRound));
        }
        self.turns.extend([did, came]);
        if !result.files_changed.is_empty() {
            self.listing = self.means.workspace.listing(LISTED);
            self.grammar = None;
        }
        Ok(Progress::On)
    }

    /// Has the model write an action; none when the context is full or somebody cancelled.
    fn choose(&mut self) -> Result<Option<(Action, Generation)>> {
        let runtime = self.means.runtime;
        let model = runtime.model();
        let grammar = match &self.grammar {
            Some(grammar) => grammar.clone(),
            None => {
                let pattern = action_pattern(self.means.toolbox, &self.listing);
                let made = model.grammars().and_then(|grammars| grammars.compile(&pattern));
                let made = Arc::new(made.map_err(crate::runtime::Error::from)?);
                self.grammar.insert(made).clone()
            }
        };
        let prompt = model.template.encode(&model.tokenizer, &self.turns, true)?;
        let max_tokens = self.request.limits.action_tokens;
        let context = model.network.architecture().context;
        if prompt.len() + max_tokens > context && self.steps > 0 {
            return Ok(None);
        }
        let job = Generate::in_conversation(
            GenerateRequest {
                prompt,
                sampling: self.request.sampling.clone(),
                max_tokens,
                until: Until::Complete(grammar),
            },
            self.means.arm.lora.clone(),
            runtime.conversations(),
        );
        let shared = runtime.cancelled_by(self.means.cancel.clone());
        let mut texts = match shared.submit(job).wait(|_| {}) {
            Ending::Finished(texts) => texts,
            Ending::Cancelled(_) => return Ok(None),
            Ending::Failed(error) => return Err(error.into()),
        };
        let Some(written) = texts.pop() else { return Ok(None) };
        if written.stop != Stop::Complete {
            return Ok(None);
        }
        let action =
            parse_action(&written.text, self.means.toolbox).map_err(|why| Error::Action { why })?;
        Ok(Some((action, written)))
    }

    /// Asks where that is needed, and does what was allowed. True at the end: the person wants no
    /// further step.
    fn approve_and_do(
        &self,
        step: usize,
        chosen: &Action,
        permission: &mut Permission,
    ) -> Result<(Action, StepResult, bool)> {
        let Means { toolbox, workspace, home, .. } = *self.means;
        let mut action = chosen.clone();
        let not_done = |action: Action, why: String, approval, stop| {
            let result = StepResult { error: Some(why), approval, ..StepResult::default() };
            Ok((action, result, stop))
        };
        let mut edited = false;
        // A changed action is looked at again: it may be refused, or only read.
        let approval = loop {
            let Some(tool) = toolbox.get(&action.tool) else {
                let why = format!("there is no tool {:?}", action.tool);
                return not_done(action, why, Approval::Refused, false);
            };
            let kind = match tool.effect(&action, workspace) {
                Effect::Refused(why) => return not_done(action, why, Approval::Refused, false),
                Effect::Reads if edited => break Approval::Edited,
                Effect::Reads => break Approval::NotNeeded,
                Effect::Changes { .. } if edited => break Approval::Edited,
                Effect::Changes { kind } => kind,
            };
            let unconfined = tool.unconfined();
            let known = unconfined.is_none() && Habits::load(home).allow(workspace.root(), &kind);
            if known {
                break Approval::AllowedBefore;
            }
            let ask = match permission {
                Permission::OnlyReads => {
                    let why = "it would change something, and nobody allows that here".to_owned();
                    return not_done(action, why, Approval::Denied, false);
                }
                Permission::All if unconfined.is_none() => break Approval::AllowedAll,
                Permission::All => {
                    let why = unconfined.unwrap_or_default();
                    let why = format!("{why}, so somebody has to allow it each time");
                    return not_done(action, why, Approval::Denied, false);
                }
                Permission::Ask(ask) => ask,
            };
            let proposal = Proposal { step, action: action.clone(), kind, unconfined };
            match ask(&proposal) {
                Decision::Allow => break Approval::Allowed,
                Decision::AllowKind => {
                    if proposal.unconfined.is_none() {
                        Habits::add(home, workspace.root(), &proposal.kind)?;
                    }
                    break Approval::Allowed;
                }
                Decision::Deny => {
                    let why = "the person did not allow it".to_owned();
                    return not_done(action, why, Approval::Denied, false);
                }
                Decision::Stop => {
                    let why = "the person stopped the task".to_owned();
                    return not_done(action, why, Approval::Denied, true);
                }
                Decision::Edit(other) => {
                    action = other;
                    edited = true;
                }
            }
        };
        let result = perform(toolbox, workspace, &action, approval);
        Ok((action, result, false))
    }
}
