//! candle computes the same on its own processor device as on a GPU: here it must agree with our
//! engine. If it does not, a GPU answers, scores or trains something else, without a word.
#![allow(clippy::unwrap_used)]

use super::Device;
use crate::config::DeviceChoice;
use crate::kernels::{Activation, AttentionShape, BlockFormat, Buffer, FrozenMatrix};
use crate::model::lora::{Lora, LoraConfig};
use crate::model::network::{
    Block, Dropout, Feed, KeyValueCache, Network, Rotaries, Target, device_found,
};
use crate::model::{Architecture, BlockForm, Family, LocalLayers, Projection, Rope};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

const TOKENS: [u32; 17] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 32, 38];

/// One token long, and longer ones, packed together.
const SEQUENCES: [Range<usize>; 3] = [0..7, 7..8, 8..17];

const DROPPING: Dropout = Dropout { probability: 0.3, seed: 5 };

/// Three blocks with random weights, never rounded on the way; heads share key heads, and not all of a
/// head turns.
fn small(separate_head: bool) -> Network {
    let attention = AttentionShape { heads: 6, key_heads: 2, head_width: 8 };
    network(separate_head, None, BlockForm::plain(attention, Rope::plain(10_000.0, 6)))
}

/// The same with everything that a block may have.
fn rich() -> Network {
    let attention = AttentionShape { heads: 6, key_heads: 2, head_width: 8 };
    let local =
        LocalLayers { window: 4, rope: Rope::plain(100.0, 6), layers: vec![true, false, true] };
    let form = BlockForm {
        biases: true,
        head_norms: true,
        output_norms: true,
        activation: Activation::GeluTanh,
        score_scale: 0.5,
        score_cap: Some(2.0),
        local: Some(local),
        ..BlockForm::plain(attention, Rope::plain(10_000.0, 6))
    };
    network(false, Some(3.0), form)
}

fn network(separate_head: bool, logit_cap: Option<f32>, block: BlockForm) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let architecture = Architecture {
        family: Family::Llama,
        layers: 3,
        hidden: 24,
        feed_forward: 40,
        attention: AttentionShape { heads: 6, key_heads: 2, head_width: 8 },
        vocabulary: 61,
        context: 64,
        norm_epsilon: 1e-5,
        embedding_scale: 1.5,
        logit_cap,
        block,
    };
    let mut values = |count: usize, middle: f32, spread: f32| -> Vec<f32> {
        (0..count).map(|_| middle + rng.random_range(-spread..spread)).collect()
    };
    let mut matrix = |(rows, columns): (usize, usize)| {
        let bytes = values(rows * columns, 0.0, 0.4).iter().flat_map(|v| v.to_le_bytes()).collect();
        FrozenMatrix::from_blocks(BlockFormat::F32, rows, columns, bytes).unwrap().expanded()
    };
    let of_vocabulary = (architecture.vocabulary, architecture.hidden);
    let embedding = matrix(of_vocabulary);
    let separate_head = separate_head.then(|| matrix(of_vocabulary));
    let projections: Vec<Vec<FrozenMatrix>> = (0..architecture.layers)
        .map(|_| Projection::ALL.iter().map(|p| matrix(architecture.shape_of(*p))).collect())
        .collect();
    let form = architecture.block.clone();
    let mut vector =
        |wanted: bool, count: usize, middle: f32| wanted.then(|| values(count, middle, 0.3));
    let blocks = projections
        .into_iter()
        .map(|projections| Block {
            attention_norm: vector(true, 24, 1.0).unwrap(),
            feed_forward_norm: vector(true, 24, 1.0).unwrap(),
            attention_output_norm: vector(form.output_norms, 24, 1.0),
            feed_forward_output_norm: vector(form.output_norms, 24, 1.0),
            query_norm: vector(form.head_norms, 8, 1.0),
            key_norm: vector(form.head_norms, 8, 1.0),
            biases: Projection::ALL
                .map(|p| vector(form.has_bias(p), architecture.shape_of(p).0, 0.0))
                .to_vec(),
            projections,
        })
        .collect();
    let final_norm = vector(true, 24, 1.0).unwrap();
    Network {
        embedding,
        blocks,
        final_norm,
        separate_head,
        rotaries: Rotaries::new(&architecture),
        exact: true,
        device: None,
        architecture,
    }
}

