//! How examples are made: the options that `generate`, `improve` and `experiment` share.

use super::outcome::{Error, Result};
use super::weak::threshold;
use crate::config::{Config, PerplexityThreshold};
use crate::improve::{GeneratorKind, Settings, Strictness, Weighting};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Clone, Args)]
pub struct MakingArguments {
    /// Over it an example is weak: `auto` (the worst quarter, above 10) or a perplexity [default: as
    /// config.toml says: auto].
    #[arg(long, value_name = "auto|P", value_parser = threshold)]
    threshold: Option<PerplexityThreshold>,
    /// Who makes examples: the model itself, from three weak items; `critique` lets it criticise and
    /// rewrite them; `pool` chooses from a file.
    #[arg(long, value_enum, default_value = "self")]
    generator: Generator,
    /// The file to choose from, with --generator pool.
    #[arg(long, value_name = "FILE")]
    pub pool: Option<PathBuf>,
    /// Good examples to make, however many attempts that takes; wins over the number of variations.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: Option<u32>,
    /// Attempts for every weak example [default: 5].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    variations: Option<u32>,
    /// Share of the sound examples that is kept, the least surprising ones [default: 0.5].
    #[arg(long, value_name = "SHARE", value_parser = share_above_zero)]
    keep_top: Option<f64>,
    /// An example with a smaller share of different word pairs repeats itself [default: 0.4].
    #[arg(long, value_name = "SHARE", value_parser = share)]
    min_diversity: Option<f64>,
    /// Keep whatever is an example at all and not near to an item that decides.
    #[arg(long, conflicts_with_all = ["keep_top", "min_diversity", "checked"])]
    no_filter: bool,
    /// Also drop answers that fail what can be checked: programs that do not exist, wrong sums.
    #[arg(long)]
    checked: bool,
    /// How examples are sampled [default: 0.8].
    #[arg(long, value_name = "X", value_parser = above_zero)]
    temperature: Option<f64>,
    /// Sample among the likeliest tokens that hold this share [default: 0.9].
    #[arg(long, value_name = "SHARE", value_parser = share_above_zero)]
    top_p: Option<f64>,
    /// How much an example counts in training: all the same, or by how unsure the model is of it.
    #[arg(long, value_enum, default_value = "uniform")]
    weighting: Weights,
    /// The same seed and data give the same examples and the same verdict [default: that of [train]].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Generator {
    #[value(name = "self")]
    FewShot,
    Pool,
    Critique,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Weights {
    Uniform,
    Uncertainty,
}

fn number(text: &str, holds: fn(f64) -> bool, allowed: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && holds(*number))
        .ok_or_else(|| format!("must be {allowed}"))
}

fn share(text: &str) -> Result<f64, String> {
    number(text, |x| (0.0..1.0).contains(&x), "a number, 0 or more and below 1")
}

fn share_above_zero(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0 && x <= 1.0, "a number above 0, 1 at most")
}

fn above_zero(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0, "a number above 0")
}

impl MakingArguments {
    /// The same without a pool, which then is another arm's.
    pub fn without_pool(&self) -> Self {
        Self { pool: None, generator: Generator::FewShot, ..self.clone() }
    }

    pub fn settings(&self, config: &Config) -> Result<Settings> {
        let generator = match (self.generator, &self.pool) {
            (Generator::Pool, Some(file)) => GeneratorKind::Pool(file.clone()),
            (Generator::Pool, None) => {
                return Err(Error::Usage("--generator pool needs --pool FILE".into()));
            }
            (_, Some(_)) => {
                return Err(Error::Usage("--pool is read by --generator pool only".into()));
            }
            (Generator::FewShot, None) => GeneratorKind::FewShot,
            (Generator::Critique, None) => GeneratorKind::Critique,
        };
        let seed = self.seed.unwrap_or(config.train.seed);
        let default = Settings::from_config(&config.error_driven, seed);
        Ok(Settings {
            threshold: self.threshold.unwrap_or(default.threshold),
            generator,
            variations: self.variations.map_or(default.variations, |n| n as usize),
            count: self.count.map(|n| n as usize),
            strictness: match (self.no_filter, self.checked) {
                (true, _) => Strictness::Off,
                (false, true) => Strictness::Checked,
                (false, false) => Strictness::On,
            },
            keep_top: self.keep_top.unwrap_or(default.keep_top),
            min_diversity: self.min_diversity.unwrap_or(default.min_diversity),
            temperature: self.temperature.unwrap_or(default.temperature),
            top_p: self.top_p.unwrap_or(default.top_p),
            weighting: match self.weighting {
                Weights::Uniform => Weighting::Uniform,
                Weights::Uncertainty => Weighting::Uncertainty,
            },
            seed,
        })
    }
}
