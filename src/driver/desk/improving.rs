//! Rounds of improvement and experiments: started, gone on with, listed.

use super::super::{ExperimentOrder, ImproveOrder, Report, StoredExperiments, WorkEvent};
use super::{Inner, Work};
use crate::experiments::{
    ExperimentEvent, ExperimentRecord, ExperimentRequest, resume_experiment, run_experiment,
    stored_experiments, unfinished_experiments,
};
use crate::improve::{
    Control, ImproveRequest, RoundEvent, Settings, improve, resume, sentinel_matrix,
    sentinel_pairs, stored_rounds,
};
use crate::report::keep_experiment;
use crate::store::Documents;
use crate::train::TrainSettings;
use crate::workplace::{Error, Result, SetChoice};
use std::sync::Arc;

impl Inner {
    pub(super) fn list_experiments(&self) -> Result<Report> {
        let rounds = stored_rounds(&self.workplace);
        let unfinished = unfinished_experiments(&self.workplace);
        let stopped = rounds.iter().filter(|round| round.result.is_none());
        let names = unfinished.iter().map(|one| &one.experiment);
        let elsewhere = stopped.map(|round| &round.name).chain(names).filter_map(|name| {
            let folder = Documents::open(self.workplace.home.experiments().join(name));
            let holder = folder.holder().filter(|holder| !holder.is_here())?;
            Some((name.clone(), holder))
        });
        Ok(Report::Experiments(Arc::new(StoredExperiments {
            elsewhere: elsewhere.collect(),
            experiments: stored_experiments(&self.workplace),
            sentinels: sentinel_matrix(&self.workplace),
            rounds,
            unfinished,
        })))
    }

    pub(super) fn open_sentinels(&self, round: &str, area: &str) -> Result<Report> {
        let pairs = sentinel_pairs(&self.workplace, round, area)?;
        Ok(Report::SentinelAnswers { round: round.to_owned(), area: area.to_owned(), pairs })
    }

    pub(super) fn improve(&self, work: &Work, order: &ImproveOrder) -> Result<WorkEvent> {
        let examples = self.workplace.set(&order.set)?;
        let runtime = self.runtime(work)?;
        let config = &self.workplace.config;
        let request = ImproveRequest {
            examples,
            set: name(&order.set),
            reference: self.arm(&order.arm, &runtime, work)?,
            settings: Settings {
                count: order.count,
                ..Settings::from_config(&config.error_driven, config.train.seed)
            },
            train: TrainSettings::from_config(config),
            accumulation_is_default: true,
            replay: config.train.replay,
            control: Control::None,
            iterations: order.iterations,
            sentinels: None,
        };
        let results = improve(&self.workplace, &runtime, &request, &mut round_told(work))?;
        Ok(WorkEvent::Improved(results))
    }

    pub(super) fn resume_round(&self, work: &Work, round: &str) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let results = resume(&self.workplace, &runtime, round, &mut round_told(work))?;
        Ok(WorkEvent::Improved(results))
    }

    pub(super) fn experiment(&self, work: &Work, order: &ExperimentOrder) -> Result<WorkEvent> {
        let examples = self.workplace.set(&order.set)?;
        let runtime = self.runtime(work)?;
        let config = &self.workplace.config;
        let request = ExperimentRequest {
            experiment: order.experiment,
            examples,
            set: name(&order.set),
            settings: Settings {
                count: Some(order.count),
                ..Settings::from_config(&config.error_driven, config.train.seed)
            },
            train: TrainSettings::from_config(config),
            seeds: order.seeds,
            unrelated: None,
            pool: None,
        };
        let told = &mut experiment_told(work);
        let record = run_experiment(&self.workplace, &runtime, &request, told)?;
        self.experimented(record)
    }

    pub(super) fn resume_experiment(&self, work: &Work, experiment: &str) -> Result<WorkEvent> {
        let runtime = self.runtime(work)?;
        let told = &mut experiment_told(work);
        let record = resume_experiment(&self.workplace, &runtime, experiment, told)?;
        self.experimented(record)
    }

    /// The result is also written down for people: charts, tables, the log.
    fn experimented(&self, record: ExperimentRecord) -> Result<WorkEvent> {
        keep_experiment(&self.workplace, &record).map_err(|e| Error::Usage(e.to_string()))?;
        Ok(WorkEvent::Experimented(Box::new(record)))
    }
}

fn round_told(work: &Work) -> impl FnMut(RoundEvent) + '_ {
    |event| match event {
        RoundEvent::Work(event) => work.progress(event),
        event => work.tell(WorkEvent::Round(Box::new(event))),
    }
}

fn experiment_told(work: &Work) -> impl FnMut(ExperimentEvent) + '_ {
    |event| match event {
        ExperimentEvent::Work(event) => work.progress(event),
        event => work.tell(WorkEvent::Experiment(Box::new(event))),
    }
}

fn name(set: &SetChoice) -> String {
    match set {
        SetChoice::BuiltIn => "the built-in set".into(),
        SetChoice::File(path) => path.display().to_string(),
    }
}
