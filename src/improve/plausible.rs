//! What can be said against a made answer without knowing the right one. Where an area's own answers can
//! be checked, a made one must at least be of the kind that could pass: a command that calls a program
//! which exists, a calculation whose steps are right.

use crate::eval::{Check, Example};
use std::collections::BTreeSet;

/// How an area's made answers are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plausible {
    /// The answer calls one of these programs, its quotes and brackets closed.
    Command { programs: BTreeSet<String> },
    /// The answer ends with a number, and every equation in it holds.
    Calculation,
}

/// Programs of POSIX.1-2024 and of every common system, beside those that the find items call.
const PROGRAMS: &str = "alias apt ar arch at awk base64 basename bash bc bg bunzip2 bzip2 cal cat cd \
    chgrp chmod chown cksum clear cmp comm command cp cpio cron crontab csplit curl cut date dc dd \
    df diff dig dir dirname dirs dmesg dos2unix du echo ed egrep env eval exec exit expand export \
    expr false fdisk fg fgrep file find finger fmt fold for free fsck ftp fuser gcc getent getopts \
    git grep groups gunzip gzip hash head history host hostname hwclock id if ifconfig import info \
    install ip jobs join kill killall last less let ln locale locate logger login look ls lsblk lsof \
    make man md5sum mkdir mkfifo mknod mktemp more mount mv nc netstat nice nl nohup nproc od openssl \
    passwd paste patch pax perl pgrep ping pkill popd pr printenv printf ps pushd pwd python python3 \
    read readlink realpath rename rev rm rmdir rpm rsync scp screen sed seq set sftp sh sha1sum \
    sha256sum shopt shred shuf sleep sort source split ssh stat strings stty su sudo sum sync sysctl \
    tac tail tar tee test time timeout top touch tput tr trap tree true tsort tty type ulimit umask \
    umount unalias uname uniq unset unzip uptime useradd users vi vim vmstat w wait watch wc wget \
    which while who whoami xargs yes zcat zip";

impl Plausible {
    /// The check that an area's find items imply, when at least half of them imply the same one.
    pub fn of_area<'a>(find: impl IntoIterator<Item = &'a Example>) -> Option<Self> {
        let (mut items, mut commands, mut numbers) = (0usize, 0usize, 0usize);
        let mut programs: BTreeSet<String> =
            PROGRAMS.split_whitespace().map(str::to_owned).collect();
        for example in find {
            items += 1;
            match example.effective_check() {
                Some(Check::FirstWord) => {
                    commands += 1;
                    programs.extend(program(&example.answer).map(str::to_owned));
                }
                Some(Check::Number { .. }) => numbers += 1,
                _ => {}
            }
        }
        if items == 0 {
            None
        } else if commands * 2 >= items {
            Some(Self::Command { programs })
        } else if numbers * 2 >= items {
            Some(Self::Calculation)
        } else {
            None
        }
    }

    /// Whether nothing speaks against `answer`.
    pub fn holds(&self, answer: &str) -> bool {
        match self {
            Self::Command { programs } => {
                program(answer).is_some_and(|program| programs.contains(program))
                    && is_closed(answer)
            }
            Self::Calculation => {
                answer.split_whitespace().last().is_some_and(|last| number(last).is_some())
                    && equations_hold(answer)
            }
        }
    }
}

/// The program that a command calls, past `sudo` and settings of variables.
fn program(command: &str) -> Option<&str> {
    let words = command.trim_start_matches(['$', '`', ' ', '(', '{', '!']).split_whitespace();
    let is_setting = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    words
        .filter(|word| *word != "sudo" && !is_setting(word))
        .map(|word| word.trim_matches(['`', ';', '(', ')']))
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .find(|word| !word.is_empty())
}

/// Whether the quotes are closed, and the brackets outside of them.
fn is_closed(command: &str) -> bool {
    let mut quote = None;
    let mut depth = 0i64;
    let mut escaped = false;
    for c in command.chars() {
        match (escaped, quote, c) {
            (true, ..) => {
                escaped = false;
                continue;
            }
            (_, Some('\''), '\'') => quote = None,
            (_, Some('\''), _) => {}
            (_, _, '\\') => escaped = true,
            (_, Some(open), c) if c == open => quote = None,
            (_, None, '\'' | '"' | '`') => quote = Some(c),
            (_, None, '(' | '{') => depth += 1,
            (_, None, ')' | '}') => depth -= 1,
            _ => {}
        }
    }
    quote.is_none() && depth == 0 && !escaped
}

