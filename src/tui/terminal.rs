//! The terminal: taken at the start, given back in every way that Kaizen can end.

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// The screen is ours: a panic or a drop must give it back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Nothing arrives at the terminal any more.
static GONE: AtomicBool = AtomicBool::new(false);

/// Standard output as long as somebody is there. That a terminal is gone is told once, to whoever writes next;
/// what comes later is let go of. Ratatui's destructor prints what it cannot write, and on a standard error that
/// is gone as well that is a panic, before work is paused and kept.
struct Output;

impl Output {
    fn until_gone<T>(
        gone: T,
        write: impl FnOnce(&mut io::Stdout) -> io::Result<T>,
    ) -> io::Result<T> {
        if GONE.load(Ordering::SeqCst) {
            return Ok(gone);
        }
        let result = write(&mut io::stdout());
        if result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
            GONE.store(true, Ordering::SeqCst);
        }
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::until_gone(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::until_gone((), Write::flush)
    }
}

/// The terminal as the dashboard uses it.
pub struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Output>>,
    /// The mouse is ours; it is taken again whenever the terminal is.
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste.
    ///
    /// # Errors
    /// When there is none.
    pub fn take() -> io::Result<Self> {
        give_back_on_panic();
        enter()?;
        let inner = ratatui::Terminal::new(CrosstermBackend::new(Output))?;
        Ok(Self { inner, mouse: false })
    }

    /// Draws one frame; the terminal shows it whole or not at all.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame)) -> io::Result<()> {
        execute!(Output, BeginSynchronizedUpdate)?;
        self.inner.draw(view)?;
        execute!(Output, EndSynchronizedUpdate)
    }

    /// Sends a question; the answer comes among the keys.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ask(&mut self, question: &str) -> io::Result<()> {
        let mut out = Output;
        out.write_all(question.as_bytes())?;
        out.flush()
    }

    /// Forgets what is on screen, so that the next frame is drawn whole.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        // Ratatui's own `clear` asks the terminal where the cursor is and waits for an answer.
        execute!(Output, Clear(ClearType::All))?;
        self.inner = ratatui::Terminal::new(CrosstermBackend::new(Output))?;
        Ok(())
    }

    /// Takes the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn take_mouse(&mut self, taken: bool) -> io::Result<()> {
        self.mouse = taken;
        match taken {
            true => listen_to_mouse(),
            false => execute!(Output, DisableMouseCapture),
        }
    }

    /// Gives the terminal back while `run` uses it, and takes it again.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn lend<T>(&mut self, run: impl FnOnce() -> T) -> io::Result<T> {
        leave();
        let result = run();
        enter()?;
        if self.mouse {
            listen_to_mouse()?;
        }
        self.clear()?;
        Ok(result)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(Output, EnterAlternateScreen, EnableBracketedPaste, crossterm::cursor::Hide)
}

/// Buttons, dragging and the wheel. Crossterm's own command would also have every movement reported: a
/// thousand events, and as many frames, for a hand on the mouse.
#[cfg(unix)]
fn listen_to_mouse() -> io::Result<()> {
    let mut out = Output;
    out.write_all(b"\x1b[?1000h\x1b[?1002h\x1b[?1006h")?;
    out.flush()
}

#[cfg(not(unix))]
fn listen_to_mouse() -> io::Result<()> {
    execute!(Output, crossterm::event::EnableMouseCapture)
}

/// Gives the terminal back, once. Whatever fails, the rest is still tried.
fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = Output;
    let _ = execute!(out, EndSynchronizedUpdate);
    let _ = execute!(out, DisableMouseCapture);
    let _ = execute!(out, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen);
    let _ = execute!(out, crossterm::cursor::Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// A panic of the screen's own thread gives the terminal back and is told on it; one of another thread
/// goes to the log alone, and what it was doing reports its end.
fn give_back_on_panic() {
    let screen = std::thread::current().id();
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!("{panic}");
        if std::thread::current().id() == screen {
            leave();
            told(panic);
        } else if !TAKEN.load(Ordering::SeqCst) {
            told(panic);
        }
    }));
}
