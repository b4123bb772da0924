//! Whether all this helps: for every version and week the mean rating with its interval, what held-out items
//! say of it, and what it learned. Reads only; shows nothing.

use super::{Result, Workplace};
use crate::adapters::{BASE, State};
use crate::eval::statistics::StarCounts;
use crate::store::{Filter, plain_line};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// One version's way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionProgress {
    /// `base` or an adapter.
    pub name: String,
    /// None for base.
    pub state: Option<State>,
    /// RFC 3339; empty for base, or where it is not known, which JSON has as null.
    #[serde(serialize_with = "known")]
    pub created: String,
    /// Weeks with ratings, oldest first.
    pub weeks: Vec<WeekStars>,
    /// Change of held-out perplexity against base; none while not compared.
    pub held_out: Option<f64>,
    pub held_out_ci95: Option<[f64; 2]>,
    pub held_out_verdict: Option<String>,
    /// The same over the person's own corrections that were held back.
    pub own_work: Option<f64>,
    pub own_work_verdict: Option<String>,
    /// What it was trained on, in words.
    pub learned: String,
}

/// The ratings of one version in one week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekStars {
    /// ISO 8601, as in 2026-W48.
    pub week: String,
    pub rated: usize,
    pub mean: f64,
    /// Credible interval of the mean.
    pub ci95: Option<[f64; 2]>,
}

/// Base, then every adapter, oldest first; base only when it was rated.
///
/// # Errors
/// An index or adapters that cannot be read.
pub fn progress(workplace: &Workplace) -> Result<Vec<VersionProgress>> {
    let rated = Filter { rated: Some(true), imported: Some(false), ..Filter::default() };
    let mut stars = BTreeMap::<String, BTreeMap<String, Vec<u8>>>::new();
    for session in workplace.index()?.list(&rated)? {
        let (Some(arm), Some(given)) = (session.arm, session.stars) else { continue };
        let week = week(&session.started).unwrap_or_else(|| "?".into());
        stars.entry(arm).or_default().entry(week).or_default().push(given.get());
    }
    let mut weeks = |name: &str| -> Vec<WeekStars> {
        stars.remove(name).unwrap_or_default().into_iter().map(of_week).collect()
    };
    let mut versions = Vec::new();
    let base = weeks(BASE);
    if !base.is_empty() {
        versions.push(VersionProgress {
            name: BASE.into(),
            state: None,
            created: String::new(),
            weeks: base,
            held_out: None,
            held_out_ci95: None,
            held_out_verdict: None,
            own_work: None,
            own_work_verdict: None,
            learned: "the model as it came".into(),
        });
    }
    let registry = workplace.registry();
    for adapter in registry.list()? {
        let metadata = registry.folder(&adapter.name)?.metadata().ok().flatten();
        let evaluation = metadata.as_ref().and_then(|metadata| metadata.evaluation.as_ref());
        let own = metadata.as_ref().and_then(|metadata| metadata.own_work.as_ref());
        versions.push(VersionProgress {
            weeks: weeks(&adapter.name),
            name: adapter.name,
            state: Some(adapter.state),
            created: adapter.created.unwrap_or_default(),
            held_out: change(evaluation),
            held_out_ci95: interval(evaluation),
            held_out_verdict: verdict(evaluation),
            own_work: change(own),
            own_work_verdict: verdict(own),
            learned: metadata.map_or_else(
                || "it came from elsewhere".into(),
                |metadata| learned(&metadata.examples, &metadata.areas),
            ),
        });
    }
    Ok(versions)
}

fn known<S: Serializer>(text: &str, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    Some(text).filter(|text| !text.is_empty()).serialize(serializer)
}

fn of_week((week, stars): (String, Vec<u8>)) -> WeekStars {
    let counts = StarCounts::of(stars);
    WeekStars {
        week,
        rated: counts.ratings(),
        mean: counts.mean(),
        ci95: counts.credible(0).map(|interval| interval.map(|stars| stars)),
    }
}

