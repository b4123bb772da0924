//! The decoder on a GPU: the same methods as the processor's, and the choice between the two. In a
//! build without GPU support nothing of it exists but the choice, which always falls on the
//! processor. Values cross the border as slices; what lies beyond knows nothing of text or files.

#[cfg(not(any(test, feature = "cuda", feature = "metal")))]
mod absent;
#[cfg(any(test, feature = "cuda", feature = "metal"))]
mod candle;
mod choice;

#[cfg(not(any(test, feature = "cuda", feature = "metal")))]
use absent as engine;
#[cfg(any(test, feature = "cuda", feature = "metal"))]
use candle as engine;

pub use choice::device_found;
pub(super) use engine::{DeviceCache, DeviceNetwork, DeviceRecording};
