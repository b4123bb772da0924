//! Low-rank adapters (Hu et al. 2021): `y = W·x + scale · B·(A·x)`. Owns the parameters and where
//! each pair lies among them; knows nothing of files or of how they are trained.

use super::{Architecture, Projection};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// The settings that decide an adapter's shape and strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    pub rank: usize,
    pub alpha: f64,
    /// Probability that an input element of A is dropped while training.
    pub dropout: f64,
    /// Which projections are adapted, in every layer.
    pub targets: Vec<Projection>,
    /// Scale by `alpha / sqrt(rank)` (rsLoRA) instead of `alpha / rank`.
    #[serde(default)]
    pub rank_stabilised: bool,
}

impl LoraConfig {
    /// What the product of A and B is multiplied by.
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f64;
        (self.alpha / if self.rank_stabilised { rank.sqrt() } else { rank }) as f32
    }

    /// Parameters of an adapter of this shape.
    pub fn parameters(&self, architecture: &Architecture) -> usize {
        let adapted = Projection::ALL.iter().filter(|projection| self.targets.contains(projection));
        let pairs = adapted.map(|projection| {
            let (outputs, inputs) = architecture.shape_of(*projection);
            self.rank * (outputs + inputs)
        });
        architecture.layers * pairs.sum::<usize>()
    }
}

/// Where one pair lies among the parameters: A `(rank, in)` and B `(out, rank)`, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairPlace {
    pub layer: usize,
    pub projection: Projection,
    pub a: Range<usize>,
    pub b: Range<usize>,
    pub inputs: usize,
    pub outputs: usize,
}

/// An adapter in memory: all pairs in one vector, layer by layer, A before B.
///
/// Gradients and optimizer moments are vectors of the same layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Lora {
    config: LoraConfig,
    places: Vec<PairPlace>,
    /// Index into `places` by layer and projection.
    by_layer: Vec<[Option<usize>; 7]>,
    pub parameters: Vec<f32>,
}

/// The two matrices of one adapted projection.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    pub a: &'a [f32],
    pub b: &'a [f32],
    pub rank: usize,
    pub scale: f32,
}

impl Lora {
    /// SHA-256 over shape, scale and parameters, in hexadecimal: tells two adapters apart whatever they are
    /// called.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        let shape: Vec<(usize, Projection)> =
            self.places.iter().map(|place| (place.layer, place.projection)).collect();
        hash.update(format!("{} {:?} {shape:?}", self.config.rank, self.config.scale()));
        hash.update(bytemuck::cast_slice::<f32, u8>(&self.parameters));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// All zeros, in the shape that `config` gives on this architecture.
    pub fn zeros(config: LoraConfig, architecture: &Architecture) -> Self {
        let mut places = Vec::new();
        let mut by_layer = vec![[None; 7]; architecture.layers];
        let mut end = 0;
        for (layer, entry) in by_layer.iter_mut().enumerate() {
            for projection in Projection::ALL {
                if !config.targets.contains(&projection) {
                    continue;
                }
                let (outputs, inputs) = architecture.shape_of(projection);
                let a = end..end + config.rank * inputs;
                let b = a.end..a.end + outputs * config.rank;
                end = b.end;
                entry[projection.index()] = Some(places.len());
                places.push(PairPlace { layer, projection, a, b, inputs, outputs });
            }
        }
        Self { config, places, by_layer, parameters: vec![0.0; end] }
    }

    /// A fresh adapter: A uniform in ±1/√in (PEFT's Kaiming initialisation), B zero, so that it
    /// changes nothing yet.
    pub fn fresh(
        config: LoraConfig,
        architecture: &Architecture,
        rng: &mut impl rand::Rng,
    ) -> Self {
        let mut lora = Self::zeros(config, architecture);
        for place in &lora.places {
            let bound = 1.0 / (place.inputs as f32).sqrt();
            for value in &mut lora.parameters[place.a.clone()] {
                *value = rng.random_range(-bound..bound);
            }
        }
        lora
    }

    pub fn config(&self) -> &LoraConfig {
        &self.config
    }

    /// Every adapted projection, in the order of the parameters.
    pub fn places(&self) -> &[PairPlace] {
        &self.places
    }

    /// Where the pair of a projection lies, if it is adapted.
    pub fn place(&self, layer: usize, projection: Projection) -> Option<&PairPlace> {
        let index = (*self.by_layer.get(layer)?)[projection.index()]?;
        self.places.get(index)
    }

    /// The pair of a projection, if it is adapted.
    pub fn pair(&self, layer: usize, projection: Projection) -> Option<Pair<'_>> {
        let place = self.place(layer, projection)?;
        Some(Pair {
            a: &self.parameters[place.a.clone()],
            b: &self.parameters[place.b.clone()],
            rank: self.config.rank,
            scale: self.config.scale(),
        })
    }
}
