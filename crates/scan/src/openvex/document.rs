//! Reads a document into statements, the latest last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::matching::Product;
use crate::bounded::AtMost;

/// The largest document that is read. A statement has a few hundred bytes.
const DOCUMENT_BYTES: usize = 16 << 20;

/// Statements of a document, and what each may list: a document of [`DOCUMENT_BYTES`] has no more.
const STATEMENTS: usize = 100_000;
const LISTED: usize = 100_000;

/// The version of the format, as `@context` has it; a patch may follow.
const CONTEXT: &str = "https://openvex.dev/ns/v0.2";

/// Bytes that are no document of OpenVEX, or one that says something that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOpenVex {
    /// It has more bytes than are read.
    #[error("it has more than {DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// It is no JSON of this form.
    #[error("{0}")]
    Malformed(String),
    /// It is of another version of the format.
    #[error("its @context is {0:?}, and OpenVEX 0.2 is understood ({CONTEXT}.0)")]
    OtherVersion(String),
    /// One of its statements says too little or something unknown.
    #[error("its statement {number} {why}")]
    Statement {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// What documents say, together.
#[derive(Debug, Clone, Default)]
pub struct OpenVex {
    /// Ordered by time; those of one time as they stand.
    pub(super) statements: Vec<Stated>,
    /// Which statements are about a vulnerability, by each of its names.
    pub(super) about: BTreeMap<String, Vec<usize>>,
}

/// A statement and what it is about.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    names: Vec<String>,
    pub(super) products: Vec<Product>,
    pub(super) says: VexStatement,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexStatement {
    /// Whether the product is affected.
    pub status: VexStatus,
    /// Why not, in a word of the specification (`vulnerable_code_not_present`).
    pub justification: Option<String>,
    /// Why not, or what to do, in the operator's words.
    pub statement: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Whether a product is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VexStatus {
    /// It is not.
    NotAffected,
    /// It is.
    Affected,
    /// It was, and has a fix that its version does not show.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl VexStatus {
    /// Whether a finding does not count because of it.
    #[must_use]
    pub const fn takes_away(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }

    /// The word of the specification.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    fn read(word: &str) -> Option<Self> {
        let all = [
            Self::NotAffected,
            Self::Affected,
            Self::Fixed,
            Self::UnderInvestigation,
        ];
        all.into_iter().find(|one| one.as_str() == word)
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@context")]
    context: String,
    timestamp: Option<String>,
    statements: AtMost<Statement, STATEMENTS>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    timestamp: Option<String>,
    products: Option<AtMost<Named, LISTED>>,
    status: String,
    justification: Option<String>,
    impact_statement: Option<String>,
    action_statement: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(rename = "@id")]
    id: Option<String>,
    name: Option<String>,
    aliases: Option<AtMost<String, LISTED>>,
}

/// A product or a part of one.
#[derive(Deserialize)]
pub(super) struct Named {
    #[serde(rename = "@id")]
    pub(super) id: Option<String>,
    pub(super) identifiers: Option<BTreeMap<String, String>>,
    pub(super) hashes: Option<BTreeMap<String, String>>,
    pub(super) subcomponents: Option<AtMost<Named, LISTED>>,
}

impl OpenVex {
    /// Reads a document.
    ///
    /// # Errors
    /// See [`NotOpenVex`].
    pub fn read(json: &[u8]) -> Result<Self, NotOpenVex> {
        if json.len() > DOCUMENT_BYTES {
            return Err(NotOpenVex::TooLarge);
        }
        let document: Document = serde_json::from_slice(json)
            .map_err(|error| NotOpenVex::Malformed(error.to_string()))?;
        let version = document.context.strip_prefix(CONTEXT);
        if !version.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
            let shown = document.context.chars().take(80).collect();
            return Err(NotOpenVex::OtherVersion(shown));
        }
        let mut statements = Vec::new();
        for (at, statement) in document.statements.0.into_iter().enumerate() {
            let read = stated(statement, document.timestamp.as_deref());
            let number = at + 1;
            statements.push(read.map_err(|why| NotOpenVex::Statement { number, why })?);
        }
        Ok(Self::of(statements))
    }

    /// What both say. Of statements of one time, those of `other` are the later ones.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut statements = self.statements;
        statements.extend(other.statements);
        Self::of(statements)
    }

    /// How many statements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    fn of(mut statements: Vec<Stated>) -> Self {
        statements.sort_by_key(|stated| stated.says.at_ms);
        let mut about: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, stated) in statements.iter().enumerate() {
            for name in &stated.names {
                about.entry(name.clone()).or_default().push(at);
            }
        }
        Self { statements, about }
    }
}

