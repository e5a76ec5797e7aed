//! The server as a client library sees it, anonymous and signed.

use std::sync::Arc;

use futures::StreamExt;
use longshore_harbor::s3::{Access, Options, S3Server};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use tempfile::TempDir;

fn bucket(access: Access) -> (TempDir, S3Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = S3Server::start(Options::new(dir.path()).access(access).list_page(2)).unwrap();
    for n in 1..=5 {
        server
            .put(
                &format!("images/a/{n}.tar"),
                format!("layer {n}").as_bytes(),
            )
            .unwrap();
    }
    (dir, server)
}

fn client(server: &S3Server, keys: Option<(&str, &str)>) -> AmazonS3 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_bucket_name(server.bucket())
        .with_region("us-east-1")
        .with_allow_http(true)
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        });
    match keys {
        Some((id, secret)) => builder
            .with_access_key_id(id)
            .with_secret_access_key(secret),
        None => builder.with_skip_signature(true),
    }
    .build()
    .unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

async fn reads_everything(client: AmazonS3) {
    let client: Arc<dyn ObjectStore> = Arc::new(client);
    let prefix = Path::from("images/a");
    let listed: Vec<_> = client
        .list(Some(&prefix))
        .map(|meta| meta.unwrap())
        .collect()
        .await;
    let keys: Vec<_> = listed
        .iter()
        .map(|meta| meta.location.to_string())
        .collect();
    assert_eq!(
        keys,
        (1..=5)
            .map(|n| format!("images/a/{n}.tar"))
            .collect::<Vec<_>>()
    );
    let got = client.get(&listed[0].location).await.unwrap();
    assert_eq!(
        (&got.meta.e_tag, got.meta.size),
        (&listed[0].e_tag, listed[0].size)
    );
    assert_eq!(got.bytes().await.unwrap(), "layer 1");
    let options = GetOptions {
        range: Some((2..5).into()),
        if_match: listed[0].e_tag.clone(),
        ..GetOptions::default()
    };
    let got = client.get_opts(&listed[0].location, options).await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), "yer");
    let options = GetOptions {
        if_match: listed[1].e_tag.clone(),
        ..GetOptions::default()
    };
    let error = client
        .get_opts(&listed[0].location, options)
        .await
        .unwrap_err();
    assert!(
        matches!(error, object_store::Error::Precondition { .. }),
        "{error:?}"
    );
}

#[test]
fn a_public_bucket_takes_anonymous_and_signed_requests() {
    let (_dir, server) = bucket(Access::Public);
    block_on(reads_everything(client(&server, None)));
    assert!(server.requests().iter().all(|request| !request.signed));
    server.forget_requests();
    block_on(reads_everything(client(
        &server,
        Some(("harbor", "harbor-secret")),
    )));
    assert!(server.requests().iter().all(|request| request.signed));
    let unknown = client(&server, Some(("someone", "else")));
    let error = block_on(unknown.head(&Path::from("images/a/1.tar"))).unwrap_err();
    assert!(
        matches!(error, object_store::Error::PermissionDenied { .. }),
        "{error:?}"
    );
}

#[test]
fn a_private_bucket_takes_only_its_key() {
    let keys = Access::Keys {
        access_key: "id".to_owned(),
        secret_key: "secret".to_owned(),
    };
    let (_dir, server) = bucket(keys);
    block_on(reads_everything(client(&server, Some(("id", "secret")))));
    for keys in [
        None,
        Some(("id", "wrong")),
        Some(("harbor", "harbor-secret")),
    ] {
        let location = Path::from("images/a/1.tar");
        let error = block_on(client(&server, keys).get(&location)).unwrap_err();
        assert!(
            matches!(error, object_store::Error::PermissionDenied { .. }),
            "{keys:?} {error:?}"
        );
    }
}
