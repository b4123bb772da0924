//! What came of an effect, and what happens while it is done.

use super::WorkId;
use crate::adapters::{AdapterSummary, Change, Routing};
use crate::eval::promotion::PairCounts;
use crate::eval::{Example, ItemScore, LeftOut};
use crate::experiments::{ExperimentEvent, ExperimentRecord, Unfinished};
use crate::feedback::Trigger;
use crate::improve::{RoundEvent, RoundResult, SentinelMatrix, SentinelPair, StoredRound};
use crate::model::source;
use crate::report::TakenOut;
use crate::runtime::Stop;
use crate::store::{
    ActEnding, Approval, ChangeKind, Filter, Holder, Message, Session, SessionId, SessionSummary,
    Skipped,
};
use crate::train::{RunRecord, StepMetrics};
use crate::workplace::progress::VersionProgress;
use crate::workplace::replay::Judgement;
use crate::workplace::service::OnTrial;
use crate::workplace::{Comparison, Event, ModelList, Trained};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Report {
    Model(ModelReport),
    /// Shared, since it may hold many.
    Models(Arc<ModelList>),
    /// It is the default now, and is being loaded.
    ModelChosen {
        name: String,
        config_file: PathBuf,
    },
    /// Shared, since it may hold thousands.
    Sessions(Arc<Sessions>),
    Session(Box<Session>),
    /// The rating is on disk.
    Rated(Box<Session>),
    /// The rating was refused or could not be written; nothing was changed.
    RatingFailed {
        session: SessionId,
        why: String,
    },
    AddedToSet {
        session: SessionId,
        set: PathBuf,
    },
    Runs(Vec<RunSummary>),
    /// Steps of a run that another process trains, oldest first; some may have been told before.
    RunSteps {
        run: String,
        steps: Vec<StepMetrics>,
        /// Seconds since that process began with it.
        elapsed: Option<f64>,
        /// What that process takes.
        memory_mib: Option<usize>,
    },
    /// The run goes on in a process of its own.
    InBackground {
        run: String,
        process: u32,
    },
    /// Another dashboard owns this home and this one only follows; or (none) this one has become its owner.
    Ownership(Option<Holder>),
    /// The index was made again from the files; what was kept and what was read, in words.
    Recovered(String),
    Adapters(Vec<AdapterSummary>),
    ArmRatings(Vec<ArmRating>),
    Service(Box<ServiceState>),
    /// Who answers has changed: somebody wanted it, or the evidence crossed its bound.
    Routed(Box<Change>),
    Progress(Vec<VersionProgress>),
    /// Shared, since it may hold many.
    Experiments(Arc<StoredExperiments>),
    SentinelAnswers {
        round: String,
        area: String,
        pairs: Vec<SentinelPair>,
    },
    /// What was shown is in these files.
    Exported(Vec<PathBuf>),
    /// There is such a file already; nothing was written.
    ExportStopped {
        what: Arc<TakenOut>,
        path: PathBuf,
        there: PathBuf,
    },
    Work {
        work: WorkId,
        event: WorkEvent,
    },
    /// Something asked for without a [`WorkId`] could not be done.
    Failed {
        what: &'static str,
        why: String,
    },
}

/// The way of the model into memory.
#[derive(Debug, Clone)]
pub enum ModelReport {
    /// It is looked for or fetched.
    Source(source::Event),
    /// Share of it that is in memory.
    Loading(f32),
    Ready(ModelFacts),
    /// Something about the model that the person should know.
    Note(String),
    Failed(String),
}

/// The loaded model in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFacts {
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    pub layers: usize,
    /// Tokens.
    pub context: usize,
}

/// What happens to a piece of work. [`Answered`](Self::Answered) and all after it are final.
#[derive(Debug, Clone)]
pub enum WorkEvent {
    /// It has begun: the model is there and the work is no longer waiting.
    Started,
    /// A piece of the answer, safe to show.
    Text(String),
    /// Progress, training steps and remarks.
    Progress(Event),
    /// Memory that the process holds now, in MiB, with a training step.
    Memory(usize),
    /// Seconds since the run began or went on, before every training step.
    Elapsed(f64),
    /// A run has its folder and trains.
    Training(Box<TrainingStarted>),
    /// A pair is there to be judged.
    Pair(Box<ShownPair>),
    /// A judgement is on disk (none: the task was passed over).
    PairJudged(Box<JudgedPair>),
    /// What happens while a task is carried out.
    Act(Box<ActShown>),
    /// An action waits for a word ([`Effect::Decide`](super::Effect::Decide)).
    Proposed(Box<ShownProposal>),
    /// What happens in a round of improvement.
    Round(Box<RoundEvent>),
    /// What happens in an experiment.
    Experiment(Box<ExperimentEvent>),

