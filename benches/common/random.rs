//! Numbers and weights without meaning, the same in every run.

use half::{bf16, f16};
use kaizen::kernels::{BlockFormat, Buffer, FrozenMatrix};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers between -1 and 1.
///
/// In the memory that the network itself uses: where a matrix begins, and on what pages, changes its speed.
pub fn numbers(count: usize, seed: u64) -> Buffer {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Buffer::new(count);
    values.iter_mut().for_each(|value| *value = random.random_range(-1.0..1.0));
    values
}

/// The bytes of `elements` elements, a whole number of blocks. Quants are any bits, as every pattern of
/// them is valid; scales are small, so that no product overflows or falls among the slow tiny numbers.
pub fn blocks(format: BlockFormat, elements: usize) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(elements as u64);
    let mut bytes = vec![0; elements / format.block_len() * format.block_bytes()];
    random.fill_bytes(&mut bytes);
    // Where in a block its halves are, and about how large a quant times its inner scale can be.
    let (halves, largest): (&[usize], f32) = match format {
        BlockFormat::F32 | BlockFormat::F16 | BlockFormat::BF16 => (&[], 1.0),
        BlockFormat::Q4_0 => (&[0], 8.0),
        BlockFormat::Q4_1 => (&[0, 2], 15.0),
        BlockFormat::Q5_0 => (&[0], 16.0),
        BlockFormat::Q5_1 => (&[0, 2], 31.0),
        BlockFormat::Q8_0 => (&[0], 127.0),
        BlockFormat::Q2K => (&[80, 82], 3.0 * 15.0),
        BlockFormat::Q3K => (&[108], 4.0 * 32.0),
        BlockFormat::Q4K => (&[0, 2], 15.0 * 63.0),
        BlockFormat::Q5K => (&[0, 2], 31.0 * 63.0),
        BlockFormat::Q6K => (&[208], 32.0 * 127.0),
        BlockFormat::IQ4_NL => (&[0], 127.0),
        BlockFormat::IQ4_XS => (&[0], 127.0 * 32.0),
    };
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        let mut value = || random.random_range(0.05..0.2f32);
        match format {
            BlockFormat::F32 => block.copy_from_slice(&value().to_le_bytes()),
            BlockFormat::F16 => block.copy_from_slice(&f16::from_f32(value()).to_le_bytes()),
            BlockFormat::BF16 => block.copy_from_slice(&bf16::from_f32(value()).to_le_bytes()),
            _ => {
                for &at in halves {
                    let half = f16::from_f32(value() / largest);
                    block[at..at + 2].copy_from_slice(&half.to_le_bytes());
                }
            }
        }
    }
    bytes
}

/// A frozen weight of such blocks.
pub fn weight(format: BlockFormat, rows: usize, columns: usize) -> FrozenMatrix {
    FrozenMatrix::from_blocks(format, rows, columns, blocks(format, rows * columns)).unwrap()
}
