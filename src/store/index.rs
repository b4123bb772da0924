//! The index over the session files: quick lists, filters and search. Files are the truth; whatever
//! stands here can be rebuilt from them, and opening the index catches up with them.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use sha2::{Digest, Sha256};

use self::recovery::KeptAside;
use super::database;
use super::error::{Error, Result};
use super::home::Home;
use super::issue::Issue;
use super::logs::{self, Skipped};
use super::record::Outcome;
use super::session::Session;
use super::session_id::SessionId;
use super::stars::Stars;
use super::terminal_text::plain_line;

/// The index of one home.
#[derive(Debug)]
pub struct Index {
    connection: Connection,
    home: Home,
    path: PathBuf,
    /// The one before it, where that could not be used.
    aside: Option<KeptAside>,
    /// Sessions that were read since, where there is one.
    read_anew: usize,
}

/// A session as a list shows it. Texts are as stored: pass them through `plain` to show them.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSummary {
    pub id: SessionId,
    /// Local time, ISO 8601; empty when the file names none.
    pub started: String,
    pub task: String,
    pub stars: Option<Stars>,
    pub issues: Vec<Issue>,
    pub comment: Option<String>,
    /// The arm that answered; none for an imported session.
    pub arm: Option<String>,
    /// The adapter in the session's own words (its `lora_version`).
    pub adapter: Option<String>,
    pub corrected: bool,
    pub imported: bool,
    /// `running`, `finished`, `cancelled` or `failed`; none when the file does not say.
    pub outcome: Option<String>,
    /// When the rating last changed, whole microseconds; none for a session that is not rated, or was
    /// rated elsewhere.
    pub rated_at: Option<Timestamp>,
    /// The probability with which routing chose `arm`, in (0, 1].
    pub arm_probability: Option<f64>,
    /// Where there is a correction: a number that sessions with the same prompt share.
    pub asked: Option<i64>,
    /// It is a task that was carried out.
    pub acted: bool,
}

impl SessionSummary {
    /// It was drawn among several arms and is not rated yet, so which one answered stays hidden.
    pub fn is_blind(&self) -> bool {
        self.stars.is_none() && self.arm_probability.is_some_and(|probability| probability < 1.0)
    }
}

/// Which sessions to list; every condition given must hold. The default lists all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Words that must all stand in the id, task, comment or issues; case does not matter.
    pub text: Option<String>,
    /// The task word for word.
    pub task: Option<String>,
    pub at_least: Option<Stars>,
    pub at_most: Option<Stars>,
    pub rated: Option<bool>,
    /// Those whose rating changed at this time or later; a rating of unknown time is not among them.
    pub rated_since: Option<Timestamp>,
    pub issue: Option<Issue>,
    pub arm: Option<String>,
    pub corrected: Option<bool>,
    /// Those of act mode that say which actions would have been right.
    pub teaches_steps: Option<bool>,
    /// Those whose correction is another than that of a session with the same prompt, both rated so low.
    pub contradicting: Option<Stars>,
    pub imported: Option<bool>,
    /// At most this many, after skipping `offset`.
    pub limit: Option<usize>,
    pub offset: usize,
}

/// What catching up with the files found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Sessions read because they were new or had changed.
    pub read: usize,
    /// Sessions whose files are gone.
    pub removed: usize,
    /// Files that make no sense: not in the index, left untouched.
    pub damaged: Vec<Skipped>,
}

/// Size and time of a file, by which a change is noticed.
type Stamp = (i64, i64);

impl Index {
    /// Opens the index of `home` without looking at the files. One that cannot be used is kept aside, and a
    /// new one made; where nothing can be written it is in memory alone.
    pub fn open(home: &Home) -> Result<Self> {
        recovery::open(home)
    }

    fn over(connection: Connection, home: &Home, aside: Option<KeptAside>) -> Self {
        Self { connection, home: home.clone(), path: home.database(), aside, read_anew: 0 }
    }

    /// That the index was made anew, and what was recovered, in words; none where it was as it should be.
    /// Ask after the first refresh.
    pub fn recovered(&self) -> Option<String> {
        self.aside.as_ref().map(|aside| aside.words(self.read_anew))
    }

    /// Enters the session as it stands in its file, or replaces what stood here. Save the file first.
    pub fn upsert(&self, session: &Session) -> Result<()> {
        let row = IndexRow::of(session, self.stamp(session)?);
        insert(&self.connection, &row).map_err(|error| self.told(error))
    }

