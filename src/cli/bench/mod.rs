//! `kaizen bench`: what this machine gives, as medians of repeated runs; and how the dashboard feels on it.

mod dashboard;
mod screen;

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use super::table::columns;
use crate::model::Model;
use crate::model::lora::{Lora, LoraConfig};
use crate::model::sampler::Sampling;
use crate::runtime::{
    Generate, GenerateRequest, Generation, Job, Priority, Runtime, Score, ScoreItem, Step, Until,
};
use crate::tasks::act::action_pattern;
use crate::tasks::tools::Listing;
use crate::train::{self, MeasuredStep, StepShape, TrainSettings, meaningless_tokens};
use crate::workplace::{ArmChoice, Event, Workplace, peak_memory_mib};
use clap::{Args, value_parser};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

const PROMPT: usize = 512;
/// Tokens read before writing is timed.
const SHORT_PROMPT: usize = 32;
const DECODE: usize = 64;
const TOGETHER: usize = 16;
/// Tokens of one action at most.
const ACTION: usize = 96;
/// The training step.
const TRAIN: StepShape = StepShape { batch: 4, length: 128, rank: 16, recompute: false };

#[derive(Debug, Args)]
pub struct BenchArguments {
    /// How often each is measured, after one run to warm up.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Measure the dashboard instead, through a pseudo-terminal: first frame, keys, idle CPU.
    #[arg(long, conflicts_with = "runs")]
    dashboard: bool,
    /// Measure this program too, which must be installed: gitui, btm or htop (repeatable).
    #[arg(long, value_name = "PROGRAM", requires = "dashboard")]
    beside: Vec<String>,
    /// Keys that are timed in each state of the dashboard.
    #[arg(long, value_name = "N", requires = "dashboard", default_value_t = 300, value_parser = value_parser!(u16).range(10..=10_000))]
    keys: u16,
}

pub fn run(context: &Context, arguments: &BenchArguments) -> Result<Outcome> {
    if arguments.dashboard {
        return dashboard::run(context, &arguments.beside, arguments.keys.into());
    }
    let runtime = context.runtime()?;
    let repeated = |name: &'static str, run: &dyn Fn() -> Result<f64>| -> Result<Figure> {
        let total = usize::from(arguments.runs);
        let tell = |done| context.output.event(Event::Measuring { what: name, done, total });
        tell(0);
        run()?;
        let mut runs = Vec::with_capacity(total);
        while runs.len() < total {
            runs.push(run()?);
            tell(runs.len());
        }
        Ok(Figure { name, runs })
    };
    let long = meaningless_tokens(runtime.model(), 0, PROMPT);
    let prompt = repeated("prompt of 512 tokens", &|| {
        let read = generate(&runtime, vec![long.clone()], 1)?;
        Ok(PROMPT as f64 / read[0].prompt_time.as_secs_f64())
    })?;
    let decode = repeated("decode, one sequence", &|| written(&runtime, 1))?;
    let batched = repeated("decode, 16 sequences, total", &|| written(&runtime, TOGETHER))?;
    let pattern = actions(context)?;
    let shares = RefCell::new(Vec::new());
    let acting = repeated("decode, actions under their grammar", &|| {
        let (free, bound) = under_grammar(&runtime, &pattern)?;
        shares.borrow_mut().push(bound / free);
        Ok(bound)
    })?;
    // The first was the one to warm up.
    let share = median(shares.borrow().get(1..).unwrap_or_default());
    let score = repeated("scoring 512 tokens", &|| {
        let began = Instant::now();
        runtime.run(Score::new(vec![ScoreItem::whole(long.clone())], None), |_| ())?;
        Ok(PROMPT as f64 / began.elapsed().as_secs_f64())
    })?;
    let inference_peak = peak_memory_mib();
    let train =
        repeated("training step, 4 x 128 tokens", &|| Ok(runtime.run(TrainStep, |()| ())?))?;
    let peak = peak_memory_mib();

    let switch = switching(&runtime, usize::from(arguments.runs))?;

    let figures = [&prompt, &decode, &batched, &acting, &score, &train];
    let rows: Vec<Vec<String>> = figures.iter().map(|figure| figure.row()).collect();
    context.output.line(columns(&rows).trim_end())?;
    context.output.line(format!(
        "  changing the adapter: {:.1} ms from disk, {:.3} ms when it answered lately",
        switch.from_disk, switch.again
    ))?;
    context.output.line(format!(
        "  actions under their grammar are written at {:.1} % of the speed without one",
        100.0 * share
    ))?;
    if let (Some(inference), Some(peak)) = (inference_peak, peak) {
        context.output.line(format!(
            "  peak memory of this process: {inference} MiB, with training {peak} MiB"
        ))?;
    }
    context.output.json(&json!({
        "prompt_tokens_per_second": prompt.median(),
        "decode_tokens_per_second": decode.median(),
        "batched_decode_tokens_per_second": batched.median(),
        "constrained_decode_tokens_per_second": acting.median(),
        "constrained_decode_share": share,
        "score_tokens_per_second": score.median(),
        "train_tokens_per_second": train.median(),
        "adapter_from_disk_ms": switch.from_disk,
        "adapter_again_ms": switch.again,
        "inference_peak_rss_mib": inference_peak,
        "peak_rss_mib": peak,
        "spread": {
            "prompt": prompt.spread(),
            "decode": decode.spread(),
            "batched_decode": batched.spread(),
            "constrained_decode": acting.spread(),
            "score": score.spread(),
            "train": train.spread(),
        },
        "runs": arguments.runs,
        "threads": runtime.threads(),
        "cpu": crate::kernels::cpu_level().name(),
        "model": runtime.model().name(),
    }))?;
    Ok(Outcome::Done)
}

