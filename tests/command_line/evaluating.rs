//! `kaizen eval` and `kaizen weak`.

use crate::kaizen::{Home, keys, says, set};
use std::collections::BTreeMap;

// If this fails, the headline is not the figure that the gate and the reports mean by it.
#[test]
fn the_headline_is_exp_of_the_mean_over_areas() {
    let home = Home::new();
    let file = home.file("set.jsonl", set(8));
    let result = home.json(&["eval", "--set", &file, "--split", "all", "--no-answers"]);
    for key in ["adapter", "perplexity", "pooled_perplexity", "diversity", "areas", "examples"] {
        assert!(keys(&result).contains(&key), "{key}");
    }
    assert_eq!(result["adapter"], "base");
    let mut by_area = BTreeMap::<String, Vec<f64>>::new();
    let (mut tokens, mut total) = (0.0, 0.0);
    for example in result["examples"].as_array().unwrap() {
        let nll = example["nll"].as_f64().unwrap();
        assert!((example["perplexity"].as_f64().unwrap() - nll.exp()).abs() < 1e-9);
        assert_ne!(example["split"], "final", "final is opened for a closing report only");
        by_area.entry(example["area"].as_str().unwrap().into()).or_default().push(nll);
        let count = example["tokens"].as_f64().unwrap();
        (tokens, total) = (tokens + count, total + nll * count);
    }
    let means: Vec<f64> =
        by_area.values().map(|losses| losses.iter().sum::<f64>() / losses.len() as f64).collect();
    let headline = (means.iter().sum::<f64>() / means.len() as f64).exp();
    let close = |key: &str, value: f64| {
        let found = result[key].as_f64().unwrap();
        assert!((found / value - 1.0).abs() < 1e-9, "{key}: {found} is not {value}");
    };
    close("perplexity", headline);
    close("pooled_perplexity", (total / tokens).exp());
    for (area, mean) in result["areas"].as_array().unwrap().iter().zip(&means) {
        assert!((area["perplexity"].as_f64().unwrap() - mean.exp()).abs() < 1e-9);
        assert_eq!(area["n"], by_area[area["area"].as_str().unwrap()].len());
        assert!(area["accuracy"].is_null());
    }
}

#[test]
fn the_parts_of_a_set_stay_what_they_were() {
    let home = Home::new();
    let file = home.file("set.jsonl", set(8));
    let ids = |split: &str| -> Vec<String> {
        let result = home.json(&["eval", "--set", &file, "--split", split, "--no-answers"]);
        let examples = result["examples"].as_array().unwrap();
        assert!(examples.iter().all(|example| example["split"] == split));
        examples.iter().map(|example| example["id"].as_str().unwrap().to_owned()).collect()
    };
    let (find, held_out) = (ids("find"), ids("held-out"));
    assert!(!find.is_empty() && !held_out.is_empty());
    assert!(find.iter().all(|id| !held_out.contains(id)));
    assert_eq!(find, ids("find"));
}

#[test]
fn answers_are_checked_and_other_names_read() {
    let home = Home::new();
    let line = |id: &str| {
        format!(
            "{{\"id\":\"{id}\",\"area\":\"maths\",\"question\":\"What is 1 + 1? {id}\",\"output\":\"2\",\
             \"check\":{{\"kind\":\"number\",\"value\":2}}}}\n"
        )
    };
    // Of these names, i5 belongs to find.
    let file = home.file("set.jsonl", line("i5"));
    let map = "prompt=question,answer=output";
    let result = home.json(&["eval", "--set", &file, "--map", map, "--split", "find"]);
    assert!(result["examples"][0]["correct"].is_boolean());
    let accuracy = result["areas"][0]["accuracy"].as_f64().unwrap();
    assert_eq!(accuracy == 1.0, result["examples"][0]["correct"] == true);
    assert!(result["diversity"].as_f64().unwrap() > 0.0);
    let nothing = home.ok(&["eval", "--set", &file, "--map", map, "--split", "held-out"]);
    says(&nothing.out, &["no item of the set is in this part"]);
}

#[test]
fn weak_examples_are_those_over_the_threshold_worst_first() {
    let home = Home::new();
    let file = home.file("set.jsonl", set(8));
    let found = |flags: &[&str]| home.json(&[&["weak", "--set", &file], flags].concat());
    let all = found(&["--threshold", "1"]);
    assert_eq!(all["threshold"], 1.0);
    let perplexities: Vec<f64> =
        all["weak"].as_array().unwrap().iter().map(|w| w["perplexity"].as_f64().unwrap()).collect();
    assert!(perplexities.len() > 1 && perplexities.is_sorted_by(|a, b| a >= b));
    assert_eq!(keys(&all["weak"][0]), ["id", "area", "perplexity"]);
    let automatic = found(&[]);
    let threshold = automatic["threshold"].as_f64().unwrap();
    assert!(threshold >= 10.0);
    let few = automatic["weak"].as_array().unwrap();
    assert!(few.len() < perplexities.len());
    assert!(few.iter().all(|weak| weak["perplexity"].as_f64().unwrap() >= threshold));
    assert_eq!(found(&["--threshold", "auto"]), automatic);

    let words = home.ok(&["weak", "--set", &file, "--threshold", "1e9"]).out;
    says(&words, &["nothing is at or over perplexity", "lower --threshold"]);
    for wrong in ["0.5", "nan", "many"] {
        assert_eq!(home.run(&["weak", "--set", &file, "--threshold", wrong]).code, 2, "{wrong}");
    }
}
