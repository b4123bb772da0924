//! From examples to an adapter: what is learned from, what it will cost, the run, and its result.

use super::{Error, Event, Result, Seen, Workplace, free_memory_mib, own_work, watched};
use crate::config::Config;
use crate::eval::{Example, Neighbourhood, Provenance, measure};
use crate::feedback;
use crate::model::adapter::{AdapterFolder, AdapterMetadata};
use crate::model::lora::{Lora, LoraConfig};
use crate::runtime::{Ending, Runtime};
use crate::store::{ProcessLock, clock};
use crate::train::{
    Dataset, MemoryEstimate, Plan, RunFolder, RunRecord, TrainOutcome, TrainSettings, Trainer,
    looks,
};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// What to learn from.
#[derive(Debug, Clone)]
pub enum Material {
    /// The failed sessions that have a correction.
    Failed,
    Examples(Vec<Example>),
}

/// A training run as it was asked for.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    pub material: Material,
    /// Start from this adapter instead of a fresh one.
    pub init: Option<PathBuf>,
    pub settings: TrainSettings,
    /// Nobody chose the accumulation: it may be lowered to get more steps.
    pub accumulation_is_default: bool,
    /// Nobody chose rank, alpha or targets: those of `init` hold.
    pub shape_is_default: bool,
    /// Share of the model's own good answers among the examples.
    pub replay: f64,
    /// Held-out examples of which some are scored while the run goes on; empty: none.
    pub watch: Vec<Example>,
    /// Where the run's folder is made; none: among the home's own.
    pub runs: Option<PathBuf>,
    /// Good answers of the past whose questions are near to these are not replayed.
    pub keep_away: Neighbourhood,
}

impl TrainRequest {
    /// A run on `material` with everything as configured, and nothing watched.
    pub fn configured(config: &Config, material: Material) -> Self {
        Self {
            material,
            init: None,
            settings: TrainSettings::from_config(config),
            accumulation_is_default: true,
            shape_is_default: true,
            replay: config.train.replay,
            watch: Vec::new(),
            runs: None,
            keep_away: Default::default(),
        }
    }
}

impl TrainSettings {
    /// The configured settings.
    pub fn from_config(config: &Config) -> Self {
        let train = &config.train;
        Self {
            lora: LoraConfig {
                rank: train.rank,
                alpha: train.alpha,
                dropout: train.dropout,
                targets: train.targets.clone(),
                rank_stabilised: false,
            },
            epochs: train.epochs,
            batch_size: train.batch_size,
            accumulate: train.gradient_accumulation_steps,
            learning_rate: train.learning_rate,
            schedule: train.schedule,
            warmup: train.warmup,
            clip: train.clip,
            weight_decay: train.weight_decay,
            max_seq: train.max_seq,
            seed: train.seed,
            steps_per_epoch: None,
            checkpoint_steps: None,
            checkpoint_seconds: train.checkpoint_seconds,
            recompute: false,
        }
    }
}

