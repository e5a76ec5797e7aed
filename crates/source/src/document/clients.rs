//! The HTTP clients that documents are fetched with, each made when it is first needed.

use std::sync::OnceLock;

use reqwest::{Client, Url};

use crate::{ConnectError, SourceConfig, client::http_client};

/// One for `https`, and one for clear text, which needs no certificate authorities.
#[derive(Debug)]
pub(super) struct Clients {
    config: SourceConfig,
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

impl Clients {
    pub(super) fn new(config: &SourceConfig) -> Self {
        Self {
            config: config.clone(),
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }
    }

    /// The one for this address.
    pub(super) async fn of(&self, url: &Url) -> Result<Client, ConnectError> {
        let is_plain = url.scheme() == "http";
        let made = if is_plain { &self.plain } else { &self.secure };
        if let Some(client) = made.get() {
            return Ok(client.clone());
        }
        let config = self.config.clone();
        // It reads the files of certificates.
        let client = tokio::task::spawn_blocking(move || http_client(&config, is_plain));
        let client = client
            .await
            .map_err(|error| ConnectError::Client(error.into()))??;
        Ok(made.get_or_init(|| client).clone())
    }
}
