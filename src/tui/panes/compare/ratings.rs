//! Mean stars per arm, side by side, and what they can and cannot say.

use crate::driver::ArmRating;
use crate::store::plain_line;
use crate::tui::action::Action;
use crate::tui::pane::Shared;
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, elide, interval_bar, pad, wrap};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

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
    ) {
        let theme = &shared.theme;
        let width = usize::from(area.width);
        let mut lines = Vec::new();
        match &self.list {
            None => lines.push(Line::styled("…", theme.dim)),
            Some(list) if list.is_empty() => {
                lines.push(Line::styled("No rating of your own yet", theme.accent));
                lines.push(Line::default());
                let words = "Every answer that you rate counts for the arm that gave it. 1 asks a task \
                             and rates it; Tab leads to Answers, where two arms answer one prompt \
                             and r rates both.";
                let words = wrap(words, width.min(76));
                lines.extend(words.into_iter().map(|line| Line::styled(line, theme.text)));
            }
            Some(list) => {
                lines = axis(list, pair, width, theme);
                lines.push(Line::default());
                let words = self.words(pair);
                lines.extend(wrap(&words, width.min(90)).into_iter().map(Line::from));
            }
        }
        let visible = usize::from(area.height);
        let first = self.scroll.as_ref().map_or(0, |scroll| scroll.first(lines.len(), visible));
        let shown: Vec<Line> = lines.into_iter().skip(first).take(visible).collect();
        frame.render_widget(Paragraph::new(shown), area);
    }

    /// What the two arms' ratings say about each other.
    fn words(&self, pair: Option<&[String; 2]>) -> String {
        let caveat = "Stars given to different tasks also tell how hard the tasks were: blind pairs (v, in \
                      Answers) put both arms before the same task.";
        let Some([a, b]) = pair else {
            return "A second arm comes of training (4); its ratings will stand beside these."
                .into();
        };
        let (rated_a, rated_b) = match (self.of(a), self.of(b)) {
            (Some(rated_a), Some(rated_b)) => (rated_a, rated_b),
            (have_a, _) => {
                let arm = if have_a.is_none() { a } else { b };
                return format!(
                    "{arm} has no rating yet, so nothing can be said about {a} against {b}. Tab leads \
                     to Answers, where both answer and r rates them."
                );
            }
        };
        let by = rated_b.mean - rated_a.mean;
        let direction = if by >= 0.0 { "above" } else { "below" };
        let difference = format!("{b} lies {:.1} stars {direction} {a}", by.abs());
        let (Some(ci_a), Some(ci_b)) = (rated_a.ci95, rated_b.ci95) else {
            return format!(
                "{difference}, but an arm with a single rating has no interval: nothing can be said yet. \
                 {caveat}"
            );
        };
        let shared = ci_a[1].min(ci_b[1]) - ci_a[0].max(ci_b[0]);
        let narrower = (ci_a[1] - ci_a[0]).min(ci_b[1] - ci_b[0]);
        let alike = [ci_a, ci_b].iter().any(|[low, high]| high <= low);
        let verdict = if alike {
            "but an arm whose ratings are all the same has no width to judge by: rate more before \
             believing it"
                .to_owned()
        } else if shared < 0.0 {
            format!(
                "and the intervals lie {:.1} stars apart: a difference that is hard to explain by chance",
                -shared
            )
        } else if shared >= narrower {
            "but one interval lies within the other: these ratings do not tell the arms apart"
                .to_owned()
        } else {
            format!(
                "but the intervals share {shared:.1} stars, {:.0} % of the narrower one: not enough to \
                 tell the arms apart",
                100.0 * shared / narrower
            )
        };
        format!("{difference}, {verdict}. {caveat}")
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

fn figures(rating: &ArmRating) -> String {
    let interval =
        rating.ci95.map(|[low, high]| format!("  95 % {low:.2} to {high:.2}")).unwrap_or_default();
    format!("{:.2}{interval}  n = {}", rating.mean, rating.rated)
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
    // Four equal steps between the stars.
    let step = width.saturating_sub(label + 36).clamp(8, 64) / 4;
    let scale: String = (1..=5).map(|star| pad(&star.to_string(), step)).collect();
    let stars = format!("{}{}", " ".repeat(label), scale.trim_end());
    let mut lines = vec![Line::styled(stars, theme.dim)];
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
