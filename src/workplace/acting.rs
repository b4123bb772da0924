//! Act mode in a home: which tools there are, which folder, how far a task goes, and what is allowed without
//! asking.

use super::{Error, Result, Workplace};
use crate::model::sampler::Sampling;
use crate::sandbox::Sandbox;
use crate::tasks::act::{ActLimits, ActRequest, parse_action};
use crate::tasks::tools::desktop::Desktop;
use crate::tasks::tools::{Answer, Shell, Toolbox, Workspace};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A folder and the tools for it.
pub struct Acting {
    pub workspace: Workspace,
    pub toolbox: Toolbox,
    pub sandbox: Arc<Sandbox>,
}

impl Workplace {
    /// The tools of act mode; `cancel` ends what they run.
    ///
    /// # Errors
    /// When this program cannot find itself, which it is run by.
    pub fn toolbox(
        &self,
        desktop: bool,
        cancel: &Arc<AtomicBool>,
    ) -> Result<(Toolbox, Arc<Sandbox>)> {
        let sandbox = Arc::new(Sandbox::of_this_program().map_err(crate::tasks::Error::from)?);
        let shell = Shell {
            sandbox: sandbox.clone(),
            time_limit: Duration::from_secs(self.config.act.action_seconds),
            cancel: cancel.clone(),
        };
        let mut toolbox = Toolbox::default().with(Box::new(shell)).with_files();
        if desktop {
            toolbox = toolbox.with_desktop(&Desktop::of_this_session());
        }
        Ok((toolbox.with(Box::new(Answer)), sandbox))
    }

    /// A folder to act in, with the tools for it.
    ///
    /// # Errors
    /// A folder that cannot be one to act in, with the reason.
    pub fn acting(
        &self,
        workspace: &Path,
        desktop: bool,
        cancel: &Arc<AtomicBool>,
    ) -> Result<Acting> {
        let workspace = Workspace::open(workspace, Some(self.home.root()))
            .map_err(|error| Error::Tasks(error.into()))?;
        let (toolbox, sandbox) = self.toolbox(desktop, cancel)?;
        Ok(Acting { workspace, toolbox, sandbox })
    }

    /// An action that somebody wrote as JSON, as the actor would have written it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn canonical_action(&self, text: &str) -> Result<String> {
        let (toolbox, _) = self.toolbox(true, &Arc::default())?;
        let action = parse_action(text, &toolbox).map_err(Error::Usage)?;
        Ok(action.to_json())
    }

    /// How answers and actions are drawn, as configured.
    pub fn sampling(&self, seed: u64) -> Sampling {
        let generate = &self.config.generate;
        Sampling {
            temperature: generate.temperature,
            top_p: generate.top_p,
            min_p: generate.min_p,
            repetition_penalty: generate.repetition_penalty,
            seed,
        }
    }

    /// A task as configured.
    pub fn act_request(&self, task: &str, sampling: Sampling) -> ActRequest {
        let act = &self.config.act;
        ActRequest {
            task: task.to_owned(),
            sampling,
            limits: ActLimits {
                max_steps: act.max_steps,
                task_time: Duration::from_secs(act.task_seconds),
                action_tokens: act.action_tokens,
                observation_tokens: act.observation_tokens,
            },
            retry_of: None,
        }
    }
}

/// Whether a folder is one that nobody misses: inside the system's folder for temporary files.
pub fn is_throw_away(workspace: &Path) -> bool {
    let temporary = std::env::temp_dir();
    let temporary = temporary.canonicalize().unwrap_or(temporary);
    workspace.starts_with(&temporary) && workspace != temporary
}
