//! `kaizen demo`: the whole loop once, in plain words, on the real model and in a temporary home.

use super::compare::figures;
use super::context::{self, Context};
use super::outcome::{Error, Outcome, Result};
use super::table::columns;
use super::{Dashboard, Global};
use crate::config::CONFIG_FILE;
use crate::eval::{Example, ItemScore, Place, Provenance, Verdict, measure, summarise};
use crate::feedback::{self, Rating};
use crate::model::sampler::Sampling;
use crate::runtime::{Runtime, Stop};
use crate::store::{Message, Stars};
use crate::tasks::{self, Arm, AskRequest};
use crate::train::{TrainEvent, TrainSettings};
use crate::workplace::run as train;
use crate::workplace::{
    CompareRequest, Comparison, Event, Material, Sentinels, SplitChoice, TrainRequest, compare,
    evaluation_set, prepare,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// The demo takes a part of the built-in data, so that it ends within minutes: items of the find
/// split an area, held-out items of the area that is trained and of the others, sentinels an area.
const FIND: usize = 14;
const HELD_OUT: usize = 26;
const OTHERS: usize = 5;
const SENTINELS: usize = 5;

const TASK: &str = "Write one shell command: list the files of the current folder, largest first";
const CORRECTION: &str = "ls -lS";

/// What the steps say and how long they took.
struct Story<'a> {
    context: &'a Context,
    steps: Vec<Value>,
    began: Instant,
}

impl Story<'_> {
    fn begin(&mut self, title: &str) -> Result<()> {
        self.began = Instant::now();
        let number = self.steps.len() + 1;
        self.context.output.line(format!("\n{number}. {title}"))
    }

    fn say(&self, text: impl AsRef<str>) -> Result<()> {
        let indented: Vec<String> =
            text.as_ref().lines().map(|line| format!("   {line}")).collect();
        self.context.output.line(indented.join("\n"))
    }

    fn end(&mut self, name: &str, summary: String) -> Result<()> {
        let seconds = self.began.elapsed().as_secs_f64();
        self.say(format!("({seconds:.0} s)"))?;
        self.steps.push(json!({"name": name, "seconds": seconds, "summary": summary}));
        Ok(())
    }
}

pub fn run(global: &Global, dashboard: Dashboard) -> Result<Outcome> {
    let temporary =
        tempfile::Builder::new().prefix("kaizen-demo-").tempdir().map_err(|source| {
            Error::File { action: "make", name: "a temporary home".into(), source }
        })?;
    let own = with_own_configuration(global)?;
    let context = Context::at(temporary.path(), &own)?;
    context::check(&context.workplace, &own, dashboard)?;
    context.interrupt.keeps_nothing();
    context.interrupt.removes(temporary.path().to_owned());
    context.output.line(
        "Kaizen makes a small local language model better at your own work, from your own ratings.\n\
         This shows the loop once, on this machine, in a temporary home that is deleted at the end.\n\
         The default model is small (135 million parameters): it is here to show the loop, larger ones\n\
         give better answers.",
    )?;
    let mut story = Story { context: &context, steps: Vec::new(), began: Instant::now() };

    story.begin("The model")?;
    let runtime = context.runtime()?;
    let model = runtime.model();
    story.say(format!(
        "{} is ready ({} MiB in memory).",
        model.name(),
        model.network.bytes() >> 20
    ))?;
    story.end("model", model.name().to_owned())?;

    let session = task(&mut story, &runtime)?;
    rating(&mut story, &session)?;
    let (area, weak) = weak_areas(&mut story, &runtime)?;
    let adapter = training(&mut story, &runtime, &area, &weak)?;
    let comparison = comparing(&mut story, &runtime, &area, &adapter)?;
    let decision = deciding(&mut story, &comparison)?;
    context.output.json(&json!({"steps": story.steps, "decision": decision}))?;
    context.output.line(
        "\nThat is the loop. With your own work: `kaizen run`, `kaizen rate`, `kaizen train --from failed`,\n\
         `kaizen compare`. `kaizen --help` lists everything.",
    )?;
    Ok(Outcome::Done)
}

/// The temporary home is empty, but what the person configured, such as a model of their own, holds.
fn with_own_configuration(global: &Global) -> Result<Global> {
    let file = global.home_root()?.join(CONFIG_FILE);
    let config = global.config.clone().or_else(|| file.is_file().then_some(file));
    Ok(Global { config, ..global.clone() })
}

