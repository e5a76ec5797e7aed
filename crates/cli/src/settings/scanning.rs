//! The settings of scanning: what each is called, and what its text means.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use longshore_lifecycle::{CageLayer, CageMode, ScannerKind, Scanning, Severity, TrivyNetwork};

use crate::{args::duration, surroundings::Surroundings};

use super::{
    Key, Origin, SettingsError, key::CAGE_WITHOUT_VARIABLE, layer::Layer, value::ValueError,
};

/// A setting of scanning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScanKey {
    /// Who looks.
    Scanner,
    /// How the findings of several become those of one report.
    ScannersAgree,
    /// The program Trivy.
    Trivy,
    /// Where Trivy's databases are.
    TrivyCache,
    /// How long Trivy may take.
    TrivyTimeout,
    /// Where Trivy's database comes from.
    TrivyDbRepository,
    /// Severities that stand against an image.
    Block,
    /// Whether what has no fix does not.
    IgnoreUnfixed,
    /// OpenVEX documents.
    Vex,
    /// Days after which advisories are too old.
    AdvisoriesMaxAge,
    /// How long advisories are used before they are asked for again.
    AdvisoriesRefresh,
    /// The bulk export of OSV.
    OsvUrl,
    /// Alpine's security database.
    AlpineUrl,
    /// Debian's security tracker.
    DebianUrl,
    /// Whether machines are made of images that something was found in.
    AllowVulnerable,
    /// Whether machines are made of images that were not wholly looked into.
    AllowUnproven,
    /// Whether images are unpacked and read in cages.
    Cage,
}

impl ScanKey {
    /// All of them, in the order they are shown in.
    pub const ALL: [Self; 17] = [
        Self::Scanner,
        Self::ScannersAgree,
        Self::Block,
        Self::IgnoreUnfixed,
        Self::Vex,
        Self::AllowVulnerable,
        Self::AllowUnproven,
        Self::AdvisoriesMaxAge,
        Self::AdvisoriesRefresh,
        Self::OsvUrl,
        Self::AlpineUrl,
        Self::DebianUrl,
        Self::Cage,
        Self::Trivy,
        Self::TrivyCache,
        Self::TrivyTimeout,
        Self::TrivyDbRepository,
    ];

