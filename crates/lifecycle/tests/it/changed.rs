//! Objects that are not what they were: noticed, told with both versions, taken only when asked to.

use std::time::Duration;

use longshore_harbor::{
    family::{Content, Family, Packing},
    readback,
    s3::{Fault, Gate, Rule},
};
use longshore_lifecycle::{Class, FetchRequest, Status};

use crate::{
    judged::judge,
    place::{Place, digest, fetch, image, only, refused, volume, with_machine},
};

const NAME: &str = "images/changing";
const TOP: &str = "images/changing/2.tar";

/// Two layers; the second has 3 MiB of this noise.
fn version(seed: u64) -> Family {
    Family::builder(NAME)
        .layer(|l| l.dir("etc", 0o755).file("etc/motd", "hello\n"))
        .layer(|l| {
            l.file(
                "noise",
                Content::Noise {
                    seed,
                    length: 3 << 20,
                },
            )
        })
        .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_replaced_while_it_is_fetched_is_refused() {
    let place = Place::with(&[version(1)]);
    let mut settings = place.settings("state");
    settings.source.transfer.range = 1 << 20;
    settings.source.transfer.concurrency = 1;
    let host = crate::place::open(settings).await;
    let gate = Gate::new();
    let stall = Fault::Stall {
        after: 500_000,
        gate: gate.clone(),
    };
    place.server.inject(Rule::new(stall).key(TOP).nth(2));
    let replace = async {
        let arrived = gate.clone();
        let arrived =
            tokio::task::spawn_blocking(move || arrived.wait_for(1, Duration::from_secs(30)));
        assert!(arrived.await.unwrap());
        place.put(&version(2), Packing::Plain);
        gate.open();
    };
    let (failure, ()) = futures::join!(refused(&host, NAME), replace);
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "changed-object"),
        "{failure:#?}"
    );
    assert_eq!(failure.layer.as_deref(), Some(TOP));
    let state = place.state("state");
    assert_eq!(state.names("volumes"), [""; 0]);
    assert_eq!(state.list()[0].status, Status::Failed);
    assert_eq!(state.list()[0].failure.as_ref(), Some(&failure));

    // Nothing of it was pinned: what is there now may come.
    let report = fetch(&host, NAME).await;
    let layers = version(2)
        .write(&place.path("now"), Packing::Plain)
        .unwrap();
    judge(&volume(&report), &layers);
    host.close().await;
    drop(host);
    drop(place.host("state").await);
    state.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_another_object_are_never_mixed_in() {
    let place = Place::with(&[version(1)]);
    let other = Family::builder("images/other")
        .layer(|l| {
            l.file(
                "noise",
                Content::Noise {
                    seed: 9,
                    length: 3 << 20,
                },
            )
        })
        .build();
    place.put(&other, Packing::Plain);
    let mut settings = place.settings("state");
    settings.source.transfer.range = 1 << 20;
    let host = crate::place::open(settings).await;
    let serve = Fault::ServeKey("images/other/1.tar".into());
    place.server.inject(Rule::new(serve).key(TOP).from_nth(2));
    let failure = refused(&host, NAME).await;
    assert_eq!(failure.code, "changed-object", "{failure:#?}");
    place.server.clear_faults();
    let report = fetch(&host, NAME).await;
    let layers = version(1)
        .write(&place.path("now"), Packing::Plain)
        .unwrap();
    judge(&volume(&report), &layers);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changed_since_is_refused_until_it_is_accepted_as_a_generation() {
    let place = Place::with(&[version(1)]);
    let host = place.host("state").await;
    let first = host.fetch_and_create(with_machine(NAME)).await.unwrap();
    let disk = first.machine.clone().unwrap().path.unwrap();
    let (bytes, stamps) = (digest(&first), place.state("state").stamps());
    let tag = |number: usize| {
        let layers = place.state("state").show(NAME).layer_details;
        layers[number].etag.clone().unwrap()
    };
    let old = tag(1);

    place.put(&version(2), Packing::Plain);
    place.server.forget_requests();
    let failure = host.fetch_and_create(with_machine(NAME)).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "changed-object")
    );
    assert_eq!(failure.layer.as_deref(), Some(TOP));
    assert!(
        failure.to_string().contains(old.trim_matches('"')),
        "{failure}"
    );
    assert_eq!(place.fetched(), [""; 0], "nothing is fetched");
    assert_eq!(place.state("state").stamps(), stamps);
    // What is here stays usable.
    let listed = place.state("state").list();
    assert_eq!(
        (listed[0].status, listed[0].generation),
        (Status::Unproven, 1)
    );

    let accept = FetchRequest {
        accept_changed: true,
        ..with_machine(NAME)
    };
    let second = host.fetch_and_create(accept.clone()).await.unwrap();
    let new = tag(1);
    assert_ne!(new, old);
    assert!(
        failure.to_string().contains(new.trim_matches('"')),
        "{failure}"
    );
    assert_eq!(place.fetched(), [TOP]);
    assert_ne!(second.volume.id, first.volume.id);
    let layers = version(2)
        .write(&place.path("now"), Packing::Plain)
        .unwrap();
    judge(&volume(&second), &layers);
    let listed = place.state("state").list();
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!(listed[0].generation, 2);

    // The machine was made of the first generation and stays what it is.
    let machine = second.machine.clone().unwrap();
    assert_eq!(machine.path.as_ref(), Some(&disk));
    assert_eq!(readback::disk_digest(disk.as_ref()).unwrap(), bytes);
    assert_eq!(digest(&first), bytes, "and so does its volume");
    let other = FetchRequest {
        machine: Some("newer".parse().unwrap()).into(),
        ..with_machine(NAME)
    };
    let newer = host.fetch_and_create(other).await.unwrap();
    let newer = newer.machine.unwrap().path.unwrap();
    assert_eq!(
        readback::disk_digest(newer.as_ref()).unwrap(),
        digest(&second)
    );

    // Accepting where nothing changed is the same request as ever.
    place.server.forget_requests();
    let again = host.fetch_and_create(accept).await.unwrap();
    assert_eq!(again.volume.id, second.volume.id);
    assert_eq!(place.asked().len(), 1);
    assert_eq!(place.state("state").list()[0].generation, 2);
    let there = place.state("state").names("volumes");
    assert_eq!(there.len(), 4, "two generations, two disks: {there:?}");
    let detail = place
        .state("state")
        .view()
        .show(&image(NAME), None)
        .unwrap();
    assert_eq!(
        detail.layer_details[1].pin.as_ref().unwrap().etag,
        Some(new)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_is_added_or_taken_away_is_a_change_too() {
    let place = Place::with(&[version(1)]);
    let host = place.host("state").await;
    fetch(&host, NAME).await;
    let third = "images/changing/3.tar";
    std::fs::copy(place.server.path(TOP), place.server.path(third)).unwrap();
    let failure = refused(&host, NAME).await;
    assert_eq!(failure.code, "changed-object");
    assert!(failure.to_string().contains(third), "{failure}");
    std::fs::remove_file(place.server.path(third)).unwrap();
    fetch(&host, NAME).await;
    std::fs::remove_file(place.server.path(TOP)).unwrap();
    let failure = refused(&host, NAME).await;
    assert_eq!(failure.code, "changed-object");
    assert!(failure.to_string().contains(TOP), "{failure}");
    let accept = FetchRequest {
        accept_changed: true,
        ..only(NAME)
    };
    let shorter = host.fetch_and_create(accept).await.unwrap();
    assert_eq!(shorter.layers.len(), 1);
}
