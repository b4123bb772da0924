//! The experiment log, `experiments/log.md`: an entry for every experiment, between two lines that name
//! it. Owns those entries and nothing else in the file; what a person writes outside of them stays to the
//! byte.

use super::error::{Error, Result, make_folder};
use super::escape::{is_plain_name, plain_text};
use super::figures::{change_with, duration, perplexity};
use super::learnings::{decision, learnings, next_step};
use crate::experiments::ExperimentRecord;
use crate::store::atomic;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

const HEADING: &str = "# Experiment log\n\nKaizen writes the entries between two marked lines, and writes one \
                       again when its experiment goes on. Notes outside of them stay as they are.\n";

/// Adds the entry of `record` at the end of `log` (made when missing), or puts it in the place of the one
/// that is there.
///
/// # Errors
/// The experiment's name is none, or the file cannot be read or written.
pub fn append_entry(log: &Path, record: &ExperimentRecord) -> Result<()> {
    if !is_plain_name(&record.experiment) {
        return Err(Error::BadName { name: record.experiment.clone() });
    }
    let before = match std::fs::read_to_string(log) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(folder) = log.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                make_folder(folder)?;
            }
            HEADING.to_owned()
        }
        Err(source) => return Err(Error::io("read", log, source)),
    };
    atomic::write(log, with_entry(&before, record).as_bytes())?;
    Ok(())
}

fn begin_line(experiment: &str) -> String {
    format!("<!-- begin {experiment} -->")
}

fn end_line(experiment: &str) -> String {
    format!("<!-- end {experiment} -->")
}

fn with_entry(log: &str, record: &ExperimentRecord) -> String {
    let entry = format!(
        "{}\n{}{}\n",
        begin_line(&record.experiment),
        entry(record),
        end_line(&record.experiment)
    );
    match place_of(log, &record.experiment) {
        Some(place) => format!("{}{entry}{}", &log[..place.start], &log[place.end..]),
        None => {
            let gap = match log {
                "" => "",
                text if text.ends_with("\n\n") => "",
                text if text.ends_with('\n') => "\n",
                _ => "\n\n",
            };
            format!("{log}{gap}{entry}")
        }
    }
}

/// The bytes of an entry, its two marked lines included. An entry without its end is a person's text by
/// now: none of it is taken away.
fn place_of(log: &str, experiment: &str) -> Option<Range<usize>> {
    let (begin, end) = (begin_line(experiment), end_line(experiment));
    let mut start = None;
    let mut at = 0;
    for line in log.split_inclusive('\n') {
        let words = line.trim();
        if words == begin {
            start = Some(at);
        } else if words == end {
            if let Some(start) = start {
                return Some(start..at + line.len());
            }
        } else if words.starts_with("<!-- begin experiment") {
            // Another entry begins: the one before has lost its end.
            start = None;
        }
        at += line.len();
    }
    None
}

