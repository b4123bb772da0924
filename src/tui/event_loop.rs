//! The one place that waits: for keys, reports, signals and time. Draws only when something changed,
//! and only the newest state.

use super::app::App;
use super::event::Event;
use super::pane::{Intent, TerminalEffect};
use super::places::Places;
use super::terminal::Terminal;
use super::terminal_colours::{self, Answers, Heard};
use super::theme::TerminalColours;
use crate::config::Refusal;
use crate::driver::{Desk, Report};
use crate::workplace::{ArmChoice, Workplace};
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{Event as TerminalEvent, EventStream, MouseEvent, MouseEventKind};
use crossterm::execute;
use futures::StreamExt;
use jiff::Zoned;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

/// How often a moving thing is drawn again, whatever else happens: an action that waits for a word may be
/// allowed only after some of them.
const TICK: Duration = Duration::from_millis(250);

/// Frames come no faster than this, however many reports there are.
const FRAME: Duration = Duration::from_millis(16);

/// Nor than this after a key, whose effect nobody should wait for because a text is streaming.
const KEY_FRAME: Duration = Duration::from_millis(2);

/// A terminal that does not answer within this has no answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Opens the dashboard on a home and returns when the person has left it, with the terminal as it was.
///
/// # Errors
/// When there is no terminal, it goes away, or [`super::check`] refuses the configuration.
pub fn open(workplace: Workplace, arm: ArmChoice) -> io::Result<()> {
    let refused = |refusal: Refusal| format!("{} {}", refusal.key, refusal.problem);
    super::check(&workplace.config).map_err(|refusal| io::Error::other(refused(refusal)))?;
    let (tell, reports) = unbounded_channel();
    let mut app = App::new(workplace.config.clone(), arm, Zoned::now(), Places::of_process())
        .on_terminal(TerminalColours::of_process());
    let desk = Desk::new(
        workplace,
        Arc::new(move |report| {
            let _ = tell.send(report);
        }),
    )?;
    let mut terminal = Terminal::take()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(run(&mut terminal, &mut app, &desk, reports));
    drop(terminal);
    desk.close();
    if let Some(words) = app.farewell() {
        // Nobody may be there to read it.
        let _ = writeln!(io::stdout(), "{words}");
    }
    result
}

async fn run(
    terminal: &mut Terminal,
    app: &mut App,
    desk: &Desk,
    mut reports: UnboundedReceiver<Report>,
) -> io::Result<()> {
    // Before anything is seen: who sees it may send one at once.
    let mut signals = signals::Signals::listen()?;
    let intents = app.start();
    terminal.draw(|frame| app.draw(frame))?;
    perform(intents, terminal, desk)?;
    let mut asked = None;
    if app.wants_background() && terminal_colours::can_be_asked() {
        terminal.ask(terminal_colours::QUESTION)?;
        asked = Some(Instant::now());
    }
    let mut answers = Answers::default();
    let mut keys = EventStream::new();
    let mut drawn = Instant::now();
    let mut ticked = Instant::now();
    let mut changed = true;
    let mut pressed = false;
    // What came together; all but the first of it.
    let mut heard: VecDeque<Event> = VecDeque::new();
    loop {
        let pause = if pressed { KEY_FRAME } else { FRAME };
        if changed {
            // What has arrived meanwhile is taken in first: only the newest state is drawn.
            while let Ok(report) = reports.try_recv() {
                perform(take(app, Event::Report(Box::new(report))), terminal, desk)?;
            }
            if drawn.elapsed() >= pause {
                terminal.draw(|frame| app.draw(frame))?;
                drawn = Instant::now();
                (changed, pressed) = (false, false);
            }
        }
        let wait = match (changed, app.wants_ticks()) {
            (true, _) => Some(pause.saturating_sub(drawn.elapsed())),
            (false, true) => Some(TICK.saturating_sub(ticked.elapsed())),
            (false, false) => None,
        };
        let event = tokio::select! {
            biased;
            key = keys.next() => match key {
                Some(Ok(key)) if !answers.holds() && !is_awaited(asked) => from_terminal(key),
                Some(Ok(key)) => match answers.hear(key) {
                    Heard::Nothing => None,
                    Heard::Background(background) => {
                        asked = None;
                        Some(Event::Background(background))
                    }
                    Heard::Events(events) => {
                        heard.extend(events.into_iter().filter_map(from_terminal));
                        heard.pop_front()
                    }
                },
                // The terminal is gone.
                Some(Err(_)) | None => Some(Event::Terminate),
            },
            signal = signals.next() => match signal {
                signals::Signal::Terminate => Some(Event::Terminate),
                signals::Signal::Suspend => {
                    (keys, _) = away(Away::Suspended, terminal, keys)?;
                    changed = true;
                    None
                }
            },
            report = reports.recv() => report.map(|report| Event::Report(Box::new(report))),
            () = sleep(wait), if wait.is_some() => match changed {
                true => None,
                false => {
                    ticked = Instant::now();
                    Some(Event::Tick(Zoned::now()))
                }
            },
        };
        let Some(event) = event else { continue };
        changed = true;
        let mut next = Some(event);
        while let Some(event) = next.take().or_else(|| heard.pop_front()) {
            pressed |= matches!(
                event,
                Event::Key(_) | Event::Paste(_) | Event::Mouse(_) | Event::Resize(..)
            );
            if let Some(what) = perform(take(app, event), terminal, desk)? {
                (keys, next) = away(what, terminal, keys)?;
            }
        }
        if app.is_quitting() {
            return Ok(());
        }
    }
}

