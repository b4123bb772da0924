//! Batches of candidates as lines of a folder's file, each there as a whole or not at all.

use super::candidate::Candidate;
use super::generate::Batches;
use super::record::files;
use crate::store::Documents;
use crate::workplace::Result;

/// The batches of a round or of an arm.
pub struct KeptBatches<'a> {
    folder: &'a Documents,
    made: Vec<Vec<Candidate>>,
}

impl<'a> KeptBatches<'a> {
    /// Finds those that were made before.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open(folder: &'a Documents) -> Result<Self> {
        Ok(Self { folder, made: folder.lines(files::CANDIDATES)? })
    }
}

impl Batches for KeptBatches<'_> {
    fn made(&self) -> &[Vec<Candidate>] {
        &self.made
    }

    fn add(&mut self, batch: Vec<Candidate>) -> Result<()> {
        self.folder.append(files::CANDIDATES, &batch)?;
        self.made.push(batch);
        Ok(())
    }
}
