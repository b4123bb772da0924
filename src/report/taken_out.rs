//! What a person takes out of the dashboard: a table, maybe with a chart of it, into a file of their own. The
//! file's ending says as what. Owns the kinds of files and that nothing is overwritten without a word; knows
//! no screen.

use super::charts::{AreaBars, Changes, Chart, RunLosses, charts_of, drawn};
use super::error::{Error, Result};
use crate::experiments::ExperimentRecord;
use crate::store::atomic;
use std::path::{Path, PathBuf};

/// Rows under headings, as text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    pub headings: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
        Self { headings, rows: Vec::new() }
    }

    /// A row; cells that it lacks are empty.
    pub fn push(&mut self, row: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = row.into_iter().collect();
        row.resize(self.headings.len(), String::new());
        self.rows.push(row);
    }

    /// A figure in full precision; nothing where there is none.
    pub fn number(value: Option<f64>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }

    /// As RFC 4180 has it.
    fn csv(&self) -> Result<Vec<u8>> {
        let failed = |source| Error::Table { table: "of what is shown", source };
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.headings).chain(&self.rows) {
            writer.write_record(row).map_err(failed)?;
        }
        writer.into_inner().map_err(|error| failed(error.into_error().into()))
    }

    /// A line a row, cells apart by tabs, as a spreadsheet takes it from the clipboard.
    pub fn tab_separated(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells =
                row.iter().map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "));
            cells.collect::<Vec<_>>().join("\t") + "\n"
        };
        std::iter::once(&self.headings).chain(&self.rows).map(line).collect()
    }
}

/// What can be drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    Run(RunLosses),
    Changes(Changes),
    Areas(AreaBars),
    /// All charts of an experiment, each in a file of its own.
    Experiment(Box<ExperimentRecord>),
}

/// What is shown, to be taken out.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenOut {
    /// A name for its file, without an ending.
    pub stem: String,
    pub table: Table,
    pub figure: Option<Figure>,
    /// Tables beside it, by the names of their files.
    pub others: Vec<(&'static str, Table)>,
}

impl TakenOut {
    pub fn of_table(stem: impl Into<String>, table: Table) -> Self {
        Self { stem: stem.into(), table, figure: None, others: Vec::new() }
    }

    pub fn with(self, figure: Option<Figure>) -> Self {
        Self { figure, ..self }
    }

    /// The name that its file gets where nobody says another.
    pub fn file_name(&self) -> String {
        let ending = if self.figure.is_some() { "svg" } else { "csv" };
        let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let stem: String = self.stem.chars().map(safe).take(80).collect();
        format!("{}.{ending}", stem.trim_matches(['-', '.']))
    }

    /// The kinds of files it can become.
    pub fn formats(&self) -> &'static [Format] {
        match self.figure {
            Some(_) => &[Format::Svg, Format::Png, Format::Csv],
            None => &[Format::Csv],
        }
    }
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Svg,
    Png,
    Csv,
}

impl Format {
    /// By the ending of a file's name.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
        [Self::Svg, Self::Png, Self::Csv].into_iter().find(|format| format.ending() == ending)
    }

    pub fn ending(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
        }
    }
}

/// How taking it out ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    Files(Vec<PathBuf>),
    /// This one is there already; nothing was written.
    Exists(PathBuf),
}

/// Writes what was shown to `path`, whose ending says as what. An experiment's charts get its name with what each
/// shows behind it. What is there stays, unless it is to be replaced.
///
/// # Errors
/// An ending that it cannot become, a chart that cannot be drawn, a file that cannot be written.
pub fn write_taken_out(what: &TakenOut, path: &Path, replace: bool) -> Result<Written> {
    let files = files(what, path)?;
    if let Some((there, _)) = files.iter().find(|(path, _)| !replace && path.exists()) {
        return Ok(Written::Exists(there.clone()));
    }
    for (path, bytes) in &files {
        match replace {
            true => atomic::write(path, bytes)?,
            false => match atomic::write_new(path, bytes) {
                // Somebody made it meanwhile.
                Err(_) if path.exists() => return Ok(Written::Exists(path.clone())),
                written => written?,
            },
        }
    }
    Ok(Written::Files(files.into_iter().map(|(path, _)| path).collect()))
}

