//! What each part shows, to be taken out. While sides are hidden nothing of it names an arm.

use super::arms::Side;
use super::gate::Judge;
use super::{ComparePane, Part};
use crate::report::{ChangeRow, Changes, Figure, Table, TakenOut};
use crate::store::plain_line;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::outcome_table;

impl ComparePane {
    pub(super) fn taken(&self, shared: &Shared) -> Option<TakenOut> {
        if self.is_half_rated() && matches!(self.part, Part::Ratings | Part::Progress) {
            return None;
        }
        match self.part {
            Part::Answers => self.taken_answers(),
            Part::Replay if self.is_blind(shared) => self.taken_pair(),
            Part::Replay => None,
            Part::Gate => self.taken_gate(),
            Part::Failed => self.failed.taken(),
            Part::Ratings => self.ratings.taken(),
            Part::Progress => self.progress.taken(),
        }
    }

    fn taken_answers(&self) -> Option<TakenOut> {
        let asked = self.answers.asked.as_ref()?;
        let columns = self.answers.columns()?;
        let mut table = Table::new(&["prompt", "who", "answer", "stars"]);
        for side in Side::BOTH {
            let stars = columns[side as usize].stars.map(|stars| stars.to_string());
            table.push([
                asked.prompt.clone(),
                self.answers.title(side).to_owned(),
                self.answers.shown(side).to_owned(),
                stars.unwrap_or_default(),
            ]);
        }
        Some(TakenOut::of_table("answers", table))
    }

    fn taken_pair(&self) -> Option<TakenOut> {
        let pair = self.replay.pair()?;
        let mut table = Table::new(&["task", "side", "answer"]);
        for (side, answer) in [("left", &pair.left), ("right", &pair.right)] {
            table.push([pair.task.clone(), side.to_owned(), answer.clone()]);
        }
        Some(TakenOut::of_table(format!("pair-{}", pair.number), table))
    }

    fn taken_gate(&self) -> Option<TakenOut> {
        let judge = self.gate.judge_by(&self.service);
        let result = self.gate.of(judge).result.as_ref()?;
        let (a, b) = (plain_line(&result.a), plain_line(&result.b));
        let decision = &result.decision;
        let mut rows = vec![ChangeRow {
            name: "all that decide".into(),
            change: decision.change,
            ci95: decision.ci95,
        }];
        let named = |name: String, area: &crate::eval::AreaOutcome| ChangeRow {
            name,
            change: area.change,
            ci95: area.ci95,
        };
        rows.extend(decision.areas.iter().map(|area| named(plain_line(&area.area), area)));
        rows.extend(
            decision
                .sentinels
                .iter()
                .map(|area| named(format!("sentinel {}", plain_line(&area.area)), area)),
        );
        let by = match judge {
            Judge::OwnWork => "your own work",
            Judge::Set => "the evaluation set",
        };
        let figure = Changes {
            title: format!("Is {b} better than {a}? {}", decision.verdict.as_str()),
            words: format!(
                "Change of perplexity on held-out items, judged by {by}. Left of zero is better. Bars: \
                 95 % interval."
            ),
            rows,
        };
        let table = outcome_table(&decision.areas, &decision.sentinels);
        let stem = format!("gate-{a}-{b}");
        Some(TakenOut::of_table(stem, table).with(Some(Figure::Changes(figure))))
    }
}
