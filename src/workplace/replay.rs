//! Replay: the person's recent rated tasks, answered again by two arms, blind, one judgement a pair. The
//! main road to a decision, since both arms answer the same tasks. Owns which tasks are taken, which side
//! is which, and the file of judgements; what these prove is `eval::promotion`'s business.

use super::compare::arm_hash;
use super::compare_arms::prompts_of_adapter;
use super::{Error, Result, Workplace};
use crate::eval::promotion::PairCounts;
use crate::feedback;
use crate::model::sampler::Sampling;
use crate::runtime::{Ending, Generate, GenerateRequest, Runtime, Until};
use crate::store::{self, Filter, Message, Outcome, SessionId, atomic, clock, logs};
use crate::tasks::Arm;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sessions that are looked through for tasks, newest first.
const RECENT: usize = 1_000;

/// A task to be answered again.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayTask {
    pub session: SessionId,
    /// What was asked, as it stands over the answers.
    pub task: String,
    /// All turns before the answer.
    pub messages: Vec<Message>,
}

/// One task with both answers, on sides drawn at random.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayPair {
    pub task: ReplayTask,
    /// As written; strip terminal escapes before they are shown.
    pub left: String,
    pub right: String,
    /// Which side the candidate is on. Nobody is told before they have judged.
    pub candidate_left: bool,
}

impl ReplayPair {
    /// The candidate's answer, then the reference's.
    fn answers(&self) -> (&str, &str) {
        match self.candidate_left {
            true => (&self.left, &self.right),
            false => (&self.right, &self.left),
        }
    }

    /// There is nothing to choose between: the pair is even without being asked.
    pub fn is_same(&self) -> bool {
        self.left.trim() == self.right.trim()
    }
}

/// What the person says of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Left,
    Right,
    Tie,
}

/// The same, from the candidate's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    Win,
    Loss,
    Tie,
}

/// One line of a file of judgements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PairRecord {
    at: String,
    session: SessionId,
    candidate: String,
    reference: String,
    /// Of the values that answered: another adapter under the same name starts anew.
    candidate_sha256: String,
    reference_sha256: String,
    candidate_side: String,
    candidate_answer: String,
    reference_answer: String,
    judgement: Judgement,
    /// The answers were the same, so nobody was asked.
    #[serde(default)]
    same: bool,
}

/// A replay of `candidate` against `reference`.
pub struct Replay<'a> {
    workplace: &'a Workplace,
    runtime: &'a Runtime,
    reference: Arm,
    candidate: Arm,
    hashes: [String; 2],
    judged: Mutex<Vec<PairRecord>>,
}

impl<'a> Replay<'a> {
    /// # Errors
    /// The same arm twice, or a file of judgements that cannot be read.
    pub fn new(
        workplace: &'a Workplace,
        runtime: &'a Runtime,
        reference: Arm,
        candidate: Arm,
    ) -> Result<Self> {
        if reference.name == candidate.name {
            return Err(Error::Usage(format!(
                "{} cannot be replayed against itself; name another adapter",
                candidate.name
            )));
        }
        let hashes = [arm_hash(&reference, runtime), arm_hash(&candidate, runtime)];
        let mut judged = records(workplace, &reference.name, &candidate.name)?;
        judged.retain(|record| {
            record.reference_sha256 == hashes[0] && record.candidate_sha256 == hashes[1]
        });
        let judged = Mutex::new(judged);
        Ok(Self { workplace, runtime, reference, candidate, hashes, judged })
    }

    /// The adapter that is to prove itself.
    pub fn candidate(&self) -> &str {
        &self.candidate.name
    }

    /// What was judged so far.
    pub fn counts(&self) -> PairCounts {
        count(&self.judged())
    }

