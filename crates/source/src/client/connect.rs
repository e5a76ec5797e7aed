//! From a configuration to a source that can be asked.

use std::{fs, io, path::PathBuf, sync::Arc};

use object_store::{
    ObjectStore, RetryConfig, StaticCredentialProvider,
    aws::{AmazonS3Builder, AwsCredential},
    local::LocalFileSystem,
};

use super::{source::Source, strict::StrictConnector};
use crate::{
    address::{EndpointError, Key, Origin, SourceUrl},
    config::SourceConfig,
    credentials::{Credentials, HalfCredentials},
};

/// Why there is no source, before anything was asked of one.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The directory cannot be used.
    #[error("the directory {} cannot be used as a source", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The environment holds half a pair of credentials.
    #[error("the credentials in the environment are incomplete")]
    Credentials(#[source] HalfCredentials),
    /// The region would not stand in a host name.
    #[error("{region:?} is not a region: lower-case letters, digits and '-'")]
    Region {
        /// The text.
        region: String,
    },
    /// The endpoint takes no bucket in front of its host.
    #[error("the bucket cannot stand in the host name of the endpoint")]
    Endpoint(#[source] EndpointError),
    /// The file of additional authorities cannot be used.
    #[error("the CA bundle {} cannot be used", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no client for these settings (no certificate authorities on this host, say).
    #[error("the HTTP client cannot be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Source {
    /// A source that has not been asked anything yet. With `auth=auto` this reads
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; proxies are taken
    /// from the environment as usual.
    ///
    /// Reads certificates and looks at the directory: call it where blocking for milliseconds is
    /// allowed.
    pub fn connect(config: &SourceConfig) -> Result<Arc<Self>, ConnectError> {
        let (objects, origin, prefix, root) = match &config.url {
            SourceUrl::Directory(path) => {
                let failed = |source| ConnectError::Directory {
                    path: path.clone(),
                    source,
                };
                let root = fs::canonicalize(path).map_err(failed)?;
                if !root.is_dir() {
                    return Err(failed(io::ErrorKind::NotADirectory.into()));
                }
                let origin = Origin::directory(&root).ok_or_else(|| {
                    failed(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "the path is not UTF-8",
                    ))
                })?;
                let objects = LocalFileSystem::new_with_prefix(&root)
                    .map_err(|error| failed(io::Error::other(error)))?;
                (
                    Arc::new(objects) as Arc<dyn ObjectStore>,
                    origin,
                    None,
                    Some(root),
                )
            }
            SourceUrl::Bucket { bucket, prefix } => {
                let origin = Origin::bucket(config.endpoint.as_ref(), bucket);
                (bucket_client(config, bucket)?, origin, prefix.clone(), None)
            }
        };
        let prefix: Option<Key> = prefix;
        Ok(Arc::new(Self::new(objects, origin, prefix, root, config)))
    }
}

fn bucket_client(
    config: &SourceConfig,
    bucket: &str,
) -> Result<Arc<dyn ObjectStore>, ConnectError> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if config.region.is_empty() || !config.region.bytes().all(legal) {
        return Err(ConnectError::Region {
            region: config.region.clone(),
        });
    }
    let credentials = config
        .auth
        .resolve(|name| std::env::var(name).ok())
        .map_err(ConnectError::Credentials)?;
    let path_style = config
        .path_style
        .unwrap_or_else(|| config.endpoint.is_some() || bucket.contains('.'));
    let plain_http = config
        .endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.is_plain_http());
    // Not `from_env`: only what is in the configuration counts. The credentials are always given,
    // also where nothing is signed, so that the client has no reason to look for any.
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_virtual_hosted_style_request(!path_style)
        .with_skip_signature(credentials.is_none())
        .with_credentials(Arc::new(StaticCredentialProvider::new(aws(credentials))))
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        })
        .with_allow_http(plain_http)
        .with_http_connector(StrictConnector {
            client: http_client(config, plain_http)?,
            response: config.timeouts.response,
        });
    if let Some(endpoint) = &config.endpoint {
        builder = match path_style {
            true => builder.with_endpoint(endpoint.to_string()),
            false => {
                let endpoint = endpoint.with_bucket_in_host(bucket);
                builder.with_endpoint(endpoint.map_err(ConnectError::Endpoint)?.to_string())
            }
        };
    }
    match builder.build() {
        Ok(client) => Ok(Arc::new(client)),
        Err(error) => Err(ConnectError::Client(Box::new(error))),
    }
}

