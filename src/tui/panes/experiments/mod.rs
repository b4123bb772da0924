//! Experiments: rounds of improvement and experiments, started, watched and gone on with; what came of
//! those before, and what adapters cost elsewhere.
//!
//! Owns what is selected, what runs, and what the keys do to it. How examples are made, and what is
//! better, is decided elsewhere.

mod arm_chart;
mod choosing;
mod experiment_view;
mod live;
mod live_view;
mod pace;
mod round_view;
mod sentinels;
mod sentinels_view;
mod taken_out;
#[cfg(test)]
pub mod tests;
mod tried;
mod view;
mod words;

use self::choosing::{COUNT, Choosing, SEEDS};
use self::live::{Live, LiveExperiment, LiveRound, Of};
use self::sentinels::{Answers, Sentinels};
use self::tried::{Row, Tried, What};
use crate::driver::{Effect, ExperimentOrder, ImproveOrder, Report, WorkEvent};
use crate::experiments::Experiment;
use crate::report::TakenOut;
use crate::store::plain_line;
use crate::tui::action::{Action, Scope};
use crate::tui::hits::Part;
use crate::tui::layers::{Entry, EntryPurpose, Layer, Question, QuestionAbout};
use crate::tui::pane::{Context, Pane, Shared, TerminalEffect, set_name};
use crate::tui::theme::Theme;
use crate::tui::widgets::{Scroll, duration};
use crate::workplace::{ArmChoice, SetChoice};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

/// What is in front.
#[derive(Debug, Default)]
enum Stage {
    #[default]
    List,
    /// Which experiment is to be started.
    Choosing(Choosing),
    Sentinels,
}

/// What a question on screen is about.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Round,
    Experiment(Experiment),
    Stop,
}

/// Work that came to nothing.
#[derive(Debug)]
struct Failure {
    /// The round's or experiment's; none where it had no folder yet.
    name: Option<String>,
    why: String,
}

/// The sixth screen.
#[derive(Debug)]
pub struct ExperimentsPane {
    stage: Stage,
    tried: Tried,
    /// What runs now.
    live: Option<Live>,
    /// What is selected has the pane for itself.
    large: bool,
    /// Of what is selected.
    scroll: Scroll,
    sentinels: Sentinels,
    /// What a round starts from; none is base.
    adapter: Option<String>,
    /// Of the last work, where it came to nothing.
    failed: Option<Failure>,
    asked: Option<Asked>,
}

impl Default for ExperimentsPane {
    fn default() -> Self {
        Self {
            stage: Stage::default(),
            tried: Tried::default(),
            live: None,
            large: false,
            scroll: Scroll::at_top(),
            sentinels: Sentinels::default(),
            adapter: None,
            failed: None,
            asked: None,
        }
    }
}