/// A run that is ready to start; nothing has been trained yet.
pub struct Prepared {
    pub run: RunFolder,
    pub settings: TrainSettings,
    /// Examples by where they come from.
    pub examples: std::collections::BTreeMap<String, usize>,
    /// Tokens of all epochs, prompts included, and the trained ones among them.
    pub tokens: usize,
    pub trained_tokens: usize,
    pub steps: usize,
    pub steps_done: usize,
    pub memory: MemoryEstimate,
    /// From a short measurement on this machine.
    pub estimated_seconds: f64,
    /// What the person should know before it starts.
    pub notes: Vec<String>,
    trainer: Trainer,
    pub dataset: Dataset,
    parent: Option<String>,
    /// Keeps other processes off the run.
    lock: ProcessLock,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Trained {
    pub run: String,
    /// None when the run was stopped: it can be resumed.
    pub adapter: Option<String>,
    pub steps: usize,
    pub losses: Vec<f64>,
    /// Training alone, in this process.
    pub seconds: f64,
}

/// Gathers, tokenises and checks everything that a run needs, and makes its folder.
///
/// # Errors
/// Too little to learn from, an adapter to start from that does not fit, or too little memory.
pub fn prepare(
    workplace: &Workplace,
    runtime: &Runtime,
    request: TrainRequest,
) -> Result<Prepared> {
    let TrainRequest { material, init, mut settings, .. } = request;
    let mut notes = Vec::new();
    let mut examples = match material {
        Material::Failed => corrections(workplace, &mut notes)?,
        Material::Examples(examples) => examples,
    };
    let replay = Replay { share: request.replay, seed: settings.seed, away: &request.keep_away };
    add_replay(workplace, runtime, &mut examples, replay, &mut notes)?;
    let model = runtime.model();
    let (lora, parent) = match &init {
        None => {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            (Lora::fresh(settings.lora.clone(), model.network.architecture(), &mut rng), None)
        }
        Some(path) => {
            let loaded = AdapterFolder::new(path).load(model)?;
            notes.extend(loaded.warnings);
            let shape = loaded.lora.config();
            let asked = &settings.lora;
            if !request.shape_is_default
                && (asked.rank != shape.rank
                    || asked.alpha != shape.alpha
                    || asked.targets != shape.targets)
            {
                return Err(Error::Usage(format!(
                    "--init {} has rank {}, alpha {} and its own targets; leave out --rank, --alpha and --targets",
                    path.display(),
                    shape.rank,
                    shape.alpha
                )));
            }
            settings.lora = LoraConfig { dropout: settings.lora.dropout, ..shape.clone() };
            let mut lora = Lora::zeros(settings.lora.clone(), model.network.architecture());
            lora.parameters = loaded.lora.parameters;
            (lora, Some(path.display().to_string()))
        }
    };
    let dataset = Dataset::new(examples, model, settings.max_seq)?;
    let context = model.network.architecture().context;
    for left_out in &dataset.left_out {
        let limit = match context < settings.max_seq {
            true => format!("the model's context is {context}"),
            false => format!("--max-seq is {}", settings.max_seq),
        };
        notes.push(format!("{} is left out: {} tokens, {limit}", left_out.id, left_out.tokens));
    }
    if request.accumulation_is_default {
        let fitting = Plan::fitting_accumulation(
            dataset.samples.len(),
            settings.epochs,
            settings.batch_size,
            settings.accumulate,
        );
        if fitting != settings.accumulate {
            notes.push(format!(
                "few examples: accumulating {fitting} {} a step instead of {}, to get more steps (--accumulate decides)",
                if fitting == 1 { "micro-batch" } else { "micro-batches" },
                settings.accumulate
            ));
            settings.accumulate = fitting;
        }
    }
    let record = RunRecord {
        settings: settings.clone(),
        base_sha256: model.identity().sha256.clone(),
        data_sha256: dataset.sha256(),
        threads: threads(workplace),
        parent: parent.clone(),
        started: clock::now(),
        adapter: None,
        abandoned: false,
    };
    let memory = estimate(runtime, &lora, &dataset, &settings);
    memory.check(&settings, free_memory_mib())?;
    let seconds_per_token = seconds_per_token(runtime)?;
    let mut watched = watched::choose(&request.watch, &dataset.examples, settings.seed);
    watched.retain(|example| fits(runtime, example, settings.max_seq));
    let runs = request.runs.unwrap_or_else(|| workplace.home.runs());
    RunFolder::sweep(&runs);
    let run = RunFolder::create(&runs, &clock::folder_time(), &record, &dataset.examples)?;
    let lock = run.lock()?;
    if parent.is_some() {
        // A resumed run must start from the same parameters, wherever the parent went meanwhile.
        AdapterFolder::new(run.path().join("initial")).write(&lora, None, model)?;
    }
    if !watched.is_empty() {
        run.write_watched(&watched)?;
    }
    assemble(runtime, run, lock, settings, lora, dataset, memory, parent, notes, seconds_per_token)
}

/// A watched example may be no longer than a trained one, so that a look takes no more memory.
fn fits(runtime: &Runtime, example: &Example, max_seq: usize) -> bool {
    let longest = max_seq.min(runtime.model().network.architecture().context);
    measure::items(runtime.model(), std::slice::from_ref(example))
        .is_ok_and(|items| items.iter().all(|item| item.ids.len() <= longest))
}

/// Picks up a run where its last checkpoint left it.
///
/// # Errors
/// An unknown or finished run, or one of another base model.
pub fn prepare_resume(
    workplace: &Workplace,
    runtime: &Runtime,
    run: RunFolder,
) -> Result<Prepared> {
    let lock = run.lock()?;
    let mut record = run.record()?;
    let model = runtime.model();
    let refuse = |reason: String| crate::train::Error::CannotResume { run: run.name(), reason };
    if let Some(adapter) = &record.adapter {
        return Err(refuse(format!("it is finished and became {adapter}")).into());
    }
    if record.base_sha256 != model.identity().sha256 {
        return Err(refuse(
            "it trains an adapter for another base model; choose that with --model".into(),
        )
        .into());
    }
    if record.abandoned {
        // Whoever goes on with it has not given it up.
        record.abandoned = false;
        run.write_record(&record)?;
    }
    let settings = record.settings;
    let lora = match record.parent {
        None => {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            Lora::fresh(settings.lora.clone(), model.network.architecture(), &mut rng)
        }
        Some(_) => AdapterFolder::new(run.path().join("initial")).load(model)?.lora,
    };
    let dataset = Dataset::new(run.examples()?, model, settings.max_seq)?;
    if dataset.sha256() != record.data_sha256 {
        return Err(refuse("its examples have changed since it began".into()).into());
    }
    let memory = estimate(runtime, &lora, &dataset, &settings);
    memory.check(&settings, free_memory_mib())?;
    let mut notes = Vec::new();
    if runtime.threads() != record.threads {
        notes.push(format!(
            "the run began with {} threads and goes on with {}: the result may differ in its last digits",
            record.threads,
            runtime.threads()
        ));
    } else if threads(workplace) != record.threads {
        notes.push(format!(
            "the run goes on with {} threads, as it began, so that its result is the same",
            record.threads
        ));
    }
    let seconds_per_token = seconds_per_token(runtime)?;
    let parent = record.parent;
    assemble(runtime, run, lock, settings, lora, dataset, memory, parent, notes, seconds_per_token)
}

#[allow(clippy::too_many_arguments)]
fn assemble(
    runtime: &Runtime,
    run: RunFolder,
    lock: ProcessLock,
    settings: TrainSettings,
    lora: Lora,
    dataset: Dataset,
    memory: MemoryEstimate,
    parent: Option<String>,
    notes: Vec<String>,
    seconds_per_token: f64,
) -> Result<Prepared> {
    let watched = measure::items(runtime.model(), &run.watched()?)?;
    let watched_tokens: usize = watched.iter().map(|item| item.ids.len()).sum();
    let trainer =
        Trainer::new(settings.clone(), dataset.clone(), run.clone(), lora)?.watching(watched);
    let (steps, steps_done) = (trainer.steps(), trainer.steps_done());
    let tokens = dataset.tokens() * settings.epochs;
    let left = steps.saturating_sub(steps_done) as f64 / steps.max(1) as f64;
    let watching = (watched_tokens * looks(steps)) as f64 / TRAINING_BESIDE_READING;
    Ok(Prepared {
        examples: dataset.by_provenance(),
        trained_tokens: dataset.trained_tokens() * settings.epochs,
        estimated_seconds: seconds_per_token * (tokens as f64 + watching) * left,
        tokens,
        steps,
        steps_done,
        memory,
        notes,
        trainer,
        dataset,
        parent,
        lock,
        run,
        settings,
    })
}

/// An adapter that training has made and that is in no registry yet.
pub struct Learned {
    pub lora: Lora,
    pub metadata: AdapterMetadata,
}

/// Trains and adds the adapter to the registry. `started` gets the switch that stops the run after its
/// current micro-batch, keeping a checkpoint.
///
/// # Errors
/// A loss that is no number, or files that cannot be written.
pub fn run(
    workplace: &Workplace,
    runtime: &Runtime,
    prepared: Prepared,
    started: impl FnOnce(Arc<AtomicBool>),
    seen: Seen,
) -> Result<Trained> {
    let run = prepared.run.clone();
    // The run is locked until its record names the adapter.
    let (mut trained, learned, _lock) = learn_locked(runtime, prepared, started, seen)?;
    if let Some(Learned { lora, metadata }) = learned {
        // A process that was killed after it had added the adapter has not told the run.
        let name = match workplace.registry().of_run(&run.name(), &metadata.data_sha256)? {
            Some(name) => name,
            None => workplace.registry().add(&lora, Some(&metadata), runtime.model())?,
        };
        let mut record = run.record()?;
        record.adapter = Some(name.clone());
        run.write_record(&record)?;
        trained.adapter = Some(name);
    }
    Ok(trained)
}

/// Trains, and leaves it to the caller where the adapter goes; none when the run was stopped.
///
/// # Errors
/// As [`run`].
pub fn learn(
    runtime: &Runtime,
    prepared: Prepared,
    started: impl FnOnce(Arc<AtomicBool>),
    seen: Seen,
) -> Result<(Trained, Option<Learned>)> {
    let (trained, learned, _lock) = learn_locked(runtime, prepared, started, seen)?;
    Ok((trained, learned))
}

fn learn_locked(
    runtime: &Runtime,
    prepared: Prepared,
    started: impl FnOnce(Arc<AtomicBool>),
    seen: Seen,
) -> Result<(Trained, Option<Learned>, ProcessLock)> {
    let Prepared { run, settings, trainer, dataset, parent, lock, .. } = prepared;
    run.begin()?;
    let running = runtime.submit(trainer);
    started(running.canceller());
    let outcome = match running.wait(|event| seen(Event::Train(event))) {
        Ending::Finished(outcome) | Ending::Cancelled(outcome) => outcome,
        Ending::Failed(error) => return Err(error.into()),
    };
    let learned = match outcome.stopped {
        true => None,
        false => {
            let metadata = metadata(runtime, &run, &settings, &dataset, parent, &outcome)?;
            Some(Learned { lora: outcome.lora, metadata })
        }
    };
    let trained = Trained {
        run: run.name(),
        adapter: None,
        steps: outcome.losses.len(),
        losses: outcome.losses,
        seconds: outcome.seconds,
    };
    Ok((trained, learned, lock))
}

fn metadata(
    runtime: &Runtime,
    run: &RunFolder,
    settings: &TrainSettings,
    dataset: &Dataset,
    parent: Option<String>,
    outcome: &TrainOutcome,
) -> Result<AdapterMetadata> {
    let areas: std::collections::BTreeSet<String> =
        dataset.examples.iter().map(|example| example.area.clone()).collect();
    Ok(AdapterMetadata {
        kaizen: env!("CARGO_PKG_VERSION").to_owned(),
        created: clock::now(),
        base: runtime.model().identity().clone(),
        parent,
        run: Some(run.name()),
        data_sha256: dataset.sha256(),
        examples: dataset.by_provenance(),
        areas: areas.into_iter().collect(),
        example_ids: dataset.examples.iter().map(|example| example.id.clone()).collect(),
        prompts_sha256: dataset.examples.iter().map(Example::prompt_sha256).collect(),
        settings: serde_json::to_value(settings)
            .map_err(|e| Error::Usage(format!("the settings cannot be stored: {e}")))?,
        losses: outcome.losses.clone(),
        evaluation: None,
        own_work: None,
    })
}

fn corrections(workplace: &Workplace, notes: &mut Vec<String>) -> Result<Vec<Example>> {
    let settings = feedback::Settings::from(&workplace.config.feedback);
    let found = feedback::corrective(&workplace.home, &workplace.index()?, &settings)?;
    for contradiction in &found.contradictions {
        let sessions: Vec<String> =
            contradiction.answers.iter().map(|(id, _)| id.to_string()).collect();
        notes.push(format!(
            "left out until you settle it: {} give different corrections for one prompt",
            sessions.join(" and ")
        ));
    }
    for skipped in &found.damaged {
        notes.push(format!("{} is passed over: {}", skipped.path.display(), skipped.why));
    }
    let own = own_work::divide(workplace, &found.examples)?;
    for left_out in &own.left_out {
        notes.push(format!("{} is left out: {}", left_out.id, left_out.reason));
    }
    if !own.held_back.is_empty() {
        notes.push(format!(
            "{} of {} corrections are held back: they decide whether the adapter is better",
            own.held_back.len(),
            found.examples.len()
        ));
    }
    Ok(own.learn)
}

/// Which of the model's own good answers are trained on again.
struct Replay<'a> {
    /// Among all examples.
    share: f64,
    seed: u64,
    /// What they must not be near to.
    away: &'a Neighbourhood,
}