    /// Enters many sessions in one commit.
    pub(super) fn enter(&mut self, rows: &[IndexRow]) -> Result<()> {
        let told = |error| database::explain(&self.path, error);
        let transaction = self.connection.transaction().map_err(told)?;
        for row in rows {
            insert(&transaction, row).map_err(told)?;
        }
        transaction.commit().map_err(told)
    }

    /// Catches up with the files: reads those that are new or have another size or time than when
    /// they were last read, and forgets those that are gone.
    pub fn refresh(&mut self) -> Result<Refreshed> {
        let mut known = stamps(&self.connection).map_err(|error| self.told(error))?;
        self.catch_up(&mut known, Look::Everywhere, &mut |_, _| {})
    }

    /// Rebuilds the index from the files. `progress` is told sessions done and in all.
    pub fn reindex(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<Refreshed> {
        self.catch_up(&mut HashMap::new(), Look::Anew, progress)
    }

    /// Brings the index, and `known` with it, in step with the files; on a full disk an index in memory, so
    /// that reading goes on.
    fn catch_up(
        &mut self,
        known: &mut HashMap<String, Stamp>,
        look: Look,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Refreshed> {
        match self.caught_up(known, look, progress) {
            Err(Error::DiskFull { .. }) => {
                self.connection = database::open_in_memory()?;
                known.clear();
                self.caught_up(known, Look::Everywhere, progress)
            }
            done => done,
        }
    }

    fn caught_up(
        &mut self,
        known: &mut HashMap<String, Stamp>,
        look: Look,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Refreshed> {
        let told = |error| database::explain(&self.path, error);
        let names = logs::names(&self.home.logs())?;
        // Nothing is locked before the first change.
        let transaction = self.connection.transaction().map_err(told)?;
        if look == Look::Anew {
            transaction.execute("DELETE FROM session", []).map_err(told)?;
        }
        let mut refreshed = Refreshed::default();
        let mut changed = Vec::new();
        let mut here = HashSet::with_capacity(names.len());
        for (done, name) in names.iter().enumerate() {
            progress(done, names.len());
            let name = name.to_string_lossy();
            let present = known.get(name.as_ref()).copied();
            if look == Look::NamesAlone && present.is_some() {
                here.insert(name);
                continue;
            }
            match look_at(&self.home.logs(), &name, present) {
                Ok(Seen::Same) => {
                    here.insert(name);
                }
                Ok(Seen::Nothing) => {}
                Ok(Seen::Changed(session, stamp)) => {
                    insert(&transaction, &IndexRow::of(&session, stamp)).map_err(told)?;
                    refreshed.read += 1;
                    changed.push((name.clone().into_owned(), stamp));
                    here.insert(name);
                }
                Err(damaged) => refreshed.damaged.push(damaged),
            }
        }
        let gone: Vec<String> =
            known.keys().filter(|id| !here.contains(id.as_str())).cloned().collect();
        for id in &gone {
            transaction.execute("DELETE FROM session WHERE id = ?", [id]).map_err(told)?;
        }
        refreshed.removed = gone.len();
        transaction.commit().map_err(told)?;
        self.read_anew += refreshed.read;
        // Only now: what did not reach the index is not known.
        for id in &gone {
            known.remove(id);
        }
        known.extend(changed);
        progress(names.len(), names.len());
        Ok(refreshed)
    }

    /// The sessions that match, newest first.
    pub fn list(&self, filter: &Filter) -> Result<Vec<SessionSummary>> {
        let (conditions, mut values) = filter.conditions();
        let limit = filter.limit.map_or(-1, |limit| limit.min(i64::MAX as usize) as i64);
        values.push(Value::Integer(limit));
        values.push(Value::Integer(filter.offset.min(i64::MAX as usize) as i64));
        let query = format!(
            "SELECT id, started, task, stars, issues, comment, arm, adapter, corrected, imported, \
             outcome, rated_at, arm_probability, asked, acted FROM session WHERE {conditions} ORDER BY started DESC, id DESC LIMIT ? OFFSET ?"
        );
        let told = |error| self.told(error);
        let mut statement = self.connection.prepare_cached(&query).map_err(told)?;
        let rows = statement.query_map(params_from_iter(values), summary).map_err(told)?;
        rows.collect::<rusqlite::Result<_>>().map_err(told)
    }

    /// How many sessions match, whatever the filter's limit.
    pub fn count(&self, filter: &Filter) -> Result<usize> {
        let (conditions, values) = filter.conditions();
        let query = format!("SELECT count(*) FROM session WHERE {conditions}");
        self.connection
            .prepare_cached(&query)
            .and_then(|mut statement| {
                statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))
            })
            .map(|count| usize::try_from(count).unwrap_or(0))
            .map_err(|error| self.told(error))
    }

    fn stamp(&self, session: &Session) -> Result<Stamp> {
        file_stamp(&self.home, &session.session_id)
    }

    fn told(&self, error: rusqlite::Error) -> Error {
        database::explain(&self.path, error)
    }
}

impl Filter {
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["1"];
        let mut values = Vec::new();
        for word in self.text.iter().flat_map(|text| text.split_whitespace()) {
            conditions.push("instr(searched, ?)");
            values.push(Value::Text(word.to_lowercase()));
        }
        let mut number = |condition, value: i64| {
            conditions.push(condition);
            values.push(Value::Integer(value));
        };
        if let Some(stars) = self.at_least {
            number("stars >= ?", stars.get().into());
        }
        if let Some(stars) = self.at_most {
            number("stars <= ?", stars.get().into());
        }
        if let Some(rated) = self.rated {
            number("(stars IS NOT NULL) = ?", rated.into());
        }
        if let Some(since) = self.rated_since {
            number("rated_at >= ?", since.as_microsecond());
        }
        if let Some(corrected) = self.corrected {
            number("corrected = ?", corrected.into());
        }
        if let Some(teaches) = self.teaches_steps {
            number("teaches_steps = ?", teaches.into());
        }
        if let Some(imported) = self.imported {
            number("imported = ?", imported.into());
        }
        if let Some(stars) = self.contradicting {
            number("stars <= ?", stars.get().into());
            number(
                "EXISTS (SELECT 1 FROM session AS other WHERE other.asked = session.asked \
                 AND other.right_answer <> session.right_answer AND other.stars <= ?)",
                stars.get().into(),
            );
        }
        if let Some(task) = &self.task {
            conditions.push("task = ?");
            values.push(Value::Text(task.clone()));
        }
        if let Some(arm) = &self.arm {
            conditions.push("arm = ?");
            values.push(Value::Text(arm.clone()));
        }
        if let Some(issue) = &self.issue {
            conditions.push("EXISTS (SELECT 1 FROM json_each(issues) WHERE value = ?)");
            values.push(Value::Text(issue.words().to_owned()));
        }
        (conditions.join(" AND "), values)
    }
}

