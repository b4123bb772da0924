#![allow(clippy::unwrap_used)]

use super::sharp::SCALE;
use super::*;
use crate::experiments::Parts;
use crate::report::example::{ARMS, record, with_doses};
use std::collections::BTreeSet;

/// The files of a record's charts, by name.
fn written(record: &ExperimentRecord) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let paths = write_charts(record, folder.path()).unwrap();
    // Nothing but the charts: no half-written file either.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), paths.len());
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

fn texts(svg: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(svg).unwrap();
    let document = roxmltree::Document::parse(text).unwrap();
    let is_text =
        |node: &roxmltree::Node<'_, '_>| node.is_text() && !node.text().unwrap().trim().is_empty();
    document
        .descendants()
        .filter(is_text)
        .map(|node| node.text().unwrap().trim().to_owned())
        .collect()
}

/// Width, height and the different colours.
fn pixels(png: &[u8]) -> (u32, u32, BTreeSet<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let colours = bytes.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    (info.width, info.height, colours)
}

/// Every chart is an XML document and a picture with something on it.
fn assert_whole(files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        if name.ends_with(".svg") {
            let all = texts(bytes);
            assert!(all.len() > 3, "{name}: {all:?}");
            let svg = String::from_utf8_lossy(bytes);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        } else {
            let (width, height, colours) = pixels(bytes);
            assert_eq!(width, 900 * SCALE, "{name}");
            assert!(height >= 560 * SCALE, "{name}");
            assert!(colours.len() > 20, "{name} is blank");
        }
    }
}

fn stems(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().filter_map(|(name, _)| name.strip_suffix(".svg")).collect()
}

// If this fails, a person looks at a chart and cannot tell which arm is which.
#[test]
fn every_chart_names_every_arm() {
    let files = written(&record());
    assert_whole(&files);
    assert_eq!(stems(&files), ["before-after", "change", "losses"]);
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".svg")) {
        let all = texts(bytes);
        // Base is not trained, so it has no losses.
        let arms = if name == "losses.svg" { &ARMS[..5] } else { &ARMS[..] };
        for (index, arm) in arms.iter().enumerate() {
            let label = format!("{}  {arm}", style::letter(index));
            assert!(all.contains(&label), "{label:?} is not in {name}: {all:?}");
        }
    }
    let names: Vec<&str> = chart_names(&record()).iter().map(|chart| chart.stem).collect();
    assert_eq!(names, stems(&files));
}

// If this fails, the two files of a chart say different things.
#[test]
fn a_png_shows_the_colours_of_its_svg() {
    let files = written(&record());
    for pair in files.chunks_exact(2) {
        let [(svg, vector), (_, picture)] = pair else { panic!() };
        let (width, height, colours) = pixels(picture);
        let text = std::str::from_utf8(vector).unwrap();
        let document = roxmltree::Document::parse(text).unwrap();
        let size = |name| document.root_element().attribute(name).unwrap().parse::<u32>().unwrap();
        assert_eq!((size("width") * SCALE, size("height") * SCALE), (width, height), "{svg}");
        for index in 0..5 {
            let plotters::style::RGBColor(red, green, blue) = style::look(index).colour;
            assert!(colours.contains(&[red, green, blue]), "arm {index} is not in {svg}");
        }
    }
}

// If this fails, PNG charts on a machine without fonts have no words: all that is not a mark is grey.
#[test]
fn a_png_has_words_without_any_font_of_the_system() {
    let record = record();
    let files = written(&record);
    let (_, change) = files.iter().find(|(name, _)| name == "change.png").unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(change)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    // The title's place.
    let row = |y: usize| &bytes[y * 1800 * 3..(y * 1800 + 900) * 3];
    let dark = (30..80).flat_map(row).filter(|value| **value < 100).count();
    assert!(dark > 500, "{dark}");
}

#[test]
fn doses_have_a_chart_of_their_own() {
    let files = written(&with_doses(&[1.0, 2.0, 4.0, 16.0]));
    assert_whole(&files);
    assert_eq!(stems(&files), ["before-after", "change", "losses", "dose-response"]);
    let all = texts(&files[6].1);
    assert!(all.iter().any(|text| text.contains("Equal steps to the right multiply")), "{all:?}");
    let ticks: Vec<&String> =
        all.iter().filter(|text| ["1", "2", "4", "16"].contains(&text.as_str())).collect();
    assert_eq!(ticks, ["1", "2", "4", "16"]);
    // Two arms at one dose stand beside each other; one dose alone shows no response.
    assert_whole(&written(&with_doses(&[1.0, 1.0, 4.0])));
    assert_eq!(chart_names(&with_doses(&[3.0, 3.0])).len(), 3);
    // Doses that have no logarithm.
    assert_whole(&written(&with_doses(&[0.0, 1.0, 100.0])));
    assert_whole(&written(&with_doses(&[-5.0, f64::NAN, 100.0])));
}

// If this fails, one arm that went wrong costs the charts of a night's experiment.
#[test]
fn figures_that_are_none_do_not_break_a_chart() {
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.0, 5e-324];
    for value in bad {
        let mut one = with_doses(&[1.0, 2.0, 32.0, 64.0]);
        let arm = &mut one.arms[1];
        (arm.before, arm.after, arm.change) = (value, value, value);
        arm.ci95 = Some([value, 0.1]);
        arm.dose = Some(value);
        arm.seeds[0].losses[3] = value;
        arm.seeds[1].change = value;
        arm.areas[0].after = value;
        arm.areas[1].ci95 = Some([f64::NEG_INFINITY, value]);
        assert_whole(&written(&one));

        let mut all = record();
        for arm in &mut all.arms {
            (arm.before, arm.after, arm.change) = (value, value, value);
            arm.ci95 = None;
            arm.parts_before = Parts { first: value, rest: None, end_of_turn: value };
            for seed in &mut arm.seeds {
                seed.change = value;
                seed.losses = vec![value];
            }
            arm.areas.clear();
        }
        assert_whole(&written(&all));
    }
}

// If this fails, a set with strange names has no charts.
#[test]
fn strange_names_and_many_of_them_still_fit() {
    let mut record = record();
    let names = ["", "\u{1b}[31mred\u{0}\u{ffff}", "</text><script>", "好的 עברית 🍕", "a\nb"];
    for (arm, name) in record.arms.iter_mut().zip(names) {
        arm.name = name.into();
    }
    record.arms[5].name = "very long ".repeat(500);
    let arm = record.arms[0].clone();
    record.arms.extend((0..30).map(|_| arm.clone()));
    let area = record.arms[0].areas[0].clone();
    record.arms[0].areas.extend((0..40).map(|number| {
        let mut area = area.clone();
        area.area = format!("area {number}");
        area
    }));
    record.setup.targeted.clear();
    assert_whole(&written(&record));

    record.arms.truncate(1);
    record.arms[0].seeds.clear();
    record.setup.targeted = vec!["shell".into()];
    assert_whole(&written(&record));
}

#[test]
fn nothing_to_show_is_said() {
    let mut record = record();
    record.arms.clear();
    let folder = tempfile::tempdir().unwrap();
    let error = write_charts(&record, &folder.path().join("charts")).unwrap_err();
    assert!(matches!(error, Error::NoArms { .. }));
    assert!(error.to_string().contains("experiment_20260102_030405"));
    assert!(chart_names(&record).is_empty());
}
