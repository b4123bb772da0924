//! `kaizen experiment`: arms over seeds, with intervals and a verdict.

use super::context::Context;
use super::eval::field_map;
use super::making::MakingArguments;
use super::outcome::{Error, Outcome, Result};
use super::table::{change, columns, counted, percentage};
use crate::eval::set;
use crate::experiments::{
    Claim, Experiment, ExperimentEvent, ExperimentRecord, ExperimentRequest, resume_experiment,
    run_experiment,
};
use crate::report::keep_experiment;
use crate::train::TrainSettings;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Args)]
pub struct ExperimentArguments {
    /// Which one.
    #[arg(value_parser = name(), required_unless_present = "resume")]
    name: Option<Experiment>,
    /// JSONL: {"id","area","prompt","answer"} or {"id","area","messages":[…]}.
    #[arg(long, value_name = "FILE", required_unless_present = "resume")]
    set: Option<PathBuf>,
    /// Other field names, as in prompt=question,answer=output.
    #[arg(long, value_name = "NAMES")]
    map: Option<String>,
    /// Trainings of every arm; 5 for a claim that is published.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: u32,
    #[command(flatten)]
    making: MakingArguments,
    /// Conversation for the arm `unrelated` of `control` [default: what comes with Kaizen].
    #[arg(long, value_name = "FILE")]
    unrelated: Option<PathBuf>,
    /// Go on with an experiment that was stopped.
    #[arg(long, value_name = "EXPERIMENT|last", conflicts_with_all = ["name", "set", "map", "unrelated", "seeds", "threshold", "generator", "pool", "count", "variations", "keep_top", "min_diversity", "no_filter", "checked", "temperature", "top_p", "weighting", "seed"])]
    resume: Option<String>,
}

/// The names that there are, each with its hypothesis.
fn name() -> impl TypedValueParser<Value = Experiment> {
    let names = Experiment::ALL
        .map(|experiment| PossibleValue::new(experiment.as_str()).help(experiment.hypothesis()));
    PossibleValuesParser::new(names).try_map(|name| Experiment::named(&name).ok_or("no such name"))
}

/// Examples of the first arm where nobody says how many.
const COUNT: usize = 40;

pub fn run(context: &Context, arguments: &ExperimentArguments) -> Result<Outcome> {
    let workplace = &context.workplace;
    let request = match (arguments.name, &arguments.set) {
        (Some(name), Some(path)) => {
            let pool = arguments.making.pool.clone();
            let making = match name {
                // The arms say who makes examples; a pool is one arm's.
                Experiment::Generator => arguments.making.without_pool(),
                _ => arguments.making.clone(),
            };
            let mut settings = making.settings(&workplace.config)?;
            if !matches!(name, Experiment::Variations) {
                settings.count = settings.count.or(Some(COUNT));
            }
            Some(ExperimentRequest {
                experiment: name,
                examples: set::read(path, &field_map(arguments.map.as_deref())?)?,
                set: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                settings,
                train: TrainSettings::from_config(&workplace.config),
                seeds: arguments.seeds as usize,
                unrelated: arguments.unrelated.clone(),
                pool,
            })
        }
        _ => None,
    };
    let switch: Arc<AtomicBool> = Arc::default();
    let runtime = context.runtime()?.cancelled_by(Arc::clone(&switch));
    context.interrupt.attach(switch.clone());
    let mut names = Vec::new();
    let seen = &mut |event| tell(context, &mut names, event);
    let record = match (&arguments.resume, &request) {
        (Some(name), _) => resume_experiment(workplace, &runtime, name, seen),
        (None, Some(request)) => run_experiment(workplace, &runtime, request, seen),
        (None, None) => return Err(Error::Usage("a name and --set FILE are needed".into())),
    };
    let record = match record {
        Err(_) if switch.load(Ordering::Relaxed) => {
            context.output.note("stopped; `kaizen experiment --resume last` goes on");
            return Ok(Outcome::Interrupted);
        }
        Err(error) if arguments.resume.is_some() => return Err(Error::of_resuming(error)),
        record => record?,
    };
    let files = keep_experiment(workplace, &record)?;
    context.output.json(&record)?;
    context.output.line(describe(&record))?;
    if let Some(folder) = files.first().and_then(|file| file.parent()) {
        context.output.line(format!("\ncharts and tables are in {}", folder.display()))?;
    }
    Ok(match record.verdict {
        Some(Claim::Supported) => Outcome::Done,
        _ => Outcome::No,
    })
}

