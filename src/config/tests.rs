//! A person who misspells a key or a value learns it at once, and the shipped file says the truth.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::rules::RULES;
use super::*;

fn parse(text: &str) -> Result<Config> {
    Config::parse(text, Path::new("config.toml"))
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn shipped() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml")).unwrap()
}

/// Dotted keys with a value; the entries of `model.sources` count as one key.
fn keys(table: &toml::Table, parent: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in table {
        let path = if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
        match value {
            toml::Value::Table(inner) => found.extend(keys(inner, &path)),
            _ => found.push(path),
        }
    }
    found.sort();
    found
}

/// Otherwise the file that teaches the settings would teach wrong ones.
#[test]
fn shipped_file_is_exactly_the_defaults() {
    let text = shipped();
    assert_eq!(parse(&text).unwrap(), Config::default());
    assert!(text.starts_with("kaizen = 1"));

    let written = keys(&text.parse().unwrap(), "");
    let existing = keys(&toml::Table::try_from(Config::default()).unwrap(), "");
    assert_eq!(written, existing, "a key is missing in config.toml");
    let mut ruled: Vec<String> = RULES.iter().map(|rule| rule.key.to_owned()).collect();
    ruled.sort();
    assert_eq!(ruled, existing, "a key has no rule");
}

#[test]
fn a_file_changes_what_it_names_and_nothing_else() {
    let config = parse("[train]\nrank = 4\ntargets = [\"q\", \"v\"]\nalpha = 8").unwrap();
    let mut expected = Config::default();
    expected.train.rank = 4;
    expected.train.alpha = 8.0;
    expected.train.targets = vec![Projection::Q, Projection::V];
    assert_eq!(config, expected);
    assert_eq!(parse("").unwrap(), Config::default());
}

