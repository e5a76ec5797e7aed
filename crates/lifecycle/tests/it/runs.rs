//! What can be done with runs, and how many images are brought here at a time.

use std::{fs, time::Duration};

use longshore_harbor::{
    family,
    s3::{Fault, Gate, Rule},
};
use longshore_lifecycle::{Allow, Class, RunReport, RunsFilter, WaitsFor};

use crate::place::{Place, fetch, image, only, open, with_machine};

const SOON: Duration = Duration::from_secs(30);

fn runs(place: &Place) -> Vec<RunReport> {
    let view = place.state("state").view();
    view.runs(&RunsFilter::default()).unwrap().runs
}

/// Keeps the bytes of a layer back.
fn stall(place: &Place, key: &str) -> Gate {
    let gate = Gate::new();
    let stall = Fault::Stall {
        after: 0,
        gate: gate.clone(),
    };
    place.server.inject(Rule::new(stall).key(key));
    gate
}

/// Waits without keeping the threads of the runtime from working.
async fn asked_for(gate: &Gate) {
    let gate = gate.clone();
    let asked = tokio::task::spawn_blocking(move || gate.wait_for(1, SOON));
    assert!(asked.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_making_fails_leaves_nothing_behind() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    let report = fetch(&host, "images/demo").await;
    let volume = report.volume.path.unwrap();
    let kept = format!("{volume}.kept");
    fs::rename(&volume, &kept).unwrap();
    let failure = host
        .create_machine(
            &image("images/demo"),
            longshore_lifecycle::MachineOptions::default(),
            Allow::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Failed, "{failure:?}");
    fs::rename(&kept, &volume).unwrap();

    let failed = &runs(&place)[0];
    assert_eq!(
        (failed.workflow.as_str(), failed.state.as_str()),
        ("machine", "failed")
    );
    assert_eq!(failed.step.as_deref(), Some("activate"));
    assert_eq!(failed.failure.as_ref().unwrap().code, failure.code);
    let events = place.state("state").view().run(failed.run).unwrap().history;
    let events: Vec<&str> = events.iter().map(|row| row.event.as_str()).collect();
    assert!(
        events.ends_with(&["undo-begun", "attempt-started", "step-undone", "ended"]),
        "{events:?}"
    );
    assert!(place.state("state").list()[0].machines.is_empty());
    assert_eq!(place.state("state").names("machines"), [""; 0]);
    place.state("state").assert_tidy();

    let made = host
        .create_machine(
            &image("images/demo"),
            longshore_lifecycle::MachineOptions::default(),
            Allow::default(),
        )
        .await
        .unwrap();
    assert!(fs::metadata(made.path.unwrap()).is_ok());
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_images_are_brought_here_at_a_time() {
    let place = Place::with(&[family::golang(), family::node(), family::python()]);
    let mut settings = place.settings("state");
    settings.images_at_once = std::num::NonZeroUsize::MIN;
    let host = open(settings).await;
    let gate = stall(&place, "images/golang/1.tar");
    let look = async {
        while runs(&place).len() < 3 {
            tokio::task::yield_now().await;
        }
        let all = runs(&place);
        let waits = |run: &RunReport| run.waits_for.clone();
        let turn = WaitsFor::Turn {
            queue: "images".into(),
        };
        let found: Vec<_> = all
            .iter()
            .map(|run| (run.state.as_str(), waits(run)))
            .collect();
        assert_eq!(
            found,
            [
                ("pending", Some(turn.clone())),
                ("pending", Some(turn)),
                ("running", None)
            ]
        );
        gate.open();
    };
    // The first has its turn when the others ask.
    let others = async {
        asked_for(&gate).await;
        futures::join!(
            host.fetch_and_create(only("images/node")),
            host.fetch_and_create(only("images/python")),
            look
        )
    };
    let (golang, (node, python, ())) =
        futures::join!(host.fetch_and_create(only("images/golang")), others);
    let mut begun: Vec<(i64, i64)> = Vec::new();
    for report in [golang, node, python] {
        let run = place
            .state("state")
            .view()
            .run(report.unwrap().run)
            .unwrap();
        let first = run
            .history
            .iter()
            .find(|row| row.event == "attempt-started");
        begun.push((first.unwrap().at, run.run.ended_at.unwrap()));
    }
    begun.sort_unstable();
    assert!(
        begun.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "{begun:?}"
    );
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_at_work_is_paused_resumed_and_cancelled() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    let gate = stall(&place, "images/demo/2.tar");
    let pause = async {
        asked_for(&gate).await;
        assert!(host.pause_run(1, "lunch").await.unwrap().changed);
    };
    let (paused, ()) = futures::join!(host.fetch_and_create(with_machine("images/demo")), pause);
    let paused = paused.unwrap_err();
    assert_eq!(
        (paused.class, paused.code.as_str()),
        (Class::Busy, "paused")
    );
    assert_eq!(runs(&place)[0].reason.as_deref(), Some("lunch"));
    assert_eq!(host.retry_run(1).await.unwrap_err().code, "paused");

    let cancel = async {
        while runs(&place)[0].state != "running" {
            tokio::task::yield_now().await;
        }
        host.cancel_run(1).await.unwrap()
    };
    let (resumed, cancelled) = futures::join!(host.resume_run(1), cancel);
    assert_eq!(resumed.unwrap_err().code, "cancelled");
    assert_eq!(
        (cancelled.changed, cancelled.state.as_str()),
        (true, "cancelled")
    );
    assert!(!host.cancel_run(1).await.unwrap().changed);
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
    gate.open();

    let anew = host
        .fetch_and_create(with_machine("images/demo"))
        .await
        .unwrap();
    assert_eq!(anew.run, 2);
    place.state("state").assert_tidy();
    for missing in [0, 99] {
        assert_eq!(
            host.resume_run(missing).await.unwrap_err().class,
            Class::NotFound
        );
        assert_eq!(
            host.pause_run(missing, "").await.unwrap_err().class,
            Class::NotFound
        );
    }
}
