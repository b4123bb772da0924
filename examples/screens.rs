//! Makes the screens of the README and the docs from the real program: goes through the loop in a
//! pseudo-terminal and draws what is on it as SVG files in `docs/screens/`; `loop.svg` is a moving picture of all
//! of it.
//!
//! `cargo run --release --example screens` (the model is fetched if it is not there; some minutes).
#![allow(clippy::unwrap_used)]

#[path = "../tests/dashboard/terminal.rs"]
#[allow(dead_code)]
mod terminal;

use std::fmt::Write;
use std::path::Path;
use terminal::Terminal;
use vt100::{Cell, Color, Screen};

const COLUMNS: u16 = 110;
const ROWS: u16 = 32;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screens");
    std::fs::create_dir_all(&folder).unwrap();
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), "kaizen = 1\n[generate]\nmax_tokens = 80\n")
        .unwrap();
    let mut film = Film::default();
    let save = |kaizen: &Terminal, film: &mut Film, name: &str| {
        std::fs::write(folder.join(format!("{name}.svg")), kaizen.with_screen(svg)).unwrap();
        film.frame(kaizen, 4.0);
        println!("docs/screens/{name}.svg");
    };

    let mut kaizen = Terminal::sized(env_binary(), home.path(), COLUMNS, ROWS);
    kaizen.wait(&["Kaizen makes a model better", "Q4_1"]);
    save(&kaizen, &mut film, "start");

    kaizen.send("Write one shell command: count the lines of all Rust files here");
    kaizen.wait(&["Rust files here"]);
    film.frame(&kaizen, 1.5);
    kaizen.enter().wait(&["writing"]);
    film.frame(&kaizen, 1.0);
    kaizen.wait(&["How good was the answer?"]).send("2").wait(&["★★☆☆☆ saved"]);
    kaizen.send("2").wait(&["[x]"]);
    save(&kaizen, &mut film, "feedback");
    kaizen.send("\t\t").send("\u{15}").send("find . -name '*.rs' | xargs wc -l").enter();
    kaizen.wait_until("the form is gone", |screen| !screen.contains("Wrong action selected"));
    kaizen.escape().send("2").wait(&["1 session"]);
    save(&kaizen, &mut film, "sessions");

    kaizen.send("3").wait(&["Where is the model weak?"]).send("m").wait(&["nats under 1"]);
    kaizen.settle();
    save(&kaizen, &mut film, "weak-areas");

    kaizen.send("c").send("t").wait(&["Ready to train"]);
    kaizen.settle();
    save(&kaizen, &mut film, "training-preview");
    kaizen.enter();
    for step in 3..9 {
        kaizen.wait(&[&format!("trains: step {step}")]);
        film.frame(&kaizen, 0.4);
    }
    kaizen.wait(&["trains: step 9"]);
    save(&kaizen, &mut film, "training");
    kaizen.wait(&["lora-v1 came out of"]);

    kaizen.send("5").wait(&["base → lora-v1"]).send("i").wait(&["Ask both"]);
    kaizen.send("Write one shell command: list the five largest files").enter();
    kaizen.wait_until("both have answered", |screen| screen.matches("tokens/s").count() >= 2);
    save(&kaizen, &mut film, "compare");

    std::fs::write(folder.join("loop.svg"), film.svg()).unwrap();
    println!("docs/screens/loop.svg");

    let folder_of_papers = home.path().join("papers");
    std::fs::create_dir_all(folder_of_papers.join("docs")).unwrap();
    for name in ["docs/invoice.pdf", "docs/lease.pdf", "docs/notes.txt", "todo.txt"] {
        std::fs::write(folder_of_papers.join(name), "paper\n").unwrap();
    }
    kaizen.send("1").send("n").send("\t").wait(&["act in"]);
    kaizen.send("\u{7}").wait(&["carried out in it"]).clear_field();
    kaizen.send(folder_of_papers.to_str().unwrap()).enter();
    kaizen.wait_until("the folder is chosen", |screen| !screen.contains("carried out in it;"));
    kaizen.send("Move the PDF files of docs into a new folder called archive").enter();
    kaizen.wait_until("it asks or has ended", |screen| {
        screen.contains("may this be done?") || screen.contains("How good was the work?")
    });
    kaizen.settle();
    save(&kaizen, &mut film, "act");
    kaizen.send("q");
    kaizen.ended();
}

/// Screens one after the other, each for some seconds.
#[derive(Default)]
struct Film {
    frames: Vec<(String, f32)>,
    size: (f32, f32),
}

impl Film {
    fn frame(&mut self, kaizen: &Terminal, seconds: f32) {
        let (cells, size) = kaizen.with_screen(|screen| (cells(screen), size(screen)));
        self.frames.push((cells, seconds));
        self.size = size;
    }