/// Adds the model's own good answers until they are `share` of all, or until there are no more.
fn add_replay(
    workplace: &Workplace,
    runtime: &Runtime,
    examples: &mut Vec<Example>,
    replay: Replay<'_>,
    notes: &mut Vec<String>,
) -> Result<()> {
    let Replay { share, seed, away } = replay;
    let wanted = (examples.len() as f64 * share / (1.0 - share)).round() as usize;
    if wanted == 0 {
        return Ok(());
    }
    let hash = &runtime.model().identity().sha256;
    let (mut good, _) = feedback::replay(&workplace.home, &workplace.index()?, Some(hash))?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::MAX);
    good.shuffle(&mut rng);
    let prompts: std::collections::HashSet<String> = examples.iter().map(Example::prompt).collect();
    let before = examples.len();
    let mut near = 0;
    for replay in good {
        if examples.len() - before == wanted {
            break;
        }
        let example = Example {
            id: format!("replay-{}", replay.session),
            area: "replay".into(),
            messages: replay.messages,
            answer: replay.answer,
            weight: 1.0,
            provenance: Provenance::Replay,
            check: None,
        };
        let leaks = away.near_in_any_way(example.question()).is_some();
        near += usize::from(leaks);
        if !leaks && !prompts.contains(&example.prompt()) {
            examples.push(example);
        }
    }
    if near > 0 {
        notes.push(format!(
            "replay: {near} good answers of the past are left out, they are near to items that decide"
        ));
    }
    if examples.len() - before < wanted {
        notes.push(format!(
            "replay: {} good answers of the past (4-5 stars) instead of {wanted}, there are no more",
            examples.len() - before
        ));
    }
    Ok(())
}

