//! What is to be known of a language to tell its words, texts, numbers and comments apart.

/// One language, or several that are written alike.
#[derive(Debug)]
pub struct Language {
    /// As they stand after the fence, in small letters.
    pub names: &'static [&'static str],
    /// What begins a comment to the end of the line.
    pub comments: &'static [&'static str],
    /// What begins and ends a longer one.
    pub long_comments: &'static [(&'static str, &'static str)],
    /// What begins and ends a text, in one line.
    pub quotes: &'static [char],
    /// `'` holds one character, or begins a lifetime.
    pub lifetimes: bool,
    /// What begins and ends a text, over several lines.
    pub long_quotes: &'static [&'static str],
    /// Its words, parted by spaces.
    pub keywords: &'static str,
    /// Small and large letters are the same in keywords.
    pub any_case: bool,
    /// What stands before `:` or `=` is a name.
    pub keys: bool,
    /// What stands after `<` or `</` is a keyword.
    pub tags: bool,
    /// A line is told by how it begins.
    pub difference: bool,
}

const PLAIN: Language = Language {
    names: &[],
    comments: &[],
    long_comments: &[],
    quotes: &[],
    lifetimes: false,
    long_quotes: &[],
    keywords: "",
    any_case: false,
    keys: false,
    tags: false,
    difference: false,
};

const SLASHES: &[&str] = &["//"];
const STARS: &[(&str, &str)] = &[("/*", "*/")];
const BOTH: &[char] = &['"', '\''];

/// The language of a name; none for what is not known, and for output of programs.
pub fn language(name: &str) -> Option<&'static Language> {
    let end = name.find(|end: char| end.is_whitespace() || ",{:".contains(end));
    let name = name.get(..end.unwrap_or(name.len())).unwrap_or(name).to_lowercase();
    LANGUAGES.iter().find(|language| language.names.contains(&name.as_str()))
}

