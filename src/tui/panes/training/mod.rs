//! Training: what will be learned, shown before it starts; the run while it goes on, and what came of
//! it; earlier runs beside it.
//!
//! Owns which run is shown and what the keys do to it. Knows nothing of how training works: that is the
//! desk's.

mod figures;
mod live;
mod preview;
mod runs;
mod taken_out;
#[cfg(test)]
mod tests;
mod view;

use self::live::{Live, Phase, Trainer};
use self::preview::Preview;
use self::runs::Runs;
use crate::driver::{Effect, Report, RunSummary, TrainingMaterial, WorkEvent, WorkId};
use crate::report::TakenOut;
use crate::store::plain_line;
use crate::tui::action::{Action, Scope};
use crate::tui::layers::{Entry, EntryPurpose, Layer, Question, QuestionAbout};
use crate::tui::pane::{Context, Intent, Pane, Shared, TerminalEffect};
use crate::tui::widgets::curve::Smoothing;
use crate::tui::widgets::{ChartWindow, Curves, LossHistory, Move};
use crate::workplace::Event;
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

/// What is in front.
#[derive(Debug, Default)]
enum Stage {
    /// The run and those before it.
    #[default]
    Runs,
    /// What is to be learned is gathered; the words say how far that is.
    Gathering { work: WorkId, words: String },
    /// It is shown and waits for a word.
    Preview { work: WorkId, preview: Box<Preview> },
}

/// The fourth screen.
#[derive(Debug, Default)]
pub struct TrainingPane {
    stage: Stage,
    live: Option<Live>,
    runs: Runs,
    smoothing: Smoothing,
    /// Which part of the curve is seen.
    chart: ChartWindow,
    /// The run that the curve is of.
    charted: Option<String>,
    /// Why nothing could be gathered.
    refused: Option<String>,
    /// The run that a question on screen is about.
    asked: Option<String>,
}

impl TrainingPane {
    /// Gathers what is to be learned, to be looked at before it starts.
    pub fn prepare(&mut self, material: TrainingMaterial, context: &mut Context) {
        if let Some(live) = self.under_way() {
            let run = &live.run;
            return context.complain_with_keys(&format!(
                "{run} is training: <pause> pauses it, <stop-training> stops it for good"
            ));
        }
        self.put_away(context);
        self.refused = None;
        let work = context.new_work();
        self.stage = Stage::Gathering { work, words: "waiting for the model".into() };
        context.perform(Effect::PrepareTraining { work, material });
    }

    /// Forgets what was gathered or is being gathered.
    fn put_away(&mut self, context: &mut Context) {
        match std::mem::take(&mut self.stage) {
            Stage::Runs => {}
            Stage::Gathering { work, .. } => context.perform(Effect::Cancel(work)),
            Stage::Preview { work, .. } => context.perform(Effect::DiscardTraining(work)),
        }
    }

    /// A run is trained, here or by another process.
    pub fn trains(&self) -> bool {
        self.under_way().is_some()
    }

    /// Asks whoever trains the run to keep a checkpoint and stop.
    fn ask_for_end(live: &Live, context: &mut Context) {
        match live.trainer {
            Trainer::Here(work) => context.perform(Effect::Cancel(work)),
            Trainer::Elsewhere(_) => context.perform(Effect::PauseRun(live.run.clone())),
        }
    }

    /// The runs were listed: one may be trained by another process now, or no more.
    fn look_elsewhere(&mut self, context: &mut Context) {
        let found = |run: &RunSummary| run.trainer.filter(|trainer| !trainer.is_here());
        // Its folder was removed: nothing came of it.
        self.live.take_if(|live| {
            live.is_elsewhere() && live.is_under_way() && self.runs.find(&live.run).is_none()
        });
        if let Some(live) = self.live.as_mut().filter(|live| live.is_elsewhere())
            && live.is_under_way()
            && let Some(run) = self.runs.find(&live.run)
        {
            match found(run) {
                Some(holder) => {
                    live.trainer = Trainer::Elsewhere(holder);
                    live.catch_up(&run.metrics);
                }
                None => {
                    live.ended_elsewhere(run);
                    if let Phase::Ended(_) = live.phase {
                        self.over(context);
                    }
                }
            }
        }
        if self.under_way().is_none()
            && let Some((run, holder)) =
                self.runs.list.iter().find_map(|run| Some((run, found(run)?)))
        {
            self.live = Some(Live::elsewhere(run, holder));
        }
        self.tell_shared(context);
    }