#[test]
fn special_words_are_read() {
    let config = parse(
        "model.default = \"owner/repo\"\nmodel.precision = \"f32\"\n\
         error_driven.perplexity_threshold = 50\ntrain.schedule = \"linear\"\n\
         runtime.device = \"cuda\"",
    )
    .unwrap();
    assert_eq!(config.model.default, DefaultModel::Named("owner/repo".to_owned()));
    assert_eq!(config.model.precision, Precision::F32);
    assert_eq!(config.error_driven.perplexity_threshold, PerplexityThreshold::Fixed(50.0));
    assert_eq!(config.train.schedule, Schedule::Linear);
    assert_eq!(config.runtime.device, DeviceChoice::Cuda);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_known_ones() {
    let line = refusal("kaizen = 1\n[runtime]\nthread = 2");
    assert_eq!(
        line,
        "config.toml, line 3: unknown key `runtime.thread`; known here: threads, device"
    );
    let line = refusal("[router]\nx = 1");
    assert!(line.starts_with("config.toml, line 1: unknown key `router`; known here: kaizen"));
}

#[test]
fn a_wrong_type_is_named_with_what_was_found_and_what_is_allowed() {
    assert_eq!(
        refusal("[train]\n\nrank = \"sixteen\""),
        "config.toml, line 3: train.rank is \"sixteen\"; allowed: a whole number, 1 or more"
    );
    assert_eq!(
        refusal("[train]\nrank = -1"),
        "config.toml, line 2: train.rank is -1; allowed: a whole number, 1 or more"
    );
    assert_eq!(
        refusal("[train]\nschedule = \"step\""),
        "config.toml, line 2: train.schedule is \"step\"; \
         allowed: \"cosine\", \"linear\" or \"constant\""
    );
    assert_eq!(
        refusal("error_driven = { perplexity_threshold = \"most\" }"),
        "config.toml, line 1: error_driven.perplexity_threshold is \"most\"; \
         allowed: \"auto\" or a number, 1 or more"
    );
    let line = refusal("[train]\ntargets = [\"q\", \"x\"]");
    assert!(line.starts_with("config.toml, line 2: train.targets[1] is \"x\"; allowed: one or"));
    let line = refusal("train = 3");
    assert!(line.starts_with("config.toml, line 1: train "), "{line}");
}

#[test]
fn a_value_out_of_range_is_refused() {
    for (line, key, found) in [
        ("train.rank = 0", "train.rank", "0"),
        ("train.dropout = 1.0", "train.dropout", "1.0"),
        ("train.dropout = nan", "train.dropout", "nan"),
        ("train.learning_rate = inf", "train.learning_rate", "inf"),
        ("train.targets = []", "train.targets", "[]"),
        ("train.targets = [\"q\",\"q\"]", "train.targets", "[\"q\",\"q\"]"),
        ("generate.temperature = -0.1", "generate.temperature", "-0.1"),
        ("generate.top_p = 0", "generate.top_p", "0"),
        ("generate.top_p = 1.01", "generate.top_p", "1.01"),
        ("feedback.failed_rating = 5", "feedback.failed_rating", "5"),
        ("feedback.failed_rating = 900", "feedback.failed_rating", "900"),
        ("error_driven.perplexity_threshold = 0.5", "error_driven.perplexity_threshold", "0.5"),
        ("model.default = \"\"", "model.default", "\"\""),
        ("model.paths = [\"\"]", "model.paths", "[\"\"]"),
        ("kaizen = 2", "kaizen", "2"),
    ] {
        let message = refusal(&format!("# one\n\n{line}\n"));
        let expected = format!("config.toml, line 3: {key} is {found}; allowed: ");
        assert!(message.starts_with(&expected), "{message}");
        assert!(!message.contains('\n'));
    }
}

#[test]
fn a_wrong_source_is_named_with_what_it_needs() {
    let source = |rest: &str| refusal(&format!("[[model.sources]]\n{rest}"));
    let line = source("kind = \"hub\"\nrepo = \"a/b\"");
    assert!(line.contains("model.sources[0] has no `file`; a hub source needs it"), "{line}");
    let line = source("kind = \"hub\"\nrepo = \"b\"\nfile = \"x.gguf\"");
    assert!(line.contains("it is written \"owner/name\""), "{line}");
    let line = source("kind = \"hub\"\nrepo = \"a/b\"\nfile = \"../x.gguf\"");
    assert!(line.contains("without .."), "{line}");
    let line = source("kind = \"file\"\npath = \"x\"\nrepo = \"a/b\"");
    assert!(line.contains("has a `repo`, which a file source does not take"), "{line}");
    let line = source("kind = \"file\"\npath = \"x\"\nsha256 = \"abc\"");
    assert!(line.contains("64 hexadecimal digits"), "{line}");
    let line = source("kind = \"ftp\"\npath = \"x\"");
    assert!(line.contains("line 2: model.sources[0].kind"), "{line}");
    let line = source("kind = \"file\"\nfolder = \"x\"");
    assert!(line.contains("line 3: unknown key `model.sources[0].folder`"), "{line}");
}

// If this fails, somebody's keys are read as others, or a slip in them is told without its place.
#[test]
fn keys_are_one_several_or_none() {
    let text = "[keys]\nsend = \"ctrl-s\"\nhelp = [\"f1\", \"?\"]\nquit = []\n[tui]\nmouse = false";
    let config = parse(text).unwrap();
    let spelled = |name: &str| config.keys.0.get(name).unwrap().spelled().to_vec();
    assert_eq!(spelled("send"), ["ctrl-s"]);
    assert_eq!(spelled("help"), ["f1", "?"]);
    assert!(spelled("quit").is_empty() && !config.tui.mouse && !config.tui.counts);
    let written = toml::to_string(&config).unwrap();
    assert_eq!(parse(&written).unwrap(), config);
    let line = refusal("[keys]\nsend = 3");
    assert_eq!(
        line,
        "config.toml, line 2: keys.send is 3; allowed: a key such as \"ctrl-s\", a list of keys, or [] for none"
    );
    let refusal = Refusal { key: "keys.send".into(), problem: "is wrong".into() };
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), "\n[keys]\nsend = \"x\"").unwrap();
    let told = Config::refuse(home.path(), None, refusal).to_string();
    assert!(told.ends_with("config.toml, line 3: keys.send is wrong"), "{told}");
}

