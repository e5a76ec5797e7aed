//! The verbs of scanning, each with what it takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use longshore_lifecycle::{Allow, ImageName, ScannerKind, Severity};

use super::Day;

/// Look into an image again, and hold it against the advisories that are here
///
/// What is in a volume is read once; after that a scan only matches. The decision about the image is made
/// anew. Exits with 0 whatever was found, unless --fail-on says otherwise.
#[derive(Debug, Clone, Args)]
pub struct Scan {
    /// An image that is here: a family of layers (images/golang) or a single one (images/golang/1.tar)
    #[arg(
        value_name = "IMAGE",
        required_unless_present_any = ["all", "path"],
        conflicts_with_all = ["all", "path"]
    )]
    pub image: Option<ImageName>,

    /// Every image that is here
    #[arg(long, conflicts_with = "path")]
    pub all: bool,

    /// A directory, an archive of `docker save`, an OCI layout or a layer on this host; nothing is recorded
    #[arg(long, value_name = "DIR|ARCHIVE")]
    pub path: Option<PathBuf>,

    /// Who looks, in place of the setting `scanner`: embedded, trivy-sbom, trivy-rootfs (of a DIR only),
    /// trivy-image, with commas. What was looked at last decides about an image
    #[arg(long, value_name = "SCANNER", value_delimiter = ',')]
    pub scanner: Vec<ScannerKind>,

    /// Show only findings of these severities
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    pub severity: Vec<Severity>,

    /// Leave out findings that have no fix
    #[arg(long)]
    pub ignore_unfixed: bool,

    /// Exit with 6 where something this bad or worse was found, or not all of it could be judged
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
}

/// Print what an image is made of, as a software bill of materials
///
/// As CycloneDX 1.6, or with `-o spdx` as SPDX 2.3.
#[derive(Debug, Clone, Args)]
pub struct Sbom {
    /// An image that is here
    #[arg(value_name = "IMAGE")]
    pub image: ImageName,
}

/// Look after the advisories that images are held against
#[derive(Debug, Clone, Args)]
pub struct Advisories {
    /// What to do.
    #[command(subcommand)]
    pub verb: AdvisoriesVerb,
}

/// What to do with advisories.
#[derive(Debug, Clone, Subcommand)]
pub enum AdvisoriesVerb {
    /// Ask the publishers for what is new
    ///
    /// Without a name: those of what the images here are made of, and the databases of Trivy that the setting
    /// `scanner` needs.
    Update {
        /// An ecosystem, or one release of it: Debian, Alpine:v3.19, AlmaLinux, Ubuntu, Go; or trivy-db,
        /// trivy-java-db
        #[arg(value_name = "ECOSYSTEM")]
        ecosystems: Vec<String>,

        /// Ask as if nothing were here
        #[arg(long)]
        whole: bool,
    },
    /// Take in advisories from files on this host
    ///
    /// A bulk export of OSV (all.zip), a directory of OSV records, a document of Alpine's security
    /// database or of Debian's security tracker: which it is, is found out.
    Import {
        /// The files
        #[arg(required = true, value_name = "FILE|DIR")]
        files: Vec<PathBuf>,
    },
    /// List what is here, and how old it is
    Status,
    /// Read all of it, and say what cannot be used
    Verify,
}

/// Live with a vulnerability in an image until a day
///
/// It does not stand against the image up to that day (UTC), in all of its generations. Who said so, when
/// and why is kept.
#[derive(Debug, Clone, Args)]
pub struct Waive {
    /// An image that is here
    #[arg(value_name = "IMAGE")]
    pub image: ImageName,

    /// What the vulnerability is called: CVE-2024-1234, or what its publisher calls it
    #[arg(value_name = "ID")]
    pub id: String,

    /// The day on which it ends (2027-01-31)
    #[arg(long, value_name = "DATE", required_unless_present = "undo")]
    pub until: Option<Day>,

    /// Why
    #[arg(long, value_name = "TEXT", required_unless_present = "undo")]
    pub reason: Option<String>,

    /// Take an earlier one back
    #[arg(long, conflicts_with_all = ["until", "reason"])]
    pub undo: bool,
}

/// What is let through although something stands against it.
#[derive(Debug, Clone, Copy, Args)]
pub struct AllowFlags {
    /// Make a machine of an image in which something was found that the policy blocks; it is recorded
    #[arg(long)]
    pub allow_vulnerable: bool,

    /// Make a machine of an image of which not all could be judged; it is recorded
    #[arg(long)]
    pub allow_unproven: bool,
}

impl From<AllowFlags> for Allow {
    fn from(flags: AllowFlags) -> Self {
        Self {
            vulnerable: flags.allow_vulnerable,
            unproven: flags.allow_unproven,
        }
    }
}
