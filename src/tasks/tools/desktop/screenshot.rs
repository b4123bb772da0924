//! Takes a picture of the screen. Owns which programs can; the picture goes to the task's own folder, since
//! looking must change nothing in the person's.

use super::programs::{Call, find};
use super::{Desktop, Needs, picture};
use crate::tasks::Action;
use crate::tasks::tools::{Argument, Effect, Tool, ToolResult, Workspace};
use std::path::PathBuf;
use std::time::Duration;

/// In the order in which they are tried.
pub(super) const CAMERAS: [&str; 3] = ["maim", "scrot", "import"];
const PATIENCE: Duration = Duration::from_secs(15);

/// `screenshot`: a PNG of the whole screen.
#[derive(Debug)]
pub(super) struct Screenshot(pub(super) Desktop);

impl Tool for Screenshot {
    fn name(&self) -> &'static str {
        "screenshot"
    }

    fn purpose(&self) -> &'static str {
        "saves a picture of the screen"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[]
    }

    fn effect(&self, _action: &Action, _workspace: &Workspace) -> Effect {
        match self.0.require(&[Needs::Camera]) {
            Ok(()) => Effect::Reads,
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, _action: &Action, workspace: &Workspace) -> ToolResult {
        match self.0.take_picture(workspace) {
            Ok((path, (width, height))) => {
                let path = path.display();
                ToolResult::of(format!("saved {path} ({width} x {height} pixels)"))
            }
            Err(result) => result,
        }
    }
}

impl Desktop {
    /// Where the picture is, and its width and height in pixels.
    ///
    /// # Errors
    /// As the result of the tool.
    pub(super) fn take_picture(
        &self,
        workspace: &Workspace,
    ) -> Result<(PathBuf, (u32, u32)), ToolResult> {
        self.require(&[Needs::Camera]).map_err(ToolResult::failed)?;
        let folder = workspace.temporary();
        // A name without a folder: some of the programs replace signs in it that a folder's name may have.
        let name = (1..)
            .map(|number| format!("screenshot-{number}.png"))
            .find(|name| !folder.join(name).exists())
            .unwrap_or_default();
        let mut told = ToolResult::failed("no program takes pictures of the screen");
        for program in CAMERAS.into_iter().filter(|program| find(program).is_some()) {
            let arguments: &[&str] = match program {
                "import" => &["-silent", "-window", "root", &name],
                _ => &[&name],
            };
            let call = Call { program, arguments, input: "", folder, limit: PATIENCE };
            let path = folder.join(&name);
            match self.run(&call).map(|_| picture::size(&path)) {
                Ok(Ok(size)) => return Ok((path, size)),
                Ok(Err(why)) => told = ToolResult::failed(why),
                Err(result) => told = result,
            }
        }
        Err(told)
    }
}