/// Tokens a second of each run of one kind of work.
struct Figure {
    name: &'static str,
    runs: Vec<f64>,
}

impl Figure {
    fn median(&self) -> f64 {
        median(&self.runs)
    }

    fn least(&self) -> f64 {
        self.runs.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn most(&self) -> f64 {
        self.runs.iter().copied().fold(0.0, f64::max)
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.name.to_owned(),
            format!("{:.1} tokens/s", self.median()),
            format!("({:.1} to {:.1})", self.least(), self.most()),
        ]
    }

    fn spread(&self) -> serde_json::Value {
        json!({"median": self.median(), "least": self.least(), "most": self.most()})
    }
}

/// Writes `max_tokens` after each prompt, all of them at once.
fn generate(
    runtime: &Runtime,
    prompts: Vec<Vec<u32>>,
    max_tokens: usize,
) -> Result<Vec<Generation>> {
    let together = prompts.len();
    let requests = prompts.into_iter().map(|prompt| GenerateRequest {
        prompt,
        sampling: Sampling::GREEDY,
        max_tokens,
        until: Until::MaxTokens,
    });
    Ok(runtime.run(Generate::measured(requests.collect(), None, together), |_| ())?)
}

/// Tokens a second, all texts together, that `together` texts are written at. Reading the prompts is
/// not counted, nor the token that each of them gives: the last text to begin is the one that waits
/// for no other's prompt.
fn written(runtime: &Runtime, together: usize) -> Result<f64> {
    let prompt = |text| meaningless_tokens(runtime.model(), text, SHORT_PROMPT);
    let prompts = (0..together).map(prompt).collect();
    let texts = generate(runtime, prompts, DECODE + 1)?;
    let time = texts.iter().map(|text| text.write_time.as_secs_f64()).fold(f64::MAX, f64::min);
    Ok((together * DECODE) as f64 / time)
}

/// 0 of nothing.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (upper, lower) = (sorted.len() / 2, sorted.len().saturating_sub(1) / 2);
    sorted.get(upper).zip(sorted.get(lower)).map_or(0.0, |(a, b)| (a + b) / 2.0)
}

