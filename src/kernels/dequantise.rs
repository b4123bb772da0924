//! From quantised blocks to f32, for every block format (layouts: ggml's `ggml-common.h`), 32 elements
//! at a time: what fits the registers and what every format has whole groups of.
//!
//! Plain arrays that the compiler vectorises within the function that asks for them.

use super::BlockFormat;
use super::vector::{Vector, for_each_vector};

/// Elements of a group.
pub(super) const GROUP: usize = 32;

/// How one block format stores its elements.
pub(super) trait Format {
    /// Groups in one block.
    const GROUPS: usize;
    /// Bytes of one block; for formats without blocks, of one group.
    const BYTES: usize;

    /// Group `group` of a block of `BYTES` bytes; `V` says how halves and products are computed.
    fn group<V: Vector>(block: &[u8], group: usize) -> [f32; GROUP];

    /// The group's quants as they are stored, where it has one scale for all of them.
    #[inline(always)]
    fn quants<V: Vector>(_block: &[u8], _group: usize) -> Option<Quants> {
        None
    }
}

/// `std::array::from_fn` that is inlined always: left as a call, it would compute one by one.
#[inline(always)]
fn array<T: Copy + Default>(value: impl Fn(usize) -> T) -> [T; GROUP] {
    let mut out = [T::default(); GROUP];
    for (i, out) in out.iter_mut().enumerate() {
        *out = value(i);
    }
    out
}

/// A group of whole numbers: its values are `scale · whole + minimum`.
pub(super) struct Quants {
    pub whole: [i8; GROUP],
    pub scale: f32,
    pub minimum: f32,
}

impl Quants {
    /// The value at `place` without the minimum.
    #[inline(always)]
    pub(super) fn above_minimum(&self, place: usize) -> f32 {
        self.scale * f32::from(self.whole[place])
    }
}

/// Runs `$work` with `$format` standing for the [`Format`] of a [`BlockFormat`].
macro_rules! with_format {
    ($block_format:expr, $format:ident => $work:expr) => {{
        use $crate::kernels::dequantise as formats;
        match $block_format {
            BlockFormat::F32 => {
                type $format = formats::F32;
                $work
            }
            BlockFormat::F16 => {
                type $format = formats::F16;
                $work
            }
            BlockFormat::BF16 => {
                type $format = formats::Bf16;
                $work
            }
            BlockFormat::Q4_0 => {
                type $format = formats::Q4_0;
                $work
            }
            BlockFormat::Q4_1 => {
                type $format = formats::Q4_1;
                $work
            }
            BlockFormat::Q5_0 => {
                type $format = formats::Q5_0;
                $work
            }
            BlockFormat::Q5_1 => {
                type $format = formats::Q5_1;
                $work
            }
            BlockFormat::Q8_0 => {
                type $format = formats::Q8_0;
                $work
            }
            BlockFormat::Q2K => {
                type $format = formats::Q2K;
                $work
            }
            BlockFormat::Q3K => {
                type $format = formats::Q3K;
                $work
            }
            BlockFormat::Q4K => {
                type $format = formats::Q4K;
                $work
            }
            BlockFormat::Q5K => {
                type $format = formats::Q5K;
                $work
            }
            BlockFormat::Q6K => {
                type $format = formats::Q6K;
                $work
            }
            BlockFormat::IQ4_NL => {
                type $format = formats::Iq4Nl;
                $work
            }
            BlockFormat::IQ4_XS => {
                type $format = formats::Iq4Xs;
                $work
            }
        }
    }};
}
pub(super) use with_format;

/// Group `group` of a row that begins at `row`.
#[inline(always)]
pub(super) fn row_group<V: Vector, F: Format>(row: &[u8], group: usize) -> [f32; GROUP] {
    let block = group / F::GROUPS;
    F::group::<V>(&row[block * F::BYTES..(block + 1) * F::BYTES], group % F::GROUPS)
}

/// As [`row_group`], the quants as they are stored.
#[inline(always)]
pub(super) fn row_quants<V: Vector, F: Format>(row: &[u8], group: usize) -> Option<Quants> {
    let block = group / F::GROUPS;
    F::quants::<V>(&row[block * F::BYTES..(block + 1) * F::BYTES], group % F::GROUPS)
}

/// Writes the elements of `blocks` to `out`; `blocks` holds exactly the bytes of `out.len()` elements,
/// a multiple of the format's block length.
pub fn dequantise(format: BlockFormat, blocks: &[u8], out: &mut [f32]) {
    assert_eq!(blocks.len(), out.len() / format.block_len() * format.block_bytes());
    let whole = out.len() / GROUP * GROUP;
    let (groups, rest) = out.split_at_mut(whole);
    let (blocks, rest_blocks) = blocks.split_at(whole / format.block_len() * format.block_bytes());
    dequantise_row(format, blocks, groups);
    if !rest.is_empty() {
        // Formats without blocks may end within a group.
        let mut padded = rest_blocks.to_vec();
        padded.resize(GROUP * format.block_bytes(), 0);
        let mut values = [0.0; GROUP];
        dequantise_row(format, &padded, &mut values);
        rest.copy_from_slice(&values[..rest.len()]);
    }
}