fn files(what: &TakenOut, path: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let unfit = || Error::Format { path: path.display().to_string(), formats: endings(what) };
    let format = Format::of(path).ok_or_else(unfit)?;
    let one = |bytes: Vec<u8>| vec![(path.to_owned(), bytes)];
    if format == Format::Csv {
        let name = path.file_name().unwrap_or_default();
        let other = what.others.iter().find(|(other, _)| name == *other);
        return Ok(one(other.map_or(&what.table, |(_, table)| table).csv()?));
    }
    let single = |chart: &dyn Fn() -> Result<Vec<u8>>| Ok(one(chart()?));
    match &what.figure {
        None => Err(unfit()),
        Some(Figure::Run(chart)) => single(&|| drawing(chart, format)),
        Some(Figure::Changes(chart)) => single(&|| drawing(chart, format)),
        Some(Figure::Areas(chart)) => single(&|| drawing(chart, format)),
        Some(Figure::Experiment(record)) => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let charts = charts_of(record, format)?;
            let named = charts.into_iter().map(|(name, bytes)| {
                let file = format!("{stem}-{name}.{}", format.ending());
                (path.with_file_name(file), bytes)
            });
            Ok(named.collect())
        }
    }
}

fn drawing(chart: &impl Chart, format: Format) -> Result<Vec<u8>> {
    drawn(chart, format).map_err(|reason| Error::Draw { chart: "what is shown".into(), reason })
}

