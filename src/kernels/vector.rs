//! A register of f32 lanes, for the kernels that are written once and compiled for every CPU level.

use half::f16;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// `LANES` numbers that are computed with together.
///
/// Implementations for registers call instructions of their level: only
/// [`for_each_vector`](super::vector::for_each_vector) names them, in functions compiled for that level.
pub(super) trait Vector: Copy {
    const LANES: usize;

    fn splat(value: f32) -> Self;

    /// `self · factor + term`, rounded once where the level has such an instruction.
    fn multiply_add(self, factor: Self, term: Self) -> Self;

    /// One lane's `multiply_add`, which the compiler gathers into registers.
    fn fused(value: f32, factor: f32, term: f32) -> f32;

    /// The number that these bits are in half precision.
    fn from_half(bits: u16) -> f32;

    fn add(self, other: Self) -> Self;

    fn sum(self) -> f32;

    /// Sums of products of whole numbers, spread over the lanes: all lanes together are the dot product,
    /// exact.
    fn dot_whole(a: &[i8; 32], b: &[i16; 32]) -> Self;

    /// # Safety
    /// `LANES` numbers from `source` can be read.
    unsafe fn load(source: *const f32) -> Self;

    /// # Safety
    /// `LANES` numbers from `target` can be written.
    unsafe fn store(self, target: *mut f32);

    /// Writes the transpose of the `LANES × LANES` block at `source`, rows `source_stride` apart, to
    /// `target`, rows `target_stride` apart.
    ///
    /// # Safety
    /// All of the block can be read and written; the two do not overlap.
    unsafe fn transpose(
        source: *const f32,
        source_stride: usize,
        target: *mut f32,
        target_stride: usize,
    );
}

/// Eight lanes as an array: what the compiler makes of it fits every processor.
impl Vector for [f32; 8] {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        [value; 8]
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, term: Self) -> Self {
        std::array::from_fn(|i| self[i] * factor[i] + term[i])
    }

    #[inline(always)]
    fn fused(value: f32, factor: f32, term: f32) -> f32 {
        value * factor + term
    }

    /// `half`'s own conversion asks for the CPU's features at each call; this one is a few integer
    /// operations that inline into the loops around it.
    #[inline(always)]
    fn from_half(bits: u16) -> f32 {
        let sign = u32::from(bits & 0x8000) << 16;
        let magnitude = u32::from(bits & 0x7fff);
        if !(0x0400..0x7c00).contains(&magnitude) {
            return f16::from_bits(bits).to_f32_const();
        }
        f32::from_bits(sign | ((magnitude << 13) + (112 << 23)))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        self.iter().sum()
    }

    #[inline(always)]
    fn dot_whole(a: &[i8; 32], b: &[i16; 32]) -> Self {
        std::array::from_fn(|lane| {
            let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
            (product(lane) + product(lane + 8) + product(lane + 16) + product(lane + 24)) as f32
        })
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        // SAFETY: the caller's promise; an array of f32 is read at any f32's alignment.
        unsafe { source.cast::<Self>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { target.cast::<Self>().write(self) }
    }

    #[inline(always)]
    unsafe fn transpose(
        source: *const f32,
        source_stride: usize,
        target: *mut f32,
        target_stride: usize,
    ) {
        for row in 0..8 {
            for column in 0..8 {
                // SAFETY: within the two blocks that the caller promised. Bits are moved, not
                // numbers: they may be pairs of bf16.
                unsafe {
                    let value = source.add(row * source_stride + column).cast::<u32>().read();
                    target.add(column * target_stride + row).cast::<u32>().write(value);
                }
            }
        }
    }
}

