//! The gradient of the loss for LoRA's parameters, block by block from the last to the first that is
//! adapted. Frozen weights get no gradient, only pass it on.

use super::super::lora::{Lora, Pair, PairPlace};
use super::super::{Projection, Result};
use super::Network;
use super::forward::{Activations, LayerRecording, Pass, Recording};
use crate::kernels::{
    Attended, Buffer, LowRank, Matrix, add_product, attend_backward, gated_unit_backward, product,
    rms_norm, rms_norm_backward,
};

impl Network {
    /// Adds the loss's gradient for every parameter of `lora` to `gradient` (of the same layout).
    ///
    /// `d_hidden` `(n, hidden)` is the loss's gradient for [`Recording::hidden`].
    ///
    /// # Errors
    /// Only where a GPU computes and fails.
    pub fn backward(
        &self,
        lora: &Lora,
        recording: Recording,
        d_hidden: Buffer,
        gradient: &mut [f32],
    ) -> Result<()> {
        assert_eq!(gradient.len(), lora.parameters.len());
        let Some(lowest) = lora.places().first().map(|place| place.layer) else { return Ok(()) };
        let Recording { sequences, angles, layers, dropout, hidden, device } = recording;
        if let (Some(network), Some(recorded)) = (&self.device, device) {
            return network.backward(lora, recorded, d_hidden.to_vec(), gradient);
        }
        drop(hidden);
        let pass = Pass {
            network: self,
            lora: Some(lora),
            angles: &angles,
            sequences: &sequences,
            dropout,
        };
        let mut d_stream = d_hidden;
        for (layer, recorded) in layers.into_iter().enumerate().skip(lowest).rev() {
            let activations = match recorded {
                LayerRecording::Kept(activations) => Some(activations),
                LayerRecording::Input(mut input) => pass.block(layer, &mut input, None, true),
            };
            let Some(activations) = activations else { continue };
            let mut backward =
                BlockBackward { pass: &pass, lora, layer, activations: &activations, gradient };
            backward.run(&mut d_stream, layer > lowest);
        }
        Ok(())
    }
}

struct BlockBackward<'a> {
    pass: &'a Pass<'a>,
    lora: &'a Lora,
    layer: usize,
    activations: &'a Activations,
    gradient: &'a mut [f32],
}

