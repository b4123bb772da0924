//! Answers as they are read: what a model writes comes out laid out, whole, and as text alone.
#![allow(clippy::unwrap_used)]

use super::code::{Class, parts};
use super::languages::language;
use super::*;
use proptest::prelude::*;
use ratatui::style::{Modifier, Style};

fn shown(text: &str, width: usize) -> Vec<String> {
    let theme = Theme::default();
    let reading = Reading { theme: &theme, raw: false };
    answer_lines(text, width, reading)
        .iter()
        .map(|line| line.to_string().trim_end().to_owned())
        .collect()
}

fn style(text: &str, wanted: &str, theme: &Theme) -> Style {
    let lines = answer_lines(text, 60, Reading { theme, raw: false });
    let mut spans = lines.iter().flat_map(|line| &line.spans);
    spans.find(|span| span.content.contains(wanted)).unwrap().style
}

// If this fails, an answer is a wall of marks, or a part of it is missing.
#[test]
fn an_answer_is_laid_out() {
    let text = "# How to *list* files\n\nUse `ls`, or **better** ~~not~~ [eza](https://eza.rocks); see \
                <https://gnu.org>.\nA new line stays.\n\n\
                1. First\n2. Second, which is long enough that it has to be wrapped at this width\n   \
                - nested\n     - deeper\n   - [x] done\n   - [ ] open\n10. Tenth\n\n\
                > A quote\n> > in a quote\n\n---\n\n\
                ```rust\nfn main() {\n    println!(\"hi\"); // said\n}\n```\n\n\
                | name | size |\n|:-----|-----:|\n| a | 1 |\n| 改善 | 1200 |\n\n\
                ![a picture](cat.png) and <b>html</b>";
    insta::assert_snapshot!(shown(text, 48).join("\n"));
}

// If this fails, headings, emphasis, links and code look like the text around them.
#[test]
fn parts_of_an_answer_have_the_themes_styles() {
    let theme = Theme::default();
    let text =
        "# Head\n*slanted* and **strong** and ***both*** ~~gone~~ `code` [text](address)\n\n> said";
    assert_eq!(style(text, "Head", &theme), theme.text.patch(theme.heading));
    for (word, modifier) in [
        ("slanted", Modifier::ITALIC),
        ("strong", Modifier::BOLD),
        ("both", Modifier::ITALIC | Modifier::BOLD),
        ("gone", Modifier::CROSSED_OUT),
    ] {
        assert_eq!(style(text, word, &theme).add_modifier, modifier, "{word}");
    }
    assert_eq!(style(text, "`code`", &theme).fg, theme.code.fg);
    assert_eq!(style(text, "text", &theme).fg, theme.link.fg);
    assert_eq!(style(text, "(address)", &theme).fg, theme.dim.fg);
    assert_eq!(style(text, "said", &theme), theme.text.patch(theme.quote));
    let code = "```python\ndef f(x): # why\n    return \"s\" + 12\n```";
    for (word, expected) in [
        ("def", theme.keyword),
        ("f", theme.name),
        ("# why", theme.comment),
        ("\"s\"", theme.string),
        ("12", theme.number),
    ] {
        let lines = answer_lines(code, 60, Reading { theme: &theme, raw: false });
        let mut spans = lines.iter().flat_map(|line| &line.spans);
        assert!(
            spans.any(|span| span.content == word && span.style == expected),
            "{word}: {lines:#?}"
        );
    }
}

// If this fails, a table runs over the frame, or loses what it says.
#[test]
fn a_table_fits_its_width() {
    let text = "| tool | what it does | since |\n|:-|:-:|-:|\n\
                | grep | finds lines that match a pattern in files | 1973 |\n| fd | `find`, faster | 2017 |";
    insta::assert_snapshot!([80, 40, 18].map(|width| shown(text, width).join("\n")).join("\n\n"));
}

