//! Takes a shell command apart into words and operators, far enough to judge it: quotes, escapes,
//! comments, redirections and what stands in `$(…)`. Nothing is expanded. The shell's own grammar:
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>

/// A piece of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(Word),
    /// `|`, `||`, `|&`, `&`, `&&`, `;`, `;;`, `(`, `)`; a new line is `;`.
    Operator(&'static str),
    /// `>`, `2>&`, `<<` …, with the file descriptor as it is written; the next word is where to.
    Redirection(String, &'static str),
}

/// A word without its quotes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    pub text: String,
    /// A part of it was quoted or escaped.
    pub quoted: bool,
    /// It holds a `$` or a backtick that the shell acts on.
    pub expands: bool,
    /// What stands in its `$(…)`, `<(…)` and backticks: commands of their own.
    pub inner: Vec<String>,
}

/// A command taken apart.
#[derive(Debug, Default)]
pub struct Pieces {
    pub tokens: Vec<Token>,
    /// A quote or bracket is not closed: the shell would refuse it.
    pub unfinished: bool,
}

/// The longest first: each is what the text begins with.
const OPERATORS: [&str; 9] = ["&&", "||", "|&", ";;", "|", "&", ";", "(", ")"];
const REDIRECTIONS: [&str; 12] =
    ["&>>", "<<<", "<<-", "&>", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">"];

/// Takes a command apart.
pub fn pieces(command: &str) -> Pieces {
    // A backslash at the end of a line continues it.
    let text: Vec<char> = command.replace("\\\n", "").chars().collect();
    let mut reader = Reader { text, at: 0, pieces: Pieces::default() };
    reader.read();
    reader.pieces
}

struct Reader {
    text: Vec<char>,
    at: usize,
    pieces: Pieces,
}

impl Reader {
    fn read(&mut self) {
        while let Some(character) = self.peek(0) {
            match character {
                '\n' => {
                    self.at += 1;
                    self.pieces.tokens.push(Token::Operator(";"));
                }
                c if c.is_whitespace() => self.at += 1,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => self.token(),
            }
        }
    }

    fn token(&mut self) {
        let substitutes = matches!((self.peek(0), self.peek(1)), (Some('<' | '>'), Some('(')));
        if !substitutes {
            if let Some(sign) = self.take_one_of(&REDIRECTIONS) {
                return self.pieces.tokens.push(Token::Redirection(String::new(), sign));
            }
            if let Some(sign) = self.take_one_of(&OPERATORS) {
                return self.pieces.tokens.push(Token::Operator(sign));
            }
        }
        let word = self.word();
        let is_descriptor = !word.quoted
            && !word.text.is_empty()
            && word.text.chars().all(|c| c.is_ascii_digit())
            && matches!(self.peek(0), Some('<' | '>'));
        if is_descriptor && let Some(sign) = self.take_one_of(&REDIRECTIONS) {
            return self.pieces.tokens.push(Token::Redirection(word.text, sign));
        }
        self.pieces.tokens.push(Token::Word(word));
    }