/// Writes a row's first `out.len()` elements, a whole number of groups.
pub(super) fn dequantise_row(format: BlockFormat, row: &[u8], out: &mut [f32]) {
    // SAFETY: the function asks for nothing.
    with_format!(format, F => unsafe { row_values::<F>(row, out) });
}

for_each_vector! {
    unsafe fn row_values<V, F: Format>(row: &[u8], out: &mut [f32]) {
        let (groups, _) = out.as_chunks_mut::<GROUP>();
        for (index, out) in groups.iter_mut().enumerate() {
            *out = row_group::<V, F>(row, index);
        }
    }
}

/// The half-precision number at `at`.
#[inline(always)]
fn half_at<V: Vector>(block: &[u8], at: usize) -> f32 {
    V::from_half(u16::from_le_bytes([block[at], block[at + 1]]))
}

/// Declares a format: its groups a block, bytes a block, and how a group is read: as values, or (`whole`)
/// as quants with one scale.
macro_rules! block_format {
    ($name:ident, $groups:literal, $bytes:literal, |$block:ident, $group:ident| $body:block) => {
        #[allow(non_camel_case_types)]
        pub(super) struct $name;
        impl Format for $name {
            const GROUPS: usize = $groups;
            const BYTES: usize = $bytes;
            #[inline(always)]
            fn group<V: Vector>($block: &[u8], $group: usize) -> [f32; GROUP] {
                // One bound known here spares the check of every byte.
                let $block: &[u8; $bytes] = match $block.first_chunk() {
                    Some(block) => block,
                    None => return [f32::NAN; GROUP],
                };
                $body
            }
        }
    };
    ($name:ident, $groups:literal, $bytes:literal, whole |$block:ident, $group:ident| $body:block) => {
        #[allow(non_camel_case_types)]
        pub(super) struct $name;
        impl Format for $name {
            const GROUPS: usize = $groups;
            const BYTES: usize = $bytes;
            #[inline(always)]
            fn group<V: Vector>(block: &[u8], group: usize) -> [f32; GROUP] {
                match Self::quants::<V>(block, group) {
                    Some(Quants { whole, scale, minimum }) => {
                        array(|i| V::fused(f32::from(whole[i]), scale, minimum))
                    }
                    None => [f32::NAN; GROUP],
                }
            }
            #[inline(always)]
            fn quants<V: Vector>($block: &[u8], $group: usize) -> Option<Quants> {
                // One bound known here spares the check of every byte.
                let $block: &[u8; $bytes] = $block.first_chunk()?;
                let (whole, scale, minimum) = $body;
                Some(Quants { whole, scale, minimum })
            }
        }
    };
}

block_format!(F32, 1, 128, |block, _group| {
    array(|i| {
        f32::from_le_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
    })
});

block_format!(F16, 1, 64, |block, _group| { array(|i| half_at::<V>(block, 2 * i)) });

block_format!(Bf16, 1, 64, |block, _group| {
    array(|i| f32::from_bits(u32::from(u16::from_le_bytes([block[2 * i], block[2 * i + 1]])) << 16))
});

/// Sixteen bytes of two quants each: the low halves first, then the high ones.
#[inline(always)]
fn nibbles(bytes: &[u8], whole: impl Fn(i8, usize) -> i8) -> [i8; GROUP] {
    let mut out = [0; GROUP];
    for i in 0..16 {
        out[i] = whole((bytes[i] & 15) as i8, i);
        out[i + 16] = whole((bytes[i] >> 4) as i8, i + 16);
    }
    out
}

block_format!(
    Q4_0,
    1,
    18,
    whole | block,
    _group | { (nibbles(&block[2..], |quant, _| quant - 8), half_at::<V>(block, 0), 0.0) }
);

block_format!(
    Q4_1,
    1,
    20,
    whole | block,
    _group | {
        (nibbles(&block[4..], |quant, _| quant), half_at::<V>(block, 0), half_at::<V>(block, 2))
    }
);

/// Bit `i` of the fifth bits of a Q5_0 or Q5_1 block, as the quant's 16.
#[inline(always)]
fn fifth_bit(high: u32, i: usize) -> i8 {
    (((high >> i) & 1) << 4) as i8
}

block_format!(
    Q5_0,
    1,
    22,
    whole | block,
    _group | {
        let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
        let whole = nibbles(&block[6..], |quant, i| (quant | fifth_bit(high, i)) - 16);
        (whole, half_at::<V>(block, 0), 0.0)
    }
);

block_format!(
    Q5_1,
    1,
    24,
    whole | block,
    _group | {
        let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
        let whole = nibbles(&block[8..], |quant, i| quant | fifth_bit(high, i));
        (whole, half_at::<V>(block, 0), half_at::<V>(block, 2))
    }
);

