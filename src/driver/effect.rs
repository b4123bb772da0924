//! What is to be done, as data: the dashboard asks for it, the desk does it.

use crate::eval::Example;
use crate::experiments::Experiment;
use crate::feedback::{Rating, StepRating};
use crate::report::TakenOut;
use crate::store::{Filter, Message, SessionId};
use crate::workplace::replay::Choice as PairChoice;
use crate::workplace::{ArmChoice, SetChoice, TrainRequest};
use std::path::PathBuf;
use std::sync::Arc;

/// Names one piece of work on the model, from the effect that starts it to its last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkId(pub u64);

/// One thing to do. Effects with a [`WorkId`] need the model: they wait for it, may take long, can be
/// cancelled, and end with exactly one of [`WorkEvent`](super::WorkEvent)'s final events.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Look for what other processes do in this home from now on, and say whose it is.
    WatchHome,
    /// Fetch, load and start the model. Done once; again only after it failed.
    LoadModel,
    /// All models on this machine.
    ListModels,
    /// Make a model the default of this home and load it in place of the present one; refused while the
    /// present one is at work.
    UseModel(String),
    /// End a piece of work after its current slice; what is worth keeping is kept.
    Cancel(WorkId),

    /// The sessions that match, with the figures over all of them.
    ListSessions(Filter),
    OpenSession(SessionId),
    /// Save a rating; nothing is said to be saved before it is on disk.
    Rate {
        session: SessionId,
        rating: Rating,
    },
    /// Add a session with its correction to the home's own evaluation set.
    AddToSet(SessionId),

    /// Answer a task, or one turn of it.
    Ask {
        work: WorkId,
        task: AskTask,
    },

    /// Carry a task out in a folder; each change is asked about.
    Act {
        work: WorkId,
        task: ActTask,
    },
    /// What the person says of the action that waits.
    Decide {
        work: WorkId,
        decision: ActDecision,
    },
    /// Rate one step of a task that was carried out, or say which action would have been right.
    RateStep {
        session: SessionId,
        rating: StepRating,
    },

    /// Score the *find* part of a set token by token.
    FindWeak {
        work: WorkId,
        set: SetChoice,
        arm: ArmChoice,
    },

    /// What an arm expected at every token of an example's right answer.
    LookAtTokens {
        work: WorkId,
        example: Box<Example>,
        arm: ArmChoice,
    },

    /// The training runs of this home, newest first.
    ListRuns,
    /// Gather, tokenise and estimate; nothing is trained before [`Effect::StartTraining`].
    PrepareTraining {
        work: WorkId,
        material: TrainingMaterial,
    },
    /// Start what was prepared under the same name.
    StartTraining(WorkId),
    /// Forget what was prepared.
    DiscardTraining(WorkId),
    /// Go on with a paused or interrupted run.
    ResumeTraining {
        work: WorkId,
        run: String,
    },
    /// A paused run will not be gone on with: it is no longer offered.
    AbandonRun(String),
    /// Ask the process that trains a run to keep a checkpoint and stop.
    PauseRun(String),
    /// Leave a run that trains here to a process of its own, which goes on after this one.
    LeaveTraining(String),

    ListAdapters,
    /// Ask the gate whether `b` is better than `a`.
    Judge {
        work: WorkId,
        a: ArmChoice,
        b: ArmChoice,
        set: SetChoice,
    },
    /// The failed sessions with a correction, scored by both arms.
    CompareFailed {
        work: WorkId,
        a: ArmChoice,
        b: ArmChoice,
    },
    /// Mean stars per arm.
    RateArms,
    /// The gate over the person's own corrections that were held back; the decision is kept.
    JudgeOwnWork {
        work: WorkId,
        a: ArmChoice,
        b: ArmChoice,
    },

    /// Recent rated tasks answered by both arms, one pair after another, blind.
    Replay {
        work: WorkId,
        reference: ArmChoice,
        candidate: ArmChoice,
    },
    /// What the person says of the pair that is shown; none: nothing, on to the next.
    JudgePair {
        work: WorkId,
        choice: Option<PairChoice>,
    },
    /// Who answers tasks, and what is known of an adapter.
    Service {
        candidate: Option<String>,
    },
    /// All tasks to this arm from now on.
    Promote(String),
    /// The configured share of the tasks to this adapter.
    Canary(String),
    /// Back to what was before the adapter that came last.
    RollBack,
    /// How the versions did, week by week.
    Progress,

    /// Rounds, experiments and what adapters cost elsewhere.
    ListExperiments,
    /// The answers behind one cell of the sentinel matrix.
    OpenSentinels {
        round: String,
        area: String,
    },
    /// One whole round of improvement, or several.
    Improve {
        work: WorkId,
        order: ImproveOrder,
    },
    /// Go on with a round that was stopped.
    ResumeRound {
        work: WorkId,
        round: String,
    },
    /// Write what is shown to a file of the person's; one that is there stays, unless it is to be replaced.
    Export {
        what: Arc<TakenOut>,
        path: PathBuf,
        replace: bool,
    },
    RunExperiment {
        work: WorkId,
        order: ExperimentOrder,
    },
    ResumeExperiment {
        work: WorkId,
        experiment: String,
    },
}

