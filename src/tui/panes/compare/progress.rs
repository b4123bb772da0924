//! Whether all this helps: first in words, then every version with its weeks, newest first.

use super::ratings::{scale, star_step};
use crate::adapters::State;
use crate::report::{Table, TakenOut};
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::{change, coloured, interval};
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, interval_bar, pad, wrap};
use crate::workplace::progress::{VersionProgress, WeekStars};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use std::collections::BTreeMap;

/// Columns of a week's name with its indentation.
const LABEL: usize = 12;

/// Standard deviations on either side of a 95 % interval.
const SIDE: f64 = 1.96;

#[derive(Debug, Default)]
pub(super) struct Progress {
    versions: Option<Vec<VersionProgress>>,
    asked: bool,
    scroll: Option<Scroll>,
}

/// One week over all versions.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Week {
    rated: usize,
    mean: f64,
    /// Standard deviation of the mean; none where a version has no interval.
    error: Option<f64>,
    ci95: Option<[f64; 2]>,
}

impl Progress {
    pub(super) fn asked(&mut self) {
        self.asked = true;
    }

    pub(super) fn was_asked(&self) -> bool {
        self.asked
    }

    pub(super) fn set(&mut self, versions: &[VersionProgress]) {
        self.versions = Some(versions.to_vec());
        self.scroll.get_or_insert_with(Scroll::at_top);
    }

    pub(super) fn act(&mut self, action: Action) {
        if let Some(scroll) = &mut self.scroll {
            scroll.act(action);
        }
    }

    pub(super) fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let width = usize::from(area.width);
        let mut lines = Vec::new();
        match &self.versions {
            None => lines.push(Line::styled("…", theme.dim)),
            Some(versions) => {
                let style = theme.accent;
                let words = wrap(&shared.keymap.tell(&answer(versions)), width.min(110));
                lines.extend(words.into_iter().map(|line| Line::styled(line, style)));
                lines.push(Line::default());
                let step = star_step(width, LABEL);
                if versions.iter().any(|version| !version.weeks.is_empty()) {
                    lines.push(scale(LABEL, step, theme));
                }
                for version in versions.iter().rev() {
                    lines.extend(version_lines(version, width, step, theme));
                }
            }
        }
        let [text, more] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        let visible = usize::from(text.height);
        let first = self.scroll.as_ref().map_or(0, |scroll| scroll.first(lines.len(), visible));
        let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
        frame.render_widget(Paragraph::new(shown), text);
        if let Some(below) = self.scroll.as_ref().map(Scroll::below).filter(|below| *below > 0) {
            frame.render_widget(Line::styled(format!("↓ {below} below"), theme.dim), more);
        }
    }

    /// A row a version and week, as a table.
    pub(super) fn taken(&self) -> Option<TakenOut> {
        let versions = self.versions.as_ref().filter(|versions| !versions.is_empty())?;
        let mut table = Table::new(&[
            "version",
            "week",
            "rated",
            "mean",
            "low",
            "high",
            "held-out change",
            "own work change",
        ]);
        for version in versions {
            let shares = [Table::number(version.held_out), Table::number(version.own_work)];
            let name = plain_line(&version.name);
            if version.weeks.is_empty() {
                let none = std::iter::repeat_n(String::new(), 5);
                table.push([name.clone()].into_iter().chain(none).chain(shares.clone()));
            }
            for week in &version.weeks {
                let own = [
                    name.clone(),
                    plain_line(&week.week),
                    week.rated.to_string(),
                    week.mean.to_string(),
                    Table::number(week.ci95.map(|ends| ends[0])),
                    Table::number(week.ci95.map(|ends| ends[1])),
                ];
                table.push(own.into_iter().chain(shares.clone()));
            }
        }
        Some(TakenOut::of_table("progress", table))
    }

    /// The answer and a line a week, as text.
    pub(super) fn text(&self, keymap: &Keymap) -> Option<String> {
        let versions = self.versions.as_ref().filter(|versions| !versions.is_empty())?;
        let mut text = format!("{}\n", keymap.tell(&answer(versions)));
        for version in versions.iter().rev() {
            text.push_str(&format!("{}\t{}\n", plain_line(&version.name), facts(version)));
            for week in &version.weeks {
                text.push_str(&format!("\t{}\t{}\n", plain_line(&week.week), figures(week)));
            }
        }
        Some(text)
    }
}

