//! Families and layers of a bucket: what is asked, what is found, what is said of what is wrong.

use longshore_source::{
    Auth, Credentials, ETag, ImageName, ListError, Listing, Secret, Source, SourceError,
};

use crate::s3::{Fault, Request, S3};

async fn bucket(keys: &[&'static str]) -> S3 {
    let server = S3::start().await;
    for key in keys {
        server.put(key, *key, "\"e\"");
    }
    server
}

async fn list(server: &S3, name: &str) -> Result<Listing, ListError> {
    list_from(&server.source(), name).await
}

async fn list_from(source: &Source, name: &str) -> Result<Listing, ListError> {
    source.list(&name.parse::<ImageName>().unwrap()).await
}

fn any(_: &Request) -> bool {
    true
}

const FAMILY: [&str; 9] = [
    "images/go/",
    "images/go/1.tar",
    "images/go/10.tar.gz",
    "images/go/2.tar",
    "images/go/README.md",
    "images/go/old/1.tar",
    "images/go/old/2.tar",
    "images/gopher/1.tar",
    "other/1.tar",
];

#[tokio::test]
async fn a_family_is_one_request_whatever_lies_beside_it() {
    let server = bucket(&FAMILY).await;
    for number in 3..=9 {
        server.put(&format!("images/go/{number}.tar.zst"), "x", "\"e\"");
    }
    let listing = list(&server, "images/go").await.unwrap();
    let numbers: Vec<u32> = listing.layers.iter().map(|layer| layer.number).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    let first = &listing.layers[0];
    assert_eq!(first.key.as_str(), "images/go/1.tar");
    assert_eq!(
        (first.size, first.etag.clone()),
        (15, ETag::strong("\"e\""))
    );
    assert_eq!(&first.origin, server.source().origin());
    // The marker of the folder, the README and the folder below.
    assert_eq!(listing.ignored.count, 3);
    assert_eq!(
        (server.requests(any), server.requests(Request::is_list)),
        (1, 1)
    );
}

#[tokio::test]
async fn a_long_listing_comes_in_pages() {
    let server = bucket(&FAMILY).await;
    server.with(|state| state.page = 2);
    server.put("images/go/3.tar", "3", "\"e\"");
    let Err(ListError::Gap {
        missing: 4,
        present,
        ..
    }) = list(&server, "images/go").await
    else {
        panic!("10 does not follow 3")
    };
    assert_eq!(present, [1, 2, 3, 10]);
    assert_eq!(server.requests(Request::is_list), 4);
}

#[tokio::test]
async fn one_layer_is_one_head() {
    let server = bucket(&FAMILY).await;
    let listing = list(&server, "images/go/10.tar.gz").await.unwrap();
    assert_eq!(listing.layers.len(), 1);
    assert_eq!((listing.layers[0].number, listing.layers[0].size), (10, 19));
    assert_eq!(
        (
            server.requests(any),
            server.requests(|r| r.method == "HEAD")
        ),
        (1, 1)
    );
    // The same object is the same locator, however it was found.
    server.with(|state| state.objects.retain(|key, _| key.contains("gopher")));
    let by_family = list(&server, "images/gopher").await.unwrap();
    assert_eq!(
        by_family.layers,
        list(&server, "images/gopher/1.tar").await.unwrap().layers
    );
}

#[tokio::test]
async fn a_prefix_stands_before_every_name_and_is_part_of_the_key() {
    let server = bucket(&FAMILY).await;
    let source = Source::connect(&server.config("s3://b/images")).unwrap();
    let listing = list_from(&source, "gopher").await.unwrap();
    assert_eq!(listing.layers[0].key.as_str(), "images/gopher/1.tar");
    assert_eq!(
        list_from(&source, "gopher/1.tar").await.unwrap().layers,
        listing.layers
    );
    let names: Vec<String> = source
        .families()
        .await
        .unwrap()
        .families
        .iter()
        .map(|summary| summary.family.to_string())
        .collect();
    assert_eq!(names, ["go", "go/old", "gopher"]);
}

#[tokio::test]
async fn only_a_strong_etag_is_a_version() {
    let server = bucket(&[]).await;
    server.put("a/1.tar", "x", "W/\"weak\"");
    server.put("a/2.tar", "x", "");
    server.put("a/3.tar", "x", "\"strong\"");
    let etags: Vec<bool> = list(&server, "a")
        .await
        .unwrap()
        .layers
        .iter()
        .map(|layer| layer.etag.is_some())
        .collect();
    assert_eq!(etags, [false, false, true]);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let server = bucket(&FAMILY).await;
    let error = list(&server, "images/rust").await.unwrap_err();
    assert!(
        matches!(error, ListError::EmptyFamily { ignored: 0, .. }),
        "{error:?}"
    );
    let error = list(&server, "images/go/7.tar").await.unwrap_err();
    assert!(
        matches!(error, ListError::Source(SourceError::NotFound { .. })),
        "{error:?}"
    );
    server.fail(
        9,
        any,
        Fault::Status(404, "", "<Error><Code>NoSuchBucket</Code></Error>"),
    );
    let error = list(&server, "images/go").await.unwrap_err();
    assert!(
        matches!(error, ListError::Source(SourceError::NoSuchOrigin { .. })),
        "{error:?}"
    );
    assert!(error.to_string().ends_with("/b does not exist"), "{error}");
}

#[tokio::test]
async fn a_denied_key_may_be_a_missing_one_and_is_asked_for_once() {
    let server = bucket(&FAMILY).await;
    for name in ["images/go", "images/go/1.tar"] {
        server.forget();
        server.fail(
            9,
            any,
            Fault::Status(403, "", "<Error><Code>AccessDenied</Code></Error>"),
        );
        let error = list(&server, name).await.unwrap_err();
        assert!(
            matches!(error, ListError::Source(SourceError::Denied { .. })),
            "{error:?}"
        );
        assert!(
            error.to_string().contains("or it is not found there"),
            "{error}"
        );
        assert_eq!(server.requests(any), 1);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_again_but_not_for_ever() {
    let server = bucket(&["a/1.tar"]).await;
    for (name, fault) in [
        ("a", Fault::Status(500, "", "")),
        (
            "a",
            Fault::Status(
                503,
                "retry-after: 1\r\n",
                "<Error><Code>SlowDown</Code></Error>",
            ),
        ),
        ("a", Fault::Status(429, "", "")),
        ("a", Fault::Status(200, "", "this is no listing")),
        ("a/1.tar", Fault::Status(502, "", "")),
    ] {
        server.forget();
        server.fail(5, any, fault.clone());
        assert!(list(&server, name).await.is_ok(), "{fault:?}");
        assert_eq!(server.requests(any), 6);
        server.forget();
        server.fail(6, any, fault.clone());
        let error = list(&server, name).await.unwrap_err();
        let ListError::Source(SourceError::Unavailable { tries, .. }) = error else {
            panic!("{fault:?}: {error:?}")
        };
        assert_eq!((tries, server.requests(any)), (6, 6), "{fault:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let (server, other) = (bucket(&[]).await, bucket(&["a/1.tar"]).await);
    for name in ["a", "a/1.tar"] {
        let location = format!(
            "location: {}/b/a/1.tar\r\nx-amz-bucket-region: eu-west-1\r\n",
            other.config("s3://b").endpoint.unwrap()
        );
        let header: &'static str = location.leak();
        server.fail(1, any, Fault::Status(307, header, ""));
        let error = list(&server, name).await.unwrap_err();
        let ListError::Source(SourceError::Refused { source, .. }) = error else {
            panic!("{error:?}")
        };
        assert!(
            source
                .to_string()
                .ends_with("the bucket is in region eu-west-1"),
            "{source}"
        );
        assert_eq!(other.requests(any), 0);
    }
}

#[tokio::test]
async fn silence_counts_as_a_failed_try() {
    let server = bucket(&["a/1.tar"]).await;
    let mut config = server.config("s3://b");
    config.timeouts.response = std::time::Duration::from_millis(200);
    let source = Source::connect(&config).unwrap();
    server.fail(2, any, Fault::Silence);
    assert!(list_from(&source, "a").await.is_ok());
    // At least: on a busy machine an honest answer may be late, too.
    assert!(server.requests(any) >= 3);
}

#[tokio::test]
async fn nobody_listening_is_unavailable_with_the_reason() {
    let server = bucket(&[]).await;
    let mut config = server.config("s3://b");
    // Port 1 is reserved, and nothing listens on it.
    config.endpoint = Some("http://127.0.0.1:1".parse().unwrap());
    config.max_retries = 1;
    let error = list_from(&Source::connect(&config).unwrap(), "a")
        .await
        .unwrap_err();
    let ListError::Source(SourceError::Unavailable {
        tries: 2, source, ..
    }) = error
    else {
        panic!("{error:?}")
    };
    assert!(source.to_string().contains("refused"), "{source}");
}

#[tokio::test]
async fn requests_are_signed_with_what_was_given_and_not_at_all_without() {
    let server = bucket(&["a/1.tar"]).await;
    list(&server, "a").await.unwrap();
    let mut config = server.config("s3://b");
    config.region = "eu-west-1".into();
    config.auth = Auth::Static(Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: Secret::new("hush"),
        session_token: Some(Secret::new("token")),
    });
    list_from(&Source::connect(&config).unwrap(), "a")
        .await
        .unwrap();
    let seen = server.with(|state| state.requests.clone());
    assert!(
        !seen[0]
            .headers
            .keys()
            .any(|name| name == "authorization" || name == "x-amz-date")
    );
    let authorization = &seen[1].headers["authorization"];
    assert!(authorization.contains("AKIDEXAMPLE/") && authorization.contains("/eu-west-1/s3/"));
    assert_eq!(seen[1].headers["x-amz-security-token"], "token");
}

#[tokio::test]
async fn a_key_that_cannot_be_addressed_is_named() {
    let server = bucket(&["a//1.tar", "a/2.tar"]).await;
    let error = server.source().families().await.unwrap_err();
    let ListError::Source(SourceError::BadKey { source, .. }) = error else {
        panic!("{error:?}")
    };
    assert!(source.to_string().contains("a//1.tar"), "{source}");
}

#[tokio::test]
async fn the_families_of_a_bucket_are_found_with_what_is_wrong_with_them() {
    let server = bucket(&FAMILY).await;
    server.with(|state| state.page = 3);
    let found = server.source().families().await.unwrap();
    let shown: Vec<(&str, usize, u64, bool)> = found
        .families
        .iter()
        .map(|f| (f.family.as_str(), f.layers, f.bytes, f.problem.is_some()))
        .collect();
    assert_eq!(
        shown,
        [
            ("images/go", 3, 49, true),
            ("images/go/old", 2, 38, false),
            ("images/gopher", 1, 19, false),
            ("other", 1, 11, false),
        ]
    );
    assert!(matches!(
        found.families[0].problem,
        Some(ListError::Gap { missing: 3, .. })
    ));
    assert_eq!((found.ignored, found.truncated), (2, false));
    assert_eq!(server.requests(any), 3);
}