impl Effect {
    /// The piece of work that it begins, which ends with a final event.
    pub fn begins(&self) -> Option<WorkId> {
        match self {
            Self::Ask { work, .. }
            | Self::Act { work, .. }
            | Self::FindWeak { work, .. }
            | Self::LookAtTokens { work, .. }
            | Self::PrepareTraining { work, .. }
            | Self::StartTraining(work)
            | Self::ResumeTraining { work, .. }
            | Self::Judge { work, .. }
            | Self::CompareFailed { work, .. }
            | Self::JudgeOwnWork { work, .. }
            | Self::Replay { work, .. }
            | Self::Improve { work, .. }
            | Self::ResumeRound { work, .. }
            | Self::RunExperiment { work, .. }
            | Self::ResumeExperiment { work, .. } => Some(*work),
            _ => None,
        }
    }

    /// It only reads, or only concerns what this process has begun: nobody has to own the home for it.
    pub fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::WatchHome
                | Self::ListModels
                | Self::Cancel(_)
                | Self::ListSessions(_)
                | Self::OpenSession(_)
                | Self::Decide { .. }
                | Self::ListRuns
                | Self::DiscardTraining(_)
                | Self::ListAdapters
                | Self::RateArms
                | Self::JudgePair { .. }
                | Self::Service { .. }
                | Self::Progress
                | Self::ListExperiments
                | Self::OpenSentinels { .. }
                // Into the person's own folder.
                | Self::Export { .. }
        )
    }
}

/// A round as the screen asks for it; all else is as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ImproveOrder {
    pub set: SetChoice,
    pub arm: ArmChoice,
    pub iterations: usize,
    /// Examples to keep for training; none: by variations.
    pub count: Option<usize>,
}

/// An experiment as the screen asks for it; all else is as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentOrder {
    pub experiment: Experiment,
    pub set: SetChoice,
    pub seeds: usize,
    /// Examples of the first arm.
    pub count: usize,
}

/// A task in ask mode as the screen gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct AskTask {
    /// All turns so far; the last is the person's.
    pub messages: Vec<Message>,
    pub arm: ArmChoice,
    pub retry_of: Option<SessionId>,
    /// The turn before this one: whichever arm was drawn for it goes on.
    pub follows: Option<SessionId>,
    /// None: another one each time.
    pub seed: Option<u64>,
}

/// A task in act mode as the screen gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActTask {
    pub task: String,
    /// The folder to act in.
    pub workspace: PathBuf,
    pub arm: ArmChoice,
    pub retry_of: Option<SessionId>,
    /// None: another one each time.
    pub seed: Option<u64>,
}

/// What a person says of an action that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActDecision {
    Allow,
    /// This, and all of its kind in this folder from now on.
    AllowKind,
    Deny,
    /// Do this instead: a command, or an action as JSON.
    Edit(String),
    /// End the task.
    Stop,
}

/// What to train on.
#[derive(Debug, Clone)]
pub enum TrainingMaterial {
    /// The failed sessions that have a correction.
    Failed,
    /// A JSONL file.
    File(PathBuf),
    /// Chosen examples with their right answers.
    Examples(Vec<Example>),
    /// All of it decided elsewhere.
    Request(Box<TrainRequest>),
}