    fn under_way(&self) -> Option<&Live> {
        self.live.as_ref().filter(|live| live.is_under_way())
    }

    /// The run that `p` goes on with.
    fn resumable(&self) -> Option<&str> {
        if let Some(live) = &self.live {
            let again = match live.phase {
                Phase::Paused => true,
                Phase::Failed(_) => self.runs.find(&live.run).is_some_and(|run| run.resumable),
                Phase::Stopped | Phase::Ended(_) => false,
                Phase::Starting | Phase::Training | Phase::Pausing | Phase::Stopping => {
                    return None;
                }
            };
            if again {
                return Some(&live.run);
            }
        }
        self.runs.resumable().map(|run| run.name.as_str())
    }

    /// The run that `x` stops for good.
    fn stoppable(&self) -> Option<&str> {
        match &self.live {
            Some(live)
                if matches!(live.phase, Phase::Starting | Phase::Training | Phase::Pausing) =>
            {
                Some(&live.run)
            }
            Some(live) if live.is_under_way() => None,
            _ => self.resumable(),
        }
    }

    /// The run whose curve is shown.
    fn shown(&self) -> Option<&str> {
        match &self.live {
            Some(live) => Some(&live.run),
            None => self.runs.selected().map(|run| run.name.as_str()),
        }
    }

    /// The curve on screen.
    fn curves(&self) -> Option<Curves<'_>> {
        let shown = self.shown()?;
        let overlay = self.runs.overlay().filter(|run| run.name != shown);
        let overlay =
            overlay.and_then(|run| Some((run.name.as_str(), self.runs.course(&run.name)?)));
        let (history, steps, empty) = match &self.live {
            Some(live) if live.is_under_way() => {
                (&live.history, live.steps, "the curve begins with the first step")
            }
            Some(live) => (&live.history, live.steps, "no step was done"),
            None => (self.runs.course(shown)?, self.runs.selected()?.steps, "no step was done"),
        };
        let window = Some(&self.chart);
        Some(Curves { history, steps, overlay, smoothing: self.smoothing, window, empty })
    }

    /// Moves what is seen of the curve.
    fn move_chart(&mut self, what: Move) {
        if let Some(extent) = self.curves().map(|curves| curves.extent()) {
            self.chart.act(what, extent);
        }
    }

    /// Another run's curve begins as a whole.
    fn settle_chart(&mut self) {
        if self.shown() != self.charted.as_deref() {
            self.charted = self.shown().map(str::to_owned);
            self.chart.begin_anew();
        }
    }

    fn start(&mut self, context: &mut Context) {
        match std::mem::take(&mut self.stage) {
            Stage::Preview { work, preview } => {
                let facts = preview.facts();
                self.live =
                    Some(Live::new(work, facts.run.clone(), facts.steps, LossHistory::default()));
                context.perform(Effect::StartTraining(work));
                self.tell_shared(context);
            }
            other => self.stage = other,
        }
    }

    fn pause_or_go_on(&mut self, context: &mut Context) {
        if let Some(live) = self.live.as_mut().filter(|live| live.is_under_way()) {
            if matches!(live.phase, Phase::Starting | Phase::Training) {
                live.phase = Phase::Pausing;
                Self::ask_for_end(live, context);
            }
            return;
        }
        let Some(run) = self.resumable().map(str::to_owned) else { return };
        let work = context.new_work();
        let known = self.live.take().filter(|live| live.run == run);
        let (steps, history) = match (known, self.runs.find(&run)) {
            (Some(live), _) => (live.steps, live.history),
            (None, Some(found)) => {
                (found.steps, self.runs.course(&run).cloned().unwrap_or_default())
            }
            (None, None) => (0, LossHistory::default()),
        };
        self.live = Some(Live::new(work, run.clone(), steps, history));
        context.perform(Effect::ResumeTraining { work, run });
        self.tell_shared(context);
    }

    fn ask_to_stop(&mut self, context: &mut Context) {
        let Some(run) = self.stoppable().map(str::to_owned) else { return };
        self.asked = Some(run.clone());
        let paused = self.under_way().is_none();
        context.push(Layer::Question(Question::new(QuestionAbout::StopTraining { run, paused })));
    }

    fn stop_for_good(&mut self, context: &mut Context) {
        let Some(run) = self.asked.take() else { return };
        if let Some(live) = self.live.as_mut().filter(|live| live.run == run) {
            match live.phase {
                Phase::Starting | Phase::Training => {
                    live.phase = Phase::Stopping;
                    Self::ask_for_end(live, context);
                }
                Phase::Pausing => live.phase = Phase::Stopping,
                Phase::Paused | Phase::Failed(_) => live.phase = Phase::Stopped,
                // It came to its end while the question stood.
                Phase::Stopping | Phase::Stopped | Phase::Ended(_) => return,
            }
        }
        context.perform(Effect::AbandonRun(run));
    }

    fn work(&mut self, work: WorkId, event: &WorkEvent, context: &mut Context) {
        match &mut self.stage {
            Stage::Gathering { work: gathering, words } if *gathering == work => match event {
                WorkEvent::Started => *words = "gathering examples".into(),
                WorkEvent::Prepared(found) => {
                    let preview = Box::new(Preview::new((**found).clone()));
                    self.stage = Stage::Preview { work, preview };
                }
                WorkEvent::Failed(why) => {
                    self.refused = Some(plain_line(why));
                    self.stage = Stage::Runs;
                }
                WorkEvent::Cancelled => self.stage = Stage::Runs,
                WorkEvent::Progress(Event::Note(note)) => *words = plain_line(note),
                _ => {}
            },
            _ => {}
        }
        let Some(live) = self.live.as_mut().filter(|live| live.is_work(work)) else {
            let waits = matches!(&self.stage, Stage::Preview { work: shown, .. } if *shown == work);
            if matches!(event, WorkEvent::Prepared(_)) && !waits {
                // Gathered after somebody gave it up: nobody will start it.
                context.perform(Effect::DiscardTraining(work));
            }
            return;
        };
        // Gathering ends under the same name before training begins.
        if live.report(event) {
            self.over(context);
        }
        self.tell_shared(context);
    }

    /// The run has ended, one way or another.
    fn over(&self, context: &mut Context) {
        context.perform(Effect::ListRuns);
        let Some(live) = &self.live else { return };
        match &live.phase {
            Phase::Ended(trained) => {
                context.perform(Effect::ListAdapters);
                if let Some(adapter) = &trained.adapter {
                    context.say_with_keys(&format!(
                        "{adapter} is trained: <show-compare> compares it with base"
                    ));
                }
            }
            Phase::Failed(_) => {
                let run = &live.run;
                context.complain_with_keys(&format!("{run} has failed: <show-training> shows why"));
            }
            _ => {}
        }
    }

    fn tell_shared(&self, context: &mut Context) {
        let here = self.under_way().filter(|live| !live.is_elsewhere());
        context.shared.training = here.map(|live| (live.run.clone(), live.done(), live.steps));
    }

    /// What `Ctrl-Y` copies: the adapter or run in front.
    fn copied(&self) -> Option<String> {
        match (&self.stage, &self.live) {
            (Stage::Preview { preview, .. }, _) => Some(preview.facts().run.clone()),
            (_, Some(Live { phase: Phase::Ended(trained), .. })) => {
                trained.adapter.clone().or_else(|| Some(trained.run.clone()))
            }
            _ => self.shown().map(str::to_owned),
        }
    }
}

