//! A version as other programs take it, in a folder of its own that appears whole or not at all. Knows
//! which file is called what; the formats are `model/adapter`'s.

use super::{Error, Registry, Result};
use crate::kernels::WrittenFormat;
use crate::model::adapter::{AdapterFolder, ExportFailure, Origin, write_lora, write_merged};
use crate::model::{self, Gguf, Model, StoredModel};
use crate::store::{self, atomic};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// The adapter as PEFT's files.
    Peft,
    /// A whole model, the adapter folded into its base, with matrices stored so.
    Merged(WrittenFormat),
    /// The adapter alone, as llama.cpp reads it.
    Lora,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub folder: PathBuf,
    /// The GGUF file, where that is what was asked for.
    pub file: Option<PathBuf>,
    /// Its length.
    pub bytes: Option<u64>,
}

impl Registry {
    /// Writes a version to a folder that does not exist yet; `cancelled` stops it between two pieces.
    ///
    /// # Errors
    /// A folder that exists or cannot be written, a version that does not fit `model` (for GGUF also one
    /// that changes nothing), a weight that the format cannot hold, or [`Error::Cancelled`].
    pub fn export(
        &self,
        name: &str,
        to: &Path,
        format: ExportFormat,
        model: &Model,
        cancelled: &AtomicBool,
    ) -> Result<Exported> {
        let loaded = match format {
            ExportFormat::Peft => self.folder(name)?.load(model)?,
            ExportFormat::Merged(_) | ExportFormat::Lora => self.load(name, model)?,
        };
        if to.symlink_metadata().is_ok() {
            return Err(Error::Exists(to.to_owned()));
        }
        let ending = match format {
            ExportFormat::Peft => {
                atomic::new_folder(to, |folder| -> Result<()> {
                    let folder = AdapterFolder::new(folder);
                    Ok(folder.write(&loaded.lora, loaded.metadata.as_ref(), model)?)
                })?;
                return Ok(Exported { folder: to.to_owned(), file: None, bytes: None });
            }
            ExportFormat::Merged(format) => format!("{format:?}"),
            ExportFormat::Lora => "LoRA-F32".to_owned(),
        };
        let origin = Origin { adapter: name, base: model.identity() };
        let file_name = format!("{}-{name}-{ending}.gguf", without_format(model.name()));
        let shown = to.join(&file_name);
        let bytes = atomic::new_folder(to, |folder| {
            let cannot = |source| Error::from(store::Error::io("write", &shown, source));
            let file = File::create_new(folder.join(&file_name)).map_err(cannot)?;
            let mut out = BufWriter::with_capacity(1 << 20, Stoppable { file: &file, cancelled });
            let written = match format {
                ExportFormat::Merged(format) => {
                    let base = gguf_of(model)?;
                    write_merged(&base, &loaded.lora, origin, format, &mut out)
                }
                _ => write_lora(model.network.architecture(), &loaded.lora, origin, &mut out),
            };
            written.and_then(|()| Ok(out.flush()?)).map_err(|failure| match failure {
                ExportFailure::Output(_) if cancelled.load(Ordering::Relaxed) => Error::Cancelled,
                ExportFailure::Output(source) => cannot(source),
                ExportFailure::Model(error) => error.into(),
            })?;
            // What is left in it was flushed above, or the write has failed.
            drop(out);
            file.sync_all().map_err(cannot)?;
            Ok::<u64, Error>(file.metadata().map_err(cannot)?.len())
        })?;
        Ok(Exported { folder: to.to_owned(), file: Some(shown), bytes: Some(bytes) })
    }
}

/// The file that a whole model is made from.
fn gguf_of(model: &Model) -> Result<Gguf> {
    match StoredModel::open(model.file())? {
        StoredModel::Gguf(gguf) => Ok(gguf),
        StoredModel::Folder(_) => {
            Err(model::Error::Unsupported {
                what: "a merged GGUF file of a base model that is a folder of safetensors".into(),
                supported:
                    "peft and gguf-lora; PEFT folds the first into the folder (merge_and_unload)"
                        .into(),
            }
            .into())
        }
    }
}

/// A file that takes no more once the switch is thrown.
struct Stoppable<'a> {
    file: &'a File,
    cancelled: &'a AtomicBool,
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.cancelled.load(Ordering::Relaxed) {
            true => Err(io::Error::other("cancelled")),
            false => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A model file's name without the format of its weights (`SmolLM2-135M-Instruct.Q4_1`), which is not
/// that of the new file.
fn without_format(name: &str) -> &str {
    let Some((before, last)) = name.rsplit_once(['.', '-']) else { return name };
    let last = last.to_ascii_uppercase();
    let digit = |prefix: &str| {
        last.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_format = digit("Q") || digit("IQ") || ["F32", "F16", "BF16"].contains(&&*last);
    if is_format && !before.is_empty() { before } else { name }
}

#[cfg(test)]
mod tests {
    use super::without_format;

    #[test]
    fn only_a_format_is_taken_off_a_name() {
        for (name, wanted) in [
            ("SmolLM2-135M-Instruct.Q4_1", "SmolLM2-135M-Instruct"),
            ("llama-3-q4_k_m", "llama-3"),
            ("tiny-BF16", "tiny"),
            ("SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct"),
            ("Qwen", "Qwen"),
            (".Q8_0", ".Q8_0"),
        ] {
            assert_eq!(without_format(name), wanted);
        }
    }
}
