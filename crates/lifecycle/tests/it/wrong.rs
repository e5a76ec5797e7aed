//! Names that are wrong, origins that refuse, a directory that is taken.

use std::time::Duration;

use longshore_harbor::{
    family,
    s3::{Fault, Operation, Rule},
};
use longshore_lifecycle::{Class, Events, Host, Settings, Status, View, remote};

use crate::place::{Place, fetch, open, refused};

const DEMO: &str = "images/demo";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_bucket_is_not_found_and_not_listed() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    for (name, from) in [
        ("images/absent", "a family"),
        ("images/demo/9.tar", "a layer of a family that is there"),
        ("images", "what has families below it"),
    ] {
        let failure = refused(&host, name).await;
        assert_eq!(failure.class, Class::NotFound, "{from}: {failure:#?}");
        assert_eq!(failure.code, "not-found", "{from}");
        assert!(failure.message.contains(name), "{failure:#?}");
        assert_eq!(failure.image.as_deref(), Some(name));
        assert!(failure.hint.is_some() && failure.run.is_some());
    }
    assert!(place.state("state").list().is_empty());
    place.state("state").assert_tidy();
    let folder = open(place.settings_of_folder("other")).await;
    assert_eq!(
        refused(&folder, "images/absent").await.class,
        Class::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_that_it_may_mean_not_found() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    for operation in [Operation::List, Operation::Get] {
        place
            .server
            .inject(Rule::new(Fault::Status(403)).operation(operation));
        let failure = refused(&host, DEMO).await;
        assert_eq!(failure.class, Class::NotAuthorised, "{failure:#?}");
        assert_eq!(failure.code, "denied");
        assert!(failure.to_string().contains("not found"), "{failure}");
        assert!(failure.to_string().contains(DEMO), "{failure}");
        assert!(!failure.retryable);
        place.server.clear_faults();
    }
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
    // The words of the last refusal stay until it is put right.
    assert_eq!(place.state("state").list()[0].status, Status::Failed);
    fetch(&host, DEMO).await;
    assert_eq!(place.state("state").list()[0].status, Status::Unproven);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_origin_offers_is_listed_with_what_is_wrong_with_it() {
    let place = Place::with(&[family::demo(), family::hostile::gap(), family::golang()]);
    let settings = place.settings("state");
    let before = remote(&settings).await.unwrap();
    assert!(View::open(&settings.state_dir).unwrap().is_none());
    let names: Vec<&str> = before.iter().map(|family| family.image.as_str()).collect();
    assert_eq!(names, [DEMO, "images/gap", "images/golang"]);
    assert!(before[1].problem.is_some() && before[0].problem.is_none());
    assert!(before.iter().all(|family| family.status.is_none()));
    assert_eq!(before[2].layers, 5);

    fetch(&place.host("state").await, DEMO).await;
    place.server.forget_requests();
    let after = remote(&settings).await.unwrap();
    assert_eq!(after[0].status, Some(Status::Unproven));
    assert_eq!(after[2].status, None);
    assert_eq!(place.fetched(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_is_told_who_has_the_directory() {
    let place = Place::new();
    let first = Settings {
        purpose: "fetch-and-create images/golang".into(),
        ..place.settings("state")
    };
    let host = open(first).await;
    let second = Host::open(place.settings("state"), Events::new(1)).await;
    let failure = second.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Busy, "busy")
    );
    for word in [
        "fetch-and-create images/golang",
        &std::process::id().to_string(),
        place.path("state").to_str().unwrap(),
    ] {
        assert!(failure.message.contains(word), "{word}: {failure}");
    }
    assert!(failure.retryable);
    assert!(place.state("state").list().is_empty(), "looking is free");

    let patient = Settings {
        wait: Duration::from_secs(60),
        ..place.settings("state")
    };
    let waiting = tokio::spawn(Host::open(patient, Events::new(1)));
    host.close().await;
    drop(host);
    waiting.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_not_there_is_named() {
    let place = Place::new();
    let mut settings = place.settings("state");
    settings.source.url = longshore_lifecycle::SourceUrl::bucket("another-bucket").unwrap();
    let failure = refused(&open(settings).await, DEMO).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::NotFound, "no-such-origin"),
        "{failure:#?}"
    );
    assert!(failure.message.contains("another-bucket"), "{failure}");
}