    /// Its name in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scanner => "scanner",
            Self::ScannersAgree => "scanners_agree",
            Self::Trivy => "trivy",
            Self::TrivyCache => "trivy_cache",
            Self::TrivyTimeout => "trivy_timeout",
            Self::TrivyDbRepository => "trivy_db_repository",
            Self::Block => "block",
            Self::IgnoreUnfixed => "ignore_unfixed",
            Self::Vex => "vex",
            Self::AdvisoriesMaxAge => "advisories_max_age",
            Self::AdvisoriesRefresh => "advisories_refresh",
            Self::OsvUrl => "osv_url",
            Self::AlpineUrl => "alpine_url",
            Self::DebianUrl => "debian_url",
            Self::AllowVulnerable => "allow_vulnerable",
            Self::AllowUnproven => "allow_unproven",
            Self::Cage => "cage",
        }
    }

    /// Its value, as its text is written.
    #[must_use]
    pub fn shown(self, scanning: &Scanning) -> String {
        match self {
            Self::Scanner => {
                let names = scanning.scanners.iter().map(|one| one.as_str());
                names.collect::<Vec<_>>().join(",")
            }
            Self::ScannersAgree => scanning.scanners_agree.to_string(),
            Self::Trivy => scanning.trivy.program.display().to_string(),
            Self::TrivyCache => {
                let cache = scanning.trivy.cache.as_ref();
                cache.map_or_else(String::new, |cache| cache.display().to_string())
            }
            Self::TrivyTimeout => format!("{}s", scanning.trivy.timeout.as_secs()),
            Self::TrivyDbRepository => scanning.trivy.db_repository.clone().unwrap_or_default(),
            Self::Block if scanning.policy.block.is_empty() => "none".to_owned(),
            Self::Block => {
                let worst_first = Severity::WORST_FIRST.iter();
                let blocked = worst_first.filter(|one| scanning.policy.block.contains(one));
                blocked
                    .map(|one| one.as_str())
                    .collect::<Vec<_>>()
                    .join(",")
            }
            Self::IgnoreUnfixed => scanning.policy.ignore_unfixed.to_string(),
            Self::Vex => {
                let paths = scanning.vex.iter().map(|path| path.display().to_string());
                paths.collect::<Vec<_>>().join(",")
            }
            Self::AdvisoriesMaxAge => format!("{}d", scanning.max_age),
            Self::AdvisoriesRefresh => match scanning.refresh {
                None => "never".to_owned(),
                Some(refresh) => format!("{}m", refresh.as_secs() / 60),
            },
            Self::OsvUrl => scanning.publishers.osv.clone(),
            Self::AlpineUrl => scanning.publishers.alpine.clone(),
            Self::DebianUrl => scanning.publishers.debian.clone(),
            Self::AllowVulnerable => scanning.allow.vulnerable.to_string(),
            Self::AllowUnproven => scanning.allow.unproven.to_string(),
            Self::Cage => scanning.cage.as_str().to_owned(),
        }
    }

    /// Takes in what a text says.
    fn set(self, scanning: &mut Scanning, text: &str) -> Result<(), ValueError> {
        let text = text.trim();
        match self {
            Self::Scanner => scanning.scanners = scanners(text)?,
            Self::ScannersAgree => {
                scanning.scanners_agree = text.parse().map_err(|_| ValueError::Agree)?;
            }
            Self::Trivy => scanning.trivy.program = program(text)?,
            Self::TrivyCache => scanning.trivy.cache = Some(absolute(text)?),
            Self::TrivyTimeout => scanning.trivy.timeout = seconds(text)?,
            Self::TrivyDbRepository => {
                scanning.trivy.db_repository =
                    Some(text.to_owned()).filter(|text| !text.is_empty());
            }
            Self::Block => scanning.policy.block = severities(text)?,
            Self::IgnoreUnfixed => scanning.policy.ignore_unfixed = yes_or_no(text)?,
            Self::Vex => {
                let paths = text
                    .split(',')
                    .map(str::trim)
                    .filter(|path| !path.is_empty());
                scanning.vex = paths.map(absolute).collect::<Result<_, _>>()?;
            }
            Self::AdvisoriesMaxAge => scanning.max_age = days(text)?,
            Self::AdvisoriesRefresh => {
                scanning.refresh = match text {
                    "never" => None,
                    text => Some(duration(text).map_err(ValueError::Duration)?),
                }
            }
            Self::OsvUrl => scanning.publishers.osv = place(text)?,
            Self::AlpineUrl => scanning.publishers.alpine = place(text)?,
            Self::DebianUrl => scanning.publishers.debian = place(text)?,
            Self::AllowVulnerable => scanning.allow.vulnerable = yes_or_no(text)?,
            Self::AllowUnproven => scanning.allow.unproven = yes_or_no(text)?,
            Self::Cage => scanning.cage = cage(text)?,
        }
        Ok(())
    }
}

/// What counts, and where each of it comes from.
pub(super) fn scanning(
    layer: &Layer,
    surroundings: &Surroundings,
    state_dir: &Path,
) -> Result<(Scanning, BTreeMap<ScanKey, Origin>), SettingsError> {
    let mut scanning = Scanning {
        cage: CageMode::OF_THIS_SYSTEM,
        cage_without: cage_without(surroundings),
        ..Scanning::default()
    };
    let mut origins = BTreeMap::new();
    for key in ScanKey::ALL {
        let mut origin = Origin::Default;
        if let Some((text, from)) = layer.get(Key::Scan(key)) {
            origin = from.clone();
            key.set(&mut scanning, text)
                .map_err(|source| SettingsError::Value {
                    key: Key::Scan(key),
                    value: text.to_owned(),
                    origin: from.clone(),
                    source: Box::new(source),
                })?;
        }
        origins.insert(key, origin);
    }
    let trivy = &mut scanning.trivy;
    trivy.program = found(&trivy.program, surroundings);
    trivy.cache.get_or_insert_with(|| state_dir.join("trivy"));
    trivy.network = TrivyNetwork::of(&surroundings.variables);
    Ok((scanning, origins))
}

