//! `kaizen adapters export`: one version, for other programs.

use super::super::context::Context;
use super::super::outcome::{Error, Result};
use crate::adapters::{self, ExportFormat};
use crate::kernels::WrittenFormat;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// As in lora-v1.
    version: String,
    /// Must not exist yet.
    folder: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value = "peft")]
    format: Format,
    /// How --format gguf stores the matrices [default: f16].
    #[arg(long = "type", value_enum)]
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// PEFT's files, which `adapters import` takes too.
    Peft,
    /// A whole model, the adapter folded into its base.
    Gguf,
    /// The adapter alone, for llama.cpp's --lora beside the base model.
    GgufLora,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Nearest to base and adapter, and what llama-quantize makes smaller files from.
    F16,
    /// Half the size, rounded a little more.
    #[value(name = "q8_0")]
    Q8_0,
}

pub fn run(context: &Context, arguments: &ExportArguments) -> Result<()> {
    let ExportArguments { version, folder, format, kind } = arguments;
    let format = match (format, kind) {
        (Format::Gguf, None | Some(Kind::F16)) => ExportFormat::Merged(WrittenFormat::F16),
        (Format::Gguf, Some(Kind::Q8_0)) => ExportFormat::Merged(WrittenFormat::Q8_0),
        (_, Some(_)) => {
            return Err(Error::Usage(
                "--type is for --format gguf alone; the others store what was learnt, in F32"
                    .into(),
            ));
        }
        (Format::Peft, None) => ExportFormat::Peft,
        (Format::GgufLora, None) => ExportFormat::Lora,
    };
    let runtime = context.runtime()?;
    let cancelled = Arc::new(AtomicBool::new(false));
    context.interrupt.attach(cancelled.clone());
    let exported = context
        .workplace
        .registry()
        .export(version, folder, format, runtime.model(), &cancelled)
        .map_err(|error| match error {
            adapters::Error::Cancelled => Error::Interrupted,
            other => other.into(),
        })?;
    let place = exported.file.as_ref().unwrap_or(&exported.folder).display();
    let size = match exported.bytes {
        Some(bytes) => format!(" ({} MiB)", bytes.div_ceil(1 << 20)),
        None => String::new(),
    };
    context.output.line(format!("{version} is in {place}{size}"))?;
    if let (ExportFormat::Lora, Some(file)) = (format, &exported.file) {
        context.output.line(format!(
            "It belongs to {}: llama-cli -m {0} --lora {}",
            runtime.model().file().display(),
            file.display()
        ))?;
    }
    context.output.json(&json!({
        "name": version,
        "folder": exported.folder,
        "file": exported.file,
        "bytes": exported.bytes,
    }))
}
