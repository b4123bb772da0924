//! Keys of the person's own: read, put in the place of the table's, and refused where a key would mean two
//! things, text could not be typed, or there were no way out.

use super::{Action, ActionRow, KeyPress, Scope, TABLE};
use crate::config::{Keys, Refusal};
use std::collections::HashSet;

type Rows = Vec<(ActionRow, Vec<KeyPress>)>;

/// Quits whatever else is bound, so that nobody is ever locked in.
const WAY_OUT: (&str, &str) = ("quit-anywhere", "ctrl-c");

/// Names further from what was written than this are no suggestion.
const ALIKE: f64 = 0.6;

/// The table; with `counts`, digits are counts and the panes are shown with Alt.
pub fn defaults(counts: bool) -> Rows {
    let read = |keys: &[&str]| keys.iter().filter_map(|key| KeyPress::parse(key)).collect();
    let rows = TABLE.iter().map(|row| (*row, read(row.keys)));
    let mut rows: Rows = rows.collect();
    if counts {
        for (row, keys) in &mut rows {
            let swapped = keys.iter().map(|key| match row.action {
                Action::Count => key.without_alt(),
                Action::Show(_) => key.with_alt(),
                _ => *key,
            });
            *keys = swapped.collect();
        }
    }
    rows
}

/// The table with the person's keys in the place of its own.
pub fn rows(own: &Keys, counts: bool) -> Result<Rows, Refusal> {
    let standard = defaults(counts);
    if own.0.is_empty() {
        return Ok(standard);
    }
    let mut rows = standard.clone();
    for (name, list) in &own.0 {
        let Some((row, keys)) = rows.iter_mut().find(|(row, _)| row.name == name) else {
            return Err(refusal(name, unknown(name)));
        };
        *keys = list
            .spelled()
            .iter()
            .map(|spelled| read(spelled, row).map_err(|problem| refusal(name, problem)))
            .collect::<Result<Vec<_>, _>>()?;
        keys.dedup();
        if keys.is_empty() && matches!(row.action, Action::Back | Action::No) {
            let problem = "has no key, and nothing else leads out there; give it one".to_owned();
            return Err(refusal(name, problem));
        }
        if row.name == WAY_OUT.0 {
            let way_out = KeyPress::parse(WAY_OUT.1).into_iter();
            keys.extend(way_out.filter(|key| !keys.contains(key)).collect::<Vec<_>>());
        }
    }
    // What the table itself does twice is meant so: the nearer place comes first.
    let meant: HashSet<_> = clashes(&standard).map(|clash| (clash.key, clash.scopes)).collect();
    let unmeant = clashes(&rows).find(|clash| !meant.contains(&(clash.key, clash.scopes)));
    match unmeant {
        None => Ok(rows),
        Some(Clash { key, names: [one, other], .. }) => {
            let (own, taken) = if own.0.contains_key(one) { (one, other) } else { (other, one) };
            let problem = format!(
                "is {key}, which is also the key of {taken} in the same place; give one of the two another"
            );
            Err(refusal(own, problem))
        }
    }
}

fn refusal(name: &str, problem: String) -> Refusal {
    Refusal { key: format!("keys.{name}"), problem }
}

fn unknown(name: &str) -> String {
    let alike = TABLE
        .iter()
        .map(|row| (strsim::jaro_winkler(name, row.name), row.name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match alike {
        Some((_, near)) => format!("is no action; did you mean {near}? The help (?) names all"),
        None => "is no action; the help (?) names all".into(),
    }
}

/// A key for this row, or why it cannot be one.
fn read(spelled: &str, row: &ActionRow) -> Result<KeyPress, String> {
    let Some(key) = KeyPress::parse(spelled) else {
        return Err(format!(
            "is {spelled:?}, which is no key; keys are written as in \"x\", \"ctrl-s\", \"alt-enter\", \"f5\", \"pagedown\""
        ));
    };
    if let Some(sent) = key.sent_as() {
        return Err(format!("is {spelled:?}, for which a terminal sends {sent}; take another"));
    }
    if key.is_text() && (row.scope.takes_text() || row.scope == Scope::Always) {
        return Err(format!(
            "is {spelled:?}, which could not be typed any more where text is entered; take one with ctrl or alt"
        ));
    }
    Ok(key)
}

/// Two actions with one key that act at the same time.
#[derive(Debug)]
struct Clash {
    key: KeyPress,
    scopes: [Scope; 2],
    names: [&'static str; 2],
}

fn clashes(rows: &Rows) -> impl Iterator<Item = Clash> {
    let keys = || rows.iter().flat_map(|(row, keys)| keys.iter().map(move |key| (row, *key)));
    let pairs = keys().enumerate().flat_map(move |(place, (row, key))| {
        let others = keys().skip(place + 1).filter(move |(_, other)| *other == key);
        others.map(move |(other, _)| (row, other, key))
    });
    pairs.filter(|(row, other, _)| together(row.scope, other.scope)).map(|(row, other, key)| {
        Clash { key, scopes: [row.scope, other.scope], names: [row.name, other.name] }
    })
}

/// There is a place where both scopes act.
fn together(one: Scope, other: Scope) -> bool {
    TABLE.iter().any(|row| {
        let acting = row.scope.acting(row.scope.is_layer());
        acting.contains(&one) && acting.contains(&other)
    })
}