/// A program that is given by its name, where the environment has one of that name; else as it is given, for
/// whoever needs it to miss it.
fn found(program: &Path, surroundings: &Surroundings) -> PathBuf {
    let path = surroundings.variable("PATH").unwrap_or_default();
    let directories = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    let is_a_program = |path: &PathBuf| {
        let metadata = path.metadata();
        metadata.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    // A program that is given by its path stays that: to join it to a directory leaves nothing of the directory.
    let mut candidates = directories.map(|directory| directory.join(program));
    candidates
        .find(is_a_program)
        .unwrap_or_else(|| program.to_owned())
}

/// `embedded,trivy-sbom`: each once.
fn scanners(text: &str) -> Result<Vec<ScannerKind>, ValueError> {
    let mut scanners = Vec::new();
    for word in text.split(',') {
        let scanner = word.trim().parse().map_err(|_| ValueError::Scanner)?;
        if !scanners.contains(&scanner) {
            scanners.push(scanner);
        }
    }
    Ok(scanners)
}

/// A path from the root, or a name to be looked for.
fn program(text: &str) -> Result<PathBuf, ValueError> {
    let path = PathBuf::from(text);
    let is_a_name = !text.contains('/') && !matches!(text, "" | "." | "..");
    if path.is_absolute() || is_a_name {
        Ok(path)
    } else {
        Err(ValueError::Program)
    }
}

/// A time of at least a second.
fn seconds(text: &str) -> Result<Duration, ValueError> {
    let time = duration(text).map_err(ValueError::Time)?;
    if time < Duration::from_secs(1) {
        return Err(ValueError::TooShort);
    }
    Ok(time)
}

/// `CRITICAL,HIGH`, or `none`.
fn severities(text: &str) -> Result<std::collections::BTreeSet<Severity>, ValueError> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(std::collections::BTreeSet::new());
    }
    let words = text.split(',').map(str::trim);
    words
        .map(|word| word.parse().map_err(|_| ValueError::Severity))
        .collect()
}

fn yes_or_no(text: &str) -> Result<bool, ValueError> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ValueError::YesOrNo),
    }
}

/// `30d`, or a number of days.
fn days(text: &str) -> Result<u64, ValueError> {
    let number = text.strip_suffix('d').unwrap_or(text);
    number.parse().map_err(|_| ValueError::Days)
}

fn absolute(path: &str) -> Result<PathBuf, ValueError> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(ValueError::NotFromTheRoot)
    }
}

fn cage(text: &str) -> Result<CageMode, ValueError> {
    let mut modes = CageMode::ALL.into_iter();
    let mode = modes.find(|mode| mode.as_str() == text);
    mode.ok_or(ValueError::Cage)
}

/// Layers that a test takes away, to see what is done where the kernel lacks them. They are as missing as
/// any: `require` refuses.
fn cage_without(surroundings: &Surroundings) -> Vec<CageLayer> {
    let words = surroundings.variable(CAGE_WITHOUT_VARIABLE);
    let words = words.and_then(|words| words.to_str()).unwrap_or_default();
    let is_named = |layer: &CageLayer| words.split(',').any(|word| word == layer.word());
    CageLayer::ALL.into_iter().filter(is_named).collect()
}

