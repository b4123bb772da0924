//! The forward pass, over tokens of several sequences packed end to end.

use super::super::lora::Lora;
use super::super::{Error, Projection, Result};
use super::device::DeviceRecording;
use super::{Block, Dropout, KeyValueCache, Network};
use crate::kernels::{Matrix, Span, add_product, attend, product, rms_norm, swiglu};
use std::ops::Range;

/// New tokens of one sequence and its past.
#[derive(Debug)]
pub struct Feed<'a> {
    pub tokens: &'a [u32],
    pub cache: &'a mut KeyValueCache,
}

/// A forward pass kept for its backward.
#[derive(Debug)]
pub struct Recording {
    /// The residual stream after the last block, `(n, hidden)`.
    pub hidden: Vec<f32>,
    pub(super) sequences: Vec<Range<usize>>,
    pub(super) positions: Vec<usize>,
    pub(super) layers: Vec<LayerRecording>,
    pub(super) dropout: Dropout,
    /// Where a GPU recorded it; `layers` is then empty.
    pub(super) device: Option<DeviceRecording>,
}

/// What the backward of one block needs.
#[derive(Debug)]
pub(super) enum LayerRecording {
    /// All of it.
    Kept(Box<Activations>),
    /// Only the block's input `(n, hidden)`: the rest is computed again.
    Input(Vec<f32>),
}

/// The activations of one block.
#[derive(Debug)]
pub(super) struct Activations {
    /// The block's input `(n, hidden)`.
    pub input: Vec<f32>,
    /// Queries and keys after their rotation, and values.
    pub queries: Vec<f32>,
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
    pub attended: Vec<f32>,
    pub log_sums: Vec<f32>,
    /// The residual stream between attention and feed-forward `(n, hidden)`.
    pub middle: Vec<f32>,
    pub gate: Vec<f32>,
    pub up: Vec<f32>,
    /// A · x of each adapted projection `(n, rank)`.
    pub inner: [Option<Vec<f32>>; 7],
}

/// What stays the same through all blocks of one pass.
pub(super) struct Pass<'a> {
    pub network: &'a Network,
    pub lora: Option<&'a Lora>,
    pub positions: &'a [usize],
    pub sequences: &'a [Range<usize>],
    pub dropout: Dropout,
}

impl Network {
    /// Runs new tokens of several sequences, appending to each one's cache, and returns the residual
    /// stream after the last block, `(all new tokens, hidden)`, in the order of `feeds`.
    ///
    /// # Errors
    /// A token outside the vocabulary.
    pub fn extend(&self, lora: Option<&Lora>, feeds: &mut [Feed]) -> Result<Vec<f32>> {
        let mut positions = Vec::new();
        let mut sequences = Vec::new();
        let mut tokens = Vec::new();
        for feed in feeds.iter() {
            sequences.push(tokens.len()..tokens.len() + feed.tokens.len());
            positions.extend(feed.cache.len()..feed.cache.len() + feed.tokens.len());
            tokens.extend_from_slice(feed.tokens);
        }
        let mut stream = self.embed(&tokens)?;
        if let Some(device) = &self.device {
            stream = device.extend(lora, stream, &positions, &sequences, feeds)?;
            feeds.iter_mut().for_each(|feed| feed.cache.advance(feed.tokens.len()));
            return Ok(stream);
        }
        let pass = Pass {
            network: self,
            lora,
            positions: &positions,
            sequences: &sequences,
            dropout: Dropout::OFF,
        };
        for layer in 0..self.blocks.len() {
            pass.block(layer, &mut stream, Some(feeds));
        }
        for feed in feeds.iter_mut() {
            feed.cache.advance(feed.tokens.len());
        }
        Ok(stream)
    }

    /// Runs whole sequences, packed end to end in `tokens`, without a cache; returns the residual
    /// stream after the last block `(n, hidden)`.
    ///
    /// # Errors
    /// A token outside the vocabulary.
    pub fn read(
        &self,
        lora: Option<&Lora>,
        tokens: &[u32],
        sequences: &[Range<usize>],
    ) -> Result<Vec<f32>> {
        let positions = positions_of(sequences);
        let mut stream = self.embed(tokens)?;
        if let Some(device) = &self.device {
            return device.read(lora, stream, &positions, sequences);
        }
        let pass =
            Pass { network: self, lora, positions: &positions, sequences, dropout: Dropout::OFF };
        for layer in 0..self.blocks.len() {
            pass.block(layer, &mut stream, None);
        }
        Ok(stream)
    }

    /// As [`read`](Self::read), keeping what [`backward`](Self::backward) needs; with
    /// `recompute`, only each block's input.
    ///
    /// # Errors
    /// A token outside the vocabulary.
    pub fn record(
        &self,
        lora: &Lora,
        tokens: &[u32],
        sequences: &[Range<usize>],
        dropout: Dropout,
        recompute: bool,
    ) -> Result<Recording> {
        let positions = positions_of(sequences);
        let mut hidden = self.embed(tokens)?;
        if let Some(device) = &self.device {
            let (hidden, recorded) =
                device.record(lora, hidden, &positions, sequences, dropout, recompute)?;
            return Ok(Recording {
                hidden,
                sequences: sequences.to_vec(),
                positions,
                layers: Vec::new(),
                dropout,
                device: Some(recorded),
            });
        }
        let mut layers = Vec::with_capacity(self.blocks.len());
        let pass =
            Pass { network: self, lora: Some(lora), positions: &positions, sequences, dropout };
        for layer in 0..self.blocks.len() {
            let activations = pass.block(layer, &mut hidden, None);
            layers.push(match recompute {
                false => LayerRecording::Kept(Box::new(activations)),
                true => LayerRecording::Input(activations.input),
            });
        }
        Ok(Recording {
            hidden,
            sequences: sequences.to_vec(),
            positions,
            layers,
            dropout,
            device: None,
        })
    }

