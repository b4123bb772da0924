//! What every command starts from: the workplace that the global flags name, and how to speak.

use super::interrupt::Interrupt;
use super::outcome::{Error, Result};
use super::output::Output;
use super::{Dashboard, Global};
use crate::config::{Config, home_root};
use crate::runtime::Runtime;
use crate::tasks::Arm;
use crate::workplace::{ArmChoice, Workplace};
use std::path::{Path, PathBuf};

pub struct Context {
    pub workplace: Workplace,
    pub output: Output,
    pub interrupt: Interrupt,
    arm: ArmChoice,
    /// The variable of the environment that chose the arm, if one did.
    arm_variable: Option<&'static str>,
}

impl Global {
    /// The home that the flags and the environment name; it may not exist yet.
    pub fn home_root(&self) -> Result<PathBuf> {
        let current = std::env::current_dir().map_err(|source| Error::File {
            action: "find",
            name: "the current folder".into(),
            source,
        })?;
        let environment = std::env::var_os("KAIZEN_HOME");
        Ok(home_root(self.home.as_deref(), environment.as_deref(), &current)?)
    }
}

/// Variables that choose the arm where no flag does, in this order.
const ARM_VARIABLES: [&str; 2] = ["KAIZEN_ADAPTER", "LORA_VERSION"];

impl Context {
    /// Opens the home that the flags and the environment name.
    pub fn open(global: &Global) -> Result<Self> {
        Self::at(&global.home_root()?, global)
    }

    /// Opens a stated home.
    pub fn at(root: &Path, global: &Global) -> Result<Self> {
        let workplace = open_workplace(root, global)?;
        let (arm, arm_variable) = chosen_arm(global);
        Ok(Self {
            workplace,
            output: Output::new(global.json, global.quiet),
            interrupt: Interrupt::install(),
            arm,
            arm_variable,
        })
    }

    /// Loads and starts the model.
    pub fn runtime(&self) -> Result<Runtime> {
        Ok(self.workplace.runtime(&mut |event| self.output.event(event))?)
    }

    /// The arm that `--adapter` or the environment chose.
    pub fn chosen_arm(&self, runtime: &Runtime) -> Result<Arm> {
        self.named_arm(&self.arm, runtime).map_err(|error| match (error, self.arm_variable) {
            (Error::Work(error), Some(variable)) => Error::FromEnvironment { variable, error },
            (error, _) => error,
        })
    }

    pub fn named_arm(&self, choice: &ArmChoice, runtime: &Runtime) -> Result<Arm> {
        Ok(self.workplace.arm(choice, runtime, &mut |event| self.output.event(event))?)
    }
}

/// What the dashboard starts from: it speaks for itself and hears signals itself.
pub fn for_dashboard(global: &Global) -> Result<(Workplace, ArmChoice)> {
    let workplace = open_workplace(&global.home_root()?, global)?;
    let (arm, variable) = chosen_arm(global);
    if let ArmChoice::Adapter(name) = &arm {
        workplace.registry().folder(name).map_err(|error| match variable {
            Some(variable) => Error::FromEnvironment { variable, error: error.into() },
            None => Error::Work(error.into()),
        })?;
    }
    Ok((workplace, arm))
}

/// Settings that only the dashboard understands stop every command, as all others do.
pub fn check(workplace: &Workplace, global: &Global, dashboard: Dashboard) -> Result<()> {
    (dashboard.check)(&workplace.config).map_err(|refusal| {
        let file = global.config.as_deref();
        Error::Work(Config::refuse(workplace.home.root(), file, refusal).into())
    })
}

fn open_workplace(root: &Path, global: &Global) -> Result<Workplace> {
    let workplace = Workplace::open(root, global.config.as_deref(), global.model.clone())?;
    log_to_file(&workplace);
    Ok(workplace)
}

/// The arm that `--adapter` or the environment names, and the variable that did.
fn chosen_arm(global: &Global) -> (ArmChoice, Option<&'static str>) {
    let from_environment = || {
        ARM_VARIABLES.into_iter().find_map(|variable| {
            let value = std::env::var(variable).ok().filter(|value| !value.is_empty())?;
            Some((value, Some(variable)))
        })
    };
    let flag = global.adapter.clone().map(|value| (value, None));
    let (arm, variable) = flag.or_else(from_environment).unwrap_or_else(|| ("auto".into(), None));
    (ArmChoice::parse(&arm), variable)
}

/// What happened goes to `kaizen.log` in the home, never to the screen.
fn log_to_file(workplace: &Workplace) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("KAIZEN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("kaizen=info"));
    // Where the log cannot be written, work goes on without it.
    let appender = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::NEVER)
        .filename_prefix("kaizen.log");
    let Ok(file) = appender.build(workplace.home.root()) else { return };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(file)
        .try_init();
}
