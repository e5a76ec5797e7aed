//! Fetching documents, with the one place where a failed try is repeated.

use std::fs::File;

use reqwest::Url;
use tokio_util::sync::CancellationToken;

use super::{
    DocumentError, Fetched, Seen,
    address::{Address, shown},
    clients::Clients,
    local,
    transfer::{Failed, Transfer},
};
use crate::{SourceConfig, backoff::entropy};

/// Fetches documents: from servers, with the time-outs, the tries and the certificate authorities of a
/// source's settings, and from files.
#[derive(Debug)]
pub struct Documents {
    config: SourceConfig,
    clients: Clients,
}

impl Documents {
    /// Looks at nothing yet: certificates are read with the first `https://` address.
    pub fn new(config: &SourceConfig) -> Self {
        Self {
            config: config.clone(),
            clients: Clients::new(config),
        }
    }

    /// Fetches what is at `url` (`https://`, `http://`, `file:///`, or an absolute path) into a file, which
    /// is emptied first and then written from its beginning, unless it is still what was `seen`. An
    /// answer's bytes are taken as they are: nothing is decompressed.
    ///
    /// A server that does not answer is asked again as often as the settings say; a document that broke
    /// off is fetched once more from its beginning. After an error there may be anything in the file.
    ///
    /// # Errors
    /// [`DocumentError`], also for more than `limit` bytes.
    pub async fn fetch(
        &self,
        url: &str,
        seen: Option<&Seen>,
        into: &mut File,
        limit: u64,
        cancel: &CancellationToken,
    ) -> Result<Fetched, DocumentError> {
        match Address::parse(url)? {
            Address::File(path) => {
                let (seen, cancel) = (seen.cloned(), cancel.clone());
                let address = path.display().to_string();
                let written = |source| DocumentError::Write { address, source };
                let file = match into.try_clone() {
                    Ok(file) => file,
                    Err(error) => return Err(written(error)),
                };
                let copied = tokio::task::spawn_blocking(move || {
                    local::copy(&path, seen.as_ref(), &file, limit, &cancel)
                });
                match copied.await {
                    Ok(copied) => copied,
                    Err(error) => Err(written(std::io::Error::other(error))),
                }
            }
            Address::Web(url) => {
                let address = shown(&url);
                let fetched = self.fetch_from_web(&address, &url, seen, into, limit);
                tokio::select! {
                    fetched = fetched => fetched,
                    () = cancel.cancelled() => Err(DocumentError::Cancelled { address: address.clone() }),
                }
            }
        }
    }

    async fn fetch_from_web(
        &self,
        address: &str,
        url: &Url,
        seen: Option<&Seen>,
        into: &File,
        limit: u64,
    ) -> Result<Fetched, DocumentError> {
        let transfer = Transfer {
            clients: &self.clients,
            address,
            seen,
            into,
            limit,
            response: self.config.timeouts.response,
            idle: self.config.timeouts.idle,
        };
        let (mut failures, mut cuts) = (0, 0);
        loop {
            let failed = match transfer.run(url.clone()).await {
                Ok(fetched) => return Ok(fetched),
                Err(failed) => failed,
            };
            failures += 1;
            let wait = match failed {
                Failed::Final(error) => return Err(error),
                Failed::CutOff { received, cause } if cuts > 0 => {
                    return Err(DocumentError::CutOff {
                        address: address.to_owned(),
                        received,
                        source: cause,
                    });
                }
                Failed::CutOff { received, cause } => {
                    tracing::debug!(address, received, %cause, "a document broke off");
                    cuts += 1;
                    None
                }
                Failed::Unanswered { cause, .. } if failures > self.config.max_retries => {
                    return Err(DocumentError::Unreachable {
                        address: address.to_owned(),
                        tries: failures,
                        source: cause,
                    });
                }
                Failed::Unanswered { cause, wait } => {
                    tracing::debug!(address, %cause, "a document is asked for again");
                    wait
                }
            };
            let wait = self.config.backoff.wait(failures, wait, entropy());
            tokio::time::sleep(wait).await;
        }
    }
}
