//! Runs that an earlier release began: carried out as they were begun.

use std::sync::Arc;

use longshore_durable::Plan;
use longshore_fsm::StartOptions;

use crate::{
    Allow, FetchRequest, Host, MachineName,
    crash::{IMAGE, Powered, World, bucket},
    default_machine_name,
    machine_run::{self, MachineRequest},
};

async fn fetched(host: &Host<Powered>) -> u64 {
    let request = FetchRequest {
        image: IMAGE.parse().unwrap(),
        machine: crate::MachineOptions::default(),
        activate: false,
        allow: Allow::default(),
        accept_changed: false,
    };
    host.fetch_and_create(request).await.unwrap().volume.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_its_first_version_began_is_finished_by_the_next_request() {
    let bucket = bucket();
    let mut world = World::new(bucket.path(), true);
    let image = IMAGE.parse().unwrap();
    let name: MachineName = default_machine_name(&image);
    {
        let host = world.open().await.unwrap();
        let base = fetched(&host).await;
        let origin = host.deps.origin().unwrap();
        let row = host.deps.read(|read| read.image(&origin, IMAGE)).unwrap();
        let first = machine_run::version_1(&Arc::clone(&host.deps))
            .unwrap()
            .handle();
        let asked = MachineRequest {
            size: None,
            owner: None,
            ttl: None,
            name: name.to_string(),
            image: row.unwrap().id,
            base,
            allowed: None,
        };
        let changes = world.disk.power().changes();
        world.disk.power().plan(Plan::CutAt(changes + 4));
        let cut = host.run(&first, name.as_str(), asked, StartOptions::default());
        cut.await.map(drop).unwrap_err();
        host.close().await;
    }
    world.disk = world.disk.crash(1);
    let host = world.open().await.unwrap();
    let left = host.deps.readers.list_active().unwrap();
    assert_eq!((left.len(), left[0].workflow.version), (1, 1));
    let made = host
        .create_machine(&image, crate::MachineOptions::default(), Allow::default())
        .await
        .unwrap();
    assert_eq!(made.name, name.as_str());
    let run = host.deps.readers.run(left[0].run).unwrap().unwrap();
    assert!(run.ended.is_some(), "{run:?}");
    let runs = host.deps.readers.list_runs(&Default::default()).unwrap();
    assert_eq!(runs.len(), 2, "no other was begun");
    host.close().await;
}
