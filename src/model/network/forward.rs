//! The forward pass, over tokens of several sequences packed end to end.

use super::super::lora::Lora;
use super::super::{Error, Projection, Result};
use super::device::DeviceRecording;
use super::rotaries::LayerAngles;
use super::{Dropout, KeyValueCache, Network};
use crate::kernels::{
    Bf16Buffer, Buffer, LowRank, Matrix, Product, Span, attend, for_each_chunk, gated_unit,
    product, products, rms_norm,
};
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
    pub hidden: Buffer,
    pub(super) sequences: Vec<Range<usize>>,
    pub(super) angles: LayerAngles,
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
    Input(Buffer),
}

/// The activations of one block.
#[derive(Debug)]
pub(super) struct Activations {
    /// The block's input `(n, hidden)`.
    pub input: Buffer,
    /// Queries and keys before their heads are normed, where they are.
    pub raw_heads: Option<(Buffer, Buffer)>,
    /// Queries and keys after their rotation, and values.
    pub queries: Buffer,
    pub keys: Buffer,
    pub values: Buffer,
    pub attended: Buffer,
    pub log_sums: Buffer,
    /// What attention gives `(n, hidden)`, where it is normed before it joins the stream.
    pub attention_output: Option<Buffer>,
    /// The residual stream between attention and feed-forward `(n, hidden)`.
    pub middle: Buffer,
    pub feed_forward: FeedForward,
    /// What feed-forward gives `(n, hidden)`, where it is normed before it joins the stream.
    pub feed_forward_output: Option<Buffer>,
    /// A · x of each adapted projection `(n, rank)`.
    pub inner: [Option<Buffer>; 7],
}

/// Gate and up projections `(n, feed-forward)`, half of all activations: rounded to bf16 unless the
/// network computes exactly.
#[derive(Debug)]
pub(super) enum FeedForward {
    Exact { gate: Buffer, up: Buffer },
    Rounded { gate: Bf16Buffer, up: Bf16Buffer },
}

impl FeedForward {
    /// Gate and up in f32.
    pub fn expanded(&self) -> (Buffer, Buffer) {
        match self {
            Self::Exact { gate, up } => (Buffer::copy_of(gate), Buffer::copy_of(up)),
            Self::Rounded { gate, up } => (gate.expanded(), up.expanded()),
        }
    }
}

/// What stays the same through all blocks of one pass.
pub(super) struct Pass<'a> {
    pub network: &'a Network,
    pub lora: Option<&'a Lora>,
    pub angles: &'a LayerAngles,
    pub sequences: &'a [Range<usize>],
    pub dropout: Dropout,
}

