//! Presses keys in the window that has the focus. Owns which keys there are: what is no key of this list
//! reaches no program.

use super::programs::Call;
use super::{Desktop, Needs};
use crate::tasks::Action;
use crate::tasks::tools::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
/// Keys pressed one after the other, at most.
const MOST: usize = 20;

/// `press_keys`: keys such as Return, or several at once such as ctrl+s.
#[derive(Debug)]
pub(super) struct PressKeys(pub(super) Desktop);

impl Tool for PressKeys {
    fn name(&self) -> &'static str {
        "press_keys"
    }

    fn purpose(&self) -> &'static str {
        "presses keys such as Return or ctrl+s"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "keys", kind: ArgumentKind::Line }]
    }

    fn effect(&self, action: &Action, _workspace: &Workspace) -> Effect {
        match self.0.require(&[Needs::Hands]).and_then(|()| keys(action.text("keys"))) {
            Ok(_) => Effect::Changes { kind: self.name().to_owned() },
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        let checked = self.0.require(&[Needs::Hands]).and_then(|()| keys(action.text("keys")));
        let keys = match checked {
            Ok(keys) => keys,
            Err(why) => return ToolResult::failed(why),
        };
        let mut arguments = vec!["key", "--clearmodifiers", "--"];
        arguments.extend(keys.iter().map(String::as_str));
        let call = Call {
            program: "xdotool",
            arguments: &arguments,
            input: "",
            folder: workspace.temporary(),
            limit: PATIENCE,
        };
        match self.0.run(&call) {
            Ok(_) => ToolResult::of(format!("pressed {}", keys.join(" "))),
            Err(result) => result,
        }
    }
}

const HELD: [(&str, &str); 8] = [
    ("ctrl", "ctrl"),
    ("control", "ctrl"),
    ("alt", "alt"),
    ("shift", "shift"),
    ("super", "super"),
    ("win", "super"),
    ("meta", "super"),
    ("cmd", "super"),
];

/// As people write keys, and as X11 calls them.
const NAMED: [(&str, &str); 45] = [
    ("return", "Return"),
    ("enter", "Return"),
    ("tab", "Tab"),
    ("escape", "Escape"),
    ("esc", "Escape"),
    ("backspace", "BackSpace"),
    ("delete", "Delete"),
    ("del", "Delete"),
    ("insert", "Insert"),
    ("space", "space"),
    ("up", "Up"),
    ("down", "Down"),
    ("left", "Left"),
    ("right", "Right"),
    ("home", "Home"),
    ("end", "End"),
    ("page_up", "Page_Up"),
    ("pageup", "Page_Up"),
    ("prior", "Page_Up"),
    ("page_down", "Page_Down"),
    ("pagedown", "Page_Down"),
    ("next", "Page_Down"),
    ("menu", "Menu"),
    ("print", "Print"),
    ("plus", "plus"),
    ("minus", "minus"),
    ("equal", "equal"),
    ("comma", "comma"),
    ("period", "period"),
    ("slash", "slash"),
    ("backslash", "backslash"),
    ("semicolon", "semicolon"),
    ("apostrophe", "apostrophe"),
    ("grave", "grave"),
    ("bracketleft", "bracketleft"),
    ("bracketright", "bracketright"),
    ("-", "minus"),
    ("=", "equal"),
    (",", "comma"),
    (".", "period"),
    ("/", "slash"),
    (";", "semicolon"),
    ("'", "apostrophe"),
    ("[", "bracketleft"),
    ("]", "bracketright"),
];

/// `text` as keys that xdotool knows, those that are pressed at once joined by `+`.
///
/// # Errors
/// In plain words, for anything else, and for keys that end or leave the session.
fn keys(text: &str) -> Result<Vec<String>, String> {
    let pressed: Vec<_> = text.split(' ').filter(|part| !part.is_empty()).collect();
    if pressed.is_empty() || pressed.len() > MOST {
        return Err(format!("press between 1 and {MOST} keys, such as Return or ctrl+s"));
    }
    pressed.into_iter().map(together).collect()
}

fn together(text: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "{text:?} is no key; write keys such as Return, Tab, a, F5, ctrl+s or ctrl+shift+Left"
        )
    };
    let low = text.to_ascii_lowercase();
    let mut parts: Vec<&str> = low.split('+').collect();
    let last = parts.pop().ok_or_else(wrong)?;
    let mut held = Vec::new();
    for part in parts {
        let (_, name) = HELD.iter().find(|(known, _)| *known == part).ok_or_else(wrong)?;
        if held.contains(name) {
            return Err(wrong());
        }
        held.push(*name);
    }
    let is_letter = last.len() == 1 && last.as_bytes()[0].is_ascii_alphanumeric();
    let function = last
        .strip_prefix('f')
        .filter(|number| !number.starts_with('0'))
        .and_then(|number| number.parse::<u8>().ok())
        .filter(|number| (1..=12).contains(number));
    let key = match (NAMED.iter().find(|(known, _)| *known == last), function) {
        (Some((_, name)), _) => (*name).to_owned(),
        (None, Some(number)) => format!("F{number}"),
        // A capital letter is one with shift, as it is on a keyboard; beside ctrl people write it for clarity.
        (None, None) if is_letter && held.is_empty() => text.to_owned(),
        (None, None) if is_letter => last.to_owned(),
        _ => return Err(wrong()),
    };
    let ends_session = function.is_some() || ["BackSpace", "Delete"].contains(&key.as_str());
    if held.contains(&"ctrl") && held.contains(&"alt") && ends_session {
        return Err(format!("{text} ends or leaves the session; no task presses it"));
    }
    held.push(&key);
    Ok(held.join("+"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, the key that a model means is not the one that is pressed.
    #[test]
    fn keys_are_understood_as_people_write_them() {
        for (text, expected) in [
            ("ctrl+s", "ctrl+s"),
            ("Ctrl+S", "ctrl+s"),
            ("enter", "Return"),
            ("Return", "Return"),
            ("ctrl+shift+LEFT", "ctrl+shift+Left"),
            ("alt+F4", "alt+F4"),
            ("F12", "F12"),
            ("a", "a"),
            ("A", "A"),
            ("ctrl+-", "ctrl+minus"),
            ("ctrl+plus", "ctrl+plus"),
            ("cmd+space", "super+space"),
            ("Tab Tab  Return", "Tab Tab Return"),
        ] {
            assert_eq!(keys(text).unwrap().join(" "), expected, "{text}");
        }
    }

    // If this fails, something that is no key reaches a program as an option, or the person's session ends.
    #[test]
    fn what_is_no_key_is_refused() {
        let many = "a ".repeat(MOST + 1);
        for text in [
            "",
            " ",
            "+",
            "ctrl+",
            "+s",
            "ctrl++s",
            "ctrl+ctrl+s",
            "s+ctrl",
            "ctrl",
            "hello",
            "--window",
            "-",
            "- -",
            "--",
            "F0",
            "F13",
            "F01",
            "F+1",
            "f",
            "é",
            "a\nb",
            "ctrl+s;id",
            "$(id)",
            "0x61",
            "U0041",
            "ctrl+alt+F1",
            "ctrl+alt+Delete",
            "alt+ctrl+backspace",
            "ctrl+alt+shift+del",
            &many,
        ] {
            // Alone, these two are keys.
            if ["-", "- -", "f"].contains(&text) {
                continue;
            }
            assert!(keys(text).is_err(), "{text:?} {:?}", keys(text));
        }
        assert_eq!(keys("-").unwrap(), ["minus"]);
    }
}
