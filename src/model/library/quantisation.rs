//! What people call the way a file's weights are stored: `general.file_type` in the words of llama.cpp,
//! else the commonest type of its tensors.

use std::collections::BTreeMap;

use crate::model::Gguf;
use crate::model::gguf::Value;

/// Set in `general.file_type` when the writer only guessed it.
const GUESSED: usize = 1024;

/// The name of an opened file's quantisation.
pub(super) fn of_gguf(gguf: &Gguf) -> Option<String> {
    named(&gguf.metadata).or_else(|| {
        let mut elements: BTreeMap<&str, usize> = BTreeMap::new();
        for tensor in gguf.tensors.values() {
            let count = tensor.shape.iter().fold(1usize, |product, n| product.saturating_mul(*n));
            let sum = elements.entry(tensor.kind.name()).or_default();
            *sum = sum.saturating_add(count);
        }
        let commonest = elements.into_iter().max_by_key(|(_, count)| *count);
        commonest.map(|(name, _)| name.to_owned())
    })
}

/// As the metadata says it.
pub(super) fn named(metadata: &BTreeMap<String, Value>) -> Option<String> {
    let number = metadata.get("general.file_type")?.as_usize()?;
    file_type(number & !GUESSED).map(str::to_owned)
}

/// llama.cpp's names of its `llama_ftype`s.
fn file_type(number: usize) -> Option<&'static str> {
    Some(match number {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4",
        _ => return None,
    })
}
