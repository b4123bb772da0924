//! Writing what is shown into a file of the person's.

use super::super::Report;
use super::Inner;
use crate::report::{TakenOut, Written, write_taken_out};
use std::path::PathBuf;
use std::sync::Arc;

impl Inner {
    pub(super) fn export(&self, what: Arc<TakenOut>, path: PathBuf, replace: bool) {
        match write_taken_out(&what, &path, replace) {
            Ok(Written::Files(files)) => self.tell(Report::Exported(files)),
            Ok(Written::Exists(there)) => self.tell(Report::ExportStopped { what, path, there }),
            Err(error) => self.failed("export what is shown", &error.to_string()),
        }
    }
}
