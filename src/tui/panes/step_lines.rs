//! One step of a task that was carried out, as lines: the action, what it printed, what went wrong, which
//! files it changed, and whether somebody had a say. Tasks shows them as they come, Sessions later.

use crate::driver::ShownStep;
use crate::store::{Approval, ChangeKind};
use crate::tui::theme::Theme;
use crate::tui::widgets::{elide, wrap};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Columns before the action.
pub const INDENT: usize = 4;
/// Rows that an action takes at most.
const ACTION_ROWS: usize = 4;
/// Changed files that are named.
const CHANGES: usize = 8;
/// Shorter steps are not timed (seconds).
const LONG: f64 = 1.0;

/// The action alone: its number, the tool, and with what.
pub fn action_lines(number: usize, words: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let (tool, with) = words.split_once(' ').unwrap_or((words, ""));
    let room = width.saturating_sub(INDENT);
    let whole = format!("{tool}  {with}");
    let mut rows = wrap(whole.trim_end(), room);
    cut(&mut rows, ACTION_ROWS, room);
    let mut lines = Vec::with_capacity(rows.len());
    for (place, row) in rows.into_iter().enumerate() {
        let mark = if place == 0 { format!("{number:>2}") } else { String::new() };
        let mut spans = vec![Span::styled(format!("{mark:INDENT$}"), theme.warning)];
        match row.strip_prefix(tool).filter(|_| place == 0) {
            Some(with) => {
                spans.push(Span::styled(tool.to_owned(), theme.accent));
                spans.push(Span::raw(with.to_owned()));
            }
            None => spans.push(Span::raw(row)),
        }
        lines.push(Line::from(spans));
    }
    lines
}

/// The step, with at most `most` rows of what it printed.
pub fn step_lines(
    step: &ShownStep,
    width: usize,
    most: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = action_lines(step.step, &step.words, width, theme);
    let room = width.saturating_sub(INDENT + 2);
    let (rows, more) = output(&step.output, room, most);
    for row in rows {
        lines.push(indented(row, theme.dim));
    }
    if more > 0 {
        let noun = if more == 1 { "line" } else { "lines" };
        lines.push(indented(format!("… {more} more {noun}"), theme.dim));
    }
    let denied = matches!(step.approval, Approval::Denied);
    if let Some(trouble) = &step.trouble {
        let (words, style) = match denied {
            true => (format!("denied: {trouble}"), theme.warning),
            false => (format!("! {trouble}"), theme.bad),
        };
        let mut rows = wrap(&words, room);
        cut(&mut rows, ACTION_ROWS, room);
        lines.extend(rows.into_iter().map(|row| indented(row, style)));
    }
    if let Some(changed) = changes(step) {
        lines.extend(wrap(&changed, room).into_iter().map(|row| indented(row, theme.good)));
    }
    let approval = match step.approval {
        Approval::NotNeeded | Approval::Allowed => None,
        Approval::AllowedBefore => Some("allowed before, in this folder"),
        Approval::AllowedAll => Some("everything was allowed for this task"),
        Approval::Edited => Some("changed by you before it was done"),
        Approval::Denied if step.trouble.is_none() => Some("denied"),
        Approval::Denied => None,
        Approval::Refused => Some("never done, whoever allows it"),
    };
    let seconds = (step.seconds >= LONG).then(|| format!("{:.1} s", step.seconds.min(1e6)));
    let parts: Vec<String> = approval.map(str::to_owned).into_iter().chain(seconds).collect();
    if !parts.is_empty() {
        let rows = wrap(&parts.join(" · "), room);
        lines.extend(rows.into_iter().map(|row| indented(row, theme.dim)));
    }
    lines
}

fn indented(row: String, style: Style) -> Line<'static> {
    Line::from(vec![Span::raw(" ".repeat(INDENT + 2)), Span::styled(row, style)])
}

/// Leaves `most` rows; the last one says when there were more.
fn cut(rows: &mut Vec<String>, most: usize, width: usize) {
    if rows.len() > most {
        rows.truncate(most);
        if let Some(last) = rows.last_mut() {
            // One mark is enough where the row had to be cut as well.
            *last = match last.width() + 2 > width {
                true => elide(&format!("{last} …"), width),
                false => format!("{last} …"),
            };
        }
    }
}

