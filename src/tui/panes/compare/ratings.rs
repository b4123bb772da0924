//! Mean stars per arm, side by side, and what they can and cannot say; who answers tasks, and what is known
//! of the adapter on trial.

use super::evidence::Service;
use crate::driver::ArmRating;
use crate::report::{Table, TakenOut};
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::{Fact, facts_lines};
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, elide, interval_bar, pad, wrap};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// A probability over which a difference is hard to explain by chance.
const LIKELY: f64 = 0.975;

/// Fewer stars between two means are no difference that anybody would tell.
const ALIKE: f64 = 0.05;

#[derive(Debug, Default)]
pub(super) struct Ratings {
    list: Option<Vec<ArmRating>>,
    asked: bool,
    scroll: Option<Scroll>,
}

impl Ratings {
    pub(super) fn asked(&mut self) {
        self.asked = true;
    }

    pub(super) fn were_asked(&self) -> bool {
        self.asked
    }

    pub(super) fn set(&mut self, ratings: &[ArmRating]) {
        self.list = Some(ratings.to_vec());
        self.scroll.get_or_insert_with(Scroll::at_top);
    }

    pub(super) fn act(&mut self, action: Action) {
        if let Some(scroll) = &mut self.scroll {
            scroll.act(action);
        }
    }

    fn of(&self, arm: &str) -> Option<&ArmRating> {
        self.list.iter().flatten().find(|rating| rating.arm == arm)
    }

    pub(super) fn draw(
        &self,
        frame: &mut Frame,
        area: Rect,
        shared: &Shared,
        pair: Option<&[String; 2]>,
        service: &Service,
        news: Option<&str>,
    ) {
        let theme = &shared.theme;
        let width = usize::from(area.width);
        let mut lines = Vec::new();
        match &self.list {
            None => lines.push(Line::styled("…", theme.dim)),
            Some(list) if list.is_empty() => {
                lines.push(Line::styled("No rating of your own yet", theme.accent));
                lines.push(Line::default());
                let words = "Every answer that you rate counts for the arm that gave it. \
                             <show-tasks> asks a task and rates it; <next-part> leads to Answers, where \
                             two arms answer one prompt and <rate-answers> rates both.";
                let words = wrap(&shared.keymap.tell(words), width.min(76));
                lines.extend(words.into_iter().map(|line| Line::styled(line, theme.text)));
            }
            Some(list) => {
                lines = axis(list, pair, width, theme);
                lines.push(Line::default());
                let words = shared.keymap.tell(&self.words(pair));
                lines.extend(wrap(&words, width.min(90)).into_iter().map(Line::from));
                let facts = self.facts(pair);
                if !facts.is_empty() {
                    lines.push(Line::default());
                    lines.extend(facts_lines(&facts, width.min(110), theme));
                }
            }
        }
        let candidate = pair.map(|[_, candidate]| candidate.as_str());
        let facts = service.facts(candidate, &shared.keymap);
        if !facts.is_empty() {
            lines.push(Line::default());
            lines.extend(facts_lines(&facts, width.min(110), theme));
        }
        // Whoever answers everything is neither promoted nor tried out, and base is rolled back to.
        let promotable = |arm: &&str| *arm != "base" && !service.answers_everything(arm);
        if let Some(candidate) = candidate.filter(promotable) {
            let words = format!(
                "<promote> promotes {candidate}, <canary> makes it a canary, <roll-back> rolls back; \
                 each asks first."
            );
            lines.push(Line::styled(shared.keymap.tell(&words), theme.dim));
        }
        if let Some(news) = news {
            lines.push(Line::default());
            lines.extend(
                wrap(news, width.min(110)).into_iter().map(|l| Line::styled(l, theme.warning)),
            );
        }
        let [area, more] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        let visible = usize::from(area.height);
        let first = self.scroll.as_ref().map_or(0, |scroll| scroll.first(lines.len(), visible));
        let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
        frame.render_widget(Paragraph::new(shown), area);
        if let Some(below) = self.scroll.as_ref().map(Scroll::below).filter(|below| *below > 0) {
            frame.render_widget(Line::styled(format!("↓ {below} below"), theme.dim), more);
        }
    }

    /// What the two arms' ratings say about each other.
    fn words(&self, pair: Option<&[String; 2]>) -> String {
        let caveat = "Stars given to different tasks also tell how hard the tasks were: Replay (<next-part>) puts both \
                      arms before the same task.";
        let Some([a, b]) = pair else {
            return "A second arm comes of training (<show-training>); its ratings will stand beside these."
                .into();
        };
        let (rated_a, rated_b) = match (self.of(a), self.of(b)) {
            (Some(rated_a), Some(rated_b)) => (rated_a, rated_b),
            (have_a, _) => {
                let arm = if have_a.is_none() { a } else { b };
                return format!(
                    "{arm} has no rating yet, so nothing can be said about {a} against {b}. <next-part> \
                     leads to Answers, where both answer and <rate-answers> rates them."
                );
            }
        };
        let by = rated_b.mean - rated_a.mean;
        if by.abs() < ALIKE {
            return format!(
                "{b} lies about as high as {a}: these ratings do not tell the arms apart. {caveat}"
            );
        }
        let direction = if by >= 0.0 { "above" } else { "below" };
        let verdict = match rated_b.better_than.get(a) {
            None => "but too few ratings say so to tell anything".to_owned(),
            Some(p) if *p >= LIKELY || *p <= 1.0 - LIKELY => {
                "which is hard to explain by chance".into()
            }
            Some(_) => {
                "but that may be chance: these ratings do not tell the arms apart yet".into()
            }
        };
        format!("{b} lies {:.2} stars {direction} {a}, {verdict}. {caveat}", by.abs())
    }

