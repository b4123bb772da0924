//! What `--model` names: a file on this machine, one on the hub or one of ollama's, and which file of a
//! repository is meant when none is named.

use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::ollama::OLLAMA;

/// A model as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ModelName {
    /// A GGUF file, or a folder of safetensors.
    File(PathBuf),
    Hub {
        repo: String,
        file: Option<String>,
    },
    /// As ollama says it, without the `ollama:` before it.
    Ollama(String),
}

impl ModelName {
    /// Reads `--model`: what exists is a file, or a folder with a `config.json`; what ends in `.gguf` without a repository before a
    /// colon should be one; `owner/repo` and `owner/repo:file.gguf` are on the hub, `ollama:name:tag` is in
    /// ollama's store.
    pub fn parse(text: &str) -> Result<Self> {
        let path = Path::new(text);
        if path.is_file() || path.join("config.json").is_file() {
            return Ok(ModelName::File(path.to_path_buf()));
        }
        if path.is_dir() {
            return Err(Error::NotAFile { path: path.to_path_buf() });
        }
        if let Some(name) = text.strip_prefix(OLLAMA) {
            return Ok(ModelName::Ollama(name.to_owned()));
        }
        if let Some((repo, file)) = text.split_once(':')
            && is_repository(repo)
            && stays_inside(file)
        {
            return Ok(ModelName::Hub { repo: repo.to_owned(), file: Some(file.to_owned()) });
        }
        if is_gguf(text) {
            return Err(Error::Missing { path: path.to_path_buf() });
        }
        if is_repository(text) {
            return Ok(ModelName::Hub { repo: text.to_owned(), file: None });
        }
        Err(Error::NotAName { what: text.to_owned() })
    }
}

fn is_repository(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

fn stays_inside(file: &str) -> bool {
    !file.is_empty()
        && Path::new(file).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

pub(super) fn is_gguf(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// From most to least wanted: small first as long as quality hardly suffers.
const PREFERENCE: [&str; 8] = ["Q4_K_M", "Q8_0", "Q4_0", "Q4_1", "Q5_K_M", "Q6_K", "F16", "BF16"];

/// The model file among a repository's files, when it is clear which is meant.
pub(super) fn choose(repo: &str, files: &[String]) -> Result<String> {
    let whole = |file: &&String| {
        let name = Path::new(file.as_str()).file_name().unwrap_or_default().to_string_lossy();
        // Not a model of its own: a vision part, or one piece of a model in several.
        is_gguf(file) && !name.to_lowercase().contains("mmproj") && !name.contains("-of-0")
    };
    let models: Vec<&String> = files.iter().filter(whole).collect();
    match models.as_slice() {
        [] => Err(Error::NoModelFile { repo: repo.to_owned() }),
        [only] => Ok((*only).clone()),
        several => {
            let preferred = PREFERENCE.iter().find_map(|kind| {
                several.iter().find(|file| {
                    let stem = file.to_uppercase();
                    stem.split(['-', '.', '/']).any(|part| part == *kind)
                })
            });
            preferred.map(|file| (*file).clone()).ok_or_else(|| Error::Ambiguous {
                repo: repo.to_owned(),
                files: several.iter().map(|file| (*file).clone()).collect(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hub(repo: &str, file: Option<&str>) -> ModelName {
        ModelName::Hub { repo: repo.to_owned(), file: file.map(str::to_owned) }
    }

    /// Otherwise `--model` opens something else than what was named.
    #[test]
    fn names_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gguf");
        std::fs::write(&path, "x").unwrap();
        assert_eq!(ModelName::parse(path.to_str().unwrap()).unwrap(), ModelName::File(path));
        assert_eq!(ModelName::parse("a-b/c.d_1").unwrap(), hub("a-b/c.d_1", None));
        assert_eq!(ModelName::parse("a/b:q/c.gguf").unwrap(), hub("a/b", Some("q/c.gguf")));
        let ollama = ModelName::Ollama("me/mine:1b".to_owned());
        assert_eq!(ModelName::parse("ollama:me/mine:1b").unwrap(), ollama);
        let refused = |text: &str| ModelName::parse(text).unwrap_err();
        assert!(matches!(refused("models/none.gguf"), Error::Missing { .. }));
        assert!(matches!(refused("/none/there.GGUF"), Error::Missing { .. }));
        assert!(matches!(refused(folder.path().to_str().unwrap()), Error::NotAFile { .. }));
        for text in ["", "gpt2", "a/b/c", "../b", "a/b:../c", "https://a/b", "a b/c"] {
            assert!(matches!(refused(text), Error::NotAName { .. }), "{text}");
        }
    }

    #[test]
    fn the_file_of_a_repository_is_the_only_one_or_the_usual_one() {
        let choose = |files: &[&str]| {
            choose("a/b", &files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(choose(&["README.md", "x.odd.gguf"]).unwrap(), "x.odd.gguf");
        assert_eq!(
            choose(&["m.Q8_0.gguf", "m.Q4_K_M.gguf", "m.Q4_0.gguf"]).unwrap(),
            "m.Q4_K_M.gguf"
        );
        assert_eq!(choose(&["m-q8_0.gguf", "m-q2_k.gguf"]).unwrap(), "m-q8_0.gguf");
        assert_eq!(choose(&["mmproj-F16.gguf", "m.gguf"]).unwrap(), "m.gguf");
        let error = choose(&["m.Q2_K.gguf", "m.Q3_K_L.gguf"]).unwrap_err().to_string();
        assert!(error.contains("a/b:FILE") && error.contains("m.Q2_K.gguf, m.Q3_K_L.gguf"));
        assert!(matches!(choose(&["model.safetensors"]), Err(Error::NoModelFile { .. })));
    }
}
