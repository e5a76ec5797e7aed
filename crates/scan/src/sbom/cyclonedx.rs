//! CycloneDX 1.6.
//!
//! Beside what the format asks for, a document has what Trivy's matcher needs of it, in the form of Trivy's
//! own documents: an operating-system component under Trivy's name for it, and properties with the source
//! package. Without them it matches Debian by binary names and misses most (trivy#11139). The properties
//! `longshore:*` say how much was looked into.

use super::{
    bom::{
        Bom, Component, Composition, Dependency, Hash, Licence, LicenceChoice, Metadata, Property,
        Tool, Tools, property,
    },
    document::{self, Entry, SbomSubject, TOOL, TOOL_VERSION},
    vulnerabilities::vulnerabilities,
};
use crate::{
    Coverage, Inventory, Os, Package, PackageKind, Reason, Report, purl::split_epoch,
    trivy::os_family,
};

/// What the described image is referred to by.
const SUBJECT: &str = "image";

/// What its operating system is referred to by.
const OS: &str = "operating-system";

/// The CycloneDX document of an inventory, and of what was found in it where that is given. `at_ms` is when
/// it was made, in milliseconds since 1970.
#[must_use]
pub fn cyclonedx(
    subject: &SbomSubject,
    inventory: &Inventory,
    report: Option<&Report>,
    at_ms: i64,
) -> Vec<u8> {
    let entries = document::entries(inventory);
    let mut bom = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: String::new(),
        version: 1,
        metadata: metadata(subject, inventory, report, at_ms),
        components: components(inventory, &entries),
        dependencies: dependencies(inventory, &entries),
        compositions: vec![Composition {
            aggregate: match inventory.gaps.is_empty() {
                true => "complete",
                false => "incomplete",
            },
            assemblies: vec![SUBJECT],
        }],
        vulnerabilities: report
            .map(|report| vulnerabilities(&report.findings, &entries))
            .unwrap_or_default(),
    };
    let content = serde_json::to_vec(&bom).expect("text and numbers serialise");
    bom.serial_number = format!("urn:uuid:{}", document::identity(&content));
    serde_json::to_vec_pretty(&bom).expect("text and numbers serialise")
}

fn metadata<'a>(
    subject: &'a SbomSubject,
    inventory: &Inventory,
    report: Option<&Report>,
    at_ms: i64,
) -> Metadata<'a> {
    let hashes = subject.sha256().map(|content| Hash {
        alg: "SHA-256",
        content,
    });
    Metadata {
        timestamp: document::time(at_ms),
        tools: Tools {
            components: [Tool {
                kind: "application",
                name: TOOL,
                version: TOOL_VERSION,
            }],
        },
        component: Component {
            bom_ref: SUBJECT,
            kind: "container",
            name: &subject.name,
            version: "",
            description: "",
            hashes: hashes.into_iter().collect(),
            licenses: Vec::new(),
            publisher: None,
            purl: None,
            properties: Vec::new(),
        },
        properties: coverage(&inventory.gaps, report.map(|report| &report.coverage)),
    }
}

/// How much was looked into: when the inventory was read, and when it was matched.
fn coverage(gaps: &[Reason], matched: Option<&Coverage>) -> Vec<Property> {
    let mut properties = Vec::new();
    let inventory = match gaps.is_empty() {
        true => "complete",
        false => "incomplete",
    };
    properties.push(property("longshore:inventory", inventory));
    for gap in gaps {
        properties.push(property("longshore:inventory:gap", &gap.to_string()));
    }
    if let Some(matched) = matched {
        properties.push(property("longshore:coverage", matched.as_str()));
        for reason in matched.reasons() {
            properties.push(property("longshore:coverage:reason", &reason.to_string()));
        }
    }
    properties
}

fn components<'a>(inventory: &'a Inventory, entries: &'a [Entry<'a>]) -> Vec<Component<'a>> {
    let os = inventory.os.as_ref();
    let mut components: Vec<Component<'a>> = os.map(operating_system).into_iter().collect();
    components.extend(entries.iter().map(|entry| {
        Component {
            bom_ref: &entry.reference,
            kind: "library",
            name: &entry.package.name,
            version: &entry.package.version,
            description: "",
            hashes: Vec::new(),
            licenses: entry
                .package
                .licence
                .iter()
                .filter(|name| !name.is_empty())
                .map(|name| LicenceChoice {
                    license: Licence { name },
                })
                .collect(),
            publisher: entry.package.vendor.as_deref(),
            purl: entry.purl.as_deref(),
            properties: for_trivy(entry.package, os),
        }
    }));
    components
}

