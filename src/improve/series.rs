//! Rounds in a row: each starts from the last adapter that was accepted, and two in a row that are not
//! end it.

use super::make::read_pool;
use super::record::{Control, Ending, RoundEvent, RoundRecord, RoundResult, RoundSeen, files};
use super::round::{Round, working};
use super::settings::Settings;
use super::workbench::Workbench;
use crate::eval::{Example, FieldMap, set};
use crate::runtime::Runtime;
use crate::store::{Documents, clock};
use crate::tasks::Arm;
use crate::train::TrainSettings;
use crate::workplace::{ArmChoice, Error, Result, Workplace};

/// What a series of rounds is asked for.
#[derive(Debug, Clone)]
pub struct ImproveRequest {
    pub examples: Vec<Example>,
    /// The set's name, for people.
    pub set: String,
    pub reference: Arm,
    pub settings: Settings,
    pub train: TrainSettings,
    /// Nobody chose the accumulation: it may be lowered to get more steps.
    pub accumulation_is_default: bool,
    pub replay: f64,
    pub control: Control,
    pub iterations: usize,
    /// Sentinel items an area; none: all, as the gate asks.
    pub sentinels: Option<usize>,
}

/// A round on disk.
#[derive(Debug, Clone)]
pub struct StoredRound {
    pub name: String,
    pub record: RoundRecord,
    /// None: it was stopped, and can be gone on with.
    pub result: Option<RoundResult>,
}

const ROUND: &str = "round";

/// So many rounds in a row that are not accepted end a series.
const NOT_ACCEPTED: usize = 2;

/// Does rounds until the last, or until two in a row are not accepted.
///
/// # Errors
/// A set that cannot be used, work that fails or is cancelled: then it can be gone on with.
pub fn improve(
    workplace: &Workplace,
    runtime: &Runtime,
    request: &ImproveRequest,
    seen: RoundSeen,
) -> Result<Vec<RoundResult>> {
    let record = RoundRecord {
        started: clock::now(),
        set: request.set.clone(),
        base: runtime.model().name().to_owned(),
        base_sha256: runtime.model().identity().sha256.clone(),
        reference: request.reference.name.clone(),
        settings: request.settings.clone(),
        train: request.train.clone(),
        accumulation_is_default: request.accumulation_is_default,
        replay: request.replay,
        control: request.control,
        iteration: 1,
        iterations: request.iterations.max(1),
        previous: None,
        sentinels: request.sentinels,
    };
    let pool = read_pool(&request.settings)?;
    // A set that nothing can be done with is refused before a folder is made for it.
    Workbench::lay_out(workplace, &request.examples, &request.reference, &mut |_| ())?;
    let folder = begin(workplace, &record, &request.examples, &pool)?;
    go_on(workplace, runtime, folder, record, &request.examples, Vec::new(), seen)
}

/// Goes on with a series whose last round was stopped: `last`, or a round's name.
///
/// # Errors
/// No such round, one that has ended or is being worked on, or one of another base model.
pub fn resume(
    workplace: &Workplace,
    runtime: &Runtime,
    name: &str,
    seen: RoundSeen,
) -> Result<Vec<RoundResult>> {
    let experiments = workplace.home.experiments();
    let Some(folder) = Documents::find(&experiments, ROUND, files::ROUND, name) else {
        return Err(Error::Usage(format!(
            "there is no round `{name}`; rounds are in {}",
            experiments.display()
        )));
    };
    let Some(record) = folder.read::<RoundRecord>(files::ROUND)? else {
        return Err(Error::Usage(format!("{} is no round", folder.name())));
    };
    let done = folder.read::<RoundResult>(files::RESULT)?;
    if done.is_some() && record.iteration >= record.iterations {
        return Err(Error::Usage(format!("{} has ended; start a new round", folder.name())));
    }
    let follows = |other: &Documents| {
        let record = other.read::<RoundRecord>(files::ROUND).ok().flatten();
        record.is_some_and(|record| record.previous.as_deref() == Some(&*folder.name()))
    };
    let rounds = Documents::all(&experiments, ROUND, files::ROUND);
    if let Some(successor) = rounds.iter().find(|other| follows(other)) {
        return Err(Error::Usage(format!(
            "{} has ended and {} followed it; go on with that one",
            folder.name(),
            successor.name()
        )));
    }
    if record.base_sha256 != runtime.model().identity().sha256 {
        return Err(Error::Usage(format!(
            "{} is a round of another base model ({}); choose that with --model",
            folder.name(),
            record.base
        )));
    }
    let examples = set::read(&folder.path().join(files::SET), &FieldMap::default())?;
    let before = earlier(&experiments, &record)?;
    go_on(workplace, runtime, folder, record, &examples, before, seen)
}

