//! Which adapters are offered: those that are sound and were trained for the loaded model.

use super::App;
use crate::adapters::AdapterSummary;
use crate::tui::pane::{Intent, ModelState, Notice, NoticeKind};
use crate::workplace::ArmChoice;

impl App {
    /// Offers the adapters that are sound and fit the loaded model, and says which do not fit; true when
    /// those offered have changed.
    pub(super) fn offer_fitting(&mut self, intents: &mut Vec<Intent>) -> bool {
        let fits = |adapter: &AdapterSummary| match &self.shared.model {
            ModelState::Ready(facts) => {
                adapter.belongs_to(Some(&facts.sha256), Some(&facts.name)) != Some(false)
            }
            ModelState::Coming(..) | ModelState::Failed(_) => true,
        };
        let sound = self.listed.iter().filter(|adapter| adapter.damaged.is_none());
        let (fitting, unfit): (Vec<&AdapterSummary>, Vec<_>) = sound.partition(|a| fits(a));
        let offered: Vec<String> = fitting.iter().map(|adapter| adapter.name.clone()).collect();
        let unfit: Vec<(String, String)> = unfit
            .iter()
            .map(|adapter| (adapter.name.clone(), adapter.base.clone().unwrap_or_default()))
            .collect();
        let shared = &mut self.shared;
        let changed = shared.adapters != offered;
        let newly = shared.unfit != unfit;
        (shared.adapters, shared.unfit) = (offered, unfit);
        if let ArmChoice::Adapter(name) = &shared.arm
            && shared.unfit.iter().any(|(unfit, _)| unfit == name)
        {
            shared.arm = ArmChoice::Auto;
        }
        if let Some(words) = shared.unfit_words().filter(|_| newly) {
            intents.push(Intent::Notice(Notice { text: words, kind: NoticeKind::Done }));
        }
        changed
    }
}
