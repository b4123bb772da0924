//! The arithmetic: frozen quantised products and the operations of a decoder block, each forward
//! with its own backward. Owns speed and the only `unsafe` of the project; knows nothing of models,
//! files or training, only slices and shapes.
//!
//! Every matrix is row-major. A frozen weight is `(out, in)`, as GGUF stores it.
#![allow(unsafe_code)]

mod attention;
mod block_format;
mod cpu;
mod cross_entropy;
mod dequantise;
mod exponential;
mod frozen_matrix;
mod matmul;
mod rms_norm;
mod rotary;
mod shared_slice;
mod swiglu;

pub use attention::{Attended, AttentionShape, Span, attend, attend_backward};
pub use block_format::BlockFormat;
pub use cpu::{CpuLevel, cpu_level};
pub use cross_entropy::{cross_entropy_backward, log_sum_exp};
pub use dequantise::dequantise;
pub use frozen_matrix::FrozenMatrix;
pub use matmul::{Matrix, add_product, dot, product};
pub use rms_norm::{rms_norm, rms_norm_backward};
pub use rotary::Rotary;
pub use swiglu::{swiglu, swiglu_backward};
