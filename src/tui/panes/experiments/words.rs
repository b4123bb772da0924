//! The short words of this pane: verdicts with their marks, rules, hypotheses, names of sets.

use crate::experiments::{Claim, Experiment};
use crate::improve::{Ending, Rule};
use crate::store::{Holder, plain_line};
use crate::tui::keymap::Keymap;
use crate::tui::theme::Theme;
use ratatui::style::Style;

/// A verdict as a badge: mark and word, and its style.
pub(super) fn ending(ending: Ending, theme: &Theme) -> (&'static str, Style) {
    match ending {
        Ending::Accepted => ("✓ accepted", theme.good),
        Ending::Rejected => ("✗ rejected", theme.bad),
        Ending::CannotTell => ("? cannot tell", theme.warning),
        Ending::NothingToImprove => ("= nothing weak", theme.dim),
        Ending::NoExamples => ("– no examples", theme.warning),
    }
}

pub(super) fn claim(claim: Option<Claim>, theme: &Theme) -> (&'static str, Style) {
    match claim {
        Some(Claim::Supported) => ("✓ supported", theme.good),
        Some(Claim::NotSupported) => ("✗ not supported", theme.bad),
        Some(Claim::CannotTell) => ("? cannot tell", theme.warning),
        None => ("– no verdict yet", theme.dim),
    }
}

/// What is said of one that another process works on.
pub(super) fn elsewhere(holder: Holder) -> String {
    format!("in another process{}", holder.in_brackets())
}

/// What is said of one that has no end: that it is worked on, or that one can go on with it, and `how`.
pub(super) fn unfinished(
    elsewhere: Option<Holder>,
    failed: bool,
    how: &str,
    keymap: &Keymap,
) -> String {
    match (elsewhere, failed) {
        (Some(holder), _) => format!("● goes on {}", self::elsewhere(holder)),
        (None, true) => keymap.tell(&format!("‖ failed: <resume> {how}")),
        (None, false) => keymap.tell(&format!("‖ stopped: <resume> {how}")),
    }
}

/// Why an example was not kept.
pub(super) fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Empty => "empty",
        Rule::CutOff => "cut off before its end",
        Rule::NearHeldOut => "near an item that decides",
        Rule::Echo => "copies what it imitates",
        Rule::Repetition => "repeats itself",
        Rule::TemplateTokens => "marks of a template in it",
        Rule::NearDuplicate => "asks what another asks",
        Rule::PerplexityOutlier => "perplexity far off",
        Rule::LowDiversity => "too few different words",
        Rule::FailedCheck => "fails its check",
        Rule::NoBetterRewrite => "rewrite is no better",
        Rule::LessExpected => "sound, less expected",
        Rule::NotNeeded => "good, not needed",
    }
}

/// A hypothesis in a few words, by the experiment's name; others have none.
pub(super) fn hypothesis(name: &str) -> &'static str {
    let experiment = Experiment::ALL.into_iter().find(|one| one.as_str() == name);
    match experiment {
        Some(Experiment::Control) => "weak beats random",
        Some(Experiment::Threshold) => "what is weak matters",
        Some(Experiment::Filter) => "filtering helps",
        Some(Experiment::Variations) => "more of each helps",
        Some(Experiment::Iterations) => "each round helps",
        Some(Experiment::Weighting) => "weighting helps",
        Some(Experiment::Generator) => "rewriting helps",
        None => "",
    }
}

/// A set's name without its folders.
pub(super) fn set(name: &str) -> String {
    let file = std::path::Path::new(name).file_name();
    plain_line(&file.map_or(name.into(), |file| file.to_string_lossy()))
}