fn estimate(
    runtime: &Runtime,
    lora: &Lora,
    dataset: &Dataset,
    settings: &TrainSettings,
) -> MemoryEstimate {
    let tokens = Plan::new(dataset.samples.len(), settings).longest_micro_batch(dataset);
    MemoryEstimate::new(&runtime.model().network, lora, tokens, settings.recompute)
}

/// What training on a token costs beside reading it.
const TRAINING_BESIDE_READING: f64 = 2.6;

/// A short reading pass, times what training costs beside it (forward, two products back, and the
/// adapter's own).
fn seconds_per_token(runtime: &Runtime) -> Result<f64> {
    const PROBE: usize = 96;
    let vocabulary = runtime.model().network.architecture().vocabulary as u32;
    let ids: Vec<u32> = (0..PROBE as u32).map(|i| i * 37 % vocabulary).collect();
    let probe = || {
        crate::runtime::Score::new(
            vec![crate::runtime::ScoreItem { ids: ids.clone(), scored: 0..0 }],
            None,
        )
    };
    runtime.run(probe(), |_| ())?;
    let began = Instant::now();
    runtime.run(probe(), |_| ())?;
    Ok(began.elapsed().as_secs_f64() / PROBE as f64 * TRAINING_BESIDE_READING)
}

fn threads(workplace: &Workplace) -> usize {
    match workplace.config.runtime.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}
