//! Rows of input in whole numbers of 16 bits, for weights whose quants are whole numbers too: one
//! instruction multiplies pairs of those and adds them up exactly.

use super::buffer::Buffer;
use super::cpu::for_each_cpu_level;
use super::dequantise::GROUP;
use super::shared_slice::SharedSlice;
use super::team::for_each_task;

/// Rows that one task rounds.
const ROWS: usize = 8;

/// `(n, groups · 32)` numbers, each group rounded to multiples of its own step. The error, half a part
/// in 32,767 of the group's greatest, is about that of a long sum in f32.
pub(super) struct WholeRows {
    /// Two whole numbers in the place of one f32.
    values: Buffer,
    /// What each group's numbers are multiples of, `(n, groups)`.
    pub steps: Buffer,
    /// Sums of each group before rounding, `(n, groups)`.
    pub sums: Buffer,
    /// Groups in a row.
    pub groups: usize,
}

impl WholeRows {
    /// Rounds `n` rows `x`, of whole groups each.
    pub(super) fn new(x: &[f32], n: usize) -> Self {
        let (x, _) = x.as_chunks::<GROUP>();
        let groups = x.len() / n;
        assert_eq!(x.len(), n * groups);
        let mut rows = Self {
            values: Buffer::new(x.len() * GROUP / 2),
            steps: Buffer::new(x.len()),
            sums: Buffer::new(x.len()),
            groups,
        };
        let values = SharedSlice::new(&mut rows.values);
        let (steps, sums) = (SharedSlice::new(&mut rows.steps), SharedSlice::new(&mut rows.sums));
        for_each_task(n.div_ceil(ROWS), |task| {
            let taken = task * ROWS * groups..((task + 1) * ROWS).min(n) * groups;
            // SAFETY: each task owns its rows; a group of 32 numbers of 16 bits takes the place of 16 of
            // f32, whose alignment is greater.
            unsafe {
                let values = values.part_mut(taken.start * GROUP / 2, taken.len() * GROUP / 2);
                let whole = std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), taken.len());
                let steps = steps.part_mut(taken.start, taken.len());
                let sums = sums.part_mut(taken.start, taken.len());
                round_groups(&x[taken], whole, steps, sums);
            }
        });
        rows
    }

    /// The rounded groups, row after row.
    pub(super) fn values(&self) -> &[[i16; GROUP]] {
        // SAFETY: as above; `new` wrote all of them, and every pattern is a number.
        unsafe {
            std::slice::from_raw_parts(self.values.as_ptr().cast(), self.values.len() * 2 / GROUP)
        }
    }
}

for_each_cpu_level! {
    fn round_groups(
        values: &[[f32; GROUP]],
        groups: &mut [[i16; GROUP]],
        steps: &mut [f32],
        sums: &mut [f32],
    ) {
        // Added, it leaves the nearest whole number in the low bits of the sum.
        const ROUND: f32 = 12_582_912.0;
        let outs = groups.iter_mut().zip(steps.iter_mut().zip(sums.iter_mut()));
        for (values, (whole, (step, group_sum))) in values.iter().zip(outs) {
            let (mut most, mut sums) = ([0.0f32; 8], [0.0f32; 8]);
            for eight in values.as_chunks::<8>().0 {
                for i in 0..8 {
                    most[i] = if eight[i].abs() > most[i] { eight[i].abs() } else { most[i] };
                    sums[i] += eight[i];
                }
            }
            let sum: f32 = sums.iter().sum();
            let greatest = most.iter().fold(0.0f32, |a, b| a.max(*b));
            // A value that is no number makes every product with its group none.
            let finite = sum.is_finite();
            let inverse = match finite && greatest > 0.0 {
                true => f32::from(i16::MAX) / greatest,
                false => 0.0,
            };
            for i in 0..GROUP {
                let rounded = values[i] * inverse + ROUND;
                whole[i] = (rounded.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32) as i16;
            }
            *step = if finite { greatest / f32::from(i16::MAX) } else { f32::NAN };
            *group_sum = sum;
        }
    }
}
