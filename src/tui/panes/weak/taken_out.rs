//! What was measured, to be taken out: areas as a chart, examples as a table, an opened example token by token.

use super::found::{Found, Item};
use super::{WeakPane, figures};
use crate::report::{AreaBars, Figure, Table, TakenOut};
use crate::store::plain_line;
use crate::tui::pane::set_name;

impl WeakPane {
    pub(super) fn taken(&self) -> Option<TakenOut> {
        let found = self.found.as_ref().filter(|found| !found.items.is_empty())?;
        if self.large
            && let Some(item) = self.selected_item()
        {
            let id = plain_line(&item.measured.example.id);
            return Some(TakenOut::of_table(format!("tokens-{id}"), self.tokens(item)));
        }
        let arm = plain_line(&found.arm);
        let rows =
            found.areas.iter().map(|area| (plain_line(&area.score.area), area.score.perplexity));
        let figure = AreaBars {
            title: format!("Where is {arm} weak?"),
            words: format!("the find part of {}; {} examples", set_name(&found.set), found.count()),
            rows: rows.collect(),
            threshold: found.threshold,
        };
        let mut what = TakenOut::of_table(format!("weak-areas-{arm}"), examples(found))
            .with(Some(Figure::Areas(figure)));
        what.others.push(("areas.csv", areas(found)));
        Some(what)
    }

    /// The heat map as a table; with what was expected, where that is known.
    fn tokens(&self, item: &Item) -> Table {
        let known = self.alternatives.of(&item.measured.example.id);
        let known = known.and_then(|known| known.as_ref().ok());
        let mut table =
            Table::new(&["place", "token", "nats", "probability", "rank", "expected instead"]);
        for (place, (text, nats)) in item.measured.tokens.iter().enumerate() {
            let here = known.and_then(|known| known.get(place));
            let likeliest = here.map(|here| {
                let each = here.likeliest.iter().map(|(text, probability)| {
                    format!("{text:?} {}", figures::percent(f64::from(*probability)))
                });
                each.collect::<Vec<_>>().join(", ")
            });
            table.push([
                (place + 1).to_string(),
                format!("{text:?}"),
                nats.to_string(),
                (-nats).exp().to_string(),
                here.map(|here| here.rank.to_string()).unwrap_or_default(),
                likeliest.unwrap_or_default(),
            ]);
        }
        table
    }
}

fn areas(found: &Found) -> Table {
    let mut table =
        Table::new(&["area", "examples", "weak", "perplexity", "first", "rest", "end of turn"]);
    for area in &found.areas {
        let score = &area.score;
        table.push([
            plain_line(&score.area),
            score.n.to_string(),
            area.weak.to_string(),
            score.perplexity.to_string(),
            score.first.to_string(),
            score.rest.map(|rest| rest.to_string()).unwrap_or_default(),
            score.end_of_turn.to_string(),
        ]);
    }
    table
}

/// All examples with their figures, the worst area first.
pub(super) fn examples(found: &Found) -> Table {
    let mut table = Table::new(&["area", "id", "perplexity", "tokens", "weak"]);
    for area in &found.areas {
        for item in area.items.iter().filter_map(|&at| found.items.get(at)) {
            let score = &item.measured.score;
            table.push([
                plain_line(&score.area),
                plain_line(&score.id),
                format!("{:.3}", item.perplexity),
                score.tokens.to_string(),
                if found.is_weak(item) { "yes" } else { "no" }.to_owned(),
            ]);
        }
    }
    table
}