block_format!(
    Q8_0,
    1,
    34,
    whole | block,
    _group | { (array(|i| block[2 + i] as i8), half_at::<V>(block, 0), 0.0) }
);

/// The 6-bit scale and minimum of sub-block `j` of a Q4_K or Q5_K block.
#[inline(always)]
fn scale_and_minimum(j: usize, packed: &[u8]) -> (f32, f32) {
    let (scale, minimum) = if j < 4 {
        (packed[j] & 63, packed[j + 4] & 63)
    } else {
        (
            (packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4),
            (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4),
        )
    };
    (f32::from(scale), f32::from(minimum))
}

block_format!(
    Q4K,
    8,
    144,
    whole | block,
    group | {
        let (scale, minimum) = scale_and_minimum(group, &block[4..16]);
        let quants = &block[16 + group / 2 * 32..][..32];
        let shift = group % 2 * 4;
        (
            array(|i| ((quants[i] >> shift) & 15) as i8),
            half_at::<V>(block, 0) * scale,
            -half_at::<V>(block, 2) * minimum,
        )
    }
);

block_format!(
    Q5K,
    8,
    176,
    whole | block,
    group | {
        let (scale, minimum) = scale_and_minimum(group, &block[4..16]);
        let high = &block[16..48];
        let quants = &block[48 + group / 2 * 32..][..32];
        let shift = group % 2 * 4;
        let whole = array(|i| (((quants[i] >> shift) & 15) | ((high[i] >> group) & 1) << 4) as i8);
        (whole, half_at::<V>(block, 0) * scale, -half_at::<V>(block, 2) * minimum)
    }
);

block_format!(Q6K, 8, 210, |block, group| {
    let (half, part) = (group / 4, group % 4);
    let low = &block[64 * half + part % 2 * 32..][..32];
    let high = &block[128 + 32 * half..][..32];
    let scales = &block[192 + 8 * half + 2 * part..][..2];
    let scale = half_at::<V>(block, 208);
    let scales = [scale * f32::from(scales[0] as i8), scale * f32::from(scales[1] as i8)];
    let shift = part / 2 * 4;
    array(|i| {
        let quant = ((low[i] >> shift) & 15) | ((high[i] >> (2 * part)) & 3) << 4;
        (i32::from(quant) - 32) as f32 * scales[i / 16]
    })
});

block_format!(Q2K, 8, 84, |block, group| {
    let (half, part) = (group / 4, group % 4);
    let quants = &block[16 + 32 * half..][..32];
    let (scale, minimum) = (half_at::<V>(block, 80), half_at::<V>(block, 82));
    let packed = &block[8 * half + 2 * part..][..2];
    let scales = [0, 1].map(|i| scale * f32::from(packed[i] & 15));
    let minimums = [0, 1].map(|i| minimum * f32::from(packed[i] >> 4));
    let shift = 2 * part;
    array(|i| f32::from((quants[i] >> shift) & 3) * scales[i / 16] - minimums[i / 16])
});

block_format!(Q3K, 8, 110, |block, group| {
    let high = &block[..32];
    let quants = &block[32 + group / 4 * 32..][..32];
    let packed = &block[96..108];
    let scale = half_at::<V>(block, 108);
    let scales = [0, 1].map(|i| {
        // Sixteen scales of six bits: four in one half of a byte, two in a quarter of another.
        let at = 2 * group + i;
        let low = (packed[at % 8] >> (at / 8 * 4)) & 15;
        let top = (packed[8 + at % 4] >> (at / 4 * 2)) & 3;
        scale * (f32::from(low | top << 4) - 32.0)
    });
    let shift = group % 4 * 2;
    array(|i| {
        let quant = ((quants[i] >> shift) & 3) | ((high[i] >> group) & 1) << 2;
        (i32::from(quant) - 4) as f32 * scales[i / 16]
    })
});

/// What the sixteen quants of the IQ4 formats stand for: closer together near zero.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// Sixteen bytes of two such quants each.
#[inline(always)]
fn iq4(bytes: &[u8]) -> [i8; GROUP] {
    nibbles(bytes, |quant, _| IQ4[(quant & 15) as usize])
}

block_format!(
    Iq4Nl,
    1,
    18,
    whole | block,
    _group | { (iq4(&block[2..]), half_at::<V>(block, 0), 0.0) }
);

block_format!(
    Iq4Xs,
    8,
    136,
    whole | block,
    group | {
        let low = (block[4 + group / 2] >> (group % 2 * 4)) & 15;
        let top = (u16::from_le_bytes([block[2], block[3]]) >> (2 * group)) & 3;
        let scale = f32::from(low) + f32::from(top << 4) - 32.0;
        (iq4(&block[8 + 16 * group..][..16]), half_at::<V>(block, 0) * scale, 0.0)
    }
);

#[cfg(test)]
#[path = "dequantise_tests.rs"]
pub(super) mod tests;
