//! A run's folder `runs/run_YYYYMMDD_HHMMSS/`: settings, examples, metrics and checkpoint, enough to
//! go on after the process is gone.

use super::{Error, Result, TrainSettings};
use crate::eval::{self, Example, FieldMap};
use crate::store::{self, Attempt, Holder, ProcessLock, atomic, folder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const RECORD: &str = "run.json";
/// Stands in a folder that was prepared and has not begun.
const PREPARED: &str = "prepared";
const EXAMPLES: &str = "examples.jsonl";
const WATCHED: &str = "watched.jsonl";
const METRICS: &str = "metrics.jsonl";
const LOCK: &str = "lock";
const PAUSE: &str = "pause";

/// What a run was started with, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub settings: TrainSettings,
    pub base_sha256: String,
    pub data_sha256: String,
    pub threads: usize,
    /// The adapter that training started from, if not a fresh one.
    pub parent: Option<String>,
    pub started: String,
    /// The adapter that came out, once the run has ended.
    pub adapter: Option<String>,
    /// Somebody stopped it for good: it is not offered again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abandoned: bool,
}

/// One step, as shown and stored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Counting from 1.
    pub step: usize,
    /// Mean over the step's trained tokens, in nats, before the update.
    pub loss: f64,
    pub lr: f64,
    /// Before clipping.
    pub grad_norm: f64,
    /// All tokens of the step, prompts included.
    pub tokens_per_second: f64,
    /// Mean score of the watched held-out examples before the first step, in the first step's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_before: Option<f64>,
    /// The same after this step's update, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_loss: Option<f64>,
}

