//! A row of numbers that grows, with the least and the greatest of any part of it at hand: the newest numbers in
//! full, older ones by blocks, so that a hundred thousand of them are drawn as fast as a hundred. A number
//! that cannot be drawn is a gap.

use super::axis::Scale;
use std::ops::Range;

/// Numbers in one block.
const BLOCK: usize = 64;

/// What a part of the row holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Part {
    /// Places in the row, with their numbers; none where all are gaps.
    pub least: Option<(usize, f64)>,
    pub greatest: Option<(usize, f64)>,
    /// The place of the first gap.
    pub gap: Option<usize>,
}

impl Part {
    fn take(&mut self, place: usize, value: f64, scale: Scale) {
        if scale.place(value).is_none() {
            self.gap = self.gap.or(Some(place));
            return;
        }
        let only = Self { least: Some((place, value)), greatest: Some((place, value)), gap: None };
        self.join(&only);
    }

    fn join(&mut self, other: &Self) {
        self.gap = self.gap.or(other.gap);
        if let Some(least) = other.least
            && self.least.is_none_or(|own| least.1 < own.1)
        {
            self.least = Some(least);
        }
        if let Some(greatest) = other.greatest
            && self.greatest.is_none_or(|own| greatest.1 > own.1)
        {
            self.greatest = Some(greatest);
        }
    }

    /// Its one or two outermost numbers, in the row's order.
    pub fn outermost(&self) -> impl Iterator<Item = (usize, f64)> {
        let (mut first, mut second) = (self.least, self.greatest);
        if first.map(|one| one.0) > second.map(|one| one.0) {
            std::mem::swap(&mut first, &mut second);
        }
        first.into_iter().chain(second.filter(|_| first != second))
    }
}

/// The row.
#[derive(Debug, Clone, Default)]
pub struct Extremes {
    values: Vec<f64>,
    /// Whole blocks on an even axis, then on a logarithmic one.
    blocks: Vec<[Part; 2]>,
}

impl Extremes {
    pub fn push(&mut self, value: f64) {
        self.values.push(value);
        let start = self.blocks.len() * BLOCK;
        if self.values.len() == start + BLOCK {
            let whole = start..start + BLOCK;
            self.blocks
                .push([Scale::Even, Scale::Logarithmic].map(|scale| self.each(&whole, scale)));
        }
    }

    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number by number.
    fn each(&self, range: &Range<usize>, scale: Scale) -> Part {
        let mut part = Part::default();
        for place in range.clone() {
            if let Some(value) = self.values.get(place) {
                part.take(place, *value, scale);
            }
        }
        part
    }

    /// What this part of the row holds.
    pub fn part(&self, range: Range<usize>, scale: Scale) -> Part {
        let end = range.end.min(self.values.len());
        let mut part = Part::default();
        let mut place = range.start;
        while place < end {
            let block = self.blocks.get(place / BLOCK);
            match block.filter(|_| place.is_multiple_of(BLOCK) && place + BLOCK <= end) {
                Some(block) => {
                    part.join(&block[usize::from(scale == Scale::Logarithmic)]);
                    place += BLOCK;
                }
                None => {
                    let stop = ((place / BLOCK + 1) * BLOCK).min(end);
                    part.join(&self.each(&(place..stop), scale));
                    place = stop;
                }
            }
        }
        part
    }

    /// The range in at most `columns` parts of equal length; as many as there are numbers where those are fewer.
    pub fn parts(
        &self,
        range: Range<usize>,
        columns: usize,
        scale: Scale,
    ) -> impl Iterator<Item = Part> {
        let range = range.start..range.end.min(self.values.len()).max(range.start);
        let columns = columns.min(range.len());
        (0..columns).map(move |column| {
            let cut = |nth: usize| range.start + nth * range.len() / columns.max(1);
            self.part(cut(column)..cut(column + 1), scale)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(values: &[f64]) -> Extremes {
        let mut row = Extremes::default();
        values.iter().for_each(|value| row.push(*value));
        row
    }

    // If this fails, a spike in a long run is not seen, or is seen where it was not.
    #[test]
    fn a_single_spike_among_a_hundred_thousand_is_kept() {
        let mut values = vec![1.0; 100_000];
        values[54_321] = 9.0;
        values[7] = f64::NAN;
        let parts: Vec<Part> = row(&values).parts(0..100_000, 150, Scale::Even).collect();
        assert_eq!(parts.len(), 150);
        let spike = parts.iter().filter_map(|part| part.greatest).find(|one| one.1 > 1.0);
        assert_eq!(spike, Some((54_321, 9.0)));
        assert_eq!(parts.iter().filter_map(|part| part.gap).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn fewer_numbers_than_columns_are_each_a_part() {
        let row = row(&[3.0, f64::NAN, 1.0]);
        let shown = |range| -> Vec<Vec<(usize, f64)>> {
            row.parts(range, 10, Scale::Even).map(|part| part.outermost().collect()).collect()
        };
        assert_eq!(shown(0..3), [vec![(0, 3.0)], vec![], vec![(2, 1.0)]]);
        assert_eq!(shown(5..9), Vec::<Vec<_>>::new());
    }

    proptest! {
        // If this fails, blocks say something else than the numbers they stand for.
        #[test]
        fn blocks_agree_with_their_numbers(
            values in proptest::collection::vec(
                prop_oneof![-2.0..2.0f64, Just(f64::NAN), Just(0.0)], 0..400),
            from in 0usize..420,
            length in 0usize..420,
            columns in 0usize..50,
        ) {
            let row = row(&values);
            for scale in [Scale::Even, Scale::Logarithmic] {
                prop_assert_eq!(
                    row.part(from..from + length, scale),
                    row.each(&(from..(from + length).min(values.len())), scale)
                );
                let mut all = Part::default();
                let mut count = 0;
                for part in row.parts(from..from + length, columns, scale) {
                    all.join(&part);
                    count += 1;
                }
                prop_assert!(count <= columns);
                if columns > 0 {
                    prop_assert_eq!(all, row.part(from..from + length, scale));
                }
            }
        }
    }
}
