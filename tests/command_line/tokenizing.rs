//! `kaizen tokenize`.

use crate::kaizen::{Ended, Home, says};
use serde_json::json;

fn tokenized(home: &Home, lines: &str) -> Ended {
    Ended::of(home.command().arg("tokenize").write_stdin(lines).output().unwrap())
}

#[test]
fn each_line_gives_its_ids_as_it_comes() {
    let home = Home::new();
    let ended = tokenized(&home, "\"Hello world\"\n\n\"\"\n\"a\\nb\"\n");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let lines = ended.lines();
    assert_eq!(lines[..2], [json!({"ids": [19556, 905]}), json!({"ids": []})]);
    assert_eq!(lines[2]["ids"].as_array().unwrap().len(), 3);
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_line_that_is_no_json_string_is_named_after_those_before_it() {
    let ended = tokenized(&Home::new(), "\"a\"\n\nnope\n\"b\"\n");
    assert_eq!(ended.lines().len(), 1);
    says(&ended.failed(), &["stdin, line 3", "not a JSON string"]);
}
