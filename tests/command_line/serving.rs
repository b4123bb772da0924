//! Adapters in service: `kaizen adapters promote, canary, route, rollback, progress`, `kaizen replay`,
//! `kaizen watch`.

use crate::kaizen::{Ended, Home, SHORT, examples, keys, says};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// A home whose adapter answers otherwise than base, in few tokens.
pub fn with_adapter() -> Home {
    let home = Home::new();
    home.file("home/config.toml", "kaizen = 1\n[generate]\nmax_tokens = 4\ntemperature = 0.0\n");
    let examples = home.file("examples.jsonl", examples(4));
    let flags = ["train", "--from", &examples, "--lr", "0.02", "--json"];
    home.ok(&[&flags[..], &SHORT].concat());
    home
}

fn history(home: &Home) -> Vec<Value> {
    let text = std::fs::read_to_string(home.home("adapters/history.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_written() {
    let home = Home::new();
    std::fs::create_dir_all(home.home("adapters/lora-v1")).unwrap();
    for (arguments, code, words) in [
        (&["canary", "lora-v1", "120"][..], 2, "below 100 %, not 120 %"),
        (&["canary", "lora-v1", "0"], 2, "above 0"),
        (&["route", "lora-v1=70", "base=40"], 2, "110.0 %"),
        (&["route", "lora-v1=-5", "base=40"], 2, "above 0"),
        (&["route", "lora-v1=20", "lora-v1=20"], 2, "named twice"),
        (&["route", "lora-v1"], 2, "write an arm and its percent"),
        (&["promote", "lora-v7"], 1, "no adapter `lora-v7`"),
        (&["rollback"], 1, "nothing before this"),
        (&["canary", "base", "10"], 1, "base answers everything already"),
    ] {
        let all = [&["adapters"][..], arguments].concat();
        let ended = home.run(&all);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.err);
        says(ended.err.lines().last().unwrap(), &["error: ", words]);
    }
    assert!(history(&home).is_empty());
}

// If this fails, an adapter is promoted in words only, or a person learns which arm answered before they
// have rated it.
#[test]
fn from_canary_to_promotion_and_back() {
    let home = with_adapter();
    let changed = home.json(&["adapters", "canary", "lora-v1", "50"]);
    assert_eq!(changed["step"], "canary");
    assert_eq!(
        changed["arms"],
        json!([{"adapter": "base", "share": 0.5}, {"adapter": "lora-v1", "share": 0.5}])
    );
    let ran = home.ok(&["run", "Say hi"]);
    says(&ran.err, &["hidden until you rate"]);
    assert!(!ran.err.contains("lora-v1") && !ran.err.contains("· base"), "{}", ran.err);
    let listed = home.json(&["sessions", "list"]);
    let id = listed["sessions"][0]["id"].as_str().unwrap().to_owned();
    let record = home.session(&id)["kaizen"].clone();
    assert_eq!(record["arm_probability"], 0.5);
    let drawn = record["arm_draw"].as_f64().unwrap();
    let arm = if drawn < 0.5 { "base" } else { "lora-v1" };
    assert_eq!(record["arm"], arm);
    says(&home.ok(&["sessions", "list"]).out, &["hidden"]);
    home.ok(&["rate", &id, "4"]);
    says(&home.ok(&["sessions", "list"]).out, &[arm]);

    let promoted = home.ok(&["adapters", "promote", "lora-v1"]);
    says(&promoted.out, &["lora-v1 answers everything now"]);
    says(&promoted.err, &["corrections have not judged it"]);
    let listed = home.json(&["adapters", "list"]);
    assert_eq!(
        (&listed["active"], &listed["adapters"][0]["state"]),
        (&json!("lora-v1"), &json!("active"))
    );
    assert_eq!(home.json(&["run", "Say hi"])["adapter"], "lora-v1");
    says(&home.fails(&["adapters", "promote", "lora-v1"]), &["answers everything already"]);

    let back = home.json(&["adapters", "rollback"]);
    assert_eq!((&back["active"], &back["by"]), (&json!("base"), &json!("person")));
    assert_eq!(back["evidence"]["candidate"], "lora-v1");
    assert_eq!(home.json(&["run", "Say hi"])["adapter"], "base");
    let steps: Vec<String> =
        history(&home).iter().map(|line| line["step"].as_str().unwrap().to_owned()).collect();
    assert_eq!(steps, ["canary", "promote", "rollback"]);
    assert_eq!(history(&home)[1]["evidence"]["own_work"], "unproven");
    assert_eq!(home.json(&["adapters", "list"])["adapters"][0]["state"], "retired");

    let progress = home.json(&["adapters", "progress"]);
    let versions = progress["versions"].as_array().unwrap();
    let rated: u64 = versions
        .iter()
        .flat_map(|version| version["weeks"].as_array().unwrap())
        .map(|week| week["rated"].as_u64().unwrap())
        .sum();
    assert_eq!(rated, 1);
    says(&home.ok(&["adapters", "progress"]).out, &["lora-v1", "4 from a file"]);
}

// If this fails, an adapter whose folder was damaged stops a person's work.
#[test]
fn a_damaged_adapter_in_service_is_rolled_back_and_base_answers() {
    let home = with_adapter();
    home.ok(&["adapters", "promote", "lora-v1"]);
    std::fs::write(home.home("adapters/lora-v1/adapter_model.safetensors"), "damaged").unwrap();
    let ran = home.run(&["run", "Say hi", "--json"]);
    assert_eq!((ran.code, ran.json()["adapter"].as_str()), (0, Some("base")), "{}", ran.err);
    says(&ran.err, &["lora-v1 was rolled back"]);
    assert_eq!(history(&home)[1]["by"], "automatic");
    // A person who names it is told what is wrong.
    assert_eq!(home.run(&["run", "Say hi", "--adapter", "lora-v1"]).code, 1);
}

fn judge(home: &Home, said: &str) -> Ended {
    let mut command = home.command();
    command.args(["replay", "lora-v1", "--json"]).write_stdin(said);
    Ended::of(command.output().unwrap())
}

// If this fails, judgements are lost, asked for twice, or counted for the wrong side.
#[test]
fn a_replay_is_blind_counts_every_judgement_once_and_goes_on_later() {
    let home = with_adapter();
    says(&home.fails(&["replay", "lora-v9"]), &["no adapter `lora-v9`"]);
    assert_eq!(home.run(&["replay", "base"]).code, 2);
    let none = judge(&home, "");
    assert_eq!((none.code, none.json()["pairs"].as_u64()), (3, Some(0)));
    says(&none.err, &["none of your rated tasks is left", "rate others"]);
    assert!(!none.err.contains("too even"), "{}", none.err);

    let ids: Vec<String> = ["Name a river", "Count to three", "Say good night", "Name a colour"]
        .map(|prompt| home.task(prompt))
        .into();
    for id in &ids {
        home.ok(&["rate", id, "2"]);
    }
    // One judgement, a word that is none, one passed over, and the end of the input.
    let first = judge(&home, "left\nperhaps\nskip\n");
    let counted = first.json();
    assert_eq!(keys(&counted)[..3], ["candidate", "reference", "pairs"]);
    let file = home.home("experiments/replays/lora-v1-against-base.jsonl");
    let pairs = || -> Vec<Value> {
        let text = std::fs::read_to_string(&file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let asked = |pairs: &[Value]| pairs.iter().filter(|pair| pair["same"] == false).count();
    assert_eq!(asked(&pairs()), 1, "{}", first.err);
    let pair = pairs().into_iter().find(|pair| pair["same"] == false).unwrap();
    let expected = if pair["candidate_side"] == "left" { "win" } else { "loss" };
    assert_eq!(pair["judgement"], expected);
    assert_eq!(counted["wins"].as_u64(), Some(u64::from(expected == "win")));
    // Before the judgement nothing on the screen tells the arms apart.
    let (before, _) = first.err.split_once("--- right ---").unwrap();
    let shown = before.split("1 of ").last().unwrap();
    assert!(!shown.contains("lora") && !shown.contains("base"), "{shown}");

    let all = judge(&home, "r\nt\nr\nt\n").json();
    let session = |pair: &Value| pair["session"].as_str().unwrap().to_owned();
    let mut judged: Vec<String> = pairs().iter().map(session).collect();
    assert_eq!(all["pairs"].as_u64(), Some(judged.len() as u64));
    judged.sort();
    judged.dedup();
    assert_eq!(judged.len(), pairs().len());
    assert!(judged.iter().all(|id| ids.contains(id)), "{judged:?}");
    // The chosen answer is what the failed session learns from.
    let chosen = &home.session(&session(&pair))["kaizen"]["better"];
    assert_eq!(chosen["from"], "replay");
    let side = if expected == "win" { "candidate_answer" } else { "reference_answer" };
    assert_eq!(chosen["answer"], pair[side]);
}

#[test]
fn a_watch_without_a_reason_waits_and_says_why() {
    let home = Home::new();
    let waiting = home.ok(&["watch", "--once", "--json"]).lines();
    assert_eq!((&waiting[0]["event"], &waiting[0]["due"]), (&json!("waiting"), &json!(false)));
    let unit = home.ok(&["watch", "--print-unit", "--every", "2h"]).out;
    says(&unit, &["[Service]", "[Timer]", "OnUnitInactiveSec=7200s", "watch --once", "--home"]);
    assert_eq!(home.run(&["watch", "--every", "often"]).code, 2);
}

// If this fails, two watches train at once on one machine.
#[test]
fn a_second_watch_is_refused_while_one_runs() {
    let home = Home::new();
    let mut command = home.process();
    command.args(["watch", "--every", "1h", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut first = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut line).unwrap();
    says(&line, &["waiting"]);
    says(&home.fails(&["watch", "--once"]), &["another `kaizen watch`"]);
    first.kill().unwrap();
    first.wait().unwrap();
    home.ok(&["watch", "--once"]);
}

/// A home with twelve sessions of one star each, so that there is reason to train.
fn with_failures() -> Home {
    let home = Home::new();
    for i in 1..=12 {
        let id = format!("session_20251101_0000{i:02}");
        let session = crate::sessions::session(&id, &format!("task {i}"), "1");
        home.file(&format!("from/{id}/session.json"), session);
    }
    home.ok(&["sessions", "import", &crate::kaizen::text(&home.path("from"))]);
    home
}

/// Looks now, whatever the machine does.
const LOOK: [&str; 5] = ["watch", "--once", "--json", "--when-busy", "--on-battery"];

// If this fails, a watch trains on the same ratings every few hours, and fills the disk with adapters.
#[test]
fn a_watch_never_trains_twice_on_the_same_ratings() {
    let home = with_failures();
    for i in 1..=5 {
        let answer = home.file("answer.txt", format!("right {i}"));
        home.ok(&["rate", &format!("session_20251101_0000{i:02}"), "1", "--answer", &answer]);
    }
    home.ok(&[&["train", "--from", "failed"][..], &SHORT].concat());
    let events = home.ok(&LOOK).lines();
    assert_eq!((&events[0]["event"], &events[0]["due"]), (&json!("waiting"), &json!(true)));
    says(events[0]["told"].as_str().unwrap(), &["nothing was rated since the last training"]);
    assert_eq!(events.len(), 1);
}

#[test]
fn a_watch_that_cannot_train_says_what_is_missing() {
    let home = with_failures();
    let events = home.ok(&LOOK).lines();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["training", "failed"]);
    says(events[1]["told"].as_str().unwrap(), &["12 failed, 0 of them corrected"]);
}

#[test]
fn own_work_that_cannot_judge_says_how_many_corrections_it_takes() {
    let home = with_adapter();
    let told = home.fails(&["compare", "base", "lora-v1", "--own-work"]);
    says(&told, &["0 corrections", "20", "unproven"]);
    let both = home.run(&["compare", "base", "lora-v1", "--own-work", "--set", "x.jsonl"]);
    assert_eq!(both.code, 2);
}