    fn judged(&self) -> MutexGuard<'_, Vec<PairRecord>> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tasks that are left, newest first: rated here, answered whole, trained on by neither arm, each
    /// prompt once.
    ///
    /// # Errors
    /// An index that cannot be read, or metadata of an adapter.
    pub fn tasks(&self) -> Result<Vec<ReplayTask>> {
        let mut trained = prompts_of_adapter(self.workplace, &self.reference.name)?;
        trained.extend(prompts_of_adapter(self.workplace, &self.candidate.name)?);
        let recent = Filter {
            rated: Some(true),
            imported: Some(false),
            limit: Some(RECENT),
            ..Filter::default()
        };
        let done: BTreeSet<SessionId> =
            self.judged().iter().map(|record| record.session.clone()).collect();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut judged_prompts: BTreeSet<String> = BTreeSet::new();
        let mut tasks = Vec::new();
        for summary in self.workplace.index()?.list(&recent)? {
            // A session that is damaged meanwhile is no task.
            let Ok(session) = logs::load(&self.workplace.home, &summary.id) else { continue };
            // Two answers are held side by side, not two courses of action.
            if session.is_act() {
                continue;
            }
            let messages = session.prompt();
            let sha256 = prompt_sha256(&messages);
            if done.contains(&session.session_id) {
                judged_prompts.insert(sha256);
                continue;
            }
            let finished = session
                .kaizen
                .as_ref()
                .is_none_or(|record| matches!(record.outcome, None | Some(Outcome::Finished)));
            if finished && !trained.contains(&sha256) && seen.insert(sha256) {
                tasks.push(ReplayTask {
                    session: session.session_id,
                    task: session.metadata.task,
                    messages,
                });
            }
        }
        tasks.retain(|task| !judged_prompts.contains(&prompt_sha256(&task.messages)));
        Ok(tasks)
    }

    /// Has both arms answer a task, at the same time and with the same luck. None when it was cancelled,
    /// or when the task no longer fits the model.
    ///
    /// # Errors
    /// When the model fails.
    pub fn answer(&self, task: ReplayTask) -> Result<Option<ReplayPair>> {
        let model = self.runtime.model();
        let Ok(prompt) = model.template.encode(&model.tokenizer, &task.messages, true) else {
            return Ok(None);
        };
        let chance = chance(&task.session, &self.hashes);
        let defaults = &self.workplace.config.generate;
        let request = GenerateRequest {
            prompt,
            sampling: Sampling {
                temperature: defaults.temperature,
                top_p: defaults.top_p,
                min_p: defaults.min_p,
                repetition_penalty: defaults.repetition_penalty,
                seed: chance >> 33,
            },
            max_tokens: defaults.max_tokens,
            until: Until::EndOfTurn,
        };
        let submit = |arm: &Arm| {
            self.runtime.submit(Generate::for_person(request.clone(), arm.lora.clone()))
        };
        let running = [submit(&self.reference), submit(&self.candidate)];
        let mut texts = Vec::with_capacity(2);
        let mut whole = true;
        for job in running {
            match job.wait(|_| ()) {
                Ending::Finished(mut written) => {
                    texts.push(written.pop().map(|text| text.text).unwrap_or_default());
                }
                Ending::Cancelled(_) => whole = false,
                Ending::Failed(crate::runtime::Error::PromptTooLong { .. }) => whole = false,
                Ending::Failed(error) => return Err(error.into()),
            }
        }
        let (Some(candidate), Some(reference), true) = (texts.pop(), texts.pop(), whole) else {
            return Ok(None);
        };
        let candidate_left = chance & 1 == 1;
        let (left, right) =
            if candidate_left { (candidate, reference) } else { (reference, candidate) };
        Ok(Some(ReplayPair { task, left, right, candidate_left }))
    }

