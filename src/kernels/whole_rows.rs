//! Rows of input in whole numbers of 16 bits, for weights whose quants are whole numbers too: one
//! instruction multiplies pairs of those and adds them up exactly.

use super::buffer::Buffer;
use super::cpu::for_each_cpu_level;
use super::dequantise::GROUP;
use super::shared_slice::SharedSlice;
use super::team::for_each_task;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Rows that one task rounds.
const ROWS: usize = 8;

/// A value so far above the rest of its group is multiplied by itself, in f32: models of this kind have
/// a few of them (Sun et al. 2024, "Massive activations"), and the group's step would drown the rest.
const OUTLIER: f32 = 16.0;

/// `(n, groups · 32)` numbers, each group rounded to multiples of its own step: half a part in 32,767 of
/// the group's greatest, outliers aside.
pub(super) struct WholeRows {
    /// Two whole numbers in the place of one f32.
    values: Buffer,
    /// What each group's numbers are multiples of, `(n, groups)`.
    pub steps: Buffer,
    /// Sums of each group before rounding, `(n, groups)`.
    pub sums: Buffer,
    /// Groups in a row.
    pub groups: usize,
    /// By row.
    outliers: Vec<Outlier>,
}

/// One value that is left out of the rounded ones.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Outlier {
    pub row: usize,
    pub group: usize,
    /// Within the group.
    pub place: usize,
    pub value: f32,
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
            outliers: Vec::new(),
        };
        let outliers = Mutex::new(Vec::new());
        let values = SharedSlice::new(&mut rows.values);
        let (steps, sums) = (SharedSlice::new(&mut rows.steps), SharedSlice::new(&mut rows.sums));
        for_each_task(n.div_ceil(ROWS), |task| {
            let taken = task * ROWS * groups..((task + 1) * ROWS).min(n) * groups;
            let mut found = Vec::new();
            // SAFETY: each task owns its rows.
            unsafe {
                let values = values.part_mut(taken.start * GROUP / 2, taken.len() * GROUP / 2);
                let steps = steps.part_mut(taken.start, taken.len());
                let sums = sums.part_mut(taken.start, taken.len());
                let whole = bytemuck::cast_slice_mut(values);
                round_groups(&x[taken.clone()], whole, steps, sums, &mut found);
            }
            if found.is_empty() {
                return;
            }
            let mut outliers = outliers.lock().unwrap_or_else(PoisonError::into_inner);
            outliers.extend(found.into_iter().map(|(group, place, value)| {
                let group = taken.start + group;
                Outlier { row: group / groups, group: group % groups, place, value }
            }));
        });
        rows.outliers = outliers.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Whichever thread was first.
        rows.outliers.sort_by_key(|outlier| (outlier.row, outlier.group));
        rows
    }

    /// What the rounded values of these rows lack.
    pub(super) fn outliers(&self, rows: Range<usize>) -> &[Outlier] {
        let before = |row| self.outliers.partition_point(|outlier| outlier.row < row);
        &self.outliers[before(rows.start)..before(rows.end)]
    }

    /// The rounded groups, row after row.
    pub(super) fn values(&self) -> &[[i16; GROUP]] {
        bytemuck::cast_slice(&self.values)
    }
}

for_each_cpu_level! {
    fn round_groups(
        values: &[[f32; GROUP]],
        groups: &mut [[i16; GROUP]],
        steps: &mut [f32],
        sums: &mut [f32],
        outliers: &mut Vec<(usize, usize, f32)>,
    ) {
        // Added, it leaves the nearest whole number in the low bits of the sum.
        const ROUND: f32 = 12_582_912.0;
        let outs = groups.iter_mut().zip(steps.iter_mut().zip(sums.iter_mut()));
        for (group, (values, (whole, (step, group_sum)))) in values.iter().zip(outs).enumerate() {
            let (mut most, mut sums) = ([0.0f32; 8], [0.0f32; 8]);
            for eight in values.as_chunks::<8>().0 {
                for i in 0..8 {
                    most[i] = if eight[i].abs() > most[i] { eight[i].abs() } else { most[i] };
                    sums[i] += eight[i];
                }
            }
            let sum: f32 = sums.iter().sum();
            let mut greatest = most.iter().fold(0.0f32, |a, b| a.max(*b));
            let mut outlier = None;
            if most.iter().filter(|most| **most * OUTLIER >= greatest).count() == 1 {
                // Of four values at most one is far above all others.
                outlier = values.iter().position(|value| value.abs() == greatest);
                let others = values.iter().enumerate().filter(|(i, _)| Some(*i) != outlier);
                let most = others.fold(0.0f32, |most, (_, value)| most.max(value.abs()));
                match most * OUTLIER < greatest {
                    true => greatest = most,
                    false => outlier = None,
                }
            }
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
            if let (Some(place), true) = (outlier, finite) {
                whole[place] = 0;
                outliers.push((group, place, values[place]));
            }
            *step = if finite { greatest / f32::from(i16::MAX) } else { f32::NAN };
            *group_sum = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cpu::tests::at_each_level;
    use super::*;

    fn row(values: impl Fn(usize) -> f32, groups: usize) -> Vec<f32> {
        (0..groups * GROUP).map(values).collect()
    }

    /// If this fails, one great activation makes its neighbours count for nothing.
    #[test]
    fn values_are_kept_to_16_bits_also_beside_one_that_is_a_thousand_times_greater() {
        let mut x = row(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0, 6);
        x[70] = -1000.0;
        x[GROUP * 4..GROUP * 5].fill(0.0);
        x[GROUP * 4 + 3] = 7.0;
        for rounded in at_each_level(|| WholeRows::new(&x, 2)) {
            assert_eq!(rounded.groups, 3);
            let found: Vec<_> = rounded.outliers(0..2).iter().map(|o| (o.row, o.group)).collect();
            assert_eq!(found, [(0, 2), (1, 1)]);
            assert_eq!(rounded.outliers(1..2).len(), 1);
            let mut restored: Vec<f32> = (rounded.values().iter().zip(rounded.steps.iter()))
                .flat_map(|(group, step)| group.map(|whole| f32::from(whole) * step))
                .collect();
            for outlier in rounded.outliers(0..2) {
                let group = outlier.row * rounded.groups + outlier.group;
                restored[group * GROUP + outlier.place] += outlier.value;
            }
            for (place, (restored, x)) in restored.iter().zip(&x).enumerate() {
                assert!((restored - x).abs() <= 0.6 / 32767.0, "{place}: {restored} for {x}");
            }
            for (group, sum) in rounded.sums.iter().enumerate() {
                let wanted: f32 = x[group * GROUP..(group + 1) * GROUP].iter().sum();
                assert!((sum - wanted).abs() < 1e-3, "{group}: {sum} for {wanted}");
            }
        }
    }

    #[test]
    fn no_number_stays_none() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut x = row(|i| i as f32, 2);
            x[5] = bad;
            for rounded in at_each_level(|| WholeRows::new(&x, 1)) {
                assert!(rounded.steps[0].is_nan() && rounded.steps[1].is_finite());
            }
        }
    }
}
