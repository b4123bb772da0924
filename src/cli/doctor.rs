//! `kaizen doctor`: is everything in place, and does a training step learn?

use super::context::Context;
use super::outcome::{Outcome, Result};
use super::table::counted;
use crate::kernels::{Buffer, cpu_level};
use crate::model::lora::{Lora, LoraConfig};
use crate::model::network::{Dropout, Target, device_found};
use crate::model::{Model, Projection, Special};
use crate::runtime::{self, Job, Priority, Runtime, Step};
use crate::sandbox::Sandbox;
use crate::tasks::tools::desktop::{Availability, Desktop, availability};
use crate::train::AdamW;
use crate::workplace;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

/// Memory below which the default model can hardly be trained, in MiB: longer examples need more.
const LEAST_MEMORY: usize = 1024;

pub fn run(context: &Context) -> Result<Outcome> {
    let workplace = &context.workplace;
    let home = workplace.home.root();
    let mut checks = vec![
        Check {
            name: "config",
            ok: true,
            detail: "config.toml is right, or the defaults hold".into(),
        },
        writable(home),
        database(context),
    ];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    checks.push(Check {
        name: "cpu",
        ok: true,
        detail: format!("{threads} threads, {} instructions", cpu_level().name()),
    });
    checks.push(device(context));
    let free = workplace::free_memory_mib();
    checks.push(Check {
        name: "memory",
        ok: free.is_none_or(|mib| mib >= LEAST_MEMORY),
        detail: free.map_or("unknown here".into(), |mib| {
            format!("{mib} MiB free ({LEAST_MEMORY} are enough to train the default model on short examples)")
        }),
    });
    match context.runtime() {
        Err(error) => checks.push(Check { name: "model", ok: false, detail: error.to_string() }),
        Ok(runtime) => model_checks(&runtime, &mut checks),
    }
    checks.push(sandbox());
    checks.extend(desktop());
    checks.push(locks(home));
    let ok = checks.iter().all(|check| check.ok);
    for check in &checks {
        let mark = if check.ok { "ok  " } else { "FAIL" };
        context.output.line(format!("{mark}  {:10}  {}", check.name, check.detail))?;
    }
    context.output.json(&json!({"ok": ok, "checks": checks}))?;
    Ok(if ok { Outcome::Done } else { Outcome::No })
}

/// What act mode can promise here. Not a failure: where nothing confines, it asks.
fn sandbox() -> Check {
    let protection = Sandbox::of_this_program().map(|sandbox| sandbox.protection());
    Check {
        name: "sandbox",
        ok: protection.is_ok(),
        detail: match protection {
            Ok(protection) => protection.warning().unwrap_or_else(|| {
                "commands of act mode reach their folder alone, and no network".into()
            }),
            Err(error) => error.to_string(),
        },
    }
}

/// The tools for the desktop; what is missing is said, and needs nobody who does without.
fn desktop() -> Vec<Check> {
    let tools = availability(&Desktop::of_this_session());
    let check = |tool: Availability| Check {
        name: tool.tool,
        ok: true,
        detail: match tool.is_available() {
            true => "available to act mode with --desktop".into(),
            false => {
                let missing: Vec<String> = tool.missing.iter().map(ToString::to_string).collect();
                format!("not available: {}", missing.join("; "))
            }
        },
    };
    tools.into_iter().map(check).collect()
}

fn writable(home: &std::path::Path) -> Check {
    let probe = tempfile::Builder::new().prefix(".doctor-").tempfile_in(home);
    Check {
        name: "disk",
        ok: probe.is_ok(),
        detail: match probe {
            Ok(_) => format!("{} can be written", home.display()),
            Err(error) => format!("{} cannot be written: {error}", home.display()),
        },
    }
}

fn database(context: &Context) -> Check {
    match context.workplace.index().map(|index| index.count(&crate::store::Filter::default())) {
        Ok(Ok(count)) => {
            let detail = format!("{} in the index", counted(count, "session"));
            Check { name: "database", ok: true, detail }
        }
        Ok(Err(error)) => Check { name: "database", ok: false, detail: error.to_string() },
        Err(error) => Check { name: "database", ok: false, detail: error.to_string() },
    }
}

fn device(context: &Context) -> Check {
    let found = device_found(context.workplace.config.runtime.device);
    Check {
        name: "device",
        ok: found.is_ok(),
        detail: found.unwrap_or_else(|error| error.to_string()),
    }
}

