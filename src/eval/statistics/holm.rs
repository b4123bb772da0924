//! Several questions asked at once: p-values that allow for their number.

/// Holm's step-down adjusted p-values, each at the place of its own (Holm 1979, "A simple
/// sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6:65).
///
/// Calling every question whose adjusted value is at most α a finding errs anywhere with
/// probability α or less, whatever the questions have to do with each other; no finding of
/// Bonferroni's is lost. A value that is not a number counts as 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let values: Vec<f64> =
        p.iter().map(|value| if value.is_nan() { 1.0 } else { *value }).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut adjusted = vec![1.0; values.len()];
    let mut largest: f64 = 0.0;
    for (rank, place) in order.into_iter().enumerate() {
        // As many questions as are still open; an adjusted value never falls below one before it.
        let open = (values.len() - rank) as f64;
        largest = largest.max((open * values[place]).min(1.0));
        adjusted[place] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: &[f64], wanted: &[f64]) {
        assert_eq!(got.len(), wanted.len());
        for (a, b) in got.iter().zip(wanted) {
            assert!((a - b).abs() < 1e-12, "{got:?} {wanted:?}");
        }
    }

    // If this fails, a finding among several is called one too easily, or not at all.
    #[test]
    fn the_case_worked_by_hand_comes_out_in_the_order_it_was_asked() {
        // Smallest first: 4 · 0.005, 3 · 0.01, 2 · 0.03, and 1 · 0.04 raised to the one before.
        assert_close(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]);
        // Nothing exceeds 1, and one question is not adjusted.
        assert_close(&holm(&[0.9, 0.4, 0.7]), &[1.0, 1.0, 1.0]);
        assert_close(&holm(&[0.2]), &[0.2]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn equal_values_stay_equal_and_what_is_no_number_is_no_finding() {
        assert_close(&holm(&[0.02, 0.01, 0.02, 0.02]), &[0.06, 0.04, 0.06, 0.06]);
        assert_close(&holm(&[0.0, 0.0]), &[0.0, 0.0]);
        assert_close(&holm(&[f64::NAN, 0.01]), &[1.0, 0.02]);
    }

    #[test]
    fn the_order_is_kept_and_each_value_lies_between_its_own_and_bonferronis() {
        let p: Vec<f64> = (0..23).map(|i| f64::from((i * 37) % 23) / 230.0).collect();
        let adjusted = holm(&p);
        for (a, x) in p.iter().zip(&adjusted) {
            assert!(a <= x && *x <= (23.0 * a).min(1.0) + 1e-12, "{a} {x}");
            for (b, y) in p.iter().zip(&adjusted) {
                assert!(a > b || x <= y, "{a} {b}: {x} {y}");
            }
        }
    }
}
