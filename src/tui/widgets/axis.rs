//! The arithmetic of an axis: which values it can hold, where they lie on it, and its round figures. Owns no
//! cells and no data; whatever the data are, an axis has finite ends and a length.

/// Larger ones would flatten everything else; they are gaps as well.
const GREATEST: f64 = 1e6;

/// On a logarithmic axis smaller ones would do the same.
const LEAST: f64 = 1e-9;

/// How values are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    #[default]
    Even,
    /// Equal steps multiply; what is not above zero is a gap.
    Logarithmic,
}

impl Scale {
    pub fn other(self) -> Self {
        match self {
            Self::Even => Self::Logarithmic,
            Self::Logarithmic => Self::Even,
        }
    }

    /// Where a value lies; none for what cannot be drawn.
    pub fn place(self, value: f64) -> Option<f64> {
        if !value.is_finite() || value.abs() > GREATEST {
            return None;
        }
        match self {
            Self::Even => Some(value),
            Self::Logarithmic => (value >= LEAST).then(|| value.log10()),
        }
    }

    fn value(self, place: f64) -> f64 {
        match self {
            Self::Even => place,
            Self::Logarithmic => 10f64.powf(place),
        }
    }
}

/// A figure of the axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Its place, as [`Scale::place`] gives it.
    pub place: f64,
    pub label: String,
}

/// An axis over some values, with a little air.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    scale: Scale,
    /// Places of its ends.
    ends: [f64; 2],
}

impl Axis {
    /// One that holds all of `values` that can be drawn; none where there are none.
    pub fn over(values: impl IntoIterator<Item = f64>, scale: Scale) -> Option<Self> {
        let mut found: Option<[f64; 2]> = None;
        for place in values.into_iter().filter_map(|value| scale.place(value)) {
            found = Some(match found {
                None => [place, place],
                Some([low, high]) => [low.min(place), high.max(place)],
            });
        }
        let [low, high] = found?;
        let ends = match scale {
            Scale::Even => {
                let air = ((high - low) * 0.06).max(high.abs() * 0.02).max(0.005);
                [if low >= 0.0 { (low - air).max(0.0) } else { low - air }, high + air]
            }
            Scale::Logarithmic => {
                let air = ((high - low) * 0.06).max(0.01);
                [low - air, high + air]
            }
        };
        Some(Self { scale, ends })
    }

    /// Places of its ends, the lower one first.
    pub fn ends(&self) -> [f64; 2] {
        self.ends
    }

