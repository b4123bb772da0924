//! What each key allows: the words an error shows, and the range that a value must keep.

use super::sections::{Config, DefaultModel, PerplexityThreshold};

/// One key, the values it takes in words, and whether a configuration keeps to them.
pub(super) struct Rule {
    pub key: &'static str,
    pub allowed: &'static str,
    holds: fn(&Config) -> bool,
}

const fn rule(key: &'static str, allowed: &'static str, holds: fn(&Config) -> bool) -> Rule {
    Rule { key, allowed, holds }
}

const WHOLE: &str = "a whole number, 1 or more";
const SHARE: &str = "a number, 0 or more and below 1";

// TOML has no whole number above this.
const LARGEST: u64 = i64::MAX as u64;

/// Every key of `config.toml` (those inside a source check themselves).
pub(super) const RULES: &[Rule] = &[
    rule("kaizen", "1, the format that this Kaizen reads", |c| c.kaizen == 1),
    rule(
        "model.default",
        "\"sources\", a path to a .gguf file, or \"owner/repo\" or \"owner/repo:file.gguf\" of the hub, or \"ollama:name:tag\"",
        |c| match &c.model.default {
            DefaultModel::Sources => true,
            DefaultModel::Named(name) => !name.trim().is_empty(),
        },
    ),
    rule("model.precision", "\"quantised\" or \"f32\"", |_| true),
    rule("model.paths", "a list of paths, none empty", |c| {
        c.model.paths.iter().all(|path| !path.trim().is_empty())
    }),
    rule("model.sources", "a list of tables with a kind", |_| true),
    rule("generate.temperature", "a number, 0 (greedy) or more", |c| {
        (0.0..f64::INFINITY).contains(&c.generate.temperature)
    }),
    rule("generate.top_p", "a number above 0, 1 (off) at most", |c| {
        c.generate.top_p > 0.0 && c.generate.top_p <= 1.0
    }),
    rule("generate.min_p", "a number, 0 (off) or more and below 1", |c| {
        (0.0..1.0).contains(&c.generate.min_p)
    }),
    rule("generate.repetition_penalty", "a number above 0 (1 is off)", |c| {
        c.generate.repetition_penalty > 0.0 && c.generate.repetition_penalty.is_finite()
    }),
    rule("generate.max_tokens", WHOLE, |c| c.generate.max_tokens >= 1),
    rule("act.max_steps", WHOLE, |c| c.act.max_steps >= 1),
    rule("act.action_seconds", WHOLE, |c| (1..=LARGEST).contains(&c.act.action_seconds)),
    rule("act.task_seconds", WHOLE, |c| (1..=LARGEST).contains(&c.act.task_seconds)),
    rule("act.action_tokens", "a whole number, 96 or more", |c| c.act.action_tokens >= 96),
    rule("act.observation_tokens", "a whole number, 16 or more", |c| {
        c.act.observation_tokens >= 16
    }),
    rule("act.desktop", "true or false", |_| true),
    rule("train.rank", WHOLE, |c| c.train.rank >= 1),
    rule("train.alpha", "a number above 0", |c| c.train.alpha > 0.0 && c.train.alpha.is_finite()),
    rule("train.dropout", SHARE, |c| (0.0..1.0).contains(&c.train.dropout)),
    rule(
        "train.targets",
        "one or more of \"q\", \"k\", \"v\", \"o\", \"gate\", \"up\", \"down\", each once",
        |c| {
            let mut targets = c.train.targets.clone();
            targets.sort();
            targets.dedup();
            !targets.is_empty() && targets.len() == c.train.targets.len()
        },
    ),
    rule("train.epochs", WHOLE, |c| c.train.epochs >= 1),
    rule("train.batch_size", WHOLE, |c| c.train.batch_size >= 1),
    rule("train.gradient_accumulation_steps", WHOLE, |c| c.train.gradient_accumulation_steps >= 1),
    rule("train.learning_rate", "a number above 0, 1 at most", |c| {
        c.train.learning_rate > 0.0 && c.train.learning_rate <= 1.0
    }),
    rule("train.schedule", "\"cosine\", \"linear\" or \"constant\"", |_| true),
    rule("train.warmup", SHARE, |c| (0.0..1.0).contains(&c.train.warmup)),
    rule("train.clip", "a number, 0 (off) or more", |c| {
        (0.0..f64::INFINITY).contains(&c.train.clip)
    }),
    rule("train.weight_decay", SHARE, |c| (0.0..1.0).contains(&c.train.weight_decay)),
    rule("train.max_seq", "a whole number, 2 or more", |c| c.train.max_seq >= 2),
    rule("train.seed", "a whole number, 0 or more", |c| c.train.seed <= LARGEST),
    rule("train.replay", SHARE, |c| (0.0..1.0).contains(&c.train.replay)),
    rule("train.checkpoint_seconds", WHOLE, |c| {
        (1..=LARGEST).contains(&c.train.checkpoint_seconds)
    }),
    rule("error_driven.perplexity_threshold", "\"auto\" or a number, 1 or more", |c| {
        match c.error_driven.perplexity_threshold {
            PerplexityThreshold::Auto => true,
            PerplexityThreshold::Fixed(number) => (1.0..f64::INFINITY).contains(&number),
        }
    }),
    rule("error_driven.variations_per_error", "a whole number, 1 to 1000", |c| {
        (1..=1000).contains(&c.error_driven.variations_per_error)
    }),
    rule("error_driven.filter_threshold", "a share above 0, 1 (keep all) at most", |c| {
        c.error_driven.filter_threshold > 0.0 && c.error_driven.filter_threshold <= 1.0
    }),
    rule("error_driven.min_diversity_score", SHARE, |c| {
        (0.0..1.0).contains(&c.error_driven.min_diversity_score)
    }),
    rule("error_driven.temperature", "a number above 0", |c| {
        c.error_driven.temperature > 0.0 && c.error_driven.temperature.is_finite()
    }),
    rule("error_driven.top_p", "a number above 0, 1 (off) at most", |c| {
        c.error_driven.top_p > 0.0 && c.error_driven.top_p <= 1.0
    }),
    rule("feedback.failed_rating", "a whole number of stars, 1 to 4", |c| {
        (1..=4).contains(&c.feedback.failed_rating)
    }),
    rule("feedback.min_failed", WHOLE, |c| c.feedback.min_failed >= 1),
    rule("feedback.retrain_below", "a number of stars, 1 to 5", |c| {
        (1.0..=5.0).contains(&c.feedback.retrain_below)
    }),
    rule("feedback.window", WHOLE, |c| c.feedback.window >= 1),
    rule("feedback.retrain_after", WHOLE, |c| c.feedback.retrain_after >= 1),
    rule("routing.canary", "a share above 0 and below 1", |c| {
        c.routing.canary > 0.0 && c.routing.canary < 1.0
    }),
    rule("routing.automatic", "true or false", |_| true),
    rule("runtime.threads", "a whole number, 0 (all cores) to 1024", |c| c.runtime.threads <= 1024),
    rule("tui.mouse", "true or false", |_| true),
    rule("tui.counts", "true or false", |_| true),
    rule("runtime.device", "\"auto\", \"cpu\", \"cuda\" or \"metal\"", |_| true),
    rule("theme.name", "\"auto\", \"dark\", \"light\" or \"high-contrast\"", |_| true),
];

/// The first rule that a configuration breaks.
pub(super) fn first_broken(config: &Config) -> Option<&'static Rule> {
    RULES.iter().find(|rule| !(rule.holds)(config))
}

/// What a key allows, in words.
pub(super) fn allowed(key: &str) -> Option<&'static str> {
    if key.starts_with("keys.") {
        return Some("a key such as \"ctrl-s\", a list of keys, or [] for none");
    }
    RULES.iter().find(|rule| rule.key == key).map(|rule| rule.allowed)
}

/// The value of a key as it would be written in the file.
pub(super) fn shown(config: &Config, key: &str) -> String {
    let written = toml::Value::try_from(config)
        .ok()
        .and_then(|whole| key.split('.').try_fold(whole, |value, part| value.get(part).cloned()));
    written.map_or_else(|| "out of range".to_owned(), |value| value.to_string())
}