impl BlockBackward<'_> {
    /// `d_stream` comes in as the gradient for the block's output and leaves as that for its input
    /// (only if `input_wanted`: below the lowest adapted block nobody asks for it).
    fn run(&mut self, d_stream: &mut [f32], input_wanted: bool) {
        let network = self.pass.network;
        let epsilon = network.architecture.norm_epsilon;
        let block = &network.blocks[self.layer];
        let activations = self.activations;

        let (mut d_gate, mut d_up) = activations.feed_forward.expanded();
        let normed_from = block
            .feed_forward_output_norm
            .as_deref()
            .zip(activations.feed_forward_output.as_deref());
        let d_before_norm = self.before_output_norm(normed_from, d_stream);
        let d_output = d_before_norm.as_deref().unwrap_or(d_stream);
        let mut d_activated = Buffer::new(d_gate.len());
        let d_inner = self.input_gradient(Projection::Down, d_output, &mut d_activated, false);
        let mut activated = d_activated;
        let activation = network.architecture.block.activation;
        gated_unit_backward(activation, &mut d_gate, &mut d_up, &mut activated);
        self.adapter_gradient(Projection::Down, &activated, d_output, d_inner);
        drop((activated, d_before_norm));

        let mut normed = Buffer::new(activations.middle.len());
        rms_norm(&activations.middle, &block.feed_forward_norm, epsilon, &mut normed);
        let mut d_normed = Buffer::new(normed.len());
        let feed_forward = [(Projection::Gate, &d_gate), (Projection::Up, &d_up)];
        self.share(&normed, &feed_forward, Some(&mut d_normed));
        drop((d_gate, d_up));
        rms_norm_backward(
            &activations.middle,
            &block.feed_forward_norm,
            epsilon,
            &d_normed,
            d_stream,
        );

        let normed_from =
            block.attention_output_norm.as_deref().zip(activations.attention_output.as_deref());
        let d_before_norm = self.before_output_norm(normed_from, d_stream);
        let d_output = d_before_norm.as_deref().unwrap_or(d_stream);
        let mut d_attended = Buffer::new(activations.attended.len());
        let d_inner = self.input_gradient(Projection::O, d_output, &mut d_attended, false);
        self.adapter_gradient(Projection::O, &activations.attended, d_output, d_inner);
        drop(d_before_norm);
        let mut d_queries = Buffer::new(activations.queries.len());
        let mut d_keys = Buffer::new(activations.keys.len());
        let mut d_values = Buffer::new(activations.values.len());
        let seen = Attended {
            queries: &activations.queries,
            keys: &activations.keys,
            values: &activations.values,
            out: &activations.attended,
            log_sums: &activations.log_sums,
            sequences: self.pass.sequences,
        };
        let attention = network.architecture.attention_of(self.layer);
        attend_backward(&attention, &seen, &d_attended, &mut d_queries, &mut d_keys, &mut d_values);
        drop(d_attended);
        self.pass.angles.of(self.layer).turn_back(&mut d_queries);
        self.pass.angles.of(self.layer).turn_back(&mut d_keys);
        if let (Some((queries, keys)), Some(of_queries), Some(of_keys)) =
            (&activations.raw_heads, &block.query_norm, &block.key_norm)
        {
            let before_norm = |raw: &[f32], weight: &[f32], d_normed: &mut Buffer| {
                let mut d_raw = Buffer::zeroed(raw.len());
                rms_norm_backward(raw, weight, epsilon, d_normed, &mut d_raw);
                *d_normed = d_raw;
            };
            before_norm(queries, of_queries, &mut d_queries);
            before_norm(keys, of_keys, &mut d_keys);
        }

        rms_norm(&activations.input, &block.attention_norm, epsilon, &mut normed);
        let attention =
            [(Projection::Q, &d_queries), (Projection::K, &d_keys), (Projection::V, &d_values)];
        self.share(&normed, &attention, input_wanted.then_some(&mut d_normed));
        if input_wanted {
            rms_norm_backward(
                &activations.input,
                &block.attention_norm,
                epsilon,
                &d_normed,
                d_stream,
            );
        }
    }

    /// The gradient for what attention or feed-forward gave, where it was normed (with this weight, from this)
    /// before it joined the stream.
    fn before_output_norm(
        &self,
        normed_from: Option<(&[f32], &[f32])>,
        d_stream: &[f32],
    ) -> Option<Buffer> {
        let (weight, output) = normed_from?;
        let mut d_output = Buffer::zeroed(output.len());
        let epsilon = self.pass.network.architecture.norm_epsilon;
        rms_norm_backward(output, weight, epsilon, d_stream, &mut d_output);
        Some(d_output)
    }

    /// The backward of projections that share their input `x`: the adapter's gradients and, where
    /// wanted, `dx`, the sum over them.
    fn share(
        &mut self,
        x: &[f32],
        projections: &[(Projection, &Buffer)],
        mut dx: Option<&mut Buffer>,
    ) {
        for (i, (projection, dy)) in projections.iter().enumerate() {
            let d_inner = match dx.as_deref_mut() {
                Some(dx) => self.input_gradient(*projection, dy, dx, i > 0),
                None => self.inner_gradient(*projection, dy),
            };
            self.adapter_gradient(*projection, x, dy, d_inner);
        }
    }

    fn adapted(&self, projection: Projection) -> Option<(&PairPlace, Pair<'_>)> {
        self.lora.place(self.layer, projection).zip(self.lora.pair(self.layer, projection))
    }

    /// The gradient for A · x, `(n, rank)`, of an adapted projection.
    fn inner_gradient(&self, projection: Projection, dy: &[f32]) -> Option<Buffer> {
        let (place, pair) = self.adapted(projection)?;
        let n = dy.len() / place.outputs;
        let mut d_inner = Buffer::new(n * pair.rank);
        let b = Matrix::new(pair.b, place.outputs, pair.rank);
        product(Matrix::new(dy, n, place.outputs), b, pair.scale, &mut d_inner);
        Some(d_inner)
    }

    /// `dx (+)= dy · W +` the adapter's share; returns the gradient for A · x.
    fn input_gradient(
        &self,
        projection: Projection,
        dy: &[f32],
        dx: &mut [f32],
        accumulate: bool,
    ) -> Option<Buffer> {
        let weight = self.pass.network.blocks[self.layer].projection(projection);
        let d_inner = self.inner_gradient(projection, dy);
        let adapted = self.adapted(projection).zip(d_inner.as_ref());
        let dropout = self.pass.dropout;
        let low_rank =
            adapted.as_ref().filter(|_| dropout.is_off()).map(|((place, pair), inner)| LowRank {
                inner,
                right: Matrix::new(pair.a, pair.rank, place.inputs),
                scale: 1.0,
            });
        weight.product_backward(dy, low_rank, dx, accumulate);
        if let (Some(((place, pair), inner)), false) = (adapted, dropout.is_off()) {
            let n = dy.len() / place.outputs;
            let mut d_dropped = Buffer::new(dx.len());
            let a = Matrix::new(pair.a, pair.rank, place.inputs);
            product(Matrix::new(inner, n, pair.rank), a, 1.0, &mut d_dropped);
            dropout.add_backward(self.layer, projection, &d_dropped, dx);
        }
        d_inner
    }

    /// Adds the gradients for A and B of a projection with input `x`.
    fn adapter_gradient(
        &mut self,
        projection: Projection,
        x: &[f32],
        dy: &[f32],
        d_inner: Option<Buffer>,
    ) {
        let layer = self.layer;
        let (Some(place), Some(d_inner), Some(inner)) = (
            self.lora.place(layer, projection),
            d_inner,
            &self.activations.inner[projection.index()],
        ) else {
            return;
        };
        let config = self.lora.config();
        let n = dy.len() / place.outputs;
        add_product(
            Matrix::new(dy, n, place.outputs).transposed(),
            Matrix::new(inner, n, config.rank),
            config.scale(),
            &mut self.gradient[place.b.clone()],
        );
        let d_inner = Matrix::new(&d_inner, n, config.rank).transposed();
        let d_a = &mut self.gradient[place.a.clone()];
        let dropout = self.pass.dropout;
        if dropout.is_off() {
            add_product(d_inner, Matrix::new(x, n, place.inputs), 1.0, d_a);
        } else {
            let dropped = dropout.applied(layer, projection, x);
            add_product(d_inner, Matrix::new(&dropped, n, place.inputs), 1.0, d_a);
        }
    }
}
