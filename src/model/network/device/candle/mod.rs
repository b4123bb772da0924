//! The decoder written with candle: every tensor lies on one device. Owns the order of operations
//! there, and the graph from which candle takes the adapter's gradient; knows nothing of kernels.
//!
//! candle's fused operations (quantised product, norm, softmax, rotation) have no backward and lose
//! a gradient without a word, so none is used here; the tests compare every gradient with the
//! processor's own.

mod adapter;
mod cache;
mod head;
mod operations;
mod pass;
mod product;
mod record;
#[cfg(test)]
mod tests;
mod weights;

pub use cache::DeviceCache;
pub use candle_core::Device;
pub use record::DeviceRecording;
pub use weights::DeviceNetwork;

use crate::model::Error;

/// A device, or why there is none.
pub type Opened = Result<Device, String>;

/// The first CUDA device, or why there is none.
pub fn cuda() -> Opened {
    if !cfg!(feature = "cuda") {
        return Err("this build has no CUDA support (build Kaizen with --features cuda)".into());
    }
    Device::new_cuda(0).map_err(|error| format!("no CUDA device answers: {}", in_one_line(&error)))
}

/// The first Metal device, or why there is none.
pub fn metal() -> Opened {
    if !cfg!(feature = "metal") {
        return Err("this build has no Metal support (build Kaizen with --features metal)".into());
    }
    Device::new_metal(0)
        .map_err(|error| format!("no Metal device answers: {}", in_one_line(&error)))
}

/// What candle says, without the backtrace that may follow.
fn in_one_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Device { reason: in_one_line(&error) }
    }
}