/// Does all this help? The first week's mean against the last one's, over all versions.
fn answer(versions: &[VersionProgress]) -> String {
    let mut weeks = BTreeMap::<&str, Vec<&WeekStars>>::new();
    for week in versions.iter().flat_map(|version| &version.weeks) {
        weeks.entry(&week.week).or_default().push(week);
    }
    let (Some((first, early)), Some((last, late))) =
        (weeks.first_key_value(), weeks.last_key_value())
    else {
        return "Does it help? Nothing is rated yet: rate answers (<show-tasks>), week by week, and it shows here."
            .into();
    };
    let (early, late) = (pooled(early), pooled(late));
    let told = |name: &str, week: &Week| {
        let interval = week
            .ci95
            .map(|[low, high]| format!("95 % {low:.1} to {high:.1}, "))
            .unwrap_or_default();
        format!("{:.1} stars in {} ({interval}{} rated)", week.mean, plain_line(name), week.rated)
    };
    if first == last {
        return format!(
            "Does it help? It cannot be told yet: all ratings are of one week, {}.",
            told(first, &early)
        );
    }
    let by = late.mean - early.mean;
    let words = format!("{}, then {}", told(first, &early), told(last, &late));
    let error = early.error.zip(late.error).map(|(a, b)| a.hypot(b));
    match error.map(|error| (by - SIDE * error, by + SIDE * error)) {
        Some((low, high)) if low > 0.0 => format!(
            "Does it help? Yes: {words}. Up by {by:.1} (95 % {low:+.1} to {high:+.1}), if the tasks were as \
             hard."
        ),
        Some((low, high)) if high < 0.0 => format!(
            "Does it help? No: {words}. Down by {:.1} (95 % {low:+.1} to {high:+.1}), if the tasks were as \
             hard.",
            -by
        ),
        Some((low, high)) => format!(
            "Does it help? It cannot be told: {words}. The difference is {by:+.1}, 95 % {low:+.1} to \
             {high:+.1}."
        ),
        None => format!("Does it help? It cannot be told: {words}; these are too few ratings."),
    }
}

/// The mean over the versions of one week, each as heavy as its ratings. The interval of several is put
/// together from theirs as if they were normal.
fn pooled(weeks: &[&WeekStars]) -> Week {
    let rated: usize = weeks.iter().map(|week| week.rated).sum();
    let share = |week: &WeekStars| week.rated as f64 / rated.max(1) as f64;
    let errors: Option<Vec<f64>> = weeks
        .iter()
        .map(|week| {
            let [low, high] = week.ci95?;
            Some(share(week) * (high - low) / (2.0 * SIDE))
        })
        .collect();
    let mean = weeks.iter().map(|week| share(week) * week.mean).sum::<f64>();
    let error = errors.map(|errors| errors.iter().map(|error| error * error).sum::<f64>().sqrt());
    let normal = |error: f64| [(mean - SIDE * error).max(1.0), (mean + SIDE * error).min(5.0)];
    let ci95 = match weeks {
        [only] => only.ci95,
        _ => error.map(normal),
    };
    Week { rated, mean, error, ci95 }
}

fn version_lines(
    version: &VersionProgress,
    width: usize,
    step: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mark = match version.state {
        Some(State::Active) => "▸ ",
        _ => "  ",
    };
    let mut first = vec![
        Span::styled(mark, theme.accent),
        Span::styled(plain_line(&version.name), theme.accent),
    ];
    if let Some(state) = version.state {
        first.push(Span::styled(format!("  {}", state.as_str()), theme.warning));
    }
    if let Some(day) = version.created.get(..10) {
        first.push(Span::styled(format!("  {}", plain_line(day)), theme.dim));
    }
    let mut lines = vec![Line::from(first)];
    let plain = |text: &str, style| {
        wrap(text, width.saturating_sub(4))
            .into_iter()
            .map(move |line| Line::styled(format!("    {line}"), style))
    };
    lines.extend(plain(&version.learned, theme.dim));
    for (what, share, ci95, verdict) in [
        ("held-out", version.held_out, version.held_out_ci95, &version.held_out_verdict),
        ("own work", version.own_work, None, &version.own_work_verdict),
    ] {
        if let Some(share) = share {
            let mark = if share < 0.0 { "▼" } else { "▲" };
            lines.push(Line::from(vec![
                Span::styled(format!("    {what}  "), theme.dim),
                Span::styled(format!("{mark} {}", change(share)), coloured(share, theme)),
                Span::styled(interval(ci95), theme.dim),
                Span::raw(verdict.as_ref().map_or(String::new(), |verdict| format!("  {verdict}"))),
            ]));
        }
    }
    for week in &version.weeks {
        let bar = interval_bar([1.0, 5.0], week.mean, week.ci95, None, 4 * step + 1);
        lines.push(Line::from(vec![
            Span::styled(pad(&format!("  {}", plain_line(&week.week)), LABEL), theme.dim),
            Span::styled(bar, theme.stars),
            Span::styled(format!("   {}", figures(week)), theme.text),
        ]));
    }
    if version.weeks.is_empty() {
        lines.push(Line::styled("    no ratings of its own", theme.dim));
    }
    lines.push(Line::default());
    lines
}

fn figures(week: &WeekStars) -> String {
    let interval =
        week.ci95.map(|[low, high]| format!("  95 % {low:.2} to {high:.2}")).unwrap_or_default();
    format!("{:.2}{interval}  n = {}", week.mean, week.rated)
}

fn facts(version: &VersionProgress) -> String {
    let share = |what: &str, share: Option<f64>| {
        share.map(|share| format!("{what} {}", change(share))).unwrap_or_default()
    };
    let facts = [
        version.learned.clone(),
        share("held-out", version.held_out),
        share("own work", version.own_work),
    ];
    let facts: Vec<String> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    facts.join(", ")
}
