//! Finds the numbers that people and models write in prose: `1,234.5`, `−3`, `$18`, `50%`, `7.`

/// The last number in `text`, which by custom is the final answer of a worked solution.
///
/// Thousands separators, a currency sign before and a percent sign or full stop after are
/// understood (a percentage is its number: 50 % is 50). A minus counts as a sign only where it
/// cannot be a subtraction or a range. Digits glued to a letter before them (`H2O`) are a name.
pub fn last_number(text: &str) -> Option<f64> {
    numbers(text).last().map(|number| number.value)
}

/// The number that `text` consists of, currency and percent signs aside; `None` for prose.
pub fn only_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let found = numbers(text);
    let [number] = found.as_slice() else {
        return None;
    };
    let chars: Vec<char> = text.chars().collect();
    let around = chars[..number.start].iter().chain(&chars[number.end..]);
    around
        .into_iter()
        .all(|c| c.is_whitespace() || is_currency(*c) || ".%+".contains(*c))
        .then_some(number.value)
}

struct Number {
    value: f64,
    /// Its first character (a sign included) and the one after its last, in characters.
    start: usize,
    end: usize,
}

fn numbers(text: &str) -> Vec<Number> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let before = at.checked_sub(1).map(|i| chars[i]);
        let leading_point = chars[at] == '.'
            && chars.get(at + 1).is_some_and(char::is_ascii_digit)
            && !before.is_some_and(char::is_alphanumeric);
        if !(chars[at].is_ascii_digit() || leading_point) {
            at += 1;
            continue;
        }
        let (digits, end) = magnitude(&chars, at);
        let is_name = before.is_some_and(|c| c.is_alphabetic() || c == '_');
        if !is_name && let Ok(value) = digits.parse::<f64>() {
            let sign = minus_before(&chars, at);
            let value = if sign.is_some() { -value } else { value };
            found.push(Number { value, start: sign.unwrap_or(at), end });
        }
        at = end;
    }
    found
}

/// The digits from `start` without separators, and where they end.
fn magnitude(chars: &[char], start: usize) -> (String, usize) {
    let is_digit = |i: usize| chars.get(i).is_some_and(char::is_ascii_digit);
    let mut digits = String::new();
    let mut at = start;
    while is_digit(at) {
        digits.push(chars[at]);
        at += 1;
    }
    let can_be_grouped = (1..=3).contains(&digits.len());
    while can_be_grouped
        && chars.get(at) == Some(&',')
        && (1..=3).all(|i| is_digit(at + i))
        && !is_digit(at + 4)
    {
        digits.extend(&chars[at + 1..at + 4]);
        at += 4;
    }
    if chars.get(at) == Some(&'.') && is_digit(at + 1) {
        digits.push('.');
        at += 1;
        while is_digit(at) {
            digits.push(chars[at]);
            at += 1;
        }
    }
    (digits, at)
}

/// Where a minus sign that belongs to the number at `start` stands, if there is one.
fn minus_before(chars: &[char], start: usize) -> Option<usize> {
    let mut at = start.checked_sub(1)?;
    if is_currency(chars[at]) {
        at = at.checked_sub(1)?;
    }
    if !matches!(chars[at], '-' | '\u{2212}' | '\u{2013}') {
        return None;
    }
    let subtracts = at.checked_sub(1).is_some_and(|i| {
        let c = chars[i];
        c.is_alphanumeric()
            || is_currency(c) && i > 0 && chars[i - 1].is_alphanumeric()
            || ")]}%-".contains(c)
    });
    (!subtracts).then_some(at)
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '¥' | '₹')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_right_answer_is_recognised_however_it_is_written() {
        for (text, value) in [
            ("12", 12.0),
            ("The answer is 12.", 12.0),
            ("It costs $1,234.50.", 1234.5),
            ("so 1,234,567 in all", 1_234_567.0),
            ("That is 50%", 50.0),
            ("x = -3", -3.0),
            ("x = \u{2212}3.5", -3.5),
            ("a loss of -$20", -20.0),
            ("a loss of $-20", -20.0),
            ("10 - 3 = 7", 7.0),
            ("between 5-8", 8.0),
            ("f(2)-1", 1.0),
            ("\\boxed{42}", 42.0),
            ("**42**", 42.0),
            ("18 H2O", 18.0),
            ("probability .25", 0.25),
            ("1, 2, 3", 3.0),
            ("1,2", 2.0),
            ("version 1.2.3", 3.0),
            ("16 - 3 - 4 = 9 eggs\n#### 9", 9.0),
        ] {
            assert_eq!(last_number(text), Some(value), "{text:?}");
        }
        assert_eq!(last_number("no number here, x2"), None);
        assert_eq!(last_number(""), None);
    }

    #[test]
    fn only_a_bare_number_counts_as_just_a_number() {
        for (text, value) in
            [("12", 12.0), (" $1,200.00 ", 1200.0), ("50 %", 50.0), ("-7.", -7.0), ("+3", 3.0)]
        {
            assert_eq!(only_number(text), Some(value), "{text:?}");
        }
        for text in ["12 apples", "2 3", "ls", "", "x=3", "3-"] {
            assert_eq!(only_number(text), None, "{text:?}");
        }
    }
}