impl ExperimentsPane {
    fn rows(&self) -> Vec<Row<'_>> {
        self.tried.rows(self.live.as_ref().map(Live::key))
    }

    fn selected(&self) -> Option<Row<'_>> {
        let rows = self.rows();
        rows.get(self.tried.place(&rows)).copied()
    }

    fn shows_live(&self) -> bool {
        let live = self.live.as_ref().map(Live::key);
        live.is_some() && self.selected().map(|row| row.name) == live
    }

    /// The last work failed, and it was this.
    fn has_failed(&self, name: &str) -> bool {
        self.failed.as_ref().is_some_and(|failure| failure.name.as_deref() == Some(name))
    }

    /// The selected one, where it was stopped and nothing else runs.
    fn resumable(&self) -> Option<Row<'_>> {
        let stopped = |row: &Row| row.is_unfinished() && row.elsewhere.is_none();
        self.selected().filter(|row| self.live.is_none() && stopped(row))
    }

    /// Seconds that an arm took under a seed in the last experiment; none before the first.
    fn seconds_each(&self) -> Option<f64> {
        let records = self.tried.stored.experiments.iter();
        let each = |record: &crate::experiments::ExperimentRecord| {
            let trainings: usize = record.arms.iter().map(|arm| arm.seeds.len()).sum();
            (trainings > 0).then(|| record.setup.seconds / trainings as f64)
        };
        records.filter(|record| record.ended.is_some()).find_map(each)
    }

    fn ask_to_improve(&mut self, context: &mut Context) {
        let last = self
            .tried
            .stored
            .rounds
            .iter()
            .find_map(|round| round.result.as_ref().filter(|result| result.adapter.is_some()));
        let time = match last {
            Some(last) => format!("about {}, as the last one", duration(last.seconds)),
            None => "many minutes, most of them measuring, and longest the first time".into(),
        };
        let words = format!(
            "Improve {} on {}?\n\nOne round: it is measured, examples are made for what is weak, an adapter is \
             trained on the good ones, and the gate decides. That takes {time}. It may run while you do \
             other things, and can be stopped and gone on with. The decision spends a share of what \
             this held-out set may decide.",
            plain_line(self.adapter.as_deref().unwrap_or("base")),
            set_name(&context.shared.set),
        );
        self.asked = Some(Asked::Round);
        context.push(Layer::Question(Question::new(QuestionAbout::StartWork(words))));
    }

    fn ask_to_experiment(&mut self, context: &mut Context) {
        let Stage::Choosing(choosing) = &self.stage else { return };
        let experiment = choosing.selected();
        let words = choosing::question(experiment, context.shared, self.seconds_each());
        self.asked = Some(Asked::Experiment(experiment));
        context.push(Layer::Question(Question::new(QuestionAbout::StartWork(words))));
    }

    fn ask_to_stop(&mut self, context: &mut Context) {
        let Some(live) = self.live.as_ref().filter(|live| !live.stopping) else { return };
        let what = match (&live.name, &live.of) {
            (Some(name), _) => plain_line(name),
            (None, Of::Round(_)) => "the round".into(),
            (None, Of::Experiment(_)) => "the experiment".into(),
        };
        self.asked = Some(Asked::Stop);
        context.push(Layer::Question(Question::new(QuestionAbout::StopWork(what))));
    }

    /// The question on screen was answered with yes.
    fn confirmed(&mut self, context: &mut Context) {
        match self.asked.take() {
            None => {}
            Some(Asked::Stop) => {
                if let Some(live) = self.live.as_mut().filter(|live| !live.stopping) {
                    live.stopping = true;
                    context.perform(Effect::Cancel(live.work));
                }
            }
            // Nothing else was begun while the question stood: keys went to it alone.
            Some(Asked::Round) => {
                let order = ImproveOrder {
                    set: context.shared.set.clone(),
                    arm: self.adapter.clone().map_or(ArmChoice::Base, ArmChoice::Adapter),
                    iterations: 1,
                    count: None,
                };
                let of = Of::Round(Box::default());
                self.begin(None, of, context, |work| Effect::Improve { work, order });
            }
            Some(Asked::Experiment(experiment)) => {
                let set = context.shared.set.clone();
                let order = ExperimentOrder { experiment, set, seeds: SEEDS, count: COUNT };
                let of = Of::Experiment(Box::default());
                self.begin(None, of, context, |work| Effect::RunExperiment { work, order });
            }
        }
    }

    fn resume(&mut self, context: &mut Context) {
        let Some(row) = self.resumable() else { return };
        let name = row.name.to_owned();
        if matches!(row.what, What::Round(_)) {
            let (of, round) = (Of::Round(Box::<LiveRound>::default()), name.clone());
            self.begin(Some(name), of, context, |work| Effect::ResumeRound { work, round });
        } else {
            let of = Of::Experiment(Box::<LiveExperiment>::default());
            let experiment = name.clone();
            self.begin(Some(name), of, context, |work| Effect::ResumeExperiment {
                work,
                experiment,
            });
        }
    }

    fn begin(
        &mut self,
        name: Option<String>,
        of: Of,
        context: &mut Context,
        effect: impl FnOnce(crate::driver::WorkId) -> Effect,
    ) {
        let work = context.new_work();
        self.stage = Stage::List;
        self.failed = None;
        self.scroll = Scroll::at_top();
        self.tried.select(name.clone());
        self.live = Some(Live::new(work, name, of, &context.shared.now));
        context.perform(effect(work));
    }

    fn work(&mut self, event: &WorkEvent, context: &mut Context) {
        let was_shown = self.shows_live();
        let Some(live) = &mut self.live else { return };
        if live.event(event, &context.shared.now) {
            context.perform(Effect::ListExperiments);
        }
        if was_shown {
            let name = Some(live.key().to_owned()).filter(|name| !name.is_empty());
            self.tried.select(name);
        }
        if !event.is_final() {
            return;
        }
        let name = live.name.take();
        self.live = None;
        self.scroll = Scroll::at_top();
        match event {
            WorkEvent::Improved(results) => {
                context.perform(Effect::ListAdapters);
                if let Some(last) = results.last() {
                    let words = format!("{}: {}", last.round, last.decision.as_str());
                    context.say(plain_line(&words));
                }
            }
            WorkEvent::Experimented(record) => {
                let verdict = record.verdict.map_or("no verdict", |claim| claim.as_str());
                context.say(plain_line(&format!("{}: {verdict}", record.name)));
            }
            WorkEvent::Cancelled => context.say_with_keys(&match name {
                Some(name) => {
                    format!("{} was stopped: <resume> goes on with it", plain_line(&name))
                }
                None => "stopped before it had begun".into(),
            }),
            WorkEvent::Failed(why) => {
                self.failed = Some(Failure { name, why: plain_line(why) });
                if context.shared.front != crate::tui::pane::PaneName::Experiments {
                    context.complain_with_keys(
                        "the work on an experiment has failed: <show-experiments> shows why",
                    );
                }
            }
            _ => {}
        }
        context.perform(Effect::ListExperiments);
    }

    fn move_in_list(&mut self, action: Action) {
        let live = self.live.as_ref().map(Live::key);
        if self.tried.act(action, live) {
            self.scroll = Scroll::at_top();
        }
    }

    fn back(&mut self, context: &mut Context) {
        match self.stage {
            Stage::Choosing(_) => self.stage = Stage::List,
            Stage::Sentinels if self.sentinels.opened.is_some() => self.sentinels.opened = None,
            Stage::Sentinels if !self.sentinels.words.is_empty() => self.search("", context),
            Stage::Sentinels => self.stage = Stage::List,
            Stage::List if self.large => self.large = false,
            Stage::List if !self.tried.words.is_empty() => self.search("", context),
            Stage::List => self.ask_to_stop(context),
        }
    }

    fn copy(&self, context: &mut Context) {
        /// Columns of a copied text.
        const WIDTH: usize = 100;
        let theme = Theme::default();
        let text = |lines: Vec<ratatui::text::Line>| {
            let lines = lines.iter().map(|line| line.to_string().trim_end().to_owned());
            lines.collect::<Vec<_>>().join("\n")
        };
        let copied = match (&self.stage, &self.sentinels.opened) {
            (Stage::Sentinels, Some(opened)) => match &opened.answers {
                Answers::Here(pairs) => text(sentinels_view::answer_lines(pairs, WIDTH, &theme)),
                Answers::Coming | Answers::Failed(_) => String::new(),
            },
            (Stage::Sentinels, None) => {
                self.taken().map(|what| what.table.tab_separated()).unwrap_or_default()
            }
            _ => self
                .selected()
                .map(|row| {
                    let failed = self.has_failed(row.name);
                    text(view::lines(&row, failed, WIDTH, &theme, &context.shared.keymap))
                })
                .unwrap_or_default(),
        };
        if copied.is_empty() {
            return context.complain("there is nothing to copy here yet");
        }
        context.terminal(TerminalEffect::Copy(copied));
        context.say("copied");
    }
}

