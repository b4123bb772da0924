//! What an actor can do, one tool a file, and the workspace that their files stay in. Knows nothing of
//! models, of the order of actions or of who allows them.

mod answer;
mod calculate;
pub mod desktop;
mod edit_file;
mod list_files;
mod read_file;
mod search;
mod shell;
mod started;
mod tool;
mod toolbox;
mod workspace;
mod write_file;

pub use answer::Answer;
pub use list_files::ListFiles;
pub use shell::Shell;
pub use started::Started;
pub use tool::{Argument, ArgumentKind, Effect, Tool, ToolResult};
pub use toolbox::Toolbox;
pub use workspace::{Changed, Entry, How, Listing, Snapshot, Workspace, WorkspaceError};
pub use write_file::WriteFile;

#[cfg(test)]
mod hostile_paths;
