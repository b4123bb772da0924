//! Adapters in service: what pairs and stars say of the one on trial, and what follows by itself. Gathers
//! the evidence and does what it allows; the bounds are `eval::promotion`'s.

use super::own_work::{Proof, proof};
use super::{Result, Workplace, replay};
use crate::adapters::{BASE, By, Change, Grounds, Routing, Step};
use crate::eval::promotion::{ArmRecord, Finding, ServiceEvidence};
use crate::eval::statistics::StarCounts;
use crate::runtime;
use crate::store::{Filter, Index, Outcome, Session, SessionSummary};
use crate::tasks::{self, Arm};
use serde_json::{Value, json};

/// Sessions of the arm before that a promoted adapter is held against: it alone answers now.
const LOOK_BACK: usize = 200;

/// The last tokens of an answer in which a repetition makes it endless, and how often it must stand there.
const ENDLESS_TOKENS: u64 = 64;
const REPEATS: usize = 4;

/// An adapter in service, what it is held against, and what is known.
#[derive(Debug, Clone, PartialEq)]
pub struct OnTrial {
    pub candidate: String,
    pub reference: String,
    /// It was promoted and alone answers; its reference's stars are from before.
    pub promoted: bool,
    pub evidence: ServiceEvidence,
    /// The person's own work has accepted it.
    pub proof: Proof,
}

impl OnTrial {
    /// As it is kept with a change.
    pub fn document(&self) -> Value {
        let ServiceEvidence { pairs, reference, candidate } = &self.evidence;
        let arm = |record: &ArmRecord| {
            json!({
                "stars": record.stars.0,
                "mean": (record.stars.ratings() > 0).then(|| record.stars.mean()),
                "ratings": record.stars.ratings(),
                "unrated": record.unrated,
            })
        };
        json!({
            "candidate": self.candidate,
            "reference": self.reference,
            "wins": pairs.wins,
            "losses": pairs.losses,
            "ties": pairs.ties,
            "e_value": pairs.e_value(),
            "star_e_value": self.evidence.star_e_value(),
            "arms": {"candidate": arm(candidate), "reference": arm(reference)},
            "guard": self.evidence.guard_holds(),
            "own_work": match &self.proof {
                Proof::Unproven => "unproven",
                Proof::Accepted => "accepted",
                Proof::NotAccepted(why) => why,
            },
        })
    }

    /// What stands between the adapter and its promotion, in words; none when nothing does.
    pub fn missing(&self) -> Option<String> {
        let finding = self.evidence.finding();
        match &self.proof {
            Proof::Unproven => Some("your own corrections have not judged it yet".into()),
            Proof::NotAccepted(why) => {
                Some(format!("your own corrections do not accept it ({why})"))
            }
            Proof::Accepted if finding != Finding::Better => {
                Some("neither blind pairs nor stars say so yet".into())
            }
            Proof::Accepted if !self.evidence.guard_holds() => {
                Some("more of its sessions stay unrated than of the other arm".into())
            }
            Proof::Accepted => None,
        }
    }
}

/// The adapter that is on trial now: the canary, or the one that was promoted last.
///
/// # Errors
/// An index or a history that cannot be read.
pub fn on_trial(workplace: &Workplace) -> Result<Option<OnTrial>> {
    let changes = workplace.registry().history().changes()?;
    let Some(last) = changes.last() else { return Ok(None) };
    let routing = &last.routing;
    if let Some(candidate) = routing.candidate() {
        return trial(workplace, candidate, &routing.active, &changes, false).map(Some);
    }
    // Nobody but the active arm answers.
    let before = changes.iter().rev().map(|change| change.routing.active.as_str());
    let before = before.chain([BASE]).find(|arm| *arm != routing.active);
    match (last.step, before) {
        (Step::Promote, Some(before)) if routing.active != BASE => {
            trial(workplace, &routing.active, before, &changes, true).map(Some)
        }
        _ => Ok(None),
    }
}

/// What is known of any adapter against the active arm, in service or not.
///
/// # Errors
/// As [`on_trial`].
pub fn standing(workplace: &Workplace, candidate: &str) -> Result<OnTrial> {
    if let Some(found) = on_trial(workplace)?.filter(|found| found.candidate == candidate) {
        return Ok(found);
    }
    let changes = workplace.registry().history().changes()?;
    let active = changes.last().map_or(BASE, |change| change.routing.active.as_str()).to_owned();
    let reference = if active == candidate { BASE.to_owned() } else { active };
    trial(workplace, candidate, &reference, &changes, false)
}

