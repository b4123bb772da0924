//! The forward pass of a block, the same for answering, scoring and training: where A and B are
//! variables candle records a graph, and otherwise none.

use super::DeviceCache;
use super::adapter::{LayerPairs, pair_of};
use super::operations::{Turns, attend, by_head, causal_mask, gated_unit, rms_norm};
use super::weights::DeviceNetwork;
use crate::model::network::Dropout;
use crate::model::{Projection, Rope};
use candle_core::{Result, Tensor};
use std::ops::Range;

/// What stays the same through all blocks of one pass.
#[derive(Debug)]
pub struct Frame {
    sequences: Vec<Span>,
    /// Of layers that see all of the past, and of those with a window.
    turns: [Turns; 2],
    dropout: Dropout,
}

/// One sequence: its rows in this pass, and the tokens of its past.
#[derive(Debug)]
struct Span {
    rows: Range<usize>,
    past: usize,
    /// For layers that see all of the past, and for those with a window.
    masks: [Option<Tensor>; 2],
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
        let local = architecture.block.local.as_ref();
        let window = local.map(|local| local.window);
        let sequences = sequences
            .iter()
            .zip(past)
            .map(|(rows, &past)| {
                let mask = |window| causal_mask(past, rows.len(), window, &network.device);
                let masks = [mask(None)?, if local.is_some() { mask(window)? } else { None }];
                Ok(Span { rows: rows.clone(), past, masks })
            })
            .collect::<Result<_>>()?;
        let full = &architecture.block.rope;
        let width = architecture.attention.head_width;
        let turns_of = |rope: &Rope| {
            let (rotary, pairs) = (rope.rotary(width), rope.rotated / 2);
            Turns::new(&rotary, pairs, width, positions, &network.device)
        };
        let turns = [turns_of(full)?, turns_of(local.map_or(full, |local| &local.rope))?];
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
        let output = project(Projection::O, &attended)?;
        let middle = (normed_if(&output, &block.attention_output_norm, epsilon)? + input)?;

        let normed = rms_norm(&middle, &block.feed_forward_norm, epsilon)?;
        let gate = project(Projection::Gate, &normed)?;
        let up = project(Projection::Up, &normed)?;
        let activation = self.network.architecture.block.activation;
        let output = project(Projection::Down, &gated_unit(activation, &gate, &up)?)?;
        normed_if(&output, &block.feed_forward_output_norm, epsilon)? + middle
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
        let architecture = &self.network.architecture;
        let attention = architecture.attention_of(layer);
        let shape = attention.shape;
        let kind = usize::from(architecture.is_local(layer));
        let block = &self.network.blocks[layer];
        let turned = |x: &Tensor, norm: &Option<Tensor>| {
            let normed = normed_if(x, norm, architecture.norm_epsilon)?;
            self.frame.turns[kind].applied(&normed)
        };
        let heads = |x: &Tensor, heads: usize| x.reshape((x.dim(0)?, heads, shape.head_width));
        let queries = turned(&heads(queries, shape.heads)?, &block.query_norm)?;
        let keys = turned(&heads(keys, shape.key_heads)?, &block.key_norm)?;
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
            let mask = span.masks[kind].as_ref();
            attended.push(attend(&attention, &own_queries, &seen.0, &seen.1, mask)?);
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
        let block = &self.network.blocks[layer];
        let y = block.projection(projection).of(x)?;
        let y = match block.bias(projection) {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
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

/// The norm over the last dimension, where there is one.
fn normed_if(x: &Tensor, weight: &Option<Tensor>, epsilon: f32) -> Result<Tensor> {
    match weight {
        Some(weight) => rms_norm(x, weight, epsilon),
        None => Ok(x.clone()),
    }
}
