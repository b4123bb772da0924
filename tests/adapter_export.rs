//! An adapter taken to other programs, on a tiny model of two layers with shared key heads, whose down
//! projection has rows of 48 elements. If this fails, what was learnt is lost or garbled on the way.
#![allow(clippy::unwrap_used)]

use kaizen::config::Precision;
use kaizen::kernels::{BlockFormat, WrittenFormat, dequantise};
use kaizen::model::adapter::{BaseModel, ExportFailure, Origin, write_lora, write_merged};
use kaizen::model::gguf::{self, Gguf, NewTensor, Value};
use kaizen::model::lora::{Lora, LoraConfig};
use kaizen::model::network::Network;
use kaizen::model::{Architecture, Projection, StoredModel};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::io::Write;
use tempfile::NamedTempFile;

const VOCABULARY: usize = 20;

/// A base model; `largest` bounds its weights.
fn base(hidden: usize, largest: f32) -> (NamedTempFile, Gguf) {
    let head = hidden / 2;
    let mut metadata = BTreeMap::new();
    for (key, number) in [
        ("llama.block_count", 2),
        ("llama.embedding_length", hidden),
        ("llama.feed_forward_length", 48),
        ("llama.attention.head_count", 2),
        ("llama.attention.head_count_kv", 1),
        ("llama.context_length", 64),
        ("general.file_type", 0),
    ] {
        metadata.insert(key.to_owned(), Value::U32(number as u32));
    }
    for (key, text) in [
        ("general.architecture", "llama"),
        ("general.name", "Tiny"),
        ("general.base_model.0.name", "Tinier"),
        ("tokenizer.chat_template", "{{ messages }}"),
    ] {
        metadata.insert(key.to_owned(), Value::String(text.to_owned()));
    }
    metadata.insert("llama.attention.layer_norm_rms_epsilon".into(), Value::F32(1e-5));
    let mut shapes = vec![
        ("token_embd.weight".to_owned(), vec![VOCABULARY, hidden]),
        ("output_norm.weight".to_owned(), vec![hidden]),
    ];
    for layer in 0..2 {
        for (name, shape) in [
            ("attn_norm", vec![hidden]),
            ("attn_q", vec![hidden, hidden]),
            ("attn_k", vec![head, hidden]),
            ("attn_v", vec![head, hidden]),
            ("attn_output", vec![hidden, hidden]),
            ("ffn_norm", vec![hidden]),
            ("ffn_gate", vec![48, hidden]),
            ("ffn_up", vec![48, hidden]),
            ("ffn_down", vec![hidden, 48]),
        ] {
            shapes.push((format!("blk.{layer}.{name}.weight"), shape));
        }
    }
    let tensors: Vec<NewTensor> = shapes
        .into_iter()
        .map(|(name, shape)| NewTensor { name, shape, kind: BlockFormat::F32 })
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    written(|out| {
        gguf::write::<ExportFailure>(out, &metadata, &tensors, |index, out| {
            let is_norm = tensors[index].shape.len() == 1;
            for _ in 0..tensors[index].bytes() / 4 {
                let value = if is_norm { 1.0 } else { random.random_range(-largest..largest) };
                out.write_all(&f32::to_le_bytes(value))?;
            }
            Ok(())
        })
    })
}

/// Writes a file with `fill` and opens it.
fn written(
    fill: impl FnOnce(&mut dyn Write) -> Result<(), ExportFailure>,
) -> (NamedTempFile, Gguf) {
    let mut file = NamedTempFile::new().unwrap();
    fill(&mut file).unwrap();
    let opened = Gguf::open(file.path()).unwrap();
    (file, opened)
}