fn trial(
    workplace: &Workplace,
    candidate: &str,
    reference: &str,
    changes: &[Change],
    promoted: bool,
) -> Result<OnTrial> {
    let index = workplace.index()?;
    let since = began(changes, candidate);
    let drawn = |session: &SessionSummary| session.arm_probability.is_some_and(|p| p < 1.0);
    let (own, others): (ArmRecord, ArmRecord) = match promoted {
        true => {
            let own = sessions(&index, candidate, None)?;
            let own = own.into_iter().filter(|s| since.is_some_and(|at| s.started.as_str() >= at));
            let earlier = sessions(&index, reference, None)?;
            let earlier =
                earlier.into_iter().filter(|s| since.is_some_and(|at| s.started.as_str() < at));
            (record(own), record(earlier.take(LOOK_BACK)))
        }
        false => {
            let drawn_since = |arm: &str| -> Result<ArmRecord> {
                let all = sessions(&index, arm, None)?.into_iter();
                Ok(record(
                    all.filter(|s| drawn(s) && since.is_some_and(|at| s.started.as_str() >= at)),
                ))
            };
            (drawn_since(candidate)?, drawn_since(reference)?)
        }
    };
    let pairs = replay::counts(workplace, reference, candidate, None)?;
    Ok(OnTrial {
        candidate: candidate.to_owned(),
        reference: reference.to_owned(),
        promoted,
        evidence: ServiceEvidence { pairs, reference: others, candidate: own },
        proof: proof(workplace, candidate).unwrap_or(Proof::Unproven),
    })
}

/// When the adapter's present time in service began, local time to the second; none while it has none.
fn began<'a>(changes: &'a [Change], adapter: &str) -> Option<&'a str> {
    let serves = |routing: &Routing| routing.share(adapter) > 0.0;
    let first = changes.iter().rev().take_while(|change| serves(&change.routing)).last()?;
    // A promotion after a canary begins a time of its own: from then on it answers alone.
    let alone = changes.iter().rev().take_while(|c| c.routing == Routing::only(adapter)).last();
    let at = alone.unwrap_or(first).at.as_str();
    at.get(..19)
}

/// The arm's sessions that were answered here, newest first.
fn sessions(index: &Index, arm: &str, limit: Option<usize>) -> Result<Vec<SessionSummary>> {
    let filter =
        Filter { arm: Some(arm.to_owned()), imported: Some(false), limit, ..Filter::default() };
    Ok(index.list(&filter)?)
}

/// Stars, and finished sessions without them. The newest session of an arm may still be rated.
fn record(sessions: impl Iterator<Item = SessionSummary>) -> ArmRecord {
    let mut record = ArmRecord::default();
    let mut stars = Vec::new();
    for (place, session) in sessions.enumerate() {
        match session.stars {
            Some(given) => stars.push(given.get()),
            None if place == 0 => {}
            None => record.unrated += usize::from(session.outcome.as_deref() == Some("finished")),
        }
    }
    record.stars = StarCounts::of(stars);
    record
}

/// Takes the adapter that came last out of service because a person wants it, with what was known then.
///
/// # Errors
/// There is nothing before it, or files that cannot be read or written.
pub fn roll_back(workplace: &Workplace) -> Result<Change> {
    let evidence = on_trial(workplace)?.map_or(Value::Null, |trial| trial.document());
    let grounds = Grounds::person("a person wanted it", evidence);
    Ok(workplace.registry().history().rollback(grounds)?)
}

/// Gives an adapter, or base, all tasks because a person wants it, with what was known then.
///
/// # Errors
/// An arm that is not there or has all tasks, or files that cannot be read or written.
pub fn promote(workplace: &Workplace, arm: &str) -> Result<Change> {
    let grounds = Grounds::person("a person wanted it", known(workplace, arm)?);
    Ok(workplace.registry().history().promote(arm, grounds)?)
}

/// Gives an adapter a share of the tasks, in (0, 1), because a person wants it, with what was known then.
///
/// # Errors
/// As [`promote`], or a share that is none.
pub fn canary(workplace: &Workplace, arm: &str, share: f64) -> Result<Change> {
    let grounds = Grounds::person("a person wanted it", known(workplace, arm)?);
    Ok(workplace.registry().history().canary(arm, share, grounds)?)
}

/// What is known of an arm, as it is kept with a change.
fn known(workplace: &Workplace, arm: &str) -> Result<Value> {
    if arm == BASE {
        return Ok(Value::Null);
    }
    workplace.registry().folder(arm)?.metadata()?;
    Ok(standing(workplace, arm)?.document())
}

/// Does what the evidence allows: promotes the adapter on trial, or rolls it back. None when nothing
/// changes, or when the person wants to decide alone (`[routing] automatic = false`).
///
/// # Errors
/// Files that cannot be read or written.
pub fn review(workplace: &Workplace) -> Result<Option<Change>> {
    match on_trial(workplace)? {
        Some(trial) => act(workplace, &trial),
        None => Ok(None),
    }
}

/// As [`review`], for an adapter that was replayed and may have no traffic yet.
///
/// # Errors
/// As [`review`].
pub fn review_candidate(workplace: &Workplace, candidate: &str) -> Result<Option<Change>> {
    if candidate == BASE {
        return Ok(None);
    }
    act(workplace, &standing(workplace, candidate)?)
}