    /// The embeddings of `tokens`, `(n, hidden)`.
    fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>> {
        let width = self.architecture.hidden;
        let mut stream = vec![0.0; tokens.len() * width];
        for (token, row) in tokens.iter().zip(stream.chunks_exact_mut(width)) {
            let token = *token as usize;
            if token >= self.architecture.vocabulary {
                return Err(Error::TokenOutOfRange {
                    token,
                    vocabulary: self.architecture.vocabulary,
                });
            }
            self.embedding.expand_rows(token, 1, row);
        }
        Ok(stream)
    }
}

/// Every sequence counts its positions from zero.
fn positions_of(sequences: &[Range<usize>]) -> Vec<usize> {
    sequences.iter().flat_map(|rows| 0..rows.len()).collect()
}

impl Pass<'_> {
    /// One block: replaces `stream` by its output and returns its activations.
    pub(super) fn block(
        &self,
        layer: usize,
        stream: &mut Vec<f32>,
        feeds: Option<&mut [Feed]>,
    ) -> Activations {
        let architecture = &self.network.architecture;
        let block = &self.network.blocks[layer];
        let epsilon = architecture.norm_epsilon;
        let n = self.positions.len();
        let mut inner: [Option<Vec<f32>>; 7] = Default::default();
        let input = std::mem::take(stream);

        let mut normed = vec![0.0; input.len()];
        rms_norm(&input, &block.attention_norm, epsilon, &mut normed);
        let mut queries = self.project(block, layer, Projection::Q, &normed, &mut inner);
        let mut keys = self.project(block, layer, Projection::K, &normed, &mut inner);
        let values = self.project(block, layer, Projection::V, &normed, &mut inner);
        self.network.rotary.turn(&mut queries, self.positions);
        self.network.rotary.turn(&mut keys, self.positions);

        let mut attended = vec![0.0; queries.len()];
        let mut log_sums = vec![0.0; n * architecture.attention.heads];
        let spans = self.spans(layer, &keys, &values, feeds);
        attend(architecture.attention, &queries, &spans, &mut attended, Some(&mut log_sums));
        drop(spans);

        let mut middle = self.project(block, layer, Projection::O, &attended, &mut inner);
        add(&mut middle, &input);
        rms_norm(&middle, &block.feed_forward_norm, epsilon, &mut normed);
        let gate = self.project(block, layer, Projection::Gate, &normed, &mut inner);
        let up = self.project(block, layer, Projection::Up, &normed, &mut inner);
        drop(normed);
        let mut activated = vec![0.0; gate.len()];
        swiglu(&gate, &up, &mut activated);
        *stream = self.project(block, layer, Projection::Down, &activated, &mut inner);
        add(stream, &middle);
        Activations { input, queries, keys, values, attended, log_sums, middle, gate, up, inner }
    }

    /// Where each sequence's keys and values are: in its cache, or in this pass.
    fn spans<'s>(
        &self,
        layer: usize,
        keys: &'s [f32],
        values: &'s [f32],
        feeds: Option<&'s mut [Feed]>,
    ) -> Vec<Span<'s>> {
        let width = self.network.architecture.attention.key_width();
        let own = |rows: &Range<usize>| rows.start * width..rows.end * width;
        match feeds {
            None => self
                .sequences
                .iter()
                .map(|rows| Span {
                    rows: rows.clone(),
                    keys: &keys[own(rows)],
                    values: &values[own(rows)],
                })
                .collect(),
            Some(feeds) => feeds
                .iter_mut()
                .zip(self.sequences)
                .map(|(feed, rows)| {
                    feed.cache.append(layer, &keys[own(rows)], &values[own(rows)]);
                    let (keys, values) = feed.cache.layer(layer);
                    Span { rows: rows.clone(), keys, values }
                })
                .collect(),
        }
    }

    /// `W·x`, plus the adapter's share where this projection is adapted.
    fn project(
        &self,
        block: &Block,
        layer: usize,
        projection: Projection,
        x: &[f32],
        inner: &mut [Option<Vec<f32>>; 7],
    ) -> Vec<f32> {
        let weight = block.projection(projection);
        let n = self.positions.len();
        let mut y = vec![0.0; n * weight.rows()];
        weight.product(x, &mut y);
        if let Some(pair) = self.lora.and_then(|lora| lora.pair(layer, projection)) {
            let a = Matrix::new(pair.a, pair.rank, weight.columns()).transposed();
            let b = Matrix::new(pair.b, weight.rows(), pair.rank).transposed();
            let mut low = vec![0.0; n * pair.rank];
            if self.dropout.is_off() {
                product(Matrix::new(x, n, weight.columns()), a, 1.0, &mut low);
            } else {
                let dropped = self.dropout.applied(layer, projection, x);
                product(Matrix::new(&dropped, n, weight.columns()), a, 1.0, &mut low);
            }
            add_product(Matrix::new(&low, n, pair.rank), b, pair.scale, &mut y);
            inner[projection.index()] = Some(low);
        }
        y
    }
}

/// `a += b`.
pub(super) fn add(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}