fn entry(record: &ExperimentRecord) -> String {
    let setup = &record.setup;
    let date: String = record.started.chars().take(10).collect();
    let areas: Vec<String> = setup.targeted.iter().map(|area| plain_text(area)).collect();
    let mut text = format!(
        "## {}: {} ({})\n\n",
        plain_text(&date),
        plain_text(&record.name),
        record.experiment
    );
    text.push_str(&format!("**Hypothesis.** {}\n\n", plain_text(&record.hypothesis)));
    text.push_str(&format!(
        "**Set-up.** Set {} on {}, seeds {}; {} examples, {} epochs; weak above perplexity {}; targeted: {}; \
         {} held-out items in {} groups; {}{}.\n\n",
        plain_text(&setup.set),
        plain_text(&setup.base),
        setup.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
        setup.examples,
        setup.settings.epochs,
        perplexity(setup.threshold),
        areas.join(", "),
        setup.held_out,
        setup.groups,
        duration(setup.seconds),
        if record.ended.is_some() { "" } else { " so far, not ended" }
    ));
    text.push_str("**Results.**\n\n");
    for arm in &record.arms {
        text.push_str(&format!(
            "- {}: perplexity {} → {}, {}\n",
            plain_text(&arm.name),
            perplexity(arm.before),
            perplexity(arm.after),
            change_with(arm.change, arm.ci95)
        ));
    }
    if record.arms.is_empty() {
        text.push_str("- none yet\n");
    }
    text.push_str(&format!("\n**Decision.** {}\n\n", decision(record)));
    let learned = learnings(record);
    if !learned.is_empty() {
        text.push_str("**Learnings.**\n\n");
        for sentence in learned {
            text.push_str(&format!("- {sentence}\n"));
        }
        text.push('\n');
    }
    text.push_str(&format!("**Next step.** {}\n\n", next_step(record)));
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::report::example::record;

    fn named(name: &str, hypothesis: &str) -> ExperimentRecord {
        let mut record = record();
        record.experiment = name.into();
        record.hypothesis = hypothesis.into();
        record
    }

    #[test]
    fn an_entry_reads_like_this() {
        insta::assert_snapshot!(entry(&record()));
    }

    // If this fails, a person loses what they noted beside an experiment, or finds it twice.
    #[test]
    fn an_entry_is_replaced_in_its_place_and_foreign_text_stays() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("experiments/log.md");
        append_entry(&log, &named("experiment_1", "first")).unwrap();
        append_entry(&log, &named("experiment_2", "second")).unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.starts_with("# Experiment log\n"));
        // Notes before, between and after, without a line break at the end and with those of Windows.
        let between =
            text.replace("<!-- begin experiment_2", "My note: äöü\r\n<!-- begin experiment_2");
        let noted = format!("Above.\n{between}Below, no line break");
        std::fs::write(&log, &noted).unwrap();
        append_entry(&log, &named("experiment_1", "changed")).unwrap();
        let changed = std::fs::read_to_string(&log).unwrap();
        assert_eq!(changed, noted.replace("**Hypothesis.** first", "**Hypothesis.** changed"));
        append_entry(&log, &named("experiment_1", "first")).unwrap();
        assert_eq!(std::fs::read_to_string(&log).unwrap(), noted);
        append_entry(&log, &named("experiment_3", "third")).unwrap();
        let longer = std::fs::read_to_string(&log).unwrap();
        assert!(longer.starts_with(&format!("{noted}\n\n<!-- begin experiment_3 -->\n")));
        assert_eq!(longer.matches("<!-- begin").count(), 3);
    }

    // If this fails, someone who deleted a marked line loses all that follows it.
    #[test]
    fn an_entry_that_lost_its_end_takes_nothing_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.md");
        let damaged = "<!-- begin experiment_1 -->\nmine\n<!-- begin experiment_2 -->\nalso mine\n<!-- end experiment_1 -->\n";
        std::fs::write(&log, damaged).unwrap();
        append_entry(&log, &named("experiment_1", "x")).unwrap();
        append_entry(&log, &named("experiment_1", "y")).unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.starts_with(damaged), "{text}");
        assert_eq!(text.matches("**Hypothesis.**").count(), 1);
    }

    // If this fails, data closes an entry early, and the next run eats what follows.
    #[test]
    fn data_cannot_write_marked_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.md");
        let break_out = "x\n<!-- end experiment_1 -->\n# mine <script>";
        let mut record = named("experiment_1", break_out);
        record.arms[0].name = break_out.into();
        record.comparisons[0].words = break_out.into();
        record.started = break_out.into();
        append_entry(&log, &record).unwrap();
        append_entry(&log, &record).unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        let ends = |line: &&str| line.trim() == "<!-- end experiment_1 -->";
        assert_eq!(text.lines().filter(ends).count(), 1);
        assert!(!text.contains("<script>") && !text.contains("\n# mine"));

        let bad = append_entry(&log, &named("experiment_1 -->", "x"));
        assert!(matches!(bad, Err(Error::BadName { .. })));
    }

    // If this fails, a log that is not text is written over.
    #[test]
    fn a_log_that_cannot_be_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.md");
        std::fs::write(&log, b"\xff\xfe").unwrap();
        assert!(append_entry(&log, &record()).is_err());
        assert_eq!(std::fs::read(&log).unwrap(), b"\xff\xfe");
    }
}
