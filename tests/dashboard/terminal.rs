//! A pseudo-terminal with Kaizen in it: type keys, wait for text, look.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Nothing that a test waits for takes so long on any machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Variables that would change what is shown.
const VARIABLES: [&str; 9] = [
    "KAIZEN_HOME",
    "KAIZEN_ADAPTER",
    "LORA_VERSION",
    "KAIZEN_LOG",
    "RUST_BACKTRACE",
    "NO_COLOR",
    "COLORTERM",
    "COLORFGBG",
    "VISUAL",
];

/// A process in a terminal of its own.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    screen: vt100::Parser,
    /// Everything that was ever written.
    raw: Vec<u8>,
}

/// Settings with which everything is quick.
const QUICK: &str = "kaizen = 1\n\
    [generate]\nmax_tokens = 24\n\
    [train]\nrank = 4\nalpha = 8.0\nbatch_size = 1\nepochs = 2\n";

/// A home with settings for short answers and short training.
pub fn quick_home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), QUICK).unwrap();
    home
}

impl Terminal {
    /// The dashboard of `binary` on `home`.
    pub fn sized(binary: impl AsRef<OsStr>, home: &Path, columns: u16, rows: u16) -> Self {
        let mut command = CommandBuilder::new(binary);
        command.arg("--home");
        command.arg(home);
        Self::start(command, home, columns, rows)
    }

    /// Any command.
    pub fn start(command: CommandBuilder, folder: &Path, columns: u16, rows: u16) -> Self {
        Self::start_with(command, folder, columns, rows, &[])
    }

    /// Any command, with variables that say what the terminal is.
    pub fn start_with(
        mut command: CommandBuilder,
        folder: &Path,
        columns: u16,
        rows: u16,
        variables: &[(&str, &str)],
    ) -> Self {
        for name in VARIABLES {
            // What a test sets itself stays.
            if command.get_env(name) == std::env::var_os(name).as_deref() {
                command.env_remove(name);
            }
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(folder);
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new(Mutex::new(Seen {
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
            raw: Vec::new(),
        }));
        let mut output = pair.master.try_clone_reader().unwrap();
        let watched = seen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let mut seen = watched.lock().unwrap();
                seen.screen.process(&bytes[..count]);
                seen.raw.extend_from_slice(&bytes[..count]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, master: pair.master, keys, seen }
    }

    /// Sends bytes as the terminal would: text, or control characters.
    pub fn send(&mut self, bytes: &str) -> &mut Self {
        self.keys.write_all(bytes.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    pub fn enter(&mut self) -> &mut Self {
        self.send("\r")
    }

    /// Esc alone; what follows must not be read as one sequence with it.
    pub fn escape(&mut self) -> &mut Self {
        self.send("\u{1b}");
        std::thread::sleep(Duration::from_millis(100));
        self
    }

    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.seen.lock().unwrap().screen.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size).unwrap();
        self
    }

    /// Looks at the screen with its colours.
    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.seen.lock().unwrap().screen.screen())
    }

    /// Empties the text field that has the cursor.
    pub fn clear_field(&mut self) -> &mut Self {
        for _ in 0..60 {
            self.send("\u{15}\u{8}");
        }
        self
    }

    /// As [`wait`](Self::wait), looking all the time: for measurements.
    pub fn wait_closely(&mut self, part: &str) {
        let began = Instant::now();
        while !self.screen().contains(part) {
            assert!(began.elapsed() < PATIENCE, "{part:?} never came:\n{}", self.screen());
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Lets what was sent arrive.
    pub fn settle_briefly(&mut self) {
        std::thread::sleep(Duration::from_millis(250));
    }

    /// Waits until nothing has changed for a while.
    pub fn settle(&mut self) -> &mut Self {
        let mut before = String::new();
        while before != self.screen() {
            before = self.screen();
            std::thread::sleep(Duration::from_millis(600));
        }
        self
    }

    /// What is on screen now.
    pub fn screen(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    /// Waits until all `parts` are on screen together.
    pub fn wait(&mut self, parts: &[&str]) -> &mut Self {
        self.wait_until(&format!("{parts:?}"), |screen| {
            parts.iter().all(|part| screen.contains(part))
        })
    }

    /// Waits until the screen is as wanted.
    pub fn wait_until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> &mut Self {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return self;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended ({ended:?}) before {what}:\n{screen}");
            assert!(began.elapsed() < PATIENCE, "{what} never came:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it has asked for the mouse, which it does behind its first frame.
    pub fn wait_for_the_mouse(&mut self) -> &mut Self {
        let began = Instant::now();
        let mode = || self.with_screen(|screen| screen.mouse_protocol_mode());
        while mode() == vt100::MouseProtocolMode::None {
            assert!(began.elapsed() < PATIENCE, "the mouse was never taken");
            std::thread::sleep(Duration::from_millis(20));
        }
        self
    }

    /// Waits until it has sent `bytes`, which may be nothing that is shown.
    pub fn wait_for_bytes(&mut self, bytes: &str) -> &mut Self {
        let began = Instant::now();
        while !self.raw().contains(bytes) {
            assert!(began.elapsed() < PATIENCE, "{bytes:?} was never sent");
            std::thread::sleep(Duration::from_millis(20));
        }
        self
    }

    /// Kills it as nothing can be caught.
    pub fn kill(mut self) {
        let pid = self.pid().to_string();
        let killed = std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap();
    }

    pub fn signal(&mut self, name: &str) -> &mut Self {
        let pid = self.pid().to_string();
        let sent = std::process::Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
        self
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for its end; gives the exit code and all that was ever written.
    pub fn ended(&mut self) -> (u32, String) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // The last bytes are still on their way through the terminal.
                std::thread::sleep(Duration::from_millis(200));
                let raw = self.seen.lock().unwrap().raw.clone();
                return (status.exit_code(), String::from_utf8_lossy(&raw).into_owned());
            }
            assert!(began.elapsed() < PATIENCE, "it never ended:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything that was written so far.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap().raw).into_owned()
    }

    /// The whole screen modes, as a terminal has them before and after.
    pub fn is_plain(&self) -> bool {
        let seen = self.seen.lock().unwrap();
        let screen = seen.screen.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// The sessions of a home, as JSON, oldest first.
pub fn sessions(home: &Path) -> Vec<serde_json::Value> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(home.join("logs"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("session.json"))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .collect()
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}
