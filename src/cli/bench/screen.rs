//! A program in a pseudo-terminal of its own, and when its screen changes. Knows nothing of what the program
//! is.

use super::super::outcome::{Error, Result};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Columns and rows.
const COLUMNS: u16 = 120;
const ROWS: u16 = 40;

/// Longer than anything that is waited for here.
const PATIENCE: Duration = Duration::from_secs(300);

/// A program's question what terminal this is, and the answer of one that can do what `vt100` can. Without an
/// answer a program may wait for it.
const WHICH_TERMINAL: &[u8] = b"\x1b[c";
const THIS_TERMINAL: &[u8] = b"\x1b[?62;22c";
/// Where the cursor is.
const WHERE: &[u8] = b"\x1b[6n";

/// What goes to the program: from the person, and the terminal's own answers.
type Keys = Arc<Mutex<Box<dyn Write + Send>>>;

/// A running program and what its terminal shows.
pub struct Screen {
    name: String,
    child: Box<dyn Child + Send + Sync>,
    keys: Keys,
    seen: Arc<Seen>,
    /// Closed with this: the program would hang up.
    _master: Box<dyn MasterPty + Send>,
}

#[derive(Default)]
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    terminal: vt100::Parser,
    ended: bool,
}

impl Default for State {
    fn default() -> Self {
        let cells = |count| NonZero::new(count).unwrap_or(NonZero::<u16>::MIN);
        Self { terminal: vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0), ended: false }
    }
}

impl Screen {
    /// Starts `command`; `name` is for what is told about it.
    ///
    /// # Errors
    /// Where there is no such program, or no pseudo-terminal.
    pub fn start(name: &str, mut command: CommandBuilder) -> Result<Self> {
        let failed = |error| failure("start", name, io::Error::other(format!("{error:#}")));
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(failed)?;
        let child = pair.slave.spawn_command(command).map_err(failed)?;
        drop(pair.slave);
        let keys = Arc::new(Mutex::new(pair.master.take_writer().map_err(failed)?));
        let output = pair.master.try_clone_reader().map_err(failed)?;
        let seen = Arc::new(Seen::default());
        let (watched, answers) = (seen.clone(), keys.clone());
        std::thread::spawn(move || watched.read(output, &answers));
        Ok(Self { name: name.to_owned(), child, keys, seen, _master: pair.master })
    }

    /// Sends bytes as a terminal would.
    ///
    /// # Errors
    /// Where the program has ended.
    pub fn send(&mut self, bytes: &str) -> Result<()> {
        let sent = write(&self.keys, bytes.as_bytes());
        sent.map_err(|source| failure("send a key to", &self.name, source))
    }

    /// Esc alone: what follows must not be read as one sequence with it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn escape(&mut self) -> Result<()> {
        self.send("\u{1b}")?;
        std::thread::sleep(Duration::from_millis(100));
        Ok(())
    }

    /// Waits until the screen is as wanted, looking at each change.
    ///
    /// # Errors
    /// When the program ends, or it takes minutes.
    pub fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> Result<()> {
        let mut patience = PATIENCE;
        let mut state = self.seen.lock();
        loop {
            if wanted(state.terminal.screen()) {
                return Ok(());
            }
            if state.ended || patience.is_zero() {
                let why =
                    format!("it did not show {what}:\n{}", state.terminal.screen().contents());
                return Err(failure("measure", &self.name, io::Error::other(why)));
            }
            let began = Instant::now();
            let waited = self.seen.changed.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            patience = patience.saturating_sub(began.elapsed());
        }
    }

    /// Waits until `text` is on screen.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_for(&self, text: &str) -> Result<()> {
        self.wait(&format!("{text:?}"), |screen| screen.contents().contains(text))
    }

    /// Waits until nothing has changed for `quiet`.
    pub fn settle(&self, quiet: Duration) {
        let began = Instant::now();
        let mut state = self.seen.lock();
        while began.elapsed() < PATIENCE && !state.ended {
            let waited = self.seen.changed.wait_timeout(state, quiet);
            let (now, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = now;
            if timeout.timed_out() {
                return;
            }
        }
    }

    /// Milliseconds from sending `keys` until the screen is as wanted.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn timed(
        &mut self,
        keys: &str,
        what: &str,
        wanted: impl Fn(&vt100::Screen) -> bool,
    ) -> Result<f64> {
        let began = Instant::now();
        self.send(keys)?;
        self.wait(what, wanted)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// What is shown now, with its colours.
    pub fn picture(&self) -> String {
        self.seen.lock().terminal.screen().contents_formatted()
    }

    pub fn text(&self) -> String {
        self.seen.lock().terminal.screen().contents()
    }

    /// The share of one core, in per cent, that the process takes over `time`; none where the system does not
    /// tell.
    pub fn cpu_percent(&self, time: Duration) -> Option<f64> {
        let before = self.cpu_seconds()?;
        std::thread::sleep(time);
        Some(100.0 * (self.cpu_seconds()? - before) / time.as_secs_f64())
    }

    fn cpu_seconds(&self) -> Option<f64> {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.process_id()?)).ok()?;
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
        // A tick is a hundredth of a second on every Linux.
        Some((ticks(11)? + ticks(12)?) / 100.0)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, mut output: Box<dyn Read + Send>, answers: &Keys) {
        let mut bytes = [0; 16384];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let written = bytes.get(..count).unwrap_or_default();
            let (row, column) = {
                let mut state = self.lock();
                state.terminal.process(written);
                state.terminal.screen().cursor_position()
            };
            self.changed.notify_all();
            let asks =
                |question: &[u8]| written.windows(question.len()).any(|part| part == question);
            // Whoever has ended needs no answer.
            if asks(WHICH_TERMINAL) {
                let _ = write(answers, THIS_TERMINAL);
            }
            if asks(WHERE) {
                let _ = write(answers, format!("\x1b[{};{}R", row + 1, column + 1).as_bytes());
            }
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }
}

fn write(keys: &Keys, bytes: &[u8]) -> io::Result<()> {
    let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
    keys.write_all(bytes)?;
    keys.flush()
}

fn failure(action: &'static str, name: &str, source: io::Error) -> Error {
    Error::File { action, name: name.to_owned(), source }
}