/// The grammar of all actions in an empty folder.
fn actions(context: &Context) -> Result<String> {
    let (toolbox, _) = context.workplace.toolbox(false, &Default::default())?;
    Ok(action_pattern(&toolbox, &Listing::default()))
}

/// Tokens a second without a grammar and with one: the same prompts, the same numbers of tokens, in turn.
fn under_grammar(runtime: &Runtime, pattern: &str) -> Result<(f64, f64)> {
    let grammar = runtime.model().grammars().and_then(|grammars| grammars.compile(pattern));
    let grammar = Arc::new(grammar.map_err(crate::runtime::Error::from)?);
    let mut seconds = [0.0, 0.0];
    let mut tokens = 0;
    for text in 0..4 {
        let prompt = meaningless_tokens(runtime.model(), text, SHORT_PROMPT);
        let write = |until, max_tokens| -> Result<Generation> {
            // Drawing from a whole vocabulary takes longer than drawing from what a grammar leaves.
            let sampling = Sampling::GREEDY;
            let request = GenerateRequest { prompt: prompt.clone(), sampling, max_tokens, until };
            let mut texts = runtime.run(Generate::for_person(request, None), |_| ())?;
            texts.pop().ok_or_else(|| Error::Usage("nothing was written".into()))
        };
        let bound = write(Until::Complete(grammar.clone()), ACTION)?;
        let free = write(Until::MaxTokens, bound.tokens.len())?;
        tokens += bound.tokens.len();
        seconds[0] += free.write_time.as_secs_f64();
        seconds[1] += bound.write_time.as_secs_f64();
    }
    Ok((tokens as f64 / seconds[0], tokens as f64 / seconds[1]))
}

/// Milliseconds, as medians, until another adapter can answer; the base stays as it is.
struct Switching {
    /// It has not answered lately: read, checked against the model, and tried for its effect.
    from_disk: f64,
    again: f64,
}

fn switching(runtime: &Runtime, runs: usize) -> Result<Switching> {
    let made = |source| Error::File { action: "make", name: "a folder".into(), source };
    let folder = tempfile::tempdir().map_err(made)?;
    let workplace = Workplace::open(folder.path(), None, None)?;
    let model = runtime.model();
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let shape =
        LoraConfig { rank: TRAIN.rank, ..TrainSettings::from_config(&workplace.config).lora };
    let mut lora = Lora::fresh(shape, model.network.architecture(), &mut generator);
    // An adapter fresh from the start changes nothing, and would be refused.
    for value in lora.parameters.iter_mut().filter(|value| **value == 0.0) {
        *value = 1e-3;
    }
    let name = workplace.registry().add(&lora, None, model)?;
    let choice = ArmChoice::Adapter(name);
    let timed = |workplace: &Workplace| -> Result<f64> {
        let began = Instant::now();
        workplace.arm(&choice, runtime, &mut |_| ())?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    let mut from_disk = Figure { name: "from disk", runs: Vec::new() };
    let mut again = Figure { name: "again", runs: Vec::new() };
    for _ in 0..runs {
        let workplace = Workplace::open(folder.path(), None, None)?;
        from_disk.runs.push(timed(&workplace)?);
        again.runs.push(timed(&workplace)?);
    }
    Ok(Switching { from_disk: from_disk.median(), again: again.median() })
}

/// One whole training step; gives tokens a second.
struct TrainStep;

impl Job for TrainStep {
    type Event = ();
    type Output = f64;
    type Error = train::Error;

    fn priority(&self) -> Priority {
        Priority::Measuring
    }

    fn step(&mut self, model: &Model, _: &mut dyn FnMut(())) -> Result<Step<f64>, train::Error> {
        let mut step = MeasuredStep::new(model, TRAIN);
        let mut gradient = step.gradient();
        let began = Instant::now();
        step.whole(&mut gradient)?;
        Ok(Step::Done(TRAIN.tokens() as f64 / began.elapsed().as_secs_f64()))
    }

    fn cancel(&mut self, _: &Model, _: &mut dyn FnMut(Self::Event)) -> Result<f64, train::Error> {
        Ok(0.0)
    }
}
