//! Which experiments there are: the hypothesis of each, its arms, and what is held against what. Pure.

use super::record::Claim;
use crate::config::PerplexityThreshold;
use crate::improve::{GeneratorKind, Settings, Strictness, Weighting};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The experiments by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    Control,
    Threshold,
    Filter,
    Variations,
    Iterations,
    Weighting,
    Generator,
}

impl Experiment {
    pub const ALL: [Self; 7] = [
        Self::Control,
        Self::Threshold,
        Self::Filter,
        Self::Variations,
        Self::Iterations,
        Self::Weighting,
        Self::Generator,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Threshold => "threshold",
            Self::Filter => "filter",
            Self::Variations => "variations",
            Self::Iterations => "iterations",
            Self::Weighting => "weighting",
            Self::Generator => "generator",
        }
    }

    /// The experiment of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|experiment| experiment.as_str() == name)
    }

    pub fn hypothesis(self) -> &'static str {
        match self {
            Self::Control => {
                "Training on examples made from the model's weak items improves those areas more than the \
                 same training on examples made in the same way from items drawn at random."
            }
            Self::Threshold => {
                "Calling the worst quarter of a set weak helps more than any fixed threshold."
            }
            Self::Filter => {
                "Filtering made examples helps more than training on all of them, and dropping those that \
                 fail a check helps more still."
            }
            Self::Variations => {
                "5, 10 and 20 variations of every weak item help more than a single one."
            }
            Self::Iterations => {
                "Every further round of making examples and training helps more than the one before."
            }
            Self::Weighting => {
                "Weighting examples by the model's uncertainty helps more than weighting them equally."
            }
            Self::Generator => {
                "Examples that were criticised and rewritten, or chosen from real ones, help more than \
                 those that the model writes at once."
            }
        }
    }
}

/// What an arm learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// Examples made from the weak items.
    Targeted,
    /// Made in the same way from find items drawn at random.
    RandomFind,
    /// Everyday conversation.
    Unrelated,
    /// The weak find items themselves, with their right answers.
    References,
    /// Nothing: the weak find items stand in the prompt.
    PromptOnly,
}

/// One arm as it is planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmPlan {
    pub name: String,
    pub what: String,
    /// The place on the x axis of a dose-response chart.
    pub dose: Option<f64>,
    pub data: Data,
    pub settings: Settings,
    /// It goes on from the adapter of the arm before it.
    pub continues: bool,
}

/// Two arms that are held against each other, by their places in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedContrast {
    pub better: usize,
    pub than: usize,
}

/// An experiment as it is planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub experiment: Experiment,
    pub arms: Vec<ArmPlan>,
    /// What the hypothesis is about: the first one alone, or all of them.
    pub contrasts: Vec<PlannedContrast>,
    /// The first contrast is the claim and stands by its own p; the others tell what else there is to
    /// know. Else all of them are the claim, and share the error rate (Holm).
    pub one_claim: bool,
}