const LANGUAGES: &[Language] = &[
    Language {
        names: &["rust", "rs"],
        comments: SLASHES,
        long_comments: STARS,
        quotes: BOTH,
        lifetimes: true,
        keywords: "as async await break const continue crate dyn else enum extern false fn for if impl in \
                   let loop match mod move mut pub ref return self Self static struct super trait true type \
                   union unsafe use where while",
        ..PLAIN
    },
    Language {
        names: &["python", "py", "python3", "pycon"],
        comments: &["#"],
        quotes: BOTH,
        long_quotes: &["\"\"\"", "'''"],
        keywords: "False None True and as assert async await break case class continue def del elif else \
                   except finally for from global if import in is lambda match nonlocal not or pass raise \
                   return try while with yield",
        ..PLAIN
    },
    Language {
        names: &["javascript", "js", "jsx", "typescript", "ts", "tsx", "node"],
        comments: SLASHES,
        long_comments: STARS,
        quotes: BOTH,
        long_quotes: &["`"],
        keywords: "abstract any as async await boolean break case catch class const continue debugger \
                   declare default delete do else enum export extends false finally for from function get \
                   if implements import in instanceof interface keyof let new null number of private \
                   protected public readonly return set static string super switch this throw true try \
                   type typeof undefined var void while with yield",
        ..PLAIN
    },
    Language {
        names: &[
            "c", "h", "cpp", "c++", "cc", "hpp", "cxx", "cuda", "java", "kotlin", "kt", "csharp",
            "cs", "c#", "swift", "scala", "dart", "php", "objc", "zig",
        ],
        comments: SLASHES,
        long_comments: STARS,
        quotes: BOTH,
        keywords: "abstract as auto await async base bool boolean break byte case catch char class const \
                   constexpr continue data def default delete do double else enum explicit extends extern \
                   false final finally float for foreach fun func function goto guard if implements import \
                   in init inline inout int interface internal is lateinit let long mutable namespace new \
                   nil null nullptr object open operator out override package private protected public \
                   readonly ref register return sealed self short signed sizeof static string struct super \
                   switch template this throw throws trait true try type typedef typename union unsigned \
                   using val var virtual void volatile when where while yield",
        ..PLAIN
    },
    Language {
        names: &["go", "golang"],
        comments: SLASHES,
        long_comments: STARS,
        quotes: BOTH,
        long_quotes: &["`"],
        keywords: "any bool break byte case chan const continue default defer else error fallthrough false \
                   float64 for func go goto if import int int64 interface iota map nil package range return \
                   rune select string struct switch true type uint8 var",
        ..PLAIN
    },
    Language {
        names: &["bash", "sh", "shell", "zsh", "fish", "console", "shellsession"],
        comments: &["#"],
        quotes: BOTH,
        keywords: "alias break case cd continue declare do done echo elif else esac eval exec exit export \
                   false fi for function if in local read readonly return set shift source sudo test then \
                   trap true type unset until while",
        ..PLAIN
    },
    Language {
        names: &["ruby", "rb", "perl", "pl", "r", "julia", "jl", "elixir", "ex"],
        comments: &["#"],
        quotes: BOTH,
        keywords: "alias and begin break case class def defmodule defined do else elsif end ensure false for \
                   foreach function if in let local macro module my next nil not or our package redo \
                   require rescue retry return self struct sub super then true undef unless until use using \
                   when while yield",
        ..PLAIN
    },
    Language {
        names: &["lua"],
        comments: &["--"],
        long_comments: &[("--[[", "]]")],
        quotes: BOTH,
        keywords: "and break do else elseif end false for function goto if in local nil not or repeat return \
                   then true until while",
        ..PLAIN
    },
    Language {
        names: &["haskell", "hs", "elm"],
        comments: &["--"],
        long_comments: &[("{-", "-}")],
        quotes: &['"'],
        keywords: "case class data deriving do else forall if import in infix infixl infixr instance let \
                   module newtype of otherwise then type where",
        ..PLAIN
    },
    Language {
        names: &["sql", "sqlite", "postgresql", "postgres", "mysql"],
        comments: &["--"],
        long_comments: STARS,
        quotes: BOTH,
        keywords: "add all alter and as asc begin between by case check column commit constraint create \
                   cross database default delete desc distinct drop else end exists foreign from full group \
                   having if in index inner insert into is join key left like limit not null offset on or \
                   order outer primary references returning right rollback select set table then union \
                   unique update values view when where with",
        any_case: true,
        ..PLAIN
    },
    Language {
        names: &["json", "jsonc", "json5", "jsonl"],
        comments: SLASHES,
        quotes: &['"'],
        keywords: "true false null",
        keys: true,
        ..PLAIN
    },
    Language {
        names: &[
            "yaml",
            "yml",
            "toml",
            "ini",
            "conf",
            "dotenv",
            "properties",
            "dockerfile",
            "docker",
        ],
        comments: &["#", ";"],
        quotes: BOTH,
        long_quotes: &["\"\"\"", "'''"],
        keywords: "true false null yes no on off FROM RUN COPY CMD ENV ARG WORKDIR ENTRYPOINT EXPOSE",
        keys: true,
        ..PLAIN
    },
    Language {
        names: &["makefile", "make", "cmake", "nix", "terraform", "hcl"],
        comments: &["#"],
        quotes: &['"'],
        keywords: "define else endef endif export false ifdef ifeq ifndef ifneq in include inherit let rec \
                   resource true variable with",
        keys: true,
        ..PLAIN
    },
    Language {
        names: &["css", "scss", "less"],
        long_comments: STARS,
        quotes: BOTH,
        keys: true,
        ..PLAIN
    },
    Language {
        names: &["html", "xml", "svg", "vue", "svelte"],
        long_comments: &[("<!--", "-->")],
        quotes: BOTH,
        tags: true,
        ..PLAIN
    },
    Language { names: &["diff", "patch"], difference: true, ..PLAIN },
];
