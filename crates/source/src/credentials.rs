//! Who a source is asked as. Nothing here asks the network: instance metadata is never consulted.

use std::fmt;

/// Text that must not be seen: it prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Static credentials of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id, which is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
}

/// Half of a pair of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{present} is set but {missing} is not: set both, or neither to go on anonymously")]
pub struct HalfCredentials {
    /// The variable that is there.
    pub present: &'static str,
    /// The variable that is not.
    pub missing: &'static str,
}

/// How to authenticate to a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// Static credentials from the environment if there are any, else anonymously.
    #[default]
    Auto,
    /// Requests are not signed.
    Anonymous,
    /// These.
    Static(Credentials),
}

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

impl Auth {
    /// The credentials to sign with; `None` is anonymous. `environment` gives the value of a
    /// variable; an empty one counts as unset.
    pub(crate) fn resolve(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Credentials>, HalfCredentials> {
        match self {
            Self::Anonymous => Ok(None),
            Self::Static(credentials) => Ok(Some(credentials.clone())),
            Self::Auto => {
                let variable = |name| environment(name).filter(|value| !value.is_empty());
                match (variable(KEY_ID), variable(SECRET)) {
                    (None, None) => Ok(None),
                    (Some(_), None) => Err(HalfCredentials {
                        present: KEY_ID,
                        missing: SECRET,
                    }),
                    (None, Some(_)) => Err(HalfCredentials {
                        present: SECRET,
                        missing: KEY_ID,
                    }),
                    (Some(access_key_id), Some(secret)) => Ok(Some(Credentials {
                        access_key_id,
                        secret_access_key: Secret(secret),
                        session_token: variable(TOKEN).map(Secret),
                    })),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(set: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn auto_is_static_where_there_is_a_pair_and_anonymous_where_there_is_none() {
        let pair = environment(&[(KEY_ID, "id"), (SECRET, "hush"), (TOKEN, "token")]);
        let found = Auth::Auto.resolve(&pair).unwrap().unwrap();
        assert_eq!(
            (
                found.access_key_id.as_str(),
                found.secret_access_key.expose()
            ),
            ("id", "hush")
        );
        assert_eq!(found.session_token.unwrap().expose(), "token");
        assert_eq!(
            Auth::Auto.resolve(environment(&[(KEY_ID, ""), (SECRET, "")])),
            Ok(None)
        );
        assert_eq!(Auth::Anonymous.resolve(pair), Ok(None));
    }

    #[test]
    fn half_a_pair_is_an_error_and_not_anonymous() {
        let error = Auth::Auto
            .resolve(environment(&[(KEY_ID, "id")]))
            .unwrap_err();
        assert_eq!(error.missing, SECRET);
        assert!(
            Auth::Auto
                .resolve(environment(&[(SECRET, "hush")]))
                .is_err()
        );
    }

    #[test]
    fn secrets_print_as_stars() {
        let credentials = Credentials {
            access_key_id: "id".into(),
            secret_access_key: Secret::new("hush"),
            session_token: Some(Secret::new("hush")),
        };
        assert!(!format!("{credentials:?} {}", credentials.secret_access_key).contains("hush"));
    }
}
