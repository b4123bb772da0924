//! Promote, canary, roll back: the evidence is asked for, shown, and done at a yes. Changes of who answers are
//! told wherever the person is.

use super::evidence::Service;
use crate::adapters::{By, Change};
use crate::driver::{Effect, ServiceState};
use crate::store::plain_line;
use crate::tui::layers::{Layer, Question, QuestionAbout, RouteOrder};
use crate::tui::pane::{Context, PaneName, Shared};
use crate::tui::panes::outcome::Fact;

/// What the person wants, and what happened without them.
#[derive(Debug, Default)]
pub(super) struct Routing {
    /// Waits for the evidence.
    wanted: Option<RouteOrder>,
    /// A change that happened by itself.
    pub(super) news: Option<String>,
    /// Nobody has looked at it yet.
    pub(super) unread: bool,
    /// Kept back while arms are hidden: it names them.
    held: Option<String>,
}

impl Routing {
    /// Asks for the evidence, to show it with the question.
    pub(super) fn want(&mut self, order: RouteOrder, context: &mut Context) {
        let candidate = match &order {
            RouteOrder::Promote(arm) | RouteOrder::Canary(arm) => Some(arm.clone()),
            RouteOrder::RollBack => None,
        };
        context.perform(Effect::Service { candidate });
        self.wanted = Some(order);
    }

    /// The person comes to look; what they saw last time is gone.
    pub(super) fn seen(&mut self) {
        if !std::mem::take(&mut self.unread) {
            self.news = None;
        }
    }

    /// The person has gone on to something else.
    pub(super) fn forget(&mut self) {
        self.wanted = None;
    }

    /// The evidence is there: puts the question, or says why there is nothing to ask.
    pub(super) fn ask(
        &mut self,
        service: &Service,
        pair: Option<&[String; 2]>,
        context: &mut Context,
    ) {
        let Some(state) = &service.state else { return };
        let Some(order) = self.wanted.take_if(|order| is_of(state, order)) else { return };
        if context.shared.front != PaneName::Compare || context.shared.layered {
            return;
        }
        match question(&order, service, state, pair, context.shared) {
            Ok(words) => {
                let about = QuestionAbout::Route { order, words };
                context.push(Layer::Question(Question::new(about)));
            }
            Err(why) => context.complain(why),
        }
    }

    /// Tells of a change; while arms are hidden only that there is one, and when the rest is told.
    pub(super) fn changed(&mut self, change: &Change, until: Option<&str>, context: &mut Context) {
        let words = plain_line(&change.announcement());
        if change.by == By::Automatic {
            self.news = Some(words.clone());
            self.unread = context.shared.front != PaneName::Compare;
        } else {
            self.news = None;
            self.unread = false;
        }
        match until {
            Some(until) => {
                self.held = Some(words);
                context.say(format!("Who answers tasks has changed; how, you are told {until}."));
            }
            None => context.say(words),
        }
    }

    /// No replay is on screen any more: what was kept back may be told.
    pub(super) fn release(&mut self, context: &mut Context) {
        if let Some(words) = self.held.take() {
            context.say(words);
        }
    }
}

/// The report is about what was asked.
fn is_of(state: &ServiceState, order: &RouteOrder) -> bool {
    match order {
        RouteOrder::RollBack => true,
        RouteOrder::Promote(arm) | RouteOrder::Canary(arm) => {
            arm == "base" || state.standing.as_ref().is_some_and(|s| s.candidate == *arm)
        }
    }
}

/// What is asked, or why it cannot be.
fn question(
    order: &RouteOrder,
    service: &Service,
    state: &ServiceState,
    pair: Option<&[String; 2]>,
    shared: &Shared,
) -> Result<String, String> {
    let routing = &state.routing;
    let (first, about) = match order {
        RouteOrder::Promote(arm) if routing.share(arm) >= 1.0 => {
            return Err(format!("{arm} answers everything already"));
        }
        RouteOrder::Canary(arm) if routing.active == *arm => {
            let key = shared.keymap.key("roll-back");
            return Err(format!("{arm} is the active arm; {key} rolls it back"));
        }
        RouteOrder::RollBack if !state.can_roll_back => {
            return Err("there is nothing to roll back to".into());
        }
        RouteOrder::Promote(arm) => {
            (format!("{arm} answers everything from now on?"), service.standing(arm))
        }
        RouteOrder::Canary(arm) => (
            format!(
                "{arm} answers {:.0} % of the tasks from now on, {} the rest?",
                100.0 * shared.config.routing.canary,
                routing.active
            ),
            service.standing(arm),
        ),
        RouteOrder::RollBack => (
            "Back to who answered before the adapter that came last?".into(),
            state.standing.as_ref(),
        ),
    };
    let mut facts: Vec<Fact> = vec![("now", routing.describe())];
    if let Some(standing) = about {
        facts.extend(service.evidence(standing, &shared.keymap));
        if let Some([reference, _]) = pair
            && *reference != standing.reference
            && *order != RouteOrder::RollBack
        {
            facts.push(("note", format!("pairs against {reference} are not among these")));
        }
    }
    let warning = about.filter(|_| *order != RouteOrder::RollBack);
    let warning = warning.and_then(|standing| service.warning(standing));
    let mut words = plain_line(&first);
    if let Some(warning) = warning {
        words.push_str(&format!(" {warning}"));
    }
    words.push('\n');
    for (label, text) in facts {
        words.push_str(&format!("\n{label}: {}", plain_line(&text)));
    }
    Ok(words)
}