/// Nobody looks so long at what is to be trained.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a new folder under `runs`, named by `time` (`YYYYMMDD_HHMMSS`), and writes what the run
    /// starts with. It is no run before it [begins](Self::begin): nobody but its maker finds it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(
        runs: &Path,
        time: &str,
        record: &RunRecord,
        examples: &[Example],
    ) -> Result<Self> {
        let path = folder::create_numbered(runs, &format!("run_{time}"))?;
        let run = Self { path };
        atomic::write(&run.path.join(PREPARED), b"")?;
        run.write_examples(EXAMPLES, examples)?;
        run.write_record(record)?;
        Ok(run)
    }

    fn write_examples(&self, name: &str, examples: &[Example]) -> Result<()> {
        let lines: String = examples
            .iter()
            .map(|example| serde_json::to_string(example).map(|line| line + "\n"))
            .collect::<Result<_, _>>()
            .map_err(|e| self.broken(name, e.to_string()))?;
        Ok(atomic::write(&self.path.join(name), lines.as_bytes())?)
    }

    /// Removes the folder of a run that never started.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(self) -> Result<()> {
        std::fs::remove_dir_all(&self.path).map_err(|e| self.broken("", e.to_string()))
    }

    /// It is looked at no more, it is trained.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn begin(&self) -> Result<()> {
        match std::fs::remove_file(self.path.join(PREPARED)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(self.broken(PREPARED, error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// It was begun, now or long ago.
    pub fn has_begun(&self) -> bool {
        !self.path.join(PREPARED).exists()
    }

    /// Removes what was prepared long ago by a process that died before it began.
    pub fn sweep(runs: &Path) {
        for run in Self::with_prepared(runs) {
            let mark = std::fs::metadata(run.path.join(PREPARED)).and_then(|mark| mark.modified());
            let age = mark.ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > FORGOTTEN) && run.trainer().is_none() {
                // It is tried again at the next one.
                let _ = run.remove();
            }
        }
    }

    /// Finds a run by its name, or by `last` the newest that was not given up.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn find(runs: &Path, name: &str) -> Result<Self> {
        let unknown = || Error::UnknownRun(name.to_owned());
        if name != "last" {
            let plain = name.starts_with("run_") && !name.contains(['/', '\\']);
            let path = runs.join(name);
            return Some(Self { path })
                .filter(|run| plain && run.path.join(RECORD).is_file() && run.has_begun())
                .ok_or_else(unknown);
        }
        let given_up = |run: &Self| run.record().is_ok_and(|record| record.abandoned);
        Self::all(runs).into_iter().find(|run| !given_up(run)).ok_or_else(unknown)
    }

    /// All runs, newest first.
    pub fn all(runs: &Path) -> Vec<Self> {
        let mut found = Self::with_prepared(runs);
        found.retain(Self::has_begun);
        found
    }

    /// All runs and what is prepared, newest first: what a look at the folder has to watch.
    pub fn with_prepared(runs: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
        let mut found: Vec<Self> = entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("run_"))
            .map(|entry| Self { path: entry.path() })
            .filter(|run| run.path.join(RECORD).is_file())
            .collect();
        found.sort_by_cached_key(|run| std::cmp::Reverse(folder::age_order(&run.name())));
        found
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn name(&self) -> String {
        self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Keeps other processes from training this run for as long as what is returned lives; a process that
    /// dies lets go. Whatever was asked of the one that trained it before is forgotten.
    ///
    /// # Errors
    /// When it is being trained.
    pub fn lock(&self) -> Result<ProcessLock> {
        match ProcessLock::take(&self.path.join(LOCK))? {
            Attempt::Taken(lock) => {
                let _ = std::fs::remove_file(self.path.join(PAUSE));
                Ok(lock)
            }
            Attempt::Held(holder) => {
                let who = match holder.is_here() {
                    true => "it is being trained already".into(),
                    false => format!("another process{} is training it", holder.in_brackets()),
                };
                Err(Error::CannotResume { run: self.name(), reason: who })
            }
        }
    }

    /// Who trains it now.
    pub fn trainer(&self) -> Option<Holder> {
        ProcessLock::holder(&self.path.join(LOCK))
    }

    /// When whoever trains it now began, or went on.
    pub fn training_since(&self) -> Option<SystemTime> {
        std::fs::metadata(self.path.join(LOCK)).ok()?.modified().ok()
    }

    /// Asks whoever trains it, in whichever process, to keep a checkpoint and stop. Without effect where
    /// nobody does.
    ///
    /// # Errors
    /// When the run's folder cannot be written.
    pub fn ask_to_pause(&self) -> Result<()> {
        Ok(atomic::write(&self.path.join(PAUSE), b"")?)
    }

    /// Somebody asked for a pause since the run was locked.
    pub fn is_asked_to_pause(&self) -> bool {
        self.path.join(PAUSE).exists()
    }

    pub fn record(&self) -> Result<RunRecord> {
        let text = self.text(RECORD)?;
        serde_json::from_str(&text).map_err(|e| self.broken(RECORD, format!("it is damaged ({e})")))
    }

    pub fn write_record(&self, record: &RunRecord) -> Result<()> {
        let text =
            serde_json::to_string_pretty(record).map_err(|e| self.broken(RECORD, e.to_string()))?;
        Ok(atomic::write(&self.path.join(RECORD), text.as_bytes())?)
    }

    pub fn examples(&self) -> Result<Vec<Example>> {
        Ok(eval::set::read(&self.path.join(EXAMPLES), &FieldMap::default())?)
    }

    /// Held-out examples that the run watches; none where it watches nothing.
    pub fn watched(&self) -> Result<Vec<Example>> {
        match self.path.join(WATCHED).exists() {
            true => Ok(eval::set::read(&self.path.join(WATCHED), &FieldMap::default())?),
            false => Ok(Vec::new()),
        }
    }

    pub fn write_watched(&self, examples: &[Example]) -> Result<()> {
        self.write_examples(WATCHED, examples)
    }

    /// The steps so far.
    pub fn metrics(&self) -> Result<Vec<StepMetrics>> {
        match self.path.join(METRICS).exists() {
            true => self.lines(METRICS),
            false => Ok(Vec::new()),
        }
    }

    /// The steps whose lines begin at byte `from` or later, and where the next line will begin. A file that
    /// has become shorter is read from its start.
    ///
    /// # Errors
    /// When the file cannot be read, or a line makes no sense.
    pub fn metrics_from(&self, from: u64) -> Result<(Vec<StepMetrics>, u64)> {
        let failed = |e: std::io::Error| store::Error::io("read", &self.path.join(METRICS), e);
        let mut file = match std::fs::File::open(self.path.join(METRICS)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok((Vec::new(), 0));
            }
            Err(error) => return Err(failed(error).into()),
        };
        let length = file.metadata().map_err(failed)?.len();
        let from = if length < from { 0 } else { from };
        let mut text = String::new();
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines = text.get(..whole).unwrap_or_default().lines();
        let steps = lines
            .map(|line| serde_json::from_str(line).map_err(|e| self.broken(METRICS, e.to_string())))
            .collect::<Result<_>>()?;
        Ok((steps, from + whole as u64))
    }

    pub fn append_metrics(&self, metrics: &StepMetrics) -> Result<()> {
        let line =
            serde_json::to_string(metrics).map_err(|e| self.broken(METRICS, e.to_string()))?;
        Ok(atomic::append_line(&self.path.join(METRICS), &line)?)
    }

    /// Forgets steps after `step`, which a resumed run does again.
    pub fn truncate_metrics(&self, step: usize) -> Result<Vec<StepMetrics>> {
        let kept: Vec<StepMetrics> =
            self.metrics()?.into_iter().filter(|m| m.step <= step).collect();
        let lines: String = kept
            .iter()
            .filter_map(|m| serde_json::to_string(m).ok())
            .map(|line| line + "\n")
            .collect();
        atomic::write(&self.path.join(METRICS), lines.as_bytes())?;
        Ok(kept)
    }

    fn text(&self, name: &str) -> Result<String> {
        std::fs::read_to_string(self.path.join(name)).map_err(|e| self.broken(name, e.to_string()))
    }

    /// The whole lines of a file; a last line that a crash cut off is passed over.
    fn lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let text = self.text(name)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .enumerate()
            .map(|(i, line)| {
                serde_json::from_str(line)
                    .map_err(|e| self.broken(name, format!("line {} is damaged ({e})", i + 1)))
            })
            .collect()
    }

    pub(super) fn broken(&self, name: &str, reason: String) -> Error {
        Error::RunFile { path: self.path.join(name), reason }
    }
}
