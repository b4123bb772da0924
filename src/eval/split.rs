//! Divides a set into *find*, *held-out* and *final*, once and for good.
//!
//! A place depends on the item's id alone, except that near-duplicates stay together: else an
//! adapter trained on one wording would be judged on another. Places already given never move;
//! where they and nearness contradict each other, an item is left out and named.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::example::Example;
use super::near::{Neighbours, components, neighbours};

/// The part of a set that an item belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Where weaknesses are looked for and examples are imitated.
    Find,
    /// What decides whether an adapter is better.
    HeldOut,
    /// Opened only for a report's closing figure.
    Final,
}

impl Place {
    /// The place that an id implies: u = first 8 bytes of SHA-256(id), big-endian, over 2⁶⁴;
    /// under 0.3 find, under 0.8 held-out, else final.
    pub fn of_id(id: &str) -> Self {
        // 2⁶⁴ · 0.3 and 2⁶⁴ · 0.8, so that no rounding decides.
        match u128::from(first_bytes(id)) * 10 {
            scaled if scaled < 3 << 64 => Place::Find,
            scaled if scaled < 8 << 64 => Place::HeldOut,
            _ => Place::Final,
        }
    }

    /// The place of a person's own correction: one in four (u under 0.25) decides and is never trained
    /// on, the others may be learned.
    pub fn of_own_work(id: &str) -> Self {
        match u128::from(first_bytes(id)) * 4 {
            scaled if scaled < 1 << 64 => Place::HeldOut,
            _ => Place::Find,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Place::Find => "find",
            Place::HeldOut => "held-out",
            Place::Final => "final",
        }
    }
}

fn first_bytes(id: &str) -> u64 {
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(8).fold(0u64, |value, byte| value << 8 | u64::from(*byte))
}

/// How a set is divided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Id to place, for every item that has one.
    pub places: BTreeMap<String, Place>,
    /// Id to its group, named after the group's smallest id; groups are the unit of every test.
    pub groups: BTreeMap<String, String>,
    /// Items that take no part, in order of id, with the reason in words.
    pub left_out: Vec<LeftOut>,
}

/// An item that can be in no place without leaking into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub id: String,
    pub reason: String,
}

impl Assignment {
    /// The items of `items` that are in `place`, in their order.
    pub fn select<'a>(&self, items: &'a [Example], place: Place) -> Vec<&'a Example> {
        items.iter().filter(|item| self.places.get(&item.id) == Some(&place)).collect()
    }
}

/// Gives every item of a set its place and its group.
///
/// `items` is the *whole* set (ids distinct), for what is near depends on the area's words;
/// `stored` holds the places given earlier, by id. A new item joins the place of the stored
/// items it is near to, directly or through other new items; a group of new items takes the
/// place of its smallest id. Left out are a new item that is near to two places, and, of two
/// stored items that became near as the set grew, the one in the later place (an item of find
/// may already have been learned from). Left-out items keep their stored place for later.
pub fn assign(items: &[Example], stored: &BTreeMap<String, Place>) -> Assignment {
    assign_by(items, stored, Place::of_id)
}

/// As [`assign`], with another rule for the place that an id implies.
pub fn assign_by(
    items: &[Example],
    stored: &BTreeMap<String, Place>,
    place_of: fn(&str) -> Place,
) -> Assignment {
    let near = neighbours(items);
    let rank = ranks(items);
    let mut places: Vec<Option<Place>> =
        items.iter().map(|item| stored.get(&item.id).copied()).collect();
    let mut left_out: BTreeMap<usize, String> = BTreeMap::new();

    part_stored(items, &near, &mut places, &mut left_out);
    join_stored(items, &near, &rank, &mut places, &mut left_out);
    let is_new = |i: usize, places: &[Option<Place>], left_out: &BTreeMap<usize, String>| {
        places[i].is_none() && !left_out.contains_key(&i)
    };
    let new_groups = components(&near, &rank, |i| is_new(i, &places, &left_out));
    for (item, first) in new_groups.into_iter().enumerate() {
        if let Some(first) = first {
            places[item] = Some(place_of(&items[first].id));
        }
    }

    let mut assignment = Assignment::default();
    let groups = components(&near, &rank, |i| places[i].is_some());
    for (index, item) in items.iter().enumerate() {
        if let (Some(place), Some(first)) = (places[index], groups[index]) {
            assignment.places.insert(item.id.clone(), place);
            assignment.groups.insert(item.id.clone(), items[first].id.clone());
        }
    }
    assignment.left_out = left_out
        .into_iter()
        .map(|(index, reason)| LeftOut { id: items[index].id.clone(), reason })
        .collect();
    assignment.left_out.sort_by(|a, b| a.id.cmp(&b.id));
    assignment
}

