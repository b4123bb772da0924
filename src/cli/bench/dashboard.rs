//! `kaizen bench --dashboard`: how the dashboard feels, seen from outside through a pseudo-terminal of 120 x 40,
//! beside other programs in the same run. The dashboard is this very program, in a temporary home.

use super::super::context::Context;
use super::super::outcome::{Error, Outcome, Result};
use super::super::table::columns;
use super::screen::Screen;
use crate::config::Config;
use crate::workplace::Event;
use portable_pty::CommandBuilder;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 10;
/// Between a key's effect and the next key.
const PAUSE: Duration = Duration::from_millis(15);
/// Nothing has moved for so long: it is at rest.
const REST: Duration = Duration::from_millis(1500);
/// Before idle CPU is measured, and how long that takes.
const BEFORE_IDLE: Duration = Duration::from_secs(8);
const IDLE: Duration = Duration::from_secs(10);

/// Another program to hold it beside: how it starts, how its first screen is known, and two keys that each
/// change what it shows.
struct Peer {
    program: &'static str,
    ready: &'static str,
    /// Sent once, so that nothing but the keys changes the screen.
    first: &'static str,
    keys: [&'static str; 2],
}

const DOWN_AND_UP: [&str; 2] = ["\u{1b}[B", "\u{1b}[A"];

const PEERS: [Peer; 3] = [
    Peer { program: "gitui", ready: "Unstaged", first: "", keys: ["2", "1"] },
    Peer { program: "btm", ready: "CPU", first: "f", keys: DOWN_AND_UP },
    Peer { program: "htop", ready: "Load average", first: "Z", keys: DOWN_AND_UP },
];

/// Milliseconds.
struct Times(Vec<f64>);

impl Times {
    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let place = (sorted.len().saturating_sub(1) as f64 * share) as usize;
        sorted.get(place).copied().unwrap_or(f64::NAN)
    }

    fn json(&self) -> Value {
        json!({"p50": self.at(0.5), "p99": self.at(0.99), "max": self.at(1.0)})
    }

    fn words(&self) -> String {
        format!("{:.2} / {:.2} / {:.2} ms", self.at(0.5), self.at(0.99), self.at(1.0))
    }
}

/// What can be measured of any program.
struct Felt {
    program: String,
    first_frame: Times,
    keys: Times,
    idle: Option<f64>,
}

impl Felt {
    fn json(&self) -> Value {
        json!({
            "program": self.program,
            "first_frame_ms": self.first_frame.json(),
            "key_ms": self.keys.json(),
            "idle_cpu_percent": self.idle,
        })
    }

    fn row(&self) -> Vec<String> {
        let idle = self.idle.map_or("-".into(), |share| format!("{share:.1} %"));
        vec![self.program.clone(), self.first_frame.words(), self.keys.words(), idle]
    }
}