// SAFETY throughout: functions compiled for AVX2 and FMA alone name `__m256` as their vector, and
// memory is what the trait's methods ask the caller to promise.
#[cfg(target_arch = "x86_64")]
impl Vector for __m256 {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_fmadd_ps(self, factor, term) }
    }

    #[inline(always)]
    fn fused(value: f32, factor: f32, term: f32) -> f32 {
        value.mul_add(factor, term)
    }

    #[inline(always)]
    fn from_half(bits: u16) -> f32 {
        // SAFETY: as above.
        unsafe { _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(bits)))) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_add_ps(self, other) }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(self), _mm256_extractf128_ps(self, 1));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)))
        }
    }

    #[inline(always)]
    fn dot_whole(a: &[i8; 32], b: &[i16; 32]) -> Self {
        // SAFETY: as above; both halves of each array are read within it.
        unsafe {
            let (a, b) = (a.as_ptr().cast::<__m128i>(), b.as_ptr().cast::<__m256i>());
            let halves = (a.read_unaligned(), a.add(1).read_unaligned());
            let halves = (_mm256_cvtepi8_epi16(halves.0), _mm256_cvtepi8_epi16(halves.1));
            let first = _mm256_madd_epi16(halves.0, b.read_unaligned());
            let second = _mm256_madd_epi16(halves.1, b.add(1).read_unaligned());
            _mm256_cvtepi32_ps(_mm256_add_epi32(first, second))
        }
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_loadu_ps(source) }
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(target, self) }
    }

    #[inline(always)]
    unsafe fn transpose(
        source: *const f32,
        source_stride: usize,
        target: *mut f32,
        target_stride: usize,
    ) {
        // SAFETY: as above.
        unsafe {
            // Written out: closures and array builders here were not always inlined.
            let mut quads = [[_mm256_setzero_ps(); 4]; 2];
            for (half, quads) in quads.iter_mut().enumerate() {
                let source = source.add(4 * half * source_stride);
                let (a, b) = (_mm256_loadu_ps(source), _mm256_loadu_ps(source.add(source_stride)));
                let c = _mm256_loadu_ps(source.add(2 * source_stride));
                let d = _mm256_loadu_ps(source.add(3 * source_stride));
                let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                *quads = [
                    _mm256_shuffle_ps(ab_low, cd_low, 0x44),
                    _mm256_shuffle_ps(ab_low, cd_low, 0xee),
                    _mm256_shuffle_ps(ab_high, cd_high, 0x44),
                    _mm256_shuffle_ps(ab_high, cd_high, 0xee),
                ];
            }
            let [upper, lower] = quads;
            for i in 0..4 {
                let first = _mm256_permute2f128_ps(upper[i], lower[i], 0x20);
                let second = _mm256_permute2f128_ps(upper[i], lower[i], 0x31);
                _mm256_storeu_ps(target.add(i * target_stride), first);
                _mm256_storeu_ps(target.add((i + 4) * target_stride), second);
            }
        }
    }
}

// SAFETY throughout: functions compiled for AVX-512 alone name `__m512` as their vector, and memory
// is what the trait's methods ask the caller to promise.
#[cfg(target_arch = "x86_64")]
impl Vector for __m512 {
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_fmadd_ps(self, factor, term) }
    }

    #[inline(always)]
    fn fused(value: f32, factor: f32, term: f32) -> f32 {
        value.mul_add(factor, term)
    }

    #[inline(always)]
    fn from_half(bits: u16) -> f32 {
        // SAFETY: as above.
        unsafe { _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(bits)))) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_add_ps(self, other) }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_ps(self) }
    }

    #[inline(always)]
    fn dot_whole(a: &[i8; 32], b: &[i16; 32]) -> Self {
        // SAFETY: as above; each array is read as a whole.
        unsafe {
            let a = _mm512_cvtepi8_epi16(a.as_ptr().cast::<__m256i>().read_unaligned());
            let b = b.as_ptr().cast::<__m512i>().read_unaligned();
            _mm512_cvtepi32_ps(_mm512_madd_epi16(a, b))
        }
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_loadu_ps(source) }
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(target, self) }
    }

    #[inline(always)]
    unsafe fn transpose(
        source: *const f32,
        source_stride: usize,
        target: *mut f32,
        target_stride: usize,
    ) {
        // SAFETY: as above.
        unsafe {
            // Four rows of four-by-four blocks, each transposed within its 128-bit lanes …
            let mut quads = [[_mm512_setzero_ps(); 4]; 4];
            for (block, quads) in quads.iter_mut().enumerate() {
                let source = source.add(4 * block * source_stride);
                let (a, b) = (_mm512_loadu_ps(source), _mm512_loadu_ps(source.add(source_stride)));
                let c = _mm512_loadu_ps(source.add(2 * source_stride));
                let d = _mm512_loadu_ps(source.add(3 * source_stride));
                let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                *quads = [
                    _mm512_shuffle_ps(ab_low, cd_low, 0x44),
                    _mm512_shuffle_ps(ab_low, cd_low, 0xee),
                    _mm512_shuffle_ps(ab_high, cd_high, 0x44),
                    _mm512_shuffle_ps(ab_high, cd_high, 0xee),
                ];
            }
            // … and then the blocks themselves: lane `l` of `quads[b][i]` is column `4l + i`,
            // rows `4b` to `4b + 3`.
            #[allow(clippy::needless_range_loop)]
            for i in 0..4 {
                let [q0, q1, q2, q3] = [quads[0][i], quads[1][i], quads[2][i], quads[3][i]];
                let even_upper = _mm512_shuffle_f32x4(q0, q1, 0x88);
                let odd_upper = _mm512_shuffle_f32x4(q0, q1, 0xdd);
                let even_lower = _mm512_shuffle_f32x4(q2, q3, 0x88);
                let odd_lower = _mm512_shuffle_f32x4(q2, q3, 0xdd);
                let columns = [
                    _mm512_shuffle_f32x4(even_upper, even_lower, 0x88),
                    _mm512_shuffle_f32x4(odd_upper, odd_lower, 0x88),
                    _mm512_shuffle_f32x4(even_upper, even_lower, 0xdd),
                    _mm512_shuffle_f32x4(odd_upper, odd_lower, 0xdd),
                ];
                for (lane, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(target.add((4 * lane + i) * target_stride), column);
                }
            }
        }
    }
}

