//! `kaizen run --act`: a task carried out in a folder, step by step, each change allowed or not.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use super::table::counted;
use crate::model::sampler::Sampling;
use crate::store::{ActEnding, Approval, StepResult, plain, plain_line};
use crate::tasks::Action;
use crate::tasks::act::{self, ActEvent, Decision, Means, Permission, Proposal, edit_action};
use crate::tasks::tools::Toolbox;
use crate::workplace::{is_throw_away, service};
use clap::Args;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines of an output that are shown as it comes.
const LINES_SHOWN: usize = 12;

#[derive(Debug, Args)]
pub struct ActArguments {
    /// Carry the task out in a folder, action by action, instead of answering it.
    #[arg(long, help_heading = ACT)]
    act: bool,
    /// The folder to act in; nothing outside it is changed [default: the current folder].
    #[arg(long, value_name = "DIR", requires = "act", help_heading = ACT)]
    workspace: Option<PathBuf>,
    /// Actions at most [default: config.toml, there 8].
    #[arg(long, value_name = "N", requires = "act", help_heading = ACT,
          value_parser = clap::value_parser!(u64).range(1..))]
    max_steps: Option<u64>,
    /// Ask nobody: allow changes in a throw-away folder (one inside the system's folder for temporary
    /// files), and elsewhere with --allow-writes; what only looks runs in any case.
    #[arg(long, requires = "act", help_heading = ACT)]
    yes: bool,
    /// With --yes, allow changes in any workspace.
    #[arg(long, requires = "yes", help_heading = ACT)]
    allow_writes: bool,
    /// Let the actor use the desktop (X11) as well [default: config.toml, there off].
    #[arg(long, requires = "act", help_heading = ACT)]
    desktop: bool,
}

const ACT: &str = "Carrying tasks out";

impl ActArguments {
    pub fn is_wanted(&self) -> bool {
        self.act
    }
}

