//! Tiny models with random weights, one for each family, against what transformers and PEFT make of them
//! (`tests/tiny_models/README.md`): as GGUF and as a folder of safetensors. If these fail, a family of models
//! answers, is scored or trained as something else than its makers published.
#![allow(clippy::unwrap_used)]

use kaizen::config::Precision;
use kaizen::kernels::{Buffer, WrittenFormat};
use kaizen::model::adapter::{AdapterFolder, Origin, write_merged};
use kaizen::model::gguf::Gguf;
use kaizen::model::lora::Lora;
use kaizen::model::network::{Dropout, Feed, KeyValueCache, Network, Target};
use kaizen::model::{Model, Projection, Special, StoredModel};
use kaizen::store::Message;
use safetensors::SafeTensors;
use serde_json::Value;
use std::ops::Range;
use std::path::{Path, PathBuf};

const FAMILIES: [&str; 6] = ["llama", "mistral", "qwen2", "qwen3", "gemma3", "gemma3_soft_caps"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny_models").join(name)
}

/// One tiny model, loaded, and what it must give.
struct Tiny {
    /// How it was stored, for messages.
    label: String,
    model: Model,
    adapter: Lora,
    reference: Value,
    sequences: [Range<usize>; 2],
    tokens: Vec<u32>,
    gradients: Vec<u8>,
}

impl Tiny {
    fn load(name: &str, file: &str) -> Self {
        let folder = folder(name);
        let path = if file.is_empty() { folder.clone() } else { folder.join(file) };
        let model = Model::load(&path, name, "0", Precision::F32, |_| ()).unwrap();
        let adapter = AdapterFolder::new(folder.join("adapter")).load(&model).unwrap().lora;
        let reference: Value =
            serde_json::from_slice(&std::fs::read(folder.join("reference.json")).unwrap()).unwrap();
        let parts: Vec<Vec<u32>> = serde_json::from_value(reference["tokens"].clone()).unwrap();
        let (first, all) = (parts[0].len(), parts[0].len() + parts[1].len());
        Self {
            label: format!("{name}/{file}"),
            model,
            adapter,
            reference,
            sequences: [0..first, first..all],
            tokens: parts.concat(),
            gradients: std::fs::read(folder.join("gradients.safetensors")).unwrap(),
        }
    }

    fn network(&self) -> &Network {
        &self.model.network
    }

    /// Targets of all positions but the first of each sequence.
    fn targets(&self) -> Vec<Target> {
        let rows = self.sequences.iter().flat_map(|rows| rows.start..rows.end - 1);
        rows.map(|row| Target { row, token: self.tokens[row + 1] }).collect()
    }

    /// Greatest difference between our logits at the last positions and those under `key`.
    fn difference_at_the_ends(&self, lora: Option<&Lora>, key: &str) -> f32 {
        let hidden = self.network().read(lora, &self.tokens, &self.sequences).unwrap();
        let ends: Vec<usize> = self.sequences.iter().map(|rows| rows.end - 1).collect();
        let ours = self.network().logits(&hidden, &ends).unwrap();
        greatest_difference(&ours, &numbers(&self.reference[key]))
    }
}

/// Every model in every form that it was stored in.
fn all() -> impl Iterator<Item = Tiny> {
    FAMILIES.into_iter().flat_map(|name| ["model.gguf", ""].map(|file| Tiny::load(name, file)))
}

/// All numbers in lists of lists, in order.
fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

fn greatest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |greatest, (a, b)| greatest.max((a - b).abs()))
}

/// llama.cpp's converter leaves Mistral's window out of GGUF files, so those see all of the past.
fn sees_all(tiny: &Tiny) -> bool {
    tiny.label == "mistral/model.gguf"
}

#[test]
fn logits_are_those_of_transformers() {
    for tiny in all() {
        if sees_all(&tiny) {
            let off = tiny.difference_at_the_ends(None, "logits_without_window");
            assert!(off < 1e-4, "{}: {off}", tiny.label);
            continue;
        }
        let hidden = tiny.network().read(None, &tiny.tokens, &tiny.sequences).unwrap();
        let rows: Vec<usize> = (0..tiny.tokens.len()).collect();
        let ours = tiny.network().logits(&hidden, &rows).unwrap();
        let off = greatest_difference(&ours, &numbers(&tiny.reference["logits"]));
        assert!(off < 1e-4, "{}: {off}", tiny.label);
    }
}

