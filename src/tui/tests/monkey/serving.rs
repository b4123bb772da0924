//! What the cat is told of replays, adapters in service, and progress.

use super::Cat;
use crate::adapters::{AdapterSummary, By, Change, Routing, State, Step};
use crate::driver::{
    Effect, JudgedPair, Judgement, ReplayState, Report, ServiceState, ShownPair, WorkEvent,
};
use crate::eval::promotion::{ArmRecord, PairCounts, ServiceEvidence};
use crate::eval::statistics::StarCounts;
use crate::model::library::{Facts, Keeper, LocalModel};
use crate::workplace::own_work::Proof;
use crate::workplace::progress::{VersionProgress, WeekStars};
use crate::workplace::service::OnTrial;
use crate::workplace::{ListedModel, ModelList};
use rand::RngExt;
use rand::seq::IndexedRandom;

const STATES: [State; 4] = [State::Candidate, State::Canary, State::Active, State::Retired];
const STEPS: [Step; 4] = [Step::Promote, Step::Canary, Step::Route, Step::Rollback];

impl Cat {
    /// The end of an effect that is about who answers; none for any other.
    pub(super) fn served(&mut self, effect: &Effect) -> Option<Report> {
        Some(match effect {
            Effect::ListAdapters => Report::Adapters(self.adapters()),
            Effect::Replay { work, .. } => {
                let event = match self.rng.random_range(0..4) {
                    0 => WorkEvent::Failed(self.text()),
                    _ => WorkEvent::Replayed(Box::new(self.replay_state())),
                };
                Report::Work { work: *work, event }
            }
            Effect::JudgePair { work, .. } => Report::Work {
                work: *work,
                event: WorkEvent::PairJudged(Box::new(self.judged_pair())),
            },
            Effect::JudgeOwnWork { work, .. } => Report::Work { work: *work, event: self.judged() },
            Effect::Service { candidate } => {
                Report::Service(Box::new(self.service(candidate.clone())))
            }
            Effect::Promote(adapter) | Effect::Canary(adapter) => self.routed(adapter.clone()),
            Effect::ListModels => Report::Models(std::sync::Arc::new(self.models())),
            Effect::UseModel(name) => {
                Report::ModelChosen { name: name.clone(), config_file: "config.toml".into() }
            }
            Effect::RollBack => self.routed("lora-v1".into()),
            Effect::Progress => {
                Report::Progress((0..self.rng.random_range(0..5)).map(|_| self.version()).collect())
            }
            _ => return None,
        })
    }

    pub(super) fn serving(&mut self) -> WorkEvent {
        match self.rng.random_range(0..2) {
            0 => WorkEvent::Pair(Box::new(ShownPair {
                number: self.rng.random_range(0..50),
                total: self.rng.random_range(0..50),
                task: self.text(),
                left: self.text(),
                right: self.text(),
            })),
            _ => WorkEvent::PairJudged(Box::new(self.judged_pair())),
        }
    }

    fn models(&mut self) -> ModelList {
        let count = self.rng.random_range(0..40);
        let mut models = Vec::new();
        for _ in 0..count {
            models.push(ListedModel {
                model: LocalModel {
                    name: self.text(),
                    path: self.text().into(),
                    keeper: Keeper::Ollama,
                    lasting: self.text(),
                    facts: Facts {
                        title: Some(self.text()),
                        architecture: Some(self.text()),
                        parameters: Some(self.rng.random()),
                        quantisation: Some(self.text()),
                        context: Some(self.rng.random_range(0..1 << 40)),
                        bytes: self.rng.random(),
                        shape: None,
                        refusal: (self.rng.random_range(0..3) == 0).then(|| self.text()),
                    },
                },
                is_default: self.rng.random_range(0..3) == 0,
                running: None,
                training: None,
                adapters: vec![self.text()],
            });
        }
        ModelList { models, ..ModelList::default() }
    }

