//! Networks that are not there, and networks that break.

use std::{net::TcpListener, time::Instant};

use longshore_harbor::{
    family::{self, Packing},
    s3::{Fault, Operation, Rule},
};
use longshore_lifecycle::{Class, Settings};

use crate::{
    judged::judge,
    place::{Place, digest, fetch, open, refused, volume, with_machine},
};

const GOLANG: &str = "images/golang";
const MEBIBYTE: u64 = 1 << 20;

/// Settings under which every mebibyte is a request and is durable once it is there.
fn piecewise(place: &Place) -> Settings {
    let mut settings = place.settings("state");
    settings.source.max_retries = 0;
    settings.source.transfer.range = MEBIBYTE;
    settings.source.transfer.concurrency = 1;
    settings.source.transfer.checkpoint_bytes = MEBIBYTE;
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_is_told_at_once_and_what_is_here_still_works() {
    let place = Place::with(&[family::demo()]);
    let mut unreachable = place.settings("state");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    unreachable.source.endpoint = Some(format!("http://{address}").parse().unwrap());
    let begun = Instant::now();
    let host = open(unreachable).await;
    let failure = refused(&host, "images/demo").await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Failed, "unavailable"),
        "{failure:#?}"
    );
    assert!(!failure.causes.is_empty(), "{failure:#?}");
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert!(place.state("state").list().is_empty());
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_here_is_used_while_its_origin_is_down() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    let first = host
        .fetch_and_create(with_machine("images/demo"))
        .await
        .unwrap();
    place
        .server
        .inject(Rule::new(Fault::Status(503)).operation(longshore_harbor::s3::Operation::List));
    let again = host
        .fetch_and_create(with_machine("images/demo"))
        .await
        .unwrap();
    assert_eq!(again.volume.id, first.volume.id);
    assert_eq!(again.machine.unwrap().path, first.machine.unwrap().path);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_was_cut_goes_on_with_what_was_not_durable() {
    let place = Place::new();
    let layers = place.put(&family::golang(), Packing::Plain);
    let whole = Place::with(&[family::golang()]);
    let expected = digest(&fetch(&whole.host("state").await, GOLANG).await);

    let first = "images/golang/1.tar";
    let host = open(piecewise(&place)).await;
    let reset = Fault::Reset { after: 100_000 };
    place.server.inject(Rule::new(reset).key(first).from_nth(3));
    let failure = refused(&host, GOLANG).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Failed, "unavailable"),
        "{failure:#?}"
    );
    let before = place.server.bytes_of(first);
    assert!(before >= 2 * MEBIBYTE, "{before}");
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
    host.close().await;
    drop(host);

    // Another process would do no other than this.
    place.server.clear_faults();
    let host = open(piecewise(&place)).await;
    let report = fetch(&host, GOLANG).await;
    for layer in &report.layers {
        let sent = place.server.bytes_of(&layer.key);
        assert!(
            sent <= layer.size + MEBIBYTE,
            "{}: {sent} bytes of {}",
            layer.key,
            layer.size
        );
    }
    let resumed = &report.layers[0];
    assert!(
        resumed.fetched_bytes <= resumed.size - 2 * MEBIBYTE,
        "{resumed:?}"
    );
    assert_eq!(digest(&report), expected);
    judge(&volume(&report), &layers);
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_itself_is_not_even_noticed() {
    let place = Place::new();
    let layers = place.put(&family::golang(), Packing::Plain);
    let mut settings = piecewise(&place);
    settings.source.max_retries = 3;
    let host = open(settings).await;
    let key = |number: u32| format!("{GOLANG}/{number}.tar");
    for (fault, number) in [
        (Fault::Status(503), 1),
        (Fault::Reset { after: 10_000 }, 2),
        (Fault::Truncate { after: 10_000 }, 3),
        (Fault::IgnoreRange, 5),
    ] {
        let rule = Rule::new(fault).key(&key(number)).nth(2);
        let _ = place.server.inject(rule);
    }
    judge(&volume(&fetch(&host, GOLANG).await), &layers);
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_flips_on_the_way_is_found_where_the_bytes_are_known() {
    let place = Place::with(&[family::golang()]);
    let host = place.host("state").await;
    let first = fetch(&host, GOLANG).await;
    let (bytes, key) = (digest(&first), "images/golang/3.tar");
    let _ = host.remove(GOLANG, false).await.unwrap();
    let flip = Fault::FlipBit { offset: 1_000_000 };
    place.server.inject(Rule::new(flip).key(key));
    let failure = refused(&host, GOLANG).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "digest"),
        "the key is pinned: {failure:#?}"
    );
    assert_eq!(failure.layer.as_deref(), Some(key));
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
    place.server.clear_faults();
    assert_eq!(digest(&fetch(&host, GOLANG).await), bytes);
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_asked_for_as_often_as_the_settings_say() {
    let place = Place::with(&[family::demo()]);
    let mut settings = place.settings("state");
    settings.source.max_retries = 2;
    settings.max_retries = 2;
    let host = open(settings).await;
    place
        .server
        .inject(Rule::new(Fault::Status(503)).operation(Operation::List));
    let failure = refused(&host, "images/demo").await;
    assert_eq!(failure.code, "unavailable", "{failure:#?}");
    assert_eq!(
        place.server.count(Operation::List),
        3,
        "once and two retries"
    );
}
