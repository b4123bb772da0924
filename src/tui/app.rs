//! The application: which pane is in front, what lies over it, and where an event goes.

use super::action::{Action, KeyPress, Scope};
use super::event::Event;
use super::keymap::Keymap;
use super::layers::{EntryPurpose, Help, Layer, Palette, Question, QuestionAbout, Stay};
use super::pane::{
    Context, Intent, ModelState, Notice, NoticeKind, Pane, PaneName, Shared, TerminalEffect,
};
use super::panes::{ComparePane, ExperimentsPane, SessionsPane, TasksPane, TrainingPane, WeakPane};
use super::theme::Theme;
use crate::config::Config;
use crate::driver::{Effect, ModelReport, Report};
use crate::model::source;
use crate::store::Filter;
use crate::workplace::{ArmChoice, SetChoice};
use crossterm::event::{KeyEvent, KeyEventKind};
use jiff::Zoned;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Seconds that a notice stays.
const NOTICE_SECONDS: i64 = 6;

/// Smaller screens cannot hold a pane.
const SMALLEST: (u16, u16) = (60, 16);

/// The whole state of the dashboard.
pub struct App {
    shared: Shared,
    keymap: Keymap,
    tasks: TasksPane,
    sessions: SessionsPane,
    weak: WeakPane,
    training: TrainingPane,
    compare: ComparePane,
    experiments: ExperimentsPane,
    /// From the bottom up.
    layers: Vec<Layer>,
    notice: Option<(Notice, Zoned)>,
    /// Ending: nothing more is asked of anybody.
    quitting: bool,
}

impl App {
    pub fn new(config: Config, arm: ArmChoice, now: Zoned) -> Self {
        Self {
            shared: Shared {
                config,
                theme: Theme::default(),
                model: ModelState::Coming("starting".into(), None),
                now,
                ticks: 0,
                adapters: Vec::new(),
                training: None,
                arm,
                front: PaneName::Tasks,
                layered: false,
                set: SetChoice::default(),
                next_work: 0,
            },
            keymap: Keymap::default(),
            tasks: TasksPane::default(),
            sessions: SessionsPane::default(),
            weak: WeakPane::default(),
            training: TrainingPane::default(),
            compare: ComparePane::default(),
            experiments: ExperimentsPane::default(),
            layers: Vec::new(),
            notice: None,
            quitting: false,
        }
    }

    /// What is to be done before the first event.
    pub fn start(&mut self) -> Vec<Intent> {
        let mut intents = vec![
            Intent::Do(Effect::LoadModel),
            Intent::Do(Effect::ListAdapters),
            Intent::Do(Effect::ListRuns),
            Intent::Do(Effect::ListSessions(Filter::default())),
        ];
        intents.extend(self.with_front(|pane, context| pane.opened(context)));
        self.carry_out(intents)
    }

