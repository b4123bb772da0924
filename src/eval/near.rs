//! Which prompts are near-duplicates of each other, and the groups that this makes.
//!
//! Two prompts of an area are near when the Jaccard similarity (Jaccard 1912) of their word sets
//! is 0.6 or more, words found in over 20 % of the area's prompts left out: they belong to the
//! area's way of asking ("Write one shell command"), not to the item. Answers play no part.
//!
//! Candidates come from prefix filtering: two sets this similar must share one of their rarest
//! words (Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search"), so that
//! thousands of prompts need no comparison of all pairs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::example::Example;

/// Similarity from which two prompts are near, as a fraction: 3/5. Kept in whole numbers, so
/// that a similarity of exactly 0.6 counts on every machine.
const SIMILARITY: (usize, usize) = (3, 5);

/// A word in more than one in this many of an area's prompts is common.
const COMMON_ONE_IN: usize = 5;

/// Areas with fewer prompts are treated as if they had this many: otherwise every word that two
/// of five prompts share would be "common", and the two could never be near.
const SMALLEST_AREA: usize = 20;

/// For every item, the indices of the items that are near to it, in ascending order.
pub type Neighbours = Vec<Vec<usize>>;

/// Finds all near pairs within each area of `items`.
pub fn neighbours(items: &[Example]) -> Neighbours {
    let mut areas: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        areas.entry(&item.area).or_default().push(index);
    }
    let mut neighbours = vec![Vec::new(); items.len()];
    for members in areas.into_values() {
        let prompts: Vec<String> = members.iter().map(|&i| same_text(&items[i].prompt())).collect();
        for (a, b) in near_pairs(&prompts) {
            neighbours[members[a]].push(members[b]);
            neighbours[members[b]].push(members[a]);
        }
    }
    for list in &mut neighbours {
        list.sort_unstable();
    }
    neighbours
}

/// Connected components among the items for which `kept` holds: for each item the index of the
/// component's first member (in the order of `rank`), or `None` when it is not kept.
pub fn components(
    neighbours: &Neighbours,
    rank: &[usize],
    kept: impl Fn(usize) -> bool,
) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..neighbours.len()).collect();
    order.sort_unstable_by_key(|&i| rank[i]);
    let mut component = vec![None; neighbours.len()];
    for first in order {
        if component[first].is_some() || !kept(first) {
            continue;
        }
        component[first] = Some(first);
        let mut to_visit = vec![first];
        while let Some(item) = to_visit.pop() {
            for &next in &neighbours[item] {
                if component[next].is_none() && kept(next) {
                    component[next] = Some(first);
                    to_visit.push(next);
                }
            }
        }
    }
    component
}

/// A prompt apart from case and spacing: items whose prompts agree in this are the same question.
pub fn same_text(prompt: &str) -> String {
    prompt.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The questions of some items, to hold new ones against: an example made for training must not be near
/// to an item that decides. Of a conversation it is the last turn that counts: what comes before it is
/// often shared by all items.
#[derive(Debug, Clone, Default)]
pub struct Neighbourhood {
    areas: Vec<Area>,
}

/// One area's prompts and the words that are common in it.
#[derive(Debug, Clone, Default)]
struct Area {
    name: String,
    common: HashSet<String>,
    prompts: Vec<Known>,
}

#[derive(Debug, Clone)]
struct Known {
    id: String,
    /// Apart from case and spacing.
    text: String,
    words: HashSet<String>,
    /// Without the area's common ones.
    rare: HashSet<String>,
}

impl Neighbourhood {
    /// The prompts of `items`; `whole` is the whole set they are of, which says what words are common
    /// in an area.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a Example>, whole: &[Example]) -> Self {
        let mut by_area: BTreeMap<&str, Vec<&Example>> = BTreeMap::new();
        for item in whole {
            by_area.entry(&item.area).or_default().push(item);
        }
        let areas = by_area
            .into_iter()
            .map(|(name, items)| Area {
                name: name.to_owned(),
                common: common_words(&items),
                prompts: Vec::new(),
            })
            .collect();
        let mut neighbourhood = Self { areas };
        for item in items {
            neighbourhood.add(&item.area, &item.id, item.question());
        }
        neighbourhood
    }

    /// One more prompt to hold others against.
    pub fn add(&mut self, area: &str, id: &str, prompt: &str) {
        let at = match self.areas.iter().position(|known| known.name == area) {
            Some(at) => at,
            None => {
                self.areas.push(Area { name: area.to_owned(), ..Area::default() });
                self.areas.len() - 1
            }
        };
        let text = same_text(prompt);
        let words: HashSet<String> = words(&text).map(str::to_owned).collect();
        let area = &mut self.areas[at];
        let rare = words.difference(&area.common).cloned().collect();
        area.prompts.push(Known { id: id.to_owned(), text, words, rare });
    }

    /// The id of a prompt that `prompt` is near to, whatever the area.
    pub fn near(&self, prompt: &str) -> Option<&str> {
        self.find(prompt, false)
    }

    /// As [`near`](Self::near), and also when it is near only with the area's common words: what must
    /// not leak is better dropped too often.
    pub fn near_in_any_way(&self, prompt: &str) -> Option<&str> {
        self.find(prompt, true)
    }

    fn find(&self, prompt: &str, with_common: bool) -> Option<&str> {
        let text = same_text(prompt);
        let own: HashSet<String> = words(&text).map(str::to_owned).collect();
        self.areas.iter().find_map(|area| {
            let own_rare: HashSet<String> = own.difference(&area.common).cloned().collect();
            let is_near = |known: &&Known| {
                known.text == text
                    || similar(&own_rare, &known.rare)
                    || with_common && similar(&own, &known.words)
            };
            area.prompts.iter().find(is_near).map(|known| known.id.as_str())
        })
    }
}

