//! The network's weights on a device.

use super::adapter::{Adapter, Uploaded};
use super::operations::rms_norm;
use super::pass::{Frame, Pass};
use super::product::FrozenProduct;
use super::{DeviceCache, DeviceRecording};
use crate::kernels::FrozenMatrix;
use crate::model::lora::Lora;
use crate::model::network::{Dropout, Feed, Network};
use crate::model::{Architecture, Projection, Result};
use candle_core::{Device, Tensor};
use std::ops::Range;
use std::sync::Mutex;

/// A decoder whose weights lie on a device, as f32.
#[derive(Debug)]
pub struct DeviceNetwork {
    pub(super) architecture: Architecture,
    pub(super) device: Device,
    pub(super) blocks: Vec<DeviceBlock>,
    pub(super) head: FrozenProduct,
    final_norm: Tensor,
    /// The adapters used last, so that they need not travel for every token.
    pub(super) uploaded: Mutex<Vec<Uploaded>>,
}

#[derive(Debug)]
pub struct DeviceBlock {
    pub attention_norm: Tensor,
    pub feed_forward_norm: Tensor,
    pub attention_output_norm: Option<Tensor>,
    pub feed_forward_output_norm: Option<Tensor>,
    pub query_norm: Option<Tensor>,
    pub key_norm: Option<Tensor>,
    projections: Vec<FrozenProduct>,
    biases: Vec<Option<Tensor>>,
}

impl DeviceBlock {
    pub fn projection(&self, projection: Projection) -> &FrozenProduct {
        &self.projections[projection.index()]
    }

    pub fn bias(&self, projection: Projection) -> Option<&Tensor> {
        self.biases[projection.index()].as_ref()
    }
}

impl DeviceNetwork {
    /// Copies the weights of `network`, expanded.
    pub fn new(network: &Network, device: Device) -> Result<Self> {
        let matrix = |weight: &FrozenMatrix| -> Result<FrozenProduct> {
            let (rows, columns) = (weight.rows(), weight.columns());
            let mut values = vec![0.0; rows * columns];
            weight.expand_rows(0, rows, &mut values);
            Ok(FrozenProduct::new(Tensor::from_vec(values, (rows, columns), &device)?)?)
        };
        let vector = |values: &[f32]| Tensor::from_slice(values, values.len(), &device);
        let optional = |values: &Option<Vec<f32>>| values.as_deref().map(vector).transpose();
        let mut blocks = Vec::with_capacity(network.blocks.len());
        for block in &network.blocks {
            let projections = Projection::ALL.map(|projection| block.projection(projection));
            blocks.push(DeviceBlock {
                attention_norm: vector(&block.attention_norm)?,
                feed_forward_norm: vector(&block.feed_forward_norm)?,
                attention_output_norm: optional(&block.attention_output_norm)?,
                feed_forward_output_norm: optional(&block.feed_forward_output_norm)?,
                query_norm: optional(&block.query_norm)?,
                key_norm: optional(&block.key_norm)?,
                biases: block.biases.iter().map(optional).collect::<candle_core::Result<_>>()?,
                projections: projections.into_iter().map(matrix).collect::<Result<_>>()?,
            });
        }
        Ok(Self {
            architecture: network.architecture.clone(),
            blocks,
            head: matrix(network.head())?,
            final_norm: vector(&network.final_norm)?,
            uploaded: Mutex::new(Vec::new()),
            device,
        })
    }

    /// Bytes of the weights on the device.
    pub fn bytes(&self) -> usize {
        let architecture = &self.architecture;
        // The embedding stays with the processor; in its place the head is here, of the same size.
        4 * architecture.parameters()
    }

    /// As the network's `extend`, from the embeddings of the new tokens.
    pub fn extend(
        &self,
        lora: Option<&Lora>,
        stream: Vec<f32>,
        positions: &[usize],
        sequences: &[Range<usize>],
        feeds: &mut [Feed],
    ) -> Result<Vec<f32>> {
        let adapter = self.adapter(lora)?;
        let past: Vec<usize> = feeds.iter().map(|feed| feed.cache.len()).collect();
        let frame = Frame::new(self, positions, sequences, &past, Dropout::OFF)?;
        let mut caches: Vec<&mut DeviceCache> = feeds
            .iter_mut()
            .map(|feed| feed.cache.on_device(|| DeviceCache::new(self.blocks.len())))
            .collect();
        self.run(&frame, &adapter, stream, Some(&mut caches))
    }

    /// As the network's `read`, from the embeddings.
    pub fn read(
        &self,
        lora: Option<&Lora>,
        stream: Vec<f32>,
        positions: &[usize],
        sequences: &[Range<usize>],
    ) -> Result<Vec<f32>> {
        let adapter = self.adapter(lora)?;
        let frame = Frame::whole(self, positions, sequences, Dropout::OFF)?;
        self.run(&frame, &adapter, stream, None)
    }

    fn run(
        &self,
        frame: &Frame,
        adapter: &Adapter,
        stream: Vec<f32>,
        mut caches: Option<&mut [&mut DeviceCache]>,
    ) -> Result<Vec<f32>> {
        if stream.is_empty() {
            return Ok(stream);
        }
        let pass = Pass { network: self, frame };
        let mut stream = self.upload(stream)?;
        for layer in 0..self.blocks.len() {
            stream = pass.block(layer, &stream, adapter.layer(layer), caches.as_deref_mut())?;
        }
        download(&stream)
    }

    /// Rows of the residual stream, on the device.
    pub(super) fn upload(&self, rows: Vec<f32>) -> Result<Tensor> {
        let width = self.architecture.hidden;
        let count = rows.len() / width;
        Ok(Tensor::from_vec(rows, (count, width), &self.device)?)
    }

    /// The norm before the head.
    pub(super) fn normed(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        rms_norm(rows, &self.final_norm, self.architecture.norm_epsilon)
    }

    /// As the network's `record`, from the embeddings.
    pub fn record(
        &self,
        lora: &Lora,
        stream: Vec<f32>,
        positions: &[usize],
        sequences: &[Range<usize>],
        dropout: Dropout,
        recompute: bool,
    ) -> Result<(Vec<f32>, DeviceRecording)> {
        let adapter = self.adapter(Some(lora))?;
        let frame = Frame::whole(self, positions, sequences, dropout)?;
        DeviceRecording::new(self, lora, adapter, frame, stream, recompute)
    }

    /// As the network's `backward`.
    pub fn backward(
        &self,
        lora: &Lora,
        recording: DeviceRecording,
        d_hidden: Vec<f32>,
        gradient: &mut [f32],
    ) -> Result<()> {
        recording.backward(self, lora, d_hidden, gradient)
    }
}

/// All values of a tensor, row by row.
pub fn download(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}
