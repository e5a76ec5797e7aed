//! What `remove` takes away, and what it leaves because somebody needs it.

use longshore_harbor::family;
use longshore_lifecycle::Class;

use crate::place::{Place, digest, fetch, with_machine};

const GOLANG: &str = "images/golang";

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_when_no_machine_is_made_of_it_and_comes_back_the_same() {
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let first = host.fetch_and_create(with_machine(GOLANG)).await.unwrap();
    let (bytes, stamps) = (digest(&first), state.stamps());
    for dry_run in [true, false] {
        let failure = host.remove(GOLANG, dry_run).await.unwrap_err();
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (Class::Busy, "in-use")
        );
        assert!(failure.message.contains("images-golang"), "{failure}");
    }
    assert_eq!(state.stamps(), stamps);
    let dry = host.remove("images-golang", true).await.unwrap();
    assert_eq!(dry.machines, ["images-golang"]);
    assert!(dry.freed_bytes > 0);
    assert_eq!(state.stamps(), stamps, "a dry run only says");
    let _ = host.remove("images-golang", false).await.unwrap();

    let would = host.remove(GOLANG, true).await.unwrap();
    assert_eq!(would.images, [GOLANG]);
    assert_eq!(state.list().len(), 1);
    let removed = host.remove(GOLANG, false).await.unwrap();
    assert_eq!(removed.images, [GOLANG]);
    assert_eq!(removed.volumes, [first.volume.id]);
    assert_eq!(removed.blobs.len(), 5);
    let sizes: u64 = first.layers.iter().map(|layer| layer.size).sum();
    assert!(removed.freed_bytes > sizes, "blobs and the volume");
    assert!(state.list().is_empty());
    for folder in ["volumes", "machines", "blobs/sha256", "blobs/partial"] {
        assert_eq!(state.names(folder), [""; 0], "{folder}");
    }
    let gone = host.remove(GOLANG, false).await.unwrap_err();
    assert_eq!(gone.class, Class::NotFound);

    let again = fetch(&host, GOLANG).await;
    assert!(again.layers.iter().all(|layer| !layer.reused));
    assert_eq!(again.chain_id, first.chain_id);
    assert_eq!(digest(&again), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_image_needs_stays() {
    let place = Place::with(&[family::golang(), family::node()]);
    let host = place.host("state").await;
    fetch(&host, GOLANG).await;
    let node = fetch(&host, "images/node").await;
    let bytes = digest(&node);
    let removed = host.remove(GOLANG, false).await.unwrap();
    assert_eq!(removed.blobs.len(), 2, "golang's own: {removed:?}");
    assert_eq!(digest(&node), bytes);
    place.server.forget_requests();
    fetch(&host, GOLANG).await;
    assert_eq!(
        place.fetched(),
        ["images/golang/4.tar", "images/golang/5.tar"]
    );
    place.state("state").assert_tidy();
}
