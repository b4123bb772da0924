//! An adapter's pairs on a device.

use super::weights::DeviceNetwork;
use crate::model::lora::{Lora, LoraConfig};
use crate::model::{Projection, Result};
use candle_core::Tensor;
use std::sync::{Arc, PoisonError};

/// The two matrices of one adapted projection.
#[derive(Debug, Clone)]
pub struct DevicePair {
    /// `(rank, in)`.
    pub a: Tensor,
    /// `(out, rank)`.
    pub b: Tensor,
    pub scale: f64,
}

/// The pairs of one block, by projection.
pub type LayerPairs = [Option<DevicePair>; 7];

const NO_PAIRS: &LayerPairs = &[const { None }; 7];

/// The pairs of all blocks; of none where no adapter is used.
#[derive(Debug, Clone)]
pub struct Adapter {
    layers: Arc<Vec<LayerPairs>>,
}

impl Adapter {
    pub fn layer(&self, layer: usize) -> &LayerPairs {
        self.layers.get(layer).unwrap_or(NO_PAIRS)
    }
}

/// What was uploaded, and what it was made of.
#[derive(Debug)]
pub struct Uploaded {
    config: LoraConfig,
    parameters: Vec<f32>,
    adapter: Adapter,
}

/// Adapters that stay on the device: two, for answers side by side.
const KEPT: usize = 2;

impl DeviceNetwork {
    /// The adapter on the device, uploaded unless it is there already.
    pub fn adapter(&self, lora: Option<&Lora>) -> Result<Adapter> {
        let Some(lora) = lora else { return Ok(Adapter { layers: Arc::default() }) };
        let mut kept = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|uploaded| {
            uploaded.config == *lora.config() && equal(&uploaded.parameters, &lora.parameters)
        });
        let uploaded = match found {
            Some(index) => kept.remove(index),
            None => {
                kept.truncate(KEPT - 1);
                Uploaded {
                    config: lora.config().clone(),
                    parameters: lora.parameters.clone(),
                    adapter: self.uploaded_pairs(lora)?,
                }
            }
        };
        let adapter = uploaded.adapter.clone();
        kept.insert(0, uploaded);
        Ok(adapter)
    }

    /// One upload of all parameters; the pairs are views of it.
    fn uploaded_pairs(&self, lora: &Lora) -> Result<Adapter> {
        let all = Tensor::from_slice(&lora.parameters, lora.parameters.len(), &self.device)?;
        let (rank, scale) = (lora.config().rank, f64::from(lora.config().scale()));
        let mut layers = vec![NO_PAIRS.clone(); self.blocks.len()];
        for place in lora.places() {
            let a = all.narrow(0, place.a.start, place.a.len())?.reshape((rank, place.inputs))?;
            let b = all.narrow(0, place.b.start, place.b.len())?.reshape((place.outputs, rank))?;
            layers[place.layer][place.projection.index()] = Some(DevicePair { a, b, scale });
        }
        Ok(Adapter { layers: Arc::new(layers) })
    }
}

/// Bit for bit, a stretch at a time, which is many times faster than value for value.
fn equal(a: &[f32], b: &[f32]) -> bool {
    const STRETCH: usize = 1 << 12;
    a.len() == b.len()
        && a.chunks(STRETCH).zip(b.chunks(STRETCH)).all(|(a, b)| {
            a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a.to_bits() ^ b.to_bits())) == 0
        })
}

impl DevicePair {
    /// The adapter's share of a projection of `x`, which has gone through dropout already.
    pub fn of(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.matmul(&self.a.t()?)?.matmul(&self.b.t()?)? * self.scale
    }
}

/// The index of a projection among [`LayerPairs`].
pub fn pair_of(pairs: &LayerPairs, projection: Projection) -> Option<&DevicePair> {
    pairs[projection.index()].as_ref()
}