fn tell(context: &Context, names: &mut Vec<String>, event: ExperimentEvent) {
    let output = &context.output;
    match event {
        ExperimentEvent::Began { experiment, arms, seeds } => {
            output.note(format!(
                "{experiment}: {} under {}",
                arms.join(", "),
                counted(seeds.len(), "seed")
            ));
            *names = arms;
        }
        ExperimentEvent::Estimated(seconds) => {
            output.note(format!("about {:.0} minutes left", (seconds / 60.0).ceil()));
        }
        ExperimentEvent::Arm { arm, seed } => {
            let name = names.get(arm).map_or("", String::as_str);
            output.note(format!("seed {seed}: {name} …"));
        }
        ExperimentEvent::Progressed(record) => {
            let mut ended = record.arms.iter().filter_map(|arm| Some((arm, arm.seeds.last()?)));
            let newest = record.arms.iter().map(|arm| arm.seeds.len()).max().unwrap_or(0);
            if let Some((arm, seed)) = ended.rfind(|(arm, _)| arm.seeds.len() == newest) {
                output.note(format!(
                    "seed {}: {} {} ({} examples, {} tokens, {} steps, {:.0} s)",
                    seed.seed,
                    arm.name,
                    change(seed.change),
                    seed.examples,
                    seed.tokens,
                    seed.steps,
                    seed.seconds
                ));
            }
        }
        ExperimentEvent::Work(event) => output.event(event),
        ExperimentEvent::Ended(_) => {}
    }
}

/// An experiment in columns and words.
pub fn describe(record: &ExperimentRecord) -> String {
    let header =
        ["arm", "examples", "before", "after", "change", "95 %", "first", "rest", "end", "right"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for arm in &record.arms {
        let seeds = arm.seeds.len().max(1) as f64;
        let examples = arm.seeds.iter().map(|seed| seed.examples as f64).sum::<f64>() / seeds;
        let moved = |before: f64, after: f64| format!("{before:.2} -> {after:.2}");
        let (before, after) = (&arm.parts_before, &arm.parts_after);
        rows.push(vec![
            arm.name.clone(),
            format!("{examples:.0}"),
            format!("{:.2}", arm.before),
            format!("{:.2}", arm.after),
            change(arm.change),
            arm.ci95
                .map_or("-".into(), |[low, high]| format!("{} .. {}", change(low), change(high))),
            moved(before.first, after.first),
            match (before.rest, after.rest) {
                (Some(before), Some(after)) => moved(before, after),
                _ => "-".into(),
            },
            moved(before.end_of_turn, after.end_of_turn),
            format!("{} -> {}", percentage(arm.accuracy_before), percentage(arm.accuracy_after)),
        ]);
    }
    let mut text = format!(
        "{}\n{} held-out items of {} ({}), {}\n\n{}\n",
        record.hypothesis,
        record.setup.held_out,
        record.setup.targeted.join(", "),
        counted(record.setup.groups, "group"),
        counted(record.setup.seeds.len(), "seed"),
        columns(&rows)
    );
    for contrast in &record.comparisons {
        text += &format!("\n{}", contrast.words);
    }
    if let Some(verdict) = record.verdict {
        text += &format!("\n\nthe hypothesis is: {}", verdict.as_str());
    }
    text
}
