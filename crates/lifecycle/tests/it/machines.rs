//! Machines: what they are made of, what keeps them, what takes them away.

use longshore_harbor::{family, readback};
use longshore_lifecycle::{Allow, Class, FetchRequest, MachineName};

use crate::place::{Place, digest, fetch, image, with_machine};

const DEMO: &str = "images/demo";
const MACHINE: &str = "images-demo";

fn name(text: &str) -> MachineName {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_keeps_its_disk_while_its_path_comes_and_goes() {
    let place = Place::with(&[family::demo()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let report = host.fetch_and_create(with_machine(DEMO)).await.unwrap();
    let path = report.machine.clone().unwrap().path.unwrap();
    // What a machine has written stays.
    {
        use std::os::unix::fs::FileExt as _;
        let disk = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        disk.write_all_at(b"written by the machine", 900 << 20)
            .unwrap();
    }
    let written = readback::disk_digest(path.as_ref()).unwrap();
    assert_ne!(written, digest(&report), "its volume is not its disk");

    assert!(host.deactivate(&name(MACHINE)).await.unwrap());
    assert!(!std::path::Path::new(&path).exists());
    let machine = &state.list()[0].machines[0];
    assert_eq!((machine.state.as_str(), &machine.path), ("created", &None));
    assert!(!host.deactivate(&name(MACHINE)).await.unwrap(), "twice");

    for time in ["again", "and when it is active"] {
        let active = host
            .activate(&name(MACHINE), Allow::default())
            .await
            .unwrap();
        assert_eq!(active.path.as_ref(), Some(&path), "{time}");
        assert_eq!(readback::disk_digest(path.as_ref()).unwrap(), written);
    }
    assert_eq!(state.list()[0].machines[0].state, "active");

    // Asking for the image again gives the machine that is there, active or not.
    assert!(host.deactivate(&name(MACHINE)).await.unwrap());
    let again = host.fetch_and_create(with_machine(DEMO)).await.unwrap();
    assert_eq!(again.machine.unwrap().path, Some(path.clone()));
    assert_eq!(readback::disk_digest(path.as_ref()).unwrap(), written);

    host.close().await;
    drop(host);
    let host = place.host("state").await;
    let active = host
        .activate(&name(MACHINE), Allow::default())
        .await
        .unwrap();
    assert_eq!(active.path, Some(path.clone()), "and by another process");
    let removed = host.remove(MACHINE, false).await.unwrap();
    assert_eq!(removed.machines, [MACHINE]);
    assert!(!std::path::Path::new(&path).exists());
    assert!(state.list()[0].machines.is_empty());
    assert_eq!(state.names("machines"), [""; 0]);
    assert_eq!(state.names("volumes").len(), 1, "the image's own");
    for gone in [
        host.activate(&name(MACHINE), Allow::default())
            .await
            .map(drop),
        host.deactivate(&name(MACHINE)).await.map(drop),
        host.remove(MACHINE, false).await.map(drop),
    ] {
        assert_eq!(gone.unwrap_err().class, Class::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_machines_are_made_of_one_image_and_share_no_disk() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    let report = fetch(&host, DEMO).await;
    place.server.forget_requests();
    let mut paths = Vec::new();
    for machine in ["a", "b"] {
        let made = host
            .create_machine(&image(DEMO), Some(name(machine)).into(), Allow::default())
            .await;
        let made = made.unwrap();
        assert_eq!(made.name, machine);
        paths.push(made.path.unwrap());
    }
    let default = host
        .create_machine(
            &image(DEMO),
            longshore_lifecycle::MachineOptions::default(),
            Allow::default(),
        )
        .await
        .unwrap();
    assert_eq!(default.name, MACHINE);
    assert_eq!(place.asked(), [], "an image that is here needs no origin");
    paths.push(default.path.unwrap());
    for path in &paths {
        assert_eq!(
            readback::disk_digest(path.as_ref()).unwrap(),
            digest(&report)
        );
    }
    let disks: Vec<u64> = place.state("state").list()[0]
        .machines
        .iter()
        .map(|machine| machine.volume)
        .collect();
    let mut apart = disks.clone();
    apart.push(report.volume.id);
    apart.sort_unstable();
    apart.dedup();
    assert_eq!(apart.len(), 4, "{disks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_images_machine_has_is_refused() {
    let place = Place::with(&[family::demo(), family::golang()]);
    let host = place.host("state").await;
    let mine = FetchRequest {
        machine: Some(name("web")).into(),
        ..with_machine(DEMO)
    };
    let first = host.fetch_and_create(mine).await.unwrap();
    let theirs = FetchRequest {
        machine: Some(name("web")).into(),
        ..with_machine("images/golang")
    };
    let failure = host.fetch_and_create(theirs).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "machine-exists")
    );
    assert!(failure.message.contains("web") && failure.message.contains(DEMO));
    let created = host
        .create_machine(
            &image("images/golang"),
            Some(name("web")).into(),
            Allow::default(),
        )
        .await;
    assert_eq!(created.unwrap_err().code, "machine-exists");
    let path = first.machine.unwrap().path.unwrap();
    assert_eq!(
        readback::disk_digest(path.as_ref()).unwrap(),
        readback::disk_digest(first.volume.path.unwrap().as_ref()).unwrap()
    );
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_machine_is_made_of_an_image_that_is_not_here() {
    let place = Place::with(&[family::demo(), family::hostile::truncated()]);
    let host = place.host("state").await;
    let absent = host
        .create_machine(
            &image(DEMO),
            longshore_lifecycle::MachineOptions::default(),
            Allow::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(absent.class, Class::NotFound);
    assert!(absent.hint.is_some());
    let refused = host
        .fetch_and_create(with_machine("images/truncated"))
        .await;
    assert_eq!(refused.unwrap_err().class, Class::Refused);
    let failed = host
        .create_machine(
            &image("images/truncated"),
            longshore_lifecycle::MachineOptions::default(),
            Allow::default(),
        )
        .await;
    assert_eq!(failed.unwrap_err().class, Class::NotFound);
    assert_eq!(place.state("state").names("machines"), [""; 0]);
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
}
