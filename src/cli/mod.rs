//! The command line: arguments in, words or JSON out, one file a command. Owns how things are said;
//! knows nothing of how they are done.

mod act;
mod adapters;
mod bench;
mod compare;
mod completions;
mod context;
mod demo;
mod detach;
mod doctor;
mod eval;
mod experiment;
mod generate;
mod improve;
mod interrupt;
mod making;
mod models;
mod outcome;
mod output;
mod rate;
mod replay;
mod report;
mod routing;
mod run;
mod score;
mod sessions;
mod table;
mod tasks;
mod tokenize;
mod train;
mod watch;
mod weak;

pub use compare::describe as describe_comparison;

use crate::config::{Config, Refusal};
use crate::workplace::{ArmChoice, Workplace};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use context::Context;
use outcome::Outcome;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Makes a small local language model better at your own work, from your own ratings.
///
/// Without a command, `kaizen` opens the dashboard; where there is no terminal, it shows the whole loop
/// once on the default model (`kaizen demo`).
#[derive(Debug, Parser)]
#[command(name = "kaizen", version, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

const GLOBAL: &str = "Options of every command";

/// Flags of every command.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Folder with sessions, adapters and runs [default: $KAIZEN_HOME, else the current folder when
    /// its config.toml says `kaizen = 1`, else the platform's data folder].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Configuration file [default: HOME/config.toml].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A GGUF file, a folder with safetensors, a name on the hub (owner/repo or owner/repo:file.gguf), or
    /// ollama:name:tag [default: as config.toml says].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "NAME|PATH")]
    model: Option<String>,
    /// Which arm answers: auto (by routing), base, or lora-vN [default: $KAIZEN_ADAPTER, else
    /// $LORA_VERSION, else auto].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "ARM")]
    adapter: Option<String>,
    /// Print JSON alone on stdout.
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
    /// No progress bars and no remarks on stderr.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    quiet: bool,
    /// Say more when something fails: what lies behind it, and the error as the program holds it.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole loop once, unattended, on the real model, in a temporary home.
    Demo,
    /// Check the model, the machine, the configuration and one training step.
    Doctor,
    /// List the models on this machine, choose the default, or fetch one.
    Models(models::ModelsArguments),
    /// Run a task: the model answers, and the session is kept.
    Run(run::RunArguments),
    /// Carry out a file of tasks, each in a fresh folder, and check what came of them.
    Tasks(tasks::TasksArguments),
    /// Rate a session, and say what would have been right.
    Rate(rate::RateArguments),
    /// List, show, import or re-index sessions.
    Sessions(sessions::SessionsArguments),
    /// Turn lines of JSON strings on stdin into token ids.
    Tokenize,
    /// Say how much each token of texts or answers surprises the model.
    Score(score::ScoreArguments),
    /// Score an evaluation set: perplexity, accuracy, diversity.
    Eval(eval::EvalArguments),
    /// Find the weak examples of an evaluation set.
    Weak(weak::WeakArguments),
    /// Make examples for the weak areas of an evaluation set.
    Generate(generate::GenerateArguments),
    /// Find weak areas, make examples for them, train, and let held-out items decide.
    Improve(improve::ImproveArguments),
    /// Compare ways of improving over several trainings each, with intervals and a verdict.
    Experiment(experiment::ExperimentArguments),
    /// Train a LoRA adapter from failed sessions or a file.
    Train(train::TrainArguments),
    /// Compare two arms and say which is better.
    Compare(compare::CompareArguments),
    /// List, show, promote, roll back, import or export adapters.
    Adapters(adapters::AdaptersArguments),
    /// Judge two arms on your own recent tasks, blind, one key a pair.
    Replay(replay::ReplayArguments),
    /// Train, judge and try out unattended, when the ratings give reason to.
    Watch(watch::WatchArguments),
    /// Gather rounds and experiments as Markdown with charts, and open the final split.
    Report(report::ReportArguments),
    /// Measure speed and memory on this machine.
    Bench(bench::BenchArguments),
    /// Print shell completions.
    Completions(completions::CompletionsArguments),
}

impl Command {
    /// Whether nothing is left of it when it is ended before its end.
    fn keeps_nothing(&self) -> bool {
        matches!(
            self,
            Self::Eval(_)
                | Self::Weak(_)
                | Self::Generate(_)
                | Self::Compare(_)
                | Self::Bench(_)
                | Self::Doctor
        )
    }
}

/// What the command line needs of the dashboard, which stands above it.
#[derive(Debug, Clone, Copy)]
pub struct Dashboard {
    /// Opens it on a home, with the arm that answers tasks.
    pub open: fn(Workplace, ArmChoice) -> std::io::Result<()>,
    /// What it refuses in the configuration.
    pub check: fn(&Config) -> std::result::Result<(), Refusal>,
}

