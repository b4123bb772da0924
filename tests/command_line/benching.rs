//! `kaizen bench`.

use crate::kaizen::Home;

// If this fails, a script that watches for a slower version reads figures that are not there or
// cannot be right.
#[test]
fn every_figure_is_there_and_can_be_right() {
    let bench = Home::new().json(&["bench", "--runs", "1"]);
    for figure in ["prompt", "decode", "batched_decode", "score", "train"] {
        let median = bench[format!("{figure}_tokens_per_second")].as_f64().unwrap();
        assert!(median > 0.1 && median < 1e6, "{figure}: {median}");
        let spread = &bench["spread"][figure];
        assert_eq!(spread["median"].as_f64(), Some(median));
        assert!(spread["least"].as_f64() <= spread["most"].as_f64(), "{bench}");
    }
    // Reading goes over many rows at a time and writing over one.
    let speed = |figure: &str| bench[figure].as_f64().unwrap();
    assert!(speed("prompt_tokens_per_second") > speed("decode_tokens_per_second"), "{bench}");
    let peak = bench["peak_rss_mib"].as_u64().unwrap();
    let inference = bench["inference_peak_rss_mib"].as_u64().unwrap();
    assert!(inference <= peak && inference > 90, "the weights alone are 92 MiB: {bench}");
    assert_eq!(bench["runs"], 1);
    let threads = std::thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(bench["threads"].as_u64(), Some(threads));
}

#[test]
fn threads_are_those_of_the_configuration() {
    let home = Home::new();
    std::fs::create_dir_all(home.home("")).unwrap();
    std::fs::write(home.home("config.toml"), "kaizen = 1\n[runtime]\nthreads = 1\n").unwrap();
    assert_eq!(home.json(&["bench", "--runs", "1"])["threads"], 1);
}

// If this fails, nobody sees that a version of the dashboard has become slow.
#[test]
fn the_dashboard_is_measured_from_outside() {
    let bench = Home::new().json(&["bench", "--dashboard", "--keys", "20"]);
    let program = &bench["programs"][0];
    assert_eq!(program["program"], "kaizen");
    let typing = ["idle", "answering", "training", "training_and_answering"];
    let typing = typing.map(|state| &bench[format!("typing_{state}_ms")]);
    for times in typing.into_iter().chain([&program["first_frame_ms"], &program["key_ms"]]) {
        let [p50, p99, max] = ["p50", "p99", "max"].map(|name| times[name].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p99 && p99 <= max && max < 60_000.0, "{bench}");
    }
    assert!(bench["streamed_tokens_per_second"].as_f64().unwrap() > 0.1, "{bench}");
    if cfg!(target_os = "linux") {
        assert!(program["idle_cpu_percent"].as_f64().unwrap() < 50.0, "{bench}");
    }
}
