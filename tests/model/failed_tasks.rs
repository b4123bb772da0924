//! A person's failed tasks, before and after training: if this fails, they are shown an adapter that
//! learned nothing as one that helps, or what it learned by heart as what it can do.

use crate::common::model_file::model_file;
use crate::fixture::{examples, request, runtime, settings, train, workplace};
use kaizen::driver::{Desk, Effect, Report, WorkEvent, WorkId};
use kaizen::eval::{Example, measure};
use kaizen::feedback::{self, Rating};
use kaizen::store::{Outcome, Stars, logs};
use kaizen::train::TrainSettings;
use kaizen::workplace::{self, ArmChoice, Workplace};
use std::sync::{Arc, Mutex, mpsc};

fn fail(workplace: &Workplace, example: &Example) {
    let mut session = logs::create(&workplace.home, "lucky?").unwrap();
    let record = session.record_mut();
    record.messages = example.messages.clone();
    record.answer = Some("Who knows?".into());
    record.outcome = Some(Outcome::Finished);
    logs::save(&workplace.home, &session).unwrap();
    let stars = Stars::try_from(2).unwrap();
    let rating = Rating { correction: Some(example.answer.clone()), ..Rating::stars(stars) };
    let index = workplace.index().unwrap();
    feedback::rate(&workplace.home, &index, session.session_id.as_str(), &rating).unwrap();
}

#[test]
fn failed_tasks_are_scored_by_both_arms_and_the_seen_ones_are_marked() {
    let (folder, workplace) = workplace();
    let runtime = runtime();
    let all = examples(3);
    let settings = TrainSettings { epochs: 8, batch_size: 1, learning_rate: 2e-3, ..settings() };
    let asked = request(all[..1].to_vec(), settings);
    let prepared = workplace::prepare(&workplace, &runtime, asked).unwrap();
    let adapter = train(&workplace, &runtime, prepared).adapter.unwrap();
    for example in &all {
        fail(&workplace, example);
    }
    let expected = measure::score(&runtime, &all, None, &mut |_, _| ()).unwrap();

    let model = Some(model_file().path.display().to_string());
    let workplace = Workplace::open(folder.path(), None, model).unwrap();
    let (send, reports) = mpsc::channel();
    let send = Mutex::new(send);
    let tell = move |report| {
        let _ = send.lock().unwrap().send(report);
    };
    let desk = Desk::new(workplace, Arc::new(tell)).unwrap();
    desk.perform(Effect::LoadModel);
    let b = ArmChoice::Adapter(adapter.clone());
    desk.perform(Effect::CompareFailed { work: WorkId(7), a: ArmChoice::Base, b });
    let compared = loop {
        match reports.recv().unwrap() {
            Report::Work { event: WorkEvent::FailedCompared(compared), .. } => break compared,
            Report::Work { event: WorkEvent::Failed(why), .. } => panic!("{why}"),
            _ => {}
        }
    };
    desk.close();
    assert_eq!((compared.a.as_str(), &compared.b, compared.uncorrected), ("base", &adapter, 0));
    // Newest first.
    let seen: Vec<bool> = compared.tasks.iter().map(|task| task.seen).collect();
    assert_eq!(seen, [false, false, true]);
    for (task, (example, score)) in compared.tasks.iter().rev().zip(all.iter().zip(&expected)) {
        assert_eq!((&task.messages, &task.correction), (&example.messages, &example.answer));
        assert!((task.before.ln() - score.nll).abs() < 1e-3, "{} {}", task.before, score.nll);
    }
    let learned = &compared.tasks[2];
    assert!(learned.after < 0.9 * learned.before, "{} -> {}", learned.before, learned.after);
}
