//! What the actor reads: the turn that says what it can do, the first look at the workspace, and what came
//! of an action. These words are what adapters learn from, so that a change of them costs every
//! adapter that was trained on act mode.

use crate::model::{Special, Tokenizer};
use crate::store::StepResult;
use crate::tasks::tools::{Listing, Toolbox};

/// The system turn. The form is shown once, since the grammar keeps every action in it, and each tool takes
/// a short line: what stands here is read before every action.
pub fn instructions(toolbox: &Toolbox) -> String {
    let mut text = "You do tasks in a folder. Reply with one action as JSON, such as \
                    {\"tool\":\"read_file\",\"path\":\"notes.txt\"}. Tools:"
        .to_owned();
    for tool in toolbox.iter() {
        let arguments: Vec<&str> = tool.arguments().iter().map(|argument| argument.name).collect();
        let space = if arguments.is_empty() { "" } else { " " };
        let (name, arguments, purpose) = (tool.name(), arguments.join(", "), tool.purpose());
        text.push_str(&format!("\n{name}{space}{arguments}: {purpose}"));
    }
    text
}

/// The first user turn: what is wanted, and what there is. `budget` is in tokens.
pub fn first_look(
    tokenizer: &Tokenizer,
    task: &str,
    folder: &str,
    listing: &Listing,
    screen: Option<&str>,
    budget: usize,
) -> String {
    let listed: Vec<String> = listing
        .entries
        .iter()
        .map(|entry| match entry.is_folder {
            true => format!("{}/", entry.path),
            false => entry.path.clone(),
        })
        .collect();
    let files = match listed.is_empty() {
        true => "(empty)".to_owned(),
        // Entries are left out at the end: what lies deep comes last.
        false => {
            let fitting = |count: usize| {
                let mut text = listed[..count].join("\n");
                let more = listed.len() - count + listing.left_out;
                if more > 0 {
                    text.push_str(&format!("\n({more} more)"));
                }
                text
            };
            let most = most_that_fit(listed.len(), |count| {
                count_tokens(tokenizer, &fitting(count)) <= budget
            });
            fitting(most)
        }
    };
    let system = std::env::consts::OS;
    let mut text =
        format!("Task: {}\nFolder: {folder} ({system}, sh)\nFiles:\n{files}", task.trim());
    if let Some(screen) = screen {
        let screen = cut_to_tokens(tokenizer, screen.trim(), budget);
        text.push_str(&format!("\nScreen:\n{screen}"));
    }
    text
}

/// A later user turn: what came of the last action, and once more what is wanted, so that the question stands
/// beside what may answer it. `budget` is in tokens.
pub fn what_came(tokenizer: &Tokenizer, task: &str, result: &StepResult, budget: usize) -> String {
    let output = cut_to_tokens(tokenizer, result.output.trim(), budget);
    let head = match (&result.error, result.timed_out, result.exit_code) {
        (Some(error), ..) => format!("error: {error}"),
        (None, true, _) => "it took too long and was stopped".to_owned(),
        (None, false, Some(code)) if code != 0 => format!("exit code {code}"),
        _ if output.is_empty() => "done".to_owned(),
        _ => String::new(),
    };
    let came = match (head.is_empty(), output.is_empty()) {
        (false, true) => format!("Result: {head}"),
        (false, false) => format!("Result: {head}\n{output}"),
        (true, _) => format!("Result:\n{output}"),
    };
    format!("{came}\nTask: {}", task.trim())
}

/// `text` with its middle left out, so that it has `limit` characters at most, and a note how much is
/// missing. The beginning and the end say most: the first error, the last result.
pub fn cut_middle(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit / 2).collect();
    let tail: String = text.chars().skip(length - (limit - limit / 2)).collect();
    format!("{head}\n[{} characters left out]\n{tail}", length - limit)
}

fn cut_to_tokens(tokenizer: &Tokenizer, text: &str, budget: usize) -> String {
    // No token has less than a byte, few have more than 16.
    let text = cut_middle(text, budget.saturating_mul(16));
    let length = text.chars().count();
    let most =
        most_that_fit(length, |limit| count_tokens(tokenizer, &cut_middle(&text, limit)) <= budget);
    cut_middle(&text, most)
}

/// The greatest number up to `all` that fits, where all below one that fits do too; 0 always does.
fn most_that_fit(all: usize, fits: impl Fn(usize) -> bool) -> usize {
    if fits(all) {
        return all;
    }
    let (mut low, mut high) = (0, all);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match fits(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

fn count_tokens(tokenizer: &Tokenizer, text: &str) -> usize {
    tokenizer.encode(text, Special::AsText).map_or(usize::MAX, |ids| ids.len())
}
