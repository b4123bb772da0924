//! Act mode on the real model and its real vocabulary: every action parses, what is learned is what the
//! actor saw, and a task is carried out, confined and recorded.

use crate::fixture::{model, runtime};
use kaizen::model::sampler::{Sampling, likeliest};
use kaizen::model::{Matching, Special};
use kaizen::runtime::{Generate, GenerateRequest, Stop, Until};
use kaizen::sandbox::Sandbox;
use kaizen::store::{ActEnding, Approval, Home, Message, logs};
use kaizen::tasks::act::{
    self, ActLimits, ActRequest, Acted, Decision, Means, Permission, Proposal, parse_action,
};
use kaizen::tasks::checked::{self, CheckedMeans};
use kaizen::tasks::tools::{Answer, ListFiles, Shell, Toolbox, Workspace, WriteFile};
use kaizen::tasks::{Action, Arm};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

fn sandbox() -> Arc<Sandbox> {
    Arc::new(Sandbox::with_helper(env!("CARGO_BIN_EXE_kaizen").into()))
}

fn toolbox(cancel: &Arc<AtomicBool>) -> Toolbox {
    let shell =
        Shell { sandbox: sandbox(), time_limit: Duration::from_secs(20), cancel: cancel.clone() };
    Toolbox::default().with(Box::new(shell)).with_files().with(Box::new(Answer))
}

fn workspace() -> (tempfile::TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("docs/old \"things\"")).unwrap();
    for name in ["docs/a.pdf", "docs/old \"things\"/b.pdf", "docs/ü\\.txt", "README.md"] {
        std::fs::write(folder.path().join(name), format!("about {name}\n")).unwrap();
    }
    let workspace = Workspace::open(folder.path(), None).unwrap();
    (folder, workspace)
}

fn limits(max_steps: usize) -> ActLimits {
    ActLimits {
        max_steps,
        task_time: Duration::from_secs(120),
        action_tokens: 128,
        observation_tokens: 160,
    }
}

/// Numbers between -1 and 1, more than twice a vocabulary.
static NUMBERS: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..150_000).map(|_| rng.random_range(-1.0..1.0)).collect()
});

/// A text that random logits write under the grammar; with `endless`, logits that want to go on and on.
fn written_at_random(
    mut matching: Matching,
    rng: &mut ChaCha8Rng,
    max_tokens: usize,
    endless: bool,
) -> String {
    let model = model();
    let vocabulary = model.network.architecture().vocabulary;
    let (mut tokens, mut logits) = (Vec::new(), vec![0.0; vocabulary]);
    for written in 0..max_tokens {
        // Drawing a whole vocabulary anew for every token would take all the time.
        let from = rng.random_range(0..NUMBERS.len() - vocabulary);
        logits.copy_from_slice(&NUMBERS[from..from + vocabulary]);
        if endless {
            for text in [",", "}", " ", "\\", "\\\"", "e", "\u{e9}"] {
                for token in model.tokenizer.encode(text, Special::AsText).unwrap() {
                    logits[token as usize] += 100.0;
                }
            }
        }
        matching.restrict(&mut logits, max_tokens - written).unwrap();
        // The likeliest of random logits is a random one of the tokens that are left.
        let token = likeliest(&logits);
        tokens.push(token);
        if matching.accept(token).unwrap() {
            return model.tokenizer.decode(&tokens);
        }
    }
    panic!("never complete: {:?}", model.tokenizer.decode(&tokens))
}

// If this fails, an actor writes what is no action, and a task ends in nonsense.
#[test]
fn whatever_the_logits_are_an_action_parses() {
    let cancel = Arc::default();
    let toolbox = toolbox(&cancel);
    let (_folder, workspace) = workspace();
    let listing = workspace.listing(300);
    let grammar =
        model().grammars().unwrap().compile(&act::action_pattern(&toolbox, &listing)).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let count = if std::env::var_os("KAIZEN_FULL").is_some() { 10_000 } else { 1_000 };
    let mut tools = std::collections::BTreeMap::<String, usize>::new();
    for nth in 0..count {
        let max_tokens = if nth % 4 == 0 { 96 } else { 160 };
        let endless = nth % 5 == 0;
        let text = written_at_random(grammar.begin(), &mut rng, max_tokens, endless);
        let action = parse_action(&text, &toolbox).unwrap_or_else(|why| panic!("{why}: {text}"));
        assert_eq!(action.to_json(), text, "there is one way to write an action");
        if matches!(action.tool.as_str(), "read_file" | "edit_file") {
            let path = action.text("path");
            assert!(workspace.root().join(path).is_file(), "{path:?} does not exist");
        }
        *tools.entry(action.tool).or_default() += 1;
    }
    assert!(tools.len() >= 6, "some tools are never reached: {tools:?}");
}

