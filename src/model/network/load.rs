//! From a model on disk to a [`Network`].

use super::super::{BlockTensor, Projection, Result, StoredModel, TensorRole};
use super::{Block, Network, Rotaries};
use crate::config::Precision;
use crate::kernels::FrozenMatrix;

impl Network {
    /// Reads all weights; `loaded` is told the share done, from 0 to 1.
    ///
    /// With [`Precision::Quantised`] the weights stay as they are stored; with [`Precision::F32`] they are
    /// expanded once.
    ///
    /// # Errors
    /// What [`StoredModel::architecture`] and [`StoredModel::check`] refuse, or a read that fails.
    pub fn load(
        stored: &StoredModel,
        precision: Precision,
        mut loaded: impl FnMut(f32),
    ) -> Result<Self> {
        let architecture = stored.architecture()?;
        stored.check(&architecture)?;
        let matrix = |role| -> Result<FrozenMatrix> {
            let matrix = stored.matrix(role, &architecture)?;
            Ok(match precision {
                Precision::Quantised => matrix,
                Precision::F32 => matrix.expanded(),
            })
        };
        let vector = |role| stored.vector(role, &architecture);
        let embedding = matrix(TensorRole::Embedding)?;
        let separate_head = match stored.has_separate_head() {
            true => Some(matrix(TensorRole::Head)?),
            false => None,
        };
        let form = &architecture.block;
        let mut blocks = Vec::with_capacity(architecture.layers);
        for layer in 0..architecture.layers {
            let vector = |tensor| vector(TensorRole::Block(layer, tensor));
            let vector_if = |wanted: bool, tensor| wanted.then(|| vector(tensor)).transpose();
            let projections = Projection::ALL.map(|projection| {
                matrix(TensorRole::Block(layer, BlockTensor::Weight(projection)))
            });
            let biases = Projection::ALL.map(|projection| {
                vector_if(form.has_bias(projection), BlockTensor::Bias(projection))
            });
            blocks.push(Block {
                attention_norm: vector(BlockTensor::AttentionNorm)?,
                feed_forward_norm: vector(BlockTensor::FeedForwardNorm)?,
                attention_output_norm: vector_if(
                    form.output_norms,
                    BlockTensor::AttentionOutputNorm,
                )?,
                feed_forward_output_norm: vector_if(
                    form.output_norms,
                    BlockTensor::FeedForwardOutputNorm,
                )?,
                query_norm: vector_if(form.head_norms, BlockTensor::QueryNorm)?,
                key_norm: vector_if(form.head_norms, BlockTensor::KeyNorm)?,
                projections: projections.into_iter().collect::<Result<_>>()?,
                biases: biases.into_iter().collect::<Result<_>>()?,
            });
            loaded((layer + 1) as f32 / architecture.layers as f32);
        }
        Ok(Self {
            exact: precision == Precision::F32,
            embedding,
            blocks,
            final_norm: vector(TensorRole::FinalNorm)?,
            separate_head,
            rotaries: Rotaries::new(&architecture),
            architecture,
            device: None,
        })
    }
}