/// Parses the arguments of this process and does what they say; without a command that is `dashboard`.
pub fn main(dashboard: Dashboard) -> ExitCode {
    // Nothing for a person, so it stands in no help and no completions; and no home, no log and no
    // trace: it stands between a command of act mode and the person's machine.
    if std::env::args_os().skip(1).eq(["confined"]) {
        return crate::sandbox::supervise();
    }
    let arguments = parse();
    let mut hooks = color_eyre::config::HookBuilder::default().display_env_section(false);
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if no_color || !std::io::stderr().is_terminal() {
        hooks = hooks.theme(color_eyre::config::Theme::new());
    }
    let _ = hooks.install();
    let verbose = arguments.global.verbose;
    match dispatch(arguments, dashboard) {
        Ok(outcome) => outcome.code(),
        Err(error) => outcome::tell(&error, verbose),
    }
}

/// Wrong usage ends here, in words and with code 2.
fn parse() -> Arguments {
    let mut command = with_negative_numbers(Arguments::command());
    let matches = command.get_matches_mut();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

/// A number below zero is a value like any other: what is wrong with it, its own rule says.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| match argument.get_action().takes_values() {
            true => argument.allow_negative_numbers(true),
            false => argument,
        })
        .mut_subcommands(with_negative_numbers)
}

fn dispatch(arguments: Arguments, dashboard: Dashboard) -> outcome::Result<Outcome> {
    let Arguments { global, command } = arguments;
    let on_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if command.is_none() && on_terminal && !global.json {
        let (workplace, arm) = context::for_dashboard(&global)?;
        context::check(&workplace, &global, dashboard)?;
        tracing::info!("the dashboard opens");
        (dashboard.open)(workplace, arm).map_err(|source| outcome::Error::File {
            action: "use",
            name: "the terminal".into(),
            source,
        })?;
        return Ok(Outcome::Done);
    }
    let command = command.unwrap_or_else(|| {
        output::Output::new(global.json, global.quiet).note(
            "no command given and no terminal here: this is `kaizen demo`; `kaizen --help` lists the commands",
        );
        Command::Demo
    });
    if let Command::Completions(arguments) = &command {
        return completions::run(arguments);
    }
    if let Command::Demo = command {
        return demo::run(&global, dashboard);
    }
    let context = Context::open(&global)?;
    context::check(&context.workplace, &global, dashboard)?;
    if command.keeps_nothing() {
        context.interrupt.keeps_nothing();
    }
    // Only its name: prompts and comments are nobody's business in a log.
    let described = format!("{command:?}");
    tracing::info!(command = described.split('(').next(), "started");
    let outcome = match command {
        Command::Doctor => doctor::run(&context),
        Command::Models(arguments) => models::run(&context, &arguments),
        Command::Run(arguments) => run::run(&context, &arguments),
        Command::Tasks(arguments) => tasks::run(&context, &arguments),
        Command::Rate(arguments) => rate::run(&context, &arguments),
        Command::Sessions(arguments) => sessions::run(&context, &arguments),
        Command::Tokenize => tokenize::run(&context),
        Command::Score(arguments) => score::run(&context, &arguments),
        Command::Eval(arguments) => eval::run(&context, &arguments),
        Command::Weak(arguments) => weak::run(&context, &arguments),
        Command::Generate(arguments) => generate::run(&context, &arguments),
        Command::Improve(arguments) => improve::run(&context, &arguments),
        Command::Experiment(arguments) => experiment::run(&context, &arguments),
        Command::Train(arguments) => train::run(&context, &arguments),
        Command::Compare(arguments) => compare::run(&context, &arguments),
        Command::Adapters(arguments) => adapters::run(&context, &arguments),
        Command::Replay(arguments) => replay::run(&context, &arguments),
        Command::Watch(arguments) => watch::run(&context, &arguments),
        Command::Report(arguments) => report::run(&context, &arguments),
        Command::Bench(arguments) => bench::run(&context, &arguments),
        Command::Demo | Command::Completions(_) => Ok(Outcome::Done),
    };
    for remark in context.workplace.take_remarks() {
        context.output.note(remark);
    }
    outcome
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::error::ErrorKind;

    // If this fails, somebody who gives a number below zero is told of a flag `-1`, not of what is allowed.
    #[test]
    fn a_number_below_zero_is_a_value() {
        with_negative_numbers(Arguments::command()).debug_assert();
        for (flag, rule) in
            [("--temperature", "at least 0"), ("--top-p", "above 0"), ("--max-tokens", "'-1'")]
        {
            let command = with_negative_numbers(Arguments::command());
            let refused =
                command.try_get_matches_from(["kaizen", "run", "x", flag, "-1"]).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ValueValidation, "{refused}");
            let told = refused.to_string();
            assert!(told.contains(flag) && told.contains(rule), "{told}");
        }
    }
}
