//! What goes on beyond this process: another dashboard that owns the home, and a run that is left to a
//! process of its own.

use super::{App, complaint};
use crate::driver::Effect;
use crate::store::{Filter, Holder, plain_line};
use crate::tui::pane::{Intent, ModelState, Notice, NoticeKind, TerminalEffect};
use crate::tui::widgets::elide;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

impl App {
    /// What is said on the terminal after the dashboard has left it.
    pub fn farewell(&self) -> Option<&str> {
        self.farewell.as_deref()
    }

    /// Rows above the panes that say whose home it is.
    pub(super) fn owner_rows(&self) -> u16 {
        u16::from(self.shared.owner.is_some())
    }

    pub(super) fn draw_owner(&self, frame: &mut Frame, area: Rect) {
        let Some(owner) = self.shared.owner else { return };
        let words = format!(
            " Another dashboard{} owns this home; this one follows until it ends",
            owner.in_brackets()
        );
        let words = elide(&words, area.width.into());
        frame.render_widget(Line::styled(words, self.shared.theme.warning), area);
    }

    /// The home has got this owner, or (none) belongs to this dashboard from now on.
    pub(super) fn owned(&mut self, owner: Option<Holder>) -> Vec<Intent> {
        let before = std::mem::replace(&mut self.shared.owner, owner);
        match (before, owner) {
            (_, Some(_)) => {
                let why = "another dashboard has the model; this one only follows".to_owned();
                self.shared.model = ModelState::Failed(why);
                Vec::new()
            }
            (Some(_), None) => {
                self.shared.model = ModelState::Coming("starting".into(), None);
                let text = "the other dashboard has ended: this one owns the home now".into();
                vec![
                    Intent::Notice(Notice { text, kind: NoticeKind::Done }),
                    Intent::Do(Effect::LoadModel),
                    Intent::Do(Effect::ListAdapters),
                    Intent::Do(Effect::ListRuns),
                    Intent::Do(Effect::ListSessions(Filter::default())),
                ]
            }
            (None, None) => Vec::new(),
        }
    }

    /// The run goes on in a process of its own: nothing is left to do here.
    pub(super) fn left_behind(&mut self, run: &str, process: u32) -> Vec<Intent> {
        self.farewell = Some(format!(
            "{} goes on in the background as process {process}; `kaizen` shows it, and can pause it.",
            plain_line(run)
        ));
        vec![Intent::Terminal(TerminalEffect::Quit)]
    }

    pub(super) fn recovered(words: &str) -> Intent {
        complaint(plain_line(words))
    }
}
