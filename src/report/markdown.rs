//! An experiment as a section of Markdown: what was asked, how, what came out, and what that means.

use super::charts::chart_names;
use super::escape::{is_plain_name, plain_text};
use super::figures::{
    MISSING, change, change_with, duration, number, p_value, perplexity, points, share, signed,
    spread,
};
use crate::experiments::{ArmResult, Contrast, ExperimentRecord, Parts, Setup};

/// The section; with `chart_links` it shows the charts that are in the folder `<experiment>/` beside the
/// document.
pub fn experiment_section(record: &ExperimentRecord, chart_links: bool) -> String {
    let mut text = format!("## Experiment: {}\n\n", plain_text(&record.name));
    text.push_str(&format!("**Hypothesis.** {}\n\n", plain_text(&record.hypothesis)));
    text.push_str(&format!("**Verdict: {}.** {}\n\n", verdict(record), verdict_words(record)));
    text.push_str("### Set-up\n\n");
    text.push_str(&setup(record));
    text.push_str("\n### Results\n\n");
    if record.arms.is_empty() {
        text.push_str("No arm has results yet.\n");
        return text;
    }
    text.push_str(
        "Over the held-out items of the targeted areas. Intervals are 95 % over seeds and items; the parts of \
         the score are in nats.\n\n",
    );
    text.push_str(&results(&record.arms));
    if !record.comparisons.is_empty() {
        text.push_str("\n### Comparisons\n\n");
        text.push_str(&comparisons(&record.comparisons));
    }
    if record.arms.iter().any(|arm| !arm.areas.is_empty()) {
        text.push_str("\n### Areas\n\n");
        text.push_str(&areas(record));
    }
    if chart_links && is_plain_name(&record.experiment) {
        let charts = chart_names(record);
        if !charts.is_empty() {
            text.push_str("\n### Charts\n");
        }
        for chart in charts {
            let at = format!("{}/{}", record.experiment, chart.stem);
            text.push_str(&format!("\n[![{}]({at}.png)]({at}.svg)\n", chart.shows));
        }
    }
    text
}

/// The verdict in a word or two.
pub fn verdict(record: &ExperimentRecord) -> &'static str {
    record.verdict.map_or("none yet", |claim| claim.as_str())
}

fn verdict_words(record: &ExperimentRecord) -> String {
    match record.comparisons.first() {
        Some(first) => plain_text(&first.words),
        None => "No arms have been compared.".into(),
    }
}