/// What an action does to the chart.
fn chart_move(action: Action) -> Option<Move> {
    Some(match action {
        Action::ChartMode => Move::NextMode,
        Action::ZoomIn => Move::ZoomIn,
        Action::ZoomOut => Move::ZoomOut,
        Action::Earlier => Move::Earlier,
        Action::Later => Move::Later,
        Action::Left => Move::CursorLeft,
        Action::Right => Move::CursorRight,
        Action::CursorPageLeft => Move::CursorPageLeft,
        Action::CursorPageRight => Move::CursorPageRight,
        _ => return None,
    })
}

impl Pane for TrainingPane {
    fn scope(&self) -> Scope {
        match self.stage {
            Stage::Runs => Scope::Training,
            Stage::Gathering { .. } | Stage::Preview { .. } => Scope::TrainingPreview,
        }
    }

    fn applies(&self, action: Action, _: &Shared) -> bool {
        match (&self.stage, action) {
            (Stage::Runs, Action::Train | Action::TrainFromFile) => self.under_way().is_none(),
            (Stage::Runs, Action::Pause) => match self.under_way() {
                Some(live) => matches!(live.phase, Phase::Starting | Phase::Training),
                None => self.resumable().is_some(),
            },
            (Stage::Runs, Action::Stop) => self.stoppable().is_some(),
            (Stage::Runs, Action::Overlay) => self.runs.selected().is_some_and(|run| {
                let live = self.live.as_ref().is_some_and(|live| live.run == run.name);
                !live && !run.metrics.is_empty()
            }),
            (Stage::Runs, Action::Smoothing) => self.shown().is_some(),
            (Stage::Runs, Action::Search) => !self.runs.list.is_empty(),
            (Stage::Runs, Action::Back) => {
                self.chart.is_changed() || !self.runs.searched().is_empty()
            }
            (Stage::Runs, action) if chart_move(action).is_some() || action == Action::LogAxis => {
                self.curves().is_some_and(|curves| !curves.history.is_empty())
            }
            (Stage::Preview { .. }, Action::Confirm) => true,
            (Stage::Preview { preview, .. }, Action::Left | Action::Right) => {
                preview.facts().samples.len() > 1
            }
            (Stage::Gathering { .. } | Stage::Preview { .. }, Action::Back) => true,
            _ => false,
        }
    }

