//! Works out sums, since small models cannot. Owns what may stand in an expression and how long one may
//! take; nothing is looked up anywhere: no money rates, no dates, no dice.

use super::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use crate::tasks::Action;
use fend_core::Interrupt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(1);
const LONGEST: usize = 400;
/// Digits of a number that a model can use.
const LONGEST_RESULT: usize = 300;
/// For expressions in many brackets.
const STACK: usize = 64 << 20;

/// `calculate`: the value of an expression.
#[derive(Debug)]
pub struct Calculate;

impl Tool for Calculate {
    fn name(&self) -> &'static str {
        "calculate"
    }

    fn purpose(&self) -> &'static str {
        "works out 15% of 80 or 12 km in miles"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[Argument { name: "expression", kind: ArgumentKind::Line }]
    }

    fn effect(&self, _action: &Action, _workspace: &Workspace) -> Effect {
        Effect::Reads
    }

    fn run(&self, action: &Action, _workspace: &Workspace) -> ToolResult {
        calculate(action.text("expression"))
    }
}

struct Deadline(Instant);

impl Interrupt for Deadline {
    fn should_interrupt(&self) -> bool {
        Instant::now() >= self.0
    }
}

fn calculate(expression: &str) -> ToolResult {
    // As people write it.
    let expression = expression.trim().trim_end_matches('=').trim_end().replace(" x ", " * ");
    if expression.is_empty() {
        return ToolResult::failed("the expression is empty");
    }
    if expression.len() > LONGEST {
        return ToolResult::failed(format!("the expression is longer than {LONGEST} characters"));
    }
    // Functions and several statements could call themselves until the process has no stack left.
    if let Some(odd) = expression.chars().find(|character| !may_stand(*character)) {
        return ToolResult::failed(format!("{odd:?} cannot stand in an expression"));
    }
    let asked = expression.clone();
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let mut context = fend_core::Context::new();
        context.disable_rng();
        let deadline = Deadline(Instant::now() + PATIENCE);
        let result = fend_core::evaluate_with_interrupt(&expression, &mut context, &deadline)
            .map(|result| result.get_main_result().to_owned());
        // Nobody waits any more.
        let _ = sender.send((result, deadline.should_interrupt()));
    };
    if std::thread::Builder::new().stack_size(STACK).spawn(work).is_err() {
        return ToolResult::failed("the machine has no thread left to calculate with");
    }
    // A single step may not look at the clock for long: it ends by itself, without anybody waiting for it.
    match receiver.recv_timeout(PATIENCE * 2) {
        Ok((Ok(result), _)) => value(&asked, &result),
        Ok((Err(why), false)) => ToolResult::failed(format!("it cannot be worked out: {why}")),
        Ok((Err(_), true)) | Err(_) => ToolResult {
            timed_out: true,
            ..ToolResult::failed("it takes too long; the numbers are too large")
        },
    }
}

fn may_stand(character: char) -> bool {
    character.is_alphanumeric()
        || character.is_whitespace()
        || "+-*/^%().,!_°µ×÷−·π²³".contains(character)
}

fn value(asked: &str, result: &str) -> ToolResult {
    let result = result.trim();
    let result = result.strip_prefix("approx. ").unwrap_or(result);
    if result.ends_with('%') {
        // A part of a number is a number: 20% × 50 is 10, not 1000%.
        let hundredth = result.trim_end_matches('%');
        if asked.contains(['*', '×', '·']) {
            return calculate(&format!("({hundredth}) / 100"));
        }
    } else if adds_percent(asked) {
        // A person means 80 + 15% of 80, but the value is 80.15.
        return ToolResult::failed(
            "a percentage is added to a number; write of what it is, as in 80 + 15% of 80",
        );
    }
    match result.chars().count() {
        0 => ToolResult::failed("it has no value"),
        length if length > LONGEST_RESULT => {
            ToolResult::failed(format!("the result has {length} digits; that is too long"))
        }
        _ => ToolResult::of(result),
    }
}

/// A percentage of nothing stands after a plus or a minus.
fn adds_percent(expression: &str) -> bool {
    let mut parts = expression.split('%').peekable();
    while let Some(part) = parts.next() {
        let before = part
            .trim_end()
            .trim_end_matches(|one: char| one.is_ascii_digit() || ".,".contains(one));
        let is_added = before.trim_end().ends_with(['+', '-', '−']);
        match parts.peek() {
            Some(after) if is_added && !after.trim_start().starts_with("of") => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, a model that asks for a sum is told a wrong one, or none.
    #[test]
    fn sums_have_the_values_that_a_person_expects() {
        for (expression, expected) in [
            ("2+2", "4"),
            ("7*6", "42"),
            ("7 × 6", "42"),
            ("7 x 6", "42"),
            ("84 ÷ 2", "42"),
            ("84/2 =", "42"),
            ("15% of 80", "12"),
            ("15 % of 80", "12"),
            ("0.15 * 80", "12"),
            ("1/3", "0.3333333333"),
            ("20% × 50", "10"),
            ("30% + 20%", "50%"),
            ("100 + 15% of 80", "112"),
            ("3/4 to %", "75%"),
            ("sqrt(2)", "1.4142135624"),
            ("sqrt 16", "4"),
            ("2^10", "1024"),
            ("2**10", "1024"),
            ("-3 + 5", "2"),
            ("(1+2)*3", "9"),
            ("17 mod 5", "2"),
            ("1,234 + 1", "1235"),
            ("0.1 + 0.2", "0.3"),
            ("5!", "120"),
            ("10 km to miles", "6.2137119224 miles"),
            ("2^100", "1267650600228229401496703205376"),
        ] {
            let result = calculate(expression);
            assert_eq!(result, ToolResult::of(expected), "{expression}");
        }
    }

    // If this fails, the model takes an error for a value, or the process ends.
    #[test]
    fn what_has_no_value_is_an_error() {
        let deep = "(".repeat(LONGEST);
        let signs = "-".repeat(LONGEST);
        for expression in [
            "",
            " ",
            "1/0",
            "nonsense words",
            "2 +",
            "10 USD to EUR",
            "roll d6",
            "today",
            "(\\x. x x) (\\x. x x)",
            "f = x: f x; f 1",
            "x => x",
            "1; 2",
            "'text'",
            "@debug 1",
            &deep,
            &signs,
            "((((((",
            "10^400",
            "80 + 15%",
            "100 - 15 %",
            "√16",
        ] {
            let result = calculate(expression);
            assert!(result.error.is_some() && result.output.is_empty(), "{expression} {result:?}");
            assert!(!result.timed_out, "{expression}");
        }
        assert!(calculate("1/0").error.unwrap().contains("zero"));
    }

    // If this fails, one expression keeps the processor busy until the person ends Kaizen.
    #[test]
    fn what_takes_too_long_is_given_up() {
        for expression in ["9^9^9^9", "9^9^9", "1000000!", "100000! / 99999!", "2^(10^12)"] {
            let began = Instant::now();
            let result = calculate(expression);
            assert!(result.error.is_some(), "{expression} {result:?}");
            assert!(began.elapsed() < PATIENCE * 3, "{expression} took {:?}", began.elapsed());
        }
    }
}