/// A lock belongs to a process and dies with it; what can stay is a folder nobody finished.
fn locks(home: &std::path::Path) -> Check {
    let left: Vec<String> = std::fs::read_dir(home.join("adapters"))
        .map(|entries| {
            entries
                .filter_map(|entry| {
                    entry.ok().map(|e| e.file_name().to_string_lossy().into_owned())
                })
                .filter(|name| name.starts_with(".incoming-"))
                .collect()
        })
        .unwrap_or_default();
    Check {
        name: "left over",
        ok: true,
        detail: match left.is_empty() {
            true => "nothing half-written; locks end with their process".into(),
            false => format!("adapters/{} was never finished and can be deleted", left.join(", ")),
        },
    }
}

fn model_checks(runtime: &Runtime, checks: &mut Vec<Check>) {
    let model = runtime.model();
    let architecture = model.network.architecture();
    checks.push(Check {
        name: "model",
        ok: true,
        detail: format!(
            "{}, {:.0} M parameters, context {}, {} MiB in memory",
            model.name(),
            architecture.parameters() as f64 / 1e6,
            architecture.context,
            model.network.bytes() >> 20
        ),
    });
    let text = "Kaizen: 12 small steps – déjà vu?";
    let round_trip =
        model.tokenizer.encode(text, Special::AsText).map(|ids| model.tokenizer.decode(&ids));
    checks.push(Check {
        name: "tokenizer",
        ok: round_trip.as_deref().is_ok_and(|back| back == text),
        detail: match round_trip {
            Ok(back) if back == text => {
                format!("{} tokens, text comes back as it was", model.tokenizer.vocab_size())
            }
            Ok(back) => format!("{text:?} came back as {back:?}"),
            Err(error) => error.to_string(),
        },
    });
    let learned = runtime.run(SelfTest, |()| ());
    checks.push(match learned {
        Ok((before, after)) => Check {
            name: "training",
            ok: after < before,
            detail: format!("one step took the loss from {before:.4} to {after:.4}"),
        },
        Err(error) => Check { name: "training", ok: false, detail: error.to_string() },
    });
}

/// One training step on one sentence: loss before and after.
struct SelfTest;

impl Job for SelfTest {
    type Event = ();
    type Output = (f64, f64);
    type Error = runtime::Error;

    fn priority(&self) -> Priority {
        Priority::Measuring
    }

    fn step(
        &mut self,
        model: &Model,
        _: &mut dyn FnMut(()),
    ) -> Result<Step<(f64, f64)>, runtime::Error> {
        let ids = model.tokenizer.encode("Small steps, every day, lead far.", Special::AsText)?;
        let config = LoraConfig {
            rank: 4,
            alpha: 8.0,
            dropout: 0.0,
            targets: Projection::ALL.to_vec(),
            rank_stabilised: false,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut lora = Lora::fresh(config, model.network.architecture(), &mut rng);
        let targets: Vec<Target> =
            (1..ids.len()).map(|place| Target { row: place - 1, token: ids[place] }).collect();
        let weights = vec![1.0 / targets.len() as f32; targets.len()];
        let mean = |losses: &[f32]| {
            losses.iter().map(|l| f64::from(*l)).sum::<f64>() / losses.len() as f64
        };

        let whole = 0..ids.len();
        let recording =
            model.network.record(&lora, &ids, std::slice::from_ref(&whole), Dropout::OFF, false)?;
        let mut d_hidden = Buffer::zeroed(recording.hidden.len());
        let before = model.network.losses_and_gradient(
            &recording.hidden,
            &targets,
            &weights,
            &mut d_hidden,
        )?;
        let mut gradient = vec![0.0; lora.parameters.len()];
        model.network.backward(&lora, recording, d_hidden, &mut gradient)?;
        AdamW::new(gradient.len(), 0.0, 1.0).update(&mut lora.parameters, &gradient, 1e-3);
        let hidden = model.network.read(Some(&lora), &ids, &[whole])?;
        let after = model.network.losses(&hidden, &targets)?;
        Ok(Step::Done((mean(&before), mean(&after))))
    }

    fn cancel(
        &mut self,
        _: &Model,
        _: &mut dyn FnMut(Self::Event),
    ) -> Result<(f64, f64), runtime::Error> {
        Ok((0.0, 0.0))
    }
}
