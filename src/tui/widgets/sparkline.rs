//! A course of figures in one line of characters.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// At most `width` characters for `values`, each the mean of its share of them, between `lowest` and
/// `highest`. Empty where fewer than two values make no course.
pub fn sparkline(values: &[f64], lowest: f64, highest: f64, width: usize) -> String {
    let columns = width.min(values.len());
    if values.len() < 2 || columns == 0 {
        return String::new();
    }
    let level = |column: usize| {
        let from = column * values.len() / columns;
        let to = ((column + 1) * values.len() / columns).max(from + 1);
        let share = values.get(from..to).unwrap_or_default();
        let mean = share.iter().sum::<f64>() / share.len().max(1) as f64;
        let height = ((mean - lowest) / (highest - lowest)).clamp(0.0, 1.0);
        LEVELS.get((height * 7.0).round() as usize).copied().unwrap_or(' ')
    };
    (0..columns).map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, ratings that fall look as if they rose.
    #[test]
    fn every_value_counts_in_its_place() {
        assert_eq!(sparkline(&[1.0, 3.0, 5.0], 1.0, 5.0, 10), "▁▅█");
        assert_eq!(sparkline(&[1.0, 1.0, 5.0, 5.0, 5.0], 1.0, 5.0, 2), "▁█");
        assert_eq!(sparkline(&[9.0, f64::NAN], 1.0, 5.0, 4), "█▁");
        assert_eq!(sparkline(&[2.0], 1.0, 5.0, 4), "");
        assert_eq!(sparkline(&[1.0, 2.0], 1.0, 5.0, 0), "");
    }
}