/// Compiles one function body, generic over a [`Vector`], for every CPU level and picks the copy at
/// run time. Numbers that it is generic over stand after a semicolon.
macro_rules! for_each_vector {
    (
        $(#[$meta:meta])*
        $vis:vis unsafe fn $name:ident<$vector:ident $(, $generic:ident: $bound:ident)* $(; const $number:ident)*>(
            $($arg:ident: $ty:ty),* $(,)?
        ) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis unsafe fn $name<$($generic: $bound,)* $(const $number: usize),*>($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            unsafe fn body<$vector: $crate::kernels::vector::Vector $(, $generic: $bound)* $(, const $number: usize)*>(
                $($arg: $ty),*
            ) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::x86_64::{__m256, __m512};
                // SAFETY: the caller's promise to the function around these two.
                #[target_feature(enable = "avx2,fma,f16c")]
                #[allow(clippy::too_many_arguments)]
                unsafe fn avx2<$($generic: $bound,)* $(const $number: usize),*>($($arg: $ty),*) $(-> $ret)? {
                    // SAFETY: the caller's promise.
                    unsafe { body::<__m256 $(, $generic)* $(, $number)*>($($arg),*) }
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
                #[allow(clippy::too_many_arguments)]
                unsafe fn avx512<$($generic: $bound,)* $(const $number: usize),*>($($arg: $ty),*) $(-> $ret)? {
                    // SAFETY: the caller's promise.
                    unsafe { body::<__m512 $(, $generic)* $(, $number)*>($($arg),*) }
                }
                match $crate::kernels::cpu_level() {
                    $crate::kernels::CpuLevel::Avx512 | $crate::kernels::CpuLevel::Avx512Bf16 => {
                        // SAFETY: `cpu_level` returns a level only when the processor has its
                        // features; the rest is the caller's promise.
                        return unsafe { avx512::<$($generic,)* $($number),*>($($arg),*) };
                    }
                    $crate::kernels::CpuLevel::Avx2 => {
                        // SAFETY: as above.
                        return unsafe { avx2::<$($generic,)* $($number),*>($($arg),*) };
                    }
                    $crate::kernels::CpuLevel::Portable => {}
                }
            }
            // SAFETY: the caller's promise.
            unsafe { body::<[f32; 8] $(, $generic)* $(, $number)*>($($arg),*) }
        }
    };
}
pub(super) use for_each_vector;

#[cfg(test)]
mod tests {
    use super::super::cpu::tests::at_each_level;
    use super::*;

    for_each_vector! {
        unsafe fn halves<V>(bits: &[u16], out: &mut Vec<f32>) {
            out.extend(bits.iter().map(|bits| V::from_half(*bits)));
        }
    }

    #[test]
    fn half_precision_is_exact_for_every_bit_pattern_at_every_level() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        for converted in at_each_level(|| {
            let mut out = Vec::new();
            // SAFETY: the function asks for nothing.
            unsafe { halves(&all, &mut out) };
            out
        }) {
            for (bits, ours) in all.iter().zip(converted) {
                let exact = f16::from_bits(*bits).to_f32();
                assert!(ours.to_bits() == exact.to_bits() || ours.is_nan() && exact.is_nan());
            }
        }
    }

    for_each_vector! {
        unsafe fn transposed<V>(source: &[f32], target: &mut [f32]) {
            // SAFETY: both hold a block of 16 rows of 24 and 24 rows of 16.
            unsafe {
                for row in (0..16).step_by(V::LANES) {
                    V::transpose(source.as_ptr().add(row * 24), 24, target.as_mut_ptr().add(row), 16);
                }
                assert!((V::load(source.as_ptr()).sum()
                    - source[..V::LANES].iter().sum::<f32>()).abs() < 1e-3);
            }
        }
    }

    /// If this fails, weights reach the wrong outputs.
    #[test]
    fn blocks_are_transposed_at_every_level() {
        let source: Vec<f32> = (0..16 * 24).map(|i| i as f32).collect();
        for target in at_each_level(|| {
            let mut target = vec![f32::NAN; 24 * 16];
            // SAFETY: the function asks for nothing but these lengths.
            unsafe { transposed(&source, &mut target) };
            target
        }) {
            for row in 0..16 {
                for column in 0..8 {
                    assert_eq!(target[column * 16 + row], source[row * 24 + column]);
                }
            }
        }
    }
}
