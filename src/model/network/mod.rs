//! The decoder: frozen weights, one forward pass for running, scoring and training, and the gradient
//! for LoRA's parameters. Owns the order of operations; the arithmetic is in `kernels/`, and it
//! knows nothing of text, files of ours, or optimizers.

mod backward;
mod cache;
mod device;
mod dropout;
mod forward;
mod head;
mod load;
mod rotaries;

pub use cache::KeyValueCache;
pub use device::device_found;
pub use dropout::Dropout;
pub use forward::{Feed, Recording};
pub use head::{HEAD_ROWS, Target};

use super::{Architecture, Projection};
use crate::kernels::FrozenMatrix;
use device::DeviceNetwork;
use rotaries::Rotaries;

/// A decoder with frozen weights.
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    embedding: FrozenMatrix,
    blocks: Vec<Block>,
    final_norm: Vec<f32>,
    /// The output head, where it is not the embedding itself.
    separate_head: Option<FrozenMatrix>,
    rotaries: Rotaries,
    /// Weights in f32, and nothing rounded on the way.
    exact: bool,
    /// All of the above on a GPU, where that is used; the blocks and the head are then there alone.
    device: Option<DeviceNetwork>,
}

#[derive(Debug)]
struct Block {
    attention_norm: Vec<f32>,
    feed_forward_norm: Vec<f32>,
    /// Of what attention and feed-forward give; none where they join the stream as they are.
    attention_output_norm: Option<Vec<f32>>,
    feed_forward_output_norm: Option<Vec<f32>>,
    /// Of each head of queries and keys.
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    /// In the order of [`Projection::ALL`]; rows of q and k in transformers' (half-split) order.
    projections: Vec<FrozenMatrix>,
    biases: Vec<Option<Vec<f32>>>,
}

impl Block {
    fn projection(&self, projection: Projection) -> &FrozenMatrix {
        &self.projections[projection.index()]
    }

    fn bias(&self, projection: Projection) -> Option<&[f32]> {
        self.biases[projection.index()].as_deref()
    }

    /// Numbers in its vectors.
    fn vector_len(&self) -> usize {
        let optional = [
            &self.attention_output_norm,
            &self.feed_forward_output_norm,
            &self.query_norm,
            &self.key_norm,
        ];
        let optional = optional.into_iter().chain(&self.biases).flatten();
        self.attention_norm.len()
            + self.feed_forward_norm.len()
            + optional.map(Vec::len).sum::<usize>()
    }
}

impl Network {
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Whether the weights are in f32 and nothing is rounded on the way.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Bytes of all frozen weights in memory.
    pub fn bytes(&self) -> usize {
        let blocks: usize = self
            .blocks
            .iter()
            .map(|b| {
                b.projections.iter().map(FrozenMatrix::bytes).sum::<usize>() + 4 * b.vector_len()
            })
            .sum();
        self.embedding.bytes()
            + self.device.as_ref().map_or(0, DeviceNetwork::bytes)
            + blocks
            + self.separate_head.as_ref().map_or(0, FrozenMatrix::bytes)
            + 4 * self.final_norm.len()
    }

    fn head(&self) -> &FrozenMatrix {
        self.separate_head.as_ref().unwrap_or(&self.embedding)
    }
}