    /// What the two arms' ratings give in figures.
    fn facts(&self, pair: Option<&[String; 2]>) -> Vec<Fact> {
        let Some([a, b]) = pair else { return Vec::new() };
        let (Some(rated_a), Some(rated_b)) = (self.of(a), self.of(b)) else { return Vec::new() };
        let mut facts = Vec::new();
        if let Some(p) = rated_b.better_than.get(a) {
            facts.push(("better", format!("P({b} better than {a}) {}", percent(*p))));
        }
        match rated_b.still_needed.get(a) {
            Some(0) => {
                facts.push(("needed", "a difference of 0.2 stars would be seen by now".into()));
            }
            Some(more) => facts.push((
                "needed",
                format!("about {more} more ratings an arm to see a difference of 0.2 stars"),
            )),
            None => {}
        }
        let share = |rating: &ArmRating| {
            let all = rating.rated + rating.unrated;
            let share = 100.0 * rating.unrated as f64 / all.max(1) as f64;
            format!("{} {share:.0} % of {all}", plain_line(&rating.arm))
        };
        facts.push(("unrated", format!("{}, {}", share(rated_a), share(rated_b))));
        facts
    }

    /// The ratings as a table.
    pub(super) fn taken(&self) -> Option<TakenOut> {
        let list = self.list.as_ref().filter(|list| !list.is_empty())?;
        let mut table = Table::new(&["arm", "rated", "mean", "low", "high", "unrated"]);
        let end = |ci95: Option<[f64; 2]>, place: usize| {
            ci95.map(|ends| ends[place].to_string()).unwrap_or_default()
        };
        for rating in list {
            table.push([
                plain_line(&rating.arm),
                rating.rated.to_string(),
                rating.mean.to_string(),
                end(rating.ci95, 0),
                end(rating.ci95, 1),
                rating.unrated.to_string(),
            ]);
        }
        Some(TakenOut::of_table("ratings", table))
    }

    /// The ratings as text.
    pub(super) fn text(&self) -> Option<String> {
        let list = self.list.as_ref().filter(|list| !list.is_empty())?;
        let rows: Vec<String> = list
            .iter()
            .map(|rating| format!("{}\t{}\n", plain_line(&rating.arm), figures(rating)))
            .collect();
        Some(rows.concat())
    }
}

/// A probability in words that never say more than is known.
fn percent(p: f64) -> String {
    match 100.0 * p {
        p if p > 99.5 => "over 99 %".into(),
        p if p < 0.5 => "under 1 %".into(),
        p => format!("{p:.0} %"),
    }
}

fn figures(rating: &ArmRating) -> String {
    let interval =
        rating.ci95.map(|[low, high]| format!("  95 % {low:.2} to {high:.2}")).unwrap_or_default();
    format!("{:.2}{interval}  n = {}", rating.mean, rating.rated)
}

/// Columns between two stars, beside `label` columns and with room for the figures.
pub(super) fn star_step(width: usize, label: usize) -> usize {
    width.saturating_sub(label + 36).clamp(8, 96) / 4
}

/// The stars over an axis.
pub(super) fn scale(label: usize, step: usize, theme: &Theme) -> Line<'static> {
    let scale: String = (1..=5).map(|star| pad(&star.to_string(), step)).collect();
    Line::styled(format!("{}{}", " ".repeat(label), scale.trim_end()), theme.dim)
}

/// A row an arm on the axis of 1 to 5 stars, then its figures; the compared arms stand out.
fn axis(
    list: &[ArmRating],
    pair: Option<&[String; 2]>,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let names: Vec<String> = list.iter().map(|rating| plain_line(&rating.arm)).collect();
    let label = names.iter().map(|name| name.width()).max().unwrap_or_default().min(16) + 4;
    let step = star_step(width, label);
    let mut lines = vec![scale(label, step, theme)];
    for (rating, name) in list.iter().zip(&names) {
        let compared = pair.is_some_and(|pair| pair.contains(&rating.arm));
        let mark = if compared { "▸ " } else { "  " };
        let name = pad(&elide(name, label.saturating_sub(4)), label - 2);
        let bar = interval_bar([1.0, 5.0], rating.mean, rating.ci95, None, 4 * step + 1);
        let style = if compared { theme.text } else { theme.dim };
        lines.push(Line::from(vec![
            Span::styled(mark, theme.accent),
            Span::styled(name, style),
            Span::styled(bar, if compared { theme.stars } else { theme.dim }),
            Span::styled(format!("   {}", figures(rating)), style),
        ]));
    }
    lines
}