impl Network {
    /// Runs new tokens of several sequences, appending to each one's cache, and returns the residual
    /// stream after the last block, `(all new tokens, hidden)`, in the order of `feeds`.
    ///
    /// # Errors
    /// A token outside the vocabulary.
    pub fn extend(&self, lora: Option<&Lora>, feeds: &mut [Feed]) -> Result<Buffer> {
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
            let hidden = device.extend(lora, stream.to_vec(), &positions, &sequences, feeds)?;
            feeds.iter_mut().for_each(|feed| feed.cache.advance(feed.tokens.len()));
            return Ok(Buffer::copy_of(&hidden));
        }
        let pass = Pass {
            network: self,
            lora,
            angles: &self.rotaries.angles(&positions),
            sequences: &sequences,
            dropout: Dropout::OFF,
        };
        for layer in 0..self.blocks.len() {
            pass.block(layer, &mut stream, Some(feeds), false);
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
    ) -> Result<Buffer> {
        let angles = self.rotaries.angles(&positions_of(sequences));
        let mut stream = self.embed(tokens)?;
        if let Some(device) = &self.device {
            let positions = positions_of(sequences);
            let hidden = device.read(lora, stream.to_vec(), &positions, sequences)?;
            return Ok(Buffer::copy_of(&hidden));
        }
        let pass = Pass { network: self, lora, angles: &angles, sequences, dropout: Dropout::OFF };
        for layer in 0..self.blocks.len() {
            pass.block(layer, &mut stream, None, false);
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
        let angles = self.rotaries.angles(&positions_of(sequences));
        let mut hidden = self.embed(tokens)?;
        if let Some(device) = &self.device {
            let positions = positions_of(sequences);
            let (hidden, recorded) =
                device.record(lora, hidden.to_vec(), &positions, sequences, dropout, recompute)?;
            return Ok(Recording {
                hidden: Buffer::copy_of(&hidden),
                sequences: sequences.to_vec(),
                angles,
                layers: Vec::new(),
                dropout,
                device: Some(recorded),
            });
        }
        let mut layers = Vec::with_capacity(self.blocks.len());
        let pass = Pass { network: self, lora: Some(lora), angles: &angles, sequences, dropout };
        for layer in 0..self.blocks.len() {
            let input = recompute.then(|| Buffer::copy_of(&hidden));
            let kept = pass.block(layer, &mut hidden, None, !recompute);
            layers.extend(input.map(LayerRecording::Input).or(kept.map(LayerRecording::Kept)));
        }
        Ok(Recording {
            hidden,
            sequences: sequences.to_vec(),
            angles,
            layers,
            dropout,
            device: None,
        })
    }

    /// The embeddings of `tokens`, `(n, hidden)`.
    fn embed(&self, tokens: &[u32]) -> Result<Buffer> {
        let width = self.architecture.hidden;
        let mut stream = Buffer::new(tokens.len() * width);
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
        let scale = self.architecture.embedding_scale;
        if scale != 1.0 {
            stream.iter_mut().for_each(|value| *value *= scale);
        }
        Ok(stream)
    }
}

/// Every sequence counts its positions from zero.
fn positions_of(sequences: &[Range<usize>]) -> Vec<usize> {
    sequences.iter().flat_map(|rows| 0..rows.len()).collect()
}

impl Pass<'_> {
    /// One block: replaces `stream` by its output; returns its activations if they are to be kept.
    pub(super) fn block(
        &self,
        layer: usize,
        stream: &mut Buffer,
        feeds: Option<&mut [Feed]>,
        keep: bool,
    ) -> Option<Box<Activations>> {
        let architecture = &self.network.architecture;
        let block = &self.network.blocks[layer];
        let epsilon = architecture.norm_epsilon;
        let n = self.sequences.iter().map(Range::len).sum::<usize>();
        let mut inner: [Option<Buffer>; 7] = Default::default();

        let mut normed = Buffer::new(stream.len());
        rms_norm(stream, &block.attention_norm, epsilon, &mut normed);
        let [mut queries, mut keys, values] =
            self.project(layer, [Projection::Q, Projection::K, Projection::V], &normed, &mut inner);
        let mut raw_heads = None;
        if let (Some(of_queries), Some(of_keys)) = (&block.query_norm, &block.key_norm) {
            let normed_heads = |raw: &mut Buffer, weight: &[f32]| {
                let mut normed = Buffer::new(raw.len());
                rms_norm(raw, weight, epsilon, &mut normed);
                std::mem::replace(raw, normed)
            };
            raw_heads =
                Some((normed_heads(&mut queries, of_queries), normed_heads(&mut keys, of_keys)));
        }
        self.angles.of(layer).turn(&mut queries);
        self.angles.of(layer).turn(&mut keys);

        let mut attended = Buffer::new(queries.len());
        let mut log_sums = Buffer::new(n * architecture.attention.heads);
        let spans = self.spans(layer, &keys, &values, feeds);
        let attention = architecture.attention_of(layer);
        attend(&attention, &queries, &spans, &mut attended, Some(&mut log_sums));
        drop(spans);

        let [output] = self.project(layer, [Projection::O], &attended, &mut inner);
        let (mut middle, attention_output) =
            self.normed_output(output, &block.attention_output_norm);
        add(&mut middle, stream);
        rms_norm(&middle, &block.feed_forward_norm, epsilon, &mut normed);
        let [gate, up] =
            self.project(layer, [Projection::Gate, Projection::Up], &normed, &mut inner);
        drop(normed);
        let mut activated = Buffer::new(gate.len());
        gated_unit(architecture.block.activation, &gate, &up, &mut activated);
        let kept = keep.then(|| match self.network.exact {
            true => FeedForward::Exact { gate, up },
            false => FeedForward::Rounded { gate: Bf16Buffer::of(&gate), up: Bf16Buffer::of(&up) },
        });
        let [output] = self.project(layer, [Projection::Down], &activated, &mut inner);
        let (mut output, feed_forward_output) =
            self.normed_output(output, &block.feed_forward_output_norm);
        add(&mut output, &middle);
        let input = std::mem::replace(stream, output);
        kept.map(|feed_forward| {
            Box::new(Activations {
                input,
                raw_heads,
                queries,
                keys,
                values,
                attended,
                log_sums,
                attention_output,
                middle,
                feed_forward,
                feed_forward_output,
                inner,
            })
        })
    }

