//! What is here is not fetched, built or written again.

use longshore_harbor::{
    family::{self, Packing},
    readback,
    s3::Operation,
};
use longshore_lifecycle::{Class, ImageReport, Settings};
use serde_json::Value;

use crate::{
    judged::judge,
    place::{Place, digest, fetch, only, open, volume, with_machine},
};

const GOLANG: &str = "images/golang";

/// A report without what may differ from one time to the next.
fn lasting(report: &ImageReport) -> Value {
    let mut value = serde_json::to_value(report).unwrap();
    let fields = value.as_object_mut().unwrap();
    fields.remove("timings");
    fields.remove("run");
    if let Some(scan) = fields["scan"].as_object_mut() {
        scan.remove("scanned_at");
    }
    for layer in fields["layers"].as_array_mut().unwrap() {
        let layer = layer.as_object_mut().unwrap();
        layer.remove("fetched_bytes");
        layer.remove("reused");
    }
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_lists_once_and_fetches_and_writes_nothing() {
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let first = host.fetch_and_create(with_machine(GOLANG)).await.unwrap();
    assert!(first.layers.iter().all(|layer| !layer.reused));
    assert!(
        first
            .layers
            .iter()
            .all(|layer| layer.fetched_bytes == layer.size)
    );
    let (stamps, bytes) = (state.stamps(), digest(&first));
    assert_eq!(stamps.len(), 3, "a volume, a disk and a path: {stamps:?}");

    let check = |again: &ImageReport| {
        assert_eq!(lasting(again), lasting(&first));
        assert!(
            again
                .layers
                .iter()
                .all(|layer| layer.reused && layer.fetched_bytes == 0)
        );
        assert_eq!(state.stamps(), stamps);
        assert_eq!(digest(&first), bytes);
    };
    place.server.forget_requests();
    check(&host.fetch_and_create(with_machine(GOLANG)).await.unwrap());
    assert_eq!(
        place.asked(),
        [(Operation::List, "images/golang/".to_owned())]
    );

    host.close().await;
    drop(host);
    let host = place.host("state").await;
    place.server.forget_requests();
    check(&host.fetch_and_create(with_machine(GOLANG)).await.unwrap());
    assert_eq!(
        place.asked(),
        [(Operation::List, "images/golang/".to_owned())],
        "by a host that was opened anew"
    );

    host.close().await;
    drop(host);
    let host = open(Settings {
        offline: true,
        ..place.settings("state")
    })
    .await;
    place.server.forget_requests();
    check(&host.fetch_and_create(with_machine(GOLANG)).await.unwrap());
    let absent = host.fetch_and_create(only("images/node")).await;
    let absent = absent.unwrap_err();
    assert_eq!(
        (absent.class, absent.code.as_str()),
        (Class::NotFound, "offline")
    );
    assert_eq!(place.asked(), [], "a host that is offline asks nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_fetches_only_the_layers_that_no_other_image_has_brought() {
    let place = Place::with(&[family::golang(), family::python()]);
    let layers = place.put(&family::node(), Packing::Plain);
    let host = place.host("state").await;
    fetch(&host, GOLANG).await;

    place.server.forget_requests();
    let node = fetch(&host, "images/node").await;
    assert_eq!(
        place.fetched(),
        ["images/node/4.tar", "images/node/5.tar"],
        "layers 1 to 3 are golang's"
    );
    let reused: Vec<bool> = node.layers.iter().map(|layer| layer.reused).collect();
    assert_eq!(reused, [true, true, true, false, false]);
    judge(&volume(&node), &layers);

    place.server.forget_requests();
    let python = fetch(&host, "images/python").await;
    assert_eq!(place.fetched(), ["images/python/5.tar"]);
    assert_eq!(python.layers[3].digest, node.layers[3].digest);
    assert_eq!(place.state("state").names("blobs/sha256").len(), 8);
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_layer_alone_is_an_image_and_a_base_for_those_that_begin_with_it() {
    let golang = family::golang();
    let place = Place::new();
    let layers = place.put(&golang, Packing::Plain);
    let host = place.host("state").await;
    let base = fetch(&host, "images/golang/1.tar").await;
    judge(&volume(&base), &layers[..1]);
    let before = readback::disk_digest(&volume(&base)).unwrap();

    place.server.forget_requests();
    let whole = fetch(&host, GOLANG).await;
    assert_eq!(place.fetched(), golang.keys(Packing::Plain)[1..]);
    judge(&volume(&whole), &layers);
    let parent = place.state("state").show(GOLANG).volumes[0].volume.id;
    assert_eq!(parent, base.volume.id, "the volume of its first layer");
    assert_eq!(digest(&base), before, "which stays as it is");
    let alone = Place::with(&[golang]);
    let host = alone.host("state").await;
    assert_eq!(digest(&fetch(&host, GOLANG).await), digest(&whole));
}
