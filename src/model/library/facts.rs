//! What is known of one model without loading it: its header says what it is, how large, and whether Kaizen
//! can use it. Nothing beyond the header is read, and nothing in it is trusted.

use std::collections::BTreeMap;
use std::path::Path;

use super::{model_folder, quantisation};
use crate::model::gguf::{self, Value};
use crate::model::{Architecture, Error, Gguf, StoredModel};

/// One model file, or one folder with a model in safetensors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// What its makers call it.
    pub title: Option<String>,
    pub architecture: Option<String>,
    pub parameters: Option<u64>,
    /// Such as `Q4_K_M`.
    pub quantisation: Option<String>,
    /// Longest sequence that it was made for, in tokens.
    pub context: Option<usize>,
    /// Size of the weights' files.
    pub bytes: u64,
    /// Its sizes, where Kaizen could compute with it.
    pub shape: Option<Architecture>,
    /// Why Kaizen cannot use it, if it cannot: what, why, and what to do.
    pub refusal: Option<String>,
}

impl Facts {
    pub fn is_supported(&self) -> bool {
        self.refusal.is_none()
    }

    pub(super) fn refused(bytes: u64, why: impl Into<String>) -> Self {
        Self { bytes, refusal: Some(why.into()), ..Self::default() }
    }
}

/// What is known of the GGUF file, or of the folder with safetensors, at `path`. Whatever is wrong with it
/// stands in [`Facts::refusal`].
pub fn inspect(path: &Path) -> Facts {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Facts::refused(0, "it leads to a file that is gone; fetch it again")
        }
        Err(error) => Facts::refused(0, format!("it cannot be read: {error}")),
        Ok(about) if about.is_dir() => model_folder::inspect(path),
        Ok(about) => match unfinished(path) {
            Some(why) => Facts::refused(about.len(), why),
            None => of_gguf(path, about.len()),
        },
    }
}

/// Endings that programs give to what they have not fetched to its end.
const UNFINISHED: [&str; 7] =
    ["incomplete", "part", "partial", "crdownload", "download", "downloadInProgress", "aria2"];

/// Why a file's name says that it is only half there.
pub(super) fn unfinished(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?;
    UNFINISHED.contains(&ending).then_some(
        "it is half-downloaded; let the program that fetched it go on, or fetch it again",
    )
}

fn of_gguf(path: &Path, bytes: u64) -> Facts {
    let opened = Gguf::open(path);
    // What a file is explains whatever is wrong with it, so it is told also of a damaged one.
    let beginning = match &opened {
        Ok(_) => BTreeMap::new(),
        Err(_) => gguf::read_metadata(path).unwrap_or_default(),
    };
    let metadata = opened.as_ref().map_or(&beginning, |gguf| &gguf.metadata);
    let text = |key: &str| match metadata.get(key) {
        Some(Value::String(text)) => Some(crate::store::plain_line(text)),
        _ => None,
    };
    let architecture = text("general.architecture");
    let context = architecture.as_ref().and_then(|architecture| {
        metadata.get(&format!("{architecture}.context_length")).and_then(Value::as_usize)
    });
    let parameters = opened.as_ref().ok().map(|gguf| {
        let elements = gguf.tensors.values().map(|tensor| {
            tensor.shape.iter().fold(1u64, |product, n| product.saturating_mul(*n as u64))
        });
        elements.fold(0u64, u64::saturating_add)
    });
    let other = no_language_model(path, architecture.as_deref(), metadata);
    let quantisation = match &opened {
        Ok(gguf) => quantisation::of_gguf(gguf),
        Err(_) => quantisation::named(metadata),
    };
    let title = text("general.name");
    let shape = match (opened, other) {
        (_, Some(other)) => Err(other),
        (Ok(gguf), None) => supported(gguf),
        (Err(error), None) => Err(reason(&error)),
    };
    let (shape, refusal) = match shape {
        Ok(shape) => (Some(shape), None),
        Err(why) => (None, Some(why)),
    };
    Facts { title, architecture, parameters, quantisation, context, bytes, shape, refusal }
}

/// The sizes of a file that Kaizen can compute with, or why it cannot.
fn supported(gguf: Gguf) -> Result<Architecture, String> {
    let stored = StoredModel::Gguf(gguf);
    let sizes = stored.architecture().and_then(|sizes| stored.check(&sizes).map(|()| sizes));
    sizes.map_err(|error| reason(&error))
}

/// An error of the model room without the path, which stands beside it.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::Gguf { reason, .. } | Error::ModelFolder { reason, .. } => reason.clone(),
        Error::Read { source, .. } => format!("it cannot be read: {source}"),
        error => error.to_string(),
    }
}

/// What a file is, when it says outright that it is no model of its own; what its architecture is good for,
/// [`Architecture::from_gguf`] tells.
fn no_language_model(
    path: &Path,
    architecture: Option<&str>,
    metadata: &BTreeMap<String, Value>,
) -> Option<String> {
    let kind = match metadata.get("general.type") {
        Some(Value::String(kind)) => kind.as_str(),
        _ => "",
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if kind == "mmproj" || architecture == Some("clip") || name.contains("mmproj") {
        Some("it is the vision part of another model; use the text part beside it".to_owned())
    } else if kind == "adapter" {
        Some(
            "it is an adapter, not a model; `kaizen adapters import` takes PEFT's form of one"
                .to_owned(),
        )
    } else if kind == "imatrix" {
        Some("it is a table for quantising, not a model".to_owned())
    } else {
        None
    }
}