    /// At most so many round figures from the lower end to the upper one.
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        let ticks = match self.scale {
            Scale::Even => even(self.ends, most),
            Scale::Logarithmic => logarithmic(self.ends, most),
        };
        match ticks.is_empty() {
            // Nothing round lies between them.
            true => self.middle(most),
            false => ticks,
        }
    }

    fn middle(&self, most: usize) -> Vec<Tick> {
        let [low, high] = self.ends;
        let place = (low + high) / 2.0;
        let value = self.scale.value(place);
        let label = figure(value, decimals((self.scale.value(high) - value).abs()));
        (most > 0).then_some(Tick { place, label }).into_iter().collect()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn even([low, high]: [f64; 2], most: usize) -> Vec<Tick> {
    if most == 0 {
        return Vec::new();
    }
    let step = round_step((high - low) / most as f64);
    let first = (low / step).ceil();
    let last = (high / step).floor();
    let decimals = decimals(step);
    // No more than asked for, whatever rounding does.
    (0..most)
        .map(|nth| first + nth as f64)
        .take_while(|nth| *nth <= last)
        .map(|nth| Tick { place: nth * step, label: figure(nth * step, decimals) })
        .filter(|tick| (low..=high).contains(&tick.place))
        .collect()
}

/// The next of 1, 2, 5, 10 … at or above `least`, with any power of ten.
pub fn round_step(least: f64) -> f64 {
    let least = if least.is_finite() { least.max(1e-12) } else { 1.0 };
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    // A step that is smaller by rounding alone will do.
    steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// Powers of ten, and what lies between them where there is room; within one power as on an even axis.
fn logarithmic([low, high]: [f64; 2], most: usize) -> Vec<Tick> {
    let within = |mantissas: &[f64]| -> Vec<Tick> {
        let powers = low.floor() as i32..=high.ceil() as i32;
        powers
            .flat_map(|power| mantissas.iter().map(move |mantissa| (*mantissa, power)))
            .map(|(mantissa, power)| {
                let value = mantissa * 10f64.powi(power);
                Tick { place: value.log10(), label: figure(value, decimals(value)) }
            })
            .filter(|tick| (low..=high).contains(&tick.place))
            .collect()
    };
    let candidates: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    if let Some(ticks) =
        candidates.into_iter().map(within).find(|ticks| (2..=most).contains(&ticks.len()))
    {
        return ticks;
    }
    let tens = within(&[1.0]);
    if tens.len() > most {
        let every = tens.len().div_ceil(most.max(1));
        return tens.into_iter().step_by(every).take(most).collect();
    }
    // Hardly a power of ten: round values, at their logarithms.
    let values = [10f64.powf(low), 10f64.powf(high)];
    let ticks = even(values, most).into_iter().filter_map(|tick| {
        let place = Scale::Logarithmic.place(tick.place)?;
        (low..=high).contains(&place).then_some(Tick { place, ..tick })
    });
    ticks.collect()
}

/// So many decimals that neighbours a step apart are told from one another.
fn decimals(step: f64) -> usize {
    if !step.is_finite() || step <= 0.0 {
        return 2;
    }
    (-step.log10().floor()).clamp(0.0, 10.0) as usize
}

fn figure(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    // What rounds to nothing has no sign.
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn labels(values: &[f64], scale: Scale, most: usize) -> Vec<String> {
        let axis = Axis::over(values.iter().copied(), scale).unwrap();
        axis.ticks(most).into_iter().map(|tick| tick.label).collect()
    }

    // If this fails, a person reads off figures that are not round, or too many to tell apart.
    #[test]
    fn figures_are_round() {
        assert_eq!(labels(&[1.2, 3.0], Scale::Even, 5), ["1.5", "2.0", "2.5", "3.0"]);
        assert_eq!(labels(&[0.0, 40.0], Scale::Even, 5), ["0", "10", "20", "30", "40"]);
        assert_eq!(labels(&[-0.3, 0.3], Scale::Even, 4), ["-0.2", "0.0", "0.2"]);
        let logarithmic = |values: &[f64], most| labels(values, Scale::Logarithmic, most);
        assert_eq!(logarithmic(&[0.01, 100.0], 6), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(logarithmic(&[0.4, 6.0], 5), ["0.5", "1", "2", "5"]);
        assert_eq!(logarithmic(&[2.0, 3.0], 5), ["2.0", "2.5", "3.0"]);
        assert_eq!(logarithmic(&[1e-8, 1e5], 4), ["0.00000001", "0.0001", "1", "10000"]);
    }

    // If this fails, one bad value empties or flattens the chart.
    #[test]
    fn what_cannot_be_drawn_is_never_an_axis() {
        let odd = [1.0, 2.0, f64::NAN, 3.0, f64::NEG_INFINITY, 1e30];
        let [low, high] = Axis::over(odd, Scale::Even).unwrap().ends();
        assert!(low > 0.8 && high < 3.3);
        assert_eq!(Axis::over([f64::NAN, f64::INFINITY], Scale::Even), None);
        assert_eq!(Axis::over([0.0, -2.0, f64::NAN], Scale::Logarithmic), None);
        for value in [2.0, 0.0, -7.0, 1e6] {
            let axis = Axis::over([value], Scale::Even).unwrap();
            let [low, high] = axis.ends();
            assert!(low <= value && value < high, "{value}");
            assert!(!axis.ticks(3).is_empty());
        }
        // Zero is where losses end: nothing lies below it that never was there.
        assert_eq!(Axis::over([0.0, 1.0], Scale::Even).unwrap().ends()[0], 0.0);
    }

    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>(),
            -10.0..10.0f64,
            1e-12..1e-3f64,
            Just(f64::NAN),
            Just(0.0),
            Just(1e6)
        ]
    }

    proptest! {
        // If this fails, some loss takes the chart, or the dashboard, down.
        #[test]
        fn no_data_break_an_axis(
            values in proptest::collection::vec(any_value(), 0..40),
            logarithmic in any::<bool>(),
            most in 0usize..12,
        ) {
            let scale = if logarithmic { Scale::Logarithmic } else { Scale::Even };
            let drawable = values.iter().filter(|value| scale.place(**value).is_some()).count();
            let Some(axis) = Axis::over(values.iter().copied(), scale) else {
                prop_assert_eq!(drawable, 0);
                return Ok(());
            };
            let [low, high] = axis.ends();
            prop_assert!(low.is_finite() && high.is_finite() && low < high);
            for value in values {
                if let Some(place) = scale.place(value) {
                    prop_assert!((low..=high).contains(&place));
                }
            }
            let ticks = axis.ticks(most);
            prop_assert!(ticks.len() <= most);
            prop_assert_eq!(ticks.is_empty(), most == 0);
            for pair in ticks.windows(2) {
                prop_assert!(pair[0].place < pair[1].place);
                prop_assert!(pair[0].label != pair[1].label, "{:?}", ticks);
            }
            for tick in ticks {
                prop_assert!((low..=high).contains(&tick.place));
                prop_assert!(tick.label.len() <= 12, "{}", tick.label);
            }
        }
    }
}