    /// All of them in one picture that goes round. What does not move shows the first.
    fn svg(&self) -> String {
        let all: f32 = self.frames.iter().map(|(_, seconds)| seconds).sum();
        let mut picture = opening(self.size);
        let mut from = 0.0;
        for (place, (cells, seconds)) in self.frames.iter().enumerate() {
            let (begin, end) = (from / all, (from + seconds) / all);
            from += seconds;
            let (values, times) = match (place == 0, place + 1 == self.frames.len()) {
                (true, _) => ("visible;hidden".into(), format!("0;{end:.4}")),
                (_, true) => ("hidden;visible".into(), format!("0;{begin:.4}")),
                _ => ("hidden;visible;hidden".to_owned(), format!("0;{begin:.4};{end:.4}")),
            };
            let shown = if place == 0 { "visible" } else { "hidden" };
            let _ = writeln!(
                picture,
                "<g visibility=\"{shown}\"><animate attributeName=\"visibility\" values=\"{values}\" \
                 keyTimes=\"{times}\" calcMode=\"discrete\" dur=\"{all:.1}s\" \
                 repeatCount=\"indefinite\"/>\n{cells}</g>"
            );
        }
        picture.push_str("</svg>\n");
        picture
    }
}

fn env_binary() -> String {
    // An example lies beside the binary that it shows.
    let example = std::env::current_exe().unwrap();
    let folder = example.parent().and_then(Path::parent).unwrap();
    let binary = folder.join("kaizen");
    assert!(binary.is_file(), "build it first: cargo build --release");
    binary.to_str().unwrap().to_owned()
}

/// Width and height of a cell, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);

/// The screen as a picture.
fn svg(screen: &Screen) -> String {
    format!("{}{}</svg>\n", opening(size(screen)), cells(screen))
}

/// Width and height in pixels.
fn size(screen: &Screen) -> (f32, f32) {
    let (rows, columns) = screen.size();
    (f32::from(columns.get()) * CELL.0 + 24.0, f32::from(rows.get()) * CELL.1 + 24.0)
}

fn opening((width, height): (f32, f32)) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace,Menlo,Consolas,monospace\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n"
    )
}

/// A rectangle for each coloured run of cells, a text for each run of one style.
fn cells(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let mut picture = String::new();
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let Some(cell) = screen.cell(row, column) else { break };
            let style = Style::of(cell);
            let first = column;
            let mut text = String::new();
            while column < columns
                && let Some(cell) = screen.cell(row, column)
                && (Style::of(cell) == style || cell.is_wide_continuation())
            {
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                column += 1;
            }
            let (x, y) = (12.0 + f32::from(first) * CELL.0, 12.0 + f32::from(row) * CELL.1);
            let wide = f32::from(column - first) * CELL.0;
            if let Some(background) = &style.background {
                let _ = writeln!(
                    picture,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{background}\"/>",
                    CELL.1
                );
            }
            if text.trim().is_empty() {
                continue;
            }
            let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
            let line = if style.underlined { " text-decoration=\"underline\"" } else { "" };
            let _ = writeln!(
                picture,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{}\"{weight}{line} xml:space=\"preserve\" \
                 textLength=\"{wide:.1}\" lengthAdjust=\"spacing\">{}</text>",
                y + CELL.1 * 0.76,
                style.foreground,
                escaped(&text)
            );
        }
    }
    picture
}

#[derive(PartialEq)]
struct Style {
    foreground: String,
    background: Option<String>,
    bold: bool,
    underlined: bool,
}

impl Style {
    fn of(cell: &Cell) -> Self {
        let foreground = colour(cell.fgcolor());
        let background = colour(cell.bgcolor());
        let (plain, paper) = ("#d5d8df".to_owned(), "#16181d".to_owned());
        let (foreground, background) = match cell.inverse() {
            true => (background.unwrap_or(paper), Some(foreground.unwrap_or(plain))),
            false => (foreground.unwrap_or(plain), background),
        };
        Self { foreground, background, bold: cell.bold(), underlined: cell.underline() }
    }
}

/// The colours of a common dark theme; none is the terminal's own.
fn colour(colour: Color) -> Option<String> {
    const SIXTEEN: [&str; 16] = [
        "#16181d", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
        "#6b7280", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff",
    ];
    match colour {
        Color::Default => None,
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Idx(index @ 0..=15) => Some(SIXTEEN[usize::from(index)].to_owned()),
        Color::Idx(index @ 16..=231) => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let index = index - 16;
            let (red, green, blue) = (level(index / 36), level(index / 6 % 6), level(index % 6));
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
