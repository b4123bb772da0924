//! An adapter as other programs take it: folded into its base model as one GGUF file, or as a LoRA file
//! that llama.cpp adds to the base when it loads it (`src/llama-adapter.cpp` there). Knows nothing of where
//! the files go, nor of versions.
//!
//! GGUF orders the rows of q and k otherwise than PEFT ([`Architecture::rows_in_file`]), so here the rows
//! of their B are put into the file's order; A is the same in both.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::gguf::{self, Gguf, NewTensor, TensorInfo, Value};
use super::super::lora::{Lora, PairPlace};
use super::super::{Architecture, Error};
use super::BaseModel;
use crate::kernels::{BlockFormat, Matrix, WrittenFormat, add_product, dequantise, quantise};

/// Who an exported file comes from; written into it.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The adapter's name here, as in `lora-v1`.
    pub adapter: &'a str,
    pub base: &'a BaseModel,
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailure {
    /// The new file took no more.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// The base model's file, or a value in it or in the adapter, stands in the way.
    #[error(transparent)]
    Model(#[from] Error),
}

/// Elements that are expanded at a time: a piece of the largest tensor is a few MiB, whatever its size.
const PIECE: usize = 1 << 20;

/// llama.cpp's numbers for `general.file_type`.
fn file_type(format: WrittenFormat) -> u32 {
    match format {
        WrittenFormat::F32 => 0,
        WrittenFormat::F16 => 1,
        WrittenFormat::Q8_0 => 7,
    }
}

/// Writes `base` with the adapter folded in, `W + scale · B·A`, as a whole model.
///
/// Matrices are stored in `format` (rows that are no whole blocks of Q8_0 in F16); vectors, such as norms,
/// and all metadata are copied.
///
/// # Errors
/// A base file that cannot be read or that the adapter does not fit, a weight that `format` cannot
/// hold, or whatever `out` reports.
pub fn write_merged(
    base: &Gguf,
    lora: &Lora,
    origin: Origin,
    format: WrittenFormat,
    out: &mut dyn Write,
) -> Result<(), ExportFailure> {
    let architecture = Architecture::from_gguf(base)?;
    let mut sources: Vec<&TensorInfo> = base.tensors.values().collect();
    // As the file has them, so that it is read from front to back.
    sources.sort_by_key(|info| info.offset);
    let mut adapted: BTreeMap<String, &PairPlace> =
        lora.places().iter().map(|place| (weight_name(place), place)).collect();
    let mut pieces = Vec::with_capacity(sources.len());
    let mut tensors = Vec::with_capacity(sources.len());
    for &info in &sources {
        let place = adapted.remove(&info.name);
        if let Some(place) = place
            && info.shape != [place.outputs, place.inputs]
        {
            return Err(base
                .unusable(format!(
                    "tensor {:?} has shape {:?}, the adapter is for {:?}",
                    info.name,
                    info.shape,
                    [place.outputs, place.inputs]
                ))
                .into());
        }
        let written = written_format(info, format);
        tensors.push(NewTensor {
            name: info.name.clone(),
            shape: info.shape.clone(),
            kind: written.map_or(info.kind, BlockFormat::from),
        });
        pieces.push((written, place));
    }
    if let Some(name) = adapted.keys().next() {
        return Err(base.unusable(format!("it has no tensor {name:?} for the adapter")).into());
    }

    let metadata = merged_metadata(base, lora, origin, format)?;
    gguf::write(out, &metadata, &tensors, |index, out| {
        let (info, (written, place)) = (sources[index], pieces[index]);
        match (written, place) {
            (Some(written), place) if place.is_some() || info.kind != written.into() => {
                let pair = place.map(|place| (place, b_in_file(lora, place, &architecture)));
                write_matrix(
                    base,
                    info,
                    written,
                    pair.as_ref().map(|(p, b)| (lora, *p, &b[..])),
                    out,
                )
            }
            _ => copy(base, info, out),
        }
    })
}

/// What a tensor is stored as; none for those that are copied.
fn written_format(info: &TensorInfo, wanted: WrittenFormat) -> Option<WrittenFormat> {
    let [_, .., row] = info.shape[..] else { return None };
    match wanted {
        WrittenFormat::Q8_0 if !row.is_multiple_of(BlockFormat::Q8_0.block_len()) => {
            Some(WrittenFormat::F16)
        }
        other => Some(other),
    }
}

fn copy(base: &Gguf, info: &TensorInfo, out: &mut dyn Write) -> Result<(), ExportFailure> {
    for start in (0..info.bytes).step_by(PIECE) {
        out.write_all(&base.read_part(info, start..(start + PIECE).min(info.bytes))?)?;
    }
    Ok(())
}

/// Writes one matrix, some rows at a time; `pair` is the adapter, the place of its pair, and B in the
/// file's order.
fn write_matrix(
    base: &Gguf,
    info: &TensorInfo,
    format: WrittenFormat,
    pair: Option<(&Lora, &PairPlace, &[f32])>,
    out: &mut dyn Write,
) -> Result<(), ExportFailure> {
    let columns = info.shape.last().copied().unwrap_or(1);
    let rows = info.shape.iter().product::<usize>() / columns;
    let row_bytes = info.bytes / rows;
    let step = (PIECE / columns).max(1);
    let (mut values, mut bytes) = (Vec::new(), Vec::new());
    for start in (0..rows).step_by(step) {
        let end = (start + step).min(rows);
        values.resize((end - start) * columns, 0.0);
        dequantise(
            info.kind,
            &base.read_part(info, start * row_bytes..end * row_bytes)?,
            &mut values,
        );
        if let Some((lora, place, b)) = pair {
            let (rank, scale) = (lora.config().rank, lora.config().scale());
            let a = Matrix::new(&lora.parameters[place.a.clone()], rank, columns);
            let b = Matrix::new(&b[start * rank..end * rank], end - start, rank);
            add_product(b, a, scale, &mut values);
        }
        bytes.clear();
        quantise(format, &values, &mut bytes).map_err(|unstorable| {
            base.unusable(format!(
                "in tensor {:?} {unstorable}; keep it as base and adapter (--format gguf-lora)",
                info.name
            ))
        })?;
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn merged_metadata(
    base: &Gguf,
    lora: &Lora,
    origin: Origin,
    format: WrittenFormat,
) -> Result<BTreeMap<String, Value>, Error> {
    let mut metadata = base.metadata.clone();
    // These tell how the base came about, which is no longer how this file did.
    metadata.retain(|key, _| {
        !key.starts_with("general.base_model.")
            && !key.starts_with("quantize.")
            && key != "general.quantized_by"
    });
    let base_name = base.optional_str("general.name")?.unwrap_or(&origin.base.name).to_owned();
    put_origin(&mut metadata, &base_name, lora, origin);
    metadata.insert("general.file_type".into(), Value::U32(file_type(format)));
    if format == WrittenFormat::Q8_0 {
        // The version of ggml's blocks; 2 since May 2023.
        metadata.insert("general.quantization_version".into(), Value::U32(2));
    }
    Ok(metadata)
}

/// Says in the file what it was made from.
fn put_origin(
    metadata: &mut BTreeMap<String, Value>,
    base_name: &str,
    lora: &Lora,
    origin: Origin,
) {
    for (key, text) in [
        ("general.name", format!("{base_name} {}", origin.adapter)),
        ("general.base_model.0.name", base_name.to_owned()),
        ("kaizen.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("kaizen.base.name", origin.base.name.clone()),
        ("kaizen.base.sha256", origin.base.sha256.clone()),
        ("kaizen.adapter.name", origin.adapter.to_owned()),
        ("kaizen.adapter.sha256", lora.sha256()),
    ] {
        metadata.insert(key.into(), Value::String(text));
    }
    metadata.insert("general.base_model.count".into(), Value::U32(1));
}

/// Writes the adapter alone, as llama.cpp reads it with `--lora`: for each adapted weight
/// `NAME.lora_a` `(rank, in)` and `NAME.lora_b` `(out, rank)`, in F32 as they were learnt.
///
/// # Errors
/// An adapter that llama.cpp would not scale as we do, or whatever `out` reports.
pub fn write_lora(
    architecture: &Architecture,
    lora: &Lora,
    origin: Origin,
    out: &mut dyn Write,
) -> Result<(), ExportFailure> {
    let rank = lora.config().rank;
    // llama.cpp multiplies by alpha / rank; rank-stabilised adapters get there by another alpha.
    let alpha = lora.config().scale() * rank as f32;
    if alpha == 0.0 {
        return Err(Error::Unsupported {
            what: "an adapter with alpha 0 as a LoRA file (llama.cpp would take it for 1)".into(),
            supported: "any other alpha".into(),
        }
        .into());
    }
    let mut metadata = BTreeMap::new();
    put_origin(&mut metadata, &origin.base.name, lora, origin);
    for (key, text) in [
        ("general.type", "adapter"),
        ("general.architecture", architecture.family.gguf()),
        ("adapter.type", "lora"),
    ] {
        metadata.insert(key.into(), Value::String(text.to_owned()));
    }
    metadata.insert("adapter.lora.alpha".into(), Value::F32(alpha));
    metadata.insert("general.file_type".into(), Value::U32(file_type(WrittenFormat::F32)));

    let tensor = |name, shape| NewTensor { name, shape, kind: BlockFormat::F32 };
    let tensors: Vec<NewTensor> = lora
        .places()
        .iter()
        .flat_map(|place| {
            let name = weight_name(place);
            [
                tensor(format!("{name}.lora_a"), vec![rank, place.inputs]),
                tensor(format!("{name}.lora_b"), vec![place.outputs, rank]),
            ]
        })
        .collect();
    gguf::write(out, &metadata, &tensors, |index, out| {
        let place = &lora.places()[index / 2];
        let values = match index % 2 {
            0 => lora.parameters[place.a.clone()].to_vec(),
            _ => b_in_file(lora, place, architecture),
        };
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(out.write_all(&bytes)?)
    })
}

/// GGUF's name of the weight that a pair adapts.
fn weight_name(place: &PairPlace) -> String {
    format!("blk.{}.{}.weight", place.layer, place.projection.gguf())
}

/// B with its rows as the file has those of the weight.
fn b_in_file(lora: &Lora, place: &PairPlace, architecture: &Architecture) -> Vec<f32> {
    let (b, rank) = (&lora.parameters[place.b.clone()], lora.config().rank);
    let Some(order) = architecture.rows_in_file(place.projection) else { return b.to_vec() };
    let mut ordered = vec![0.0; b.len()];
    for (row, in_file) in b.chunks_exact(rank).zip(order) {
        ordered[in_file * rank..(in_file + 1) * rank].copy_from_slice(row);
    }
    ordered
}
