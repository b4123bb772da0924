//! Commands that are refused whatever was approved: obviously destructive ones, and those that could
//! only wait for a password. This is not the defence, which is the confinement: whoever wants to hide
//! such a command from this list can.

use super::words::{Token, Word, pieces};

mod dangerous;

use dangerous::{is_wide, overwrites, stops_the_machine};

/// Commands within commands are followed so deep.
const DEPTH: usize = 8;

/// Why a command is refused; none when it may be asked for.
pub fn refusal(command: &str) -> Option<String> {
    judge(command, DEPTH)
}

fn judge(command: &str, depth: usize) -> Option<String> {
    if depth == 0 {
        return Some("it holds commands within commands, too deep to be looked through".into());
    }
    let tokens = pieces(command).tokens;
    if is_fork_bomb(&tokens) {
        return Some("it starts itself again and again without end (a fork bomb)".into());
    }
    for token in &tokens {
        if let Token::Word(word) = token
            && let Some(reason) = word.inner.iter().find_map(|inner| judge(inner, depth - 1))
        {
            return Some(reason);
        }
    }
    let mut in_a_wide_folder = false;
    let mut fetches = false;
    for simple in simple_commands(&tokens) {
        if !simple.piped {
            fetches = false;
        }
        if let Some(reason) = simple.redirects.iter().find_map(|word| overwrites(&word.text)) {
            return Some(reason);
        }
        let Some((program, arguments)) = simple.program() else { continue };
        if fetches
            && is_an_interpreter(program)
            && arguments.iter().all(|a| a.text.starts_with('-'))
        {
            return Some("it runs whatever a web page says".into());
        }
        if let Some(reason) = judge_one(program, arguments, in_a_wide_folder, depth) {
            return Some(reason);
        }
        if program == "cd" {
            in_a_wide_folder = arguments.first().is_none_or(is_wide);
        }
        fetches |= matches!(program, "curl" | "wget" | "fetch");
    }
    None
}

fn judge_one(
    program: &str,
    arguments: &[Word],
    here_is_wide: bool,
    depth: usize,
) -> Option<String> {
    if matches!(program, "sudo" | "su" | "doas" | "pkexec" | "run0") {
        return Some(format!("{program} would ask for a password, which cannot be given here"));
    }
    if let Some(reason) = stops_the_machine(program, arguments) {
        return Some(reason);
    }
    if let Some(reason) = dangerous::deletes(program, arguments, here_is_wide) {
        return Some(reason);
    }
    let runs_text = is_an_interpreter(program) || matches!(program, "eval" | "source" | ".");
    if runs_text {
        let fetched = |word: &Word| {
            word.inner.iter().any(|inner| {
                let tokens = pieces(inner).tokens;
                let fetches =
                    |c: &Simple| c.program().is_some_and(|(p, _)| matches!(p, "curl" | "wget"));
                simple_commands(&tokens).iter().any(fetches)
            })
        };
        if arguments.iter().any(fetched) {
            return Some("it runs whatever a web page says".into());
        }
    }
    if is_a_shell(program) {
        let at = arguments.iter().position(|a| a.text.starts_with('-') && a.text.contains('c'))?;
        return judge(&arguments.get(at + 1)?.text, depth - 1);
    }
    if program == "eval" {
        let text: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
        return judge(&text.join(" "), depth - 1);
    }
    None
}

