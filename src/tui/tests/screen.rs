//! The application with a screen made of cells, and reports that a test hands it.

use crate::config::Config;
use crate::driver::{Effect, ModelFacts, ModelReport, Report};
use crate::tui::action::KeyPress;
use crate::tui::app::App;
use crate::tui::event::Event;
use crate::tui::pane::{Intent, TerminalEffect};
use crate::tui::places::Places;
use crate::workplace::ArmChoice;
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use jiff::Zoned;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// Types keys, hands in reports, and reads what would be on screen.
pub struct Screen {
    pub app: App,
    terminal: Terminal<TestBackend>,
    /// What was asked of the desk, oldest first.
    pub effects: Vec<Effect>,
    /// What was asked of the terminal since the start.
    pub terminal_effects: Vec<TerminalEffect>,
    /// What was asked of it at the start.
    pub at_start: Vec<TerminalEffect>,
}

impl Screen {
    /// A dashboard of this size in an empty home, at a fixed time, with the model ready.
    pub fn new(width: u16, height: u16) -> Self {
        let mut screen = Self::starting(width, height);
        screen.report(Report::Model(ModelReport::Ready(Self::facts())));
        screen
    }

    /// The same with these settings.
    pub fn configured(width: u16, height: u16, settings: &str) -> Self {
        let config = Config::parse(settings, std::path::Path::new("config.toml")).unwrap();
        let mut screen = Self::of(width, height, config);
        screen.report(Report::Model(ModelReport::Ready(Self::facts())));
        screen
    }

    /// The default model's.
    pub fn facts() -> ModelFacts {
        ModelFacts {
            name: "SmolLM2-135M-Instruct.Q4_1".into(),
            sha256: "b179".into(),
            layers: 30,
            context: 2048,
        }
    }

    /// The same before the model is there.
    pub fn starting(width: u16, height: u16) -> Self {
        Self::of(width, height, Config::default())
    }

    fn of(width: u16, height: u16, config: Config) -> Self {
        let now: Zoned = "2026-11-23T12:00:00[UTC]".parse().unwrap();
        let places =
            Places { folder: "/home/ada/desk/docs".into(), home: Some("/home/ada".into()) };
        let mut app = App::new(config, ArmChoice::Auto, now, places);
        let intents = app.start();
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut screen = Self {
            app,
            terminal,
            effects: Vec::new(),
            terminal_effects: Vec::new(),
            at_start: Vec::new(),
        };
        screen.keep(intents);
        screen.at_start = std::mem::take(&mut screen.terminal_effects);
        screen
    }

    fn keep(&mut self, intents: Vec<Intent>) {
        for intent in intents {
            match intent {
                Intent::Do(effect) => self.effects.push(effect),
                Intent::Terminal(effect) => self.terminal_effects.push(effect),
                other => panic!("left over: {other:?}"),
            }
        }
    }

    pub fn event(&mut self, event: Event) -> &mut Self {
        let intents = self.app.handle(event);
        self.keep(intents);
        self
    }

    /// Keys as the table of actions spells them, separated by spaces.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let press = KeyPress::parse(key).unwrap_or_else(|| panic!("{key} is no key"));
            self.event(Event::Key(KeyEvent::new(press.code, press.modifiers)));
        }
        self
    }

    /// Text, a key a character.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            let code = crossterm::event::KeyCode::Char(character);
            self.event(Event::Key(KeyEvent::from(code)));
        }
        self
    }

    pub fn report(&mut self, report: Report) -> &mut Self {
        self.event(Event::Report(Box::new(report)))
    }

    pub fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        self.event(Event::Resize(width, height))
    }

    /// The cells, with their colours.
    pub fn buffer(&mut self) -> Buffer {
        let app = &self.app;
        self.terminal.draw(|frame| app.draw(frame)).unwrap().buffer.clone()
    }

    /// The text on screen, a line a row, without trailing spaces.
    pub fn shown(&mut self) -> String {
        let buffer = self.buffer();
        let rows: Vec<String> = (0..buffer.area.height)
            .map(|y| {
                let row: String =
                    (0..buffer.area.width).map(|x| buffer.cell((x, y)).unwrap().symbol()).collect();
                row.trim_end().to_owned()
            })
            .collect();
        rows.join("\n")
    }

    /// Fails unless all `parts` are on screen.
    pub fn shows(&mut self, parts: &[&str]) -> &mut Self {
        let shown = self.shown();
        for part in parts {
            assert!(shown.contains(part), "{part:?} is not on screen:\n{shown}");
        }
        self
    }

    /// The style of the cell where `text` begins on screen.
    pub fn style_of(&mut self, text: &str) -> ratatui::style::Style {
        let place = self.place_of(text);
        self.buffer().cell(place).unwrap().style()
    }

    /// What the mouse does at a place.
    pub fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) -> &mut Self {
        let modifiers = crossterm::event::KeyModifiers::NONE;
        self.event(Event::Mouse(MouseEvent { kind, column, row, modifiers }))
    }

    /// Presses and lets go where `text` begins on screen.
    pub fn click(&mut self, text: &str) -> &mut Self {
        let place = self.place_of(text);
        self.mouse(MouseEventKind::Down(MouseButton::Left), place);
        self.mouse(MouseEventKind::Up(MouseButton::Left), place)
    }

    /// Turns the wheel down where `text` begins on screen.
    pub fn wheel(&mut self, text: &str) -> &mut Self {
        let place = self.place_of(text);
        self.mouse(MouseEventKind::ScrollDown, place)
    }

    /// The cell where `text` begins on screen.
    pub fn place_of(&mut self, text: &str) -> (u16, u16) {
        let buffer = self.buffer();
        for y in 0..buffer.area.height {
            for x in 0..buffer.area.width {
                let mut row = String::new();
                let mut at = x;
                while at < buffer.area.width && row.len() < text.len() {
                    row.push_str(buffer.cell((at, y)).unwrap().symbol());
                    at += 1;
                }
                if row.starts_with(text) {
                    return (x, y);
                }
            }
        }
        panic!("{text:?} is not on screen:\n{}", self.shown());
    }
}
