//! Several images at once: every blob comes once, and what comes out is what would have come out
//! one by one.

use std::collections::BTreeMap;

use longshore_harbor::family;

use crate::place::{Place, digest, fetch, only, with_machine};

#[tokio::test(flavor = "multi_thread")]
async fn images_that_share_layers_are_fetched_side_by_side_and_every_blob_once() {
    let place = Place::with(&[family::golang(), family::node(), family::python()]);
    let host = place.host("at-once").await;
    let (golang, node, python) = futures::join!(
        fetch(&host, "images/golang"),
        fetch(&host, "images/node"),
        fetch(&host, "images/python")
    );
    let mut sent: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for layer in [&golang, &node, &python]
        .into_iter()
        .flat_map(|report| &report.layers)
    {
        let blob = sent.entry(&layer.digest).or_insert((layer.size, 0));
        blob.1 += place.server.bytes_of(&layer.key);
    }
    assert_eq!(sent.len(), 8);
    for (digest, (size, bytes)) in sent {
        assert_eq!(bytes, size, "{digest} came once");
    }
    place.state("at-once").assert_tidy();
    assert_eq!(place.state("at-once").list().len(), 3);

    let host = place.host("one-by-one").await;
    for report in [&python, &golang, &node] {
        let alone = fetch(&host, &report.image).await;
        assert_eq!(alone.chain_id, report.chain_id);
        assert_eq!(digest(&alone), digest(report), "{}", report.image);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_image_asked_for_twice_at_once_is_one_run_and_one_machine() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    let (one, other) = futures::join!(
        host.fetch_and_create(with_machine("images/demo")),
        host.fetch_and_create(with_machine("images/demo"))
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.run, other.run);
    assert_eq!(one.volume.id, other.volume.id);
    assert_eq!(one.machine.unwrap().path, other.machine.unwrap().path);
    for layer in &one.layers {
        assert_eq!(place.server.bytes_of(&layer.key), layer.size);
    }
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_had_does_not_keep_another_from_being_made() {
    let place = Place::with(&[family::demo(), family::hostile::truncated()]);
    let host = place.host("state").await;
    let (good, bad) = futures::join!(
        host.fetch_and_create(only("images/demo")),
        host.fetch_and_create(only("images/truncated"))
    );
    let good = good.unwrap();
    assert_eq!(bad.unwrap_err().image.as_deref(), Some("images/truncated"));
    longshore_harbor::readback::fsck(&crate::place::volume(&good)).unwrap();
    place.state("state").assert_tidy();
}