/// The same network twice: our engine and candle.
fn pair(separate_head: bool) -> (Network, Network) {
    let moved = small(separate_head).moved_to(Device::Cpu).unwrap();
    assert!(moved.device.is_some() && moved.blocks.is_empty());
    (small(separate_head), moved)
}

/// Every kind of network, each twice.
fn pairs() -> [(Network, Network); 3] {
    [pair(false), pair(true), (rich(), rich().moved_to(Device::Cpu).unwrap())]
}

fn adapter(network: &Network, targets: &[Projection]) -> Lora {
    let config = LoraConfig {
        rank: 3,
        alpha: 6.0,
        dropout: 0.3,
        targets: targets.to_vec(),
        rank_stabilised: false,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut lora = Lora::fresh(config, network.architecture(), &mut rng);
    for value in &mut lora.parameters {
        *value += rng.random_range(-0.2..0.2);
    }
    lora
}

fn targets() -> Vec<Target> {
    let rows = SEQUENCES.into_iter().flat_map(|rows| rows.start..rows.end - 1);
    rows.map(|row| Target { row, token: TOKENS[row + 1] }).collect()
}

/// Within 1e-3 of the greatest value.
#[track_caller]
fn assert_close(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    let greatest = wanted.iter().fold(1e-6f32, |greatest, value| greatest.max(value.abs()));
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert!((found - wanted).abs() <= 1e-3 * greatest, "{i}: {found} instead of {wanted}");
    }
}

#[test]
fn stream_logits_and_losses_are_those_of_the_processor() {
    for (ours, device) in pairs() {
        let lora = adapter(&ours, &Projection::ALL);
        let mut streams = Vec::new();
        for lora in [None, Some(&lora)] {
            let wanted = ours.read(lora, &TOKENS, &SEQUENCES).unwrap();
            let found = device.read(lora, &TOKENS, &SEQUENCES).unwrap();
            assert_close(&found, &wanted);
            let rows = [0, 7, 16];
            assert_close(
                &device.logits(&found, &rows).unwrap(),
                &ours.logits(&wanted, &rows).unwrap(),
            );
            assert_close(
                &device.losses(&found, &targets()).unwrap(),
                &ours.losses(&wanted, &targets()).unwrap(),
            );
            streams.push(found);
        }
        let moved = streams[0].iter().zip(&streams[1]).any(|(a, b)| (a - b).abs() > 0.05);
        assert!(moved, "the adapter is not applied");
    }
}

/// The adapter's gradient, its losses, and the gradient for the stream.
fn gradient(
    network: &Network,
    lora: &Lora,
    dropout: Dropout,
    recompute: bool,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let recording = network.record(lora, &TOKENS, &SEQUENCES, dropout, recompute).unwrap();
    let targets = targets();
    let weights: Vec<f32> = (0..targets.len()).map(|i| 0.05 + 0.01 * i as f32).collect();
    let mut d_hidden = vec![0.0; recording.hidden.len()];
    let losses =
        network.losses_and_gradient(&recording.hidden, &targets, &weights, &mut d_hidden).unwrap();
    // What is there already stays.
    let mut gradient = vec![0.5; lora.parameters.len()];
    network.backward(lora, recording, Buffer::copy_of(&d_hidden), &mut gradient).unwrap();
    gradient.iter_mut().for_each(|value| *value -= 0.5);
    (gradient, losses, d_hidden)
}

#[test]
fn every_pair_gets_the_gradient_that_the_processor_gives_it() {
    for (ours, device) in [pair(false), (rich(), rich().moved_to(Device::Cpu).unwrap())] {
        assert_same_gradients(&ours, &device);
    }
}

fn assert_same_gradients(ours: &Network, device: &Network) {
    for (dropout, recompute) in
        [(Dropout::OFF, false), (Dropout::OFF, true), (DROPPING, false), (DROPPING, true)]
    {
        for targets in [&Projection::ALL[..], &[Projection::V], &[Projection::Q, Projection::Down]]
        {
            let lora = adapter(ours, targets);
            let (wanted, wanted_losses, wanted_d_hidden) =
                gradient(ours, &lora, dropout, recompute);
            let (found, losses, d_hidden) = gradient(device, &lora, dropout, recompute);
            assert_close(&losses, &wanted_losses);
            assert_close(&d_hidden, &wanted_d_hidden);
            for place in lora.places() {
                for range in [place.a.clone(), place.b.clone()] {
                    assert!(found[range.clone()].iter().any(|value| value.abs() > 1e-6));
                    assert_close(&found[range.clone()], &wanted[range]);
                }
            }
        }
    }
}

