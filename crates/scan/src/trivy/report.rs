//! Trivy's JSON (its `pkg/types/report.go`), as far as it is read. Every key may be absent or null.

use serde::Deserialize;

use crate::bounded::AtMost;

/// The largest report that is read. One of 5,000 findings has about 25 MB.
pub(super) const REPORT_BYTES: usize = 256 << 20;

/// The results of one report: an operating system and a few thousand lock files.
const RESULTS: usize = 100_000;

/// The findings of one result. The worst public images have 10,000.
const FINDINGS: usize = 500_000;

/// Other names of one finding.
const NAMES: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Report {
    pub(super) schema_version: Option<u64>,
    pub(super) metadata: Option<Metadata>,
    pub(super) results: Option<AtMost<Result, RESULTS>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(rename = "OS")]
    pub(super) os: Option<Os>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Os {
    pub(super) family: Option<String>,
    pub(super) name: Option<String>,
    #[serde(rename = "EOSL")]
    pub(super) end_of_life: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Result {
    pub(super) target: Option<String>,
    pub(super) class: Option<String>,
    pub(super) vulnerabilities: Option<AtMost<Vulnerability, FINDINGS>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    pub(super) id: Option<String>,
    #[serde(rename = "VendorIDs")]
    pub(super) vendor_ids: Option<AtMost<String, NAMES>>,
    pub(super) pkg_name: Option<String>,
    pub(super) pkg_path: Option<String>,
    pub(super) installed_version: Option<String>,
    pub(super) fixed_version: Option<String>,
    pub(super) status: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) severity_source: Option<String>,
    pub(super) title: Option<String>,
}
