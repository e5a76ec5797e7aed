//! How a virtual machine monitor is told of a machine's disk.
//!
//! The format is said, always: a monitor that guesses reads whatever its guest has written at the beginning of the
//! disk. What the guest has flushed must be durable, so that no cache that ignores flushes is used.
//!
//! | monitor | source of the form |
//! |---|---|
//! | Firecracker | `Drive` in `src/firecracker/swagger/firecracker.yaml`: raw is all it has |
//! | Cloud Hypervisor | `DiskConfig` in `vmm/src/api/openapi/cloud-hypervisor.yaml`, `--disk` of its command line |
//! | QEMU | `-blockdev` and `-device virtio-blk-pci` (qemu.1, `BlockdevOptions` of its QAPI) |

use std::path::{Path, PathBuf};

use longshore_catalog::StoredBackend;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Class, Failure, MachineName, View, pools::must_show};

/// A virtual machine monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monitor {
    /// Firecracker.
    Firecracker,
    /// Cloud Hypervisor.
    CloudHypervisor,
    /// QEMU.
    Qemu,
}

/// What a monitor is told of a machine's disk.
#[derive(Debug, Clone, Serialize)]
pub struct Drive {
    /// The machine.
    pub machine: String,
    /// The monitor: `firecracker`, `cloud-hypervisor` or `qemu`.
    pub monitor: &'static str,
    /// Where the disk is: as long as the machine is active, and after a reboot again.
    pub path: PathBuf,
    /// What goes onto the monitor's command line; nothing for one that is configured by documents alone.
    pub arguments: Vec<String>,
    /// What goes into its configuration, or to its API.
    pub document: Option<Value>,
    /// What to know of the way its writes are cached.
    pub cache: &'static str,
}

impl Drive {
    /// What `monitor` is told of a machine that is active.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such machine, or it is not active; [`Class::Refused`] if another device has
    /// its path.
    pub fn of(state_dir: &Path, machine: &MachineName, monitor: Monitor) -> Result<Self, Failure> {
        let view = View::open(state_dir)?;
        let row = match &view {
            Some(view) => view.read(|read| read.machine(machine.as_str()))?,
            None => None,
        };
        let row = row.ok_or_else(|| crate::machines::no_such_machine(machine))?;
        let path = row.path.ok_or_else(|| {
            let text = format!("machine {machine} is not active, and has no disk to open");
            Failure::new(Class::NotFound, "not-active", text)
                .hint(format!("activate it with `longshore activate {machine}`"))
        })?;
        let path = PathBuf::from(path);
        if let Some(view) = &view
            && view.read(|read| read.backend())? == Some(StoredBackend::Thin)
        {
            must_show(view, &path, row.disk)?;
        }
        Ok(Self::at(machine.as_str(), path, monitor))
    }

    fn at(machine: &str, path: PathBuf, monitor: Monitor) -> Self {
        let text = path.to_string_lossy().into_owned();
        let is_device = path.starts_with("/dev");
        let (name, arguments, document, cache) = match monitor {
            Monitor::Firecracker => (
                "firecracker",
                Vec::new(),
                Some(json!({
                    "drive_id": "rootfs",
                    "path_on_host": text,
                    "is_root_device": true,
                    "is_read_only": false,
                    "cache_type": "Writeback",
                    "io_engine": "Sync",
                })),
                "Writeback: the guest's flushes reach the host's disk. Firecracker's own default, Unsafe, ignores \
                 them: after a power cut the disk may be damaged.",
            ),
            Monitor::CloudHypervisor => (
                "cloud-hypervisor",
                vec![
                    "--disk".to_owned(),
                    format!(
                        "path={},image_type=raw,readonly=off,direct=on",
                        escaped(&text)
                    ),
                ],
                Some(json!({
                    "path": text,
                    "image_type": "Raw",
                    "readonly": false,
                    "direct": true,
                })),
                "direct: writes go past the host's page cache, and the guest's flushes reach the disk. The type of \
                 the image is said: a version that does not know image_type guesses it, and a guest that wrote a \
                 qcow2 header could then name any file of the host.",
            ),
            Monitor::Qemu => {
                let driver = if is_device { "host_device" } else { "file" };
                (
                    "qemu",
                    vec![
                        "-blockdev".to_owned(),
                        json!({
                            "node-name": "rootfs",
                            "driver": "raw",
                            "file": {
                                "driver": driver,
                                "filename": text,
                                "aio": "threads",
                                "discard": "unmap",
                                "cache": { "direct": true, "no-flush": false },
                            },
                            "discard": "unmap",
                        })
                        .to_string(),
                        "-device".to_owned(),
                        "virtio-blk-pci,drive=rootfs,bootindex=1".to_owned(),
                    ],
                    None,
                    "direct, and no-flush off: writes go past the host's page cache, and the guest's flushes reach \
                     the disk. cache=unsafe would ignore them. The driver is raw: one that is guessed reads what the \
                     guest has written.",
                )
            }
        };
        Self {
            machine: machine.to_owned(),
            monitor: name,
            path,
            arguments,
            document,
            cache,
        }
    }
}

/// A value of Cloud Hypervisor's option lists: one with a comma stands in quotation marks.
fn escaped(text: &str) -> String {
    match text.contains([',', '=', '"', '[', ']']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_said_and_flushes_are_kept() {
        let at = |monitor| Drive::at("web", PathBuf::from("/dev/mapper/longshore-web"), monitor);
        let firecracker = at(Monitor::Firecracker).document.unwrap();
        assert_eq!(firecracker["cache_type"], "Writeback");
        assert_eq!(firecracker["path_on_host"], "/dev/mapper/longshore-web");
        let cloud = at(Monitor::CloudHypervisor);
        assert_eq!(
            cloud.arguments[1],
            "path=/dev/mapper/longshore-web,image_type=raw,readonly=off,direct=on"
        );
        let qemu = at(Monitor::Qemu);
        let node: Value = serde_json::from_str(&qemu.arguments[1]).unwrap();
        assert_eq!(node["driver"], "raw");
        assert_eq!(node["file"]["driver"], "host_device");
        assert_eq!(node["file"]["cache"]["no-flush"], false);
        let file = Drive::at(
            "web",
            PathBuf::from("/a,b/web.img"),
            Monitor::CloudHypervisor,
        );
        assert!(file.arguments[1].starts_with("path=\"/a,b/web.img\","));
    }
}