/// Words in over one in [`COMMON_ONE_IN`] prompts of an area.
fn common_words(items: &[&Example]) -> HashSet<String> {
    let mut found_in: HashMap<String, usize> = HashMap::new();
    for item in items {
        let text = same_text(item.question());
        for word in words(&text).collect::<HashSet<_>>() {
            *found_in.entry(word.to_owned()).or_default() += 1;
        }
    }
    let allowed = items.len().max(SMALLEST_AREA);
    found_in
        .into_iter()
        .filter(|(_, count)| count * COMMON_ONE_IN > allowed)
        .map(|(word, _)| word)
        .collect()
}

fn similar(a: &HashSet<String>, b: &HashSet<String>) -> bool {
    let (part, whole) = SIMILARITY;
    let shared = a.intersection(b).count();
    shared > 0 && shared * whole >= (a.len() + b.len() - shared) * part
}

/// The near pairs (lower index first) among the prompts of one area.
fn near_pairs(prompts: &[String]) -> Vec<(usize, usize)> {
    let sets = word_sets(prompts);
    let mut pairs = Vec::new();
    // Identical prompts are near even when nothing but common words is in them.
    let mut with_text: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_rare_word: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut near: BTreeSet<usize> = BTreeSet::new();
    for (index, set) in sets.iter().enumerate() {
        let same_text = with_text.entry(&prompts[index]).or_default();
        near.extend(same_text.iter());
        same_text.push(index);
        for word in &set[..prefix_length(set.len())] {
            let candidates = by_rare_word.entry(*word).or_default();
            near.extend(candidates.iter().filter(|&&other| is_near(&sets[other], set)));
            candidates.push(index);
        }
        pairs.extend(std::mem::take(&mut near).into_iter().map(|other| (other, index)));
    }
    pairs
}

/// Each prompt's words as numbers, rarest first, without the common ones.
fn word_sets(prompts: &[String]) -> Vec<Vec<u32>> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut found_in: Vec<usize> = Vec::new();
    let mut sets: Vec<Vec<u32>> = Vec::with_capacity(prompts.len());
    for prompt in prompts {
        let mut set: Vec<u32> = words(prompt)
            .map(|word| {
                let next = numbers.len() as u32;
                *numbers.entry(word).or_insert(next)
            })
            .collect();
        set.sort_unstable();
        set.dedup();
        found_in.resize(numbers.len(), 0);
        for &word in &set {
            found_in[word as usize] += 1;
        }
        sets.push(set);
    }
    let allowed = prompts.len().max(SMALLEST_AREA);
    for set in &mut sets {
        set.retain(|&word| found_in[word as usize] * COMMON_ONE_IN <= allowed);
        set.sort_unstable_by_key(|&word| (found_in[word as usize], word));
    }
    sets
}

/// Runs of letters and digits; a character of a script written without spaces is a word itself.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).flat_map(|run| {
        let unspaced = run.chars().next().is_some_and(is_unspaced_script);
        let characters = unspaced.then(|| run.split("").filter(|c| !c.is_empty()));
        let word = (!unspaced && !run.is_empty()).then_some(run);
        characters.into_iter().flatten().chain(word)
    })
}