// If this fails, a model can paint on the screen, retitle the window, or write over what stands there.
#[test]
fn nothing_of_an_answer_steers_the_terminal() {
    let steers = |text: &str| text.chars().any(|c| c.is_control() || c == '\u{202e}');
    for text in [
        "&#27;[31mred",
        "&#x1b;]0;title&#7; `&#27;`",
        "[a](&#27;[2J) ![&#27;c](x&#155;1m)",
        "# &#x202e;gnip&#8;\n\n> &#27;[H\n\n- &#13;over",
        "| &#27;[1A | b |\n|-|-|\n| &#x9b;2K | &#7; |",
        "```&#27;[31m\n&#27;[31m\u{7}\n```",
        "<b title=\"&#27;\">&#27;</b>",
    ] {
        for line in shown(text, 40) {
            assert!(!steers(&line), "{text:?}: {line:?}");
        }
    }
    let sent = "```\u{1b}[31m\n\u{1b}[2J\u{9b}1A\u{7}x\n```\n`\u{1b}]0;t\u{7}`\n\n    \u{8}\u{8}";
    assert!(shown(sent, 40).iter().all(|line| !steers(line)), "{:?}", shown(sent, 40));
}

// If this fails, the words of a program are told apart wrongly: strings swallow code, comments begin inside
// texts, lifetimes open strings.
#[test]
fn words_of_programs_are_told_apart() {
    let told = |name: &str, code: &str| -> Vec<(Class, String)> {
        parts(code, language(name))
            .into_iter()
            .filter(|(class, part)| *class != Class::Plain && !part.trim().is_empty())
            .map(|(class, part)| (class, part.to_owned()))
            .collect()
    };
    use Class::*;
    for (name, code, expected) in [
        (
            "rust,ignore",
            "fn f(x: &'a str) -> char { 'x' } // \"no\"",
            vec![(Keyword, "fn"), (Name, "f"), (Text, "'x'"), (Comment, "// \"no\"")],
        ),
        ("rs", "let s = \"a \\\" // b\";", vec![(Keyword, "let"), (Text, "\"a \\\" // b\"")]),
        (
            "Python",
            "x = '''a\nb''' # 1\ny = 0x1F + 1.5",
            vec![(Text, "'''a\nb'''"), (Comment, "# 1"), (Number, "0x1F"), (Number, "1.5")],
        ),
        ("js", "/* a\nb */ `t`", vec![(Comment, "/* a\nb */"), (Text, "`t`")]),
        (
            "bash",
            "echo $# \"# no\" # yes",
            vec![(Keyword, "echo"), (Text, "\"# no\""), (Comment, "# yes")],
        ),
        (
            "json",
            "{\"a\": \"b\", \"n\": 1}",
            vec![(Name, "\"a\""), (Text, "\"b\""), (Name, "\"n\""), (Number, "1")],
        ),
        ("sql", "select 'a' FROM t", vec![(Keyword, "select"), (Text, "'a'"), (Keyword, "FROM")]),
        (
            "html",
            "<p id=\"x\">don't</p>",
            vec![(Keyword, "p"), (Name, "id"), (Text, "\"x\""), (Keyword, "p")],
        ),
        ("diff", "@@ 1\n-a\n+b\n c", vec![(Keyword, "@@ 1\n"), (Removed, "-a\n"), (Added, "+b\n")]),
        ("c", "/* open", vec![(Comment, "/* open")]),
        ("text", "if \"x\" 1", vec![]),
    ] {
        let expected: Vec<(Class, String)> =
            expected.into_iter().map(|(class, part)| (class, part.to_owned())).collect();
        let told = told(name, code);
        for part in expected {
            assert!(told.contains(&part), "{name}: {part:?} is not in {told:?}");
        }
    }
    assert!(!told("rust", "fn f<'a>(x: &'a str)").iter().any(|(class, _)| *class == Text));
    assert!(language("klingon").is_none());
}

