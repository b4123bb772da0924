//! Who answers tasks and what is known of the adapter on trial, as the parts of the pane and the questions
//! say it. Decides nothing.

use crate::adapters::{AdapterSummary, State};
use crate::driver::ServiceState;
use crate::eval::promotion::{ArmRecord, Finding, PairCounts};
use crate::store::plain_line;
use crate::tui::keymap::Keymap;
use crate::tui::pane::Shared;
use crate::tui::panes::outcome::Fact;
use crate::workplace::own_work::{FEWEST_CORRECTIONS, Proof};
use crate::workplace::service::OnTrial;

/// The last report on service, and the adapters with their states.
#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) state: Option<Box<ServiceState>>,
    adapters: Vec<(String, State)>,
}

impl Service {
    pub(super) fn list(&mut self, adapters: &[AdapterSummary]) {
        self.adapters =
            adapters.iter().map(|adapter| (adapter.name.clone(), adapter.state)).collect();
    }

    /// Whoever was promoted last; base before anything is known.
    pub(super) fn active(&self) -> &str {
        self.state.as_ref().map_or("base", |state| &state.routing.active)
    }

    /// No task is given to any other arm.
    pub(super) fn answers_everything(&self, arm: &str) -> bool {
        self.state.as_ref().is_some_and(|state| state.routing.share(arm) >= 1.0)
    }