fn aws(credentials: Option<Credentials>) -> AwsCredential {
    match credentials {
        Some(found) => AwsCredential {
            key_id: found.access_key_id,
            secret_key: found.secret_access_key.expose().to_owned(),
            token: found.session_token.map(|token| token.expose().to_owned()),
        },
        None => AwsCredential {
            key_id: String::new(),
            secret_key: String::new(),
            token: None,
        },
    }
}

/// A client for `https`, or for clear text too. It follows no redirect.
pub(crate) fn http_client(
    config: &SourceConfig,
    plain_http: bool,
) -> Result<reqwest::Client, ConnectError> {
    // An error says that a provider is installed already, by this or by the program: either does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("longshore/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .https_only(!plain_http)
        // One connection for each range; HTTP/2 would put all of them on one.
        .http1_only()
        .connect_timeout(config.timeouts.connect)
        .read_timeout(config.timeouts.idle);
    builder = match &config.ca_bundle {
        // Without TLS no authority is needed, and a host that has none is no obstacle.
        None if plain_http => builder.tls_certs_only([]),
        None => builder,
        Some(path) => {
            let failed = |source| ConnectError::CaBundle {
                path: path.clone(),
                source,
            };
            let pem = fs::read(path).map_err(|error| failed(error.into()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| failed(error.into()))?;
            builder.tls_certs_merge(certificates)
        }
    };
    builder
        .build()
        .map_err(|error| ConnectError::Client(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Auth;

    fn config(url: &str) -> SourceConfig {
        let mut config = SourceConfig::new(url.parse().unwrap());
        config.auth = Auth::Anonymous;
        config
    }

    #[test]
    fn the_same_bucket_has_the_same_origin_whatever_the_prefix() {
        let mut config = config("s3://images/a/b");
        config.endpoint = Some("http://127.0.0.1:1".parse().unwrap());
        let one = Source::connect(&config).unwrap();
        config.url = "s3://images".parse().unwrap();
        let other = Source::connect(&config).unwrap();
        assert_eq!(one.origin(), other.origin());
        assert_eq!(one.origin().as_str(), "http://127.0.0.1:1/images");
    }

    #[test]
    fn a_directory_is_known_by_where_it_really_is() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        let direct = SourceConfig::new(SourceUrl::directory(directory.path()));
        let linked = SourceConfig::new(SourceUrl::directory(&link));
        let origin = |config| Source::connect(config).unwrap().origin().clone();
        assert_eq!(origin(&direct), origin(&linked));
    }

    #[test]
    fn what_cannot_work_is_said_before_anything_is_asked() {
        let missing = SourceConfig::new(SourceUrl::directory("/does/not/exist"));
        assert!(matches!(
            Source::connect(&missing),
            Err(ConnectError::Directory { .. })
        ));
        let file = SourceConfig::new(SourceUrl::directory(file!()));
        assert!(matches!(
            Source::connect(&file),
            Err(ConnectError::Directory { .. })
        ));
        let mut region = config("s3://images");
        region.region = "evil.example.org/".into();
        assert!(matches!(
            Source::connect(&region),
            Err(ConnectError::Region { .. })
        ));
        let mut bundle = config("s3://images");
        bundle.ca_bundle = Some("/does/not/exist.pem".into());
        assert!(matches!(
            Source::connect(&bundle),
            Err(ConnectError::CaBundle { .. })
        ));
    }
}
