//! Ten thousand sessions: how long a list takes at every key of a search and under every filter, a change
//! from outside, a frame of the list, and an import with its peak of memory.
//!
//! `cargo bench --bench sessions` prints one JSON object; `-- 500` takes another number of sessions. They
//! are real session files in a temporary home, listed by the desk that the dashboard asks.
#![allow(clippy::unwrap_used)]

use kaizen::config::Config;
use kaizen::driver::{Desk, Effect, Report, Sessions};
use kaizen::feedback::{Rating, Settings, save_rating, trigger};
use kaizen::store::{Filter, Home, Index, Issue, Message, Outcome, Session, SessionId, Stars};
use kaizen::tui::{App, Event, Places};
use kaizen::workplace::{ArmChoice, Workplace};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SESSIONS: usize = 10_000;
/// An import this large shows what does not depend on its size.
const FEW: usize = 100;
/// Typed a key at a time.
const SEARCH: &str = "largest pdf";
const ROUNDS: usize = 5;

fn main() {
    let count = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let count: usize = count.unwrap_or(SESSIONS);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    let few = folder.path().join("few");
    let home = Home::open(folder.path().join("home")).unwrap();
    for number in 0..count {
        let session = session(number);
        for place in [&source, &home.logs()] {
            write(place, &session);
        }
        if number < FEW {
            write(&few, &session);
        }
    }
    let lists = lists(&home);
    let result = json!({
        "sessions": count,
        "lists_ms": lists,
        "import_of_100": import(&folder.path().join("few home"), &few),
        "import_of_all": import(&folder.path().join("all home"), &source),
    });
    println!("{}", serde_json::to_string_pretty(&result).unwrap());
}

/// One of many sessions: most rated, some failed, few corrected, of a few hundred words.
fn session(number: usize) -> Session {
    let at: jiff::Zoned = "2025-01-01T00:00:00[UTC]".parse().unwrap();
    let at = at.checked_add(jiff::Span::new().seconds(number as i64 * 977)).unwrap();
    let things = ["largest", "oldest", "newest", "longest", "strangest"];
    let kinds = ["pdf", "picture", "log", "letter", "song", "sheet", "archive"];
    let task = format!(
        "Find the {} {} in this folder, and say how large it is in MB ({number})",
        things[number % things.len()],
        kinds[number % kinds.len()]
    );
    let id: SessionId = at.strftime("session_%Y%m%d_%H%M%S").to_string().parse().unwrap();
    let mut session = Session::begin(id, &at, &task);
    if !number.is_multiple_of(3) {
        session.metadata.user_rating = Some(Stars::ALL[number % 5]);
        if number % 5 < 3 {
            session.metadata.what_went_wrong = vec![Issue::WrongAction];
            session.metadata.feedback_comment = Some(format!("it only lists them, {number}"));
        }
    }
    let record = session.record_mut();
    record.messages = vec![Message::system("Answer with a command."), Message::user(&task)];
    record.answer = Some("ls -l | sort -k5 -n # and a word more about it\n".repeat(30));
    record.arm = Some("base".into());
    record.outcome = Some(Outcome::Finished);
    session
}

fn write(place: &Path, session: &Session) {
    let folder = place.join(session.session_id.as_str());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("session.json"), session.to_json().unwrap()).unwrap();
}

/// The desk, and what it reports.
struct Asked {
    desk: Desk,
    reports: Receiver<Report>,
}

impl Asked {
    fn new(home: &Home) -> Self {
        let (tell, reports) = channel();
        let tell = Mutex::new(tell);
        let workplace = Workplace::open(home.root(), None, None).unwrap();
        let tell = Arc::new(move |report| {
            let _ = tell.lock().unwrap().send(report);
        });
        Self { desk: Desk::new(workplace, tell).unwrap(), reports }
    }

    /// Milliseconds from the question to the list.
    fn list(&self, filter: Filter) -> (f64, Arc<Sessions>) {
        // As a person types: what the desk does between two keys is over.
        std::thread::sleep(Duration::from_millis(120));
        while self.reports.try_recv().is_ok() {}
        let began = Instant::now();
        self.desk.perform(Effect::ListSessions(filter));
        let sessions = self.listed();
        (began.elapsed().as_secs_f64() * 1e3, sessions)
    }

    fn listed(&self) -> Arc<Sessions> {
        match self.reports.recv_timeout(Duration::from_secs(120)).unwrap() {
            Report::Sessions(sessions) => sessions,
            other => panic!("{other:?}"),
        }
    }
}