// If this fails, an answer that grows costs more with every word, or looks otherwise than when it is read
// again.
#[test]
fn only_the_last_block_of_a_growing_answer_is_laid_out_again() {
    let theme = Theme::default();
    let reading = Reading { theme: &theme, raw: false };
    let kept = AnswerLines::default();
    let mut text = String::new();
    for number in 0..50 {
        text.push_str(&format!(
            "## Part {number}\n\nSome *words*.\n\n- a\n- b\n\n```sh\nls -l\n```\n\n"
        ));
        let lines = kept.of(&text, 40, reading).to_vec();
        assert_eq!(lines, answer_lines(&text, 40, reading), "{number}");
        let again = kept.0.borrow().whole;
        assert!(text.len() - again < 40, "{} bytes are laid out again", text.len() - again);
    }
    // Another width, another theme, the text as it is.
    assert_eq!(*kept.of(&text, 20, reading), answer_lines(&text, 20, reading));
    let raw = Reading { raw: true, ..reading };
    assert_eq!(*kept.of(&text, 20, raw), answer_lines(&text, 20, raw));
    let light = config_theme("light");
    let reading = Reading { theme: &light, raw: false };
    assert_eq!(*kept.of(&text, 20, reading), answer_lines(&text, 20, reading));
    // Another text that is no longer.
    assert_eq!(*kept.of("short", 20, reading), answer_lines("short", 20, reading));
    assert_eq!(kept.of("", 20, reading).iter().map(Line::width).sum::<usize>(), 0);
}

fn config_theme(name: &str) -> Theme {
    let text = format!("theme.name = \"{name}\"");
    let config = crate::config::Config::parse(&text, "config.toml".as_ref()).unwrap();
    Theme::of(&config.theme, crate::tui::theme::TerminalColours::default())
}

/// Texts that look like Markdown, with what could break its layout.
fn markdown_like() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "# ",
            "## ",
            "- ",
            "1. ",
            "12) ",
            "> ",
            "```rust\n",
            "```\n",
            "~~~",
            "---\n",
            "| a | b |\n",
            "|---|:-:|\n",
            "**",
            "*",
            "_",
            "~~",
            "`",
            "[x](y)",
            "[",
            "](",
            "<b>",
            "<!--",
            "&#27;",
            "\t",
            "    ",
            "  ",
            "\n",
            "\n\n",
            "\\",
            "- [ ] ",
            "👨‍👩‍👧",
            "改善",
            "e\u{301}",
            "fn f() {",
            "\"a",
            "'",
            "/*",
            "//",
            "# c",
            "\u{1b}[31m",
            "\u{200d}",
        ])
        .prop_map(str::to_owned),
        "[a-z ]{1,12}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    // If this fails, some text of a model ends the program, hangs it, or runs over its frame.
    #[test]
    fn whatever_is_written_fits(text in markdown_like(), width in 8usize..60) {
        let theme = Theme::default();
        let lines = answer_lines(&text, width, Reading { theme: &theme, raw: false });
        for line in &lines {
            let wide: usize =
                line.spans.iter().map(|span| crate::tui::widgets::columns(&span.content)).sum();
            prop_assert!(wide <= width, "{width}: {line:?}");
            prop_assert!(!line.to_string().chars().any(char::is_control), "{line:?}");
        }
    }

    // If this fails, highlighting changes or loses code.
    #[test]
    fn code_stays_what_it_is(text in markdown_like(), name in prop::sample::select(vec![
        "rust", "python", "js", "c", "go", "bash", "ruby", "lua", "haskell", "sql", "json", "yaml", "css",
        "html", "diff", "nothing",
    ])) {
        let whole: String = parts(&text, language(name)).iter().map(|(_, part)| *part).collect();
        prop_assert_eq!(whole, text);
    }

    // If this fails, an answer looks one way while it comes and another way afterwards.
    #[test]
    fn growing_ends_where_the_whole_is(text in markdown_like(), width in 8usize..60, raw: bool) {
        // What stands below may give these a meaning: links by name, lists that become loose.
        let text = text.replace("](", "] (").replace('[', "(");
        let theme = Theme::default();
        let reading = Reading { theme: &theme, raw };
        let kept = AnswerLines::default();
        for (end, _) in text.char_indices().step_by(3) {
            kept.of(&text[..end], width, reading);
        }
        let grown: Vec<String> =
            kept.of(&text, width, reading).iter().map(|line| line.to_string()).collect();
        let whole: Vec<String> =
            answer_lines(&text, width, reading).iter().map(|line| line.to_string()).collect();
        prop_assert_eq!(grown, whole);
    }
}