/// An adapter whose every element counts.
fn adapter(base: &Gguf, targets: &[Projection], rank_stabilised: bool) -> Lora {
    let config = LoraConfig {
        rank: 3,
        alpha: 5.0,
        dropout: 0.0,
        targets: targets.to_vec(),
        rank_stabilised,
    };
    let mut lora = Lora::zeros(config, &Architecture::from_gguf(base).unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(6);
    lora.parameters.iter_mut().for_each(|value| *value = random.random_range(-0.3..0.3));
    lora
}

fn identity() -> BaseModel {
    BaseModel { name: "tiny-file".into(), sha256: "5ba5e".into(), template_sha256: "7e".into() }
}

fn merged(base: &Gguf, lora: &Lora, format: WrittenFormat) -> (NamedTempFile, Gguf) {
    let identity = identity();
    let origin = Origin { adapter: "lora-v7", base: &identity };
    written(|out| write_merged(base, lora, origin, format, out))
}

fn values(gguf: &Gguf, name: &str) -> Vec<f32> {
    let info = gguf.tensor(name).unwrap();
    let mut values = vec![0.0; info.shape.iter().product()];
    dequantise(info.kind, &gguf.read(info).unwrap(), &mut values);
    values
}

fn logits(gguf: &Gguf, lora: Option<&Lora>) -> Vec<f32> {
    let stored = StoredModel::open(gguf.path()).unwrap();
    let network = Network::load(&stored, Precision::F32, |_| ()).unwrap();
    let ids: Vec<u32> = (0..VOCABULARY as u32).collect();
    let hidden = network.read(lora, &ids, std::slice::from_ref(&(0..VOCABULARY))).unwrap();
    let all: Vec<usize> = (0..VOCABULARY).collect();
    network.logits(&hidden, &all).unwrap().to_vec()
}

fn greatest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |greatest, (a, b)| greatest.max((a - b).abs()))
}

#[test]
fn the_merged_model_says_what_base_and_adapter_say() {
    let (_file, base) = base(64, 0.2);
    for (targets, stabilised) in
        [(&Projection::ALL[..], false), (&[Projection::Q, Projection::K], true)]
    {
        let lora = adapter(&base, targets, stabilised);
        let wanted = logits(&base, Some(&lora));
        let effect = greatest_difference(&wanted, &logits(&base, None));
        assert!(effect > 0.1, "the adapter hardly changes anything: {effect}");
        for (format, allowed) in
            [(WrittenFormat::F32, 1e-5), (WrittenFormat::F16, 0.003), (WrittenFormat::Q8_0, 0.03)]
        {
            let (_file, merged) = merged(&base, &lora, format);
            let off = greatest_difference(&logits(&merged, None), &wanted);
            println!("{format:?}: off by {off} of {effect}");
            assert!(off < allowed * effect.max(1.0), "{format:?}: off by {off} of {effect}");
        }
    }
}

#[test]
fn matrices_are_in_the_new_format_and_all_else_is_the_bases() {
    let (_file, base) = base(64, 0.2);
    let lora = adapter(&base, &[Projection::Q], false);
    let (_file, merged) = merged(&base, &lora, WrittenFormat::Q8_0);
    for (name, info) in &merged.tensors {
        let wanted = match (info.shape.len(), name.contains("ffn_down")) {
            (1, _) => BlockFormat::F32,
            // Rows of 48 are no whole blocks of 32.
            (_, true) => BlockFormat::F16,
            _ => BlockFormat::Q8_0,
        };
        assert_eq!(info.kind, wanted, "{name}");
        assert_eq!(info.shape, base.tensor(name).unwrap().shape);
    }
    let norm = "blk.1.ffn_norm.weight";
    assert_eq!(values(&merged, norm), values(&base, norm));
    for key in ["tokenizer.chat_template", "general.architecture", "llama.context_length"] {
        assert_eq!(merged.metadata[key], base.metadata[key]);
    }
    for (key, text) in [
        ("general.name", "Tiny lora-v7"),
        ("general.base_model.0.name", "Tiny"),
        ("kaizen.base.name", "tiny-file"),
        ("kaizen.base.sha256", "5ba5e"),
        ("kaizen.adapter.name", "lora-v7"),
        ("kaizen.adapter.sha256", &lora.sha256()),
    ] {
        assert_eq!(merged.str(key).unwrap(), text);
    }
    assert_eq!(merged.usize("general.file_type").unwrap(), 7);
    assert_eq!(merged.usize("general.quantization_version").unwrap(), 2);
}