impl Pane for ExperimentsPane {
    fn scope(&self) -> Scope {
        match self.stage {
            Stage::List => Scope::Experiments,
            Stage::Choosing(_) => Scope::ExperimentChoice,
            Stage::Sentinels => Scope::Sentinels,
        }
    }

    fn applies(&self, action: Action, shared: &Shared) -> bool {
        match (&self.stage, action) {
            (Stage::Choosing(_), Action::Search) => false,
            (Stage::Sentinels, Action::Search) => {
                self.sentinels.opened.is_none() && !self.tried.stored.sentinels.rows.is_empty()
            }
            (Stage::Choosing(_), _) => true,
            (Stage::Sentinels, Action::Open) => {
                self.sentinels.can_open(&self.sentinels.shown(&self.tried.stored.sentinels))
            }
            (Stage::Sentinels, Action::Left | Action::Right) => self.sentinels.opened.is_none(),
            (Stage::Sentinels, _) => true,
            (Stage::List, Action::Improve | Action::NewExperiment) => self.live.is_none(),
            (Stage::List, Action::Resume) => self.resumable().is_some(),
            (Stage::List, Action::Stop) => self.live.as_ref().is_some_and(|live| !live.stopping),
            (Stage::List, Action::Open) => self.selected().is_some(),
            (Stage::List, Action::Left | Action::Right) => self.large,
            (Stage::List, Action::ChooseArm) => !shared.adapters.is_empty(),
            (Stage::List, Action::Search) => !self.large && self.tried.has_any(),
            (Stage::List, Action::Back) => {
                self.large
                    || !self.tried.words.is_empty()
                    || self.live.as_ref().is_some_and(|live| !live.stopping)
            }
            (Stage::List, _) => true,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        match action {
            Action::Improve => self.ask_to_improve(context),
            Action::NewExperiment => self.stage = Stage::Choosing(Choosing::default()),
            Action::Confirm => self.ask_to_experiment(context),
            Action::Yes => self.confirmed(context),
            Action::Resume => self.resume(context),
            Action::Stop => self.ask_to_stop(context),
            Action::Back => self.back(context),
            Action::Sentinels => {
                self.stage = match self.stage {
                    Stage::Sentinels => Stage::List,
                    _ => Stage::Sentinels,
                };
            }
            Action::ChooseArm => {
                self.adapter = context.shared.adapter_after(self.adapter.as_deref());
                context.say_unfit();
            }
            Action::ChooseSet => {
                let present = match &context.shared.set {
                    SetChoice::BuiltIn => String::new(),
                    SetChoice::File(path) => path.display().to_string(),
                };
                context.push(Layer::Entry(Entry::new(EntryPurpose::EvaluationSet, &present)));
            }
            Action::Copy => self.copy(context),
            action => match &mut self.stage {
                Stage::Choosing(choosing) => choosing.act(action),
                Stage::Sentinels => {
                    let matrix = self.sentinels.shown(&self.tried.stored.sentinels);
                    match action {
                        Action::Open => self.sentinels.open(&matrix, context),
                        moved => self.sentinels.act(moved, &matrix),
                    }
                }
                Stage::List => match action {
                    Action::Open => {
                        self.large = !self.large && self.selected().is_some();
                        self.scroll = Scroll::at_top();
                    }
                    Action::Left | Action::Right if !self.large => {}
                    Action::PageUp | Action::PageDown | Action::HalfUp | Action::HalfDown => {
                        self.scroll.act(action);
                    }
                    Action::Up | Action::Down | Action::First | Action::Last if self.large => {
                        self.scroll.act(action);
                    }
                    moved => self.move_in_list(moved),
                },
            },
        }
    }

    fn type_key(&mut self, _: KeyEvent, _: &mut Context) {}

    fn paste(&mut self, _: &str, _: &mut Context) {}

    fn report(&mut self, report: &Report, context: &mut Context) {
        match report {
            Report::Work { work, event }
                if self.live.as_ref().is_some_and(|live| live.work == *work) =>
            {
                self.work(event, context);
            }
            Report::Experiments(stored) => self.tried.set(stored.clone()),
            // Said in the footer; there is nothing to wait for.
            Report::Failed { what: "list the experiments", .. } => self.tried.known = true,
            Report::Adapters(_) => {
                let adapters = &context.shared.adapters;
                self.adapter = self.adapter.take().filter(|name| adapters.contains(name));
            }
            report => self.sentinels.report(report),
        }
    }

    fn opened(&mut self, context: &mut Context) {
        context.perform(Effect::ListExperiments);
        context.perform(Effect::ListAdapters);
    }

    fn search(&mut self, words: &str, _: &mut Context) {
        if matches!(self.stage, Stage::Sentinels) {
            words.trim().clone_into(&mut self.sentinels.words);
            return;
        }
        let before = self.selected().map(|row| row.name.to_owned());
        self.tried.words = words.trim().to_owned();
        if self.selected().map(|row| row.name) != before.as_deref() {
            self.scroll = Scroll::at_top();
        }
    }

    fn searched(&self) -> &str {
        match self.stage {
            Stage::Sentinels => &self.sentinels.words,
            _ => &self.tried.words,
        }
    }

    fn select(&mut self, place: usize, _: &mut Context) -> bool {
        match &mut self.stage {
            Stage::Choosing(choosing) => choosing.select(place),
            Stage::Sentinels => {
                let matrix = self.sentinels.shown(&self.tried.stored.sentinels);
                self.sentinels.select(place, &matrix)
            }
            Stage::List => {
                let rows = self.rows();
                let was_selected = self.tried.place(&rows) == place;
                let name = rows.get(place).map(|row| row.name.to_owned());
                if !was_selected {
                    self.tried.select(name);
                    self.scroll = Scroll::at_top();
                }
                was_selected
            }
        }
    }

    fn scroll(&mut self, part: Part, action: Action, context: &mut Context) {
        match (&self.stage, part) {
            (Stage::List, Part::Right) => {
                self.scroll.act(action);
            }
            _ => self.act(action, context),
        }
    }

    fn edited(&mut self, _: &str, _: &mut Context) {}

    fn is_moving(&self) -> bool {
        self.live.is_some()
    }

    fn taken_out(&self, _: &Shared) -> Option<TakenOut> {
        self.taken()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        view::draw(self, frame, area, shared);
    }
}