pub fn run(context: &Context, beside: &[String], keys: usize) -> Result<Outcome> {
    let peers = beside.iter().map(|name| peer(name)).collect::<Result<Vec<_>>>()?;
    let folder = tempfile::tempdir().map_err(|source| written("a folder", source))?;
    let tell = |what, done| {
        context.output.event(Event::Measuring { what, done, total: 4 + 3 * peers.len() });
    };
    let dashboard = Dashboard::in_home(context, folder.path())?;

    tell("the dashboard's first frame", 0);
    let first_frame = first_frames(|| dashboard.start(), "Your task")?;
    tell("keys while nothing works", 1);
    let mut kaizen = dashboard.start()?;
    kaizen.wait_for("Your task")?;
    kaizen.settle(REST);
    let typing = typed(&mut kaizen, keys)?;
    kaizen.escape()?;
    let panes = alternating(&mut kaizen, ["2", "1"], keys)?;
    std::thread::sleep(BEFORE_IDLE);
    let idle = kaizen.cpu_percent(IDLE);
    tell("keys while an answer streams", 2);
    kaizen.send("i")?;
    let (answering, speed) = while_answering(&mut kaizen, keys)?;
    tell("keys while a run trains and an answer streams", 3);
    dashboard.start_training(&mut kaizen)?;
    kaizen.send("1")?;
    kaizen.wait_for("i or Enter to write")?;
    kaizen.send("i")?;
    let training = typed(&mut kaizen, keys)?;
    let (both, _) = while_answering(&mut kaizen, keys)?;
    drop(kaizen);

    let mut felt = vec![Felt { program: "kaizen".into(), first_frame, keys: panes, idle }];
    for (number, peer) in peers.iter().enumerate() {
        tell(peer.program, 4 + 3 * number);
        felt.push(measured(peer, folder.path(), keys)?);
    }

    let mut rows = vec![
        ["", "first frame (p50 / p99 / most)", "a key", "idle CPU"].map(String::from).to_vec(),
    ];
    rows.extend(felt.iter().map(Felt::row));
    context.output.line(columns(&rows).trim_end())?;
    let speed_words = speed.map_or(String::new(), |speed| format!(" ({speed:.0} tokens/s)"));
    let kinds = [
        ("typing, nothing works".to_owned(), &typing),
        (format!("typing, an answer streams{speed_words}"), &answering),
        ("typing, a run trains".to_owned(), &training),
        ("typing, a run trains and an answer streams".to_owned(), &both),
    ];
    let rows: Vec<Vec<String>> =
        kinds.iter().map(|(name, times)| vec![name.clone(), times.words()]).collect();
    context.output.line(columns(&rows).trim_end())?;
    context.output.json(&json!({
        "programs": felt.iter().map(Felt::json).collect::<Vec<_>>(),
        "typing_idle_ms": typing.json(),
        "typing_answering_ms": answering.json(),
        "typing_training_ms": training.json(),
        "typing_training_and_answering_ms": both.json(),
        "streamed_tokens_per_second": speed,
    }))?;
    Ok(Outcome::Done)
}

/// This program on a temporary home.
struct Dashboard<'a> {
    home: &'a Path,
    program: std::path::PathBuf,
    model: std::path::PathBuf,
}

impl<'a> Dashboard<'a> {
    fn in_home(context: &Context, home: &'a Path) -> Result<Self> {
        let file = context.workplace.model_file(&mut |event| context.output.event(event))?;
        let mut config = Config::default();
        config.generate = context.workplace.config.generate.clone();
        if config.generate == Config::default().generate {
            // So hot that the model babbles on and does not end its turn before the keys do.
            config.generate.max_tokens = 1900;
            config.generate.temperature = 2.0;
            config.generate.top_p = 1.0;
        }
        config.train.epochs = 400;
        config.runtime = context.workplace.config.runtime.clone();
        let written_config = toml::to_string(&config)
            .map_err(|error| written("config.toml", std::io::Error::other(error)))?;
        std::fs::write(home.join("config.toml"), written_config)
            .map_err(|source| written("config.toml", source))?;
        let examples: String = (0..8)
            .map(|number| {
                let (prompt, answer) =
                    (format!("question {number}"), format!("the answer to number {number}"));
                format!("{}\n", json!({"prompt": prompt, "answer": answer}))
            })
            .collect();
        std::fs::write(home.join("examples.jsonl"), examples)
            .map_err(|source| written("examples.jsonl", source))?;
        let program = std::env::current_exe().map_err(|source| written("this program", source))?;
        Ok(Self { home, program, model: file.path })
    }

    fn start(&self) -> Result<Screen> {
        let mut command = CommandBuilder::new(&self.program);
        command.arg("--home");
        command.arg(self.home);
        command.arg("--model");
        command.arg(&self.model);
        for variable in ["KAIZEN_HOME", "KAIZEN_ADAPTER", "LORA_VERSION"] {
            command.env_remove(variable);
        }
        command.cwd(self.home);
        Screen::start("the dashboard", command)
    }

    fn start_training(&self, kaizen: &mut Screen) -> Result<()> {
        kaizen.escape()?;
        kaizen.send("4")?;
        kaizen.wait_for("from file")?;
        kaizen.send("o")?;
        kaizen.wait_for("Train on a file")?;
        kaizen.send("examples.jsonl\r")?;
        kaizen.wait_for("Ready to train")?;
        kaizen.send("\r")?;
        kaizen.wait_for("trains: step 2")
    }
}

/// Asks for a long answer and types while it comes, then cancels it; also the tokens a second that the dashboard
/// shows then.
fn while_answering(kaizen: &mut Screen, keys: usize) -> Result<(Times, Option<f64>)> {
    kaizen.send("Tell a very long story.\r")?;
    kaizen.wait_for("writing")?;
    let times = typed(kaizen, keys)?;
    if !kaizen.text().contains("writing") {
        return Err(Error::Usage("the answer ended before the keys did".into()));
    }
    kaizen.escape()?;
    kaizen.wait("the answer's end", |screen| !screen.contents().contains("writing"))?;
    Ok((times, speed_shown(&kaizen.text())))
}

