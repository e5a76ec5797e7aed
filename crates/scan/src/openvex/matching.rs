//! Which statement is about a finding.

use std::str::FromStr;

use packageurl::PackageUrl;

use super::document::{Named, OpenVex, VexStatement, shortened};
use crate::{Finding, SbomSubject};

/// What a statement is about: a product, or parts of it where it lists some.
#[derive(Debug, Clone)]
pub(super) struct Product {
    whole: Identity,
    parts: Vec<Identity>,
}

/// How something is named.
#[derive(Debug, Clone)]
struct Identity {
    /// As it stands: what an operator calls an image.
    id: Option<String>,
    purls: Vec<PackageUrl<'static>>,
    sha256: Option<String>,
}

impl OpenVex {
    /// The latest statement about a finding in an image, where there is one. `purl` is the package URL of the
    /// package that has it.
    ///
    /// A product is the image, by the name that its operator has for it or by its SHA-256 (in `hashes`, or as
    /// the version of a `pkg:oci`), or it is the package. A package URL names every package that has what
    /// stands in it: without a version it is about all versions, without qualifiers about all architectures.
    /// Parts are only looked at where their product is the image: of what else is in it and contains them
    /// nothing is known here.
    #[must_use]
    pub fn applies(
        &self,
        finding: &Finding,
        purl: Option<&str>,
        subject: &SbomSubject,
    ) -> Option<&VexStatement> {
        let package = purl.and_then(|purl| PackageUrl::from_str(purl).ok());
        let names = std::iter::once(&finding.id).chain(&finding.aliases);
        let about = names.filter_map(|name| self.about.get(name)).flatten();
        let mut about: Vec<usize> = about.copied().collect();
        about.sort_unstable();
        about.dedup();
        about
            .iter()
            .rev()
            .map(|at| &self.statements[*at])
            .find(|stated| {
                let mut products = stated.products.iter();
                products.any(|product| product.covers(package.as_ref(), subject))
            })
            .map(|stated| &stated.says)
    }
}

impl Product {
    pub(super) fn of(named: Named) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut named = named;
        for part in named.subcomponents.take().unwrap_or_default().0 {
            if part.subcomponents.is_some() {
                return Err("names parts of a part".to_owned());
            }
            parts.push(Identity::of(part)?);
        }
        Ok(Self {
            whole: Identity::of(named)?,
            parts,
        })
    }

    fn covers(&self, package: Option<&PackageUrl<'_>>, subject: &SbomSubject) -> bool {
        if self.parts.is_empty() {
            return self.whole.is_image(subject) || self.whole.is_package(package);
        }
        self.whole.is_image(subject) && self.parts.iter().any(|part| part.is_package(package))
    }
}

impl Identity {
    fn of(named: Named) -> Result<Self, String> {
        let identifiers = named.identifiers.unwrap_or_default();
        let mut purls = Vec::new();
        let ids = named.id.iter().filter(|id| id.starts_with("pkg:"));
        for text in ids.chain(identifiers.get("purl")) {
            let purl = PackageUrl::from_str(text)
                .map_err(|error| format!("names {:?}: {error}", shortened(text)))?;
            purls.push(purl);
        }
        let sha256 = named.hashes.and_then(|mut hashes| hashes.remove("sha-256"));
        if named.id.is_none() && purls.is_empty() && sha256.is_none() {
            return Err("has a product without an @id, a package URL or a SHA-256".to_owned());
        }
        Ok(Self {
            id: named.id,
            purls,
            sha256: sha256.map(|digest| digest.to_lowercase()),
        })
    }

    fn is_image(&self, subject: &SbomSubject) -> bool {
        if self.id.as_deref() == Some(subject.name.as_str()) {
            return true;
        }
        let Some(digest) = subject.sha256() else {
            return false;
        };
        let of_image = |purl: &PackageUrl<'_>| {
            let version = purl
                .version()
                .and_then(|version| version.strip_prefix("sha256:"));
            purl.ty() == "oci" && version == Some(digest)
        };
        self.sha256.as_deref() == Some(digest) || self.purls.iter().any(of_image)
    }

    fn is_package(&self, package: Option<&PackageUrl<'_>>) -> bool {
        package.is_some_and(|package| self.purls.iter().any(|purl| names(purl, package)))
    }
}