    fn act(&mut self, action: Action, context: &mut Context) {
        match action {
            Action::Train => context.intents.push(Intent::Train(TrainingMaterial::Failed)),
            Action::TrainFromFile => {
                context.push(Layer::Entry(Entry::new(EntryPurpose::TrainingFile, "")));
            }
            Action::Confirm => self.start(context),
            Action::Back if matches!(self.stage, Stage::Runs) => match self.chart.is_changed() {
                true => self.move_chart(Move::Back),
                false => self.runs.search(""),
            },
            Action::Back => self.put_away(context),
            Action::LogAxis => self.chart.scale = self.chart.scale.other(),
            Action::Pause => self.pause_or_go_on(context),
            Action::Stop => self.ask_to_stop(context),
            Action::Yes => self.stop_for_good(context),
            Action::Overlay => self.runs.toggle_overlay(),
            Action::Smoothing => self.smoothing = self.smoothing.next(),
            Action::Copy => match self.copied() {
                Some(text) => {
                    context.say(format!("copied: {text}"));
                    context.terminal(TerminalEffect::Copy(text));
                }
                None => context.complain("there is nothing to copy here yet"),
            },
            moved => match &mut self.stage {
                Stage::Runs => match chart_move(moved) {
                    Some(what) => self.move_chart(what),
                    None => self.runs.act(moved),
                },
                Stage::Preview { preview, .. } => preview.act(moved),
                Stage::Gathering { .. } => {}
            },
        }
        self.settle_chart();
    }

    fn type_key(&mut self, _: KeyEvent, _: &mut Context) {}

    fn paste(&mut self, _: &str, _: &mut Context) {}

    fn report(&mut self, report: &Report, context: &mut Context) {
        match report {
            Report::Runs(runs) => {
                self.runs.set(runs.clone());
                self.look_elsewhere(context);
            }
            Report::RunSteps { run, steps, elapsed, memory_mib } => {
                if let Some(live) = self.live.as_mut()
                    && live.is_elsewhere()
                    && live.run == *run
                {
                    live.followed(steps, *elapsed, *memory_mib);
                }
            }
            Report::Failed { what: "pause the run", .. } => {
                if let Some(live) = self.live.as_mut().filter(|live| live.is_elsewhere())
                    && matches!(live.phase, Phase::Pausing | Phase::Stopping)
                {
                    live.phase = Phase::Training;
                }
            }
            Report::Work { work, event } => self.work(*work, event, context),
            _ => {}
        }
        self.settle_chart();
    }

    fn search(&mut self, words: &str, _: &mut Context) {
        self.runs.search(words);
    }

    fn searched(&self) -> &str {
        self.runs.searched()
    }

    fn select(&mut self, place: usize, _: &mut Context) -> bool {
        self.runs.select(place)
    }

    fn opened(&mut self, context: &mut Context) {
        context.perform(Effect::ListRuns);
    }

    fn edited(&mut self, _: &str, _: &mut Context) {}

    fn is_moving(&self) -> bool {
        matches!(self.stage, Stage::Gathering { .. }) || self.under_way().is_some()
    }

    fn is_working(&self) -> bool {
        self.is_moving() && !self.under_way().is_some_and(Live::is_elsewhere)
    }

    fn taken_out(&self, _: &Shared) -> Option<TakenOut> {
        self.taken()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        match &self.stage {
            Stage::Runs => view::draw(self, frame, area, shared),
            Stage::Gathering { words, .. } => view::draw_gathering(words, frame, area, shared),
            Stage::Preview { preview, .. } => preview.draw(frame, area, shared),
        }
    }
}
