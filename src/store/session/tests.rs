#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn minimal() -> Value {
    json!({"session_id": "s1", "metadata": {"session_id": "s1", "task": "t"}})
}

fn parse(value: &Value) -> Result<Session, String> {
    Session::parse(value.to_string().as_bytes())
}

#[test]
fn what_makes_no_sense_is_told_in_plain_words() {
    let with = |change: fn(&mut Value)| {
        let mut value = minimal();
        change(&mut value);
        value.to_string()
    };
    for (text, told) in [
        (String::new(), "empty"),
        ("{\"session_id\": \"a".into(), "cut short"),
        ("not a session".into(), "not JSON"),
        ("[1,2,3]".into(), "a JSON object, this is a list"),
        ("{}".into(), "no session_id"),
        (with(|v| v["metadata"] = json!(null)), "metadata is null"),
        (with(|v| v["metadata"]["user_rating"] = json!(11)), "user_rating is 11"),
        (with(|v| v["metadata"]["user_rating"] = json!(4.5)), "user_rating is 4.5"),
        (with(|v| v["metadata"]["user_rating"] = json!("5")), "user_rating is a text"),
        (with(|v| v["metadata"]["task"] = json!(7)), "task is a number"),
        (with(|v| v["metadata"]["session_id"] = json!("s2")), "but s2 in its metadata"),
        (with(|v| v["session_id"] = json!("../x")), "a path"),
        (with(|v| v["session_id"] = json!("a\u{1b}[2J")), "control characters"),
        (with(|v| v["iterations"] = json!([1])), "expected struct Iteration"),
        (with(|v| v["kaizen"] = json!({"messages": [{"role": "x\u{1b}[2J"}]})), "unknown variant"),
    ] {
        let why = Session::parse(text.as_bytes()).unwrap_err();
        assert!(why.contains(told), "{text}: {why}");
        assert!(!why.contains('\u{1b}') && !why.contains('\n'), "{why:?}");
    }
}

#[test]
fn the_least_that_is_a_session_reads() {
    let session = parse(&minimal()).unwrap();
    assert_eq!(session.prompt(), [Message::user("t")]);
    assert!(session.is_imported() && session.answer().is_none());
}

// If this fails, a hostile file overflows the stack and takes the program down.
#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = minimal().to_string().replacen('{', &format!("{{\"x\": {deep}, "), 1);
    assert!(Session::parse(text.as_bytes()).unwrap_err().contains("recursion"));
}

#[test]
fn what_we_write_has_the_fields_of_the_logger() {
    let at: Zoned = "2025-11-08T20:59:24.5[UTC]".parse().unwrap();
    let mut session = Session::begin("s1".parse().unwrap(), &at, "t");
    session.metadata.what_went_wrong = vec![Issue::Ocr, Issue::WrongAction];
    let value: Value = serde_json::from_slice(&session.to_json().unwrap()).unwrap();
    for field in ["session_id", "start_time", "iterations", "total_iterations"] {
        assert!(value.get(field).is_some(), "{field}");
    }
    assert_eq!(
        value["metadata"],
        json!({
            "session_id": "s1", "start_time": "2025-11-08T20:59:24.500000", "task": "t",
            "max_iterations": 1, "debug_mode": false, "require_confirmation": false,
            "user_rating": null, "feedback_comment": null, "lora_version": null,
            "what_went_wrong": ["OCR confidence low", "Wrong action selected"],
        })
    );
}

#[test]
fn the_start_is_read_from_the_first_place_that_names_one() {
    let mut value = minimal();
    assert_eq!(parse(&value).unwrap().started(), None);
    value["session_id"] = json!("session_20251108_205924");
    value["metadata"]["session_id"] = json!("session_20251108_205924");
    let started = |value: &Value| parse(value).unwrap().started().unwrap().to_string();
    assert_eq!(started(&value), "2025-11-08T20:59:24");
    value["start_time"] = json!("2025-11-09T01:02:03.25");
    assert_eq!(started(&value), "2025-11-09T01:02:03.25");
    value["metadata"]["start_time"] = json!("yesterday");
    assert_eq!(started(&value), "2025-11-09T01:02:03.25");
    value["metadata"]["start_time"] = json!("2025-11-10T01:02:03");
    assert_eq!(started(&value), "2025-11-10T01:02:03");
}

#[test]
fn the_prompt_is_the_turns_before_the_answer() {
    let mut session = parse(&minimal()).unwrap();
    let turns = [Message::user("a"), Message::assistant("b"), Message::user("c")];
    session.record_mut().messages = turns.to_vec();
    assert_eq!(session.prompt(), turns);
    session.record_mut().messages.push(Message::assistant("d"));
    assert_eq!(session.prompt(), turns);
    session.iterations = vec![
        Iteration { grok_response: Some("step".into()), ..Iteration::default() },
        Iteration::default(),
    ];
    assert_eq!(session.answer(), Some("step"));
    session.record_mut().answer = Some("d".into());
    assert_eq!(session.answer(), Some("d"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no NaN", |x| x.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn unknown_fields() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec(("x_[a-z]{0,6}", any_json()), 0..4)
        .prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    // If this fails, rating a session here loses what another program had written into its file.
    #[test]
    fn a_rewrite_keeps_every_field(
        outer in unknown_fields(),
        inner in unknown_fields(),
        step in unknown_fields(),
        ours in unknown_fields(),
        generation in unknown_fields(),
        result in any_json(),
        texts in (any::<String>(), any::<String>(), any::<String>()),
        stars in proptest::option::of(1..=5),
        started in any::<f64>().prop_filter("JSON has no NaN", |x| x.is_finite()),
    ) {
        let (task, comment, words) = texts;
        let mut value = json!({
            "session_id": "s1",
            "metadata": {
                "session_id": "s1", "start_time": "x", "task": task, "model": "m",
                "max_iterations": 10, "debug_mode": false, "require_confirmation": true,
                "user_rating": stars, "feedback_comment": comment, "lora_version": "base",
                "what_went_wrong": ["Timeout", words],
            },
            "start_time": "y",
            "iterations": [{
                "iteration_number": 1, "start_time": started, "tool_results": [result],
                "grok_response": "r", "errors": ["e", {"code": 1}],
            }],
            "total_iterations": 1,
            "kaizen": {
                "messages": [{"role": "user", "content": "q"}], "answer": "a",
                "generation": {"temperature": 0.7, "seed": u64::MAX},
                "outcome": {"state": "failed", "error": "e"},
            },
        });
        let fields = |value: &mut Value, more: Map<String, Value>| {
            value.as_object_mut().unwrap().extend(more);
        };
        fields(&mut value, outer);
        fields(&mut value["metadata"], inner);
        fields(&mut value["iterations"][0], step);
        fields(&mut value["kaizen"], ours);
        fields(&mut value["kaizen"]["generation"], generation);

        let session = parse(&value).unwrap();
        let rewritten: Value = serde_json::from_slice(&session.to_json().unwrap()).unwrap();
        prop_assert_eq!(&rewritten, &value);
        prop_assert_eq!(Session::parse(&session.to_json().unwrap()).unwrap(), session);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        Session::parse(&bytes).ok();
    }

    #[test]
    fn no_json_makes_reading_panic(value in any_json(), field in 0..4) {
        let mut session = minimal();
        match field {
            0 => session["metadata"] = value,
            1 => session["kaizen"] = value,
            2 => session["iterations"] = value,
            _ => session["metadata"]["what_went_wrong"] = value,
        }
        parse(&session).ok();
    }
}
