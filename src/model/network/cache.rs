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
