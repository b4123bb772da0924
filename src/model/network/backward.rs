//! The gradient of the loss for LoRA's parameters, block by block from the last to the first that is
//! adapted. Frozen weights get no gradient, only pass it on.

use super::super::lora::Lora;
use super::super::{Projection, Result};
use super::Network;
use super::forward::{Activations, LayerRecording, Pass, Recording};
use crate::kernels::{
    Attended, Matrix, add_product, attend_backward, product, rms_norm, rms_norm_backward, swiglu,
    swiglu_backward,
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
        d_hidden: Vec<f32>,
        gradient: &mut [f32],
    ) -> Result<()> {
        assert_eq!(gradient.len(), lora.parameters.len());
        let Some(lowest) = lora.places().first().map(|place| place.layer) else { return Ok(()) };
        let Recording { sequences, positions, layers, dropout, hidden, device } = recording;
        if let (Some(network), Some(recorded)) = (&self.device, device) {
            return network.backward(lora, recorded, d_hidden, gradient);
        }
        drop(hidden);
        let pass = Pass {
            network: self,
            lora: Some(lora),
            positions: &positions,
            sequences: &sequences,
            dropout,
        };
        let mut d_stream = d_hidden;
        for (layer, recorded) in layers.into_iter().enumerate().skip(lowest).rev() {
            let activations = match recorded {
                LayerRecording::Kept(activations) => activations,
                LayerRecording::Input(mut input) => Box::new(pass.block(layer, &mut input, None)),
            };
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

        let mut activated = vec![0.0; activations.gate.len()];
        swiglu(&activations.gate, &activations.up, &mut activated);
        let mut d_activated = vec![0.0; activated.len()];
        self.project(Projection::Down, &activated, d_stream, Some(&mut d_activated));
        drop(activated);
        let (mut d_gate, mut d_up) = (activations.gate.clone(), activations.up.clone());
        swiglu_backward(&mut d_gate, &mut d_up, &d_activated);
        drop(d_activated);

        let mut normed = vec![0.0; activations.middle.len()];
        rms_norm(&activations.middle, &block.feed_forward_norm, epsilon, &mut normed);
        let mut d_normed = vec![0.0; normed.len()];
        self.project(Projection::Gate, &normed, &d_gate, Some(&mut d_normed));
        self.project(Projection::Up, &normed, &d_up, Some(&mut d_normed));
        drop((d_gate, d_up));
        rms_norm_backward(
            &activations.middle,
            &block.feed_forward_norm,
            epsilon,
            &d_normed,
            d_stream,
        );

        let mut d_attended = vec![0.0; activations.attended.len()];
        self.project(Projection::O, &activations.attended, d_stream, Some(&mut d_attended));
        let mut d_queries = vec![0.0; activations.queries.len()];
        let mut d_keys = vec![0.0; activations.keys.len()];
        let mut d_values = vec![0.0; activations.values.len()];
        let seen = Attended {
            queries: &activations.queries,
            keys: &activations.keys,
            values: &activations.values,
            out: &activations.attended,
            log_sums: &activations.log_sums,
            sequences: self.pass.sequences,
        };
        let shape = network.architecture.attention;
        attend_backward(shape, &seen, &d_attended, &mut d_queries, &mut d_keys, &mut d_values);
        network.rotary.turn_back(&mut d_queries, self.pass.positions);
        network.rotary.turn_back(&mut d_keys, self.pass.positions);

        rms_norm(&activations.input, &block.attention_norm, epsilon, &mut normed);
        d_normed.fill(0.0);
        for (projection, dy) in
            [(Projection::Q, &d_queries), (Projection::K, &d_keys), (Projection::V, &d_values)]
        {
            self.project(projection, &normed, dy, input_wanted.then_some(&mut d_normed));
        }
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

    /// The backward of one projection: LoRA's gradients from its input `x` and `dy`, and, where
    /// wanted, `dx += W ᵀ·dy +` the adapter's share.
    fn project(
        &mut self,
        projection: Projection,
        x: &[f32],
        dy: &[f32],
        mut dx: Option<&mut Vec<f32>>,
    ) {
        let weight = self.pass.network.blocks[self.layer].projection(projection);
        let (outputs, inputs) = (weight.rows(), weight.columns());
        let n = self.pass.positions.len();
        if let Some(dx) = dx.as_deref_mut() {
            weight.add_product_backward(dy, dx);
        }
        let (Some(place), Some(pair), Some(inner)) = (
            self.lora.place(self.layer, projection),
            self.lora.pair(self.layer, projection),
            &self.activations.inner[projection.index()],
        ) else {
            return;
        };
        let dropout = self.pass.dropout;
        let dy = Matrix::new(dy, n, outputs);
        add_product(
            dy.transposed(),
            Matrix::new(inner, n, pair.rank),
            pair.scale,
            &mut self.gradient[place.b.clone()],
        );
        let mut d_inner = vec![0.0; n * pair.rank];
        product(dy, Matrix::new(pair.b, outputs, pair.rank), pair.scale, &mut d_inner);
        let d_inner = Matrix::new(&d_inner, n, pair.rank);
        let a = Matrix::new(pair.a, pair.rank, inputs);
        let d_a = &mut self.gradient[place.a.clone()];
        if dropout.is_off() {
            add_product(d_inner.transposed(), Matrix::new(x, n, inputs), 1.0, d_a);
            if let Some(dx) = dx {
                add_product(d_inner, a, 1.0, dx);
            }
        } else {
            let dropped = dropout.applied(self.layer, projection, x);
            add_product(d_inner.transposed(), Matrix::new(&dropped, n, inputs), 1.0, d_a);
            if let Some(dx) = dx {
                let mut d_dropped = dropped;
                product(d_inner, a, 1.0, &mut d_dropped);
                dropout.add_backward(self.layer, projection, &d_dropped, dx);
            }
        }
    }
}