/// The ISO week of a local time.
fn week(started: &str) -> Option<String> {
    let date = started.parse::<jiff::civil::DateTime>().ok()?.date().iso_week_date();
    Some(format!("{}-W{:02}", date.year(), date.week()))
}

fn held_out<'a>(document: Option<&'a Value>, key: &str) -> Option<&'a Value> {
    document?.get("held_out")?.get(key)
}

fn change(document: Option<&Value>) -> Option<f64> {
    held_out(document, "change")?.as_f64()
}

fn interval(document: Option<&Value>) -> Option<[f64; 2]> {
    let ends = held_out(document, "ci95")?.as_array()?;
    Some([ends.first()?.as_f64()?, ends.get(1)?.as_f64()?])
}

fn verdict(document: Option<&Value>) -> Option<String> {
    Some(plain_line(document?.get("verdict")?.as_str()?))
}

/// As in "24 corrections, 8 replayed: own-work".
fn learned(examples: &BTreeMap<String, usize>, areas: &[String]) -> String {
    let words = |source: &str, count: usize| match (source, count) {
        ("correction", 1) => "1 correction".into(),
        ("correction", count) => format!("{count} corrections"),
        ("targeted", count) => format!("{count} made for weak areas"),
        ("replay", count) => format!("{count} replayed"),
        ("file", count) => format!("{count} from a file"),
        (other, count) => format!("{count} {}", plain_line(other)),
    };
    let sources: Vec<String> =
        examples.iter().map(|(source, count)| words(source, *count)).collect();
    let areas: Vec<String> =
        areas.iter().filter(|area| *area != "replay").map(|area| plain_line(area)).collect();
    match areas.is_empty() {
        true => sources.join(", "),
        false => format!("{}: {}", sources.join(", "), areas.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::feedback::{self, Rating};
    use crate::store::{Outcome, Stars, logs};

    // If this fails, a person sees progress that is not there, or none where there is some.
    #[test]
    fn ratings_are_told_by_version_and_week() {
        let folder = tempfile::tempdir().unwrap();
        let workplace = Workplace::open(folder.path(), None, None).unwrap();
        let index = workplace.index().unwrap();
        for (at, arm, stars) in [
            ("2026-11-16T10:00:00[UTC]", "base", 2),
            ("2026-11-17T10:00:00[UTC]", "base", 3),
            ("2026-11-24T10:00:00[UTC]", "base", 4),
            ("2026-11-24T11:00:00[UTC]", "lora-v1", 5),
        ] {
            let mut session = logs::create_at(&workplace.home, "t", &at.parse().unwrap()).unwrap();
            session.record_mut().arm = Some(arm.into());
            session.record_mut().outcome = Some(Outcome::Finished);
            logs::save(&workplace.home, &session).unwrap();
            let rating = Rating::stars(Stars::try_from(stars).unwrap());
            feedback::rate(&workplace.home, &index, session.session_id.as_str(), &rating).unwrap();
        }
        std::fs::create_dir(workplace.home.adapters().join("lora-v1")).unwrap();
        let versions = progress(&workplace).unwrap();
        let told: Vec<String> = versions
            .iter()
            .flat_map(|version| version.weeks.iter().map(|week| (&version.name, week)))
            .map(|(name, w)| format!("{name} {} {} {}", w.week, w.rated, w.mean))
            .collect();
        assert_eq!(told, ["base 2026-W47 2 2.5", "base 2026-W48 1 4", "lora-v1 2026-W48 1 5"]);
        let [low, high] = versions[0].weeks[0].ci95.unwrap();
        assert!(low < 2.5 && 2.5 < high && low > 1.0 && high < 5.0);
        // What is not known is null, not an empty text that a script takes for a time.
        assert_eq!(serde_json::to_value(&versions[0]).unwrap()["created"], Value::Null);
    }

    #[test]
    fn what_was_learned_is_said_in_words() {
        let examples = [("correction".into(), 24), ("replay".into(), 8)].into();
        let areas = ["own-work".into(), "replay".into()];
        assert_eq!(learned(&examples, &areas), "24 corrections, 8 replayed: own-work");
    }
}
