//! Reading and appending under a lock, and what is left of a write that was cut short.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::eval::error::{Error, Result};

/// The open, locked ledger. The lock goes with it.
pub struct LedgerFile {
    path: PathBuf,
    file: File,
    records: Vec<Record>,
    end: End,
}

/// How the file ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// After a line's end, or empty.
    Whole,
    /// After a whole record whose line end is missing.
    Unterminated,
    /// Within a record.
    Cut,
}

impl LedgerFile {
    /// Opens the file, making it and its folder if missing, waits for the lock and reads it.
    pub fn lock(path: &Path) -> Result<Self> {
        let failed = |source| Error::Ledger { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let is_new = !path.exists();
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        file.lock().map_err(failed)?;
        if is_new {
            sync_folder(path).map_err(failed)?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (records, end) = parse(&bytes).map_err(|(line, reason)| Error::LedgerDamaged {
            path: path.to_owned(),
            line,
            reason,
        })?;
        Ok(Self { path: path.to_owned(), file, records, end })
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Appends `records` in one write and waits until they are on the disk.
    pub fn append(&mut self, records: &[Record]) -> Result<()> {
        let failed = |source| Error::Ledger { path: self.path.clone(), source };
        let mut text = String::new();
        if self.end != End::Whole {
            text.push('\n');
        }
        let cut_line = (self.end == End::Cut).then_some(&Record::CutLine);
        for record in cut_line.into_iter().chain(records) {
            text += &serde_json::to_string(record).map_err(|error| failed(error.into()))?;
            text.push('\n');
        }
        self.file.write_all(text.as_bytes()).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        self.end = End::Whole;
        self.records.extend_from_slice(records);
        Ok(())
    }
}

/// The records, and how the file ends; or the number of a damaged line and what is wrong there.
///
/// Unreadable lines are the rest of a write that was cut short when they end the file without
/// having the end of a record, or when a record after them says so; any other is damage.
fn parse(bytes: &[u8]) -> std::result::Result<(Vec<Record>, End), (usize, String)> {
    let mut records = Vec::new();
    let mut unreadable: Option<(usize, String)> = None;
    let mut end = End::Whole;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match serde_json::from_slice::<Record>(line) {
            Ok(Record::CutLine) => (unreadable, end) = (None, End::Whole),
            Ok(_) if unreadable.is_some() => {
                end = End::Whole;
                break;
            }
            Ok(record) => {
                records.push(record);
                end = if line.ends_with(b"\n") { End::Whole } else { End::Unterminated };
            }
            Err(error) => {
                unreadable.get_or_insert((index + 1, error.to_string()));
                end = if line.ends_with(b"}\n") { End::Whole } else { End::Cut };
            }
        }
    }
    match unreadable {
        Some(damage) if end != End::Cut => Err(damage),
        _ => Ok((records, end)),
    }
}

/// A new file's name is on the disk only once its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