fn stated(from: Statement, of_document: Option<&str>) -> Result<Stated, String> {
    let status = VexStatus::read(&from.status)
        .ok_or_else(|| format!("has the unknown status {:?}", shortened(&from.status)))?;
    if status == VexStatus::NotAffected
        && from.justification.is_none()
        && from.impact_statement.is_none()
    {
        return Err("says not_affected without a justification or an impact_statement".to_owned());
    }
    let time = from.timestamp.as_deref().or(of_document);
    let time = time.ok_or("has no timestamp, and neither has the document")?;
    let at: Timestamp = time
        .parse()
        .map_err(|_| format!("has the timestamp {:?}, which is none", shortened(time)))?;
    let names = names(from.vulnerability);
    if names.is_empty() {
        return Err("names no vulnerability".to_owned());
    }
    let mut products = Vec::new();
    for named in from.products.unwrap_or_default().0 {
        products.push(Product::of(named)?);
    }
    if products.is_empty() {
        return Err("names no product: it would be about everything".to_owned());
    }
    Ok(Stated {
        names,
        products,
        says: VexStatement {
            status,
            justification: from.justification,
            statement: from.impact_statement.or(from.action_statement),
            at_ms: at.as_millisecond(),
        },
    })
}

/// All that a vulnerability is called. An `@id` is often the address of a page whose last part is its name.
fn names(from: Vulnerability) -> Vec<String> {
    let mut names: Vec<String> = from.name.into_iter().collect();
    names.extend(from.aliases.unwrap_or_default().0);
    if let Some(id) = from.id {
        names.extend(id.rsplit(['/', '#', '=']).next().map(str::to_owned));
        names.push(id);
    }
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(statement: &str) -> Result<OpenVex, NotOpenVex> {
        let text = format!(
            r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a",
                "timestamp":"2024-01-01T00:00:00Z","version":1,"statements":[{statement}]}}"#
        );
        OpenVex::read(text.as_bytes())
    }

    const GOOD: &str = r#"{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:deb/debian/a"}],
        "status":"fixed"}"#;

    #[test]
    fn what_is_not_understood_is_an_error_that_names_the_statement() {
        assert_eq!(document(GOOD).expect("it is whole").len(), 1);
        for (from, to, expected) in [
            ("fixed", "resolved", "status \"resolved\""),
            ("fixed", "not_affected", "justification"),
            (r#"{"name":"CVE-1"}"#, "{}", "no vulnerability"),
            (r#"[{"@id":"pkg:deb/debian/a"}]"#, "[]", "no product"),
            (r#"{"@id":"pkg:deb/debian/a"}"#, "{}", "product"),
            ("pkg:deb/debian/a", "pkg:deb", "pkg:deb"),
            (
                r#"{"@id":"pkg:deb/debian/a"}"#,
                r#"{"@id":"x","subcomponents":[{"@id":"y","subcomponents":[]}]}"#,
                "parts of a part",
            ),
            (r#""status""#, r#""timestamp":"soon","status""#, "\"soon\""),
        ] {
            let error = document(&GOOD.replace(from, to)).expect_err(to);
            assert!(
                matches!(error, NotOpenVex::Statement { number: 1, .. }),
                "{error}"
            );
            assert!(error.to_string().contains(expected), "{error}");
        }
        let second = document(&format!("{GOOD},{}", GOOD.replace("fixed", "x")));
        assert!(matches!(
            second,
            Err(NotOpenVex::Statement { number: 2, .. })
        ));
    }

    #[test]
    fn other_versions_and_other_documents_are_refused() {
        for context in [
            "https://openvex.dev/ns",
            "https://openvex.dev/ns/v0.20.0",
            "x",
        ] {
            let text = format!(r#"{{"@context":"{context}","statements":[]}}"#);
            let read = OpenVex::read(text.as_bytes());
            assert!(
                matches!(read, Err(NotOpenVex::OtherVersion(_))),
                "{context}"
            );
        }
        for text in [
            "",
            "{}",
            "[]",
            r#"{"@context":"https://openvex.dev/ns/v0.2.0"}"#,
        ] {
            assert!(matches!(
                OpenVex::read(text.as_bytes()),
                Err(NotOpenVex::Malformed(_))
            ));
        }
        let large = vec![b' '; DOCUMENT_BYTES + 1];
        assert_eq!(
            OpenVex::read(&large).expect_err("it is"),
            NotOpenVex::TooLarge
        );
    }

    #[test]
    fn a_vulnerability_has_every_name_that_it_is_given() {
        let text = GOOD.replace(
            r#"{"name":"CVE-1"}"#,
            r#"{"@id":"https://nvd.nist.gov/vuln/detail/CVE-2","name":"CVE-1","aliases":["GHSA-1"]}"#,
        );
        let vex = document(&text).expect("it is whole");
        for name in ["CVE-1", "CVE-2", "GHSA-1"] {
            assert_eq!(vex.about[name], [0], "{name}");
        }
    }
}