    fn adapters(&mut self) -> Vec<AdapterSummary> {
        (1..=self.rng.random_range(0..4))
            .map(|version| AdapterSummary {
                name: format!("lora-v{version}"),
                state: *STATES.choose(&mut self.rng).unwrap(),
                base: Some("a model".into()),
                base_sha256: (self.rng.random_range(0..3) == 0)
                    .then(|| ["b179", "c0ffee"].choose(&mut self.rng).unwrap().to_string()),
                damaged: (self.rng.random_range(0..5) == 0).then(|| self.text()),
                ..AdapterSummary::default()
            })
            .collect()
    }

    pub(super) fn routed(&mut self, adapter: String) -> Report {
        Report::Routed(Box::new(Change {
            at: "2026-11-23T12:00:00+00:00".into(),
            step: *STEPS.choose(&mut self.rng).unwrap(),
            adapter,
            by: if self.rng.random_range(0..2) == 0 { By::Automatic } else { By::Person },
            reason: self.text(),
            evidence: serde_json::Value::Null,
            routing: self.routing(),
        }))
    }

    fn routing(&mut self) -> Routing {
        match self.rng.random_range(0..3) {
            0 => Routing::default(),
            1 => Routing::only("lora-v1"),
            _ => Routing::only("lora-v1").with_canary("lora-v2", 0.1).unwrap(),
        }
    }

    fn counts_of_pairs(&mut self) -> PairCounts {
        PairCounts {
            wins: self.rng.random_range(0..40),
            losses: self.rng.random_range(0..40),
            ties: self.rng.random_range(0..4),
        }
    }

    fn replay_state(&mut self) -> ReplayState {
        ReplayState {
            reference: "base".into(),
            candidate: "lora-v1".into(),
            counts: self.counts_of_pairs(),
            left: self.rng.random_range(0..9),
        }
    }

    fn judged_pair(&mut self) -> JudgedPair {
        let judgement = match self.rng.random_range(0..4) {
            0 => None,
            1 => Some(Judgement::Win),
            2 => Some(Judgement::Loss),
            _ => Some(Judgement::Tie),
        };
        JudgedPair {
            judgement,
            same: self.rng.random_range(0..5) == 0,
            candidate_left: self.rng.random_range(0..2) == 0,
            state: self.replay_state(),
        }
    }

    fn record(&mut self) -> ArmRecord {
        ArmRecord {
            stars: StarCounts([0, 1, 2, 0, self.rng.random_range(0..30)]),
            unrated: self.rng.random_range(0..30),
        }
    }

    fn service(&mut self, candidate: Option<String>) -> ServiceState {
        let candidate = candidate.filter(|_| self.rng.random_range(0..4) > 0);
        let standing = candidate.map(|candidate| OnTrial {
            candidate,
            reference: "base".into(),
            promoted: self.rng.random_range(0..2) == 0,
            evidence: ServiceEvidence {
                pairs: self.counts_of_pairs(),
                reference: self.record(),
                candidate: self.record(),
            },
            proof: match self.rng.random_range(0..3) {
                0 => Proof::Unproven,
                1 => Proof::Accepted,
                _ => Proof::NotAccepted(self.text()),
            },
        });
        ServiceState {
            routing: self.routing(),
            can_roll_back: self.rng.random_range(0..2) == 0,
            standing,
            corrections: self.rng.random_range(0..30),
            held_back: self.rng.random_range(0..3),
        }
    }

    fn version(&mut self) -> VersionProgress {
        let weeks = (0..self.rng.random_range(0..4))
            .map(|week| WeekStars {
                week: format!("2026-W{week:02}"),
                rated: self.rng.random_range(0..30),
                mean: self.number(),
                ci95: (self.rng.random_range(0..2) == 0).then(|| [self.number(), self.number()]),
            })
            .collect();
        VersionProgress {
            name: self.text(),
            state: Some(*STATES.choose(&mut self.rng).unwrap()),
            created: self.text(),
            weeks,
            held_out: Some(self.number()),
            held_out_ci95: Some([self.number(), self.number()]),
            held_out_verdict: Some(self.text()),
            own_work: None,
            own_work_verdict: None,
            learned: self.text(),
        }
    }
}