    Answered(Box<Answered>),
    /// A task in act mode has ended.
    Acted(Box<Acted>),
    WeakFound(Box<WeakFound>),
    TokensLookedAt(Vec<TokenAlternatives>),
    Prepared(Box<TrainingPreview>),
    Trained(Box<Trained>),
    Judged(Box<Comparison>),
    FailedCompared(Box<FailedCompared>),
    /// A replay has come to its end: tasks used up, or a decision.
    Replayed(Box<ReplayState>),
    Improved(Vec<RoundResult>),
    Experimented(Box<ExperimentRecord>),
    Cancelled,
    Failed(String),
}

impl WorkEvent {
    /// Nothing more comes of this piece of work.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Started
                | Self::Text(_)
                | Self::Progress(_)
                | Self::Memory(_)
                | Self::Elapsed(_)
                | Self::Training(_)
                | Self::Pair(_)
                | Self::PairJudged(_)
                | Self::Act(_)
                | Self::Proposed(_)
                | Self::Round(_)
                | Self::Experiment(_)
        )
    }
}

/// Everything that was tried in a home.
#[derive(Debug, Clone, Default)]
pub struct StoredExperiments {
    /// Newest first.
    pub rounds: Vec<StoredRound>,
    /// Those that have at least one arm's result, newest first.
    pub experiments: Vec<ExperimentRecord>,
    pub unfinished: Vec<Unfinished>,
    /// Those of them that another process works on now, by the name of their folder.
    pub elsewhere: BTreeMap<String, Holder>,
    pub sentinels: SentinelMatrix,
}

/// A list of sessions, and figures over all sessions whatever the filter.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    /// What was asked for.
    pub filter: Filter,
    /// Newest first.
    pub list: Vec<SessionSummary>,
    pub total: usize,
    pub trigger: Option<Trigger>,
    /// The stars of the last rated sessions, oldest first.
    pub recent_stars: Vec<u8>,
    /// Files that make no sense, left untouched.
    pub damaged: Vec<Skipped>,
}

/// An answer that has ended and is on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub session: SessionId,
    /// `base` or the adapter.
    pub arm: String,
    /// It was drawn among several arms: which one it was stays hidden until the answer is rated.
    pub blind: bool,
    /// Safe to show.
    pub text: String,
    pub stop: Stop,
    pub tokens: usize,
    pub tokens_per_second: f64,
}

/// What happens while a task is carried out; all texts are safe to show.
#[derive(Debug, Clone, PartialEq)]
pub enum ActShown {
    /// It is recorded in this session.
    Began(SessionId),
    /// The actor thinks about this step, from 1.
    Choosing {
        step: usize,
    },
    /// It chose; the action is approved or under way.
    Chosen {
        step: usize,
        words: String,
    },
    Did(ShownStep),
}

/// One step that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownStep {
    /// From 1.
    pub step: usize,
    /// The action in one line.
    pub words: String,
    /// What it printed or found.
    pub output: String,
    /// What went wrong, in one line.
    pub trouble: Option<String>,
    pub changed: Vec<(ChangeKind, String)>,
    /// Files that changed beyond those.
    pub more_changed: usize,
    pub approval: Approval,
    pub seconds: f64,
}

/// An action that waits for a word; all texts but `editable` are safe to show.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownProposal {
    /// From 1.
    pub step: usize,
    /// The action in one line.
    pub words: String,
    /// What would be allowed with it for good.
    pub kind: String,
    /// Why nothing confines it; then it can only be allowed once.
    pub unconfined: Option<String>,
    /// What the person may change: a command, or the action as JSON.
    pub editable: String,
    /// Why the last change was not understood.
    pub problem: Option<String>,
}

/// A task that was carried out and is on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Acted {
    pub session: SessionId,
    /// `base` or the adapter.
    pub arm: String,
    /// It was drawn among several arms: which one it was stays hidden until the task is rated.
    pub blind: bool,
    /// Safe to show; none when there was no answer.
    pub answer: Option<String>,
    pub ended: ActEnding,
    pub steps: usize,
    pub tokens_per_second: f64,
}

/// The *find* part of a set as one arm sees it.
#[derive(Debug, Clone)]
pub struct WeakFound {
    /// `base` or the adapter.
    pub arm: String,
    pub items: Vec<MeasuredItem>,
    pub left_out: Vec<LeftOut>,
    /// Where the `auto` threshold lies.
    pub auto_threshold: f64,
}

