//! Taking what the front pane shows out into a file: under which name, as which kind, and what if there is one
//! already.

use super::{App, complaint};
use crate::adapters::AdapterSummary;
use crate::driver::Effect;
use crate::report::{Format, Table, TakenOut, endings};
use crate::store::plain_line;
use crate::tui::layers::{Entry, EntryPurpose, Layer, Question, QuestionAbout};
use crate::tui::pane::{Intent, Notice, NoticeKind, PaneName, TerminalEffect};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl App {
    /// What the pane in front shows, with the adapters beside it where it is about them.
    fn taken_out(&self) -> Option<TakenOut> {
        let mut what = self.front_pane().taken_out(&self.shared)?;
        let about_adapters = matches!(self.shared.front, PaneName::Training | PaneName::Compare);
        if about_adapters && !self.listed.is_empty() {
            what.others.push(("adapters.csv", adapters(&self.listed)));
        }
        Some(what)
    }

    /// Asks for the file's name.
    pub(super) fn export(&mut self) -> Vec<Intent> {
        let Some(what) = self.taken_out() else {
            return vec![complaint("there is nothing to export here".into())];
        };
        self.ask_where(what.file_name(), Arc::new(what));
        Vec::new()
    }

    fn ask_where(&mut self, name: String, what: Arc<TakenOut>) {
        let mut words = format!("Into {}", self.shared.places.shown(&self.shared.places.folder));
        words.push_str(match what.formats() {
            [_] => ", as a table: .csv.",
            _ => "; its ending says as what: .svg, .png, .csv.",
        });
        let others: Vec<&str> = what.others.iter().map(|(name, _)| *name).collect();
        if !others.is_empty() {
            words.push_str(&format!(" Also: {}.", others.join(", ")));
        }
        let entry = Entry::with_words(EntryPurpose::ExportFile, &name, words);
        self.exporting = Some(what);
        self.layers.push(Layer::Entry(entry));
    }

    /// The name was entered.
    pub(super) fn export_to(&mut self, name: &str) -> Vec<Intent> {
        let Some(what) = self.exporting.take() else { return Vec::new() };
        let name = name.trim();
        if name.is_empty() {
            return Vec::new();
        }
        let path = self.shared.places.folder(name);
        match Format::of(&path) {
            Some(format) if what.formats().contains(&format) => {
                vec![Intent::Do(Effect::Export { what, path, replace: false })]
            }
            _ => {
                let why = format!("not written: a file of this ends in {}", endings(&what));
                self.ask_where(name.to_owned(), what);
                vec![complaint(why)]
            }
        }
    }

    /// It is on disk.
    pub(super) fn exported(&self, files: &[PathBuf]) -> Intent {
        let shown = |path: &Path| self.shared.places.shown(path);
        let text = match files {
            [only] => format!("written: {}", shown(only)),
            [first, others @ ..] => {
                format!("written: {} and {} more beside it", shown(first), others.len())
            }
            [] => "there was nothing to write".into(),
        };
        Intent::Notice(Notice { text, kind: NoticeKind::Done })
    }

    /// There is a file of that name: asks before it is replaced.
    pub(super) fn ask_to_replace(
        &mut self,
        what: &Arc<TakenOut>,
        path: &Path,
        there: &Path,
    ) -> Intent {
        let about = QuestionAbout::ReplaceFile {
            what: what.clone(),
            path: path.to_owned(),
            shown: self.shared.places.shown(there),
        };
        Intent::Push(Box::new(Layer::Question(Question::new(about))))
    }

    /// The table of what is shown, for the clipboard.
    pub(super) fn copy_table(&self) -> Vec<Intent> {
        match self.taken_out() {
            Some(what) if !what.table.rows.is_empty() => {
                let text = format!("copied a table of {} rows", what.table.rows.len());
                vec![
                    Intent::Terminal(TerminalEffect::Copy(what.table.tab_separated())),
                    Intent::Notice(Notice { text, kind: NoticeKind::Done }),
                ]
            }
            _ => vec![complaint("there is no table to copy here".into())],
        }
    }
}

fn adapters(listed: &[AdapterSummary]) -> Table {
    let mut table = Table::new(&[
        "adapter",
        "state",
        "base",
        "created",
        "parent",
        "examples",
        "last loss",
        "verdict",
        "own work",
        "damaged",
    ]);
    let text = |text: &Option<String>| text.as_deref().map(plain_line).unwrap_or_default();
    for adapter in listed {
        table.push([
            plain_line(&adapter.name),
            adapter.state.as_str().to_owned(),
            text(&adapter.base),
            text(&adapter.created),
            text(&adapter.parent),
            adapter.examples.map(|count| count.to_string()).unwrap_or_default(),
            adapter.last_loss.map(|loss| format!("{loss:.6}")).unwrap_or_default(),
            text(&adapter.verdict),
            text(&adapter.own_work),
            text(&adapter.damaged),
        ]);
    }
    table
}
