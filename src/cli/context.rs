//! What every command starts from: the workplace that the global flags name, and how to speak.

use super::Global;
use super::interrupt::Interrupt;
use super::outcome::{Error, Result};
use super::output::Output;
use crate::config::home_root;
use crate::driver::{ArmChoice, Workplace};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use std::path::Path;

pub struct Context {
    pub workplace: Workplace,
    pub output: Output,
    pub interrupt: Interrupt,
    pub arm: ArmChoice,
}

impl Context {
    /// Opens the home that the flags and the environment name.
    pub fn open(global: &Global) -> Result<Self> {
        let current = std::env::current_dir().map_err(|source| Error::File {
            action: "find",
            name: "the current folder".into(),
            source,
        })?;
        let environment = std::env::var_os("KAIZEN_HOME");
        let root = home_root(global.home.as_deref(), environment.as_deref(), &current)?;
        Self::at(&root, global)
    }

    /// Opens a stated home.
    pub fn at(root: &Path, global: &Global) -> Result<Self> {
        let workplace = Workplace::open(root, global.config.as_deref(), global.model.clone())?;
        log_to_file(&workplace);
        let chosen = global
            .adapter
            .clone()
            .or_else(|| std::env::var("KAIZEN_ADAPTER").ok().filter(|value| !value.is_empty()))
            .or_else(|| std::env::var("LORA_VERSION").ok().filter(|value| !value.is_empty()));
        Ok(Self {
            workplace,
            output: Output::new(global.json, global.quiet),
            interrupt: Interrupt::install(),
            arm: ArmChoice::parse(chosen.as_deref().unwrap_or("auto")),
        })
    }

    /// Loads and starts the model.
    pub fn runtime(&self) -> Result<Runtime> {
        Ok(self.workplace.runtime(&mut |event| self.output.event(event))?)
    }

    /// The arm that `--adapter` chose.
    pub fn chosen_arm(&self, runtime: &Runtime) -> Result<Arm> {
        self.named_arm(&self.arm, runtime)
    }

    pub fn named_arm(&self, choice: &ArmChoice, runtime: &Runtime) -> Result<Arm> {
        Ok(self.workplace.arm(choice, runtime, &mut |event| self.output.event(event))?)
    }
}

/// What happened goes to `kaizen.log` in the home, never to the screen.
fn log_to_file(workplace: &Workplace) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("KAIZEN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("kaizen=info"));
    let file = tracing_appender::rolling::never(workplace.home.root(), "kaizen.log");
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(file)
        .try_init();
}
