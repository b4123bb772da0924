//! The application: which pane is in front, what lies over it, and where an event goes.

mod adapters;
mod exporting;
mod holding;
mod keys;
mod layering;
mod mouse;
mod staying;
mod view;

#[cfg(test)]
use super::action::Scope;
use super::event::Event;
use super::hits::{Hits, Splits};
use super::keymap::Keymap;
use super::layers::{Layer, Question, QuestionAbout, Stay};
use super::pane::{
    Context, Intent, ModelState, Notice, NoticeKind, Pane, PaneName, Shared, TerminalEffect,
};
use super::panes::{ComparePane, ExperimentsPane, SessionsPane, TasksPane, TrainingPane, WeakPane};
use super::places::Places;
use super::theme::{Depth, TerminalColours, Theme};
use crate::adapters::AdapterSummary;
use crate::config::{self, Config, ThemeName};
use crate::driver::{Effect, ModelReport, Report};
use crate::model::source;
use crate::report::TakenOut;
use crate::store::Filter;
use crate::workplace::{ArmChoice, SetChoice};
use crossterm::event::KeyEventKind;
use jiff::{Timestamp, Zoned};
use mouse::Pointer;
use std::cell::Cell;
use std::sync::Arc;

/// Seconds that a notice stays.
const NOTICE_SECONDS: i64 = 6;

/// The whole state of the dashboard.
pub struct App {
    shared: Shared,
    tasks: TasksPane,
    sessions: SessionsPane,
    weak: WeakPane,
    training: TrainingPane,
    compare: ComparePane,
    experiments: ExperimentsPane,
    /// All that were listed last.
    listed: Vec<AdapterSummary>,
    /// From the bottom up.
    layers: Vec<Layer>,
    notice: Option<(Notice, Zoned)>,
    /// How often the next movement is to be done, as far as it is typed.
    count: Option<usize>,
    pointer: Pointer,
    /// There was no room for anything when last drawn.
    too_small: Cell<bool>,
    /// The theme that was asked for.
    theme: config::Theme,
    colours: TerminalColours,
    /// Said on the terminal when the dashboard has left it.
    farewell: Option<String>,
    /// What waits for the name of its file.
    exporting: Option<Arc<TakenOut>>,
    /// What was typed for something that is about to open, and when.
    held: Vec<(Event, Timestamp)>,
    /// Ending: nothing more is asked of anybody.
    quitting: bool,
}

impl App {
    pub fn new(config: Config, arm: ArmChoice, now: Zoned, places: Places) -> Self {
        // Refused settings were told before the dashboard opened.
        let keymap = Keymap::configured(&config).unwrap_or_default();
        let mouse = config.tui.mouse;
        let theme = config.theme.clone();
        Self {
            theme,
            colours: TerminalColours::default(),
            tasks: TasksPane::in_folder(places.folder.clone()),
            shared: Shared {
                config,
                theme: Theme::default(),
                keymap,
                raw: false,
                model: ModelState::Coming("starting".into(), None),
                now,
                ticks: 0,
                adapters: Vec::new(),
                unfit: Vec::new(),
                training: None,
                owner: None,
                hidden_task: None,
                arm,
                front: PaneName::Tasks,
                layered: false,
                set: SetChoice::default(),
                places,
                hits: Hits::default(),
                splits: Splits::default(),
                mouse,
                next_work: 0,
            },
            sessions: SessionsPane::default(),
            weak: WeakPane::default(),
            training: TrainingPane::default(),
            compare: ComparePane::default(),
            experiments: ExperimentsPane::default(),
            listed: Vec::new(),
            layers: Vec::new(),
            notice: None,
            count: None,
            pointer: Pointer::default(),
            too_small: Cell::new(false),
            farewell: None,
            exporting: None,
            held: Vec::new(),
            quitting: false,
        }
    }

    /// The same on a terminal with these colours.
    pub fn on_terminal(mut self, colours: TerminalColours) -> Self {
        self.colours = colours;
        self.shared.theme = Theme::of(&self.theme, colours);
        self
    }

    /// What lies behind the text makes a difference, and is not told by the configuration.
    pub fn wants_background(&self) -> bool {
        matches!(self.theme.name, ThemeName::Auto | ThemeName::HighContrast)
            && self.colours.depth != Depth::None
    }

    /// What is to be done before the first event.
    pub fn start(&mut self) -> Vec<Intent> {
        let mut intents = vec![
            Intent::Do(Effect::WatchHome),
            Intent::Do(Effect::LoadModel),
            Intent::Do(Effect::ListAdapters),
            Intent::Do(Effect::ListRuns),
            Intent::Do(Effect::ListSessions(Filter::default())),
        ];
        if self.shared.mouse {
            intents.push(Intent::Terminal(TerminalEffect::Mouse(true)));
        }
        intents.extend(self.with_front(|pane, context| pane.opened(context)));
        self.carry_out(intents)
    }

