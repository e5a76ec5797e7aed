//! `file://`: the same shape in a directory, and no way out of it.

use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc};

use longshore_image::Digest;
use longshore_source::{
    FetchError, ImageName, ListError, Listing, Source, SourceConfig, SourceError, SourceUrl,
};
use tokio_util::sync::CancellationToken;

use crate::support::{bytes, content, locate, read_all, store};

fn source(directory: &Path) -> Arc<Source> {
    Source::connect(&SourceConfig::new(SourceUrl::directory(directory))).unwrap()
}

async fn list(source: &Source, name: &str) -> Result<Listing, ListError> {
    source.list(&name.parse::<ImageName>().unwrap()).await
}

/// A directory with one family of one layer.
fn family(layer: &[u8]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let go = directory.path().join("images/go");
    fs::create_dir_all(&go).unwrap();
    fs::write(go.join("1.tar"), layer).unwrap();
    directory
}

#[tokio::test]
async fn a_family_of_a_directory_is_listed_and_fetched() {
    let layer = bytes(700_000, 1);
    let directory = family(&layer);
    let go = directory.path().join("images/go");
    fs::write(go.join("02.tar.gz"), b"two").unwrap();
    fs::write(go.join("README"), b"").unwrap();
    fs::create_dir(go.join("3.tar")).unwrap();
    let source = source(directory.path());
    let listing = list(&source, "images/go").await.unwrap();
    let names: Vec<&str> = listing
        .layers
        .iter()
        .map(|layer| layer.key.as_str())
        .collect();
    assert_eq!(names, ["images/go/1.tar", "images/go/02.tar.gz"]);
    assert_eq!(listing.ignored.count, 2);
    assert!(listing.layers.iter().all(|layer| layer.etag.is_some()));
    assert_eq!(
        list(&source, "images/go/1.tar").await.unwrap().layers[0],
        listing.layers[0]
    );

    let store = store();
    let fetch = store.fetch(&source, &listing.layers[0], None, &CancellationToken::new());
    assert_eq!(read_all(fetch.follow()).await.unwrap(), layer);
    let blob = fetch.proven().await.unwrap();
    assert_eq!(blob.digest, Digest::of(&layer));
    assert_eq!(blob.fetched_bytes, 700_000);
    assert_eq!(content(&store, &blob.digest), layer);
}

#[tokio::test]
async fn a_link_that_leads_out_is_refused_and_one_within_is_not() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    let directory = family(b"layer");
    let go = directory.path().join("images/go");
    symlink("1.tar", go.join("2.tar")).unwrap();
    let source = source(directory.path());
    assert_eq!(list(&source, "images/go").await.unwrap().layers.len(), 2);

    symlink(secret.path(), go.join("3.tar")).unwrap();
    for name in ["images/go", "images/go/3.tar"] {
        let error = list(&source, name).await.unwrap_err();
        assert!(
            matches!(error, ListError::Source(SourceError::Outside { .. })),
            "{error:?}"
        );
    }
    let mut forged = locate(&source, "images/go/1.tar").await;
    forged.key = "images/go/3.tar".parse().unwrap();
    let error = store()
        .fetch(&source, &forged, None, &CancellationToken::new())
        .proven()
        .await;
    assert!(
        matches!(error, Err(FetchError::Source(SourceError::Outside { .. }))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_family_that_is_a_link_out_is_refused() {
    let outside = family(b"layer");
    let directory = tempfile::tempdir().unwrap();
    symlink(
        outside.path().join("images/go"),
        directory.path().join("go"),
    )
    .unwrap();
    let source = source(directory.path());
    let error = list(&source, "go").await.unwrap_err();
    assert!(
        matches!(error, ListError::Source(SourceError::Outside { .. })),
        "{error:?}"
    );
    assert_eq!(source.families().await.unwrap().families.len(), 0);
}

#[tokio::test]
async fn a_layer_that_is_a_pipe_is_refused_without_waiting_for_it() {
    let directory = family(b"layer");
    let pipe = directory.path().join("images/go/2.tar");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let error = list(&source(directory.path()), "images/go")
        .await
        .unwrap_err();
    assert!(
        matches!(error, ListError::Source(SourceError::Outside { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let directory = family(b"layer");
    let source = source(directory.path());
    let error = list(&source, "images/rust").await.unwrap_err();
    assert!(matches!(error, ListError::EmptyFamily { .. }), "{error:?}");
    let error = list(&source, "images/go/2.tar").await.unwrap_err();
    assert!(
        matches!(error, ListError::Source(SourceError::NotFound { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_was_replaced_since_it_was_listed_has_changed() {
    let directory = family(b"layer one");
    let source = source(directory.path());
    let locator = locate(&source, "images/go").await;
    let new = directory.path().join("new");
    fs::write(&new, b"another layer").unwrap();
    fs::rename(new, directory.path().join("images/go/1.tar")).unwrap();
    let store = store();
    let error = store
        .fetch(&source, &locator, None, &CancellationToken::new())
        .proven()
        .await;
    let Err(FetchError::Source(SourceError::Changed {
        expected, found, ..
    })) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((expected.size, found.unwrap().size), (9, 13));
    assert_eq!(store.partials().unwrap(), []);
}

#[tokio::test]
async fn families_are_found_and_links_in_circles_end() {
    let directory = family(b"layer");
    symlink(directory.path(), directory.path().join("images/circle")).unwrap();
    fs::write(directory.path().join("7.tar"), b"of no family").unwrap();
    let found = source(directory.path()).families().await.unwrap();
    assert!(
        found
            .families
            .iter()
            .any(|f| f.family.as_str() == "images/go" && f.bytes == 5)
    );
}
