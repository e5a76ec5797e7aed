//! The whole job, cut off and then given up, which is cut off as well: nothing of its own stays.

use std::sync::Arc;

use longshore_catalog::{MachineRow, MachineState, SCHEMA, SCHEMA_OWNER, VolumeKind};
use longshore_durable::Plan;
use longshore_fsm::{
    RunSummary,
    store::{Migrations, Readers},
};

use crate::{
    Failure,
    crash::{World, bucket, points, undisturbed},
};

impl World {
    /// The runs that have not ended.
    fn active(&self) -> Vec<RunSummary> {
        let migrations = [Migrations {
            owner: SCHEMA_OWNER,
            steps: SCHEMA,
        }];
        let readers = Readers::open(&self.database, &migrations).unwrap();
        readers.list_active().unwrap()
    }

    /// Gives up whatever is active, as far as that gets.
    async fn give_up(&self) -> Result<(), Failure> {
        let host = self.open().await?;
        let mut given_up = Ok(());
        for run in host.deps.readers.list_active().unwrap() {
            let cancelled = host.cancel_run(run.run.get()).await;
            given_up = given_up.and(cancelled.map(drop));
        }
        host.close().await;
        given_up
    }

    /// What holds once everything was given up: nothing is under way, and what is there of a machine
    /// is a machine.
    async fn check_given_up(&self) {
        let host = self.open().await.unwrap();
        let deps = Arc::clone(&host.deps);
        assert_eq!(deps.readers.list_active().unwrap(), []);
        let machines = deps.read(|read| read.machines()).unwrap();
        let is_active = |machine: &MachineRow| machine.state == MachineState::Active;
        assert!(machines.iter().all(is_active), "{machines:?}");
        let volumes = deps.read(|read| read.volumes()).unwrap();
        let disks = volumes.iter().filter(|row| row.kind == VolumeKind::Disk);
        assert_eq!(disks.count(), machines.len(), "{volumes:?}");
        let there = deps.backend.list().unwrap().volumes;
        assert_eq!(there.len(), volumes.len(), "{there:?} of {volumes:?}");
        assert_eq!(deps.backend.active().unwrap().len(), machines.len());
        host.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_cut_anywhere_and_is_given_up_leaves_nothing_of_its_own() {
    let bucket = bucket();
    let (expected, changes) = undisturbed(bucket.path(), true).await;
    // The machine is made at the end of the job; to give it up takes some thirty changes.
    for (first, at) in (0..).zip(
        points(changes, 1)
            .skip_while(|at| *at < changes / 2)
            .step_by(2),
    ) {
        for again in points(30, first).step_by(3) {
            let mut world = World::new(bucket.path(), true);
            world.disk.power().plan(Plan::CutAt(at));
            let _ = world.job().await;
            world.disk = world.disk.crash(at);
            world.disk.power().plan(Plan::CutAt(again));
            let _ = world.give_up().await;
            world.disk = world.disk.crash(again);
            let given_up = world.give_up().await;
            given_up.unwrap_or_else(|failure| panic!("cut at {at} and {again}: {failure:?}"));
            world.check_given_up().await;
            let report = world.job().await;
            let report = report.unwrap_or_else(|f| panic!("cut at {at} and {again}: {f:?}"));
            assert_eq!(
                world.check(&report).await,
                expected,
                "cut at {at} and {again}"
            );
        }
    }
}

/// Whoever asks for it again is not answered with the end of what was given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_run_is_on_its_way_back_begins_anew() {
    let bucket = bucket();
    let (expected, changes) = undisturbed(bucket.path(), true).await;
    let mut met = 0;
    for (at, again) in (1..changes)
        .rev()
        .flat_map(|at| (1..30).map(move |again| (at, again)))
    {
        let mut world = World::new(bucket.path(), true);
        world.disk.power().plan(Plan::CutAt(at));
        let _ = world.job().await;
        world.disk = world.disk.crash(at);
        world.disk.power().plan(Plan::CutAt(again));
        let _ = world.give_up().await;
        world.disk = world.disk.crash(again);
        if world.active().iter().all(|run| run.undoing.is_none()) {
            continue;
        }
        let report = world.job().await;
        let report = report.unwrap_or_else(|f| panic!("cut at {at} and {again}: {f:?}"));
        assert_eq!(world.check(&report).await, expected);
        met += 1;
        if met == 3 {
            return;
        }
    }
    panic!("only {met} runs were cut off on their way back");
}
