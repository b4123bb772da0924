//! What is selected, or the matrix of sentinels, to be taken out.

use super::sentinels::Answers;
use super::tried::What;
use super::{ExperimentsPane, Stage};
use crate::experiments::ExperimentRecord;
use crate::improve::{RoundResult, SentinelMatrix};
use crate::report::{ChangeRow, Changes, Figure, Table, TakenOut};
use crate::store::{plain, plain_line};
use crate::tui::panes::outcome::outcome_table;

impl ExperimentsPane {
    pub(super) fn taken(&self) -> Option<TakenOut> {
        match &self.stage {
            Stage::Choosing(_) => None,
            Stage::Sentinels => match &self.sentinels.opened {
                None => matrix(&self.sentinels.shown(&self.tried.stored.sentinels)),
                Some(opened) => match &opened.answers {
                    Answers::Here(pairs) => {
                        let mut table = Table::new(&[
                            "id",
                            "prompt",
                            "right",
                            "before",
                            "before is right",
                            "after",
                            "after is right",
                        ]);
                        for pair in pairs {
                            table.push([
                                plain_line(&pair.id),
                                plain(&pair.prompt),
                                plain(&pair.answer),
                                plain(&pair.before),
                                pair.before_right.to_string(),
                                plain(&pair.after),
                                pair.after_right.to_string(),
                            ]);
                        }
                        Some(TakenOut::of_table("sentinel-answers", table))
                    }
                    Answers::Coming | Answers::Failed(_) => None,
                },
            },
            Stage::List => match self.selected()?.what {
                What::Experiment(record) => Some(experiment(record)),
                What::Round(round) => round.result.as_ref().map(of_round),
                What::Starting | What::Unfinished(_) => None,
            },
        }
    }
}

fn experiment(record: &ExperimentRecord) -> TakenOut {
    let mut table = Table::new(&[
        "arm",
        "before",
        "after",
        "change",
        "change low",
        "change high",
        "right before",
        "right after",
        "seeds",
    ]);
    for arm in &record.arms {
        table.push([
            plain_line(&arm.name),
            arm.before.to_string(),
            arm.after.to_string(),
            arm.change.to_string(),
            Table::number(arm.ci95.map(|ends| ends[0])),
            Table::number(arm.ci95.map(|ends| ends[1])),
            Table::number(arm.accuracy_before),
            Table::number(arm.accuracy_after),
            arm.seeds.len().to_string(),
        ]);
    }
    let figure = (!record.arms.is_empty()).then(|| Figure::Experiment(Box::new(record.clone())));
    TakenOut::of_table(plain_line(&record.experiment), table).with(figure)
}

fn of_round(result: &RoundResult) -> TakenOut {
    let mut rows: Vec<ChangeRow> = Vec::new();
    if let Some(held_out) = &result.held_out {
        let (change, ci95) = (held_out.change, held_out.ci95);
        rows.push(ChangeRow { name: "all that decide".into(), change, ci95 });
    }
    for (before, areas) in [("", &result.areas), ("sentinel ", &result.sentinels)] {
        rows.extend(areas.iter().map(|area| ChangeRow {
            name: format!("{before}{}", plain_line(&area.area)),
            change: area.change,
            ci95: area.ci95,
        }));
    }
    let round = plain_line(&result.round);
    let figure = (!rows.is_empty()).then(|| {
        Figure::Changes(Changes {
            title: format!("{round}: {}", result.decision.as_str()),
            words: "Change of perplexity on held-out items, after the round against before. Left of zero is \
                    better. Bars: 95 % interval."
                .into(),
            rows,
        })
    });
    TakenOut::of_table(round, outcome_table(&result.areas, &result.sentinels)).with(figure)
}

fn matrix(matrix: &SentinelMatrix) -> Option<TakenOut> {
    if matrix.rows.is_empty() {
        return None;
    }
    let mut headings = vec!["adapter".to_owned(), "round".to_owned()];
    headings.extend(matrix.areas.iter().map(|area| plain_line(area)));
    let mut table = Table { headings, rows: Vec::new() };
    for row in &matrix.rows {
        let cells = row.cells.iter().map(|cell| {
            cell.as_ref().map(|cell| format!("{:.6}", cell.change)).unwrap_or_default()
        });
        table.push([plain_line(&row.adapter), plain_line(&row.round)].into_iter().chain(cells));
    }
    Some(TakenOut::of_table("sentinels", table))
}
