//! SPDX 2.3.

use serde::Serialize;

use super::document::{self, Entry, SbomSubject, TOOL, TOOL_VERSION};
use crate::{Inventory, Report};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const SUBJECT: &str = "SPDXRef-Image";
const OS: &str = "SPDXRef-OperatingSystem";

/// What SPDX has where nothing was looked at (section 7.13 and others).
const NOT_SAID: &str = "NOASSERTION";

/// The SPDX document of an inventory. It has no place for what was found; how much was looked into is said
/// in its comment, also when it was matched where that is given. `at_ms` is when it was made, in
/// milliseconds since 1970.
#[must_use]
pub fn spdx(
    subject: &SbomSubject,
    inventory: &Inventory,
    report: Option<&Report>,
    at_ms: i64,
) -> Vec<u8> {
    let entries = document::entries(inventory);
    let ids: Vec<String> = (1..=entries.len())
        .map(|at| format!("SPDXRef-Package-{at}"))
        .collect();
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: &subject.name,
        document_namespace: String::new(),
        creation_info: CreationInfo {
            created: document::time(at_ms),
            creators: [format!("Tool: {TOOL}-{TOOL_VERSION}")],
        },
        comment: comment(inventory, report),
        packages: packages(subject, inventory, &entries, &ids),
        relationships: relationships(inventory, &entries, &ids),
    };
    let content = serde_json::to_vec(&document).expect("text serialises");
    // The place that section 6.5 has for documents whose author has none.
    let identity = document::identity(&content);
    document.document_namespace = format!("https://spdx.org/spdxdocs/{TOOL}-{identity}");
    serde_json::to_vec_pretty(&document).expect("text serialises")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: &'a str,
    document_namespace: String,
    creation_info: CreationInfo,
    comment: String,
    packages: Vec<SpdxPackage<'a>>,
    relationships: Vec<Relationship<'a>>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage<'a> {
    #[serde(rename = "SPDXID")]
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version_info: &'a str,
    primary_package_purpose: &'static str,
    download_location: &'static str,
    files_analyzed: bool,
    license_concluded: &'static str,
    license_declared: &'static str,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_comments: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    algorithm: &'static str,
    checksum_value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship<'a> {
    spdx_element_id: &'a str,
    relationship_type: &'static str,
    related_spdx_element: &'a str,
}

impl<'a> SpdxPackage<'a> {
    fn new(id: &'a str, name: &'a str, version: &'a str, purpose: &'static str) -> Self {
        Self {
            id,
            name,
            version_info: version,
            primary_package_purpose: purpose,
            download_location: NOT_SAID,
            files_analyzed: false,
            license_concluded: NOT_SAID,
            license_declared: NOT_SAID,
            copyright_text: NOT_SAID,
            license_comments: None,
            source_info: None,
            checksums: Vec::new(),
            external_refs: Vec::new(),
        }
    }
}

fn comment(inventory: &Inventory, report: Option<&Report>) -> String {
    let mut lines = vec![match inventory.gaps.is_empty() {
        true => "The inventory is complete.".to_owned(),
        false => "The inventory is incomplete.".to_owned(),
    }];
    lines.extend(inventory.gaps.iter().map(|gap| format!("Missing: {gap}.")));
    if let Some(report) = report {
        lines.push(format!(
            "Coverage of the scan: {}.",
            report.coverage.as_str()
        ));
        let reasons = report.coverage.reasons().iter();
        lines.extend(reasons.map(|reason| format!("For: {reason}.")));
    }
    lines.join("\n")
}

fn packages<'a>(
    subject: &'a SbomSubject,
    inventory: &'a Inventory,
    entries: &'a [Entry<'a>],
    ids: &'a [String],
) -> Vec<SpdxPackage<'a>> {
    let mut image = SpdxPackage::new(SUBJECT, &subject.name, "", "CONTAINER");
    let checksum = subject.sha256().map(|checksum_value| Checksum {
        algorithm: "SHA256",
        checksum_value,
    });
    image.checksums.extend(checksum);
    let mut packages = vec![image];
    packages.extend(
        inventory
            .os
            .iter()
            .map(|os| SpdxPackage::new(OS, &os.id, &os.version, "OPERATING-SYSTEM")),
    );
    packages.extend(entries.iter().zip(ids).map(|(entry, id)| {
        let from = entry.package;
        let mut package = SpdxPackage::new(id, &from.name, &from.version, "LIBRARY");
        // What a package says is often no expression of SPDX, and what is none is not allowed elsewhere.
        package.license_comments = from
            .licence
            .as_ref()
            .map(|licence| format!("The package says: {licence}"));
        package.source_info = from
            .source
            .as_ref()
            .map(|source| format!("built package from: {} {}", source.name, source.version));
        package
            .external_refs
            .extend(entry.purl.as_deref().map(|purl| ExternalRef {
                reference_category: "PACKAGE-MANAGER",
                reference_type: "purl",
                reference_locator: purl,
            }));
        package
    }));
    packages
}

fn relationships<'a>(
    inventory: &Inventory,
    entries: &[Entry<'_>],
    ids: &'a [String],
) -> Vec<Relationship<'a>> {
    let contains = |one: &'a str, other: &'a str| Relationship {
        spdx_element_id: one,
        relationship_type: "CONTAINS",
        related_spdx_element: other,
    };
    let mut relationships = vec![Relationship {
        spdx_element_id: DOCUMENT,
        relationship_type: "DESCRIBES",
        related_spdx_element: SUBJECT,
    }];
    relationships.extend(inventory.os.iter().map(|_| contains(SUBJECT, OS)));
    relationships.extend(entries.iter().zip(ids).map(|(entry, id)| {
        let by = match inventory.os.is_some() && entry.package.kind.language().is_none() {
            true => OS,
            false => SUBJECT,
        };
        contains(by, id)
    }));
    relationships
}