fn is_unspaced_script(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// How many of a set's rarest words are enough: any set similar enough shares one of them.
fn prefix_length(words: usize) -> usize {
    let (part, whole) = SIMILARITY;
    match words {
        0 => 0,
        _ => words - (part * words).div_ceil(whole) + 1,
    }
}

fn is_near(a: &[u32], b: &[u32]) -> bool {
    let (part, whole) = SIMILARITY;
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() || short.len() * whole < long.len() * part {
        return false;
    }
    let shared = short.iter().filter(|word| long.contains(word)).count();
    shared * whole >= (a.len() + b.len() - shared) * part
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn prompts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| same_text(text)).collect()
    }

    /// The definition, word for word, comparing all pairs.
    fn near_pairs_by_definition(prompts: &[String]) -> BTreeSet<(usize, usize)> {
        let sets: Vec<BTreeSet<&str>> = prompts.iter().map(|p| words(p).collect()).collect();
        let allowed = prompts.len().max(20) as f64 * 0.2;
        let common = |word: &&str| {
            sets.iter().filter(|set| set.contains(*word)).count() as f64 > allowed + 1e-9
        };
        let sets: Vec<BTreeSet<&str>> =
            sets.iter().map(|set| set.iter().copied().filter(|w| !common(w)).collect()).collect();
        let mut pairs = BTreeSet::new();
        for b in 0..sets.len() {
            for a in 0..b {
                let shared = sets[a].intersection(&sets[b]).count() as f64;
                let all = sets[a].union(&sets[b]).count() as f64;
                if prompts[a] == prompts[b] || all > 0.0 && shared / all >= 0.6 - 1e-9 {
                    pairs.insert((a, b));
                }
            }
        }
        pairs
    }

    #[test]
    fn a_rephrased_prompt_is_near_and_a_different_one_is_not() {
        let pairs = near_pairs(&prompts(&[
            "Count the lines of notes.txt, please",
            "please COUNT the lines of 'notes.txt'!",
            "Delete all empty folders below src",
        ]));
        assert_eq!(pairs, [(0, 1)]);
    }

    #[test]
    fn exactly_three_words_in_five_are_near() {
        // Shared: a b c; of 5 in all.
        assert_eq!(near_pairs(&prompts(&["a b c d", "a b c e"])), [(0, 1)]);
        // Shared: a b c; of 6 in all.
        assert_eq!(near_pairs(&prompts(&["a b c d", "a b c e f"])), []);
    }

    #[test]
    fn the_areas_way_of_asking_makes_nothing_near() {
        let texts: Vec<String> =
            (0..30).map(|i| format!("write one shell command that does thing{i}")).collect();
        assert_eq!(near_pairs(&texts), []);
    }

    #[test]
    fn prompts_of_common_words_alone_are_near_only_when_identical() {
        let mut texts: Vec<String> =
            (0..8).map(|i| format!("what is {} + {}", i % 2, i / 4)).collect();
        texts.push("what is 0 + 0".into());
        let pairs: BTreeSet<_> = near_pairs(&texts).into_iter().collect();
        assert_eq!(pairs, near_pairs_by_definition(&texts));
        assert!(pairs.contains(&(0, 8)) && !pairs.contains(&(0, 1)));
    }

    #[test]
    fn text_without_spaces_is_compared_by_its_characters() {
        let pairs =
            near_pairs(&prompts(&["今日の天気を教えて", "今日の天気を教えてね", "犬の名前"]));
        assert_eq!(pairs, [(0, 1)]);
    }

    #[test]
    fn areas_are_kept_apart() {
        let item = |id: &str, area: &str| Example {
            id: id.into(),
            area: area.into(),
            messages: vec![crate::store::Message::user("the very same question")],
            answer: id.into(),
            weight: 1.0,
            provenance: crate::eval::Provenance::File,
            check: None,
        };
        let near = neighbours(&[item("a", "x"), item("b", "y"), item("c", "x")]);
        assert_eq!(near, [vec![2], vec![], vec![0]]);
    }

    proptest! {
        /// A user loses honest splits if the quick search misses a pair the definition has.
        #[test]
        fn the_index_finds_what_comparing_all_pairs_finds(
            texts in proptest::collection::vec("[a-e]( [a-h]){0,7}", 1..40)
        ) {
            let found: BTreeSet<_> = near_pairs(&texts).into_iter().collect();
            prop_assert_eq!(found, near_pairs_by_definition(&texts));
        }
    }

    // If this fails, an example made for training repeats an item that decides, and the verdict
    // measures what was learned by heart.
    #[test]
    fn what_is_near_to_an_item_is_named_with_common_words_and_without_them() {
        let item = |id: &str, area: &str, prompt: &str| Example {
            id: id.into(),
            area: area.into(),
            messages: vec![crate::store::Message::user(prompt)],
            answer: "x".into(),
            weight: 1.0,
            provenance: crate::eval::Provenance::File,
            check: None,
        };
        let mut whole: Vec<Example> = (0..30)
            .map(|i| item(&format!("{i}"), "shell", &format!("run a command: thing{i} of w{i}")))
            .collect();
        whole.push(item("files", "shell", "run a command: count files"));
        let near = Neighbourhood::of(whole.iter().skip(29), &whole);
        // Same but for the common words; same but for case.
        for prompt in ["please count files", "RUN a command:  count files"] {
            assert_eq!(near.near(prompt), Some("files"));
        }
        // Near only by the words that all prompts of the area have.
        let by_common_words = "run a command: count users";
        assert_eq!(near.near(by_common_words), None);
        assert_eq!(near.near_in_any_way(by_common_words), Some("files"));
        // What is not held out is no neighbour.
        assert_eq!(near.near("thing29 of w29"), Some("29"));
        assert_eq!(near.near("thing3 of w3"), None);
        assert_eq!(near.near_in_any_way("remove empty folders"), None);
    }
}
