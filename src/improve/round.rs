//! One round, phase by phase. Each phase leaves a document in the round's folder, so that a round that was
//! stopped at any moment goes on with the first phase that has none.
//!
//! No choice before the gate depends on an answer of a held-out or final item: find items alone say what is
//! weak and what is imitated; of the others only the prompts count, to keep away from them.

use super::advice::advice;
use super::control::{Before, run_control};
use super::generate::{Batches, Origin};
use super::kept_batches::KeptBatches;
use super::lesson::lessons;
use super::make::Making;
use super::record::{
    Baseline, Control, Ending, ExampleCounts, HeldOut, Measured, Phase, RoundEvent, RoundRecord,
    RoundResult, RoundSeen, Scores, Showing, TrainingRecord, files,
};
use super::weak_areas::nothing_to_improve;
use super::workbench::{Workbench, filter_for};
use super::{Filtered, Judged, Rule, WeakAreas, weak_areas};
use crate::eval::{
    Example, HeldOutSet, ItemScore, Question, distinct_2, measure, sentinels, summarise,
};
use crate::runtime::Runtime;
use crate::store::{Documents, clock};
use crate::tasks::Arm;
use crate::train::{self, RunFolder, TrainSettings};
use crate::workplace::{
    self, ArmChoice, Comparison, Error, Event, Judging, Material, Measurements, Result,
    SentinelItems, Sentinels, TrainRequest, Workplace, arm_hash, keep_evaluation, measuring,
    prepare, prepare_resume, scored,
};
use std::collections::HashMap;
use std::time::Instant;

/// A round that goes on in its folder.
pub(super) struct Round<'a> {
    pub workplace: &'a Workplace,
    pub runtime: &'a Runtime,
    pub folder: Documents,
    pub record: RoundRecord,
    pub bench: Workbench,
    pub reference: Arm,
}

/// Passes a piece of work's events on as the round's.
pub(super) fn working<'a>(seen: &'a mut dyn FnMut(RoundEvent)) -> impl FnMut(Event) + 'a {
    move |event| seen(RoundEvent::Work(event))
}