/// Token by token and in pieces, with the cache that answers are made with.
#[test]
fn a_text_read_in_pieces_gives_the_same_logits() {
    for tiny in all() {
        let tokens = &tiny.tokens[tiny.sequences[0].clone()];
        let whole = tiny.network().read(None, tokens, std::slice::from_ref(&(0..tokens.len())));
        let whole = whole.unwrap();
        let width = tiny.network().architecture().hidden;
        let mut cache = KeyValueCache::new(tiny.network().architecture());
        let (mut start, mut found) = (0, Vec::new());
        for piece in [3, 1, 1, 12, 1, 9, 1].into_iter().chain(std::iter::repeat(1)) {
            let end = (start + piece).min(tokens.len());
            let mut feed = [Feed { tokens: &tokens[start..end], cache: &mut cache }];
            found.extend_from_slice(&tiny.network().extend(None, &mut feed).unwrap());
            start = end;
            if start == tokens.len() {
                break;
            }
        }
        assert_eq!(found.len(), tokens.len() * width);
        let off = greatest_difference(&found, &whole);
        assert!(off < 1e-4, "{}: {off}", tiny.label);
    }
}

#[test]
fn adapters_from_peft_do_what_they_do_there() {
    for tiny in all().filter(|tiny| !sees_all(tiny)) {
        let off = tiny.difference_at_the_ends(Some(&tiny.adapter), "logits_adapter");
        assert!(off < 1e-4, "{}: {off}", tiny.label);
        assert!(tiny.model.effect_of(&tiny.adapter).unwrap() > 0.01);
    }
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    for tiny in all().filter(|tiny| !sees_all(tiny)) {
        for recompute in [false, true] {
            assert_gradients(&tiny, recompute);
        }
    }
}

fn assert_gradients(tiny: &Tiny, recompute: bool) {
    let (network, lora) = (tiny.network(), &tiny.adapter);
    let recording =
        network.record(lora, &tiny.tokens, &tiny.sequences, Dropout::OFF, recompute).unwrap();
    let targets = tiny.targets();
    let weights = vec![1.0 / targets.len() as f32; targets.len()];
    let mut d_hidden = Buffer::zeroed(recording.hidden.len());
    let losses =
        network.losses_and_gradient(&recording.hidden, &targets, &weights, &mut d_hidden).unwrap();
    let loss = losses.iter().sum::<f32>() / losses.len() as f32;
    let exact = tiny.reference["loss"].as_f64().unwrap() as f32;
    assert!((loss - exact).abs() < 1e-4, "{}: a loss of {loss}, not {exact}", tiny.label);

    let mut gradient = vec![0.0; lora.parameters.len()];
    network.backward(lora, recording, d_hidden, &mut gradient).unwrap();
    let stored = SafeTensors::deserialize(&tiny.gradients).unwrap();
    assert_eq!(lora.places().len(), 7 * network.architecture().layers);
    for place in lora.places() {
        for (matrix, range) in [('A', &place.a), ('B', &place.b)] {
            let name = format!(
                "base_model.model.model.layers.{}.{}.lora_{matrix}.weight",
                place.layer,
                place.projection.path()
            );
            let bytes = stored.tensor(&name).unwrap().data().as_chunks::<4>().0;
            let exact: Vec<f32> = bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            let off = greatest_difference(&gradient[range.clone()], &exact);
            let size = exact.iter().fold(0.0f32, |greatest, value| greatest.max(value.abs()));
            assert!(off < 1e-3 * size.max(1.0), "{} {name}: {off} of {size}", tiny.label);
            assert!(off < 1e-3 * size + 1e-5, "{} {name}: {off} of {size}", tiny.label);
        }
    }
}