    fn word(&mut self) -> Word {
        let mut word = Word::default();
        while let Some(character) = self.peek(0) {
            match character {
                '\'' => {
                    word.quoted = true;
                    self.at += 1;
                    self.until_quote(&mut word);
                }
                '"' => {
                    word.quoted = true;
                    self.at += 1;
                    self.double_quoted(&mut word);
                }
                '\\' => {
                    word.quoted = true;
                    self.at += 1;
                    word.text.extend(self.next());
                }
                '$' | '`' => self.expansion(&mut word),
                '<' | '>' if self.peek(1) == Some('(') && word.text.is_empty() => {
                    self.expansion(&mut word);
                }
                c if c.is_whitespace() || "|&;()<>".contains(c) => break,
                c => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
        word
    }

    fn until_quote(&mut self, word: &mut Word) {
        loop {
            match self.next() {
                Some('\'') => return,
                Some(c) => word.text.push(c),
                None => return self.pieces.unfinished = true,
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Word) {
        loop {
            match self.peek(0) {
                Some('"') => return self.at += 1,
                Some('\\') => {
                    self.at += 1;
                    match self.next() {
                        Some(c) if "$`\"\\".contains(c) => word.text.push(c),
                        Some(c) => word.text.extend(['\\', c]),
                        None => {}
                    }
                }
                Some('$' | '`') => self.expansion(word),
                Some(c) => {
                    word.text.push(c);
                    self.at += 1;
                }
                None => return self.pieces.unfinished = true,
            }
        }
    }

    /// At a `$`, a backtick or a `<(`. The name of a variable stays in the text with its `$`.
    fn expansion(&mut self, word: &mut Word) {
        match (self.next(), self.peek(0)) {
            (Some('`'), _) => {
                word.expands = true;
                let mut inner = String::new();
                loop {
                    match self.next() {
                        Some('`') => break,
                        Some('\\') => inner.extend(self.next()),
                        Some(c) => inner.push(c),
                        None => {
                            self.pieces.unfinished = true;
                            break;
                        }
                    }
                }
                word.inner.push(inner);
            }
            (Some(sign), Some('(')) => {
                word.expands = true;
                self.at += 1;
                let inner = self.until_closed('(', ')');
                word.text.push(sign);
                word.inner.push(inner);
            }
            (Some('$'), Some('{')) => {
                word.expands = true;
                self.at += 1;
                let inner = self.until_closed('{', '}');
                // `${HOME}` reads as `$HOME`; of `${HOME:-x}` the name is what matters.
                let name: String =
                    inner.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                word.text.push('$');
                word.text.push_str(&name);
                if name != inner {
                    word.inner.push(inner);
                }
            }
            (Some('$'), next) => {
                word.expands |= next.is_some_and(|c| !c.is_whitespace());
                word.text.push('$');
            }
            _ => {}
        }
    }

    /// What stands up to the bracket that closes, with quotes and brackets within passed over.
    fn until_closed(&mut self, open: char, close: char) -> String {
        let mut inner = String::new();
        let mut depth = 1;
        let mut quote = None;
        while let Some(character) = self.next() {
            match (quote, character) {
                (Some('\''), '\'') | (Some('"'), '"') => quote = None,
                (None, '\'' | '"') => quote = Some(character),
                (None | Some('"'), '\\') => {
                    inner.push(character);
                    inner.extend(self.next());
                    continue;
                }
                (None, c) if c == open => depth += 1,
                (None, c) if c == close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return inner;
            }
            inner.push(character);
        }
        self.pieces.unfinished = true;
        inner
    }

    fn take_one_of(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        let rest = &self.text[self.at..];
        let begins =
            |sign: &&&str| sign.chars().zip(rest).filter(|(a, b)| a == *b).count() == sign.len();
        let found = signs.iter().find(begins)?;
        self.at += found.len();
        Some(found)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let found = self.peek(0);
        self.at += usize::from(found.is_some());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(command: &str) -> String {
        let shown = |token: &Token| match token {
            Token::Word(word) => format!("[{}]", word.text),
            Token::Operator(sign) => (*sign).to_owned(),
            Token::Redirection(from, sign) => format!("{from}{sign}"),
        };
        pieces(command).tokens.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_command_comes_apart_as_a_shell_takes_it() {
        for (command, expected) in [
            ("ls -l 'a b' c\\ d \"e $F\"", "[ls] [-l] [a b] [c d] [e $F]"),
            ("a|b&&c;d||e&", "[a] | [b] && [c] ; [d] || [e] &"),
            ("a 2>/dev/null >>b <c 2>&1", "[a] 2> [/dev/null] >> [b] < [c] 2>& [1]"),
            ("a 2 > b", "[a] [2] > [b]"),
            ("a # rm -rf /\nb", "[a] ; [b]"),
            ("a#b", "[a#b]"),
            ("r''m \"-rf\" \"/\"", "[rm] [-rf] [/]"),
            ("a \\\n b", "[a] [b]"),
            (":(){ :|:& };:", "[:] ( ) [{] [:] | [:] & [}] ; [:]"),
            ("echo ${HOME}/x ${A:-b}", "[echo] [$HOME/x] [$A]"),
        ] {
            assert_eq!(shown(command), expected, "{command}");
        }
    }

    #[test]
    fn commands_within_are_found() {
        let inner = |command: &str| -> Vec<String> {
            let words = pieces(command).tokens.into_iter();
            words
                .flat_map(|token| match token {
                    Token::Word(word) => word.inner,
                    _ => Vec::new(),
                })
                .collect()
        };
        assert_eq!(inner("echo $(a \"$(b ')')\" c) `d`"), ["a \"$(b ')')\" c", "d"]);
        assert_eq!(inner("cat <(a b)"), ["a b"]);
        assert_eq!(inner("echo '$(a)' \\$(b)"), Vec::<String>::new());
        assert_eq!(inner("echo \"${A:-$(b)}\""), ["A:-$(b)"]);
    }

    #[test]
    fn what_is_not_closed_is_known() {
        for command in ["'a", "\"a", "$(a", "`a", "${a"] {
            assert!(pieces(command).unfinished, "{command}");
        }
        assert!(!pieces("echo \"$(a)\" '`'").unfinished);
    }

    proptest! {
        // If this fails, a model can bring Kaizen down with a command.
        #[test]
        fn any_text_comes_apart(command in "[ -~\n]{0,80}|\\PC{0,40}") {
            pieces(&command);
        }
    }
}