fn operating_system(os: &Os) -> Component<'_> {
    let family = os_family(&os.id);
    Component {
        bom_ref: OS,
        kind: "operating-system",
        name: family,
        version: &os.version,
        description: &os.name,
        hashes: Vec::new(),
        licenses: Vec::new(),
        publisher: None,
        purl: None,
        properties: vec![
            property("aquasecurity:trivy:Class", "os-pkgs"),
            property("aquasecurity:trivy:Type", family),
            property("longshore:os", &os.id),
        ],
    }
}

/// What Trivy reads of a package beside its package URL.
fn for_trivy(package: &Package, os: Option<&Os>) -> Vec<Property> {
    let mut properties = Vec::new();
    let mut trivy = |name: &str, value: &str| {
        if !value.is_empty() {
            properties.push(property(&format!("aquasecurity:trivy:{name}"), value));
        }
    };
    let (_, without_epoch) = split_epoch(&package.version);
    let id = match (package.kind, &package.arch) {
        (PackageKind::Rpm, Some(arch)) => format!("{}@{without_epoch}.{arch}", package.name),
        _ => format!("{}@{}", package.name, package.version),
    };
    trivy("PkgID", &id);
    let kind = match package.kind {
        PackageKind::Go => "gobinary",
        PackageKind::Apk | PackageKind::Deb | PackageKind::Rpm => {
            os.map_or("", |os| os_family(&os.id))
        }
    };
    trivy("PkgType", kind);
    if package.kind == PackageKind::Go {
        trivy("FilePath", package.found_in.trim_start_matches('/'));
        return properties;
    }
    let source = SourceVersion::of(package);
    trivy("SrcName", package.source_name());
    trivy("SrcVersion", source.version);
    trivy("SrcRelease", source.release);
    trivy("SrcEpoch", source.epoch);
    trivy("Modularitylabel", package.module.as_deref().unwrap_or(""));
    properties
}

/// A source package's version in the three parts that Trivy keeps it in. One of apk has no parts.
struct SourceVersion<'a> {
    epoch: &'a str,
    version: &'a str,
    release: &'a str,
}

impl<'a> SourceVersion<'a> {
    fn of(package: &'a Package) -> Self {
        let whole = package.source_version();
        if package.kind == PackageKind::Apk {
            return Self {
                epoch: "",
                version: whole,
                release: "",
            };
        }
        let (epoch, rest) = split_epoch(whole);
        // SOURCERPM leaves the epoch out, and Trivy takes the binary package's for the source's.
        let epoch = epoch.or_else(|| match package.kind {
            PackageKind::Rpm => split_epoch(&package.version).0,
            _ => None,
        });
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self {
            // Trivy refuses the whole document where this is no number.
            epoch: epoch
                .filter(|epoch| *epoch != "0" && epoch.parse::<u32>().is_ok())
                .unwrap_or(""),
            version,
            release,
        }
    }
}

fn dependencies<'a>(inventory: &Inventory, entries: &'a [Entry<'a>]) -> Vec<Dependency<'a>> {
    let of_system =
        |entry: &&Entry<'_>| inventory.os.is_some() && entry.package.kind.language().is_none();
    let reference = |entry: &'a Entry<'a>| entry.reference.as_str();
    let mut subject: Vec<&str> = inventory.os.iter().map(|_| OS).collect();
    subject.extend(
        entries
            .iter()
            .filter(|entry| !of_system(entry))
            .map(reference),
    );
    let mut dependencies = vec![Dependency {
        reference: SUBJECT,
        depends_on: subject,
    }];
    if inventory.os.is_some() {
        dependencies.push(Dependency {
            reference: OS,
            depends_on: entries.iter().filter(of_system).map(reference).collect(),
        });
    }
    dependencies
}