    /// What joins the residual stream and, where it is normed for that, what it was before.
    fn normed_output(&self, output: Buffer, norm: &Option<Vec<f32>>) -> (Buffer, Option<Buffer>) {
        let Some(weight) = norm else { return (output, None) };
        let mut normed = Buffer::new(output.len());
        rms_norm(&output, weight, self.network.architecture.norm_epsilon, &mut normed);
        (normed, Some(output))
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

    /// `W·x` of several projections of one input, each plus the adapter's share where it is adapted.
    fn project<const N: usize>(
        &self,
        layer: usize,
        projections: [Projection; N],
        x: &[f32],
        inner: &mut [Option<Buffer>; 7],
    ) -> [Buffer; N] {
        let weights = projections.map(|p| self.network.blocks[layer].projection(p));
        let columns = weights[0].columns();
        let n = x.len() / columns;
        let pairs = projections.map(|p| self.lora.and_then(|lora| lora.pair(layer, p)));
        for (projection, pair) in projections.into_iter().zip(&pairs) {
            let Some(pair) = pair else { continue };
            let a = Matrix::new(pair.a, pair.rank, columns).transposed();
            let mut low = Buffer::new(n * pair.rank);
            if self.dropout.is_off() {
                product(Matrix::new(x, n, columns), a, 1.0, &mut low);
            } else {
                let dropped = self.dropout.applied(layer, projection, x);
                product(Matrix::new(&dropped, n, columns), a, 1.0, &mut low);
            }
            inner[projection.index()] = Some(low);
        }
        let mut outs = weights.map(|weight| Buffer::new(n * weight.rows()));
        let mut work = Vec::with_capacity(N);
        for (i, out) in outs.iter_mut().enumerate() {
            let low_rank = pairs[i].as_ref().zip(inner[projections[i].index()].as_ref());
            let low_rank = low_rank.map(|(pair, inner)| LowRank {
                inner,
                right: Matrix::new(pair.b, weights[i].rows(), pair.rank).transposed(),
                scale: pair.scale,
            });
            work.push(Product { weight: weights[i], low_rank, out });
        }
        products(x, &mut work);
        drop(work);
        for (projection, out) in projections.into_iter().zip(&mut outs) {
            if let Some(bias) = self.network.blocks[layer].bias(projection) {
                out.chunks_exact_mut(bias.len()).for_each(|row| add(row, bias));
            }
        }
        outs
    }
}

/// `a += b`.
pub(super) fn add(a: &mut [f32], b: &[f32]) {
    const CHUNK: usize = 1 << 14;
    for_each_chunk(a, CHUNK, |chunk, a| {
        for (a, b) in a.iter_mut().zip(&b[chunk * CHUNK..]) {
            *a += b;
        }
    });
}