/// What llama.cpp computes from the file, `alpha / rank · B·A` added to each weight as the base file has
/// it, is what the merged model holds.
#[test]
fn a_lora_file_adds_what_merging_adds() {
    let (_file, base) = base(64, 0.2);
    let identity = identity();
    let origin = Origin { adapter: "lora-v7", base: &identity };
    for stabilised in [false, true] {
        let lora = adapter(&base, &Projection::ALL, stabilised);
        let (_file, merged) = merged(&base, &lora, WrittenFormat::F32);
        let architecture = Architecture::from_gguf(&base).unwrap();
        let (_file, alone) = written(|out| write_lora(&architecture, &lora, origin, out));
        assert_eq!(alone.str("general.type").unwrap(), "adapter");
        assert_eq!(alone.str("general.architecture").unwrap(), "llama");
        assert_eq!(alone.str("adapter.type").unwrap(), "lora");
        assert_eq!(alone.str("kaizen.base.sha256").unwrap(), "5ba5e");
        assert_eq!(alone.tensors.len(), 2 * 2 * 7);
        let alpha = alone.f32("adapter.lora.alpha").unwrap();
        for name in alone.tensors.keys().filter_map(|name| name.strip_suffix(".lora_a")) {
            let shape = |suffix| alone.tensor(&format!("{name}{suffix}")).unwrap().shape.clone();
            let (a_shape, b_shape) = (shape(".lora_a"), shape(".lora_b"));
            let (rank, inputs) = (a_shape[0], a_shape[1]);
            assert_eq!(b_shape[1], rank);
            let a = values(&alone, &format!("{name}.lora_a"));
            let b = values(&alone, &format!("{name}.lora_b"));
            let mut sum = values(&base, name);
            for (row, sum) in sum.chunks_mut(inputs).enumerate() {
                for (column, sum) in sum.iter_mut().enumerate() {
                    let product: f32 =
                        (0..rank).map(|r| b[row * rank + r] * a[r * inputs + column]).sum();
                    *sum += alpha / rank as f32 * product;
                }
            }
            let off = greatest_difference(&sum, &values(&merged, name));
            assert!(off < 1e-6, "{name} is off by {off}");
        }
    }
    let architecture = Architecture::from_gguf(&base).unwrap();
    let mut weightless = adapter(&base, &[Projection::V], false);
    weightless =
        Lora::zeros(LoraConfig { alpha: 0.0, ..weightless.config().clone() }, &architecture);
    let refused = write_lora(&architecture, &weightless, origin, &mut Vec::new()).unwrap_err();
    assert!(refused.to_string().contains("alpha 0"), "{refused}");
}

#[test]
fn what_cannot_be_merged_is_named() {
    let (_file, narrow) = base(64, 0.2);
    let (_file, wide) = base(128, 0.2);
    let identity = identity();
    let origin = Origin { adapter: "lora-v7", base: &identity };
    let told = |base: &Gguf, lora: &Lora, format| {
        write_merged(base, lora, origin, format, &mut Vec::new()).unwrap_err().to_string()
    };
    let lora = adapter(&narrow, &Projection::ALL, false);
    let message = told(&wide, &lora, WrittenFormat::F16);
    assert!(message.contains("attn_") && message.contains("the adapter is for"), "{message}");
    let (_file, huge) = base(64, 1e6);
    let message = told(&huge, &lora, WrittenFormat::F16);
    assert!(message.contains("F16") && message.contains("gguf-lora"), "{message}");
    assert!(write_merged(&huge, &lora, origin, WrittenFormat::F32, &mut Vec::new()).is_ok());
}