#[test]
fn dropout_drops_what_the_processor_drops() {
    let (ours, device) = pair(false);
    let lora = adapter(&ours, &Projection::ALL);
    let hidden = |network: &Network, dropout| {
        network.record(&lora, &TOKENS, &SEQUENCES, dropout, false).unwrap().hidden
    };
    let found = hidden(&device, DROPPING);
    assert_close(&found, &hidden(&ours, DROPPING));
    let without = hidden(&device, Dropout::OFF);
    assert!(found.iter().zip(&without).any(|(a, b)| (a - b).abs() > 0.01), "nothing was dropped");
}

#[test]
fn gradients_of_two_batches_add_up() {
    let (ours, device) = pair(false);
    let lora = adapter(&ours, &Projection::ALL);
    let once = gradient(&device, &lora, Dropout::OFF, false).0;
    let mut twice = vec![0.0; once.len()];
    for _ in 0..2 {
        let recording = device.record(&lora, &TOKENS, &SEQUENCES, Dropout::OFF, false).unwrap();
        let (targets, mut d_hidden) = (targets(), vec![0.0; recording.hidden.len()]);
        let weights: Vec<f32> = (0..targets.len()).map(|i| 0.05 + 0.01 * i as f32).collect();
        device.losses_and_gradient(&recording.hidden, &targets, &weights, &mut d_hidden).unwrap();
        device.backward(&lora, recording, Buffer::copy_of(&d_hidden), &mut twice).unwrap();
    }
    assert_close(&twice, &once.iter().map(|value| 2.0 * value).collect::<Vec<_>>());
}

/// An optimizer changes the parameters in place: what was uploaded before must not stay in use.
#[test]
fn a_changed_adapter_is_uploaded_again() {
    let (ours, device) = pair(false);
    let mut lora = adapter(&ours, &Projection::ALL);
    device.read(Some(&lora), &TOKENS, &SEQUENCES).unwrap();
    for value in &mut lora.parameters {
        *value = -*value + 0.1;
    }
    let found = device.read(Some(&lora), &TOKENS, &SEQUENCES).unwrap();
    assert_close(&found, &ours.read(Some(&lora), &TOKENS, &SEQUENCES).unwrap());
    lora = adapter(&ours, &[Projection::O]);
    let found = device.read(Some(&lora), &TOKENS, &SEQUENCES).unwrap();
    assert_close(&found, &ours.read(Some(&lora), &TOKENS, &SEQUENCES).unwrap());
}

/// The stream of the last token, after feeding `tokens` to a cache in pieces.
fn fed(
    network: &Network,
    lora: Option<&Lora>,
    cache: &mut KeyValueCache,
    pieces: &[&[u32]],
) -> Vec<f32> {
    let mut hidden = Vec::new();
    for tokens in pieces {
        hidden = network.extend(lora, &mut [Feed { tokens, cache }]).unwrap().to_vec();
    }
    hidden.split_off(hidden.len() - network.architecture().hidden)
}

/// The stream of the last token of a whole text.
fn read(network: &Network, lora: Option<&Lora>, tokens: &[u32]) -> Vec<f32> {
    let hidden = network.read(lora, tokens, std::slice::from_ref(&(0..tokens.len()))).unwrap();
    let mut hidden = hidden.to_vec();
    hidden.split_off(hidden.len() - network.architecture().hidden)
}

#[test]
fn a_text_fed_through_the_cache_is_the_text_read_at_once() {
    for (ours, device) in pairs() {
        let lora = adapter(&ours, &Projection::ALL);
        for (network, lora) in [(&device, None), (&device, Some(&lora)), (&ours, Some(&lora))] {
            let mut cache = KeyValueCache::new(network.architecture());
            let pieces = [&TOKENS[..5], &TOKENS[5..6], &TOKENS[6..]];
            let found = fed(network, lora, &mut cache, &pieces);
            assert_eq!(cache.len(), TOKENS.len());
            assert_close(&found, &read(&ours, lora, &TOKENS));
        }
    }
}

