//! The operator's OpenVEX documents: what in them is said not to matter does not stand against an image.

use std::{fs::File, io::Read as _, path::PathBuf};

use longshore_scan::{Excuse, Finding, OpenVex, SbomSubject};

use crate::{Class, Failure};

/// The most that is read of one document; the parser has the same bound, and says so.
const MAX_DOCUMENT: u64 = 64 << 20;

/// What the operator's documents say together.
pub(crate) fn read(paths: &[PathBuf]) -> Result<OpenVex, Failure> {
    let mut all = OpenVex::default();
    for path in paths {
        let trouble = |cause: &(dyn std::error::Error + 'static)| {
            Failure::new(
                Class::Usage,
                "vex",
                format!("the VEX document {} cannot be used", path.display()),
            )
            .caused_by(cause)
            .hint("name another with the setting `vex`, or take it out")
        };
        let file = File::open(path).map_err(|error| trouble(&error))?;
        let mut bytes = Vec::new();
        file.take(MAX_DOCUMENT)
            .read_to_end(&mut bytes)
            .map_err(|error| trouble(&error))?;
        all = all.and(OpenVex::read(&bytes).map_err(|error| trouble(&error))?);
    }
    Ok(all)
}

/// Why a finding does not matter in an image.
pub(crate) fn excuse(vex: &OpenVex, finding: &Finding, subject: &SbomSubject) -> Option<Excuse> {
    let said = vex.applies(finding, finding.purl.as_deref(), subject)?;
    said.status.takes_away().then(|| Excuse::Vex {
        status: said.status.as_str().to_owned(),
        reason: (said.justification.clone())
            .or_else(|| said.statement.clone())
            .unwrap_or_default(),
    })
}
