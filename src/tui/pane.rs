//! What a pane is to the application: it takes actions, text and reports, changes only itself, and
//! says what else is to happen through its [`Context`].

use super::action::{Action, Scope};
use super::answer::Reading;
use super::hits::{Hits, Part, Splits};
use super::keymap::Keymap;
use super::layers::Layer;
use super::places::Places;
use super::theme::Theme;
use crate::config::Config;
use crate::driver::{self, Effect, ModelFacts, Report, TrainingMaterial, WorkId};
use crate::report::TakenOut;
use crate::store::Holder;
use crate::workplace::{ArmChoice, SetChoice};
use crossterm::event::KeyEvent;
use jiff::Zoned;
use ratatui::Frame;
use ratatui::layout::Rect;

/// The panes, in the order of their number keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaneName {
    Tasks,
    Sessions,
    Weak,
    Training,
    Compare,
    Experiments,
}

impl PaneName {
    pub const ALL: [Self; 6] =
        [Self::Tasks, Self::Sessions, Self::Weak, Self::Training, Self::Compare, Self::Experiments];

    pub fn title(self) -> &'static str {
        match self {
            Self::Tasks => "Tasks",
            Self::Sessions => "Sessions",
            Self::Weak => "Weak areas",
            Self::Training => "Training",
            Self::Compare => "Compare",
            Self::Experiments => "Experiments",
        }
    }
}

/// How far the model is.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelState {
    /// What is being done for it now, in words.
    Coming(String, Option<f32>),
    Ready(ModelFacts),
    Failed(String),
}

/// What all panes may look at.
#[derive(Debug)]
pub struct Shared {
    pub config: Config,
    pub theme: Theme,
    /// Which keys do what; sentences that name a key ask it.
    pub keymap: Keymap,
    /// Answers are shown as they are, not as the Markdown that they are written in.
    pub raw: bool,
    pub model: ModelState,
    /// Local time of the last event; ages are told by it.
    pub now: Zoned,
    /// Counts up while something moves, for spinners; never while nothing does.
    pub ticks: u64,
    /// The adapters of this home, oldest first; none are listed before the first report.
    pub adapters: Vec<String>,
    /// Adapters that were trained for another model than the one that is loaded, with that model's name:
    /// they are offered nowhere.
    pub unfit: Vec<(String, String)>,
    /// A training run is under way in this process: its name, steps done and in all.
    pub training: Option<(String, usize, usize)>,
    /// Another dashboard that owns this home, where one does.
    pub owner: Option<Holder>,
    /// A task that two arms answer blind: which of its sessions is whose is shown nowhere.
    pub hidden_task: Option<String>,
    /// Who answers tasks.
    pub arm: ArmChoice,
    /// The pane that is on screen.
    pub front: PaneName,
    /// Something lies over the panes.
    pub layered: bool,
    /// The evaluation set that Weak areas and the gate use.
    pub set: SetChoice,
    /// Where it was started.
    pub places: Places,
    /// What stands where in the last frame.
    pub hits: Hits,
    /// Where the lines between parts stand.
    pub splits: Splits,
    /// The mouse is ours.
    pub mouse: bool,
    pub(super) next_work: u64,
}

impl Shared {
    /// How answers are shown.
    pub fn reading(&self) -> Reading<'_> {
        Reading { theme: &self.theme, raw: self.raw }
    }

    /// Sessions of this task tell nobody who answered now.
    pub fn hides(&self, task: &str) -> bool {
        self.hidden_task.as_deref().is_some_and(|hidden| hidden.trim() == task.trim())
    }

    /// Which adapters are not offered and why; none when all are.
    pub fn unfit_words(&self) -> Option<String> {
        let (first, base) = self.unfit.first()?;
        let base = crate::store::plain_line(base);
        let key = self.keymap.key("models");
        Some(match self.unfit.len() {
            1 => format!(
                "{first} is not offered: it was trained for {base} ({key} changes the model)"
            ),
            count => format!(
                "{count} adapters are not offered: they were trained for other models, {first} for {base} ({key} changes the model)"
            ),
        })
    }

    /// The next one in the round of base and the adapters; none is base.
    pub fn adapter_after(&self, name: Option<&str>) -> Option<String> {
        let at = name.and_then(|name| self.adapters.iter().position(|adapter| adapter == name));
        match (name, at) {
            (None, _) => self.adapters.first().cloned(),
            (Some(_), at) => self.adapters.get(at? + 1).cloned(),
        }
    }
}

/// What an event makes happen beyond the pane it came to.
#[derive(Debug)]
pub enum Intent {
    /// For the desk.
    Do(Effect),
    /// For the terminal.
    Terminal(TerminalEffect),
    Show(PaneName),
    /// Opens a layer over the panes.
    Push(Box<Layer>),
    /// A line that stays for some seconds.
    Notice(Notice),
    /// Training on this, in its pane.
    Train(TrainingMaterial),
    /// Measures another set from now on.
    UseSet(SetChoice),
}

/// A set in words, short enough for a line.
pub fn set_name(set: &SetChoice) -> String {
    match set {
        SetChoice::BuiltIn => "the built-in set and your own items".into(),
        SetChoice::File(path) => {
            let name = path.file_name().unwrap_or(path.as_os_str());
            crate::store::plain_line(&name.to_string_lossy())
        }
    }
}