    /// Keeps a judgement; when this returns it is on disk. The chosen answer becomes what a failed
    /// session learns from, unless the person wrote a correction.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn judge(&self, pair: &ReplayPair, choice: Choice) -> Result<Judgement> {
        let judgement = match (choice, pair.candidate_left) {
            (Choice::Tie, _) => Judgement::Tie,
            (Choice::Left, true) | (Choice::Right, false) => Judgement::Win,
            _ => Judgement::Loss,
        };
        let (candidate_answer, reference_answer) = pair.answers();
        let record = PairRecord {
            at: clock::now(),
            session: pair.task.session.clone(),
            candidate: self.candidate.name.clone(),
            reference: self.reference.name.clone(),
            reference_sha256: self.hashes[0].clone(),
            candidate_sha256: self.hashes[1].clone(),
            candidate_side: if pair.candidate_left { "left" } else { "right" }.into(),
            candidate_answer: candidate_answer.to_owned(),
            reference_answer: reference_answer.to_owned(),
            judgement,
            same: pair.is_same(),
        };
        let path = file(self.workplace, &self.reference.name, &self.candidate.name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|e| store::Error::io("make the folder", folder, e))?;
        }
        let line = serde_json::to_string(&record)
            .map_err(|error| Error::Usage(format!("the pair cannot be stored: {error}")))?;
        atomic::append_line(&path, &line)?;
        self.judged().push(record);
        let chosen = match choice {
            Choice::Left => Some(&pair.left),
            Choice::Right => Some(&pair.right),
            Choice::Tie => None,
        };
        if let Some(answer) = chosen {
            let kept = self.workplace.index().map(|index| {
                feedback::choose_better(&self.workplace.home, &index, &pair.task.session, answer)
            });
            // The judgement is saved; a session that vanished meanwhile takes nothing of it away.
            if let Ok(Err(error)) = kept {
                tracing::warn!("the better answer was not kept with its session: {error}");
            }
        }
        Ok(judgement)
    }
}

/// How a candidate fared against a reference in the pairs that were judged since `since` (RFC 3339; none:
/// in all), by whatever values they had last.
///
/// # Errors
/// A file that cannot be read.
pub fn counts(
    workplace: &Workplace,
    reference: &str,
    candidate: &str,
    since: Option<&str>,
) -> Result<PairCounts> {
    let mut judged = records(workplace, reference, candidate)?;
    if let Some(last) = judged.last() {
        let (a, b) = (last.reference_sha256.clone(), last.candidate_sha256.clone());
        judged.retain(|record| record.reference_sha256 == a && record.candidate_sha256 == b);
    }
    let time = |text: &str| text.parse::<Timestamp>().ok();
    if let Some(since) = since.and_then(time) {
        judged.retain(|record| time(&record.at).is_some_and(|at| at >= since));
    }
    Ok(count(&judged))
}

fn count(judged: &[PairRecord]) -> PairCounts {
    judged.iter().fold(PairCounts::default(), |mut counts, record| {
        match record.judgement {
            Judgement::Win => counts.wins += 1,
            Judgement::Loss => counts.losses += 1,
            Judgement::Tie => counts.ties += 1,
        }
        counts
    })
}

fn file(workplace: &Workplace, reference: &str, candidate: &str) -> PathBuf {
    let folder = workplace.home.experiments().join("replays");
    folder.join(format!("{candidate}-against-{reference}.jsonl"))
}

fn records(workplace: &Workplace, reference: &str, candidate: &str) -> Result<Vec<PairRecord>> {
    let path = file(workplace, reference, candidate);
    let text = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(store::Error::io("read", &path, error).into()),
    };
    let mut records = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(record) => records.push(record),
            // What a crash cut short was never confirmed.
            Err(error) if error.is_eof() => {}
            Err(error) => {
                let why = format!("line {}: {}", number + 1, store::plain_line(&error.to_string()));
                return Err(store::Error::Damaged { path, why }.into());
            }
        }
    }
    Ok(records)
}

/// SHA-256 of a prompt as `Example::prompt_sha256` computes it.
fn prompt_sha256(messages: &[Message]) -> String {
    let turns: Vec<&str> = messages.iter().map(|turn| turn.content.as_str()).collect();
    let digest = Sha256::digest(turns.join("\n").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bits that nobody can foresee and that are the same for the same task and arms: the side, and the seed
/// that both answers share.
fn chance(session: &SessionId, hashes: &[String; 2]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(session.as_str());
    for part in hashes {
        hash.update(part);
    }
    hash.finalize().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}
