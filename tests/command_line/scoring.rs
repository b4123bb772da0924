//! `kaizen score`.

use crate::kaizen::{Ended, Home, keys, says};
use serde_json::json;

const LINES: &str = concat!(
    r#"{"id":"a","text":"Hello there, friend"}"#,
    "\n\n",
    r#"{"id":2,"text":"a"}"#,
    "\n",
    r#"{"id":"m","messages":[{"role":"user","content":"2+2?"},{"role":"assistant","content":"4"}]}"#,
    "\n",
);

// If this fails, a figure that a script relies on is not what CLI.md says it is.
#[test]
fn every_line_has_its_losses_and_their_mean() {
    let home = Home::new();
    let file = home.file("texts.jsonl", LINES);
    let scored = home.ok(&["score", &file, "--json"]).lines();
    assert_eq!(keys(&scored[0]), ["id", "tokens", "scored", "nll", "perplexity", "token_nlls"]);
    let losses: Vec<f64> =
        scored[0]["token_nlls"].as_array().unwrap().iter().map(|l| l.as_f64().unwrap()).collect();
    assert_eq!(scored[0]["scored"], losses.len());
    assert_eq!(scored[0]["tokens"], losses.len() + 1);
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    assert!((scored[0]["nll"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!((scored[0]["perplexity"].as_f64().unwrap() - mean.exp()).abs() < 1e-9);
    // A single token has nothing before it to be predicted from.
    assert_eq!(
        scored[1],
        json!({"id": 2, "tokens": 1, "scored": 0, "nll": null, "perplexity": null, "token_nlls": []})
    );
    // "4" and the end of the turn, behind the template's default system turn.
    assert_eq!((scored[2]["id"].as_str(), scored[2]["scored"].as_u64()), (Some("m"), Some(2)));
    assert!(scored[2]["tokens"].as_u64().unwrap() > 20);

    let output = home.command().args(["score", "-"]).write_stdin(LINES).output().unwrap();
    let words = Ended::of(output);
    assert_eq!(words.code, 0);
    says(&words.out, &["a: ", "perplexity ", "2: 1 tokens, 0 scored, nothing to score"]);
}

#[test]
fn a_bad_line_is_named_before_any_work() {
    let home = Home::new();
    for (line, why) in [
        (r#"{"id":"b"}"#, "`text` or `messages`"),
        (r#"{"id":"b","text":"x","messages":[]}"#, "assistant turn"),
        (r#"{"id":"b","messages":[{"role":"user","content":"x"}]}"#, "assistant turn"),
        ("{cut", "it is not"),
    ] {
        let output = home
            .command()
            .args(["score", "-", "--json"])
            .write_stdin(format!("\n{{\"id\":\"a\",\"text\":\"sound\"}}\n\n{line}\n"))
            .output()
            .unwrap();
        let ended = Ended::of(output);
        assert_eq!(ended.out, "", "{line}");
        says(&ended.failed(), &["stdin, line 4", why]);
    }
    says(&home.fails(&["score", "nowhere.jsonl"]), &["cannot read nowhere.jsonl"]);
}
