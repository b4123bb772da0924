//! Going on with a download that ended half-way. The hub's client leaves what came as
//! `blobs/CHECKSUM.incomplete` in its cache and begins anew the next time; here the missing rest is asked for
//! and put behind it, and the whole is taken only when its checksum is the one in its name.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use futures::StreamExt;

use super::checksum::compute;
use super::error::{Error, Failure};
use super::hub::{Hub, HubFile};
use super::progress::{Event, Progress};
use super::seconds;

/// Past the end of any file: a server sends what there is.
const FAR: u64 = 1 << 50;
const ENDING: &str = ".incomplete";

impl Hub {
    /// Completes the part of a file that is in the cache, if there is one; the ordinary download then finds
    /// the whole file and asks for nothing but its name. What turns out not to be a part of the file is
    /// taken away, and all of it is fetched anew.
    pub(super) async fn go_on(
        &self,
        wanted: &HubFile<'_>,
        sha256: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let folder = format!("models--{}", wanted.repo.replace('/', "--"));
        let blobs = self.client.cache_dir().join(&folder).join("blobs");
        let Some((part, sha256)) = unfinished(&blobs, sha256) else { return Ok(()) };
        let Some(_lock) = self.lock(&folder, &sha256) else { return Ok(()) };
        let came = std::fs::metadata(&part).map(|about| about.len()).unwrap_or(0);
        if came == 0 {
            return Ok(());
        }
        progress.event(&Event::Resuming { bytes: came });
        let (owner, name) = hf_hub::split_id(wanted.repo);
        let repository = self.client.model(owner, name);
        let asking = repository
            .download_file_stream()
            .filename(wanted.file)
            .maybe_revision(wanted.revision)
            .range(came..FAR)
            .send();
        let answer = tokio::time::timeout(self.limits.answer, asking)
            .await
            .map_err(|_| Failure::PassedOver(self.no_answer()))?;
        // A part that is whole, or longer than the file, has no rest: it is fetched anew if it is wrong.
        if let Ok((rest, mut pieces)) = answer {
            let total = rest.map(|rest| came + rest);
            let mut done = came;
            let mut file = OpenOptions::new()
                .append(true)
                .open(&part)
                .map_err(|error| Error::io("write", &part, error))?;
            loop {
                let piece = tokio::time::timeout(self.limits.stall, pieces.next()).await;
                let piece = match piece {
                    Ok(Some(Ok(piece))) => piece,
                    Ok(Some(Err(error))) => return Err(self.failed(error, done)),
                    Ok(None) => break,
                    Err(_) => {
                        let limit = seconds(self.limits.stall);
                        let reason = format!("no byte came for {limit} (after {done} bytes)");
                        return Err(Failure::PassedOver(reason));
                    }
                };
                file.write_all(&piece).map_err(|error| Error::io("write", &part, error))?;
                done += piece.len() as u64;
                progress.event(&Event::Bytes { done, total });
            }
            file.sync_all().map_err(|error| Error::io("write", &part, error))?;
        }
        progress.event(&Event::Checking { path: part.clone() });
        if compute(&part)? == sha256 {
            let whole = part.with_file_name(&sha256);
            std::fs::rename(&part, &whole).map_err(|error| Error::io("write", &whole, error))?;
        } else {
            let problem =
                "is no beginning of the file that the hub has now; all of it is fetched".to_owned();
            progress.event(&Event::Altered { path: part.clone(), problem });
            std::fs::remove_file(&part).map_err(|error| Error::io("remove", &part, error))?;
        }
        Ok(())
    }

    /// The lock that the hub's client, in any program, holds while it downloads this blob; none while
    /// somebody else does.
    fn lock(&self, folder: &str, sha256: &str) -> Option<File> {
        let folder = self.client.cache_dir().join(".locks").join(folder);
        std::fs::create_dir_all(&folder).ok()?;
        let path = folder.join(format!("{sha256}.lock"));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).ok()?;
        file.try_lock().ok()?;
        Some(file)
    }
}

/// The part of a file that is there, with the checksum that the whole must have: the one that is known, else
/// the only one among the blobs.
fn unfinished(blobs: &Path, sha256: Option<&str>) -> Option<(PathBuf, String)> {
    if let Some(sha256) = sha256 {
        let part = blobs.join(format!("{sha256}{ENDING}"));
        return part.is_file().then(|| (part, sha256.to_owned()));
    }
    let mut parts = std::fs::read_dir(blobs).ok()?.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let sha256 = name.strip_suffix(ENDING)?.to_owned();
        let is_sha256 = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sha256.then(|| (entry.path(), sha256))
    });
    let only = parts.next()?;
    parts.next().is_none().then_some(only)
}