/// How closely the files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Which folders there are; a file that is known is not looked at.
    NamesAlone,
    /// Size and time of every file.
    Everywhere,
    /// Every file is read.
    Anew,
}

enum Seen {
    Same,
    /// A plain file, or a session's folder before its first word.
    Nothing,
    Changed(Box<Session>, Stamp),
}

/// Reads the session in the folder of that name unless its file is as known.
fn look_at(logs: &Path, name: &str, known: Option<Stamp>) -> Result<Seen, Skipped> {
    let folder = logs.join(name);
    let file = folder.join("session.json");
    let skipped = |why: String| Skipped { path: file.clone(), why };
    if let Err(error) = name.parse::<SessionId>() {
        return if folder.is_dir() { Err(skipped(error.to_string())) } else { Ok(Seen::Nothing) };
    }
    let stamp = match stamp(&file) {
        Ok(stamp) => stamp,
        // Its row, if there is one, goes with the file.
        Err(_) if !folder.is_dir() => return Ok(Seen::Nothing),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(skipped(Error::io("read", &file, error).to_string()));
        }
        Err(_) => {
            return match logs::names(&folder) {
                Ok(entries) if entries.is_empty() => Ok(Seen::Nothing),
                _ => Err(skipped("there is no session.json in this folder".into())),
            };
        }
    };
    if known == Some(stamp) {
        return Ok(Seen::Same);
    }
    match logs::read(&file) {
        Ok(session) => Ok(Seen::Changed(Box::new(session), stamp)),
        Err(Error::DamagedSession { why, .. }) => Err(skipped(why)),
        Err(other) => Err(skipped(other.to_string())),
    }
}

fn file_stamp(home: &Home, id: &SessionId) -> Result<Stamp> {
    let path = home.session_file(id);
    stamp(&path).map_err(|source| Error::io("read", &path, source))
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    let since = metadata.modified()?.duration_since(UNIX_EPOCH);
    let nanoseconds = since.map_or(0, |since| since.as_nanos().min(i64::MAX as u128) as i64);
    Ok((nanoseconds, metadata.len().min(i64::MAX as u64) as i64))
}

fn stamps(connection: &Connection) -> rusqlite::Result<HashMap<String, Stamp>> {
    let mut statement = connection.prepare("SELECT id, modified, size FROM session")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    rows.collect()
}

