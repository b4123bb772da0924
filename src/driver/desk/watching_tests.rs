//! Two desks on one home, and runs that another process trains. No model is needed.
#![allow(clippy::unwrap_used)]

use super::super::Desk;
use crate::driver::{AskTask, Effect, Report, WorkEvent, WorkId};
use crate::feedback::Rating;
use crate::store::{Documents, Filter, Home, Message, Stars, logs};
use crate::workplace::{ArmChoice, Workplace};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn desk(home: &Path) -> (Desk, Receiver<Report>) {
    let (told, reports) = channel();
    let tell = move |report| {
        let _ = told.send(report);
    };
    let workplace = Workplace::open(home, None, None).unwrap();
    (Desk::new(workplace, Arc::new(tell)).unwrap(), reports)
}

fn home_at(home: &Path) -> Home {
    Workplace::open(home, None, None).unwrap().home
}

/// The first report that `wanted` makes something of; others are passed over.
fn wait<T>(reports: &Receiver<Report>, wanted: impl Fn(Report) -> Option<T>) -> T {
    loop {
        if let Some(found) = wanted(reports.recv_timeout(PATIENCE).unwrap()) {
            return found;
        }
    }
}

fn ask(work: u64) -> Effect {
    let task = AskTask {
        messages: vec![Message::user("hello")],
        arm: ArmChoice::Base,
        retry_of: None,
        follows: None,
        seed: None,
    };
    Effect::Ask { work: WorkId(work), task }
}

// If this fails, two dashboards train, rate and promote over each other's heads, or a person whose first
// window was closed must start the second one anew.
#[test]
fn of_two_dashboards_one_owns_the_home_and_the_other_follows_until_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let (first, first_reports) = desk(home.path());
    first.perform(Effect::WatchHome);
    let (second, reports) = desk(home.path());
    second.perform(Effect::WatchHome);
    let owner = wait(&reports, |report| match report {
        Report::Ownership(owner) => Some(owner),
        _ => None,
    });
    assert!(owner.unwrap().is_here());

    // It does nothing that the owner does.
    second.perform(ask(1));
    let refused = |report| match report {
        Report::Work { work: WorkId(1), event: WorkEvent::Failed(why) } => Some(why),
        Report::Work { .. } => panic!("it was begun"),
        _ => None,
    };
    let why = wait(&reports, refused);
    assert!(why.contains("another dashboard") && why.contains("follows"), "{why}");
    second.perform(Effect::RollBack);
    wait(&reports, |report| matches!(report, Report::Failed { .. }).then_some(()));

    // It sees what the owner does, without being asked again.
    second.perform(Effect::ListSessions(Filter::default()));
    let listed = |report| match report {
        Report::Sessions(sessions) => Some(sessions.list.clone()),
        _ => None,
    };
    assert!(wait(&reports, listed).is_empty());
    let session = logs::create(&home_at(home.path()), "x").unwrap();
    assert_eq!(wait(&reports, |report| listed(report).filter(|list| !list.is_empty())).len(), 1);
    let rating = Rating::stars(Stars::ALL[3]);
    first.perform(Effect::Rate { session: session.session_id.clone(), rating: rating.clone() });
    wait(&first_reports, |report| matches!(report, Report::Rated(_)).then_some(()));
    wait(&reports, |report| {
        listed(report).filter(|list| list.iter().any(|one| one.stars.is_some()))
    });
    let refused = Effect::Rate { session: session.session_id.clone(), rating };
    second.perform(refused);
    wait(&reports, |report| matches!(report, Report::RatingFailed { .. }).then_some(()));

    // Nor does a round stay hidden that a command works on, or what comes of it.
    let experiments = home_at(home.path()).experiments();
    let round = Documents::create(&experiments, "round", "20260102_030405").unwrap();
    wait(&reports, |report| matches!(report, Report::Experiments(_)).then_some(()));
    round.write("anything.json", &1).unwrap();
    wait(&reports, |report| matches!(report, Report::Experiments(_)).then_some(()));
    // Who is killed writes nothing more, and lets go.
    let held = round.lock().unwrap();
    wait(&reports, |report| matches!(report, Report::Experiments(_)).then_some(()));
    drop(held);
    wait(&reports, |report| matches!(report, Report::Experiments(_)).then_some(()));

    // The end of the first makes the second the owner.
    first.close();
    wait(&reports, |report| matches!(report, Report::Ownership(None)).then_some(()));
    second.perform(Effect::RollBack);
    let why = wait(&reports, |report| match report {
        Report::Failed { why, .. } => Some(why),
        _ => None,
    });
    assert!(!why.contains("another dashboard"), "{why}");
    second.close();
}
