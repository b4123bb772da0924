//! Figures as a person reads them, and the steps of the threshold.

/// The mantissas on which the threshold stops, so that it shows round numbers.
const STEPS: [f64; 14] = [1.0, 1.2, 1.5, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

/// Above this nobody needs a finer threshold.
const GREATEST: f64 = 1e6;

/// The next round threshold above or below, within 1 and a million.
pub fn step(threshold: f64, up: bool) -> f64 {
    let mut all = (0..6).flat_map(|power| STEPS.map(|step| step * 10f64.powi(power)));
    // Thresholds that are equal but for rounding are the same.
    let found = match up {
        true => all.find(|step| *step > threshold * 1.001),
        false => all.take_while(|step| *step < threshold * 0.999).last(),
    };
    found.unwrap_or(if up { GREATEST } else { 1.0 })
}

/// `4.2`, `245`, `12k`, `3.1M`.
pub fn perplexity(value: f64) -> String {
    match value {
        v if !v.is_finite() => "∞".into(),
        v if v < 99.95 => format!("{v:.1}"),
        v if v < 9_999.5 => format!("{v:.0}"),
        v if v < 999_500.0 => format!("{:.0}k", v / 1e3),
        v if v < 999.95e6 => format!("{:.1}M", v / 1e6),
        _ => "over 10⁹".into(),
    }
}

/// `98 %`, `2.3 %`, `1 in 25000`.
pub fn probability(nats: f32) -> String {
    percent(f64::from(-nats).exp())
}

/// A probability in as few figures.
pub fn percent(probability: f64) -> String {
    match probability {
        p if p.is_nan() => "unknown".into(),
        p if p >= 0.0995 => format!("{:.0} %", p * 100.0),
        p if p >= 0.000995 => format!("{:.1} %", p * 100.0),
        p => format!("1 in {}", perplexity(1.0 / p)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, `]` gets stuck, jumps, or runs past where any score lies.
    #[test]
    fn the_threshold_goes_up_and_down_over_the_same_round_numbers() {
        let mut up = vec![1.0];
        while let Some(last) = up.last().copied().filter(|last| *last < GREATEST) {
            let next = step(last, true);
            assert!(next > last && next <= last * 1.251, "{last} to {next}");
            up.push(next);
        }
        let mut down = vec![GREATEST];
        while let Some(last) = down.last().copied().filter(|last| *last > 1.0) {
            down.push(step(last, false));
        }
        down.reverse();
        assert_eq!(up, down);
        assert_eq!((step(23.7, true), step(23.7, false)), (25.0, 20.0));
        assert_eq!((step(1.0, false), step(1e9, true)), (1.0, GREATEST));
    }

    // If this fails, a very unlikely word reads as impossible, or a column overflows.
    #[test]
    fn great_and_small_figures_stay_short() {
        let shown: Vec<String> =
            [1.04, 99.96, 245.3, 12_345.0, 3.14e6, 1e12, f64::INFINITY].map(perplexity).into();
        assert_eq!(shown, ["1.0", "100", "245", "12k", "3.1M", "over 10⁹", "∞"]);
        let shown: Vec<String> = [0.0, 0.02, 3.77, 9.0, 12.0, f32::NAN].map(probability).into();
        assert_eq!(shown, ["100 %", "98 %", "2.3 %", "1 in 8103", "1 in 163k", "unknown"]);
    }
}