fn insert(connection: &Connection, row: &IndexRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO session (id, started, task, stars, issues, comment, arm, adapter, \
             corrected, imported, outcome, searched, modified, size, rated_at, arm_probability, \
             asked, right_answer, teaches_steps, acted) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params_from_iter(&row.0))?;
    Ok(())
}

/// What the index keeps of a session: little, so that many can wait for one commit.
#[derive(Debug)]
pub(super) struct IndexRow([Value; 20]);

impl IndexRow {
    /// Of a session that is saved in this home.
    pub fn saved(home: &Home, session: &Session) -> Result<Self> {
        Ok(Self::of(session, file_stamp(home, &session.session_id)?))
    }

    fn of(session: &Session, stamp: Stamp) -> Self {
        let metadata = &session.metadata;
        let record = session.kaizen.as_ref();
        let imported = session.is_imported();
        let routed = record.filter(|_| !imported);
        let rated_at = record.and_then(|record| record.ratings.last()).and_then(|last| last.at);
        let words: Vec<&str> = metadata.what_went_wrong.iter().map(Issue::words).collect();
        let searched = [session.session_id.as_str(), &metadata.task]
            .into_iter()
            .chain(metadata.feedback_comment.as_deref())
            .chain(metadata.what_went_wrong.iter().flat_map(|issue| [issue.words(), issue.slug()]))
            .collect::<Vec<_>>()
            .join("\n")
            .to_lowercase();
        let text = |text: Option<&str>| text.map(str::to_owned).into();
        let teaches_steps = !session.step_examples().is_empty();
        // A task that was carried out has many right ways: two corrections of it contradict nothing.
        let correction = record.and_then(|record| record.correction.as_ref());
        let correction = correction.filter(|_| !session.is_act());
        let asked = correction.map(|_| {
            let turns = session.prompt();
            let parts = turns.iter().flat_map(|turn| [turn.role.as_str(), turn.content.trim()]);
            hash(parts)
        });
        let outcome = record.and_then(|record| record.outcome.as_ref()).map(Outcome::as_str);
        Self([
            session.session_id.to_string().into(),
            session.started().map(|at| at.to_string()).unwrap_or_default().into(),
            metadata.task.clone().into(),
            metadata.user_rating.map(|stars| i64::from(stars.get())).into(),
            serde_json::Value::from(words).to_string().into(),
            text(metadata.feedback_comment.as_deref()),
            text(routed.and_then(|record| record.arm.as_deref())),
            text(metadata.lora_version.as_deref()),
            (teaches_steps || session.right_answer().is_some()).into(),
            imported.into(),
            text(outcome),
            searched.into(),
            stamp.0.into(),
            stamp.1.into(),
            rated_at.map(Timestamp::as_microsecond).into(),
            routed.and_then(|record| record.arm_probability).into(),
            asked.into(),
            correction.map(|correction| hash([correction.answer.trim()])).into(),
            teaches_steps.into(),
            session.is_act().into(),
        ])
    }
}

/// Texts as one number, to find equal ones by: SHA-256's first eight bytes.
fn hash<'t>(texts: impl IntoIterator<Item = &'t str>) -> i64 {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    i64::from_le_bytes(first)
}

fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    let wrong = |column, why: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
    };
    let id: String = row.get(0)?;
    let stars: Option<i64> = row.get(3)?;
    let issues: String = row.get(4)?;
    Ok(SessionSummary {
        id: id.parse().map_err(|error: Error| wrong(0, plain_line(&error.to_string())))?,
        started: row.get(1)?,
        task: row.get(2)?,
        stars: stars
            .map(Stars::try_from)
            .transpose()
            .map_err(|error| wrong(3, error.to_string()))?,
        issues: match issues.as_str() {
            "[]" => Vec::new(),
            some => serde_json::from_str(some).map_err(|error| wrong(4, error.to_string()))?,
        },
        comment: row.get(5)?,
        arm: row.get(6)?,
        adapter: row.get(7)?,
        corrected: row.get(8)?,
        imported: row.get(9)?,
        outcome: row.get(10)?,
        rated_at: row
            .get::<_, Option<i64>>(11)?
            .map(Timestamp::from_microsecond)
            .transpose()
            .map_err(|error| wrong(11, error.to_string()))?,
        arm_probability: row.get(12)?,
        asked: row.get(13)?,
        acted: row.get(14)?,
    })
}

mod adapters;
mod catalogue;
mod recovery;
#[cfg(test)]
mod tests;

pub use adapters::{AdapterRow, ArmStars};
pub use catalogue::Catalogue;