// If this fails, the model's own actions do not parse.
#[test]
fn what_the_model_writes_is_an_action() {
    let cancel = Arc::default();
    let toolbox = toolbox(&cancel);
    let (_folder, workspace) = workspace();
    let model = model();
    let pattern = act::action_pattern(&toolbox, &workspace.listing(300));
    let grammar = Arc::new(model.grammars().unwrap().compile(&pattern).unwrap());
    let count = if std::env::var_os("KAIZEN_FULL").is_some() { 200 } else { 40 };
    let requests: Vec<GenerateRequest> = (0..count)
        .map(|seed| {
            let asked = [Message::user(format!("Task {seed}: tidy up, then count the files."))];
            GenerateRequest {
                prompt: model.template.encode(&model.tokenizer, &asked, true).unwrap(),
                sampling: Sampling { temperature: 1.0, seed, ..Sampling::GREEDY },
                max_tokens: 96,
                until: Until::Complete(grammar.clone()),
            }
        })
        .collect();
    let texts = runtime().run(Generate::measured(requests, None, 16), |_| ()).unwrap();
    assert_eq!(texts.len(), count as usize);
    for text in texts {
        assert_eq!(text.stop, Stop::Complete, "{}", text.text);
        let action = parse_action(&text.text, &toolbox).unwrap();
        assert_eq!(action.to_json(), text.text);
    }
}

// If this fails, a task is not carried out, or its record is not what the actor saw.
#[test]
fn a_task_is_carried_out_and_recorded_as_the_actor_saw_it() {
    let cancel = Arc::default();
    let toolbox = toolbox(&cancel);
    let (_folder, workspace) = workspace();
    let place = tempfile::tempdir().unwrap();
    let home = Home::open(place.path()).unwrap();
    let means = Means {
        runtime: &runtime(),
        home: &home,
        workspace: &workspace,
        toolbox: &toolbox,
        arm: &Arm::base(),
        cancel: &cancel,
    };
    let request = ActRequest {
        task: "count the PDF files".into(),
        sampling: Sampling::GREEDY,
        limits: limits(3),
        retry_of: None,
    };
    let mut seen = 0;
    let acted = act::act(&means, &request, Permission::All, &mut |event| {
        seen += usize::from(matches!(event, act::ActEvent::Did { .. }));
    })
    .unwrap();
    let session = logs::load(&home, &acted.session.session_id).unwrap();
    assert_eq!(session, acted.session);
    assert_eq!(session.iterations.len(), seen);
    assert!((1..=3).contains(&seen));
    let ended = session.kaizen.as_ref().unwrap().act.as_ref().unwrap().ended;
    assert_eq!(ended, Some(acted.ended));
    assert!(matches!(
        acted.ended,
        ActEnding::Answered | ActEnding::MaxSteps | ActEnding::GoesRound
    ));
    let model = model();
    for (place, step) in session.iterations.iter().enumerate() {
        // The turns that training would show are those whose tokens the actor read.
        let turns = session.turns_before_step(place as u64 + 1).unwrap();
        let prompt = model.template.encode(&model.tokenizer, &turns, true).unwrap();
        assert_eq!(prompt.len(), acted.generations[place].prompt_tokens);
        let action = step.action.as_ref().unwrap().to_string();
        assert_eq!(step.grok_response.as_deref(), Some(action.as_str()));
        parse_action(&action, &toolbox).unwrap();
        assert!(step.outcome().is_some() && step.tool_results.len() == 1);
    }
}

