//! `report.md`: all that a home has found in one document, with the charts of its experiments beside it.
//! Takes what it is handed; opens no split and reads no home.

use super::charts::write_charts;
use super::error::{Error, Result, make_folder};
use super::escape::{is_plain_name, plain_text};
use super::figures::{MISSING, change_with, perplexity};
use super::markdown::experiment_section;
use crate::experiments::{ArmArea, ExperimentRecord};
use crate::store::atomic;
use std::path::{Path, PathBuf};

/// What goes into a report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReportParts {
    /// Key facts of the home: what, and how much.
    pub figures: Vec<(String, String)>,
    pub experiments: Vec<ExperimentRecord>,
    pub rounds: Vec<RoundLine>,
    pub closing: Option<Closing>,
}

/// One round of improvement.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundLine {
    pub name: String,
    pub started: String,
    /// None where it ended before there was one.
    pub adapter: Option<String>,
    /// Of held-out perplexity.
    pub change: Option<f64>,
    pub ci95: Option<[f64; 2]>,
    pub verdict: String,
    pub reason: String,
    /// How many decisions the held-out items had made before.
    pub used: u32,
}

/// The figure of the final split, which nothing was decided with.
#[derive(Debug, Clone, PartialEq)]
pub struct Closing {
    pub adapter: String,
    pub base: String,
    pub areas: Vec<ArmArea>,
    pub words: String,
}

/// Writes `report.md` into `folder` (made when missing), and the charts of each experiment into a folder of
/// its name beside it.
///
/// # Errors
/// An experiment's name is none, or a file cannot be written.
pub fn write_report(folder: &Path, parts: &ReportParts) -> Result<Vec<PathBuf>> {
    let named = parts.experiments.iter().find(|record| !is_plain_name(&record.experiment));
    if let Some(record) = named {
        return Err(Error::BadName { name: record.experiment.clone() });
    }
    make_folder(folder)?;
    let mut written = Vec::new();
    for record in parts.experiments.iter().filter(|record| !record.arms.is_empty()) {
        written.extend(write_charts(record, &folder.join(&record.experiment))?);
    }
    // Last, so that a report on disk links only to charts that are there.
    let report = folder.join("report.md");
    atomic::write(&report, document(parts).as_bytes())?;
    written.insert(0, report);
    Ok(written)
}

fn document(parts: &ReportParts) -> String {
    let mut text = String::from("# Kaizen report\n");
    if !parts.figures.is_empty() {
        text.push_str("\n| what | figure |\n| --- | ---: |\n");
        for (what, figure) in &parts.figures {
            text.push_str(&format!("| {} | {} |\n", plain_text(what), plain_text(figure)));
        }
    }
    if let Some(closing) = &parts.closing {
        text.push('\n');
        text.push_str(&closing_section(closing));
    }
    if !parts.rounds.is_empty() {
        text.push('\n');
        text.push_str(&rounds_section(&parts.rounds));
    }
    for record in &parts.experiments {
        text.push('\n');
        text.push_str(&experiment_section(record, true));
    }
    if parts.rounds.is_empty() && parts.experiments.is_empty() {
        text.push_str("\nThere are no rounds and no experiments yet.\n");
    }
    text
}

fn closing_section(closing: &Closing) -> String {
    let (adapter, base) = (plain_text(&closing.adapter), plain_text(&closing.base));
    let mut text = format!(
        "## The final split\n\nThe figures below are from the *final* split: items that were in no training, \
         chose no example, and decided no round and no experiment. They were opened for this report and for \
         nothing else. They describe {adapter} against {base}; whoever chooses between adapters by them has \
         used them up.\n\n"
    );
    text.push_str(
        "| area | items | perplexity | change (95 % interval) |\n| --- | ---: | ---: | ---: |\n",
    );
    for area in &closing.areas {
        text.push_str(&format!(
            "| {} | {} | {} → {} | {} |\n",
            plain_text(&area.area),
            area.n,
            perplexity(area.before),
            perplexity(area.after),
            change_with(area.change, area.ci95)
        ));
    }
    text.push_str(&format!("\n{}\n", plain_text(&closing.words)));
    text
}

fn rounds_section(rounds: &[RoundLine]) -> String {
    let mut text = String::from(
        "## Rounds\n\n\"Used\" is how many decisions the held-out items had made before: the more, the \
         stronger must be what is shown.\n\n\
         | round | begun | adapter | change (95 % interval) | verdict | used | reason |\n\
         | --- | --- | --- | ---: | --- | ---: | --- |\n",
    );
    for round in rounds {
        let change = round.change.map_or(MISSING.into(), |change| change_with(change, round.ci95));
        text.push_str(&format!(
            "| {} | {} | {} | {change} | {} | {} | {} |\n",
            plain_text(&round.name),
            plain_text(&round.started),
            round.adapter.as_deref().map_or(MISSING.into(), plain_text),
            plain_text(&round.verdict),
            round.used,
            plain_text(&round.reason)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::report::example::record;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    fn parts() -> ReportParts {
        let mut unfinished = record();
        unfinished.experiment = "experiment_20260103_030405".into();
        unfinished.arms.clear();
        ReportParts {
            figures: vec![("rated | answers".into(), "<b>120</b>".into())],
            experiments: vec![record(), unfinished],
            rounds: vec![RoundLine {
                name: "round_20260101_000000".into(),
                started: "2026-01-01".into(),
                adapter: None,
                change: Some(-0.05),
                ci95: Some([-0.09, -0.01]),
                verdict: "rejected".into(),
                reason: "area | maths\nfell".into(),
                used: 2,
            }],
            closing: Some(Closing {
                adapter: "lora-v3".into(),
                base: "base".into(),
                areas: record().arms[0].areas.clone(),
                words: "lora-v3 is better on two areas of four".into(),
            }),
        }
    }

    // If this fails, a person opens a report whose charts are missing.
    #[test]
    fn every_chart_that_is_linked_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("report");
        let written = write_report(&to, &parts()).unwrap();
        assert!(written.iter().all(|path| path.exists()));
        let text = std::fs::read_to_string(&written[0]).unwrap();
        let mut linked = 0;
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Image { dest_url, .. } | Tag::Link { dest_url, .. }) => {
                    assert!(to.join(&*dest_url).exists(), "{dest_url}");
                    linked += 1;
                }
                Event::Html(html) | Event::InlineHtml(html) => panic!("{html}"),
                _ => {}
            }
        }
        assert_eq!(linked, written.len() - 1);
    }

    // If this fails, nobody is told that a figure may be looked at only once.
    #[test]
    fn the_closing_figure_says_what_it_is() {
        let text = document(&parts());
        for part in [
            "*final* split",
            "opened for this report",
            "lora-v3 is better on two areas",
            "| 2 | area \\| maths fell |",
            "−5.0 % (−9.0 to −1.0)",
            "| rated \\| answers | \\<b\\>120\\</b\\> |",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
        assert!(document(&ReportParts::default()).contains("no rounds and no experiments yet"));
    }

    // If this fails, a record from elsewhere writes outside of the report's folder.
    #[test]
    fn an_experiment_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut parts = parts();
        parts.experiments[0].experiment = "../elsewhere".into();
        assert!(matches!(write_report(folder.path(), &parts), Err(Error::BadName { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
