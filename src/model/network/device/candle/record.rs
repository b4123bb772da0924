//! A forward pass kept for its backward. Each block is a graph of its own, from its input to its
//! output, so that what a block keeps is given back as soon as its gradient is known.

use super::adapter::{Adapter, DevicePair, LayerPairs};
use super::pass::{Frame, Pass};
use super::weights::{DeviceNetwork, download};
use crate::model::lora::{Lora, PairPlace};
use crate::model::{Error, Result};
use candle_core::{Tensor, Var};

/// What the backward of all blocks needs.
#[derive(Debug)]
pub struct DeviceRecording {
    frame: Frame,
    adapter: Adapter,
    blocks: Vec<Recorded>,
}

#[derive(Debug)]
enum Recorded {
    /// Below the first adapted block nobody asks for a gradient.
    Nothing,
    Kept(Box<Graph>),
    /// Only the block's input: the rest is computed again.
    Input(Tensor),
}

/// One block as candle recorded it.
#[derive(Debug)]
struct Graph {
    /// A variable where the blocks below are adapted too.
    input: Option<Var>,
    /// A and B of this block, in the order of the adapter's parameters.
    variables: Vec<(Var, Var)>,
    output: Tensor,
}

impl DeviceRecording {
    /// The residual stream after the last block, and the recording.
    pub fn new(
        network: &DeviceNetwork,
        lora: &Lora,
        adapter: Adapter,
        frame: Frame,
        stream: Vec<f32>,
        recompute: bool,
    ) -> Result<(Vec<f32>, Self)> {
        let mut recording = Self { frame, adapter, blocks: Vec::new() };
        if stream.is_empty() {
            return Ok((stream, recording));
        }
        let lowest = lowest(lora).unwrap_or(usize::MAX);
        let mut stream = network.upload(stream)?;
        for layer in 0..network.blocks.len() {
            let recorded;
            (stream, recorded) = if layer < lowest || recompute {
                let pass = Pass { network, frame: &recording.frame };
                let output = pass.block(layer, &stream, recording.adapter.layer(layer), None)?;
                let kept = if layer < lowest { Recorded::Nothing } else { Recorded::Input(stream) };
                (output, kept)
            } else {
                let graph = recording.graph(network, lora, layer, &stream)?;
                (graph.output.detach(), Recorded::Kept(Box::new(graph)))
            };
            recording.blocks.push(recorded);
        }
        Ok((download(&stream)?, recording))
    }

    /// Runs a block with its pairs, and its input where that is asked for, as variables.
    fn graph(
        &self,
        network: &DeviceNetwork,
        lora: &Lora,
        layer: usize,
        input: &Tensor,
    ) -> Result<Graph> {
        let mut pairs: LayerPairs = self.adapter.layer(layer).clone();
        let mut variables = Vec::new();
        for pair in pairs.iter_mut().flatten() {
            let (a, b) = (Var::from_tensor(&pair.a)?, Var::from_tensor(&pair.b)?);
            *pair = DevicePair { a: a.as_tensor().clone(), b: b.as_tensor().clone(), ..*pair };
            variables.push((a, b));
        }
        let wanted = lowest(lora).is_some_and(|lowest| layer > lowest);
        let variable = wanted.then(|| Var::from_tensor(input)).transpose()?;
        let input = variable.as_ref().map_or(input, Var::as_tensor);
        let output = Pass { network, frame: &self.frame }.block(layer, input, &pairs, None)?;
        Ok(Graph { input: variable, variables, output })
    }

    /// Adds the gradient for every parameter of `lora`.
    pub fn backward(
        mut self,
        network: &DeviceNetwork,
        lora: &Lora,
        d_hidden: Vec<f32>,
        gradient: &mut [f32],
    ) -> Result<()> {
        if d_hidden.is_empty() || lora.places().is_empty() {
            return Ok(());
        }
        let mut d_stream = network.upload(d_hidden)?;
        while let Some(recorded) = self.blocks.pop() {
            let layer = self.blocks.len();
            let graph = match recorded {
                Recorded::Nothing => break,
                Recorded::Kept(graph) => *graph,
                Recorded::Input(input) => self.graph(network, lora, layer, &input)?,
            };
            let places: Vec<_> = lora.places().iter().filter(|p| p.layer == layer).collect();
            match graph.backward(&d_stream, &places, gradient)? {
                Some(d_input) => d_stream = d_input,
                None => break,
            }
        }
        Ok(())
    }
}

impl Graph {
    /// Adds the gradients of this block's pairs; gives that of its input, where it is a variable.
    fn backward(
        self,
        d_output: &Tensor,
        places: &[&PairPlace],
        gradient: &mut [f32],
    ) -> Result<Option<Tensor>> {
        let sum = (&self.output * d_output)?.sum_all()?;
        let mut gradients = sum.backward()?;
        let mut of = |variable: &Var| gradients.remove(variable).ok_or_else(lost);
        if places.len() != self.variables.len() {
            return Err(lost());
        }
        // One download for all pairs of the block, which lie next to each other.
        let mut flat = Vec::with_capacity(2 * self.variables.len());
        for (a, b) in &self.variables {
            flat.push(of(a)?.flatten_all()?);
            flat.push(of(b)?.flatten_all()?);
        }
        if let (Some(first), Some(last)) = (places.first(), places.last()) {
            let values = download(&Tensor::cat(&flat, 0)?)?;
            let own = &mut gradient[first.a.start..last.b.end];
            if own.len() != values.len() {
                return Err(lost());
            }
            own.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        self.input.as_ref().map(of).transpose()
    }
}

/// Never a silent zero: a gradient that candle lost ends the run.
pub fn lost() -> Error {
    Error::Device { reason: "the graph lost a gradient".into() }
}

/// The first adapted block.
fn lowest(lora: &Lora) -> Option<usize> {
    lora.places().first().map(|place| place.layer)
}
