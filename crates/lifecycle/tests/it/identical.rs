//! One image has one volume, byte for byte, wherever and however it is built.

use longshore_harbor::{
    family::{self, Packing},
    readback,
};
use longshore_lifecycle::{ImageReport, Settings};

use crate::place::{Place, digest, fetch, open, with_machine};

const DEMO: &str = "images/demo";

async fn built(settings: Settings) -> (ImageReport, String) {
    let host = open(settings).await;
    let report = fetch(&host, DEMO).await;
    let digest = digest(&report);
    (report, digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_state_directories_have_identical_volumes_whatever_they_are_built_from() {
    let plain = Place::with(&[family::demo()]);
    assert_eq!(family::demo().prefix(), DEMO);
    let (first, bytes) = built(plain.settings("one")).await;
    let diff_ids =
        |report: &ImageReport| -> Vec<String> { each(report, |layer| layer.diff_id.clone()) };
    let digests =
        |report: &ImageReport| -> Vec<String> { each(report, |layer| layer.digest.clone()) };
    for (what, settings) in [
        ("another state directory", plain.settings("two")),
        ("a folder", plain.settings_of_folder("three")),
    ] {
        let (other, other_bytes) = built(settings).await;
        assert_eq!(other_bytes, bytes, "{what}");
        assert_eq!(other.chain_id, first.chain_id, "{what}");
        assert_eq!(digests(&other), digests(&first), "{what}");
    }

    let mut in_pieces = plain.settings("four");
    in_pieces.source.transfer.range = 10_000;
    in_pieces.source.transfer.concurrency = 2;
    assert_eq!(built(in_pieces).await.1, bytes, "ranges of 10,000 bytes");

    let packed = Place::new();
    packed.put(&family::demo(), Packing::Gzip);
    let (gzipped, unpacked) = built(packed.settings("five")).await;
    assert_eq!(unpacked, bytes, "gzipped layers");
    assert_eq!(gzipped.chain_id, first.chain_id);
    assert_eq!(diff_ids(&gzipped), diff_ids(&first));
    assert_ne!(digests(&gzipped), digests(&first));

    let smaller = Settings {
        volume_size: 512 << 20,
        ..plain.settings("six")
    };
    let (smaller, other_bytes) = built(smaller).await;
    assert_eq!(smaller.volume.size, 512 << 20);
    assert_ne!(other_bytes, bytes, "the size is part of what a volume is");
}

fn each(
    report: &ImageReport,
    what: impl Fn(&longshore_lifecycle::LayerReport) -> String,
) -> Vec<String> {
    report.layers.iter().map(what).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_and_gzipped_layers_side_by_side_share_a_volume() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    let plain = fetch(&host, DEMO).await;
    // The same content under another prefix and in another shape.
    let packed = tempfile::tempdir().unwrap();
    family::demo().write(packed.path(), Packing::Gzip).unwrap();
    let other = place.server.path("images/packed");
    std::fs::rename(packed.path().join(DEMO), other).unwrap();
    let packed = fetch(&host, "images/packed").await;
    assert_eq!(packed.chain_id, plain.chain_id);
    assert_eq!(packed.volume.id, plain.volume.id, "one chain, one volume");
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_begins_with_the_bytes_of_its_image() {
    let place = Place::with(&[family::demo()]);
    let host = place.host("state").await;
    let report = host.fetch_and_create(with_machine(DEMO)).await.unwrap();
    let machine = report.machine.clone().unwrap();
    assert_eq!(machine.name, "images-demo");
    let disk = machine.path.unwrap();
    assert_ne!(Some(&disk), report.volume.path.as_ref());
    assert_eq!(
        readback::disk_digest(disk.as_ref()).unwrap(),
        digest(&report)
    );
}