fn act(workplace: &Workplace, trial: &OnTrial) -> Result<Option<Change>> {
    if !workplace.config.routing.automatic {
        return Ok(None);
    }
    let history = workplace.registry().history();
    let routing = history.routing()?;
    let serves = routing.share(&trial.candidate) > 0.0;
    let evidence = &trial.evidence;
    match evidence.finding() {
        // What a person knew when they put the adapter into service does not undo their decision.
        Finding::Worse
            if serves && since_the_person(workplace, trial)?.finding() == Finding::Worse =>
        {
            let reason = format!("worse than {}: {}", trial.reference, evidence.describe());
            let grounds = Grounds::automatic(reason, trial.document());
            Ok(Some(history.rollback_of(&trial.candidate, grounds)?))
        }
        Finding::Better
            if trial.missing().is_none() && routing != Routing::only(&trial.candidate) =>
        {
            let reason = format!(
                "accepted by your own corrections, and better than {}: {}",
                trial.reference,
                evidence.describe()
            );
            let grounds = Grounds::automatic(reason, trial.document());
            Ok(Some(history.promote(&trial.candidate, grounds)?))
        }
        _ => Ok(None),
    }
}

/// The evidence without the pairs that a person had judged when they put the adapter into service
/// themselves. Stars count from then on anyway.
fn since_the_person(workplace: &Workplace, trial: &OnTrial) -> Result<ServiceEvidence> {
    let changes = workplace.registry().history().changes()?;
    let by_person = changes.iter().rev().find(|change| {
        change.adapter == trial.candidate
            && change.by == By::Person
            && change.step != Step::Rollback
    });
    let Some(change) = by_person else { return Ok(trial.evidence) };
    let (reference, candidate) = (&trial.reference, &trial.candidate);
    let pairs = replay::counts(workplace, reference, candidate, Some(&change.at))?;
    Ok(ServiceEvidence { pairs, ..trial.evidence })
}

/// Takes an adapter out of service because it does not work at all; none when it has no traffic, or when
/// the person wants to decide alone.
///
/// # Errors
/// Files that cannot be read or written.
pub fn withdraw(workplace: &Workplace, adapter: &str, why: &str) -> Result<Option<Change>> {
    let history = workplace.registry().history();
    if !workplace.config.routing.automatic || history.routing()?.share(adapter) == 0.0 {
        return Ok(None);
    }
    let known = on_trial(workplace)?.filter(|trial| trial.candidate == adapter);
    let evidence = known.map_or(Value::Null, |trial| trial.document());
    let grounds = Grounds::automatic(why.to_owned(), evidence);
    Ok(Some(history.rollback_of(adapter, grounds)?))
}

/// Looks at an answer that has just come from an adapter in service: one that is empty or never ends takes
/// it out at once.
///
/// # Errors
/// Files that cannot be read or written.
pub fn inspect(workplace: &Workplace, session: &Session) -> Result<Option<Change>> {
    let Some(record) = &session.kaizen else { return Ok(None) };
    let (Some(adapter), Some(_)) = (&record.adapter, record.arm_draw) else { return Ok(None) };
    match trouble(session) {
        Some(trouble) => {
            let why = format!("{} {trouble}", session.session_id);
            withdraw(workplace, adapter, &why)
        }
        None => Ok(None),
    }
}

/// As [`inspect`], where there is no answer at all: a crash takes the adapter out at once, a prompt that
/// is too long or a full disk is not its doing.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_failure(
    workplace: &Workplace,
    arm: &Arm,
    error: &tasks::Error,
) -> Result<Option<Change>> {
    let crashed = matches!(
        error,
        tasks::Error::Model(_)
            | tasks::Error::Runtime(runtime::Error::Model(_) | runtime::Error::Stopped(_))
    );
    match crashed && arm.name != BASE && arm.draw.is_some() {
        true => withdraw(workplace, &arm.name, &format!("it crashed: {error}")),
        false => Ok(None),
    }
}

/// What is wrong with an answer beyond taste.
fn trouble(session: &Session) -> Option<String> {
    let record = session.kaizen.as_ref()?;
    if record.outcome != Some(Outcome::Finished) {
        return None;
    }
    let answer = record.answer.as_deref().unwrap_or_default();
    if answer.trim().is_empty() {
        return Some("has an empty answer".into());
    }
    let most = record.generation.as_ref().and_then(|generation| generation.max_tokens)?;
    let full =
        record.answer_tokens.is_some_and(|tokens| tokens >= most && tokens >= ENDLESS_TOKENS);
    (full && goes_round(answer)).then(|| "has an answer that goes round and never ends".into())
}

/// The text ends in one passage over and over.
fn goes_round(answer: &str) -> bool {
    let text: Vec<char> = answer.trim_end().chars().collect();
    (1..=text.len() / REPEATS).any(|length| {
        let Some(last) = text.get(text.len() - length..) else { return false };
        // A row of equal characters may be a drawing; a passage counts from so many characters in all.
        length * REPEATS >= 32
            && (2..=REPEATS).all(|nth| {
                text.get(text.len() - nth * length..text.len() - (nth - 1) * length) == Some(last)
            })
    })
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