    /// What an adapter is now, in a word.
    fn state_of(&self, adapter: &str) -> &'static str {
        let known = self.adapters.iter().find(|(name, _)| name == adapter);
        known.map_or(State::Candidate, |(_, state)| *state).as_str()
    }

    /// What is known of an adapter, if that was asked.
    pub(super) fn standing(&self, candidate: &str) -> Option<&OnTrial> {
        let standing = self.state.as_ref()?.standing.as_ref()?;
        (standing.candidate == candidate).then_some(standing)
    }

    /// The pairs of these two arms, if those were asked for.
    pub(super) fn pairs(&self, [reference, candidate]: &[String; 2]) -> Option<PairCounts> {
        let standing = self.standing(candidate)?;
        (standing.reference == *reference).then_some(standing.evidence.pairs)
    }

    /// Corrections are held back to decide, so that the person's own work can be asked.
    pub(super) fn own_work_decides(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.held_back > 0)
    }

    /// Why the person's own work cannot be asked; none when it can, or nothing is known.
    pub(super) fn unproven(&self) -> Option<String> {
        let state = self.state.as_ref().filter(|state| state.held_back == 0)?;
        Some(match state.corrections {
            0 => format!(
                "unproven: you have no corrections yet, and {FEWEST_CORRECTIONS} are needed"
            ),
            1 => format!("unproven: you have 1 correction, and {FEWEST_CORRECTIONS} are needed"),
            count if count < FEWEST_CORRECTIONS => {
                format!(
                    "unproven: you have {count} corrections, and {FEWEST_CORRECTIONS} are needed"
                )
            }
            count => format!(
                "unproven: none of your {count} corrections could be held back, since they are too much alike"
            ),
        })
    }

    /// A line over the parts: `active lora-v1 · canary lora-v2 10 %`.
    pub(super) fn line(&self) -> Option<String> {
        let routing = &self.state.as_ref()?.routing;
        let mut parts = vec![format!("active {}", plain_line(&routing.active))];
        for arm in routing.arms.iter().filter(|arm| arm.adapter != routing.active) {
            parts.push(format!("canary {} {:.0} %", plain_line(&arm.adapter), 100.0 * arm.share));
        }
        Some(parts.join(" · "))
    }

    /// Shares, states, and what is known of the adapter on trial.
    pub(super) fn facts(&self, candidate: Option<&str>, keymap: &Keymap) -> Vec<Fact> {
        let Some(state) = &self.state else { return Vec::new() };
        let mut facts = vec![("routing", plain_line(&state.routing.describe()))];
        if !self.adapters.is_empty() {
            let states: Vec<String> = self
                .adapters
                .iter()
                .map(|(name, state)| format!("{} {}", plain_line(name), state.as_str()))
                .collect();
            facts.push(("states", states.join(", ")));
        }
        match candidate.and_then(|candidate| self.standing(candidate)).or(state.standing.as_ref()) {
            Some(standing) => facts.extend(self.evidence(standing, keymap)),
            None => facts.push(("candidate", "none".into())),
        }
        facts
    }

    /// What speaks for and against an adapter, and what is missing.
    pub(super) fn evidence(&self, standing: &OnTrial, keymap: &Keymap) -> Vec<Fact> {
        let evidence = &standing.evidence;
        let (candidate, reference) =
            (plain_line(&standing.candidate), plain_line(&standing.reference));
        let missing = standing
            .missing()
            .map_or_else(|| "nothing: it may be promoted".into(), |missing| plain_line(&missing));
        let mut facts = vec![
            (self.state_of(&standing.candidate), format!("{candidate} against {reference}")),
            ("missing", missing),
            ("own work", self.proof(&standing.proof, keymap)),
            ("evidence", evidence.describe()),
        ];
        if evidence.unrated_difference().is_some() {
            let share = |arm: &ArmRecord| 100.0 * arm.unrated_share().unwrap_or_default();
            let verdict = match evidence.guard_holds() {
                true => "✓ the guard holds",
                false => "✗ the guard does not hold: people walk away from its answers",
            };
            facts.push((
                "guard",
                format!(
                    "left unrated in service: {candidate} {:.0} % of {}, {reference} {:.0} % of {}; {verdict}",
                    share(&evidence.candidate),
                    evidence.candidate.sessions(),
                    share(&evidence.reference),
                    evidence.reference.sessions(),
                ),
            ));
        }
        facts
    }

    fn proof(&self, proof: &Proof, keymap: &Keymap) -> String {
        match proof {
            Proof::Accepted => "✓ accepted by your own corrections".into(),
            Proof::NotAccepted(why) => format!("✗ {}", plain_line(why)),
            Proof::Unproven => {
                let asks = || format!("unproven: nobody has asked it ({})", keymap.key("judge"));
                self.unproven().unwrap_or_else(asks)
            }
        }
    }

    /// What follows for an adapter that pairs found to be better.
    pub(super) fn after_better(&self, candidate: &str, shared: &Shared) -> String {
        let routing = self.state.as_ref().map(|state| &state.routing);
        if routing.is_some_and(|routing| routing.share(candidate) >= 1.0) {
            return "It answers everything now; <roll-back> rolls it back.".into();
        }
        if !shared.config.routing.automatic {
            return "Nothing follows by itself, as you set it ([routing] automatic = false): <promote> \
                    promotes it."
                .into();
        }
        match self.standing(candidate).map(OnTrial::missing) {
            Some(Some(missing)) => format!(
                "It is not promoted by itself: {}. <promote> promotes it all the same, <canary> makes it a canary.",
                plain_line(&missing)
            ),
            _ => {
                "It is promoted by itself as soon as nothing else is missing; <promote> does it now.".into()
            }
        }
    }

    /// What follows for one that they found to be worse.
    pub(super) fn after_worse(&self, candidate: &str) -> String {
        let serves = self.state.as_ref().is_some_and(|state| state.routing.share(candidate) > 0.0);
        match serves {
            true => "It still answers tasks: <roll-back> rolls it back.".into(),
            false => "It answers no tasks of its own, and none are given to it.".into(),
        }
    }

    /// A finding that stands against what somebody is about to do, in words.
    pub(super) fn warning(&self, standing: &OnTrial) -> Option<&'static str> {
        match (standing.evidence.finding(), &standing.proof) {
            (Finding::Worse, _) => Some("The evidence says that it is worse."),
            (_, Proof::NotAccepted(_)) => Some("Your own corrections do not accept it."),
            _ => None,
        }
    }
}
