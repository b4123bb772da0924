//! The forward pass of a block, the same for answering, scoring and training: where A and B are
//! variables candle records a graph, and otherwise none.

use super::DeviceCache;
use super::adapter::{LayerPairs, pair_of};
use super::operations::{Turns, attend, by_head, causal_mask, rms_norm, swiglu};
use super::weights::DeviceNetwork;
use crate::model::Projection;
use crate::model::network::Dropout;
use candle_core::{Result, Tensor};
use std::ops::Range;

/// What stays the same through all blocks of one pass.
#[derive(Debug)]
pub struct Frame {
    sequences: Vec<Span>,
    turns: Turns,
    dropout: Dropout,
}

/// One sequence: its rows in this pass, and the tokens of its past.
#[derive(Debug)]
struct Span {
    rows: Range<usize>,
    past: usize,
    mask: Option<Tensor>,
}

impl Frame {
    /// `past` has the length of each sequence's past.
    pub fn new(
        network: &DeviceNetwork,
        positions: &[usize],
        sequences: &[Range<usize>],
        past: &[usize],
        dropout: Dropout,
    ) -> Result<Self> {
        let architecture = &network.architecture;
        let sequences = sequences
            .iter()
            .zip(past)
            .map(|(rows, &past)| {
                let mask = causal_mask(past, rows.len(), &network.device)?;
                Ok(Span { rows: rows.clone(), past, mask })
            })
            .collect::<Result<_>>()?;
        let turns = Turns::new(
            &network.rotary,
            architecture.rope.rotated / 2,
            architecture.attention.head_width,
            positions,
            &network.device,
        )?;
        Ok(Self { sequences, turns, dropout })
    }

    /// Whole sequences, which have no past.
    pub fn whole(
        network: &DeviceNetwork,
        positions: &[usize],
        sequences: &[Range<usize>],
        dropout: Dropout,
    ) -> Result<Self> {
        Self::new(network, positions, sequences, &vec![0; sequences.len()], dropout)
    }
}

pub struct Pass<'a> {
    pub network: &'a DeviceNetwork,
    pub frame: &'a Frame,
}

impl Pass<'_> {
    /// The residual stream `(n, hidden)` after a block, from that before it.
    pub fn block(
        &self,
        layer: usize,
        input: &Tensor,
        pairs: &LayerPairs,
        caches: Option<&mut [&mut DeviceCache]>,
    ) -> Result<Tensor> {
        let epsilon = self.network.architecture.norm_epsilon;
        let block = &self.network.blocks[layer];
        let project = |projection, x: &Tensor| self.project(layer, projection, x, pairs);

        let normed = rms_norm(input, &block.attention_norm, epsilon)?;
        let queries = project(Projection::Q, &normed)?;
        let keys = project(Projection::K, &normed)?;
        let values = project(Projection::V, &normed)?;
        let attended = self.attended(layer, &queries, &keys, &values, caches)?;
        let middle = (project(Projection::O, &attended)? + input)?;

        let normed = rms_norm(&middle, &block.feed_forward_norm, epsilon)?;
        let gate = project(Projection::Gate, &normed)?;
        let up = project(Projection::Up, &normed)?;
        project(Projection::Down, &swiglu(&gate, &up)?)? + middle
    }

    /// Attention within each sequence; with caches, over its past too.
    fn attended(
        &self,
        layer: usize,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mut caches: Option<&mut [&mut DeviceCache]>,
    ) -> Result<Tensor> {
        let shape = self.network.architecture.attention;
        let heads = |x: &Tensor, heads: usize| x.reshape((x.dim(0)?, heads, shape.head_width));
        let queries = self.frame.turns.applied(&heads(queries, shape.heads)?)?;
        let keys = self.frame.turns.applied(&heads(keys, shape.key_heads)?)?;
        let values = heads(values, shape.key_heads)?;
        let mut attended = Vec::with_capacity(self.frame.sequences.len());
        for (index, span) in self.frame.sequences.iter().enumerate() {
            if span.rows.is_empty() {
                continue;
            }
            let own_queries = by_head(&queries, &span.rows)?;
            let mut seen = (by_head(&keys, &span.rows)?, by_head(&values, &span.rows)?);
            if let Some(caches) = caches.as_deref_mut() {
                seen = caches[index].append(layer, span.past, &seen.0, &seen.1)?;
            }
            let mask = span.mask.as_ref();
            attended.push(attend(shape, &own_queries, &seen.0, &seen.1, mask)?);
        }
        Tensor::cat(&attended, 0)
    }

    /// `W · x`, plus the adapter's share where this projection is adapted.
    fn project(
        &self,
        layer: usize,
        projection: Projection,
        x: &Tensor,
        pairs: &LayerPairs,
    ) -> Result<Tensor> {
        let y = self.network.blocks[layer].projection(projection).of(x)?;
        let Some(pair) = pair_of(pairs, projection) else { return Ok(y) };
        let dropout = self.frame.dropout;
        let share = match dropout.is_off() {
            true => pair.of(x)?,
            false => {
                // The same elements as on the processor are dropped, by the same function.
                let ones = vec![1.0; x.elem_count()];
                let kept = dropout.applied(layer, projection, &ones);
                pair.of(&(x * Tensor::from_slice(&kept, x.dims(), &self.network.device)?)?)?
            }
        };
        y + share
    }
}
