//! Makes the advisories that the binary comes with: `cargo run --release --example make_baseline -- FROM TO`.
//!
//! FROM has a folder for each publisher with an archive of its OSV records (`almalinux`, `golang`); TO is
//! crates/scan/baseline. What is published under which licence, and that of whom only facts are taken (ids,
//! packages, versions, severities, one line of what it is), is said in NOTICE, which is to be changed with it.
#![allow(clippy::print_stdout, reason = "it says what it has made")]

use std::error::Error;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use longshore_scan::{AdvisorySource, Imported, import_osv};
use ring::digest::{SHA256, digest};

/// The folder, the archive, its day, and what is said of it.
const PUBLISHERS: [(&str, &str, &str, &str, &str); 2] = [
    (
        "almalinux",
        "almalinux-osv-2026-08-21.tar.xz",
        "2026-08-21",
        "https://github.com/AlmaLinux/osv-database at 948f47a",
        "MIT, AlmaLinux OS",
    ),
    (
        "golang",
        "govulndb-osv-2026-08-21.tar.xz",
        "2026-08-21",
        "https://github.com/golang/vulndb at a752ea5",
        "CC-BY-4.0, the Go authors",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("make_baseline FROM TO".into());
    };
    for (folder, archive, dated, location, licence) in PUBLISHERS {
        let archive = from.join(folder).join(archive);
        let source = AdvisorySource {
            location: location.to_owned(),
            dated: dated.to_owned(),
            sha256: hex(digest(&SHA256, &fs::read(&archive)?).as_ref()),
            licence: licence.to_owned(),
        };
        let Imported { shards, report } = {
            let records = unpacked(&archive)?;
            let records = records
                .iter()
                .map(|(name, json)| (name.as_str(), json.as_slice()));
            import_osv(records, &source)?
        };
        println!("{location}: {report:?}");
        for shard in shards {
            let name = shard
                .stream()
                .to_string()
                .to_lowercase()
                .replace([':', ' '], "-");
            let file = shard.encode();
            println!("{name}.adv: {} entries, {} bytes", shard.len(), file.len());
            fs::write(to.join(format!("{name}.adv")), file)?;
        }
    }
    Ok(())
}

/// The JSON files of a compressed archive.
fn unpacked(archive: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let xz = Command::new("xz")
        .args(["--decompress", "--stdout"])
        .arg(archive)
        .stdout(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    if !xz.status.success() {
        return Err(io::Error::other("xz has failed"));
    }
    let mut files = Vec::new();
    for entry in tar::Archive::new(xz.stdout.as_slice()).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.display().to_string();
        if name.ends_with(".json") {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.push((name, content));
        }
    }
    Ok(files)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