fn base() -> Arm {
    Arm::base()
}

fn task(story: &mut Story, runtime: &Runtime) -> Result<String> {
    story.begin("A task")?;
    story.say(format!("you ask: {TASK}"))?;
    let request = AskRequest {
        messages: vec![Message::user(TASK)],
        sampling: Sampling::GREEDY,
        max_tokens: 60,
        retry_of: None,
    };
    let context = story.context;
    let answer = tasks::ask(
        runtime,
        &context.workplace.home,
        &request,
        &base(),
        |cancel| context.interrupt.attach(cancel),
        |_| (),
    )?;
    if answer.generation.stop == Stop::Cancelled {
        return Err(Error::Interrupted);
    }
    let text = crate::store::plain(&answer.generation.text);
    story.say(format!("it answers: {text}"))?;
    let id = answer.session.session_id.to_string();
    story.end("task", text)?;
    Ok(id)
}

fn rating(story: &mut Story, session: &str) -> Result<()> {
    story.begin("Your rating")?;
    let stars = Stars::try_from(2).map_err(|error| Error::Usage(error.to_string()))?;
    let rating = Rating {
        stars,
        issues: Some(vec![crate::store::Issue::WrongAction]),
        comment: None,
        correction: Some(CORRECTION.into()),
    };
    let workplace = &story.context.workplace;
    let rated = feedback::rate(&workplace.home, &workplace.index()?, session, &rating)?;
    story.say(format!(
        "2 of 5 stars, \"wrong action selected\", and the answer that would have been right: {CORRECTION}\n\
         It is on disk, in session {}.",
        rated.session.session_id
    ))?;
    story.end("rating", format!("2 stars, corrected to {CORRECTION}"))
}

/// The first items of a place, up to `count` an area.
fn some(
    examples: &[Example],
    places: &BTreeMap<String, Place>,
    place: Place,
    count: usize,
) -> Vec<Example> {
    let mut taken = BTreeMap::<&str, usize>::new();
    examples
        .iter()
        .filter(|example| places.get(&example.id) == Some(&place))
        .filter(|example| {
            let area = taken.entry(&example.area).or_default();
            *area += 1;
            *area <= count
        })
        .cloned()
        .collect()
}

fn weak_areas(story: &mut Story, runtime: &Runtime) -> Result<(String, Vec<Example>)> {
    story.begin("Weak areas")?;
    let context = story.context;
    let all = evaluation_set()?;
    let places = context.workplace.ledger().assign(&all)?.places;
    let find = some(&all, &places, Place::Find, FIND);
    let scores: Vec<ItemScore> = measure::score(runtime, &find, None, &mut |done, total| {
        context.output.event(Event::Measuring { what: "scoring", done, total });
    })?;
    let summary =
        summarise(&scores).ok_or_else(|| Error::Usage("the built-in set is empty".into()))?;
    story.say(format!(
        "How much do good answers surprise the model? Perplexity on {} items of the built-in set\n\
         (1 = it knew every word; up to {FIND} items an area, the full set has {}):",
        find.len(),
        all.len()
    ))?;
    let mut areas = summary.areas;
    areas.sort_by(|a, b| b.perplexity.total_cmp(&a.perplexity));
    let rows: Vec<Vec<String>> = areas
        .iter()
        .map(|area| vec![area.area.clone(), format!("{:.1}", area.perplexity)])
        .collect();
    story.say(columns(&rows).trim_end())?;
    let checkable = |area: &str| {
        let own: Vec<&Example> = find.iter().filter(|example| example.area == area).collect();
        own.iter().all(|example| example.effective_check().is_some())
    };
    let weakest =
        areas.iter().map(|area| area.area.clone()).find(|area| checkable(area)).unwrap_or_default();
    story.say(format!("The weakest area with answers that can be checked: {weakest}."))?;
    let summary = rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join(", ");
    story.end("weak areas", summary)?;
    let weak = find.into_iter().filter(|example| example.area == weakest).collect();
    Ok((weakest, weak))
}

