//! The keys and values of a sequence's past, kept on the device. Room is taken ahead, so that a new
//! token moves nothing of the past; copies share it until one of them grows.

use candle_core::{DType, Result, Tensor};
use std::sync::Arc;

/// Keys and values of one sequence in every layer. How many tokens of it count is known to the
/// cache that holds it.
#[derive(Debug, Clone)]
pub struct DeviceCache {
    layers: Vec<Option<Arc<Past>>>,
}

/// `(key_heads, capacity, head_width)` each.
#[derive(Debug)]
struct Past {
    keys: Tensor,
    values: Tensor,
    capacity: usize,
}

/// Tokens that a new past has room for.
const LEAST: usize = 128;

impl DeviceCache {
    pub fn new(layers: usize) -> Self {
        Self { layers: vec![None; layers] }
    }

    /// Puts new keys and values `(key_heads, new, head_width)` after the first `len` tokens, and
    /// gives all of them, `(key_heads, len + new, head_width)`.
    pub fn append(
        &mut self,
        layer: usize,
        len: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let total = len + keys.dim(1)?;
        let held = &mut self.layers[layer];
        let past = match held.take() {
            // Ours alone, and large enough.
            Some(past) if past.capacity >= total && Arc::strong_count(&past) == 1 => past,
            past => Arc::new(Past::with_room(total, past.as_deref(), len, keys)?),
        };
        past.keys.slice_set(&keys.contiguous()?, 1, len)?;
        past.values.slice_set(&values.contiguous()?, 1, len)?;
        let all = (past.keys.narrow(1, 0, total)?, past.values.narrow(1, 0, total)?);
        *held = Some(past);
        Ok(all)
    }
}

impl Past {
    /// Room for `total` tokens, with the first `len` of `old` in it; `like` gives the other sizes.
    fn with_room(total: usize, old: Option<&Self>, len: usize, like: &Tensor) -> Result<Self> {
        let capacity = total.next_power_of_two().max(LEAST);
        let (heads, _, width) = like.dims3()?;
        let room = |old: Option<&Tensor>| -> Result<Tensor> {
            let room = Tensor::zeros((heads, capacity, width), DType::F32, like.device())?;
            if let Some(old) = old.filter(|_| len > 0) {
                room.slice_set(&old.narrow(1, 0, len)?.contiguous()?, 1, 0)?;
            }
            Ok(room)
        };
        Ok(Self {
            keys: room(old.map(|old| &old.keys))?,
            values: room(old.map(|old| &old.values))?,
            capacity,
        })
    }
}