#[test]
fn text_that_is_not_toml_is_refused_in_one_line() {
    for text in ["[train\nrank = 1", "rank = = 1", "[train]\nrank = 1\nrank = 2", "\u{0}"] {
        let line = refusal(text);
        assert!(line.starts_with("config.toml, line "), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

/// A value set by a flag is refused as one in the file is, rather than failing deep in a run.
#[test]
fn values_set_after_loading_are_checked() {
    let mut config = Config::default();
    assert!(config.check().is_ok());
    config.train.rank = 0;
    let line = config.check().unwrap_err().to_string();
    assert_eq!(line, "settings: train.rank is 0; allowed: a whole number, 1 or more");
}

#[test]
fn a_missing_file_means_defaults_unless_it_was_asked_for() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(Config::load(home.path(), None).unwrap(), Config::default());
    let line = Config::load(home.path(), Some(&home.path().join("my.toml"))).unwrap_err();
    assert!(line.to_string().contains("my.toml"));
    std::fs::write(home.path().join("config.toml"), "train.rank = 2").unwrap();
    assert_eq!(Config::load(home.path(), None).unwrap().train.rank, 2);
    std::fs::write(home.path().join("config.toml"), [0xff, 0xfe]).unwrap();
    // Nobody named that file, so nobody is told to look at a flag.
    let line = Config::load(home.path(), None).unwrap_err().to_string();
    assert!(line.contains("not UTF-8") && !line.contains("--config"), "{line}");
}

/// Otherwise a person's ratings land in a folder that they did not mean.
#[test]
fn home_is_the_flag_then_the_environment_then_a_marked_folder_then_the_users_data() {
    let current = tempfile::tempdir().unwrap();
    let here = current.path();
    let data = home_root(None, None, here).unwrap();
    assert!(data.ends_with("kaizen") && data.is_absolute() && data != here);

    std::fs::write(here.join("config.toml"), "name = \"another program\"").unwrap();
    assert_eq!(home_root(None, None, here).unwrap(), data);
    std::fs::write(here.join("config.toml"), "# mine\nkaizen = 1 # yes\n[train]\nrank = = 3")
        .unwrap();
    assert_eq!(home_root(None, None, here).unwrap(), here, "a slip in it is reported later");
    std::fs::write(here.join("config.toml"), "kaizen = 1").unwrap();
    assert_eq!(home_root(None, Some("".as_ref()), here).unwrap(), here);
    assert_eq!(home_root(None, Some("/e".as_ref()), here).unwrap(), Path::new("/e"));
    let flag = home_root(Some(Path::new("f")), Some("/e".as_ref()), here).unwrap();
    assert_eq!(flag, here.join("f"));
}

// If this fails, a person's theme is taken for another, or a word that means nothing is passed over.
#[test]
fn a_theme_of_ones_own_is_read_and_what_it_cannot_be_is_said() {
    let config = parse(
        "[theme]\nname = \"high-contrast\"\n[theme.styles]\n\
         accent = { fg = \"#ff8700\", bold = false }\nheat-5 = { fg = 16, bg = \"bright-red\" }\n\
         text = { bg = \"default\" }",
    )
    .unwrap();
    assert_eq!(config.theme.name, ThemeName::HighContrast);
    let accent = config.theme.styles.get("accent").unwrap();
    assert_eq!((accent.fg, accent.bold), (Some(Colour::Exact([255, 135, 0])), Some(false)));
    let heat = config.theme.styles.get("heat-5").unwrap();
    assert_eq!((heat.fg, heat.bg), (Some(Colour::Number(16)), Some(Colour::Number(9))));
    assert_eq!(config.theme.styles.get("text").unwrap().bg, Some(Colour::Default));
    assert_eq!(config.theme.styles.get("bad"), None);

    assert_eq!(
        refusal("[theme]\nname = \"dusk\""),
        "config.toml, line 2: theme.name is \"dusk\"; \
         allowed: \"auto\", \"dark\", \"light\" or \"high-contrast\""
    );
    let line = refusal("[theme.styles]\nacent = { bold = true }");
    let known =
        "config.toml, line 2: unknown key `theme.styles.acent`; known here: text, dim, accent";
    assert!(line.starts_with(known), "{line}");
    let line = refusal("[theme.styles]\naccent = { blink = true }");
    assert!(line.contains("unknown key `theme.styles.accent.blink`; known here: fg, bg"), "{line}");
    for (written, found) in [
        ("\"purple\"", "\"purple\""),
        ("\"#12345\"", "\"#12345\""),
        ("\"#+12345\"", "\"#+12345\""),
        ("256", "256"),
    ] {
        let line = refusal(&format!("[theme.styles]\nbad = {{ fg = {written} }}"));
        let told =
            format!("line 2: theme.styles.bad.fg is {found}; allowed: \"#rrggbb\", a number");
        assert!(line.contains(&told), "{line}");
    }
    let line = refusal("[theme.styles]\nbad = \"red\"");
    assert!(line.contains("line 2: theme.styles.bad "), "{line}");
}
