//! The tools that an actor may choose from. Owns their order, which is the order in which a model reads
//! them; knows nothing of what they do.

use super::Tool;
use super::calculate::Calculate;
use super::desktop::{self, Desktop};
use super::edit_file::EditFile;
use super::list_files::ListFiles;
use super::read_file::ReadFile;
use super::search::Search;
use super::write_file::WriteFile;

/// Tools by name, always in the same order.
#[derive(Debug, Default)]
pub struct Toolbox {
    tools: Vec<Box<dyn Tool>>,
}

impl Toolbox {
    /// The tools for files, and the one for sums.
    pub fn files() -> Self {
        Self::default().with_files()
    }

    /// As [`files`](Self::files), after the tools that are there.
    #[must_use]
    pub fn with_files(self) -> Self {
        self.with(Box::new(ListFiles))
            .with(Box::new(ReadFile))
            .with(Box::new(Search))
            .with(Box::new(WriteFile))
            .with(Box::new(EditFile))
            .with(Box::new(Calculate))
    }

    /// One tool more, at the end; in the place of the one that has the same name.
    #[must_use]
    pub fn with(mut self, tool: Box<dyn Tool>) -> Self {
        match self.tools.iter_mut().find(|known| known.name() == tool.name()) {
            Some(known) => *known = tool,
            None => self.tools.push(tool),
        }
        self
    }

    /// The tools for windows and the screen of `desktop`, whether or not it has the programs for them:
    /// [`desktop::availability`] tells.
    #[must_use]
    pub fn with_desktop(self, desktop: &Desktop) -> Self {
        desktop::tools(desktop).into_iter().fold(self, Self::with)
    }

    pub fn get(&self, name: &str) -> Option<&dyn Tool> {
        self.iter().find(|tool| tool.name() == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Tool> {
        self.tools.iter().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    // If this fails, a model reads the tools in another order every time, and what it learned of them is
    // worth less.
    #[test]
    fn tools_have_a_fixed_order_and_names_of_their_own() {
        let toolbox = Toolbox::files().with_desktop(&Desktop::on(":0")).with(Box::new(ReadFile));
        let names: Vec<_> = toolbox.iter().map(Tool::name).collect();
        let expected = [
            "list_files",
            "read_file",
            "search",
            "write_file",
            "edit_file",
            "calculate",
            "screenshot",
            "read_screen",
            "open_app",
            "type_text",
            "press_keys",
            "click",
        ];
        assert_eq!(names, expected);
        for tool in toolbox.iter() {
            assert!(!tool.purpose().is_empty() && !tool.purpose().ends_with('.'));
            let arguments: BTreeSet<_> = tool.arguments().iter().map(|one| one.name).collect();
            assert_eq!(arguments.len(), tool.arguments().len(), "{}", tool.name());
            // An action has its tool's name under this key.
            assert!(!arguments.contains("tool"), "{}", tool.name());
        }
        assert_eq!(toolbox.get("search").unwrap().name(), "search");
        assert!(toolbox.get("shell").is_none());
    }
}
