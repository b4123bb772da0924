//! Which model a person means: a name of the list, a beginning that only one has, a file's name, a path, or
//! a name as ollama says it.

use std::path::Path;

use super::{Keeper, LocalModel};
use crate::model::source::OLLAMA;

/// A name that means no model of the list, or several.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    #[error(
        "no model {0} on this machine; `kaizen models list` shows what is here, `kaizen models get OWNER/REPO` fetches one"
    )]
    Unknown(String),
    #[error("{name} may mean several models: {}; name one of them", candidates.join(", "))]
    Several { name: String, candidates: Vec<String> },
}

/// The model of `models` that `name` means.
///
/// # Errors
/// A name that means none, or several that are not the same file.
pub fn choose<'a>(name: &str, models: &'a [LocalModel]) -> Result<&'a LocalModel, NameError> {
    let path = Path::new(name);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let wanted = name.to_lowercase();
    let is = |known: &str| known.to_lowercase() == wanted;
    let begins = |known: &str| known.to_lowercase().starts_with(&wanted);
    let of_ollama = |model: &LocalModel| match model.keeper {
        Keeper::Ollama => model.name.strip_prefix(OLLAMA).map(str::to_owned),
        _ => None,
    };
    let file = |model: &LocalModel| {
        let last = model.name.rsplit(['/', ':']).next().unwrap_or_default();
        match model.keeper {
            Keeper::Ollama => None,
            _ => Some(last.to_owned()),
        }
    };
    // From the strictest reading to the loosest; the first that finds anything counts.
    let readings: [&dyn Fn(&LocalModel) -> bool; 8] = [
        &|model| model.name == name,
        &|model| !name.is_empty() && model.path == absolute,
        &|model| is(&model.name),
        &|model| of_ollama(model).is_some_and(|known| is(&known)),
        &|model| {
            of_ollama(model).is_some_and(|known| known.to_lowercase() == format!("{wanted}:latest"))
        },
        &|model| file(model).is_some_and(|known| is(&known)),
        &|model| begins(&model.name) || of_ollama(model).is_some_and(|known| begins(&known)),
        &|model| file(model).is_some_and(|known| begins(&known)),
    ];
    for reading in readings {
        if wanted.is_empty() {
            break;
        }
        let found: Vec<&LocalModel> = models.iter().filter(|model| reading(model)).collect();
        match found.as_slice() {
            [] => {}
            [only] => return Ok(only),
            [first, rest @ ..] if rest.iter().all(|other| other.path == first.path) => {
                return Ok(first);
            }
            several => {
                let mut candidates: Vec<String> =
                    several.iter().map(|model| model.name.clone()).collect();
                // Names that are the same are told apart by their paths.
                candidates.dedup();
                if candidates.len() < several.len() {
                    candidates = several.iter().map(|m| m.path.display().to_string()).collect();
                }
                return Err(NameError::Several { name: name.to_owned(), candidates });
            }
        }
    }
    Err(NameError::Unknown(name.to_owned()))
}
