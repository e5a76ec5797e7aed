//! A document of OpenVEX that Trivy's own tests have, read where it is.

use std::fs;

use longshore_scan::{OpenVex, SbomSubject, Severity, VexStatus};

use crate::sample::finding;

#[test]
fn a_document_of_trivys_tests_is_about_a_part_of_its_product() {
    let Some(fixtures) = crate::data::shared("advisories/trivy-vex-fixtures/file") else {
        return;
    };
    let bytes = fs::read(fixtures.join("openvex.json")).expect("it is there");
    let vex = OpenVex::read(&bytes).expect("it is whole");
    assert_eq!(vex.len(), 1);
    let found = finding(
        "CVE-2022-23628",
        "github.com/open-policy-agent/opa",
        "v0.35.0",
        Severity::High,
    );
    let part = Some("pkg:golang/github.com/open-policy-agent/opa@v0.35.0");
    let status = |name: &str, purl| {
        let subject = SbomSubject {
            name: name.to_owned(),
            digest: None,
        };
        vex.applies(&found, purl, &subject).map(|says| says.status)
    };
    let product = "pkg:golang/github.com/testdata/testdata";
    assert_eq!(status(product, part), Some(VexStatus::NotAffected));
    assert_eq!(
        status(
            product,
            Some("pkg:golang/github.com/open-policy-agent/opa@v0.36.0")
        ),
        None
    );
    assert_eq!(status("images/another", part), None);
    for cut in 0..bytes.trim_ascii_end().len() {
        assert!(OpenVex::read(&bytes[..cut]).is_err(), "{cut}");
    }
}
