//! Keeps the house: an arrow between rooms goes down only. If this fails, a newcomer can no longer
//! read the project from the ground up, and two rooms can no longer be changed apart.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// The rooms, from the top to the ground.
const ROOMS: [&str; 18] = [
    "tui",
    "cli",
    "driver",
    "report",
    "experiments",
    "improve",
    "workplace",
    "tasks",
    "sandbox",
    "adapters",
    "feedback",
    "train",
    "eval",
    "runtime",
    "model",
    "kernels",
    "store",
    "config",
];

fn height(room: &str) -> Option<usize> {
    ROOMS.iter().rev().position(|name| *name == room)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Collects the rooms that a file reaches through `crate::…`, in `use` and in plain paths alike.
struct Imports {
    rooms: BTreeSet<String>,
}

impl Imports {
    fn tree(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                self.rooms.insert(path.ident.to_string());
            }
            syn::UseTree::Name(name) => {
                self.rooms.insert(name.ident.to_string());
            }
            syn::UseTree::Rename(rename) => {
                self.rooms.insert(rename.ident.to_string());
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree)),
            syn::UseTree::Glob(_) => {
                self.rooms.insert("*".into());
            }
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if let syn::UseTree::Path(path) = &item.tree
            && (path.ident == "crate" || path.ident == "kaizen")
        {
            self.tree(&path.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 && path.segments[0].ident == "crate" {
            self.rooms.insert(path.segments[1].ident.to_string());
        }
        syn::visit::visit_path(self, path);
    }
}

fn imports(source: &str) -> BTreeSet<String> {
    let mut imports = Imports { rooms: BTreeSet::new() };
    imports.visit_file(&syn::parse_file(source).unwrap());
    imports.rooms
}

fn violations(room: &str, file: &str, source: &str) -> Vec<String> {
    let own = height(room).unwrap();
    imports(source)
        .into_iter()
        .filter(|other| other == "*" || height(other).is_some_and(|other| other > own))
        .map(|other| format!("{file} (in {room}/) imports {other}, which is above it"))
        .collect()
}

#[test]
fn no_room_imports_from_a_room_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    let mut rooms_seen = BTreeSet::new();
    for path in files {
        let relative = path.strip_prefix(&root).unwrap();
        let first =
            relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let room = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
        if room == "main" || room == "lib" {
            continue;
        }
        assert!(
            height(&room).is_some(),
            "{} is in no known room; add it to the house",
            relative.display()
        );
        rooms_seen.insert(room.clone());
        let source = std::fs::read_to_string(&path).unwrap();
        wrong.extend(violations(&room, &relative.display().to_string(), &source));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(rooms_seen.len(), ROOMS.len(), "a room of the list is gone: {rooms_seen:?}");
}

#[test]
fn the_rule_sees_every_way_to_import() {
    for source in [
        "use crate::train::Trainer;",
        "use crate::{store::Home, train};",
        "use crate::train as t;",
        "fn f() { let _ = crate::train::Plan::new(); }",
        "fn f(x: crate::train::Plan) {}",
        "use crate::*;",
        "mod inner { use crate::train::Plan; }",
    ] {
        assert_eq!(violations("eval", "a.rs", source).len(), 1, "not seen: {source}");
    }
    assert!(violations("eval", "a.rs", "use crate::model::Model; use super::train;").is_empty());
}

/// If this fails, some part of the screen keeps its colour in every theme, and with `NO_COLOR`.
#[test]
fn colours_stand_in_the_theme_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let names_colours = |source: &str| {
        ["Color::", "style::Color", ".fg(", ".bg(", ".underline_color("]
            .iter()
            .any(|name| source.contains(name))
    };
    assert!(names_colours("let style = Style::new().fg(Color::Red);"));
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in files {
        let relative = path.strip_prefix(&root).unwrap();
        let is_test = relative.iter().any(|part| part.to_string_lossy().contains("test"));
        if is_test || relative.starts_with("theme") {
            continue;
        }
        seen += 1;
        let source = std::fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        if names_colours(code) {
            wrong.push(relative.display().to_string());
        }
    }
    assert!(seen > 50, "only {seen} files were looked at");
    assert!(wrong.is_empty(), "colours outside the theme: {wrong:?}");
}