/// The groups of items that are all used together, as a file whose every item decides: each id
/// with the smallest id it is near to, directly or through others.
pub fn groups(items: &[Example]) -> BTreeMap<String, String> {
    let groups = components(&neighbours(items), &ranks(items), |_| true);
    let named = items.iter().zip(groups);
    named.filter_map(|(item, first)| Some((item.id.clone(), items[first?].id.clone()))).collect()
}

/// Each item's position in the order of ids.
fn ranks(items: &[Example]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_unstable_by(|&a, &b| items[a].id.cmp(&items[b].id));
    let mut rank = vec![0; items.len()];
    for (position, item) in order.into_iter().enumerate() {
        rank[item] = position;
    }
    rank
}

/// Of stored items that are near to each other but in different places, the later steps back.
fn part_stored(
    items: &[Example],
    near: &Neighbours,
    places: &mut [Option<Place>],
    left_out: &mut BTreeMap<usize, String>,
) {
    let given = places.to_vec();
    for (item, place) in given.iter().enumerate() {
        let Some(place) = place else { continue };
        let earlier = near[item].iter().find(|&&other| given[other].is_some_and(|p| p < *place));
        if let Some(&other) = earlier {
            let other_place = given[other].map_or("", Place::as_str);
            left_out.insert(
                item,
                format!(
                    "was {}, but is near to {:?}, which is {other_place}",
                    place.as_str(),
                    items[other].id
                ),
            );
            places[item] = None;
        }
    }
}

