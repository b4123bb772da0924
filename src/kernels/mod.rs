//! The arithmetic: frozen quantised products and the operations of a decoder block, each forward
//! with its own backward. Owns speed and the only `unsafe` of the project; knows nothing of models,
//! files or training, only slices and shapes.
//!
//! Every matrix is row-major. A frozen weight is `(out, in)`, as GGUF stores it.
#![allow(unsafe_code)]

mod attention;
mod bf16_buffer;
mod block_format;
mod buffer;
mod cpu;
mod cross_entropy;
mod dequantise;
mod exponential;
mod few_rows;
mod frozen_matrix;
mod gated_unit;
mod matmul;
mod moments;
#[cfg(target_arch = "x86_64")]
mod pairs;
mod panel;
mod quantise;
mod rms_norm;
mod rotary;
mod shared_slice;
mod soft_cap;
mod team;
mod tile;
mod vector;
#[cfg(target_arch = "x86_64")]
mod whole_panel;
mod whole_rows;

pub use attention::{Attended, Attention, AttentionShape, Span, attend, attend_backward};
pub use bf16_buffer::Bf16Buffer;
pub use block_format::BlockFormat;
pub use buffer::Buffer;
pub use cpu::{CpuLevel, cpu_level, multiplies_whole_numbers, rounds_to_bf16};
pub use cross_entropy::{cross_entropy_backward, log_sum_exp};
pub use dequantise::dequantise;
pub use frozen_matrix::{FrozenMatrix, LowRank, Product, products};
pub use gated_unit::{Activation, gated_unit, gated_unit_backward};
pub use matmul::{Matrix, add_product, dot, product};
pub use moments::{MomentsUpdate, norm, update_moments};
pub use quantise::{Unstorable, WrittenFormat, quantise};
pub use rms_norm::{rms_norm, rms_norm_backward};
pub use rotary::{Angles, Rotary};
pub use soft_cap::{soft_cap, soft_cap_backward};
pub use team::{Team, for_each_chunk, for_each_task, threads};