/// A table whose first column is text and whose others are figures, unless `left` says otherwise.
fn table(header: &[&str], left: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|", header.join(" | "));
    for column in 0..header.len() {
        text.push_str(if column == 0 || left.contains(&column) { " --- |" } else { " ---: |" });
    }
    text.push('\n');
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

fn setup(record: &ExperimentRecord) -> String {
    let Setup { settings, .. } = &record.setup;
    let setup = &record.setup;
    let targeted: Vec<String> = setup.targeted.iter().map(|area| plain_text(area)).collect();
    let seeds: Vec<String> = setup.seeds.iter().map(u64::to_string).collect();
    let hash = |hash: &str| plain_text(&hash.chars().take(12).collect::<String>());
    let lora = &settings.lora;
    let lines = [
        format!("set: {} (SHA-256 {})", plain_text(&setup.set), hash(&setup.set_sha256)),
        format!("base: {} (SHA-256 {})", plain_text(&setup.base), hash(&setup.base_sha256)),
        format!(
            "weak: perplexity above {}, {} find items; targeted: {}",
            number(setup.threshold, 2),
            setup.weak,
            if targeted.is_empty() { MISSING.into() } else { targeted.join(", ") }
        ),
        format!("held out: {} items in {} groups", setup.held_out, setup.groups),
        format!("seeds: {}", seeds.join(", ")),
        format!(
            "training: {} examples, {} epochs, learning rate {}, rank {}, alpha {}, dropout {}",
            setup.examples,
            settings.epochs,
            settings.learning_rate,
            lora.rank,
            lora.alpha,
            lora.dropout
        ),
        format!(
            "begun {}, {}; took {} of about {}",
            plain_text(&record.started),
            record
                .ended
                .as_deref()
                .map_or("not ended".into(), |ended| format!("ended {}", plain_text(ended))),
            duration(setup.seconds),
            duration(setup.estimated_seconds)
        ),
    ];
    lines.map(|line| format!("- {line}\n")).concat()
}

fn results(arms: &[ArmResult]) -> String {
    let header = [
        "arm",
        "learns from",
        "examples",
        "tokens",
        "steps",
        "perplexity",
        "change",
        "first",
        "rest",
        "end of turn",
        "right answers",
        "nats per 100 examples",
    ];
    table(&header, &[1], arms.iter().map(result_row))
}

fn result_row(arm: &ArmResult) -> Vec<String> {
    let parts = |part: fn(&Parts) -> Option<f64>| {
        let said = |parts| part(parts).map_or(MISSING.into(), |nats| number(nats, 2));
        format!("{} → {}", said(&arm.parts_before), said(&arm.parts_after))
    };
    vec![
        plain_text(&arm.name),
        plain_text(&arm.what),
        spread(arm.seeds.iter().map(|seed| seed.examples)),
        spread(arm.seeds.iter().map(|seed| seed.tokens)),
        spread(arm.seeds.iter().map(|seed| seed.steps)),
        format!("{} → {}", perplexity(arm.before), perplexity(arm.after)),
        change_with(arm.change, arm.ci95),
        parts(|parts| Some(parts.first)),
        parts(|parts| parts.rest),
        parts(|parts| Some(parts.end_of_turn)),
        right_answers(arm),
        arm.effect_per_100_examples.map_or(MISSING.into(), |nats| number(nats, 3)),
    ]
}

/// `45 % → 52 % of 40 (+3 to +21 points)`.
fn right_answers(arm: &ArmResult) -> String {
    if arm.checked == 0 {
        return MISSING.into();
    }
    let interval = points(arm.accuracy_ci95).map_or(String::new(), |points| format!(" ({points})"));
    let (before, after) = (share(arm.accuracy_before), share(arm.accuracy_after));
    format!("{before} → {after} of {}{interval}", arm.checked)
}

fn comparisons(comparisons: &[Contrast]) -> String {
    let header = [
        "claim",
        "change",
        "95 % interval",
        "p",
        "p (Holm)",
        "the figures say",
        "more items needed",
    ];
    let rows = comparisons.iter().map(|contrast| {
        let interval = super::figures::finite(contrast.ci95).map_or(MISSING.into(), |ends| {
            let [low, high] = ends.map(|end| signed(end * 100.0, 1));
            format!("{low} to {high} %")
        });
        vec![
            format!("{} better than {}", plain_text(&contrast.better), plain_text(&contrast.than)),
            change(contrast.change),
            interval,
            // A sign that begins with "<" is no HTML, but readers differ.
            plain_text(&p_value(contrast.p)),
            plain_text(&p_value(contrast.p_holm)),
            contrast.claim.as_str().into(),
            contrast.needs_more.map_or(MISSING.into(), |more| format!("about {more}")),
        ]
    });
    table(&header, &[5], rows)
}

fn areas(record: &ExperimentRecord) -> String {
    let header = ["area", "targeted", "arm", "items", "perplexity", "change (95 % interval)"];
    let mut names: Vec<&str> = Vec::new();
    for area in record.arms.iter().flat_map(|arm| &arm.areas) {
        if !names.contains(&area.area.as_str()) {
            names.push(&area.area);
        }
    }
    let rows = names.iter().flat_map(|name| {
        record.arms.iter().filter_map(|arm| {
            let area = arm.areas.iter().find(|area| area.area == *name)?;
            Some(vec![
                plain_text(&area.area),
                if record.setup.targeted.contains(&area.area) { "yes" } else { "no" }.into(),
                plain_text(&arm.name),
                area.n.to_string(),
                format!("{} → {}", perplexity(area.before), perplexity(area.after)),
                change_with(area.change, area.ci95),
            ])
        })
    });
    table(&header, &[1, 2], rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::report::example::record;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    fn events(markdown: &str) -> Vec<Event<'_>> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        Parser::new_ext(markdown, options).collect()
    }

    #[test]
    fn a_section_reads_like_this() {
        insta::assert_snapshot!(experiment_section(&record(), true));
    }

    // If this fails, a name in a set can break a report's tables or put HTML into it.
    #[test]
    fn names_break_neither_table_nor_page() {
        let mut record = record();
        let bad = "x | y\n\n# z <script>alert(1)</script> `";
        record.name = bad.into();
        record.hypothesis = bad.into();
        record.setup.set = bad.into();
        record.setup.base_sha256 = "<b>".into();
        record.setup.targeted = vec![bad.into()];
        record.arms[0].name = bad.into();
        record.arms[0].what = bad.into();
        record.arms[1].areas[0].area = bad.into();
        record.comparisons[0].better = bad.into();
        record.comparisons[0].words = bad.into();
        let text = experiment_section(&record, true);
        let mut rows = Vec::new();
        let mut headings = 0;
        for event in events(&text) {
            match event {
                Event::Html(html) | Event::InlineHtml(html) => panic!("{html}"),
                Event::Code(code) => panic!("{code}"),
                Event::Start(Tag::Heading { .. }) => headings += 1,
                Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(0),
                Event::Start(Tag::TableCell) => *rows.last_mut().unwrap() += 1,
                _ => {}
            }
        }
        assert_eq!(headings, 6, "{text}");
        let count = |cells| rows.iter().filter(|row| **row == cells).count();
        // Arms, comparisons and areas of arms, each with a header.
        assert_eq!((count(12), count(7), count(6), rows.len()), (7, 4, 25, 36), "{text}");
        assert!(!text.contains("<script>"));
    }

    // If this fails, an experiment that was stopped at its beginning cannot be looked at.
    #[test]
    fn an_experiment_without_results_says_so() {
        let mut record = record();
        record.arms.clear();
        record.comparisons.clear();
        record.verdict = None;
        record.ended = None;
        let text = experiment_section(&record, true);
        assert!(text.contains("Verdict: none yet") && text.contains("No arm has results yet"));
        assert!(!text.contains("Charts"));
    }

    // If this fails, a link of a report leads out of its folder.
    #[test]
    fn a_strange_name_gives_no_links() {
        let mut record = record();
        assert!(
            experiment_section(&record, true).contains("(experiment_20260102_030405/change.png)")
        );
        assert!(!experiment_section(&record, false).contains(".png"));
        record.experiment = "../../x".into();
        assert!(!experiment_section(&record, true).contains(".png"));
    }
}