/// Hands one event to the application, which has no clock: notices, ages and how long something was looked at go
/// by the time told before.
fn take(app: &mut App, event: Event) -> Vec<Intent> {
    app.set_time(Zoned::now());
    app.handle(event)
}

/// The terminal was asked, and its answer may still come.
fn is_awaited(asked: Option<Instant>) -> bool {
    asked.is_some_and(|asked| asked.elapsed() < ANSWER)
}

async fn sleep(wait: Option<Duration>) {
    tokio::time::sleep(wait.unwrap_or_default()).await;
}

fn from_terminal(event: TerminalEvent) -> Option<Event> {
    match event {
        TerminalEvent::Key(key) => Some(Event::Key(key)),
        TerminalEvent::Paste(text) => Some(Event::Paste(text)),
        TerminalEvent::Resize(width, height) => Some(Event::Resize(width, height)),
        // Moved without a button: nothing follows the pointer.
        TerminalEvent::Mouse(MouseEvent { kind: MouseEventKind::Moved, .. }) => None,
        TerminalEvent::Mouse(mouse) => Some(Event::Mouse(mouse)),
        TerminalEvent::FocusGained | TerminalEvent::FocusLost => None,
    }
}

/// What somebody else does with the terminal for a while.
enum Away {
    /// The shell, after Ctrl-Z.
    Suspended,
    /// The person's editor, on this text.
    Edit(String),
}

/// Does what the application asks for; says when the terminal is to be lent.
fn perform(intents: Vec<Intent>, terminal: &mut Terminal, desk: &Desk) -> io::Result<Option<Away>> {
    let mut away = None;
    for intent in intents {
        match intent {
            Intent::Do(effect) => desk.perform(effect),
            Intent::Terminal(TerminalEffect::Copy(text)) => {
                execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))?;
            }
            Intent::Terminal(TerminalEffect::Edit(text)) => away = Some(Away::Edit(text)),
            Intent::Terminal(TerminalEffect::Suspend) => away = Some(Away::Suspended),
            Intent::Terminal(TerminalEffect::Redraw) => terminal.clear()?,
            Intent::Terminal(TerminalEffect::Mouse(taken)) => terminal.take_mouse(taken)?,
            // Quitting is a state of the application; all else it does itself.
            _ => {}
        }
    }
    Ok(away)
}

/// Lends the terminal and takes it again; gives the keys from then on, and what came back. The old
/// stream of keys is dropped first: its thread would take what is typed for somebody else.
fn away(
    what: Away,
    terminal: &mut Terminal,
    keys: EventStream,
) -> io::Result<(EventStream, Option<Event>)> {
    drop(keys);
    let event = terminal.lend(|| match what {
        Away::Edit(text) => Some(Event::Edited(super::editor::edit(&text))),
        Away::Suspended => {
            // Stops this process as Ctrl-Z does, and returns when the shell continues it.
            #[cfg(unix)]
            let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
            None
        }
    })?;
    Ok((EventStream::new(), event))
}

#[cfg(unix)]
mod signals {
    //! Signals that end or stop the process from outside.

    use std::io;
    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    pub enum Signal {
        Terminate,
        Suspend,
    }

    pub struct Signals {
        terminate: Stream,
        hang_up: Stream,
        interrupt: Stream,
        stop: Stream,
    }

    impl Signals {
        pub fn listen() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                interrupt: signal(SignalKind::interrupt())?,
                stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            })
        }

        pub async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.terminate.recv() => Signal::Terminate,
                _ = self.hang_up.recv() => Signal::Terminate,
                _ = self.interrupt.recv() => Signal::Terminate,
                _ = self.stop.recv() => Signal::Suspend,
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    //! Elsewhere Ctrl-C is a key, and there are no others.

    use std::io;

    pub enum Signal {
        Terminate,
        #[allow(dead_code)]
        Suspend,
    }

    pub struct Signals;

    impl Signals {
        pub fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub async fn next(&mut self) -> Signal {
            match tokio::signal::ctrl_c().await {
                Ok(()) => Signal::Terminate,
                Err(_) => std::future::pending().await,
            }
        }
    }
}