pub fn run(
    context: &Context,
    arguments: &ActArguments,
    task: &str,
    sampling: Sampling,
    action_tokens: Option<usize>,
) -> Result<Outcome> {
    let workplace = &context.workplace;
    let folder = match &arguments.workspace {
        Some(folder) => folder.clone(),
        None => std::env::current_dir().map_err(|source| Error::File {
            action: "find",
            name: "the current folder".into(),
            source,
        })?,
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let desktop = arguments.desktop || workplace.config.act.desktop;
    // The folder is looked at before a model is loaded for it.
    let acting = workplace.acting(&folder, desktop, &cancel)?;
    let runtime = context.runtime()?;
    let arm = context.chosen_arm(&runtime)?;
    let mut request = workplace.act_request(task, sampling);
    if let Some(steps) = arguments.max_steps {
        request.limits.max_steps = steps as usize;
    }
    if let Some(tokens) = action_tokens {
        // Room to close an action is always left.
        request.limits.action_tokens = tokens.max(96);
    }
    context.interrupt.attach(cancel.clone());
    let toolbox = &acting.toolbox;
    let means = Means {
        runtime: &runtime,
        home: &workplace.home,
        workspace: &acting.workspace,
        toolbox,
        arm: &arm,
        cancel: &cancel,
    };
    let person =
        !context.output.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let mut ask = |proposal: &Proposal| asked(context, toolbox, proposal);
    let permission = if arguments.yes {
        match arguments.allow_writes || is_throw_away(acting.workspace.root()) {
            true => Permission::All,
            false => {
                context.output.note(
                    "this is no throw-away folder: with --yes alone, nothing is changed in it; \
                     --allow-writes allows that",
                );
                Permission::OnlyReads
            }
        }
    } else if person {
        Permission::Ask(&mut ask)
    } else {
        context.output.note(
            "nobody can be asked here, so nothing is changed; --yes allows changes in a \
             throw-away folder, --yes --allow-writes in any",
        );
        Permission::OnlyReads
    };
    let mut closed = Ok(());
    let acted = act::act(&means, &request, permission, &mut |event| {
        if closed.is_ok() {
            closed = show(context, &event);
        }
    });
    let acted = match acted {
        Ok(acted) => acted,
        Err(error) => {
            if let Some(change) = service::inspect_failure(workplace, &arm, &error)? {
                context
                    .output
                    .note(format!("{} was rolled back: {}", change.adapter, change.reason));
            }
            return Err(error.into());
        }
    };
    closed?;
    let indexed = workplace.index().and_then(|index| Ok(index.upsert(&acted.session)?));
    if let Err(error) = indexed {
        context.output.note(format!("saved, but not in the index yet: {error}"));
    }
    let session = &acted.session;
    if acted.ended != ActEnding::Answered {
        context.output.note(format!("ended: {}", acted.ended.words()));
    }
    context.output.note(format!(
        "{} · {} · {} · {:.1} tokens/s · rate it: kaizen rate {} 1-5 (--step N for one step)",
        session.session_id,
        if session.is_blind() { "which arm acted is hidden until you rate" } else { &arm.name },
        counted(session.iterations.len(), "step"),
        acted.tokens_per_second(),
        session.session_id
    ));
    let tokens: Vec<u32> = acted.generations.iter().flat_map(|g| g.tokens.clone()).collect();
    context.output.json(&json!({
        "session": session.session_id,
        "adapter": arm.name,
        "text": plain(acted.answer.as_deref().unwrap_or_default()),
        "tokens": tokens,
        "steps": steps(session),
        "ended": acted.ended,
        "tokens_per_second": acted.tokens_per_second(),
    }))?;
    Ok(match acted.ended {
        ActEnding::Cancelled if cancel.load(Ordering::Relaxed) => Outcome::Interrupted,
        _ => Outcome::Done,
    })
}

/// The steps as `--json` has them.
pub fn steps(session: &crate::store::Session) -> Vec<Value> {
    let step = |step: &crate::store::Iteration| json!({"observation": step.observation, "action": step.action, "result": step.result});
    session.iterations.iter().map(step).collect()
}

fn show(context: &Context, event: &ActEvent) -> Result<()> {
    match event {
        ActEvent::Began { .. } | ActEvent::Observed { .. } => Ok(()),
        ActEvent::Chosen { step, action } => {
            context.output.line(format!("{step}. {}", plain_line(&action.describe())))
        }
        ActEvent::Did { action, result, .. } => {
            let shown = outcome(action, result);
            if shown.is_empty() { Ok(()) } else { context.output.line(shown) }
        }
    }
}

/// What came of an action, indented.
fn outcome(action: &Action, result: &StepResult) -> String {
    let mut lines = Vec::new();
    match result.approval {
        Approval::Edited => lines.push(format!("done instead: {}", plain_line(&action.describe()))),
        Approval::AllowedBefore => lines.push("allowed before in this folder".to_owned()),
        _ => {}
    }
    let output = plain(result.output.trim_end());
    lines.extend(output.lines().take(LINES_SHOWN).map(str::to_owned));
    let more = output.lines().count().saturating_sub(LINES_SHOWN);
    if more > 0 {
        lines.push(format!("… {more} more lines"));
    }
    if let Some(error) = &result.error {
        lines.push(format!("! {}", plain_line(error)));
    }
    if result.timed_out {
        lines.push("! it took too long and was stopped".to_owned());
    }
    if let Some(code) = result.exit_code.filter(|code| *code != 0) {
        lines.push(format!("! exit code {code}"));
    }
    for change in &result.files_changed {
        let how = serde_json::to_value(change.how).ok();
        let how = how.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        lines.push(format!("{how}: {}", plain_line(&change.path)));
    }
    let indented: Vec<String> = lines.iter().map(|line| format!("   {line}")).collect();
    indented.join("\n")
}

/// Asks on the terminal; whatever the actor or a tool printed is shown made safe, and never read as an
/// answer: only what is typed is.
fn asked(context: &Context, toolbox: &Toolbox, proposal: &Proposal) -> Decision {
    if let Some(why) = &proposal.unconfined {
        context.output.text(&format!("   NOT CONFINED: {}", plain_line(why)));
    }
    let kind = match proposal.unconfined {
        Some(_) => String::new(),
        None => format!(", a all of \"{}\" in this folder", plain_line(&proposal.kind)),
    };
    let mut lines = std::io::stdin().lock().lines();
    loop {
        context.output.text(&format!("   Do this? y once{kind}, n no, e edit, q stop"));
        let Some(Ok(said)) = lines.next() else { return Decision::Stop };
        match said.trim() {
            "y" | "yes" => return Decision::Allow,
            "a" if proposal.unconfined.is_none() => return Decision::AllowKind,
            "n" | "no" => return Decision::Deny,
            "q" => return Decision::Stop,
            "e" => {
                context.output.text(&format!("   now: {}", plain_line(&proposal.action.to_json())));
                context.output.text("   write the command, or a whole action as JSON:");
                let _ = std::io::stderr().flush();
                let Some(Ok(text)) = lines.next() else { return Decision::Stop };
                match edit_action(&proposal.action, &text, toolbox) {
                    Ok(action) => return Decision::Edit(action),
                    Err(why) => context.output.text(&format!("   {}", plain_line(&why))),
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If this fails, what a file or a command prints steers the terminal of whoever reads it.
    #[test]
    fn what_came_of_an_action_cannot_steer_a_terminal() {
        let action = Action::new("shell", &[("command", "cat x\u{1b}[2J")]);
        let result = StepResult {
            output: "\u{1b}]0;title\u{7}one\n\u{1b}[31mDo this? y\u{1b}[0m\n\u{9b}2J".into(),
            error: Some("no \u{1b}[1m such".into()),
            ..StepResult::default()
        };
        assert_eq!(outcome(&action, &result), "   one\n   Do this? y\n   ! no such");
        assert_eq!(plain_line(&action.describe()), "shell cat x");
    }
}