impl Round<'_> {
    /// Does what is left of the round.
    pub fn run(&self, seen: RoundSeen) -> Result<RoundResult> {
        let began = Instant::now();
        if let Some(result) = self.folder.read(files::RESULT)? {
            return Ok(result);
        }

        seen(RoundEvent::Phase(Phase::Baseline));
        let scores = self.scores(seen)?;
        let weak = self.weak(&scores)?;
        self.tell_what_can_be_concluded(&weak, seen);
        if weak.areas.is_empty() {
            // Said before minutes are spent on what only a decision needs.
            seen(RoundEvent::Phase(Phase::WeakAreas));
            seen(RoundEvent::Weak(weak.clone()));
            let mut result = self.opening(&scores.find, &scores.held_out, None, &weak);
            result.reason = nothing_to_improve(&scores.find, &weak);
            return self.end(result, began, seen);
        }
        if self.bench.held_out_groups(&weak.areas) == 0 {
            seen(RoundEvent::Phase(Phase::WeakAreas));
            seen(RoundEvent::Weak(weak.clone()));
            let mut result = self.opening(&scores.find, &scores.held_out, None, &weak);
            result.decision = Ending::CannotTell;
            result.reason =
                "the weak areas have no held-out items, so nothing could be decided; add \
                             items to them"
                    .into();
            return self.end(result, began, seen);
        }
        let sentinels = match self.record.sentinels {
            Some(count) => Sentinels::Sample(count),
            None => Sentinels::All,
        };
        let experiments = self.workplace.home.experiments();
        let sentinels =
            SentinelItems::gather(self.runtime, &experiments, &sentinels, &mut working(seen))?;
        let baseline = self.baseline(scores, &sentinels, seen)?;
        seen(RoundEvent::Phase(Phase::WeakAreas));
        seen(RoundEvent::Weak(weak.clone()));
        let mut result =
            self.opening(&baseline.find, &baseline.held_out.items, baseline.diversity, &weak);

        seen(RoundEvent::Phase(Phase::Examples));
        let filtered = self.examples(&baseline, &weak, seen)?;
        result.examples = ExampleCounts::from(&filtered);
        let examples =
            lessons(filtered.kept(), self.bench.find_by_id(), self.record.settings.weighting);
        if examples.is_empty() {
            result.decision = Ending::NoExamples;
            result.reason = format!(
                "none of {} made examples is good enough to train on",
                result.examples.generated
            );
            result.advice = advice(&result);
            return self.end(result, began, seen);
        }

        seen(RoundEvent::Phase(Phase::Training));
        let training = self.training(examples.clone(), seen)?;
        result.run = Some(training.run.clone());
        result.adapter.clone_from(&training.adapter);
        let adapter = training.adapter.clone().unwrap_or_default();
        let choice = ArmChoice::Adapter(adapter.clone());
        let candidate = self.workplace.arm(&choice, self.runtime, &mut working(seen))?;

        seen(RoundEvent::Phase(Phase::Measuring));
        let measured = self.measured(&sentinels, &candidate, seen)?;
        result.after = Some(Showing {
            find: None,
            held_out: summarise(&measured.held_out.items),
            diversity: measured.diversity,
        });
        seen(RoundEvent::Phase(Phase::Deciding));
        self.decide(&mut result, &sentinels, &baseline, &measured, &candidate)?;
        if self.record.control != Control::None {
            seen(RoundEvent::Phase(Phase::Control));
            let steps = training.steps.div_ceil(self.record.train.epochs.max(1));
            let before = Before { baseline: &baseline, weak: &weak };
            result.control = run_control(self, before, &examples, steps, &measured, seen)?;
        }
        self.end(result, began, seen)
    }

    /// What the set is too small for is said before minutes are spent on it.
    fn tell_what_can_be_concluded(&self, weak: &WeakAreas, seen: RoundSeen) {
        let mut tell = |note: String| seen(RoundEvent::Work(Event::Note(note)));
        let groups = self.bench.held_out_groups(&weak.areas);
        if !weak.areas.is_empty() && groups < crate::eval::FEWEST_GROUPS {
            tell(format!(
                "the weak areas have {groups} groups of held-out items, and nothing is accepted on fewer \
                 than {}: the round can show a direction, its decision will be \"cannot tell\"",
                crate::eval::FEWEST_GROUPS
            ));
        }
        if self.bench.areas().len() == 1 {
            tell(
                "the set has one area: what training for it costs elsewhere is watched by the sentinels \
                 alone"
                    .into(),
            );
        }
    }

    fn scores(&self, seen: RoundSeen) -> Result<Scores> {
        if let Some(scores) = self.folder.read::<Scores>(files::SCORES)? {
            let same = |scores: &[ItemScore], items: &[Example]| {
                scores.iter().map(|score| &score.id).eq(items.iter().map(|item| &item.id))
            };
            if !same(&scores.find, self.bench.find())
                || !same(&scores.held_out, self.bench.held_out())
            {
                return Err(Error::Usage(format!(
                    "{} cannot be gone on with: its set is divided otherwise than when it began, because \
                     another set has given places to its items; start a new round",
                    self.folder.name()
                )));
            }
            return Ok(scores);
        }
        let mut score =
            |items| scored(self.runtime, items, &self.reference, false, &mut working(seen));
        let scores =
            Scores { find: score(self.bench.find())?, held_out: score(self.bench.held_out())? };
        self.folder.write(files::SCORES, &scores)?;
        Ok(scores)
    }

    /// The reference's scores, and its answers to what can be checked and to the sentinels.
    fn baseline(
        &self,
        scores: Scores,
        sentinels: &SentinelItems,
        seen: RoundSeen,
    ) -> Result<Baseline> {
        if let Some(baseline) = self.folder.read(files::BASELINE)? {
            return Ok(baseline);
        }
        let arm = &self.reference;
        let Scores { mut find, mut held_out } = scores;
        for (items, scores) in
            [(self.bench.find(), &mut find), (self.bench.held_out(), &mut held_out)]
        {
            let seen = &mut working(seen);
            let progress = &mut measuring("answering", seen);
            measure::check_answers(self.runtime, items, arm.lora.as_ref(), scores, progress)?;
        }
        let measured =
            Measurements::with_scores(self.runtime, held_out, sentinels, arm, &mut working(seen))?;
        let diversity = self.diversity(arm, seen)?;
        let baseline = Baseline { find, held_out: measured, diversity };
        self.folder.write(files::BASELINE, &baseline)?;
        Ok(baseline)
    }

    /// Distinct-2 of samples on the set's own prompts.
    fn diversity(&self, arm: &Arm, seen: RoundSeen) -> Result<Option<f64>> {
        if self.record.sentinels.is_some() {
            return Ok(None);
        }
        let prompts = [self.bench.find(), self.bench.held_out()].concat();
        let seen = &mut working(seen);
        let progress = &mut measuring("sampling for diversity", seen);
        let samples =
            sentinels::diversity_samples(self.runtime, &prompts, arm.lora.as_ref(), progress)?;
        Ok(distinct_2(&samples))
    }

    fn weak(&self, scores: &Scores) -> Result<WeakAreas> {
        if let Some(weak) = self.folder.read(files::WEAK)? {
            return Ok(weak);
        }
        let weak = weak_areas(&scores.find, self.record.settings.threshold);
        self.folder.write(files::WEAK, &weak)?;
        Ok(weak)
    }

    fn examples(&self, baseline: &Baseline, weak: &WeakAreas, seen: RoundSeen) -> Result<Filtered> {
        let settings = &self.record.settings;
        let mut batches = KeptBatches::open(&self.folder)?;
        if let Some(fates) = self.folder.read::<Vec<(String, Option<Rule>)>>(files::JUDGED)? {
            let mut fates: HashMap<String, Option<Rule>> = fates.into_iter().collect();
            let judged = batches.made().iter().flatten().map(|candidate| Judged {
                rejected: fates.remove(&candidate.id).unwrap_or(Some(Rule::NotNeeded)),
                candidate: candidate.clone(),
            });
            let filter = filter_for(settings, &self.bench, self.runtime);
            return Ok(filter.counted(judged.collect()));
        }
        let making = Making {
            runtime: self.runtime,
            bench: &self.bench,
            settings,
            sources: self.bench.weak_sources(&baseline.find, weak),
            origin: Origin::EachInTurn,
            lora: self.reference.lora.clone(),
        };
        let filtered = making.run(&mut batches, &mut |event| seen(event.into()))?;
        let kept = lessons(filtered.kept(), self.bench.find_by_id(), settings.weighting);
        self.folder.write_lines(files::EXAMPLES, &kept)?;
        let fates: Vec<(&str, Option<Rule>)> =
            filtered.judged.iter().map(|one| (one.candidate.id.as_str(), one.rejected)).collect();
        self.folder.write(files::JUDGED, &fates)?;
        Ok(filtered)
    }

    fn training(&self, examples: Vec<Example>, seen: RoundSeen) -> Result<TrainingRecord> {
        let kept: Option<TrainingRecord> = self.folder.read(files::TRAINING)?;
        if let Some(done) = kept.clone().filter(|training| training.adapter.is_some()) {
            return Ok(done);
        }
        let runs = self.workplace.home.runs();
        let begun = kept.and_then(|training| RunFolder::find(&runs, &training.run).ok());
        if let Some(run) = &begun
            && let Some(adapter) = run.record()?.adapter
        {
            // It had become an adapter when the round was stopped.
            let losses: Vec<f64> = run.metrics()?.iter().map(|step| step.loss).collect();
            let training = TrainingRecord {
                run: run.name(),
                adapter: Some(adapter),
                steps: losses.len(),
                losses,
                seconds: 0.0,
            };
            self.folder.write(files::TRAINING, &training)?;
            return Ok(training);
        }
        let prepared = match begun {
            Some(run) => prepare_resume(self.workplace, self.runtime, run)?,
            None => {
                let areas: std::collections::BTreeSet<&str> =
                    examples.iter().map(|example| example.area.as_str()).collect();
                let watch = self.bench.held_out().iter();
                let request = TrainRequest {
                    watch: watch.filter(|item| areas.contains(&*item.area)).cloned().collect(),
                    material: Material::Examples(examples),
                    init: self.bench.reference_folder(self.workplace, &self.reference)?,
                    settings: TrainSettings {
                        seed: self.record.settings.seed,
                        ..self.record.train.clone()
                    },
                    accumulation_is_default: self.record.accumulation_is_default,
                    shape_is_default: true,
                    replay: self.record.replay,
                    runs: None,
                    keep_away: self.bench.deciding().clone(),
                };
                prepare(self.workplace, self.runtime, request).map_err(in_settings)?
            }
        };
        let mut training = TrainingRecord {
            run: prepared.run.name(),
            adapter: None,
            steps: prepared.steps,
            losses: Vec::new(),
            seconds: 0.0,
        };
        self.folder.write(files::TRAINING, &training)?;
        for note in &prepared.notes {
            seen(RoundEvent::Work(Event::Note(note.clone())));
        }
        seen(RoundEvent::Training { run: training.run.clone(), steps: training.steps });
        let trained =
            workplace::run(self.workplace, self.runtime, prepared, |_| (), &mut working(seen))?;
        if trained.adapter.is_none() {
            return Err(crate::runtime::Error::Cancelled.into());
        }
        training.adapter = trained.adapter;
        training.losses = trained.losses;
        training.seconds = trained.seconds;
        self.folder.write(files::TRAINING, &training)?;
        Ok(training)
    }

    fn measured(
        &self,
        sentinels: &SentinelItems,
        candidate: &Arm,
        seen: RoundSeen,
    ) -> Result<Measured> {
        if let Some(measured) = self.folder.read(files::MEASURED)? {
            return Ok(measured);
        }
        let held_out = Measurements::of(
            self.runtime,
            self.bench.held_out(),
            sentinels,
            candidate,
            true,
            &mut working(seen),
        )?;
        let measured = Measured { held_out, diversity: self.diversity(candidate, seen)? };
        self.folder.write(files::MEASURED, &measured)?;
        Ok(measured)
    }

    /// Asks the gate, which spends a share of what this held-out set may decide.
    fn decide(
        &self,
        result: &mut RoundResult,
        sentinels: &SentinelItems,
        baseline: &Baseline,
        measured: &Measured,
        candidate: &Arm,
    ) -> Result<()> {
        let judging = Judging {
            reference: &baseline.held_out,
            candidate: &measured.held_out,
            sentinels,
            groups: self.bench.groups(),
            targeted: &result.weak.areas,
            held_out_share: 0.5,
            seed: self.record.settings.seed,
        };
        let question = Question {
            adapter_hash: &arm_hash(candidate, self.runtime),
            reference_hash: &arm_hash(&self.reference, self.runtime),
            held_out: &HeldOutSet::new(self.bench.held_out())?,
        };
        let recorded =
            self.workplace.ledger().decide(question, |spending| judging.decide(spending))?;
        let decision = recorded.decision;
        let comparison = Comparison {
            a: self.reference.name.clone(),
            b: candidate.name.clone(),
            decision: decision.clone(),
            used: decision.spending.k.saturating_sub(1),
            sentinels_passed: sentinels.passed(),
        };
        keep_evaluation(self.workplace, &comparison)?;
        result.held_out = Some(HeldOut::of(&decision, recorded.repeated));
        result.accuracy = decision.accuracy;
        result.areas = decision.areas;
        result.sentinels = decision.sentinels;
        result.guards = decision.guards;
        result.decision = decision.verdict.into();
        result.style = decision.style;
        result.reason = decision.reason;
        result.needs_more = decision.needs_more;
        result.advice = advice(result);
        Ok(())
    }

    fn opening(
        &self,
        find: &[ItemScore],
        held_out: &[ItemScore],
        diversity: Option<f64>,
        weak: &WeakAreas,
    ) -> RoundResult {
        RoundResult {
            round: self.folder.name(),
            set: self.record.set.clone(),
            reference: self.reference.name.clone(),
            started: self.record.started.clone(),
            ended: String::new(),
            before: Showing { find: summarise(find), held_out: summarise(held_out), diversity },
            after: None,
            weak: weak.clone(),
            examples: ExampleCounts::default(),
            run: None,
            adapter: None,
            held_out: None,
            accuracy: None,
            areas: Vec::new(),
            sentinels: Vec::new(),
            guards: Vec::new(),
            decision: Ending::NothingToImprove,
            style: false,
            reason: String::new(),
            advice: None,
            needs_more: None,
            control: None,
            seconds: 0.0,
        }
    }

    fn end(&self, mut result: RoundResult, began: Instant, seen: RoundSeen) -> Result<RoundResult> {
        result.ended = clock::now();
        result.seconds = began.elapsed().as_secs_f64();
        self.folder.write(files::RESULT, &result)?;
        seen(RoundEvent::Ended(Box::new(result.clone())));
        Ok(result)
    }
}

/// What would need less memory, as the settings of a round name it.
fn in_settings(error: Error) -> Error {
    match error {
        Error::Train(train::Error::WouldNotFit { needed, free, .. }) => {
            let advice =
                "batch_size = 2 and gradient_accumulation_steps = 8 under [train] in config.toml, \
                          or half of max_seq"
                    .into();
            train::Error::WouldNotFit { needed, free, advice }.into()
        }
        error => error,
    }
}
