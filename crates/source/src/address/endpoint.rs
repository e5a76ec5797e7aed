//! The address of an S3 service other than Amazon's.

use std::{fmt, str::FromStr};

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// An `http` or `https` address with a host: without user, query and fragment, and without a `/`
/// at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(Url);

/// What is not the address of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the endpoint {endpoint:?} is not usable: {why}")]
pub struct EndpointError {
    /// The text (without anything that looks like a password).
    pub endpoint: String,
    /// What is wrong with it.
    pub why: String,
}

impl Endpoint {
    /// Whether the service is spoken to in clear text.
    pub fn is_plain_http(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// The address with the bucket in front of its host, for services that want it there.
    pub(crate) fn with_bucket_in_host(&self, bucket: &str) -> Result<Self, EndpointError> {
        let host = self.0.host_str().unwrap_or_default();
        let mut url = self.0.clone();
        match url.set_host(Some(&format!("{bucket}.{host}"))) {
            Ok(()) => Ok(Self(url)),
            Err(error) => Err(EndpointError {
                endpoint: self.to_string(),
                why: error.to_string(),
            }),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Text before an '@' may be a password, and errors are printed and logged.
        let shown = text.rsplit('@').next().unwrap_or(text).to_owned();
        let refuse = |why: &str| EndpointError {
            endpoint: shown.clone(),
            why: why.to_owned(),
        };
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("it begins with neither http:// nor https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("credentials do not belong in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or a fragment"));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_service_has_one_spelling() {
        for text in [
            "http://LOCALHOST:9000",
            "http://localhost:9000/",
            "http://localhost:9000",
        ] {
            assert_eq!(
                text.parse::<Endpoint>().unwrap().to_string(),
                "http://localhost:9000"
            );
        }
        let default_port: Endpoint = "https://s3.example.org:443/".parse().unwrap();
        assert_eq!(default_port.to_string(), "https://s3.example.org");
        assert!(!default_port.is_plain_http());
    }

    #[test]
    fn a_password_is_refused_and_not_shown() {
        let error = "http://user:hunter2@host".parse::<Endpoint>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        for bad in [
            "localhost:9000",
            "ftp://host",
            "http://host/?x=1",
            "http://",
            "",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_bucket_can_stand_in_the_host() {
        let endpoint: Endpoint = "https://s3.example.org:8443".parse().unwrap();
        let with_bucket = endpoint.with_bucket_in_host("images").unwrap();
        assert_eq!(
            with_bucket.to_string(),
            "https://images.s3.example.org:8443"
        );
    }
}