fn lists(home: &Home) -> Value {
    let asked = Asked::new(home);
    let without_index = asked.list(Filter::default()).0;
    drop(asked);
    let asked = Asked::new(home);
    let (first, all) = asked.list(Filter::default());

    let mut typed = Vec::new();
    let mut filtered = Vec::new();
    for _ in 0..ROUNDS {
        for end in 1..=SEARCH.len() {
            let text = Some(SEARCH[..end].trim().to_owned());
            typed.push(asked.list(Filter { text, ..Filter::default() }).0);
        }
        let failed = Filter { at_most: Some(Stars::ALL[2]), ..Filter::default() };
        for filter in [
            Filter::default(),
            failed.clone(),
            Filter { corrected: Some(false), ..failed },
            Filter { rated: Some(false), ..Filter::default() },
            Filter { at_least: Some(Stars::ALL[3]), ..Filter::default() },
        ] {
            filtered.push(asked.list(filter).0);
        }
    }

    let id = all.list[all.list.len() / 2].id.clone();
    let rated = Filter { at_most: Some(Stars::ALL[0]), ..Filter::default() };
    let before = asked.list(rated.clone()).1.list.len();
    save_rating(home, id.as_str(), &Rating::stars(Stars::ALL[0])).unwrap();
    let began = Instant::now();
    asked.desk.perform(Effect::ListSessions(rated));
    while asked.listed().list.len() == before {}
    let change_from_outside = began.elapsed().as_secs_f64() * 1e3;

    json!({
        "without_an_index": without_index,
        "first_after_the_start": first,
        "by_a_command": quantiles((0..20).map(|_| by_command(home)).collect()),
        "search_a_key": quantiles(typed),
        "filter": quantiles(filtered),
        "a_rating_by_another_process": change_from_outside,
        "frame_120x40": frame(all),
    })
}

/// As a command lists them, and as the desk did at every key once: the index is opened, and every file
/// looked at.
fn by_command(home: &Home) -> f64 {
    let began = Instant::now();
    let mut index = Index::open(home).unwrap();
    index.refresh().unwrap();
    let settings = Settings::from(&Config::default().feedback);
    let window = Filter { rated: Some(true), limit: Some(50), ..Filter::default() };
    let found = index.list(&Filter::default()).unwrap().len() + index.list(&window).unwrap().len();
    assert!(found > 0 && index.count(&Filter::default()).unwrap() > 0);
    trigger(&index, &settings, None).unwrap();
    began.elapsed().as_secs_f64() * 1e3
}

/// The list in the dashboard: a frame after each of many keys.
fn frame(all: Arc<Sessions>) -> Value {
    use crossterm::event::{KeyCode, KeyEvent};
    let now = "2025-06-01T00:00:00[UTC]".parse().unwrap();
    let mut app = App::new(Config::default(), ArmChoice::Auto, now, Places::default());
    app.start();
    let backend = ratatui::backend::TestBackend::new(120, 40);
    let mut terminal = ratatui::Terminal::new(backend).unwrap();
    for code in [KeyCode::Esc, KeyCode::Char('2')] {
        app.handle(Event::Key(KeyEvent::from(code)));
    }
    let began = Instant::now();
    app.handle(Event::Report(Box::new(Report::Sessions(all))));
    let taken = began.elapsed().as_secs_f64() * 1e3;
    let mut frames = Vec::new();
    for key in ['j', 'j', 'G', 'k', 'g'].into_iter().cycle().take(100) {
        app.handle(Event::Key(KeyEvent::from(KeyCode::Char(key))));
        let began = Instant::now();
        terminal.draw(|frame| app.draw(frame)).unwrap();
        frames.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let shown = terminal.backend().buffer().content().iter().map(|cell| cell.symbol());
    assert!(shown.collect::<String>().contains("Find the"), "the list is not on screen");
    json!({ "report_taken": taken, "drawn": quantiles(frames) })
}

/// Imports with the real binary: seconds, and its peak of memory where the system tells it.
fn import(home: &Path, source: &Path) -> Value {
    let began = Instant::now();
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_kaizen"))
        .args(["--json", "--home"])
        .arg(home)
        .args(["sessions", "import"])
        .arg(source)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = None;
    while process.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()));
        let line = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        });
        peak = line.map(|kib| kib / 1024.0).or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let seconds = began.elapsed().as_secs_f64();
    let told: Value = serde_json::from_reader(process.stdout.take().unwrap()).unwrap();
    json!({ "imported": told["imported"], "seconds": seconds, "peak_rss_mib": peak })
}

fn quantiles(mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    json!({ "p50": at(0.5), "p90": at(0.9), "max": at(1.0) })
}
