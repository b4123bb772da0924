//! How figures are written for people, the same in every chart and table. A figure that is missing, or is
//! no number, is a dash.

/// What stands for a figure that there is not.
pub const MISSING: &str = "–";

/// A number with so many decimals and a minus as wide as a plus.
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return MISSING.into();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        // What rounds to nothing has no sign.
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.into(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// A number that is a change, with its sign.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    let is_zero = text.chars().all(|c| c == '0' || c == '.');
    if value > 0.0 && value.is_finite() && !is_zero { format!("+{text}") } else { text }
}

/// A relative change: `−8.1 %`.
pub fn change(share: f64) -> String {
    let text = signed(share * 100.0, 1);
    if text == MISSING { text } else { format!("{text} %") }
}

/// A relative change with its interval: `−8.1 % (−12.0 to −4.1)`.
pub fn change_with(share: f64, interval: Option<[f64; 2]>) -> String {
    match finite(interval) {
        Some(ends) if share.is_finite() => {
            let [low, high] = ends.map(|end| signed(end * 100.0, 1));
            format!("{} ({low} to {high})", change(share))
        }
        _ => change(share),
    }
}

/// A share: `52 %`.
pub fn share(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() => format!("{} %", number(value * 100.0, 0)),
        _ => MISSING.into(),
    }
}

/// The interval of a difference of shares, in points: `+3 to +21 points`.
pub fn points(interval: Option<[f64; 2]>) -> Option<String> {
    let [low, high] = finite(interval)?.map(|end| signed(end * 100.0, 0));
    Some(format!("{low} to {high} points"))
}

/// A perplexity, with as many decimals as tell it from its neighbours.
pub fn perplexity(value: f64) -> String {
    number(value, if value.abs() < 1000.0 { 2 } else { 0 })
}

/// A p-value; never zero, for no finite sample shows that.
pub fn p_value(value: Option<f64>) -> String {
    match value {
        Some(p) if p.is_finite() && p < 0.0001 => "< 0.0001".into(),
        Some(p) => number(p, 4),
        None => MISSING.into(),
    }
}

/// Counts over seeds: one number where all agree, else the least and the greatest.
pub fn spread(counts: impl IntoIterator<Item = usize>) -> String {
    let counts: Vec<usize> = counts.into_iter().collect();
    match (counts.iter().min(), counts.iter().max()) {
        (Some(least), Some(greatest)) if least == greatest => least.to_string(),
        (Some(least), Some(greatest)) => format!("{least}–{greatest}"),
        _ => MISSING.into(),
    }
}

/// Seconds as a person says them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s < 0.0 => MISSING.into(),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// The interval, if both of its ends are numbers.
pub fn finite(interval: Option<[f64; 2]>) -> Option<[f64; 2]> {
    interval.filter(|ends| ends.iter().all(|end| end.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, a report says −0.0 %, or NaN, where it should say nothing.
    #[test]
    fn figures_read_as_a_person_writes_them() {
        assert_eq!(change_with(-0.081, Some([-0.12, -0.041])), "−8.1 % (−12.0 to −4.1)");
        assert_eq!(change_with(0.02, Some([-0.1, f64::NAN])), "+2.0 %");
        assert_eq!(change_with(f64::NAN, Some([-0.1, 0.1])), "–");
        assert_eq!(change(-0.0001), "0.0 %");
        assert_eq!(change(0.0001), "0.0 %");
        assert_eq!(change(f64::NAN), "–");
        assert_eq!((share(Some(0.525)), share(None)), ("52 %".into(), "–".into()));
        assert_eq!(points(Some([0.03, -0.21])).as_deref(), Some("+3 to −21 points"));
        assert_eq!(p_value(Some(0.0)), "< 0.0001");
        assert_eq!(spread([3, 3, 5]), "3–5");
        assert_eq!(spread([]), "–");
        assert_eq!(perplexity(f64::INFINITY), "–");
        assert_eq!((duration(42.0), duration(7200.0)), ("42 s".into(), "2.0 h".into()));
    }
}
