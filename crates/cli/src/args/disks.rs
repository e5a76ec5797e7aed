//! The verbs that look into a disk, each with what it takes.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgGroup, Args, ValueEnum};

/// Which disk is looked into.
#[derive(Debug, Clone, Args)]
pub struct Disk {
    /// A machine, an image that is here, or a disk image file
    ///
    /// What begins with `/`, `./` or `../` is a file or a block device on this host with an ext2, ext3 or
    /// ext4 filesystem in it; anything else is the name of a machine, or else of an image.
    #[arg(value_name = "TARGET")]
    pub target: String,

    /// Read a filesystem that was not left clean as it is, without what stands in its journal only
    #[arg(long)]
    pub as_is: bool,
}

/// List what is on a disk, like `ls -l`
///
/// Nothing is mounted and nothing on the disk is trusted: names are shown with everything but plain
/// printable text as \xNN, and symbolic links lead nowhere outside of the disk.
#[derive(Debug, Clone, Args)]
pub struct Ls {
    /// The disk.
    #[command(flatten)]
    pub disk: Disk,

    /// A directory or a file on the disk
    #[arg(value_name = "PATH", default_value = "/")]
    pub path: OsString,

    /// List everything below, too
    #[arg(short = 'R', long)]
    pub recursive: bool,
}

/// Write the content of a file on a disk to standard output
#[derive(Debug, Clone, Args)]
pub struct Cat {
    /// The disk.
    #[command(flatten)]
    pub disk: Disk,

    /// The file; symbolic links are followed within the disk
    #[arg(value_name = "PATH")]
    pub path: OsString,
}

/// Write everything on a disk to an archive, or tell a monitor how to open it
///
/// The archive (--tar) has owners, modes, times to the nanosecond, hard links, devices, extended attributes, ACLs
/// and holes, and the same disk always gives the same bytes. Unpack it with `tar -xp --xattrs
/// --xattrs-include='*'`. Sockets and lost+found are left out.
///
/// With --for, what a virtual machine monitor is told of the disk of a machine that is active: the format always
/// said, and flushes kept. QEMU's has been booted with; those of Firecracker and Cloud Hypervisor were held against
/// their documented schemas, and not run.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("form").required(true).args(["tar", "monitor"])))]
pub struct Export {
    /// The disk.
    #[command(flatten)]
    pub disk: Disk,

    /// Write a tar archive to this file, or to standard output where there is no name or `-`
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub tar: Option<PathBuf>,

    /// Tell how this monitor opens the machine's disk
    #[arg(long = "for", value_name = "MONITOR", value_enum)]
    pub monitor: Option<MonitorName>,
}

/// A virtual machine monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MonitorName {
    /// The body of PUT /drives/rootfs, or an element of `drives`
    Firecracker,
    /// The option --disk, or an element of `disks`
    CloudHypervisor,
    /// The options -blockdev and -device
    Qemu,
}
