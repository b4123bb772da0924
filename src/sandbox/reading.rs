//! Which commands are known only to read: plain pipelines of a few well-known programs, with flags that
//! write nothing and run nothing. It decides only whether a person is asked: the kernel holds such a
//! command to it, since it runs without the right to write.

use super::words::{Token, Word, pieces};

/// Whether a command is known only to read. What is not understood is not known to.
pub fn only_reads(command: &str) -> bool {
    let pieces = pieces(command);
    if pieces.unfinished {
        return false;
    }
    let mut simple: Vec<&Word> = Vec::new();
    let mut tokens = pieces.tokens.iter();
    let mut any = false;
    while let Some(token) = tokens.next() {
        match token {
            // A variable may hold anything, also a flag; a brace makes several words of one.
            Token::Word(word) if word.expands || !word.inner.is_empty() => return false,
            Token::Word(word) => simple.push(word),
            Token::Operator("|" | "&&" | "||" | ";") => {
                if !simple.is_empty() && !reads(&simple) {
                    return false;
                }
                any |= !simple.is_empty();
                simple.clear();
            }
            Token::Operator(_) => return false,
            Token::Redirection(from, sign) => {
                let Some(Token::Word(to)) = tokens.next() else { return false };
                if to.expands || !is_harmless(from, sign, &to.text) {
                    return false;
                }
            }
        }
    }
    (simple.is_empty() || reads(&simple)) && (any || !simple.is_empty())
}

fn is_harmless(from: &str, sign: &str, to: &str) -> bool {
    match sign {
        "<" => from.is_empty() || from == "0",
        ">" | ">>" => to == "/dev/null",
        ">&" => matches!(to, "1" | "2"),
        _ => false,
    }
}

fn reads(words: &[&Word]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return true };
    let arguments: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
    let operands = arguments.iter().filter(|a| !a.starts_with('-') || **a == "-").count();
    // In a cluster of one-letter flags; a letter that belongs to a value is taken for a flag as well.
    let has_letter = |letters: &[char]| {
        arguments.iter().any(|a| a.starts_with('-') && !a.starts_with("--") && a.contains(letters))
    };
    // Long flags may be shortened.
    let has_long = |beginning: &str| {
        arguments.iter().any(|a| {
            let name = a.split('=').next().unwrap_or(a);
            name.len() > 2 && (name.starts_with(beginning) || beginning.starts_with(name))
        })
    };
    match program.text.as_str() {
        "ls" | "cat" | "head" | "tail" | "wc" | "cut" | "tr" | "stat" | "pwd" | "echo"
        | "printf" | "basename" | "dirname" | "realpath" | "readlink" | "cmp" | "md5sum"
        | "sha1sum" | "sha224sum" | "sha256sum" | "sha384sum" | "sha512sum" | "b2sum" | "cksum"
        | "sum" | "nl" | "tac" | "rev" | "seq" | "expr" | "test" | "[" | "true" | "false"
        | "du" | "df" | "grep" | "egrep" | "fgrep" | "fold" | "fmt" | "expand" | "unexpand"
        | "paste" | "join" | "comm" | "od" | "hexdump" | "strings" | "column" | "nproc"
        | "uname" | "whoami" | "id" | "cd" | "which" | "jq" | "bc" | "factor" | "numfmt"
        | "tsort" | "base64" | "base32" | "arch" => true,
        // It shows long results through another program.
        "diff" => !has_letter(&['l']) && !has_long("--paginate"),
        "file" => !has_letter(&['C']) && !has_long("--compile"),
        "sort" => !has_letter(&['o']) && !has_long("--output") && !has_long("--compress-program"),
        // The second operand is where it writes.
        "uniq" => operands <= 1,
        "tree" => !has_letter(&['o', 'R']) && !has_long("--output"),
        "date" => {
            !has_letter(&['s'])
                && !has_long("--set")
                && arguments.iter().all(|a| a.starts_with(['+', '-']))
        }
        "find" => !arguments.iter().any(|a| {
            let acts = ["-delete", "-exec", "-ok", "-fprint", "-fls"];
            acts.iter().any(|act| a.starts_with(act))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::only_reads;

    #[test]
    fn plain_reading_is_known() {
        for command in [
            "ls",
            "ls -la src *.rs",
            "cat a.txt | head -n 5 | wc -l",
            "grep -rn \"fn main\" src 2>/dev/null",
            "grep -c '$x > y; rm' a",
            "find . -name '*.rs' -type f",
            "find . -maxdepth 2 -newer a -print0",
            "sort -k2,2n a | uniq -c",
            "sort -rn -t, a",
            "cd src && ls; pwd",
            "ls nothing 2>&1 || true",
            "wc -l < a",
            "diff -u a b",
            "date +%F",
            "date -u",
            "tree -L 2",
            "echo hello > /dev/null",
            "echo 'a b' | tr a-z A-Z # comment",
            "cat a\nls",
            "ls;",
            "expr 1 + 2",
            "stat -c %s a",
        ] {
            assert!(only_reads(command), "not known to read: {command}");
        }
    }

    // If this fails, a command that changes something runs without anyone being asked. (It would then
    // still fail to write, where the kernel confines it.)
    #[test]
    fn whatever_may_write_or_run_is_asked_for() {
        for command in [
            "",
            "  # nothing",
            "rm a",
            "ls > a",
            "ls >> a",
            "ls &> a",
            "ls 2> a",
            "ls >| a",
            "cat <> a",
            "cat << END",
            "ls &",
            "ls & rm a",
            "ls; rm a",
            "ls | tee a",
            "ls | xargs rm",
            "echo $(rm a)",
            "echo `rm a`",
            "echo \"$(rm a)\"",
            "cat <(rm a)",
            "echo $HOME",
            "A=b ls",
            "PATH=. ls",
            "./ls",
            "/tmp/ls",
            "(ls)",
            "{ ls; }",
            "! ls",
            "if true; then ls; fi",
            "ls() { rm a; }; ls",
            "find . -delete",
            "find . -exec rm {} +",
            "find . -execdir rm {} +",
            "find . -ok rm {} ;",
            "find . -fprint a",
            "find . -fprintf a x",
            "find . -fls a",
            "sort -o a a",
            "sort -uo a a",
            "sort --output=a a",
            "sort --out a a",
            "sort --compress-program=./x a",
            "sort --comp ./x a",
            "uniq a b",
            "tree -o a",
            "file -C -m a",
            "date -s 2020-01-01",
            "date --set=2020-01-01",
            "date 010101012020",
            "sed -i s/a/b/ a",
            "sed -n 'w b' a",
            "awk 'BEGIN { system(\"rm a\") }'",
            "git status",
            "env rm a",
            "ls 'unfinished",
            "ls \"unfinished",
            "cp a b",
            "sh -c ls",
            "sudo ls",
            "tee",
            "xxd a b",
            "hostname x",
        ] {
            assert!(!only_reads(command), "taken for reading: {command}");
        }
    }
}