// If this fails, the tasks that come with Kaizen cannot be done, pass without being done, or teach what
// an actor never sees.
#[test]
fn shipped_tasks_fail_undone_and_teach_what_passes() {
    let cancel = Arc::default();
    let toolbox = toolbox(&cancel);
    let (place, sandbox) = (tempfile::tempdir().unwrap(), sandbox());
    let home = Home::open(place.path()).unwrap();
    let means = CheckedMeans {
        runtime: &runtime(),
        home: &home,
        sandbox: &sandbox,
        toolbox: &toolbox,
        arm: &Arm::base(),
        cancel: &cancel,
    };
    let halves: Vec<_> = ["learn", "test"]
        .into_iter()
        .map(|half| checked::shipped(half, &toolbox).unwrap().unwrap())
        .collect();
    assert!(halves.iter().map(Vec::len).sum::<usize>() >= 60);
    let kinds = |half: &[checked::CheckedTask]| -> std::collections::BTreeSet<String> {
        half.iter().map(|task| task.kind.clone()).collect()
    };
    assert!(kinds(&halves[0]).is_disjoint(&kinds(&halves[1])), "the halves share a kind of task");
    let every = if std::env::var_os("KAIZEN_FULL").is_some() { 1 } else { 8 };
    for task in halves.iter().flatten().step_by(every) {
        let request = ActRequest {
            task: task.task.clone(),
            sampling: Sampling::GREEDY,
            // Nothing is done: one step, which only looks.
            limits: limits(1),
            retry_of: None,
        };
        let look = Toolbox::default().with(Box::new(ListFiles));
        let idle = CheckedMeans { toolbox: &look, ..means };
        let result = checked::run(&idle, &unanswerable(task), &request, 0).unwrap();
        assert!(!result.passed, "{} passes though nothing was done", task.id);
        let shown = checked::demonstrate(&means, task, &request).unwrap();
        let shown = shown.unwrap_or_else(|| panic!("{}: expected actions do not pass", task.id));
        assert_eq!(shown.steps.len(), task.actions.len());
        for ((turns, action), expected) in shown.examples().iter().zip(&task.actions) {
            assert_eq!(*action, expected.to_json());
            assert_eq!(turns.first().map(|turn| turn.role), Some(kaizen::store::Role::System));
        }
    }
}

fn unanswerable(task: &checked::CheckedTask) -> checked::CheckedTask {
    checked::CheckedTask { actions: Vec::new(), ..task.clone() }
}

/// A task whose every action writes a file, whatever the model thinks of it; and how often it was asked.
fn writes(
    home: &Home,
    workspace: &Workspace,
    steps: usize,
    decide: impl Fn(&Proposal) -> Decision,
) -> (Acted, usize) {
    let cancel = Arc::default();
    let toolbox = Toolbox::default().with(Box::new(WriteFile));
    let means = Means {
        runtime: &runtime(),
        home,
        workspace,
        toolbox: &toolbox,
        arm: &Arm::base(),
        cancel: &cancel,
    };
    let request = ActRequest {
        task: "write something".into(),
        sampling: Sampling::GREEDY,
        limits: limits(steps),
        retry_of: None,
    };
    let mut asked = 0;
    let mut ask = |proposal: &Proposal| {
        asked += 1;
        decide(proposal)
    };
    let acted = act::act(&means, &request, Permission::Ask(&mut ask), &mut |_| {}).unwrap();
    (acted, asked)
}

fn approvals(acted: &Acted) -> Vec<Approval> {
    acted.session.iterations.iter().map(|step| step.outcome().unwrap().approval).collect()
}

fn files(workspace: &Workspace) -> usize {
    workspace.listing(1000).entries.len()
}

