//! A lost or wrong gradient makes training run on and learn less, or something else, without a word.

use crate::fixture::smooth_model;
use kaizen::config::Projection;
use kaizen::kernels::Buffer;
use kaizen::model::Model;
use kaizen::model::lora::{Lora, LoraConfig};
use kaizen::model::network::{Dropout, Target};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;
use std::sync::Arc;

/// Two sequences packed together, and a loss over most of their tokens.
struct Problem {
    model: Arc<Model>,
    tokens: Vec<u32>,
    sequences: [Range<usize>; 2],
    targets: Vec<Target>,
    weights: Vec<f32>,
    dropout: Dropout,
}

impl Problem {
    fn new(dropout: Dropout) -> Self {
        let tokens = vec![504, 3575, 282, 4649, 314, 7042, 30, 2, 49, 8844, 3082, 314, 253, 1502];
        let sequences = [0..8, 8..14];
        let targets: Vec<Target> = sequences
            .iter()
            .flat_map(|rows| rows.start + 2..rows.end)
            .map(|place| Target { row: place - 1, token: tokens[place] })
            .collect();
        let weights = (0..targets.len()).map(|i| 0.05 + 0.01 * i as f32).collect();
        Self { model: smooth_model(), tokens, sequences, targets, weights, dropout }
    }

    fn loss(&self, lora: &Lora) -> f64 {
        let network = &self.model.network;
        let recording =
            network.record(lora, &self.tokens, &self.sequences, self.dropout, true).unwrap();
        let losses = network.losses(&recording.hidden, &self.targets).unwrap();
        losses.iter().zip(&self.weights).map(|(l, w)| f64::from(*l) * f64::from(*w)).sum()
    }

    fn gradient(&self, lora: &Lora, recompute: bool) -> Vec<f32> {
        let network = &self.model.network;
        let recording =
            network.record(lora, &self.tokens, &self.sequences, self.dropout, recompute).unwrap();
        let mut d_hidden = Buffer::zeroed(recording.hidden.len());
        network
            .losses_and_gradient(&recording.hidden, &self.targets, &self.weights, &mut d_hidden)
            .unwrap();
        let mut gradient = vec![0.0; lora.parameters.len()];
        network.backward(lora, recording, d_hidden, &mut gradient).unwrap();
        gradient
    }
}

/// An adapter on every projection whose B is not zero.
fn adapter(rank: usize, targets: Vec<Projection>) -> Lora {
    let config = LoraConfig { rank, alpha: 8.0, dropout: 0.1, targets, rank_stabilised: false };
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut lora = Lora::fresh(config, smooth_model().network.architecture(), &mut rng);
    for place in lora.places().to_vec() {
        for value in &mut lora.parameters[place.b] {
            *value = rng.random_range(-0.02..0.02);
        }
    }
    lora
}

const DROPPING: Dropout = Dropout { probability: 0.1, seed: 23 };

#[test]
fn every_a_and_b_in_every_layer_has_a_gradient() {
    let lora = adapter(4, Projection::ALL.to_vec());
    let layers = smooth_model().network.architecture().layers;
    assert_eq!(lora.places().len(), 7 * layers);
    let gradient = Problem::new(Dropout::OFF).gradient(&lora, false);
    for place in lora.places() {
        for (matrix, range) in [("A", &place.a), ("B", &place.b)] {
            // Row by row: no part of a matrix may be left out either.
            let rows = match matrix {
                "A" => gradient[range.clone()].chunks(place.inputs).collect::<Vec<_>>(),
                _ => gradient[range.clone()].chunks(place.outputs * 4).collect(),
            };
            assert!(
                rows.iter().all(|row| row.iter().any(|g| *g != 0.0)),
                "{matrix} of {} in layer {} learns nothing",
                place.projection,
                place.layer
            );
        }
    }
    assert!(gradient.iter().all(|g| g.is_finite()));
}

/// Compares with the loss itself, moved a little both ways, at one parameter of every layer.
fn assert_matches_finite_differences(dropout: Dropout) {
    let problem = Problem::new(dropout);
    let mut lora = adapter(4, Projection::ALL.to_vec());
    let gradient = problem.gradient(&lora, false);
    let layers = smooth_model().network.architecture().layers;
    let mut worst = 0f64;
    for layer in 0..layers {
        let place = lora.place(layer, Projection::ALL[layer % 7]).unwrap().clone();
        let range = if layer / 7 % 2 == 0 { place.a } else { place.b };
        // The one that matters most, where rounding drowns least of the difference.
        let most = range.max_by(|a, b| gradient[*a].abs().total_cmp(&gradient[*b].abs())).unwrap();
        let (kept, found) = (lora.parameters[most], f64::from(gradient[most]));
        // Far enough that the loss moves by about 1e-3, well above its rounding.
        let step = (5e-4 / found.abs()).clamp(2e-3, 0.05) as f32;
        let mut moved = |by: f32| {
            lora.parameters[most] = kept + by;
            problem.loss(&lora)
        };
        let difference = (moved(step) - moved(-step)) / f64::from(2.0 * step);
        lora.parameters[most] = kept;
        let off = (found - difference).abs();
        worst = worst.max(off / (difference.abs() + 1.5e-3));
        assert!(
            off < 0.02 * difference.abs() + 3e-5,
            "{} in layer {layer}: {found} instead of {difference}",
            place.projection
        );
    }
    println!("gradient within {worst:.1e} of finite differences, dropout {}", dropout.probability);
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    assert_matches_finite_differences(Dropout::OFF);
}

#[test]
fn the_gradient_is_that_of_the_loss_with_dropout() {
    assert_matches_finite_differences(DROPPING);
}

/// Saving memory must not change what is learned.
#[test]
fn recomputing_gives_the_same_gradient_bit_for_bit() {
    let problem = Problem::new(DROPPING);
    let lora = adapter(2, Projection::ALL.to_vec());
    let gradient = problem.gradient(&lora, false);
    assert!(gradient == problem.gradient(&lora, true), "recomputed activations differ");
    assert!(gradient != Problem::new(Dropout::OFF).gradient(&lora, false), "nothing was dropped");
}

/// The adapted projections alone decide what is learned, also when the first layers' inputs are skipped.
#[test]
fn adapting_fewer_projections_gives_those_the_same_gradient() {
    let problem = Problem::new(Dropout::OFF);
    let mut all = adapter(2, Projection::ALL.to_vec());
    for place in all.places().to_vec() {
        if place.projection != Projection::V {
            all.parameters[place.b].fill(0.0);
        }
    }
    let mut one = Lora::zeros(
        LoraConfig { targets: vec![Projection::V], ..all.config().clone() },
        problem.model.network.architecture(),
    );
    for place in one.places().to_vec() {
        let whole = all.place(place.layer, Projection::V).unwrap().clone();
        one.parameters[place.a].copy_from_slice(&all.parameters[whole.a]);
        one.parameters[place.b].copy_from_slice(&all.parameters[whole.b]);
    }
    let (of_all, of_one) = (problem.gradient(&all, false), problem.gradient(&one, false));
    for place in one.places() {
        let whole = all.place(place.layer, Projection::V).unwrap();
        for (a, b) in of_one[place.a.clone()].iter().zip(&of_all[whole.a.clone()]) {
            assert!((a - b).abs() <= 1e-5 + 1e-3 * a.abs(), "layer {}: {a} {b}", place.layer);
        }
    }
}