/// Whether a package URL is about a package: all that stands in it must be so.
fn names(purl: &PackageUrl<'_>, package: &PackageUrl<'_>) -> bool {
    // What the type definitions have in lower case people write as it is.
    let same_name = match purl.ty() {
        "apk" | "golang" => purl.name().eq_ignore_ascii_case(package.name()),
        _ => purl.name() == package.name(),
    };
    purl.ty() == package.ty()
        && same_name
        && purl.namespace() == package.namespace()
        && purl
            .version()
            .is_none_or(|version| package.version() == Some(version))
        && purl
            .qualifiers()
            .iter()
            .all(|(key, value)| package.qualifiers().get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Severity, VexStatus, report::tests::finding};

    const PACKAGE: &str =
        "pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9?arch=x86_64&distro=almalinux-9&epoch=1";

    fn digest() -> String {
        "0123456789abcdef".repeat(4)
    }

    fn subject() -> SbomSubject {
        SbomSubject {
            name: "images/app".to_owned(),
            digest: Some(digest()),
        }
    }

    fn vex(statements: &[(&str, &str, &str)]) -> OpenVex {
        let statements: Vec<String> = statements
            .iter()
            .map(|(product, status, day)| {
                format!(
                    r#"{{"vulnerability":{{"name":"CVE-1"}},"products":[{product}],"status":"{status}",
                        "justification":"vulnerable_code_not_present","timestamp":"{day}T00:00:00Z"}}"#
                )
            })
            .collect();
        let text = format!(
            r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{}]}}"#,
            statements.join(",")
        );
        OpenVex::read(text.as_bytes()).expect("it is whole")
    }

    fn status(vex: &OpenVex, purl: &str) -> Option<VexStatus> {
        let finding = finding("CVE-1", "a", Severity::High);
        vex.applies(&finding, Some(purl), &subject())
            .map(|says| says.status)
    }

    fn named(product: &str) -> bool {
        status(&vex(&[(product, "not_affected", "2024-01-01")]), PACKAGE).is_some()
    }

    #[test]
    fn a_package_url_is_about_what_has_all_that_stands_in_it() {
        for (purl, expected) in [
            ("pkg:rpm/almalinux/openssl-libs", true),
            ("pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9", true),
            ("pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9?epoch=1", true),
            (
                "pkg:rpm/almalinux/openssl-libs?arch=x86_64&distro=almalinux-9",
                true,
            ),
            ("pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9?epoch=2", false),
            ("pkg:rpm/almalinux/openssl-libs@3.0.7-25.el9", false),
            ("pkg:rpm/almalinux/openssl-libs?arch=aarch64", false),
            ("pkg:rpm/almalinux/openssl", false),
            ("pkg:rpm/redhat/openssl-libs", false),
            ("pkg:deb/almalinux/openssl-libs", false),
            ("pkg:rpm/openssl-libs", false),
        ] {
            assert_eq!(named(&format!(r#"{{"@id":"{purl}"}}"#)), expected, "{purl}");
            let identifier = format!(r#"{{"@id":"https://x","identifiers":{{"purl":"{purl}"}}}}"#);
            assert_eq!(named(&identifier), expected, "{identifier}");
        }
        let go = vex(&[(
            r#"{"@id":"pkg:golang/github.com/BurntSushi/TOML"}"#,
            "fixed",
            "2024-01-01",
        )]);
        assert!(status(&go, "pkg:golang/github.com/burntsushi/toml@v1.0.0").is_some());
    }

    #[test]
    fn parts_count_only_where_their_product_is_the_image() {
        let part = r#""subcomponents":[{"@id":"pkg:rpm/almalinux/openssl-libs"}]"#;
        let other = r#""subcomponents":[{"@id":"pkg:rpm/almalinux/bash"}]"#;
        let digest = digest();
        let oci = format!("pkg:oci/app@sha256%3A{digest}");
        for (product, expected) in [
            (format!(r#"{{"@id":"images/app",{part}}}"#), true),
            (format!(r#"{{"@id":"{oci}",{part}}}"#), true),
            (
                format!(r#"{{"hashes":{{"sha-256":"{digest}"}},{part}}}"#),
                true,
            ),
            (r#"{"@id":"images/app"}"#.to_owned(), true),
            (format!(r#"{{"@id":"images/app",{other}}}"#), false),
            (format!(r#"{{"@id":"images/other",{part}}}"#), false),
            (format!(r#"{{"@id":"pkg:oci/app",{part}}}"#), false),
            (
                format!(r#"{{"@id":"pkg:rpm/almalinux/openssl-libs",{other}}}"#),
                false,
            ),
        ] {
            assert_eq!(named(&product), expected, "{product}");
        }
    }

    #[test]
    fn the_latest_statement_counts_and_of_one_time_the_last() {
        let here = r#"{"@id":"pkg:rpm/almalinux/openssl-libs"}"#;
        let newest_first = vex(&[
            (here, "affected", "2024-02-01"),
            (here, "fixed", "2024-01-01"),
        ]);
        assert_eq!(status(&newest_first, PACKAGE), Some(VexStatus::Affected));
        let one_day = [
            (here, "affected", "2024-01-01"),
            (here, "fixed", "2024-01-01"),
        ];
        assert_eq!(status(&vex(&one_day), PACKAGE), Some(VexStatus::Fixed));
        let later = vex(&[(here, "under_investigation", "2024-01-01")]);
        assert_eq!(
            status(&vex(&one_day).and(later), PACKAGE),
            Some(VexStatus::UnderInvestigation)
        );
        let elsewhere = r#"{"@id":"pkg:rpm/almalinux/bash"}"#;
        let not_here = vex(&[
            (here, "fixed", "2024-01-01"),
            (elsewhere, "affected", "2024-03-01"),
        ]);
        assert_eq!(status(&not_here, PACKAGE), Some(VexStatus::Fixed));
    }

    #[test]
    fn a_finding_is_known_by_each_of_its_names_and_only_by_them() {
        let vex = vex(&[(r#"{"@id":"images/app"}"#, "not_affected", "2024-01-01")]);
        let mut go = finding("GO-1", "a", Severity::High);
        assert_eq!(vex.applies(&go, None, &subject()), None);
        go.aliases.push("CVE-1".to_owned());
        let says = vex.applies(&go, None, &subject()).expect("it is about it");
        assert_eq!(
            says.justification.as_deref(),
            Some("vulnerable_code_not_present")
        );
        assert!(says.status.takes_away());
        assert!(!VexStatus::Affected.takes_away() && !VexStatus::UnderInvestigation.takes_away());
    }
}