/// Somewhere that documents are fetched from.
fn place(text: &str) -> Result<String, ValueError> {
    let known = ["https://", "http://", "file:///"];
    if known.iter().any(|scheme| text.starts_with(scheme)) {
        Ok(text.to_owned())
    } else {
        Err(ValueError::Place)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        let mut scanning = Scanning::default();
        for (key, text) in [
            (ScanKey::Scanner, "embedded,trivy-sbom"),
            (ScanKey::ScannersAgree, "all"),
            (ScanKey::Trivy, "/opt/trivy"),
            (ScanKey::TrivyCache, "/var/cache/trivy"),
            (ScanKey::TrivyTimeout, "90s"),
            (ScanKey::TrivyDbRepository, "mirror/trivy-db:2"),
            (ScanKey::Block, "CRITICAL,LOW"),
            (ScanKey::IgnoreUnfixed, "true"),
            (ScanKey::Vex, "/a.json,/b.json"),
            (ScanKey::AdvisoriesMaxAge, "7d"),
            (ScanKey::AdvisoriesRefresh, "90m"),
            (ScanKey::OsvUrl, "file:///mirror"),
            (ScanKey::AlpineUrl, "http://mirror/alpine"),
            (ScanKey::DebianUrl, "https://mirror/json"),
            (ScanKey::AllowVulnerable, "true"),
            (ScanKey::AllowUnproven, "true"),
            (ScanKey::Cage, "best"),
        ] {
            assert_ne!(key.shown(&scanning), text, "{key:?} has another default");
            key.set(&mut scanning, text).unwrap();
            assert_eq!(key.shown(&scanning), text);
        }
        assert_eq!(scanning.refresh, Some(Duration::from_secs(90 * 60)));
        ScanKey::Block.set(&mut scanning, "none").unwrap();
        assert_eq!(ScanKey::Block.shown(&scanning), "none");
        ScanKey::AdvisoriesRefresh
            .set(&mut scanning, "never")
            .unwrap();
        assert_eq!(scanning.refresh, None);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let mut scanning = Scanning::default();
        for (key, text) in [
            (ScanKey::Scanner, "embedded,grype"),
            (ScanKey::Scanner, ""),
            (ScanKey::ScannersAgree, "most"),
            (ScanKey::Trivy, "bin/trivy"),
            (ScanKey::Trivy, ".."),
            (ScanKey::TrivyCache, "cache"),
            (ScanKey::TrivyTimeout, "300"),
            (ScanKey::TrivyTimeout, "10ms"),
            (ScanKey::Block, "HIGH,important"),
            (ScanKey::IgnoreUnfixed, "yes"),
            (ScanKey::Vex, "a.json"),
            (ScanKey::AdvisoriesMaxAge, "a month"),
            (ScanKey::AdvisoriesRefresh, "1 day"),
            (ScanKey::OsvUrl, "s3://bucket"),
            (ScanKey::AllowUnproven, ""),
            (ScanKey::Cage, "on"),
        ] {
            assert!(key.set(&mut scanning, text).is_err(), "{key:?} {text}");
        }
    }

    #[test]
    fn a_program_is_looked_for_by_its_name_and_a_file_that_does_not_run_is_none() {
        let [empty, first, second] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
        let path = [&empty, &first, &second].map(|dir| dir.path().to_owned());
        let surroundings = Surroundings {
            variables: [("PATH".into(), std::env::join_paths(&path).unwrap())].into(),
            ..Surroundings::default()
        };
        let looked_for = |program: &str| found(Path::new(program), &surroundings);
        assert_eq!(looked_for("trivy"), Path::new("trivy"));
        for (dir, mode) in [(&first, 0o644), (&second, 0o755)] {
            let file = dir.path().join("trivy");
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        }
        assert_eq!(looked_for("trivy"), second.path().join("trivy"));
        assert_eq!(looked_for("/nowhere/trivy"), Path::new("/nowhere/trivy"));
    }

    #[test]
    fn a_scanner_counts_once() {
        let twice = scanners("trivy-sbom, embedded,trivy-sbom").unwrap();
        assert_eq!(twice, [ScannerKind::TrivySbom, ScannerKind::Embedded]);
    }
}