impl Plan {
    /// The arms of an experiment; `settings` are those of all arms but for what the experiment varies,
    /// `pool` adds an arm to `generator`.
    pub fn new(experiment: Experiment, settings: &Settings, pool: Option<&Path>) -> Self {
        let arm = |name: &str, what: &str, dose: Option<f64>, settings: Settings| ArmPlan {
            name: name.into(),
            what: what.into(),
            dose,
            data: Data::Targeted,
            settings,
            continues: false,
        };
        let with = |change: &dyn Fn(&mut Settings)| {
            let mut own = settings.clone();
            change(&mut own);
            own
        };
        let arms: Vec<ArmPlan> = match experiment {
            Experiment::Control => [
                ("targeted", "examples made from weak items", Data::Targeted),
                ("random-find", "examples made from find items at random", Data::RandomFind),
                ("unrelated", "everyday conversation", Data::Unrelated),
                ("references", "the weak items with their right answers", Data::References),
                ("prompt-only", "the weak items in the prompt, no training", Data::PromptOnly),
            ]
            .map(|(name, what, data)| ArmPlan { data, ..arm(name, what, None, settings.clone()) })
            .into(),
            Experiment::Threshold => {
                let fixed = [30.0, 50.0, 70.0, 100.0].map(|perplexity| {
                    let own = with(&|own| own.threshold = PerplexityThreshold::Fixed(perplexity));
                    let name = format!("over-{perplexity:.0}");
                    let what = format!("weak: perplexity over {perplexity:.0}");
                    arm(&name, &what, Some(perplexity), own)
                });
                let auto = with(&|own| own.threshold = PerplexityThreshold::Auto);
                let mut arms = vec![arm("auto", "weak: the worst quarter, over 10", None, auto)];
                arms.extend(fixed);
                arms
            }
            Experiment::Filter => vec![
                arm("on", "the filter", None, with(&|own| own.strictness = Strictness::On)),
                arm("off", "no filter", None, with(&|own| own.strictness = Strictness::Off)),
                arm(
                    "checked",
                    "the filter, and answers that fail a check dropped",
                    None,
                    with(&|own| own.strictness = Strictness::Checked),
                ),
            ],
            // The most first: it says how much all of them learn, the others repeat fewer examples.
            Experiment::Variations => [20usize, 10, 5, 1]
                .into_iter()
                .map(|variations| {
                    let own = with(&|own| {
                        own.variations = variations;
                        own.count = None;
                    });
                    let what = format!("{variations} made for every weak item");
                    arm(&format!("variations-{variations}"), &what, Some(variations as f64), own)
                })
                .collect(),
            Experiment::Iterations => (1u64..=5)
                .map(|round| ArmPlan {
                    continues: round > 1,
                    ..arm(
                        &format!("round-{round}"),
                        &format!("round {round}: on from the round before"),
                        Some(round as f64),
                        with(&|own| own.seed = own.seed.wrapping_add(1000 * (round - 1))),
                    )
                })
                .collect(),
            Experiment::Weighting => vec![
                arm(
                    "uncertainty",
                    "weights ln(perplexity + 1) / ln 100",
                    None,
                    with(&|own| own.weighting = Weighting::Uncertainty),
                ),
                arm(
                    "uniform",
                    "all examples weigh the same",
                    None,
                    with(&|own| own.weighting = Weighting::Uniform),
                ),
            ],
            Experiment::Generator => {
                let mut arms = vec![
                    arm(
                        "self",
                        "the model goes on with a list",
                        None,
                        with(&|own| own.generator = GeneratorKind::FewShot),
                    ),
                    arm(
                        "critique",
                        "it criticises and rewrites what it made",
                        None,
                        with(&|own| own.generator = GeneratorKind::Critique),
                    ),
                ];
                if let Some(file) = pool {
                    let own = with(&|own| own.generator = GeneratorKind::Pool(file.to_owned()));
                    arms.push(arm("pool", "chosen from a file of real ones", None, own));
                }
                arms
            }
        };
        let last = arms.len().saturating_sub(1);
        let pairs: Vec<(usize, usize)> = match experiment {
            Experiment::Control => vec![(0, 1), (0, 2), (3, 0), (0, 4)],
            Experiment::Threshold => (1..=last).map(|fixed| (0, fixed)).collect(),
            Experiment::Filter => vec![(0, 1), (2, 0)],
            Experiment::Variations => vec![(0, 3), (1, 3), (2, 3)],
            Experiment::Iterations => (1..=last).map(|round| (round, round - 1)).collect(),
            Experiment::Weighting => vec![(0, 1)],
            Experiment::Generator => (1..=last).map(|other| (other, 0)).collect(),
        };
        Self {
            experiment,
            arms,
            contrasts: pairs
                .into_iter()
                .map(|(better, than)| PlannedContrast { better, than })
                .collect(),
            one_claim: experiment == Experiment::Control,
        }
    }
}

/// What figures say of a claim that an arm is better: `low` and `high` bound the difference of scores in
/// nats (below zero is better), `p` is two-sided.
pub fn claim(mean: f64, low: f64, high: f64, p: f64) -> Claim {
    let relevant = (-crate::eval::RELEVANT_FALL).ln_1p();
    if mean < 0.0 && high < 0.0 && p <= 0.05 {
        Claim::Supported
    } else if low > relevant {
        Claim::NotSupported
    } else {
        Claim::CannotTell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ErrorDriven;

    // If this fails, an experiment varies something else than it says, or compares an arm with itself.
    #[test]
    fn every_experiment_varies_one_thing() {
        let settings = Settings::from_config(&ErrorDriven::default(), 0);
        for experiment in Experiment::ALL {
            let plan = Plan::new(experiment, &settings, Some(Path::new("pool.jsonl")));
            let mut names: Vec<&str> = plan.arms.iter().map(|arm| arm.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), plan.arms.len(), "{experiment:?}");
            assert!(plan.arms.len() >= 2 && !plan.contrasts.is_empty());
            for contrast in &plan.contrasts {
                assert!(contrast.better != contrast.than && contrast.better < plan.arms.len());
                assert!(contrast.than < plan.arms.len());
            }
            let differs = |arm: &ArmPlan| arm.settings != settings || arm.data != Data::Targeted;
            let varied = plan.arms.iter().filter(|arm| differs(arm)).count();
            assert!(varied >= 1, "{experiment:?}");
        }
    }

    #[test]
    fn a_claim_needs_an_interval_below_zero_and_fails_when_nothing_worth_having_is_left() {
        assert_eq!(claim(-0.1, -0.2, -0.01, 0.03), Claim::Supported);
        assert_eq!(claim(-0.1, -0.2, -0.01, 0.09), Claim::CannotTell);
        assert_eq!(claim(0.0, -0.03, 0.03, 1.0), Claim::NotSupported);
        assert_eq!(claim(0.2, 0.1, 0.3, 0.01), Claim::NotSupported);
        assert_eq!(claim(-0.05, -0.2, 0.1, 0.4), Claim::CannotTell);
    }
}
