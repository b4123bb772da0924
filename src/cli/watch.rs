//! `kaizen watch`: looks every few hours whether the ratings give reason to train, and does a turn when they
//! do and the machine is free.

use super::context::Context;
use super::outcome::{Error, Outcome, Result};
use crate::store::{self, Filter, clock};
use crate::train::{RunFolder, TrainEvent};
use crate::workplace::{Event, load, on_battery, service, unattended};
use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions, TryLockError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A machine with more of its cores in use is busy.
const BUSY: f64 = 0.5;

/// How often a wait looks whether it was interrupted.
const BLINK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub struct WatchArguments {
    /// Look so often, as in 4h or 30m.
    #[arg(long, value_name = "TIME", default_value = "4h", value_parser = time)]
    every: SignedDuration,
    /// Look once and end, as the systemd timer does.
    #[arg(long)]
    once: bool,
    /// Train on battery too.
    #[arg(long)]
    on_battery: bool,
    /// Train while other programs use the machine too.
    #[arg(long)]
    when_busy: bool,
    /// Print a systemd service and timer that do this, and end.
    #[arg(long)]
    print_unit: bool,
}

fn time(text: &str) -> Result<SignedDuration, String> {
    let shortest = SignedDuration::from_mins(1);
    match text.parse::<SignedDuration>() {
        Ok(time) if time >= shortest => Ok(time),
        Ok(_) => Err("must be a minute or more".into()),
        Err(_) => Err("must be a time, as in 4h or 30m".into()),
    }
}

pub fn run(context: &Context, arguments: &WatchArguments) -> Result<Outcome> {
    if arguments.print_unit {
        return print_unit(context, arguments);
    }
    let _lock = only_one(context)?;
    let stop = Arc::new(AtomicBool::new(false));
    loop {
        look(context, arguments)?;
        if arguments.once {
            return Ok(Outcome::Done);
        }
        context.interrupt.attach(stop.clone());
        let due = Instant::now() + arguments.every.unsigned_abs();
        while Instant::now() < due {
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Interrupted);
            }
            std::thread::sleep(BLINK.min(due.saturating_duration_since(Instant::now())));
        }
    }
}

/// Keeps a second watch off this home for as long as the file is open.
fn only_one(context: &Context) -> Result<File> {
    let path = context.workplace.home.root().join(".watch.lock");
    let failed = |source| Error::from(store::Error::io("lock", &path, source));
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy(
            "another `kaizen watch` looks after this home already; one is enough".into(),
        )),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// One look: why nothing is done, or a whole turn.
fn look(context: &Context, arguments: &WatchArguments) -> Result<()> {
    let workplace = &context.workplace;
    // Ratings may have come from anywhere since: the adapter on trial first.
    if let Some(change) = service::review(workplace)? {
        event(context, "routed", change.announcement(), json!({ "change": change }))?;
    }
    let trigger = workplace.trigger(&workplace.index()?)?;
    if !trigger.is_due() {
        return event(context, "waiting", trigger.to_string(), json!({ "due": false }));
    }
    if let Some(why) = hindrance(context, arguments)? {
        let why = format!("{trigger}; not now: {why}");
        return event(context, "waiting", why, json!({ "due": true }));
    }
    event(context, "training", trigger.to_string(), json!({ "due": true }))?;
    match turn(context) {
        Ok(()) => Ok(()),
        // A turn that cannot be done now is told, and the next look tries again.
        Err(Error::Work(error)) => event(context, "failed", error.to_string(), json!({})),
        Err(other) => Err(other),
    }
}

/// What speaks against training now.
fn hindrance(context: &Context, arguments: &WatchArguments) -> Result<Option<String>> {
    if on_battery() && !arguments.on_battery {
        return Ok(Some("the machine runs on battery (--on-battery trains all the same)".into()));
    }
    if let Some(load) = load().filter(|load| *load > BUSY && !arguments.when_busy) {
        return Ok(Some(format!(
            "the machine is busy, {:.0} % of its cores are in use (--when-busy trains all the same)",
            100.0 * load
        )));
    }
    let workplace = &context.workplace;
    if let Some(trained) = workplace.trained()? {
        let since = Filter { rated_since: Some(trained), ..Filter::default() };
        if workplace.index()?.count(&since)? == 0 {
            return Ok(Some("nothing was rated since the last training".into()));
        }
    }
    let home = &workplace.home;
    if let Some(run) = RunFolder::all(&home.runs()).iter().find(|run| run.lock().is_err()) {
        return Ok(Some(format!("{} is being trained", run.name())));
    }
    let routing = workplace.registry().history().routing()?;
    Ok(routing.candidate().map(|candidate| format!("{candidate} is still on trial")))
}

