//! A small family of real Debian packages, built once and kept.
//!
//! `make-bucket --small`, a script beside the workspace (`../shared/bucket`), makes `images/tiny`
//! with debootstrap: a base of about 120 MB and a layer with whiteouts. It needs root, the network
//! and some minutes the first time. Where it cannot be had, [`small`] says why, for tests to say
//! so and go on with a made family.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Names a folder that holds `images/tiny` already.
pub const READY: &str = "LONGSHORE_TEST_BUCKET";

/// For how long a failure is remembered, so that not every test of a run tries again.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// A bucket of real layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealBucket {
    /// The bucket's folder: `DIR/images/tiny/1.tar`.
    pub dir: PathBuf,
    /// The family's prefix.
    pub prefix: &'static str,
    /// The layers in order.
    pub layers: Vec<PathBuf>,
}

/// Why there are no real layers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no real layers: {0}")]
pub struct Unavailable(String);

impl RealBucket {
    /// The family in this folder, if it is whole.
    fn in_dir(dir: &Path) -> Option<Self> {
        let layers: Vec<_> = [1, 2]
            .map(|n| dir.join(format!("images/tiny/{n}.tar")))
            .into();
        let whole = layers.iter().all(|layer| layer.is_file());
        whole.then(|| Self {
            dir: dir.to_owned(),
            prefix: "images/tiny",
            layers,
        })
    }
}

/// The small bucket: the folder that `LONGSHORE_TEST_BUCKET` names, or the one under the target
/// directory, which is built if it is not there. Test processes that ask side by side wait for the
/// one that builds.
pub fn small() -> Result<RealBucket, Unavailable> {
    if let Some(dir) = std::env::var_os(READY) {
        let dir = PathBuf::from(dir);
        return RealBucket::in_dir(&dir).ok_or_else(|| {
            Unavailable(format!(
                "{READY}={} holds no images/tiny/1.tar and 2.tar",
                dir.display()
            ))
        });
    }
    let script = workspace().join("../shared/bucket/make-bucket");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| workspace().join("target"));
    let root = rustix::process::geteuid().is_root();
    kept(&target.join("bucket-small"), |dir| {
        build(&script, root, dir)
    })
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The bucket in `dir`; made by `build` under a lock if it is not there and no build failed lately.
fn kept(
    dir: &Path,
    build: impl FnOnce(&Path) -> Result<(), Unavailable>,
) -> Result<RealBucket, Unavailable> {
    let at = |error: io::Error| Unavailable(format!("{}: {error}", dir.display()));
    fs::create_dir_all(dir).map_err(at)?;
    let lock = File::create(dir.join(".lock")).map_err(at)?;
    // Released when the file is closed, also by a crash.
    lock.lock().map_err(at)?;
    let built = dir.join(".built");
    if built.exists()
        && let Some(bucket) = RealBucket::in_dir(dir)
    {
        return Ok(bucket);
    }
    let failed = dir.join(".failed");
    if let Some(reason) = remembered(&failed) {
        return Err(Unavailable(reason));
    }
    if let Err(Unavailable(reason)) = build(dir) {
        fs::write(&failed, &reason).map_err(at)?;
        return Err(Unavailable(reason));
    }
    let bucket = RealBucket::in_dir(dir)
        .ok_or_else(|| Unavailable(format!("{}: the build left no layers", dir.display())))?;
    File::create(built).map_err(at)?;
    Ok(bucket)
}

fn remembered(failed: &Path) -> Option<String> {
    let age = SystemTime::now().duration_since(fs::metadata(failed).ok()?.modified().ok()?);
    let reason = fs::read_to_string(failed).ok()?;
    age.is_ok_and(|age| age < REMEMBERED).then_some(reason)
}

fn build(script: &Path, root: bool, dir: &Path) -> Result<(), Unavailable> {
    if !script.is_file() {
        return Err(Unavailable(format!("{} is not there", script.display())));
    }
    if !root {
        return Err(Unavailable("building them needs root".to_owned()));
    }
    if run(Command::new("debootstrap").arg("--version")).is_err() {
        // Not every image of a machine has lists of packages that are still served.
        let mut install = Command::new("apt-get");
        let install = install.args(["install", "-y", "--no-install-recommends", "debootstrap"]);
        if run(install).is_err() {
            run(Command::new("apt-get").arg("update"))?;
            run(install)?;
        }
    }
    run(Command::new(script).arg("--small").arg(dir))
}

/// Runs a command to its end; an error carries the end of what it printed.
fn run(command: &mut Command) -> Result<(), Unavailable> {
    let output = command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Unavailable(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let last: Vec<_> = printed.lines().rev().take(5).collect();
    let last: Vec<_> = last.into_iter().rev().collect();
    Err(Unavailable(format!(
        "{command:?}: {}: {}",
        output.status,
        last.join(" | ")
    )))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn layers(dir: &Path) {
        fs::create_dir_all(dir.join("images/tiny")).unwrap();
        for n in [1, 2] {
            fs::write(dir.join(format!("images/tiny/{n}.tar")), "x").unwrap();
        }
    }

    #[test]
    fn a_bucket_is_built_once() {
        let dir = tempfile::tempdir().unwrap();
        let built = Cell::new(0);
        for _ in 0..2 {
            let bucket = kept(dir.path(), |dir| {
                built.set(built.get() + 1);
                layers(dir);
                Ok(())
            });
            assert_eq!(
                bucket.unwrap().layers[1],
                dir.path().join("images/tiny/2.tar")
            );
        }
        assert_eq!(built.get(), 1);
    }

    #[test]
    fn layers_of_a_build_that_was_cut_short_are_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        layers(dir.path());
        let asked = Cell::new(false);
        let bucket = kept(dir.path(), |_| {
            asked.set(true);
            Ok(())
        });
        assert!(bucket.is_ok() && asked.get());
    }

    #[test]
    fn a_failure_is_told_and_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let fail = |_: &Path| Err(Unavailable("no network".to_owned()));
        assert_eq!(
            kept(dir.path(), fail).unwrap_err().to_string(),
            "no real layers: no network"
        );
        let again = kept(dir.path(), |_| panic!("not so soon"));
        assert_eq!(again, Err(Unavailable("no network".to_owned())));
    }

    #[test]
    fn without_the_script_or_root_it_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let missing = build(&dir.path().join("absent"), true, dir.path()).unwrap_err();
        assert!(
            missing.to_string().ends_with("absent is not there"),
            "{missing}"
        );
        let script = dir.path().join("script");
        fs::write(&script, "").unwrap();
        let unprivileged = build(&script, false, dir.path()).unwrap_err();
        assert_eq!(
            unprivileged.to_string(),
            "no real layers: building them needs root"
        );
    }
}