/// `… 37.2 tokens/s …`, the last on the screen.
fn speed_shown(text: &str) -> Option<f64> {
    let before = text.rsplit_once(" tokens/s")?.0;
    before
        .rsplit(|character: char| !character.is_ascii_digit() && character != '.')
        .next()?
        .parse()
        .ok()
}

/// Types into the prompt, waiting each time until the text stands there.
fn typed(kaizen: &mut Screen, keys: usize) -> Result<Times> {
    let mut times = Vec::with_capacity(keys);
    let mut text = String::new();
    for number in 0..keys {
        let key = char::from(b'a' + (number * 7 % 26) as u8);
        text.push(key);
        let tail = text.get(text.len().saturating_sub(24)..).unwrap_or_default();
        let shown = |screen: &vt100::Screen| screen.contents().contains(tail);
        times.push(kaizen.timed(key.encode_utf8(&mut [0; 4]), "what was typed", shown)?);
        std::thread::sleep(PAUSE);
        if text.len() == 60 || number + 1 == keys {
            kaizen.send(&"\u{8}".repeat(text.len()))?;
            kaizen.wait("an empty prompt", |screen| !screen.contents().contains(tail))?;
            text.clear();
        }
    }
    Ok(Times(times))
}

/// Sends two keys in turn, waiting each time until the screen is another one.
fn alternating(screen: &mut Screen, pair: [&str; 2], keys: usize) -> Result<Times> {
    screen.settle(Duration::from_millis(300));
    let mut times = Vec::with_capacity(keys);
    for number in 0..keys {
        let before = screen.picture();
        let key = pair[number % 2];
        times
            .push(screen.timed(key, "anything new after a key", |now| {
                now.contents_formatted() != before
            })?);
        // What a key brings may come in several pieces.
        screen.settle(PAUSE);
    }
    Ok(Times(times))
}

fn first_frames(start: impl Fn() -> Result<Screen>, ready: &str) -> Result<Times> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let began = Instant::now();
        let screen = start()?;
        screen.wait_for(ready)?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        drop(screen);
    }
    Ok(Times(times))
}

fn peer(name: &str) -> Result<&'static Peer> {
    let known = || PEERS.iter().map(|peer| peer.program).collect::<Vec<_>>().join(", ");
    PEERS.iter().find(|peer| peer.program == name).ok_or_else(|| {
        Error::Usage(format!("{name} is no program to compare with; there are: {}", known()))
    })
}

fn measured(peer: &Peer, folder: &Path, keys: usize) -> Result<Felt> {
    let repository = repository(folder)?;
    let start = || {
        let mut command = CommandBuilder::new(peer.program);
        command.cwd(&repository);
        Screen::start(peer.program, command)
    };
    let first_frame = first_frames(start, peer.ready)?;
    let mut screen = start()?;
    screen.wait_for(peer.ready)?;
    std::thread::sleep(REST);
    if !peer.first.is_empty() {
        screen.send(peer.first)?;
    }
    let keys = alternating(&mut screen, peer.keys, keys)?;
    if !peer.first.is_empty() {
        screen.send(peer.first)?;
    }
    std::thread::sleep(BEFORE_IDLE);
    let idle = screen.cpu_percent(IDLE);
    Ok(Felt { program: peer.program.to_owned(), first_frame, keys, idle })
}

/// A folder under git with 200 files that are not added, for programs that look at one.
fn repository(folder: &Path) -> Result<std::path::PathBuf> {
    let place = folder.join("repository");
    std::fs::create_dir_all(&place).map_err(|source| written("a folder", source))?;
    for number in 0..200 {
        let name = format!("note-{number:03}.txt");
        std::fs::write(place.join(&name), format!("note {number}\n"))
            .map_err(|source| written(&name, source))?;
    }
    // Without git there is no repository, and a program that needs one says so.
    let _ = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(&place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Ok(place)
}

fn written(name: &str, source: std::io::Error) -> Error {
    Error::File { action: "make", name: name.to_owned(), source }
}