fn turn(context: &Context) -> Result<()> {
    let workplace = &context.workplace;
    let runtime = context.runtime()?;
    let turn = unattended::turn(
        workplace,
        &runtime,
        |cancel| context.interrupt.attach(cancel),
        &mut |event| match event {
            Event::Train(TrainEvent::Step(metrics)) => {
                let _ = context.output.json(&json!({"event": "step", "step": metrics}));
            }
            other => context.output.event(other),
        },
    )?;
    let trained = &turn.trained;
    let Some(adapter) = &trained.adapter else {
        let told = format!("stopped; go on with `kaizen train --resume {}`", trained.run);
        return event(context, "stopped", told, json!({ "run": trained.run }));
    };
    let told = format!("{adapter} in {:.0} s", trained.seconds);
    event(context, "trained", told, json!({"run": trained.run, "adapter": adapter}))?;
    if let Some(comparison) = &turn.comparison {
        let by = match turn.by_own_work {
            true => "your own corrections",
            false => "the built-in set; the adapter stays unproven until there are 20 corrections",
        };
        let decision = &comparison.decision;
        let told = format!("{}, by {by}: {}", decision.verdict.as_str(), decision.reason);
        event(context, "judged", told, json!({ "comparison": comparison.document() }))?;
    }
    match &turn.canary {
        Some(change) => {
            event(context, "canary", change.announcement(), json!({ "change": change }))
        }
        None => event(context, "kept", format!("{adapter} stays a candidate"), json!({})),
    }
}

/// One thing that happened: a line for people, an object for scripts.
fn event(context: &Context, name: &str, told: String, mut more: Value) -> Result<()> {
    context.output.line(format!("{} {name}: {told}", clock::now()))?;
    if let Value::Object(fields) = &mut more {
        fields.shift_insert(0, "event".into(), name.into());
        fields.shift_insert(1, "at".into(), clock::now().into());
        fields.shift_insert(2, "told".into(), told.into());
    }
    context.output.json(&more)
}

/// A service that looks once, and the timer that starts it.
fn print_unit(context: &Context, arguments: &WatchArguments) -> Result<Outcome> {
    let failed = |source| Error::File { action: "find", name: "this program".into(), source };
    let program = std::env::current_exe().map_err(failed)?;
    let home = std::path::absolute(context.workplace.home.root()).map_err(failed)?;
    let mut flags = String::new();
    for (set, flag) in
        [(arguments.on_battery, " --on-battery"), (arguments.when_busy, " --when-busy")]
    {
        flags.push_str(if set { flag } else { "" });
    }
    let seconds = arguments.every.as_secs();
    let unit = format!(
        "# ~/.config/systemd/user/kaizen-watch.service\n\
         [Unit]\n\
         Description=Kaizen: train on your ratings when there is reason to\n\
         {}\n\
         [Service]\n\
         Type=oneshot\n\
         Nice=10\n\
         ExecStart={} --home {} watch --once{flags}\n\
         \n\
         # ~/.config/systemd/user/kaizen-watch.timer\n\
         [Unit]\n\
         Description=Kaizen: look whether there is reason to train\n\
         \n\
         [Timer]\n\
         OnStartupSec=10min\n\
         OnUnitInactiveSec={seconds}s\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n\
         \n\
         # systemctl --user daemon-reload && systemctl --user enable --now kaizen-watch.timer",
        if arguments.on_battery { "" } else { "ConditionACPower=true\n" },
        quoted(&program.to_string_lossy()),
        quoted(&home.to_string_lossy()),
    );
    context.output.line(&unit)?;
    context.output.json(&json!({ "unit": unit }))?;
    Ok(Outcome::Done)
}

/// As systemd reads it: quoted, with `%`, `$`, quotes and backslashes doubled or escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '%' => quoted.push_str("%%"),
            '$' => quoted.push_str("$$"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(time("4h"), Ok(SignedDuration::from_hours(4)));
        assert_eq!(time("90m"), Ok(SignedDuration::from_mins(90)));
        for wrong in ["", "4", "often", "-4h", "10s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    // If this fails, a home with a space or a percent sign in its path is never looked after.
    #[test]
    fn paths_are_quoted_as_systemd_reads_them() {
        assert_eq!(quoted("/a b/100%/$x\"\\"), r#""/a b/100%%/$$x\"\\""#);
    }
}