fn is_a_shell(program: &str) -> bool {
    matches!(program, "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "fish")
}

fn is_an_interpreter(program: &str) -> bool {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    is_a_shell(program) || matches!(name, "python" | "perl" | "ruby" | "node" | "php")
}

/// A command without operators in it.
#[derive(Debug, Default)]
struct Simple {
    words: Vec<Word>,
    /// Where its output goes besides the screen.
    redirects: Vec<Word>,
    /// It reads what the one before it prints.
    piped: bool,
}

fn simple_commands(tokens: &[Token]) -> Vec<Simple> {
    let mut found = vec![Simple::default()];
    let mut into = None;
    for token in tokens {
        let Some(last) = found.last_mut() else { break };
        match token {
            Token::Word(word) => match into.take() {
                Some(true) => last.redirects.push(word.clone()),
                Some(false) => {}
                None => last.words.push(word.clone()),
            },
            Token::Redirection(_, sign) => into = Some(sign.contains('>')),
            Token::Operator(sign) => {
                into = None;
                let piped = matches!(*sign, "|" | "|&");
                found.push(Simple { piped, ..Simple::default() });
            }
        }
    }
    found
}

/// Words that stand before a command and change nothing of what it does.
const BEFORE_A_COMMAND: [&str; 12] =
    ["if", "then", "do", "while", "until", "else", "elif", "{", "}", "!", "time", "function"];
/// Programs that run what follows them.
const RUNNERS: [&str; 16] = [
    "command", "exec", "nohup", "env", "nice", "time", "setsid", "timeout", "xargs", "builtin",
    "stdbuf", "ionice", "busybox", "toybox", "chrt", "parallel",
];

impl Simple {
    /// The name of the program without its folder, and its arguments.
    fn program(&self) -> Option<(&str, &[Word])> {
        let mut words = self.words.as_slice();
        let mut after_runner = false;
        loop {
            let (first, rest) = words.split_first()?;
            let name = first.text.rsplit('/').next().unwrap_or_default();
            let is_passed = !first.quoted && BEFORE_A_COMMAND.contains(&name)
                || is_assignment(&first.text)
                // Of a runner: its flags, and numbers such as a time.
                || after_runner
                    && (first.text.starts_with('-')
                        || first.text.starts_with(|c: char| c.is_ascii_digit()));
            if RUNNERS.contains(&name) {
                after_runner = true;
            } else if !is_passed {
                return Some((name, rest));
            }
            words = rest;
        }
    }
}

fn is_assignment(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.split_once('=').is_some_and(|(name, _)| is_name(name.trim_end_matches('+')))
}

/// A function, or a script, that starts itself in the background or as both ends of a pipe.
fn is_fork_bomb(tokens: &[Token]) -> bool {
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) => word.text.as_str(),
        _ => "",
    };
    let operator = |at: usize, sign: &'static str| tokens.get(at) == Some(&Token::Operator(sign));
    // How often `name` is run in `range`, and whether any of it is left to run beside the rest.
    let multiplies = |name: &str, begin: usize, end: usize| {
        let runs = (begin..end).filter(|at| word(*at) == name).count();
        let beside = (begin..end).any(|at| operator(at, "&"));
        let piped = (begin..end).any(|at| operator(at, "|") && word(at + 1) == name);
        runs >= 1 && beside || runs >= 2 && piped
    };
    let defines = |at: usize| {
        let named = operator(at + 1, "(") && operator(at + 2, ")");
        let keyword = at > 0 && word(at - 1) == "function";
        !word(at).is_empty() && (named || keyword)
    };
    let function = (0..tokens.len()).filter(|at| defines(*at)).any(|at| {
        let Some(begin) = (at + 1..tokens.len())
            .find(|at| word(*at) == "{" || operator(*at, "(") && !operator(*at + 1, ")"))
        else {
            return false;
        };
        let closes = |at: &usize| word(*at) == "}" || operator(*at, ")");
        let end = (begin + 1..tokens.len()).find(closes).unwrap_or(tokens.len());
        multiplies(word(at), begin, end)
    });
    let script = ["$0", "./$0"].iter().any(|name| {
        (0..tokens.len()).filter(|at| word(*at) == *name).count() >= 2
            && multiplies(name, 0, tokens.len())
    });
    let perl = tokens.iter().any(|token| {
        matches!(token, Token::Word(word) if {
            let text: String = word.text.split_whitespace().collect::<Vec<_>>().join(" ");
            text.contains("fork while fork") || text.contains("fork while 1")
        })
    });
    function || script || perl
}

#[cfg(test)]
mod tests;