/// One example with its surprise, token by token.
#[derive(Debug, Clone)]
pub struct MeasuredItem {
    pub example: Example,
    pub score: ItemScore,
    /// Text and nats of every scored token, the end of the turn last; text safe to show.
    pub tokens: Vec<(String, f32)>,
}

/// What an arm expected where one token of a right answer stands; texts safe to show.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenAlternatives {
    /// Of the token that stands there.
    pub probability: f32,
    /// 1 where none was likelier.
    pub rank: usize,
    /// Texts and probabilities, the likeliest first.
    pub likeliest: Vec<(String, f32)>,
}

/// What a training run will learn, before it starts.
#[derive(Debug, Clone)]
pub struct TrainingPreview {
    pub run: String,
    /// Examples by where they come from.
    pub examples: BTreeMap<String, usize>,
    /// Tokens of all epochs, prompts included, and the trained ones among them.
    pub tokens: usize,
    pub trained_tokens: usize,
    pub steps: usize,
    pub steps_done: usize,
    pub memory_mib: usize,
    pub free_mib: Option<usize>,
    pub estimated_seconds: f64,
    pub notes: Vec<String>,
    /// The first examples, token by token: text, and whether it is trained.
    pub samples: Vec<PreviewSample>,
}

/// One example as training sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewSample {
    pub id: String,
    pub provenance: &'static str,
    pub tokens: Vec<(String, bool)>,
}

/// A run that has begun, anew or again.
#[derive(Debug, Clone)]
pub struct TrainingStarted {
    pub run: String,
    pub steps: usize,
    /// The steps that were done before, for the curve.
    pub done: Vec<StepMetrics>,
}

/// A training run on disk.
#[derive(Debug, Clone)]
pub struct RunSummary {
    pub name: String,
    pub record: RunRecord,
    pub metrics: Vec<StepMetrics>,
    /// Steps of the whole run.
    pub steps: usize,
    /// It has a checkpoint or could be started again, and no process trains it.
    pub resumable: bool,
    /// Who trains it now.
    pub trainer: Option<Holder>,
}

/// The failed sessions with a correction, before and after.
#[derive(Debug, Clone)]
pub struct FailedCompared {
    pub a: String,
    pub b: String,
    pub tasks: Vec<FailedTask>,
    /// Failed sessions without a correction, which cannot be scored.
    pub uncorrected: usize,
}

/// One failed session under both arms.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedTask {
    pub session: SessionId,
    pub task: String,
    /// All turns before the answer, to ask it again.
    pub messages: Vec<Message>,
    pub correction: String,
    /// What the model had said.
    pub answer: String,
    /// Perplexity of the correction under either arm.
    pub before: f64,
    pub after: f64,
    /// `b` was trained on this prompt.
    pub seen: bool,
}

/// Stars that one arm got.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmRating {
    pub arm: String,
    pub rated: usize,
    pub mean: f64,
    /// 95 % credible interval of the mean; none without ratings.
    pub ci95: Option<[f64; 2]>,
    /// Finished sessions that nobody rated.
    pub unrated: usize,
    /// The probability that this arm's mean is above each other arm's.
    pub better_than: BTreeMap<String, f64>,
    /// Ratings that each arm still lacks until a difference of 0.2 stars to the other would be seen.
    pub still_needed: BTreeMap<String, usize>,
}

/// Who answers tasks, and what is known of one adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceState {
    pub routing: Routing,
    /// There is something to roll back to.
    pub can_roll_back: bool,
    /// What is known of the adapter that was asked about, else of the one on trial.
    pub standing: Option<OnTrial>,
    /// The person's corrections, and those of them that are held back to decide.
    pub corrections: usize,
    pub held_back: usize,
}

/// Two answers to one task; which arm is on which side, nobody is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownPair {
    /// From 1, and how many there are in all.
    pub number: usize,
    pub total: usize,
    /// Safe to show, like the answers.
    pub task: String,
    pub left: String,
    pub right: String,
}

/// What a judgement came to.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedPair {
    /// None: the task was passed over.
    pub judgement: Option<Judgement>,
    /// Both answers were the same, so nobody was asked.
    pub same: bool,
    /// Which side the candidate was on.
    pub candidate_left: bool,
    pub state: ReplayState,
}

/// How far a replay is.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayState {
    pub reference: String,
    pub candidate: String,
    pub counts: PairCounts,
    /// Tasks that are left to judge.
    pub left: usize,
}