/// New items join the place of the stored ones they are near to, spreading outwards; one that
/// is near to two places when its turn comes is left out.
fn join_stored(
    items: &[Example],
    near: &Neighbours,
    rank: &[usize],
    places: &mut [Option<Place>],
    left_out: &mut BTreeMap<usize, String>,
) {
    let mut placed: Vec<usize> = (0..items.len()).filter(|&i| places[i].is_some()).collect();
    placed.sort_unstable_by_key(|&i| rank[i]);
    let mut queue = VecDeque::from(placed);
    while let Some(from) = queue.pop_front() {
        let mut reached: Vec<usize> = near[from].clone();
        reached.sort_unstable_by_key(|&i| rank[i]);
        for item in reached {
            if places[item].is_some() || left_out.contains_key(&item) {
                continue;
            }
            let around = |wanted: &dyn Fn(Place) -> bool| {
                near[item].iter().copied().find(|&other| places[other].is_some_and(wanted))
            };
            let joined = places[from];
            match around(&|place| Some(place) != joined) {
                None => {
                    places[item] = joined;
                    queue.push_back(item);
                }
                Some(other) => {
                    let name = |place: Option<Place>| place.map_or("", Place::as_str);
                    left_out.insert(
                        item,
                        format!(
                            "is near to {:?}, which is {}, and to {:?}, which is {}",
                            items[from].id,
                            name(joined),
                            items[other].id,
                            name(places[other])
                        ),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::eval::Provenance;
    use crate::store::Message;

    fn item(id: &str, prompt: &str) -> Example {
        Example {
            id: id.into(),
            area: "x".into(),
            messages: vec![Message::user(prompt)],
            answer: "y".into(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        }
    }

    fn stored(pairs: &[(&str, Place)]) -> BTreeMap<String, Place> {
        pairs.iter().map(|(id, place)| (id.to_string(), *place)).collect()
    }

    #[test]
    fn places_are_those_of_the_published_definition() {
        // Reference: Python's int.from_bytes(hashlib.sha256(id).digest()[:8], "big") / 2**64.
        for (id, place) in [
            ("a", Place::HeldOut),
            ("shell-00000", Place::HeldOut),
            ("maths-00001", Place::HeldOut),
            ("line-12", Place::HeldOut),
            ("é", Place::Find),
            ("item 7", Place::HeldOut),
            ("x", Place::Find),
            ("q2", Place::HeldOut),
            ("session_20250101_120000", Place::HeldOut),
        ] {
            assert_eq!(Place::of_id(id), place, "{id}");
        }
    }

    #[test]
    fn thirty_fifty_twenty_percent() {
        let mut counts = [0usize; 3];
        for i in 0..20_000 {
            counts[Place::of_id(&format!("item-{i}")) as usize] += 1;
        }
        // Five standard deviations of a binomial count (at most 0.5·√20,000 = 71) are 354.
        for (count, expected) in counts.into_iter().zip([6_000usize, 10_000, 4_000]) {
            assert!(count.abs_diff(expected) < 354, "{counts:?}");
        }
    }

    #[test]
    fn near_duplicates_share_the_place_and_group_of_the_smallest_id() {
        let items: Vec<Example> = (0..12)
            .map(|i| item(&format!("id-{:02}", 11 - i), "how many lines has the file"))
            .chain([item("zz", "something else entirely")])
            .collect();
        let assignment = assign(&items, &BTreeMap::new());
        for i in 0..12 {
            let id = format!("id-{i:02}");
            assert_eq!(assignment.places[&id], Place::of_id("id-00"));
            assert_eq!(assignment.groups[&id], "id-00");
        }
        assert_eq!(assignment.groups["zz"], "zz");
        assert_eq!(groups(&items), assignment.groups);
    }

    #[test]
    fn answers_play_no_part() {
        let items: Vec<Example> = (0..60)
            .map(|i| item(&format!("{i}"), &format!("word{} word{}", i / 2, i / 3)))
            .collect();
        let mut other = items.clone();
        for example in &mut other {
            example.answer = "word1 word1 word1".into();
            example.check = Some(crate::eval::Check::FirstWord);
        }
        assert_eq!(assign(&items, &BTreeMap::new()), assign(&other, &BTreeMap::new()));
    }

    #[test]
    fn a_new_item_joins_its_stored_neighbour() {
        let items =
            [item("old", "sort this list of names"), item("new", "sort this list of names now")];
        for place in [Place::Find, Place::HeldOut, Place::Final] {
            let assignment = assign(&items, &stored(&[("old", place)]));
            assert_eq!(assignment.places["new"], place);
            assert!(assignment.left_out.is_empty());
        }
    }

    #[test]
    fn a_new_item_between_two_places_is_left_out_and_named() {
        let items = [item("f", "a b c d"), item("h", "c d e f"), item("between", "a b c d e f")];
        let assignment = assign(&items, &stored(&[("f", Place::Find), ("h", Place::HeldOut)]));
        assert_eq!(assignment.places.len(), 2);
        let [left_out] = assignment.left_out.as_slice() else { panic!("{assignment:?}") };
        assert_eq!(left_out.id, "between");
        assert!(left_out.reason.contains("\"f\"") && left_out.reason.contains("held-out"));
        assert_ne!(assignment.groups["f"], assignment.groups["h"]);
    }

    #[test]
    fn of_two_stored_items_that_became_near_the_later_place_steps_back() {
        let items = [item("f", "a b c d"), item("h", "a b c d")];
        let assignment = assign(&items, &stored(&[("f", Place::Find), ("h", Place::HeldOut)]));
        assert_eq!(assignment.places, stored(&[("f", Place::Find)]));
        assert_eq!(assignment.left_out[0].id, "h");
    }

    #[test]
    fn thousands_of_prompts_are_split_without_comparing_all_pairs() {
        // 5,000 prompts over a small vocabulary; all pairs would be 12.5 million comparisons.
        // No timing is asserted: the suite as a whole would become unbearable.
        let items: Vec<Example> = (0..5_000u64)
            .map(|i| {
                let word = |k: u64| (i * 2_654_435_761 + k * 40_503).wrapping_mul(k + 7) % 2_000;
                let text: Vec<String> = (0..14).map(|k| format!("w{}", word(k))).collect();
                item(&format!("{i}"), &text.join(" "))
            })
            .collect();
        assert_eq!(assign(&items, &BTreeMap::new()).places.len(), 5_000);
    }

    #[test]
    fn real_sets_are_divided_into_small_groups_in_the_stated_shares() {
        let data = std::env::var_os("KAIZEN_DATA").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
            Into::into,
        );
        for name in ["shell.jsonl", "maths.jsonl", "code.jsonl", "instructions.jsonl"] {
            let path = data.join(name);
            if !path.exists() {
                continue;
            }
            let items = crate::eval::set::read(&path, &Default::default()).unwrap();
            let assignment = assign(&items, &BTreeMap::new());
            assert!(assignment.left_out.is_empty());
            let mut sizes: BTreeMap<&String, usize> = BTreeMap::new();
            for group in assignment.groups.values() {
                *sizes.entry(group).or_default() += 1;
            }
            let held_out = assignment.select(&items, Place::HeldOut).len();
            let largest = sizes.values().max().copied().unwrap_or_default();
            println!(
                "{name}: {} items, {} groups, the largest of {largest}, {held_out} held-out",
                items.len(),
                sizes.len()
            );
            // Chains of near pairs must not swallow a set: it would decide as one group.
            assert!(sizes.len() * 2 > items.len(), "{name}: {} groups", sizes.len());
            let share = held_out as f64 / items.len() as f64;
            assert!((0.4..0.6).contains(&share), "{name}: {share}");
        }
    }

    fn sets() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
        let prompt = || "[a-d]( [a-j]){1,6}";
        (proptest::collection::vec(prompt(), 1..25), proptest::collection::vec(prompt(), 1..25))
    }

    fn check_apart(items: &[Example], assignment: &Assignment) -> Result<(), TestCaseError> {
        for (a, list) in neighbours(items).iter().enumerate() {
            for &b in list {
                let place = |i: usize| assignment.places.get(&items[i].id);
                let group = |i: usize| assignment.groups.get(&items[i].id);
                if let (Some(first), Some(second)) = (place(a), place(b)) {
                    prop_assert_eq!(first, second);
                    prop_assert_eq!(group(a), group(b));
                }
            }
        }
        Ok(())
    }

    proptest! {
        /// A user loses the meaning of every held-out figure if either of these fails.
        #[test]
        fn near_items_are_never_in_two_places_and_old_items_never_move((old, new) in sets()) {
            let all: Vec<Example> = old.iter().chain(&new).enumerate()
                .map(|(i, prompt)| item(&format!("{:x}", (i * 7919) % 1009), prompt)).collect();
            let before = assign(&all[..old.len()], &BTreeMap::new());
            prop_assert!(before.left_out.is_empty());
            check_apart(&all[..old.len()], &before)?;

            let after = assign(&all, &before.places);
            check_apart(&all, &after)?;
            for (id, place) in &before.places {
                let left_out = after.left_out.iter().any(|item| item.id == *id);
                prop_assert!(left_out || after.places.get(id) == Some(place));
            }
            prop_assert_eq!(after.places.len() + after.left_out.len(), all.len());
            for (id, group) in &after.groups {
                prop_assert_eq!(after.places[id], after.places[group]);
            }
        }

        #[test]
        fn the_order_of_a_file_does_not_matter((old, new) in sets()) {
            let items: Vec<Example> = old.iter().chain(&new).enumerate()
                .map(|(i, prompt)| item(&format!("{i}"), prompt)).collect();
            let mut turned = items.clone();
            turned.reverse();
            let some: BTreeMap<String, Place> =
                (0..old.len()).map(|i| (i.to_string(), Place::of_id(&format!("p{i}")))).collect();
            let (a, b) = (assign(&items, &some), assign(&turned, &some));
            prop_assert_eq!((a.places, a.groups), (b.places, b.groups));
        }
    }
}