    /// Takes one event; what remains of the intents is for the desk and the terminal.
    pub fn handle(&mut self, event: Event) -> Vec<Intent> {
        self.shared.layered = !self.layers.is_empty();
        if self.hold(&event) {
            return Vec::new();
        }
        let is_report = matches!(event, Event::Report(_));
        let intents = match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            Event::Key(key) => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(..) => Vec::new(),
            Event::Report(report) => self.report(&report),
            Event::Edited(Ok(text)) => self.edited(&text),
            Event::Edited(Err(why)) => vec![complaint(why)],
            Event::Background(background) => {
                self.colours.background = background;
                self.shared.theme = Theme::of(&self.theme, self.colours);
                Vec::new()
            }
            Event::Tick(now) => {
                self.tick(now);
                Vec::new()
            }
            Event::Terminate => vec![Intent::Terminal(TerminalEffect::Quit)],
        };
        let mut left = self.carry_out(intents);
        self.shared.layered = !self.layers.is_empty();
        if is_report {
            left.extend(self.release());
        }
        left
    }

    /// Something on screen changes by itself: a tick is wanted soon.
    pub fn wants_ticks(&self) -> bool {
        self.notice.is_some()
            || matches!(self.shared.model, ModelState::Coming(..))
            || self.panes().iter().any(|pane| pane.is_moving())
    }

    pub fn is_quitting(&self) -> bool {
        self.quitting
    }

    /// Tells the time before an event: notices and ages go by it.
    pub fn set_time(&mut self, now: Zoned) {
        self.shared.now = now;
    }

    fn tick(&mut self, now: Zoned) {
        self.shared.ticks += 1;
        for layer in &mut self.layers {
            layer.tick();
        }
        if let Some((_, since)) = &self.notice
            // Also when the clock was set back meanwhile.
            && !(0..NOTICE_SECONDS)
                .contains(&(now.timestamp().as_second() - since.timestamp().as_second()))
        {
            self.notice = None;
        }
        self.shared.now = now;
    }

    /// Takes away the notice of something that was done, if it has stood for so many seconds: the hints are in
    /// its place again. What went wrong stays.
    pub(super) fn forget_what_was_done(&mut self, seconds: i64) {
        let now = self.shared.now.timestamp().as_second();
        self.notice.take_if(|(notice, since)| {
            notice.kind == NoticeKind::Done && now - since.timestamp().as_second() >= seconds
        });
    }

    /// Puts a layer on top, as a pane would.
    #[cfg(test)]
    pub fn open_layer(&mut self, layer: Layer) {
        self.layers.push(layer);
    }

    /// The same state in another theme.
    #[cfg(test)]
    pub fn show_as(&mut self, name: ThemeName, colours: TerminalColours) {
        self.theme.name = name;
        self.colours = colours;
        self.shared.theme = Theme::of(&self.theme, colours);
    }

    /// Whose keys act now.
    #[cfg(test)]
    pub fn present_scope(&self) -> Scope {
        self.scopes().first().copied().unwrap_or(Scope::Always)
    }

    fn panes(&self) -> [&dyn Pane; 6] {
        [&self.tasks, &self.sessions, &self.weak, &self.training, &self.compare, &self.experiments]
    }

    fn front_pane(&self) -> &dyn Pane {
        self.panes()[self.shared.front as usize]
    }

    fn with(
        &mut self,
        name: PaneName,
        run: impl FnOnce(&mut dyn Pane, &mut Context),
    ) -> Vec<Intent> {
        let mut context = Context::new(&mut self.shared);
        let pane: &mut dyn Pane = match name {
            PaneName::Tasks => &mut self.tasks,
            PaneName::Sessions => &mut self.sessions,
            PaneName::Weak => &mut self.weak,
            PaneName::Training => &mut self.training,
            PaneName::Compare => &mut self.compare,
            PaneName::Experiments => &mut self.experiments,
        };
        run(pane, &mut context);
        context.intents
    }

    fn with_front(&mut self, run: impl FnOnce(&mut dyn Pane, &mut Context)) -> Vec<Intent> {
        self.with(self.shared.front, run)
    }

    fn quit(&mut self) -> Vec<Intent> {
        // Asked a second time over the question, it is meant.
        if matches!(self.layers.last(), Some(Layer::Question(_))) {
            return vec![Intent::Terminal(TerminalEffect::Quit)];
        }
        let about = match &self.shared.training {
            Some((run, step, steps)) => {
                QuestionAbout::QuitWhileTraining { run: run.clone(), step: *step, steps: *steps }
            }
            None if self.panes().iter().any(|pane| pane.is_working()) => {
                QuestionAbout::QuitWhileWorking
            }
            None if self.panes().iter().any(|pane| pane.has_unsaved()) => {
                QuestionAbout::QuitUnsaved
            }
            None => return vec![Intent::Terminal(TerminalEffect::Quit)],
        };
        self.layers.push(Layer::Question(Question::new(about)));
        Vec::new()
    }

    fn report(&mut self, report: &Report) -> Vec<Intent> {
        let mut intents = Vec::new();
        match report {
            Report::Model(ModelReport::Note(text)) => {
                let (text, kind) = (text.clone(), NoticeKind::Done);
                intents.push(Intent::Notice(Notice { text, kind }));
            }
            Report::Model(report) => {
                self.model(report);
                // Which adapters fit depends on the model.
                if matches!(report, ModelReport::Ready(_)) && self.offer_fitting(&mut intents) {
                    let again = Report::Adapters(self.listed.clone());
                    for name in PaneName::ALL {
                        intents
                            .extend(self.with(name, |pane, context| pane.report(&again, context)));
                    }
                }
            }
            Report::ModelChosen { name, config_file } => {
                let file = config_file.display();
                let text = format!("{name} is the default from now on (in {file}); it is loaded");
                intents.push(Intent::Notice(Notice { text, kind: NoticeKind::Done }));
            }
            Report::Adapters(adapters) => {
                self.listed.clone_from(adapters);
                self.offer_fitting(&mut intents);
            }
            Report::Ownership(owner) => intents.extend(self.owned(*owner)),
            Report::InBackground { run, process } => {
                intents.extend(self.left_behind(run, *process));
            }
            Report::Recovered(words) => intents.push(Self::recovered(words)),
            Report::Exported(files) => intents.push(self.exported(files)),
            Report::ExportStopped { what, path, there } => {
                intents.push(self.ask_to_replace(what, path, there));
            }
            Report::Failed { what, why } => {
                intents.push(complaint(format!("cannot {what}: {why}")));
            }
            _ => {}
        }
        for name in PaneName::ALL {
            intents.extend(self.with(name, |pane, context| pane.report(report, context)));
        }
        let mut layers = std::mem::take(&mut self.layers);
        layers.retain_mut(|layer| {
            let mut context = Context::new(&mut self.shared);
            let stay = layer.report(report, &mut context);
            intents.append(&mut context.intents);
            matches!(stay, Stay::Open | Stay::OpenAnd(_))
        });
        self.layers = layers;
        intents
    }

    fn model(&mut self, report: &ModelReport) {
        self.shared.model = match report {
            ModelReport::Source(event) => coming(event, &self.shared.model),
            ModelReport::Loading(share) => {
                ModelState::Coming("loading the model".into(), Some(*share))
            }
            ModelReport::Ready(facts) => ModelState::Ready(facts.clone()),
            ModelReport::Failed(why) => ModelState::Failed(why.clone()),
            // It changes nothing.
            ModelReport::Note(_) => return,
        };
    }

    fn edited(&mut self, text: &str) -> Vec<Intent> {
        match self.layers.last_mut() {
            Some(layer) => {
                layer.edited(text);
                Vec::new()
            }
            None => self.with_front(|pane, context| pane.edited(text, context)),
        }
    }

    /// Does what concerns the application itself; the rest is returned.
    fn carry_out(&mut self, intents: Vec<Intent>) -> Vec<Intent> {
        let mut left = Vec::new();
        let mut queue = std::collections::VecDeque::from(intents);
        while let Some(intent) = queue.pop_front() {
            match intent {
                Intent::Do(_) => left.push(intent),
                Intent::Terminal(ref effect) => {
                    self.quitting |= *effect == TerminalEffect::Quit;
                    left.push(intent);
                }
                Intent::Show(pane) => {
                    self.shared.front = pane;
                    queue.extend(self.with_front(|pane, context| pane.opened(context)));
                }
                Intent::Push(layer) => {
                    // What it can do is said in the notice's place.
                    self.forget_what_was_done(0);
                    self.layers.push(*layer);
                }
                Intent::Notice(notice) => self.notice = Some((notice, self.shared.now.clone())),
                Intent::Train(material) => {
                    let mut context = Context::new(&mut self.shared);
                    self.training.prepare(material, &mut context);
                    queue.extend(context.intents);
                    queue.push_back(Intent::Show(PaneName::Training));
                }
                Intent::UseSet(set) => {
                    self.shared.set = set;
                    let mut context = Context::new(&mut self.shared);
                    self.weak.set_changed(&mut context);
                    queue.extend(context.intents);
                }
            }
        }
        left
    }
}

fn done(text: &str) -> Intent {
    Intent::Notice(Notice { text: text.into(), kind: NoticeKind::Done })
}

fn complaint(text: String) -> Intent {
    Intent::Notice(Notice { text, kind: NoticeKind::Wrong })
}

/// What is being done for the model, in words short enough for a corner of the screen.
fn coming(event: &source::Event, before: &ModelState) -> ModelState {
    let (words, share) = match event {
        source::Event::Bytes { done, total: Some(total) } => (
            format!("fetching the model, {} of {} MB", done / 1_000_000, total / 1_000_000),
            Some(*done as f32 / (*total).max(1) as f32),
        ),
        source::Event::Bytes { done, total: None } => {
            (format!("fetching the model, {} MB", done / 1_000_000), None)
        }
        source::Event::Checking { .. } => ("checking the model".into(), None),
        source::Event::Fetched { .. } => return before.clone(),
        event => (event.to_string(), None),
    };
    ModelState::Coming(crate::store::plain_line(&words), share)
}
