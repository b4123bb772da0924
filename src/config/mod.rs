//! The configuration: defaults, under `config.toml`, under what the command line sets.
//!
//! Owns the names, defaults and allowed values of every setting, and where the home folder is.
//! Knows nothing of what the settings do. The command line overrides by assigning the public
//! fields of a loaded [`Config`] and calling [`Config::check`] again.

mod dashboard;
mod document;
mod edit;
mod error;
mod home;
mod model_source;
mod rules;
mod sections;
mod theme;

use std::path::Path;

pub use dashboard::{KeyList, Keys, Tui};
pub use edit::with_default_model;
pub use error::{Error, Place, Refusal, Result};
pub use home::{CONFIG_FILE, home_root};
pub use model_source::{ModelSource, Origin};
pub use sections::{
    Config, DefaultModel, DeviceChoice, ErrorDriven, Feedback, Generate, Model,
    PerplexityThreshold, Precision, Projection, Routing, Runtime, Schedule, Train,
};
pub use theme::{Colour, STYLES, StyleChange, StyleChanges, Theme, ThemeName};

use document::Document;

impl Config {
    /// Reads the configuration of a home folder.
    ///
    /// `file` is what `--config` names and must exist; without it `HOME/config.toml` is read when
    /// it is there, and the defaults stand when it is not.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, an unknown key, a wrong type or a value out of range.
    pub fn load(home: &Path, file: Option<&Path>) -> Result<Self> {
        let path = file.map_or_else(|| home.join(CONFIG_FILE), Path::to_path_buf);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            // A home that is no folder is said when it is opened.
            Err(error)
                if file.is_none()
                    && matches!(
                        error.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                    ) =>
            {
                Ok(Self::default())
            }
            Err(source) => Err(Error::Unreadable { path, source }),
        }
    }

    /// Reads the text of a `config.toml`; `file` only names it in errors.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        let document = Document::new(text, file);
        let config: Config = toml::from_str(text).map_err(|error| document.explain(&error))?;
        match rules::first_broken(&config) {
            None => Ok(config),
            Some(rule) => Err(Error::NotAllowed {
                place: document.place(rule.key),
                key: rule.key.to_owned(),
                found: document.value(rule.key).unwrap_or_else(|| rules::shown(&config, rule.key)),
                allowed: rule.allowed.to_owned(),
            }),
        }
    }

    /// An error for what a room above refuses in the configuration of a home folder: it names the file
    /// and the line, as every other one does. `home` and `file` are as for [`Config::load`].
    pub fn refuse(home: &Path, file: Option<&Path>, refusal: Refusal) -> Error {
        let path = file.map_or_else(|| home.join(CONFIG_FILE), Path::to_path_buf);
        // It was read a moment ago; without it the key alone has to do.
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let place = Document::new(&text, &path).place(&refusal.key);
        Error::Invalid { place, key: refusal.key, problem: refusal.problem }
    }

    /// Checks every value again, after the command line has set some.
    ///
    /// # Errors
    /// The first value that is out of range, by its key.
    pub fn check(&self) -> Result<()> {
        match rules::first_broken(self) {
            None => Ok(()),
            Some(rule) => Err(Error::NotAllowed {
                place: Place::Settings,
                key: rule.key.to_owned(),
                found: rules::shown(self, rule.key),
                allowed: rule.allowed.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