/// All rounds of a home, newest first; folders that make no sense are passed over.
pub fn stored_rounds(workplace: &Workplace) -> Vec<StoredRound> {
    let mut found: Vec<StoredRound> =
        Documents::all(&workplace.home.experiments(), ROUND, files::ROUND)
            .into_iter()
            .filter_map(|folder| {
                let record = folder.read(files::ROUND).ok()??;
                let result = folder.read(files::RESULT).ok()?;
                Some(StoredRound { name: folder.name(), record, result })
            })
            .collect();
    found.reverse();
    found
}

fn begin(
    workplace: &Workplace,
    record: &RoundRecord,
    examples: &[Example],
    pool: &[Example],
) -> Result<Documents> {
    let folder = Documents::create(&workplace.home.experiments(), ROUND, &clock::folder_time())?;
    // The record makes it a round: with it, the set is there.
    folder.write_lines(files::SET, examples)?;
    if !pool.is_empty() {
        folder.write_lines(files::POOL, pool)?;
    }
    folder.write(files::ROUND, record)?;
    Ok(folder)
}

/// The results of the rounds before this one, oldest first.
fn earlier(experiments: &std::path::Path, record: &RoundRecord) -> Result<Vec<RoundResult>> {
    let mut results = Vec::new();
    let mut previous = record.previous.clone();
    while let Some(name) = previous.take() {
        let folder = Documents::open(experiments.join(name));
        if let (Some(record), Some(result)) =
            (folder.read::<RoundRecord>(files::ROUND)?, folder.read::<RoundResult>(files::RESULT)?)
        {
            results.push(result);
            previous = record.previous;
        }
    }
    results.reverse();
    Ok(results)
}

/// A set that is kept in a folder; empty where there is none of that name.
///
/// # Errors
/// A file that cannot be read.
pub fn kept_set(folder: &Documents, name: &str) -> Result<Vec<Example>> {
    let path = folder.path().join(name);
    match path.is_file() {
        true => Ok(set::read(&path, &FieldMap::default())?),
        false => Ok(Vec::new()),
    }
}

fn go_on(
    workplace: &Workplace,
    runtime: &Runtime,
    mut folder: Documents,
    mut record: RoundRecord,
    examples: &[Example],
    mut results: Vec<RoundResult>,
    seen: RoundSeen,
) -> Result<Vec<RoundResult>> {
    loop {
        let _held = folder.lock()?;
        seen(RoundEvent::Began {
            round: folder.name(),
            iteration: record.iteration,
            iterations: record.iterations,
        });
        let choice = ArmChoice::parse(&record.reference);
        let reference = workplace.arm(&choice, runtime, &mut working(seen))?;
        let pool = kept_set(&folder, files::POOL)?;
        let bench = Workbench::lay_out(workplace, examples, &reference, &mut working(seen))?
            .with_pool(pool.clone());
        let name = folder.name();
        let round = Round { workplace, runtime, folder, record: record.clone(), bench, reference };
        let result = round.run(seen)?;
        let ending = result.decision;
        let adapter = result.adapter.clone();
        results.push(result);
        let refused =
            results.iter().rev().take_while(|result| result.decision != Ending::Accepted).count();
        let worked = !matches!(ending, Ending::NothingToImprove | Ending::NoExamples);
        if record.iteration >= record.iterations || refused >= NOT_ACCEPTED || !worked {
            return Ok(results);
        }
        record.iteration += 1;
        record.previous = Some(name);
        record.started = clock::now();
        record.settings.seed = record.settings.seed.wrapping_add(1);
        if let (Ending::Accepted, Some(adapter)) = (ending, adapter) {
            record.reference = adapter;
        }
        folder = begin(workplace, &record, examples, &pool)?;
    }
}
