//! The keys and values of a sequence's past, so that each token is computed once.

use super::super::Architecture;
use super::device::DeviceCache;

/// Keys and values of one sequence in every layer, `(len, key_width)` each.
#[derive(Debug, Clone)]
pub struct KeyValueCache {
    layers: Vec<(Vec<f32>, Vec<f32>)>,
    key_width: usize,
    len: usize,
    /// On a GPU the keys and values are here; only the first `len` tokens of it count.
    device: Option<DeviceCache>,
}

impl KeyValueCache {
    pub fn new(architecture: &Architecture) -> Self {
        Self {
            layers: vec![(Vec::new(), Vec::new()); architecture.layers],
            key_width: architecture.attention.key_width(),
            len: 0,
            device: None,
        }
    }

    /// Tokens held.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all but the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        for (keys, values) in &mut self.layers {
            keys.truncate(len * self.key_width);
            values.truncate(len * self.key_width);
        }
        self.len = len;
    }

    /// A copy of the first `len` tokens, with room for `room` more.
    pub fn beginning(&self, len: usize, room: usize) -> Self {
        let len = len.min(self.len);
        let copy = |values: &[f32]| {
            // On a GPU nothing is here.
            let Some(values) = values.get(..len * self.key_width) else { return Vec::new() };
            let mut copied = Vec::with_capacity((len + room) * self.key_width);
            copied.extend_from_slice(values);
            copied
        };
        let layers = self.layers.iter().map(|(keys, values)| (copy(keys), copy(values))).collect();
        Self { layers, key_width: self.key_width, len, device: self.device.clone() }
    }

    /// Bytes that one token takes.
    pub fn bytes_per_token(&self) -> usize {
        2 * self.layers.len() * self.key_width * size_of::<f32>()
    }

    /// Bytes held, those for tokens to come included.
    pub fn bytes(&self) -> usize {
        let capacity = |(keys, values): &(Vec<f32>, Vec<f32>)| keys.capacity() + values.capacity();
        let here = self.layers.iter().map(capacity).sum::<usize>() * size_of::<f32>();
        here + self.device.as_ref().map_or(0, |_| self.len * self.bytes_per_token())
    }

    /// Gives back the memory for tokens to come.
    pub fn shrink_to_fit(&mut self) {
        for (keys, values) in &mut self.layers {
            keys.shrink_to_fit();
            values.shrink_to_fit();
        }
    }

    pub(super) fn append(&mut self, layer: usize, keys: &[f32], values: &[f32]) {
        let (all_keys, all_values) = &mut self.layers[layer];
        all_keys.extend_from_slice(keys);
        all_values.extend_from_slice(values);
    }

    pub(super) fn layer(&self, layer: usize) -> (&[f32], &[f32]) {
        let (keys, values) = &self.layers[layer];
        (keys, values)
    }

    /// The keys and values on the device, made when they are first asked for.
    pub(super) fn on_device(&mut self, new: impl FnOnce() -> DeviceCache) -> &mut DeviceCache {
        self.device.get_or_insert_with(new)
    }

    /// Called once all layers have their new rows.
    pub(super) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }
}