/// What PEFT would read of an adapter that was read and written here.
#[test]
fn adapters_go_back_to_peft_as_they_came() {
    for tiny in all() {
        let out = tempfile::tempdir().unwrap();
        AdapterFolder::new(out.path()).write(&tiny.adapter, None, &tiny.model).unwrap();
        let read = |folder: &Path| std::fs::read(folder.join("adapter_model.safetensors")).unwrap();
        let name = tiny.label.split('/').next().unwrap();
        let (ours, theirs) = (read(out.path()), read(&folder(name).join("adapter")));
        let (ours, theirs) =
            (SafeTensors::deserialize(&ours).unwrap(), SafeTensors::deserialize(&theirs).unwrap());
        assert_eq!(ours.len(), theirs.len());
        for (name, tensor) in theirs.tensors() {
            let written = ours.tensor(&name).unwrap();
            assert_eq!(
                (written.shape(), written.data()),
                (tensor.shape(), tensor.data()),
                "{name}"
            );
        }
        let config = std::fs::read_to_string(out.path().join("adapter_config.json")).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let mut targets: Vec<&str> =
            config["target_modules"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        targets.sort();
        let mut all = Projection::ALL.map(Projection::module);
        all.sort();
        assert_eq!(targets, all);
    }
}

/// The one gives what the other does, bit for bit, so no test above passes by chance of one form.
#[test]
fn a_gguf_file_and_its_folder_are_one_model() {
    for name in FAMILIES.into_iter().filter(|name| *name != "mistral") {
        let [file, folder] = ["model.gguf", ""].map(|file| Tiny::load(name, file));
        let hidden = |tiny: &Tiny| {
            tiny.network().read(Some(&tiny.adapter), &tiny.tokens, &tiny.sequences).unwrap()
        };
        let off = greatest_difference(&hidden(&file), &hidden(&folder));
        assert!(off < 1e-5, "{name}: {off}");
        let (mut a, mut b) =
            (file.network().architecture().clone(), folder.network().architecture().clone());
        // Computed from the settings on one side, stored as f32 on the other.
        for rope in [&mut a.block.rope, &mut b.block.rope] {
            rope.factors.iter_mut().for_each(|factor| *factor = (*factor * 1e4).round());
        }
        assert_eq!(a, b);
    }
}

/// A whole GGUF file with the adapter folded in, for other programs and for us.
#[test]
fn an_adapter_folded_into_its_gguf_file_does_what_it_did_beside_it() {
    for name in FAMILIES {
        let tiny = Tiny::load(name, "model.gguf");
        let base = Gguf::open(tiny.model.file()).unwrap();
        let origin = Origin { adapter: "lora-v1", base: tiny.model.identity() };
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("merged.gguf");
        let mut file = std::fs::File::create(&path).unwrap();
        write_merged(&base, &tiny.adapter, origin, WrittenFormat::F32, &mut file).unwrap();
        drop(file);
        let merged =
            Network::load(&StoredModel::open(&path).unwrap(), Precision::F32, |_| ()).unwrap();
        let hidden =
            |network: &Network, lora| network.read(lora, &tiny.tokens, &tiny.sequences).unwrap();
        let (beside, folded) = (hidden(tiny.network(), Some(&tiny.adapter)), hidden(&merged, None));
        let off = greatest_difference(&beside, &folded);
        assert!(off < 1e-4, "{name}: {off}");
    }
}

#[test]
fn texts_and_conversations_become_the_ids_of_transformers() {
    for tiny in all() {
        let (tokenizer, label) = (&tiny.model.tokenizer, &tiny.label);
        for line in tiny.reference["token_ids"].as_array().unwrap() {
            let text = line["text"].as_str().unwrap();
            let wanted: Vec<u32> = serde_json::from_value(line["ids"].clone()).unwrap();
            let found = tokenizer.encode(text, Special::Recognise).unwrap();
            assert_eq!(found, wanted, "{label}: {text:?}");
        }
        let begins: Vec<u32> =
            serde_json::from_value(tiny.reference["begins_with"].clone()).unwrap();
        let ours: Vec<u32> = tokenizer.bos().filter(|_| tokenizer.add_bos()).into_iter().collect();
        assert_eq!(ours, begins, "{label}");
        let chat = &tiny.reference["chat"];
        let messages: Vec<Message> = serde_json::from_value(chat["messages"].clone()).unwrap();
        let wanted: Vec<u32> = serde_json::from_value(chat["ids"].clone()).unwrap();
        let template = &tiny.model.template;
        assert_eq!(template.text(&messages, true).unwrap(), chat["text"], "{label}");
        assert_eq!(template.encode(tokenizer, &messages, true).unwrap(), wanted, "{label}");
    }
}