// If this fails, something is changed that a person did not allow, or they are asked again and again.
#[test]
fn a_change_is_made_only_when_somebody_allows_it() {
    let place = tempfile::tempdir().unwrap();
    let home = Home::open(place.path()).unwrap();
    let (_folder, workspace) = workspace();
    let before = files(&workspace);

    let (acted, asked) = writes(&home, &workspace, 2, |_| Decision::Deny);
    assert_eq!((asked, files(&workspace)), (2, before));
    assert_eq!(approvals(&acted), [Approval::Denied, Approval::Denied]);
    let turns = acted.session.turns_before_step(2).unwrap();
    assert!(turns[3].content.contains("did not allow"), "{}", turns[3].content);

    let (acted, asked) = writes(&home, &workspace, 3, |_| Decision::Stop);
    assert_eq!((asked, acted.ended, files(&workspace)), (1, ActEnding::Cancelled, before));

    // What the person does instead is what would have been right.
    let instead = Action::new("write_file", &[("path", "mine.txt"), ("content", "mine\n")]);
    let (acted, asked) = writes(&home, &workspace, 1, |_| Decision::Edit(instead.clone()));
    assert_eq!((asked, approvals(&acted)), (1, vec![Approval::Edited]));
    let written = std::fs::read_to_string(workspace.root().join("mine.txt")).unwrap();
    assert_eq!(written, "mine\n");
    let (turns, action) = acted.session.step_examples().remove(0);
    assert_eq!((turns.len(), action), (2, instead.to_json()));

    let (_, asked) = writes(&home, &workspace, 2, |proposal| {
        assert_eq!((proposal.kind.as_str(), proposal.unconfined.as_ref()), ("write_file", None));
        Decision::AllowKind
    });
    assert_eq!(asked, 1, "a kind that was allowed is not asked about again");
    let (acted, asked) = writes(&home, &workspace, 1, |_| Decision::Deny);
    assert_eq!((asked, approvals(&acted)), (0, vec![Approval::AllowedBefore]));
    // In another folder it is.
    let other = tempfile::tempdir().unwrap();
    let other = Workspace::open(other.path(), None).unwrap();
    assert_eq!(writes(&home, &other, 1, |_| Decision::Deny).1, 1);
}

// If this fails, what a model found out by itself at another try is lost.
#[test]
fn another_try_that_passes_is_the_correction_of_the_one_that_failed() {
    let cancel = Arc::default();
    let toolbox = Toolbox::default().with(Box::new(Answer));
    let (place, sandbox) = (tempfile::tempdir().unwrap(), sandbox());
    let home = Home::open(place.path()).unwrap();
    let means = CheckedMeans {
        runtime: &runtime(),
        home: &home,
        sandbox: &sandbox,
        toolbox: &toolbox,
        arm: &Arm::base(),
        cancel: &cancel,
    };
    let task = |check: String| checked::CheckedTask {
        id: "say".into(),
        area: "words".into(),
        kind: String::new(),
        setup: vec!["echo x > x.txt".into()],
        task: "Say something about the sea.".into(),
        check,
        actions: Vec::new(),
    };
    let request = ActRequest {
        task: task(String::new()).task,
        sampling: Sampling::GREEDY,
        limits: limits(1),
        retry_of: None,
    };
    let failed = checked::run(&means, &task("false".into()), &request, 0).unwrap();
    assert!(!failed.passed && failed.session.step_examples().is_empty());
    let known = home.session_folder(&failed.session.session_id).join("known");
    std::fs::write(&known, failed.session.answer().unwrap()).unwrap();
    // Whatever is answered, but not that again.
    let digest = std::process::Command::new("sha256sum").arg(&known).output().unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap()[..64].to_owned();
    let other = format!("[ \"$(printf %s \"$ANSWER\" | sha256sum | cut -c1-64)\" != {digest} ]");
    let result = checked::run(&means, &task(other), &request, 10).unwrap();
    assert!(!result.passed && result.retry_passed, "{} retries", result.retries);
    let act = result.session.kaizen.as_ref().unwrap().act.as_ref().unwrap();
    let shown = act.demonstration.as_ref().unwrap();
    let passed = logs::load(&home, shown.session.as_ref().unwrap()).unwrap();
    assert_eq!(passed.kaizen.as_ref().unwrap().retry_of.as_ref(), Some(&result.session.session_id));
    let (turns, action) = result.session.step_examples().remove(0);
    assert_eq!(turns, result.session.turns_before_step(1).unwrap());
    assert_eq!(action, passed.iterations[0].action.as_ref().unwrap().to_string());
}