/// What only the terminal can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEffect {
    /// To the clipboard (OSC 52).
    Copy(String),
    /// Opens `$EDITOR` on the text; the result comes back as [`super::Event::Edited`].
    Edit(String),
    Suspend,
    /// Takes the mouse, or leaves it to the terminal.
    Mouse(bool),
    Redraw,
    Quit,
}

/// A line in the footer's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub kind: NoticeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    Done,
    Wrong,
}

/// What a pane or layer is given with every event.
pub struct Context<'a> {
    pub shared: &'a mut Shared,
    pub intents: Vec<Intent>,
}

impl<'a> Context<'a> {
    pub fn new(shared: &'a mut Shared) -> Self {
        Self { shared, intents: Vec::new() }
    }

    /// Asks the desk.
    pub fn perform(&mut self, effect: driver::Effect) {
        self.intents.push(Intent::Do(effect));
    }

    /// A new name for a piece of work.
    pub fn new_work(&mut self) -> WorkId {
        self.shared.next_work += 1;
        WorkId(self.shared.next_work)
    }

    pub fn terminal(&mut self, effect: TerminalEffect) {
        self.intents.push(Intent::Terminal(effect));
    }

    pub fn show(&mut self, pane: PaneName) {
        self.intents.push(Intent::Show(pane));
    }

    pub fn push(&mut self, layer: Layer) {
        self.intents.push(Intent::Push(Box::new(layer)));
    }

    /// Says which adapters are not among those that can be chosen, where there are any.
    pub fn say_unfit(&mut self) {
        if let Some(words) = self.shared.unfit_words() {
            self.say(words);
        }
    }

    /// Says that something was done.
    pub fn say(&mut self, text: impl Into<String>) {
        let notice = Notice { text: text.into(), kind: NoticeKind::Done };
        self.intents.push(Intent::Notice(notice));
    }

    /// Says a sentence in which `<name>` stands for the key of an action.
    pub fn say_with_keys(&mut self, words: &str) {
        let words = self.shared.keymap.tell(words);
        self.say(words);
    }

    /// Complains in a sentence in which `<name>` stands for the key of an action.
    pub fn complain_with_keys(&mut self, words: &str) {
        let words = self.shared.keymap.tell(words);
        self.complain(words);
    }

    /// Says that something went wrong or cannot be done.
    pub fn complain(&mut self, text: impl Into<String>) {
        let notice = Notice { text: text.into(), kind: NoticeKind::Wrong };
        self.intents.push(Intent::Notice(notice));
    }
}

/// One of the numbered screens. Everything is pure: no files, no clock, no model.
pub trait Pane {
    /// Whose keys act now. A scope that takes text gets all keys it does not name as text.
    fn scope(&self) -> Scope;

    /// Whether an action of its scope makes sense in the present state; the footer shows no other.
    fn applies(&self, action: Action, shared: &Shared) -> bool;

    fn act(&mut self, action: Action, context: &mut Context);

    /// A key that is text, while [`scope`](Self::scope) takes text.
    fn type_key(&mut self, key: KeyEvent, context: &mut Context);

    /// Pasted text, while [`scope`](Self::scope) takes text.
    fn paste(&mut self, text: &str, context: &mut Context);

    /// Shows only the rows with these words; all with none.
    fn search(&mut self, _words: &str, _context: &mut Context) {}

    /// The words that its rows are narrowed by.
    fn searched(&self) -> &str {
        ""
    }

    /// A row of its list was clicked, by the place that it was drawn with; true if it was selected already.
    fn select(&mut self, _place: usize, _context: &mut Context) -> bool {
        false
    }

    /// One of the things that it may show was clicked.
    fn choose(&mut self, _place: usize, _context: &mut Context) {}

    /// The wheel was turned over a part of it.
    fn scroll(&mut self, _part: Part, action: Action, context: &mut Context) {
        self.act(action, context);
    }

    /// What came of the effects; every pane sees every report.
    fn report(&mut self, report: &Report, context: &mut Context);

    /// Something that takes keys opens with the next report: what is typed until then is for that.
    fn is_opening(&self) -> bool {
        false
    }

    /// What is opening is not wanted any more.
    fn opens_no_more(&mut self) {}

    /// Somebody wrote something that is not on disk, and would lose it.
    fn has_unsaved(&self) -> bool {
        false
    }

    /// Words for the footer in the place of an action's own, where the present state says more.
    fn hint(&self, _action: Action) -> Option<&'static str> {
        None
    }

    /// It comes to the front: asks for what it shows.
    fn opened(&mut self, context: &mut Context);

    /// The text that was given to `$EDITOR` comes back, if this pane had asked for it.
    fn edited(&mut self, text: &str, context: &mut Context);

    /// Something in it moves and wants to be drawn again soon without an event (a spinner).
    fn is_moving(&self) -> bool;

    /// What moves in it is done by this process, and ends with it.
    fn is_working(&self) -> bool {
        self.is_moving()
    }

    /// What it shows, to be taken out into a file; none where there is nothing but text.
    fn taken_out(&self, shared: &Shared) -> Option<TakenOut> {
        let _ = shared;
        None
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared);
}
