//! Changes one key of a `config.toml` and leaves everything else, comments included, as it stands.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, Value};

use super::error::{Error, Place, Result};
use super::{Config, DefaultModel};

/// What a new file begins with: it makes the folder a home.
const NEW: &str = "kaizen = 1\n";

/// The text of a `config.toml` in which `name` is the model used when `--model` is not given. Without a
/// text a new file is made; `file` only names it in errors.
///
/// # Errors
/// A text that is no valid configuration: it is not touched before it is.
pub fn with_default_model(text: Option<&str>, file: &Path, name: &str) -> Result<String> {
    let text = text.unwrap_or(NEW);
    let before = Config::parse(text, file)?;
    let wrong = |problem: String| Error::Invalid {
        place: Place::Line { file: file.to_path_buf(), line: 1 },
        key: "model.default".to_owned(),
        problem,
    };
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| wrong(error.message().to_owned()))?;
    let model = document.entry("model").or_insert_with(|| Item::Table(Table::new()));
    let model = model
        .as_table_like_mut()
        .ok_or_else(|| wrong("cannot be set: `model` is no table".to_owned()))?;
    match model.get_mut("default").and_then(Item::as_value_mut) {
        Some(written) => {
            let decor = written.decor().clone();
            *written = Value::from(name);
            *written.decor_mut() = decor;
        }
        None => {
            model.insert("default", Item::Value(Value::from(name)));
        }
    }
    let changed = document.to_string();
    let mut wanted = before;
    wanted.model.default = match name {
        "sources" => DefaultModel::Sources,
        name => DefaultModel::Named(name.to_owned()),
    };
    match Config::parse(&changed, file)? == wanted {
        true => Ok(changed),
        false => Err(wrong("cannot be set without changing other keys; set it by hand".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn edited(text: &str) -> String {
        with_default_model(Some(text), Path::new("config.toml"), "ollama:a:b").unwrap()
    }

    // If this fails, choosing a model destroys what a person wrote about their settings.
    #[test]
    fn comments_and_order_stay() {
        let text = "kaizen = 1 # mine\n\n# which\n[model]\n# the small one\ndefault = \"sources\" # for now\n\n[train]\nrank = 4 # small\n";
        assert_eq!(edited(text), text.replace("\"sources\"", "\"ollama:a:b\""));
        let shipped =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml"))
                .unwrap();
        assert_eq!(
            edited(&shipped),
            shipped.replace("default = \"sources\"", "default = \"ollama:a:b\"")
        );
    }

    #[test]
    fn every_way_to_write_the_section_is_understood() {
        for text in [
            "",
            "kaizen = 1",
            "model.precision = \"f32\"",
            "model = { precision = \"f32\" }",
            "[train]\nrank = 2",
            "[[model.sources]]\nkind = \"file\"\npath = \"x\"\n",
            "[model]\npaths = [\"a\"]\n[[model.sources]]\nkind = \"file\"\npath = \"x\"\n",
        ] {
            let changed = edited(text);
            assert!(changed.contains("\"ollama:a:b\""), "{changed}");
        }
        let new = with_default_model(None, Path::new("config.toml"), "a/b").unwrap();
        assert_eq!(new, "kaizen = 1\n\n[model]\ndefault = \"a/b\"\n");
    }

    #[test]
    fn a_file_with_a_slip_is_left_alone_and_named() {
        let error = with_default_model(Some("[train]\nrank = 0"), Path::new("my.toml"), "a/b");
        assert!(error.unwrap_err().to_string().starts_with("my.toml, line 2: train.rank"));
    }
}