#[test]
fn sequences_of_different_length_go_on_together() {
    let (ours, device) = pair(true);
    let texts = [&TOKENS[..4], &TOKENS[4..13]];
    let mut caches: Vec<_> =
        texts.iter().map(|_| KeyValueCache::new(device.architecture())).collect();
    for (cache, text) in caches.iter_mut().zip(texts) {
        fed(&device, None, cache, &[text]);
    }
    let mut feeds: Vec<Feed> =
        caches.iter_mut().map(|cache| Feed { tokens: &[17], cache }).collect();
    let found = device.extend(None, &mut feeds).unwrap();
    for (text, found) in texts.iter().zip(found.chunks(24)) {
        assert_close(found, &read(&ours, None, &[text, &[17][..]].concat()));
    }
}

#[test]
fn a_copy_and_a_shortened_cache_go_their_own_ways() {
    let (ours, device) = pair(false);
    let mut first = KeyValueCache::new(device.architecture());
    fed(&device, None, &mut first, &[&TOKENS[..6]]);
    let mut second = first.clone();
    second.truncate(4);
    // In turn, so that each would overwrite what it shared with the other.
    let found_first = fed(&device, None, &mut first, &[&[20], &[21]]);
    let found_second = fed(&device, None, &mut second, &[&[30], &[31]]);
    let on_first = fed(&device, None, &mut first, &[&[22]]);
    assert_eq!((first.len(), second.len()), (9, 6));
    let text = |len: usize, rest: &[u32]| [&TOKENS[..len], rest].concat();
    assert_close(&found_first, &read(&ours, None, &text(6, &[20, 21])));
    assert_close(&found_second, &read(&ours, None, &text(4, &[30, 31])));
    assert_close(&on_first, &read(&ours, None, &text(6, &[20, 21, 22])));
}

/// Past the room that is taken at first.
#[test]
fn a_cache_grows_and_keeps_what_it_has() {
    let (ours, device) = pair(false);
    let tokens: Vec<u32> = (0..150).map(|i| i * 7 % 61).collect();
    let pieces: Vec<&[u32]> = tokens.chunks(50).collect();
    let mut cache = KeyValueCache::new(device.architecture());
    assert_close(&fed(&device, None, &mut cache, &pieces), &read(&ours, None, &tokens));
}

#[test]
fn nothing_to_do_is_no_error() {
    let (_, device) = pair(false);
    let lora = adapter(&device, &[]);
    assert!(device.read(None, &[], &[]).unwrap().is_empty());
    assert!(device.losses(&[], &[]).unwrap().is_empty());
    let recording = device.record(&lora, &TOKENS, &SEQUENCES, Dropout::OFF, false).unwrap();
    let d_hidden = Buffer::zeroed(recording.hidden.len());
    device.backward(&lora, recording, d_hidden, &mut []).unwrap();
    assert!(device.read(None, &[61], std::slice::from_ref(&(0..1))).is_err());
}

#[test]
fn more_rows_than_are_held_at_one_time_are_all_scored() {
    let (ours, device) = pair(false);
    let hidden = ours.read(None, &TOKENS, &SEQUENCES).unwrap();
    let targets: Vec<Target> =
        (0..600).map(|i| Target { row: i % 17, token: (i % 61) as u32 }).collect();
    let weights = vec![1e-3; targets.len()];
    let (mut wanted, mut found) = (vec![0.25; hidden.len()], vec![0.25; hidden.len()]);
    assert_close(
        &device.losses_and_gradient(&hidden, &targets, &weights, &mut found).unwrap(),
        &ours.losses_and_gradient(&hidden, &targets, &weights, &mut wanted).unwrap(),
    );
    assert_close(&found, &wanted);
}

/// A person who asks for a GPU and silently gets the processor waits for hours.
#[test]
fn a_gpu_that_the_build_lacks_is_refused_and_auto_goes_on_without() {
    if !cfg!(feature = "cuda") {
        let line = small(false).onto(DeviceChoice::Cuda).unwrap_err().to_string();
        assert!(line.contains("\"cuda\"") && line.contains("--features cuda"), "{line}");
    }
    if !cfg!(feature = "metal") {
        let line = small(false).onto(DeviceChoice::Metal).unwrap_err().to_string();
        assert!(line.contains("\"metal\"") && line.contains("--features metal"), "{line}");
    }
    if !cfg!(any(feature = "cuda", feature = "metal")) {
        assert!(small(false).onto(DeviceChoice::Auto).unwrap().device.is_none());
        assert!(device_found(DeviceChoice::Auto).unwrap().contains("no GPU support"));
    }
    assert!(small(false).onto(DeviceChoice::Cpu).unwrap().device.is_none());
}