/// `.svg, .png or .csv`.
pub fn endings(what: &TakenOut) -> String {
    match what.formats() {
        [only] => format!(".{}", only.ending()),
        _ => ".svg, .png or .csv".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::charts::{ChangeRow, Line as CurveLine};
    use crate::report::example::record;

    fn table() -> Table {
        let mut table = Table::new(&["area", "perplexity"]);
        table.push(["shell, \"mine\"".to_owned(), "12.5".to_owned()]);
        table.push(["two\nlines\tof text".to_owned(), String::new()]);
        table
    }

    fn run() -> Figure {
        let line = |name: &str, points: Vec<(f64, f64)>| CurveLine { name: name.into(), points };
        Figure::Run(RunLosses {
            title: "run_20261123_120000 <&>".into(),
            words: "whole run".into(),
            steps: [0, 40],
            raw: (1..=40).map(|step| (f64::from(step), 3.0 / f64::from(step))).collect(),
            lines: vec![
                line("smoothed", vec![(1.0, 3.0), (9.0, f64::NAN), (10.0, 1.0), (40.0, 0.1)]),
                line("lora-v1", vec![(1.0, f64::INFINITY), (2.0, 1e300)]),
            ],
            held_out: vec![(0.0, 3.0), (20.0, f64::NAN), (40.0, 0.2)],
            logarithmic: true,
        })
    }

    fn changes(change: f64) -> Figure {
        let row = |name: &str, ci95| ChangeRow { name: name.into(), change, ci95 };
        Figure::Changes(Changes {
            title: "base → lora-v2".into(),
            words: "Change by area.".into(),
            rows: vec![row("maths", Some([-0.2, 0.1])), row("sentinel code", None)],
        })
    }

    fn areas() -> Figure {
        let rows = vec![("shell".to_owned(), 21.5), ("maths".to_owned(), f64::INFINITY)];
        Figure::Areas(AreaBars {
            title: "base".into(),
            words: "find".into(),
            rows,
            threshold: 10.0,
        })
    }

    fn out(figure: Option<Figure>) -> TakenOut {
        TakenOut::of_table("what-is-shown", table()).with(figure)
    }

    // If this fails, a table opens shifted by a comma, or with the words of a cell on three lines.
    #[test]
    fn a_table_comes_back_cell_by_cell() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("areas.csv");
        let written = write_taken_out(&out(None), &path, false).unwrap();
        assert_eq!(written, Written::Files(vec![path.clone()]));
        let mut reader = csv::Reader::from_path(&path).unwrap();
        assert_eq!(reader.headers().unwrap(), vec!["area", "perplexity"]);
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(rows, table().rows);
        assert_eq!(
            table().tab_separated(),
            "area\tperplexity\nshell, \"mine\"\t12.5\ntwo lines of text\t\n"
        );
    }

    // If this fails, a chart that was taken out does not open, or is blank.
    #[test]
    fn every_figure_is_a_document_and_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        for (nth, figure) in
            [run(), changes(-0.1), changes(f64::NAN), areas()].into_iter().enumerate()
        {
            let svg = folder.path().join(format!("{nth}.svg"));
            write_taken_out(&out(Some(figure.clone())), &svg, false).unwrap();
            let text = std::fs::read_to_string(&svg).unwrap();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            let document = roxmltree::Document::parse(&text).unwrap();
            let words = document.descendants().filter(|node| node.is_text()).count();
            assert!(words > 3, "{nth}");
            let png = folder.path().join(format!("{nth}.png"));
            write_taken_out(&out(Some(figure)), &png, false).unwrap();
            let file = std::io::BufReader::new(std::fs::File::open(&png).unwrap());
            let mut reader = png::Decoder::new(file).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            let colours: std::collections::BTreeSet<&[u8]> = pixels.chunks_exact(3).collect();
            assert!(colours.len() > 20, "{nth} is blank");
        }
    }

    // If this fails, an experiment's charts overwrite one another, or one of them is missing.
    #[test]
    fn an_experiment_is_as_many_files_as_it_has_charts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.svg");
        let what = out(Some(Figure::Experiment(Box::new(record()))));
        let Written::Files(files) = write_taken_out(&what, &path, false).unwrap() else { panic!() };
        let names: Vec<String> =
            files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names.len(), crate::report::chart_names(&record()).len());
        assert!(names.contains(&"mine-change.svg".to_owned()), "{names:?}");
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            roxmltree::Document::parse(&text).unwrap();
        }
    }

    // If this fails, a file of the person's is gone without a word.
    #[test]
    fn what_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.csv");
        std::fs::write(&path, "mine").unwrap();
        let written = write_taken_out(&out(None), &path, false).unwrap();
        assert_eq!(written, Written::Exists(path.clone()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        write_taken_out(&out(None), &path, true).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("area,perplexity"));
    }

    // If this fails, a person gets a file that no program opens, or no word of why there is none.
    #[test]
    fn what_it_cannot_become_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for (figure, name, words) in [
            (None, "a.svg", ".csv"),
            (None, "a", ".csv"),
            (Some(areas()), "a.pdf", ".svg, .png or .csv"),
            (None, "no/such/folder.csv", "folder.csv"),
        ] {
            let path = folder.path().join(name);
            let why = write_taken_out(&out(figure), &path, false).unwrap_err().to_string();
            assert!(why.contains(words), "{name}: {why}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let odd = TakenOut::of_table("../\u{1b}[31m run 1", Table::default());
        assert_eq!(odd.file_name(), "31m-run-1.csv");
    }

    // If this fails, the list of runs that was asked for holds something else.
    #[test]
    fn tables_beside_it_go_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let mut what = out(Some(run()));
        let mut runs = Table::new(&["run"]);
        runs.push(["run_1".to_owned()]);
        what.others.push(("runs.csv", runs));
        let path = folder.path().join("runs.csv");
        write_taken_out(&what, &path, false).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "run\nrun_1\n");
    }
}
