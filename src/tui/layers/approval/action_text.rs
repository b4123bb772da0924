//! An action to the letter: what would be done, with every character that a terminal hides made visible.
//! What a person allows must be what they see.

use crate::store::{plain, plain_line};
use crate::tui::theme::Theme;
use crate::tui::widgets::{pad, wrap};
use ratatui::text::{Line, Span};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Columns of a name at most.
const NAMES: usize = 12;
/// Marks every line that the action itself has: nothing it says can look like a part of the prompt.
const BAR: &str = "┃ ";
/// Printed as nothing, and yet done.
const UNSEEN: [char; 5] = ['\u{ad}', '\u{200b}', '\u{200e}', '\u{2060}', '\u{feff}'];

/// A tool and what it is given.
#[derive(Debug)]
pub struct ActionText {
    tool: String,
    /// Names with their texts; a name may be empty.
    given: Vec<(String, String)>,
    /// Some of it would not have been seen.
    pub has_hidden: bool,
}

impl ActionText {
    /// `words` is the action in one line, `editable` a command or the action as JSON.
    pub fn of(words: &str, editable: &str) -> Self {
        let tool = words.split(' ').next().unwrap_or_default().to_owned();
        let mut has_hidden = false;
        let mut shown = |text: &str| {
            let (text, hidden) = visible(text);
            has_hidden |= hidden;
            text
        };
        let parsed = serde_json::from_str(editable).ok().filter(|_| editable.starts_with('{'));
        let (tool, given) = match parsed {
            Some(Value::Object(mut fields)) => {
                let named = fields.shift_remove("tool");
                let tool = named.as_ref().and_then(Value::as_str).map_or(tool, &mut shown);
                let given = fields.into_iter().map(|(name, value)| {
                    let text = match value {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    (plain_line(&name), shown(&text))
                });
                (tool, given.collect())
            }
            _ => (tool, vec![(String::new(), shown(editable))]),
        };
        Self { tool: plain_line(&tool), given, has_hidden }
    }

    pub fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        // A command stands beside its tool, arguments below it.
        let alone = matches!(self.given.as_slice(), [(name, _)] if name.is_empty());
        let names: Vec<&str> = match alone {
            true => vec![&self.tool],
            false => self.given.iter().map(|(name, _)| name.as_str()).collect(),
        };
        let widest = names.iter().map(|name| name.width()).max().unwrap_or(0).min(NAMES) + 1;
        let mut lines = Vec::new();
        if !alone {
            lines.push(Line::styled(self.tool.clone(), theme.accent));
        }
        let style = if alone { theme.accent } else { theme.dim };
        for (name, (_, text)) in names.into_iter().zip(&self.given) {
            let room = width.saturating_sub(widest + BAR.width());
            for (row, line) in wrap(text, room).into_iter().enumerate() {
                let name = if row == 0 { name } else { "" };
                lines.push(Line::from(vec![
                    Span::styled(pad(name, widest), style),
                    Span::styled(BAR, theme.border),
                    Span::styled(line, theme.text),
                ]));
            }
        }
        lines
    }
}

/// `text` with what a terminal would hide or obey as `\u{…}`; true when there was any.
fn visible(text: &str) -> (String, bool) {
    let mut shown = String::with_capacity(text.len());
    let mut hidden = false;
    for character in text.chars() {
        let is_seen =
            !UNSEEN.contains(&character) && !plain(character.encode_utf8(&mut [0; 4])).is_empty();
        if is_seen {
            shown.push(character);
        } else {
            hidden = true;
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        }
    }
    (shown, hidden)
}
