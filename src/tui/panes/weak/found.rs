//! A measured *find* part, arranged for the screen: areas by perplexity, examples by perplexity within
//! them, and which of them are weak. What counts as weak is `eval`'s to say.

use crate::config::PerplexityThreshold;
use crate::driver::{MeasuredItem, WeakFound};
use crate::eval::{AreaScore, ItemScore, LeftOut, summarise, weakness};
use crate::store::plain_line;
use crate::tui::widgets::{common_beginning, has_words, without_beginning};
use crate::workplace::SetChoice;
use std::collections::{BTreeSet, HashSet};

/// What one measurement found.
#[derive(Debug)]
pub struct Found {
    pub arm: String,
    pub set: SetChoice,
    pub items: Vec<Item>,
    /// The worst first.
    pub areas: Vec<Area>,
    /// Those that are shown.
    pub rows: Vec<Row>,
    /// All, whatever is searched for.
    pub all: Vec<Row>,
    pub left_out: Vec<LeftOut>,
    /// Where the threshold lies when it finds its own place.
    pub auto_threshold: f64,
    /// Over all areas, each counting alike; none where nothing was measured.
    pub perplexity: Option<f64>,
    /// Where it lies now.
    pub threshold: f64,
    /// It is where `auto` puts it.
    pub automatic: bool,
    /// Ids.
    pub weak: HashSet<String>,
    scores: Vec<ItemScore>,
}

/// One example.
#[derive(Debug)]
pub struct Item {
    pub measured: MeasuredItem,
    pub perplexity: f64,
    /// What tells its prompt from the others of its area, in one line.
    pub title: String,
}

/// One area.
#[derive(Debug)]
pub struct Area {
    pub score: AreaScore,
    /// Places in [`Found::items`], the worst first.
    pub items: Vec<usize>,
    /// How many of them are weak.
    pub weak: usize,
}

/// A line of the list, as a place in `areas` or `items`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    Area(usize),
    Item(usize),
}

impl Found {
    pub fn new(found: &WeakFound, set: SetChoice, threshold: PerplexityThreshold) -> Self {
        let scores: Vec<ItemScore> = found.items.iter().map(|item| item.score.clone()).collect();
        let summary = summarise(&scores);
        let perplexity = summary.as_ref().map(|summary| summary.perplexity);
        let mut areas: Vec<Area> = summary
            .map(|summary| summary.areas)
            .unwrap_or_default()
            .into_iter()
            .map(|score| {
                let mut items: Vec<usize> =
                    (0..scores.len()).filter(|&at| scores[at].area == score.area).collect();
                items.sort_by(|&a, &b| {
                    scores[b]
                        .nll
                        .total_cmp(&scores[a].nll)
                        .then_with(|| scores[a].id.cmp(&scores[b].id))
                });
                Area { score, items, weak: 0 }
            })
            .collect();
        areas.sort_by(|a, b| b.score.nll.total_cmp(&a.score.nll));
        let mut titles = vec![String::new(); scores.len()];
        for area in &areas {
            let prompts: Vec<String> = area
                .items
                .iter()
                .map(|&at| plain_line(&found.items[at].example.prompt()))
                .collect();
            let common = common_beginning(&prompts);
            for (&at, prompt) in area.items.iter().zip(&prompts) {
                titles[at] = without_beginning(prompt, common);
            }
        }
        let all: Vec<Row> = areas
            .iter()
            .enumerate()
            .flat_map(|(place, area)| {
                let items = area.items.iter().map(|&item| Row::Item(item));
                std::iter::once(Row::Area(place)).chain(items)
            })
            .collect();
        let items = found
            .items
            .iter()
            .zip(titles)
            .map(|(item, title)| Item {
                measured: item.clone(),
                perplexity: item.score.nll.exp(),
                title,
            })
            .collect();
        let mut arranged = Self {
            arm: found.arm.clone(),
            set,
            items,
            areas,
            rows: all.clone(),
            all,
            left_out: found.left_out.clone(),
            auto_threshold: found.auto_threshold,
            perplexity,
            threshold: 0.0,
            automatic: false,
            weak: HashSet::new(),
            scores,
        };
        arranged.set_threshold(threshold);
        arranged
    }

    /// Shows only examples with these words in name, prompt or answer, under their areas.
    pub fn narrow(&mut self, words: &str) {
        let has = |item: &Item| {
            let example = &item.measured.example;
            let text = [&example.id, &example.area, &example.prompt(), &example.answer];
            has_words(&text.map(String::as_str).join(" "), words)
        };
        let kept = |row: &&Row| match row {
            Row::Area(at) => self.areas.get(*at).is_some_and(|area| {
                area.items.iter().filter_map(|item| self.items.get(*item)).any(has)
            }),
            Row::Item(at) => self.items.get(*at).is_some_and(has),
        };
        self.rows = self.all.iter().filter(kept).copied().collect();
    }

    /// Counts anew.
    pub fn set_threshold(&mut self, threshold: PerplexityThreshold) {
        let weakness = weakness(&self.scores, threshold);
        self.automatic = matches!(threshold, PerplexityThreshold::Auto);
        self.threshold = weakness.threshold;
        self.weak = weakness.weak.into_iter().map(|weak| weak.id).collect();
        for area in &mut self.areas {
            let ids = area.items.iter().filter_map(|&at| self.scores.get(at));
            area.weak = ids.filter(|score| self.weak.contains(&score.id)).count();
        }
    }

    pub fn is_weak(&self, item: &Item) -> bool {
        self.weak.contains(&item.measured.example.id)
    }

    /// Ids of an area's weak examples, or of all.
    pub fn weak_of(&self, area: Option<usize>) -> BTreeSet<String> {
        let Some(area) = area else { return self.weak.iter().cloned().collect() };
        let items = self.areas.get(area).into_iter().flat_map(|area| &area.items);
        items
            .filter_map(|&at| self.items.get(at))
            .filter(|item| self.is_weak(item))
            .map(|item| item.measured.example.id.clone())
            .collect()
    }

    /// `12 of 107 over 25.0`.
    pub fn count(&self) -> String {
        format!("{} of {} over {:.1}", self.weak.len(), self.items.len(), self.threshold)
    }

    /// The row of the first weak example.
    pub fn first_weak(&self) -> Option<usize> {
        self.rows.iter().position(|row| match row {
            Row::Item(at) => self.items.get(*at).is_some_and(|item| self.is_weak(item)),
            Row::Area(_) => false,
        })
    }

    /// It was measured, whether it is shown or not.
    pub fn has(&self, id: &str) -> bool {
        self.items.iter().any(|item| item.measured.example.id == id)
    }

    /// The row that shows this example.
    pub fn row_of(&self, id: &str) -> Option<usize> {
        self.rows.iter().position(|row| match row {
            Row::Item(at) => self.items.get(*at).is_some_and(|item| item.measured.example.id == id),
            Row::Area(_) => false,
        })
    }
}