    /// Takes one event; what remains of the intents is for the desk and the terminal.
    pub fn handle(&mut self, event: Event) -> Vec<Intent> {
        self.shared.layered = !self.layers.is_empty();
        let intents = match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            Event::Key(key) => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Resize(..) => Vec::new(),
            Event::Report(report) => self.report(&report),
            Event::Edited(Ok(text)) => self.edited(&text),
            Event::Edited(Err(why)) => vec![complaint(why)],
            Event::Tick(now) => {
                self.tick(now);
                Vec::new()
            }
            Event::Terminate => vec![Intent::Terminal(TerminalEffect::Quit)],
        };
        self.carry_out(intents)
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
        if let Some((_, since)) = &self.notice
            && now.timestamp().as_second() - since.timestamp().as_second() >= NOTICE_SECONDS
        {
            self.notice = None;
        }
        self.shared.now = now;
    }

    /// Puts a layer on top, as a pane would.
    #[cfg(test)]
    pub fn open_layer(&mut self, layer: Layer) {
        self.layers.push(layer);
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

    /// Where keys act now, nearest first.
    fn scopes(&self) -> Vec<Scope> {
        let nearest = match self.layers.last() {
            Some(layer) => layer.scope(),
            None => self.front_pane().scope(),
        };
        let mut scopes = vec![nearest];
        if !nearest.takes_text() {
            scopes.push(Scope::Movement);
            if self.layers.is_empty() {
                scopes.push(Scope::Everywhere);
            }
        }
        scopes.push(Scope::Always);
        scopes
    }

    fn applies(&self, scope: Scope, action: Action) -> bool {
        match scope {
            Scope::Movement | Scope::Everywhere => true,
            Scope::Always => action != Action::Palette || self.layers.is_empty(),
            _ => match self.layers.last() {
                Some(layer) => layer.applies(action),
                None => self.front_pane().applies(action, &self.shared),
            },
        }
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Intent> {
        let press = KeyPress::of(key);
        let scopes = self.scopes();
        let found = self.keymap.find(press, &scopes, |scope, action| self.applies(scope, action));
        match found {
            Some((_, action)) => self.act(action),
            None if scopes.first().is_some_and(|scope| scope.takes_text()) => {
                match self.layers.last_mut() {
                    Some(layer) => {
                        layer.type_key(key);
                        Vec::new()
                    }
                    None => self.with_front(|pane, context| pane.type_key(key, context)),
                }
            }
            None => Vec::new(),
        }
    }

    fn paste(&mut self, text: &str) -> Vec<Intent> {
        if !self.scopes().first().is_some_and(|scope| scope.takes_text()) {
            return Vec::new();
        }
        match self.layers.last_mut() {
            Some(layer) => {
                layer.paste(text);
                Vec::new()
            }
            None => self.with_front(|pane, context| pane.paste(text, context)),
        }
    }

    fn act(&mut self, action: Action) -> Vec<Intent> {
        match action {
            Action::Quit => return self.quit(),
            Action::Suspend => return vec![Intent::Terminal(TerminalEffect::Suspend)],
            Action::Redraw => return vec![Intent::Terminal(TerminalEffect::Redraw)],
            Action::Show(pane) => return vec![Intent::Show(pane)],
            Action::Help => {
                let help = Help::new(self.front_pane().scope(), &self.keymap);
                self.layers.push(Layer::Help(help));
                return Vec::new();
            }
            Action::Palette => {
                let scopes = self.scopes();
                let rows = self
                    .keymap
                    .rows()
                    .filter(|row| {
                        scopes.contains(&row.scope) && self.applies(row.scope, row.action)
                    })
                    .copied()
                    .collect();
                self.layers.push(Layer::Palette(Palette::new(rows, &self.keymap)));
                return Vec::new();
            }
            _ => {}
        }
        if action == Action::Copy || self.layers.is_empty() {
            return self.with_front(|pane, context| pane.act(action, context));
        }
        self.act_on_layer(action)
    }

    fn act_on_layer(&mut self, action: Action) -> Vec<Intent> {
        let Some(mut layer) = self.layers.pop() else { return Vec::new() };
        let mut context = Context::new(&mut self.shared);
        let stay = layer.act(action, &mut context);
        let mut intents = context.intents;
        intents.extend(self.settle(layer, stay));
        intents
    }

    /// Puts a layer back, or does what its end asks for.
    fn settle(&mut self, layer: Layer, stay: Stay) -> Vec<Intent> {
        match stay {
            Stay::Open => {
                self.layers.push(layer);
                Vec::new()
            }
            Stay::OpenAnd(action) => {
                self.layers.push(layer);
                self.with_front(|pane, context| pane.act(action, context))
            }
            Stay::Closed => Vec::new(),
            Stay::ClosedThen(action) => self.act(action),
            Stay::Entered(EntryPurpose::EvaluationSet, text) => {
                let set = match text.trim() {
                    "" => SetChoice::BuiltIn,
                    path => SetChoice::File(expanded(path)),
                };
                vec![Intent::UseSet(set)]
            }
            Stay::Entered(EntryPurpose::TrainingFile, text) => match text.trim() {
                "" => Vec::new(),
                path => vec![Intent::Train(crate::driver::TrainingMaterial::File(expanded(path)))],
            },
            Stay::Entered(EntryPurpose::SystemPrompt, text) => {
                self.tasks.set_system_prompt(&text);
                Vec::new()
            }
            Stay::Entered(EntryPurpose::Search, text) => {
                let mut context = Context::new(&mut self.shared);
                self.sessions.search(&text, &mut context);
                context.intents
            }
            Stay::Entered(EntryPurpose::ComparePrompt, text) => {
                let mut context = Context::new(&mut self.shared);
                self.compare.ask(&text, &mut context);
                context.intents
            }
        }
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
            None if self.panes().iter().any(|pane| pane.is_moving()) => {
                QuestionAbout::QuitWhileWorking
            }
            None => return vec![Intent::Terminal(TerminalEffect::Quit)],
        };
        self.layers.push(Layer::Question(Question::new(about)));
        Vec::new()
    }

    fn report(&mut self, report: &Report) -> Vec<Intent> {
        let mut intents = Vec::new();
        match report {
            Report::Model(report) => self.model(report),
            Report::Adapters(adapters) => {
                self.shared.adapters = adapters
                    .iter()
                    .filter(|adapter| adapter.damaged.is_none())
                    .map(|adapter| adapter.name.clone())
                    .collect();
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
                Intent::Push(layer) => self.layers.push(*layer),
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

    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame) {
        let area = frame.area();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let words = format!(
                "Kaizen needs {} columns and {} rows; here are {} and {}.",
                SMALLEST.0, SMALLEST.1, area.width, area.height
            );
            let lines: Vec<Line> = super::widgets::wrap(&words, area.width.into())
                .into_iter()
                .map(Line::from)
                .collect();
            frame.render_widget(Paragraph::new(lines), area);
            return;
        }
        let [top, middle, bottom] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
                .areas(area);
        self.draw_tabs(frame, top);
        let taken = self.layers.iter().map(|layer| layer.rows_taken(middle)).max().unwrap_or(0);
        let pane = Rect { height: middle.height.saturating_sub(taken), ..middle };
        self.front_pane().draw(frame, pane, &self.shared);
        for layer in &self.layers {
            layer.draw(frame, middle, &self.shared);
        }
        self.draw_footer(frame, bottom);
    }

    fn draw_tabs(&self, frame: &mut Frame, area: Rect) {
        let theme = &self.shared.theme;
        let mut spans = self.tabs(usize::from(area.width));
        let used: usize = spans.iter().map(|span| span.content.width()).sum();
        // A space on either side.
        let room = usize::from(area.width).saturating_sub(used + 2);
        let (words, style) = match &self.shared.model {
            ModelState::Ready(facts) => (super::widgets::elide(&facts.name, room), theme.dim),
            ModelState::Coming(words, share) => {
                let share = share.map(|s| format!(" {:.0} %", s * 100.0)).unwrap_or_default();
                let words = super::widgets::elide(words, room.saturating_sub(share.width()));
                (super::widgets::elide(&(words + &share), room), theme.warning)
            }
            ModelState::Failed(_) => (super::widgets::elide("no model", room), theme.bad),
        };
        let gap = room.saturating_sub(words.width());
        spans.push(Span::raw(" ".repeat(gap + 1)));
        spans.push(Span::styled(words, style));
        frame.render_widget(Line::from(spans), area);
    }

    /// The panes by number, with as much around them as leaves room for the model's state.
    fn tabs(&self, width: usize) -> Vec<Span<'static>> {
        const MODEL: usize = 11;
        let theme = &self.shared.theme;
        let front = self.shared.front;
        let moving = |pane| match pane {
            PaneName::Training if self.shared.training.is_some() => "●",
            PaneName::Experiments if self.experiments.is_moving() => "●",
            _ => "",
        };
        let style = |pane| if pane == front { theme.selected } else { theme.text };
        let panes = || PaneName::ALL.into_iter().enumerate();
        let wide = panes().map(|(place, pane)| {
            Span::styled(format!(" {}{} {} ", place + 1, moving(pane), pane.title()), style(pane))
        });
        let wide: Vec<_> =
            std::iter::once(Span::styled(" kaizen ", theme.accent)).chain(wide).collect();
        let close = |titles: &dyn Fn(PaneName) -> bool| -> Vec<Span<'static>> {
            panes()
                .flat_map(|(place, pane)| {
                    let title =
                        if titles(pane) { format!(" {}", pane.title()) } else { String::new() };
                    let tab = format!("{}{}{title}", place + 1, moving(pane));
                    [Span::raw(" "), Span::styled(tab, style(pane))]
                })
                .collect()
        };
        let used = |spans: &[Span]| spans.iter().map(|span| span.content.width()).sum::<usize>();
        if used(&wide) + MODEL < width {
            return wide;
        }
        let all = close(&|_| true);
        if used(&all) + MODEL < width { all } else { close(&|pane| pane == front) }
    }

    fn draw_footer(&self, frame: &mut Frame, area: Rect) {
        let theme = &self.shared.theme;
        if let Some((notice, _)) = &self.notice {
            let (mark, style) = match notice.kind {
                NoticeKind::Done => ("✓", theme.good),
                NoticeKind::Wrong => ("!", theme.bad),
            };
            let text =
                super::widgets::elide(&notice.text, usize::from(area.width).saturating_sub(4));
            frame.render_widget(Line::styled(format!(" {mark} {text}"), style), area);
            return;
        }
        let scopes = self.scopes();
        let mut spans = Vec::new();
        let mut used = 0;
        for scope in scopes {
            for row in self.keymap.rows().filter(|row| row.scope == scope) {
                let Some(hint) = row.hint.filter(|_| self.applies(scope, row.action)) else {
                    continue;
                };
                let key = self.keymap.first_key(row.name);
                // A hint that names its keys itself, such as `1-5 stars`.
                let key = if hint.starts_with(char::is_numeric) { String::new() } else { key };
                let width = key.width() + hint.width() + 3;
                if used + width > usize::from(area.width) {
                    continue;
                }
                used += width;
                spans.push(Span::styled(format!(" {key}"), theme.accent));
                spans.push(Span::styled(format!(" {hint} "), theme.dim));
            }
        }
        frame.render_widget(Line::from(spans), area);
    }
}

fn complaint(text: String) -> Intent {
    Intent::Notice(Notice { text, kind: NoticeKind::Wrong })
}

/// `~/` at the beginning of a path is the home folder, as in a shell.
fn expanded(path: &str) -> std::path::PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
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