/// A number as people write it: `$1,200.50` is 1200.5.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_start_matches(['$', '€', '£']).trim_end_matches(['.', ',', ';']);
    let (text, unit) = text.strip_suffix('%').map_or((text, 1.0), |share| (share, 0.01));
    let plain = text.replace(',', "");
    plain.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| value * unit)
}

/// Whether every `a + b = c` (also −, ×, ÷, and longer sums) of plain numbers in a text is right.
fn equations_hold(text: &str) -> bool {
    let spaced: String = text
        .chars()
        .flat_map(|c| match c {
            '=' | '+' | '*' | '×' | '÷' => vec![' ', c, ' '],
            '\n' => vec![' ', '\n', ' '],
            _ => vec![c],
        })
        .collect();
    let tokens: Vec<&str> = spaced.split([' ', '\t']).filter(|t| !t.is_empty()).collect();
    tokens.iter().enumerate().filter(|(_, token)| **token == "=").all(|(at, _)| {
        let Some(right) = tokens.get(at + 1).and_then(|token| number(token)) else { return true };
        match value_before(&tokens[..at]) {
            Some(left) => (left - right).abs() <= 0.011 * right.abs().max(1.0),
            None => true,
        }
    })
}

/// The value of the longest calculation that ends a list of tokens; none where it is a single number
/// or no number at all.
fn value_before(tokens: &[&str]) -> Option<f64> {
    let is_operator = |token: &str| matches!(token, "+" | "-" | "*" | "x" | "×" | "/" | "÷");
    let mut start = tokens.len();
    number(tokens.get(start.checked_sub(1)?)?)?;
    start -= 1;
    while start >= 2 && is_operator(tokens[start - 1]) && number(tokens[start - 2]).is_some() {
        start -= 2;
    }
    let terms = tokens.get(start..)?;
    if terms.len() < 3 {
        return None;
    }
    // Products first, then sums.
    let mut sum = 0.0;
    let mut sign = 1.0;
    let mut product = number(terms[0])?;
    for pair in terms[1..].chunks_exact(2) {
        let value = number(pair[1])?;
        match pair[0] {
            "*" | "x" | "×" => product *= value,
            "/" | "÷" => product /= value,
            operator => {
                sum += sign * product;
                sign = if operator == "-" { -1.0 } else { 1.0 };
                product = value;
            }
        }
    }
    Some(sum + sign * product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Provenance;
    use crate::store::Message;

    fn example(area: &str, answer: &str) -> Example {
        Example {
            id: "a".into(),
            area: area.into(),
            messages: vec![Message::user("q")],
            answer: answer.into(),
            weight: 1.0,
            provenance: Provenance::File,
            check: None,
        }
    }

    // If this fails, commands of programs that do not exist are learned as good ones, or good ones
    // are thrown away.
    #[test]
    fn a_command_calls_a_known_program_and_is_closed() {
        let find = [example("shell", "find . -name '*.log'"), example("shell", "frobnicate -x")];
        let check = Plausible::of_area(&find).expect("shell answers can be checked");
        for good in [
            "ls -la",
            "frobnicate --all",
            "sudo /usr/bin/find . -name \"*.txt\" -exec rm {} \\;",
            "LC_ALL=C sort names.txt",
            "echo $(date) 'it'\\''s'",
        ] {
            assert!(check.holds(good), "{good}");
        }
        for bad in ["", "The command is ls", "findfiles .", "find . -name '*.log", "echo $(date"] {
            assert!(!check.holds(bad), "{bad}");
        }
    }

    #[test]
    fn a_calculation_ends_with_a_number_and_its_steps_are_right() {
        let find = [example("maths", "2 + 2 = 4\n#### 4")];
        let check = Plausible::of_area(&find).expect("numbers can be checked");
        for good in [
            "She has 3 + 4 = 7 apples.\n#### 7",
            "2*3=6 and 6 - 1 = 5\n#### 5",
            "It costs $1,200 / 4 = $300.\n#### 300",
            "1 + 2 * 3 = 7\n#### 7",
            "#### 12",
            "50 * 20% = 10\n#### 10",
        ] {
            assert!(check.holds(good), "{good}");
        }
        for bad in ["3 + 4 = 8\n#### 8", "She has seven apples.", "10 / 4 = 3\n#### 3"] {
            assert!(!check.holds(bad), "{bad}");
        }
    }

    #[test]
    fn an_area_of_free_text_is_not_checked() {
        assert_eq!(Plausible::of_area(&[example("writing", "Dear Ann, …")]), None);
        assert_eq!(Plausible::of_area(&[]), None);
    }
}
