//! Loop devices and mounts that end with their values, where the tests may make them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    rc::Rc,
};

/// A loop device over an image.
#[derive(Debug)]
pub(crate) struct Loop {
    image: PathBuf,
    device: PathBuf,
}

impl Loop {
    /// A loop device over an image, or says why the test that asked for it is skipped.
    pub(crate) fn new(image: &Path) -> Option<Rc<Self>> {
        let output = Command::new("losetup")
            .args(["--find", "--show"])
            .arg(image)
            .output();
        let output = allowed(output, &[])?;
        let device = String::from_utf8(output.stdout).unwrap();
        Some(Rc::new(Self {
            image: image.to_owned(),
            device: device.trim_end().into(),
        }))
    }

    pub(crate) fn device(&self) -> &Path {
        &self.device
    }

    /// Bytes that were written to it so far.
    pub(crate) fn bytes_written(&self) -> u64 {
        let name = self.device.file_name().unwrap().to_str().unwrap();
        let stat = fs::read_to_string(format!("/sys/block/{name}/stat")).unwrap();
        // Documentation/block/stat.rst: the seventh is "write sectors", of 512 bytes.
        let sectors = stat.split_whitespace().nth(6).unwrap();
        sectors.parse::<u64>().unwrap() * 512
    }

    /// Lets it see that its image has another length.
    pub(crate) fn resize(&self) {
        let status = Command::new("losetup")
            .arg("--set-capacity")
            .arg(&self.device)
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let status = Command::new("losetup")
            .arg("--detach")
            .arg(&self.device)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "losetup failed"
        );
    }
}

/// A mount of a loop device.
#[derive(Debug)]
pub(crate) struct Mount {
    point: PathBuf,
    _device: Rc<Loop>,
}

impl Mount {
    /// Mounts an image, or says why the test that asked for it is skipped.
    pub(crate) fn new(image: &Path, options: &str) -> Option<Self> {
        Self::on(&Loop::new(image)?, options)
    }

    /// As [`Mount::new`], of a filesystem that has features which this kernel may not know.
    pub(crate) fn if_known(image: &Path, options: &str) -> Option<Self> {
        Self::unless(&Loop::new(image)?, options, &["wrong fs type"])
    }

    /// Mounts a loop device, or says why the test that asked for it is skipped.
    pub(crate) fn on(device: &Rc<Loop>, options: &str) -> Option<Self> {
        Self::unless(device, options, &[])
    }

    fn unless(device: &Rc<Loop>, options: &str, also: &[&str]) -> Option<Self> {
        let point = device.image.parent().unwrap().join("mount");
        fs::create_dir_all(&point).unwrap();
        let output = Command::new("mount")
            .args(["-t", "ext4", "-o", options])
            .args([&device.device, &point])
            .output();
        allowed(output, also)?;
        Some(Self {
            point,
            _device: Rc::clone(device),
        })
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.point.join(path)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let status = Command::new("umount").arg(&self.point).status();
        assert!(status.is_ok_and(|status| status.success()), "umount failed");
    }
}

/// The output of a command that may be one that this user, or this machine, cannot run, or that fails
/// for one of these reasons. Anything else that makes it fail is a failure of the test.
fn allowed(output: std::io::Result<Output>, also: &[&str]) -> Option<Output> {
    let why = match output {
        Ok(output) if output.status.success() => return Some(output),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let reasons = [
        "permission",
        "Permission",
        "permitted",
        "superuser",
        "loop device",
        "unknown filesystem",
        "No such file",
    ];
    assert!(
        (reasons.iter().chain(also)).any(|reason| why.contains(reason)),
        "the kernel refused the image: {why}"
    );
    println!("skipped, no loop mount here: {why}");
    None
}
