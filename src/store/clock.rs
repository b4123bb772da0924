//! The time as it stands in files and in the names of folders.

use jiff::Zoned;

/// Local time as RFC 3339, to the second.
pub fn now() -> String {
    Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Local time as it stands in a folder's name, `YYYYMMDD_HHMMSS`.
pub fn folder_time() -> String {
    Zoned::now().strftime("%Y%m%d_%H%M%S").to_string()
}
