//! Changes one place of a text file. Owns that it is one place: a model that names none or several has to
//! say more, and nothing is written.

use super::read_file::is_binary;
use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::tasks::Action;
use std::borrow::Cow;
use std::io::Read;

/// Bytes of a file that can be changed.
const MOST: u64 = 4 << 20;

/// `edit_file`: one text in the place of another that is in the file once.
#[derive(Debug)]
pub struct EditFile;

impl Tool for EditFile {
    fn name(&self) -> &'static str {
        "edit_file"
    }

    fn purpose(&self) -> &'static str {
        "changes a text in a file"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[
            Argument { name: "path", kind: ArgumentKind::ExistingFile },
            Argument { name: "find", kind: ArgumentKind::Text },
            Argument { name: "replace", kind: ArgumentKind::Text },
        ]
    }

    fn effect(&self, action: &Action, workspace: &Workspace) -> Effect {
        match workspace.relative(action.text("path")) {
            Ok(_) => Effect::Changes { kind: self.name().to_owned() },
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        edit(action, workspace).map_or_else(ToolResult::failed, ToolResult::of)
    }
}

fn edit(action: &Action, workspace: &Workspace) -> Result<String, String> {
    let path = workspace.relative(action.text("path"))?;
    let (file, metadata) = workspace.open_file(&path)?;
    let shown = path.display();
    if metadata.len() > MOST {
        return Err(format!("{shown} is too large to edit ({} bytes)", metadata.len()));
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(|error| workspace.why(&path, &error))?;
    if is_binary(&bytes) {
        return Err(format!("{shown} is binary, not text ({} bytes)", bytes.len()));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("{shown} is not UTF-8: editing it would damage it"))?;
    let changed = replaced(&text, action.text("find"), action.text("replace"))
        .map_err(|why| format!("{shown} is unchanged: {why}"))?;
    workspace.replace(&path, changed.as_bytes())?;
    Ok(format!("edited {shown} ({} bytes)", changed.len()))
}

fn replaced(text: &str, find: &str, replace: &str) -> Result<String, String> {
    if find.is_empty() {
        return Err("the text to find is empty".to_owned());
    }
    if find == replace {
        return Err("the text to find and its replacement are the same".to_owned());
    }
    // Models write plain line breaks, also for a file from Windows.
    let is_windows = !text.contains(find) && text.contains("\r\n");
    let own = |part: &str| match is_windows {
        true => part.replace("\r\n", "\n").replace('\n', "\r\n"),
        false => part.to_owned(),
    };
    let (find, replace): (Cow<str>, Cow<str>) = (own(find).into(), own(replace).into());
    let place = text.find(&*find).ok_or_else(|| {
        "the text to find is not in it; copy it exactly, with its spaces".to_owned()
    })?;
    if text.rfind(&*find) != Some(place) {
        let times = text.matches(&*find).count().max(2);
        return Err(format!("the text to find is in it {times} times; take in more around it"));
    }
    Ok(format!("{}{replace}{}", &text[..place], &text[place + find.len()..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, another place than the meant one is changed, or a file loses its line breaks.
    #[test]
    fn exactly_one_place_is_changed() {
        for (text, find, replace, expected) in [
            ("a b c", "b", "x", Some("a x c")),
            ("port = 80\n", "80", "8080", Some("port = 8080\n")),
            ("a b", " b", "", Some("a")),
            ("one\r\ntwo\r\n", "one\ntwo", "1\n2", Some("1\r\n2\r\n")),
            ("one\r\ntwo", "two", "a\nb", Some("one\r\na\nb")),
            ("a b b", "b", "x", None),
            // Twice, though one overlaps the other.
            ("aaa", "aa", "x", None),
            ("a", "b", "x", None),
            ("a", "", "x", None),
            ("a", "a", "a", None),
        ] {
            let changed = replaced(text, find, replace);
            assert_eq!(changed.as_deref().ok(), expected, "{text:?} {find:?} {changed:?}");
        }
    }

    // If this fails, a failed edit has damaged the file all the same.
    #[test]
    fn nothing_is_written_when_it_cannot_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        for (name, content, told) in [
            ("twice", &b"x x"[..], "2 times"),
            ("none", b"y", "is not in it"),
            ("latin", b"caf\xe9 x", "not UTF-8"),
            ("binary", b"x\0", "binary"),
        ] {
            std::fs::write(folder.path().join(name), content).unwrap();
            let before = workspace.snapshot();
            let arguments = [("path", name), ("find", "x"), ("replace", "z")];
            let result = EditFile.run(&Action::new("edit_file", &arguments), &workspace);
            assert!(result.error.as_ref().is_some_and(|why| why.contains(told)), "{result:?}");
            assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), content);
            assert_eq!(workspace.changes_since(&before), []);
        }
        std::fs::write(folder.path().join("once"), "a x b").unwrap();
        let arguments = [("path", "once"), ("find", "x"), ("replace", "é")];
        let result = EditFile.run(&Action::new("edit_file", &arguments), &workspace);
        assert_eq!(result, ToolResult::of("edited once (6 bytes)"));
        assert_eq!(std::fs::read_to_string(folder.path().join("once")).unwrap(), "a é b");
    }
}