/// The first rows of an output, and how many of its lines are not among them. Only what is shown is
/// wrapped: an output may be long, and is drawn with every frame.
fn output(text: &str, width: usize, most: usize) -> (Vec<String>, usize) {
    let mut rows: Vec<String> = Vec::new();
    if text.trim().is_empty() {
        return (rows, 0);
    }
    let mut lines = text.lines();
    for line in lines.by_ref() {
        let end =
            line.char_indices().nth(width.max(1) * most + 1).map_or(line.len(), |(end, _)| end);
        let is_whole = end == line.len();
        let wrapped = wrap(line.get(..end).unwrap_or(line), width);
        let fits = is_whole && rows.len() + wrapped.len() <= most;
        rows.extend(wrapped);
        if !fits {
            cut(&mut rows, most, width);
            break;
        }
        if rows.len() == most {
            break;
        }
    }
    (rows, lines.count())
}

/// `created a.txt, changed b.txt and 3 more files`.
fn changes(step: &ShownStep) -> Option<String> {
    if step.changed.is_empty() && step.more_changed == 0 {
        return None;
    }
    let mut named: Vec<String> = Vec::new();
    let mut before = None;
    for (how, path) in step.changed.iter().take(CHANGES) {
        let verb = match how {
            _ if before == Some(*how) => "",
            ChangeKind::Created => "created ",
            ChangeKind::Modified => "changed ",
            ChangeKind::Removed => "removed ",
        };
        before = Some(*how);
        named.push(format!("{verb}{path}"));
    }
    let more = step.changed.len().saturating_sub(CHANGES) + step.more_changed;
    let more = match more {
        0 => String::new(),
        1 => " and 1 more file".to_owned(),
        more => format!(" and {more} more files"),
    };
    Some(format!("{}{more}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(output: &str) -> ShownStep {
        ShownStep {
            step: 1,
            words: "shell ls".into(),
            output: output.into(),
            trouble: None,
            changed: Vec::new(),
            more_changed: 0,
            approval: Approval::NotNeeded,
            seconds: 0.1,
        }
    }

    fn text(step: &ShownStep) -> Vec<String> {
        let lines = step_lines(step, 40, 3, &Theme::default());
        lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect()
    }

    // If this fails, one long output pushes everything else off the screen, or lines of it are lost
    // without a word.
    #[test]
    fn a_long_output_is_cut_and_says_how_much_more_there_is() {
        assert_eq!(text(&step("a\nb\nc")), [" 1  shell  ls", "      a", "      b", "      c"]);
        let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();
        assert_eq!(
            text(&step(&many.join("\n"))).last().unwrap_or(&String::new()),
            "      … 30 more lines"
        );
        assert_eq!(
            text(&step("a\nb\nc\nd")).last().unwrap_or(&String::new()),
            "      … 1 more line"
        );
        let wide = text(&step(&"x".repeat(100_000)));
        assert_eq!(wide.len(), 4);
        assert!(wide[3].ends_with('…'), "{wide:?}");
        assert_eq!(text(&step("\n \n")).len(), 1);
    }

    // If this fails, somebody does not see what a task did to their files.
    #[test]
    fn changed_files_and_the_say_of_a_person_are_told() {
        let told = text(&ShownStep {
            trouble: Some("exit code 2".into()),
            changed: vec![
                (ChangeKind::Created, "a".into()),
                (ChangeKind::Created, "b".into()),
                (ChangeKind::Removed, "c".into()),
            ],
            more_changed: 2,
            approval: Approval::Edited,
            seconds: 4.24,
            ..step("")
        });
        assert_eq!(
            told[1..],
            [
                "      ! exit code 2",
                "      created a, b, removed c and 2 more",
                "      files",
                "      changed by you before it was done",
                "      · 4.2 s",
            ]
        );
        let denied = ShownStep {
            trouble: Some("the person did not allow it".into()),
            approval: Approval::Denied,
            ..step("")
        };
        assert_eq!(text(&denied)[1..], ["      denied: the person did not allow", "      it"]);
    }
}