fn training(story: &mut Story, runtime: &Runtime, area: &str, weak: &[Example]) -> Result<String> {
    story.begin("A short training")?;
    let context = story.context;
    let mut examples = weak.to_vec();
    examples.push(Example {
        id: "correction".into(),
        area: area.to_owned(),
        messages: vec![Message::user(TASK)],
        answer: CORRECTION.into(),
        weight: 1.0,
        provenance: Provenance::Correction,
        check: None,
    });
    let settings = TrainSettings {
        epochs: 3,
        batch_size: 4,
        accumulate: 1,
        ..TrainSettings::from_config(&context.workplace.config)
    };
    let request = TrainRequest {
        material: Material::Examples(examples),
        init: None,
        settings,
        accumulation_is_default: false,
        shape_is_default: true,
        replay: 0.0,
        watch: Vec::new(),
        runs: None,
        keep_away: Default::default(),
    };
    let prepared = prepare(&context.workplace, runtime, request)?;
    story.say(format!(
        "A LoRA adapter learns from the {} items of {area} above and from your correction:\n\
         {} tokens, {} steps, about {} MiB of memory.",
        weak.len(),
        prepared.tokens,
        prepared.steps,
        prepared.memory.mib()
    ))?;
    let mut losses = Vec::new();
    let trained = train(
        &context.workplace,
        runtime,
        prepared,
        |cancel| context.interrupt.attach(cancel),
        &mut |event| {
            if let Event::Train(TrainEvent::Step(metrics)) = event {
                losses.push(format!("{:.2}", metrics.loss));
                context.output.event(Event::Measuring {
                    what: "training",
                    done: metrics.step,
                    total: metrics.step + 1,
                });
            }
        },
    )?;
    story.say(format!("loss: {}", losses.join(" ")))?;
    let Some(adapter) = trained.adapter else {
        return Err(Error::Interrupted);
    };
    story.say(format!("The result is {adapter}; the base model itself is unchanged."))?;
    let first_and_last = (trained.losses.first(), trained.losses.last());
    story.end(
        "training",
        format!(
            "{adapter}, loss {:.2} -> {:.2}",
            first_and_last.0.unwrap_or(&f64::NAN),
            first_and_last.1.unwrap_or(&f64::NAN)
        ),
    )?;
    Ok(adapter)
}

fn comparing(
    story: &mut Story,
    runtime: &Runtime,
    area: &str,
    adapter: &str,
) -> Result<Comparison> {
    story.begin("Base against adapter, on items that the training did not see")?;
    let context = story.context;
    let workplace = &context.workplace;
    let all = evaluation_set()?;
    let ledger = workplace.ledger();
    let places = ledger.assign(&all)?.places;
    let mut items = some(&all, &places, Place::HeldOut, HELD_OUT);
    let mut others = BTreeMap::<String, usize>::new();
    items.retain(|item| {
        let count = others.entry(item.area.clone()).or_default();
        *count += 1;
        item.area == area || *count <= OTHERS
    });
    let lora = workplace.registry().load(adapter, runtime.model())?.lora;
    let arm = Arm::chosen(adapter, Some(lora.into()));
    let request = CompareRequest {
        examples: &items,
        split: SplitChoice::HeldOut,
        no_split: false,
        targeted: [area.to_owned()].into(),
        trained_on: Default::default(),
        sentinels: Sentinels::Sample(SENTINELS),
        answers: false,
        spends: false,
        seed: 0,
    };
    let comparison = compare(
        runtime,
        &ledger,
        &workplace.home.experiments(),
        &request,
        &base(),
        &arm,
        &mut |event| {
            context.output.event(event);
        },
    )?;
    story.say(format!(
        "A small part of the data, to be quick: {} held-out items, {SENTINELS} sentinels an area; accuracy and\n\
         diversity are not measured here (`kaizen compare` measures them).",
        items.len()
    ))?;
    story.say(figures(&comparison).trim_end())?;
    let decision = &comparison.decision;
    story
        .end("comparison", format!("{area}: perplexity {:.2} -> {:.2}", decision.a, decision.b))?;
    Ok(comparison)
}

fn deciding(story: &mut Story, comparison: &Comparison) -> Result<Value> {
    story.begin("The decision")?;
    let decision = &comparison.decision;
    let words = match decision.verdict {
        Verdict::Accepted => "The adapter is better and harms nothing that was measured.",
        Verdict::Rejected => "Not better, or at a cost elsewhere; Kaizen says so and says where.",
        Verdict::CannotTell => {
            "Kaizen cannot tell, and says so rather than guess: the demo measures only a part of what a decision needs."
        }
    };
    story.say(format!("{}: {words}\nWhy: {}", decision.verdict.as_str(), decision.reason))?;
    story.end("decision", decision.verdict.as_str().to_owned())?;
    Ok(json!(decision.verdict))
}
