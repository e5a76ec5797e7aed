//! What fails with a pool, as a person reads it.

use longshore_volume::{
    dm::{DmError, Errno, LoopError},
    thin::PoolError,
};

use crate::{
    Class, Failure,
    trouble::{Trouble, is_full, storage},
};

impl Trouble for PoolError {
    fn failure(self) -> Failure {
        let text = self.to_string();
        let failure = |class, code: &str| Failure::new(class, code, text.clone());
        match &self {
            Self::Dm(error) => return of_dm(error),
            Self::Loop(LoopError::Absent(_)) => failure(Class::Failed, "no-loop")
                .hint("load the kernel's module `loop`, or use block devices with --data and --meta"),
            Self::NotEmpty { path, .. } => failure(Class::Refused, "not-empty").hint(format!(
                "if nothing there is needed, make it blank yourself: `blkdiscard -z {0}` or `wipefs -a {0}`",
                path.display()
            )),
            Self::OtherPart { .. } => failure(Class::Refused, "other-device")
                .hint("see what it should be with `longshore pool status`, and attach that"),
            Self::NoPool { .. } => failure(Class::Refused, "other-device").hint(
                "see what it should be with `longshore pool status`, and attach that; if that is it, its first block is \
                 gone: `longshore pool repair`",
            ),
            Self::Metadata(_) => failure(Class::Failed, "pool-damaged")
                .hint("see `longshore pool check`; stop the machines, then `longshore pool repair`"),
            Self::Removed { path, number } => failure(Class::Refused, "part-removed").hint(format!(
                "copy it off its device before it is taken down: `dd if=/dev/loop{number} of={} iflag=direct bs=1M \
                 conv=sparse`",
                path.display()
            )),
            Self::Another { .. } => failure(Class::Refused, "other-pool")
                .hint("choose another name with --name, or remove that device"),
            Self::LongName { .. } => failure(Class::Usage, "pool"),
            Self::NotUp { .. } => failure(Class::NotFound, "pool-not-up")
                .hint("bring it up with `longshore pool up`"),
            Self::Broken { .. } => failure(Class::Failed, "pool-broken").hint(
                "nothing is begun in it; what is there can be read. See `longshore pool status`, then stop the machines \
                 and `longshore pool repair`",
            ),
            Self::Full { .. } => failure(Class::Full, "pool-full")
                .hint("remove what is not needed with `longshore remove`, or give it room with `longshore pool extend`"),
            Self::Size { .. } => failure(Class::Usage, "pool-size"),
            Self::Tool { .. } => failure(Class::Failed, "pool-tool").hint(
                "it is a program of thin-provisioning-tools; nothing was changed",
            ),
            Self::Lvm { .. } => failure(Class::Failed, "pool-lvm").hint(
                "see what `lvs` and `vgs` of lvm2 say; what was asked for can be asked for again",
            ),
            Self::GroupFull { group, .. } => failure(Class::Full, "group-full").hint(format!(
                "add a device to the group with `vgextend {group} DEVICE`, or ask for less; no volume was changed"
            )),
            Self::IsUp { .. } => failure(Class::Busy, "pool-up").hint("take it down with `longshore pool down`"),
            Self::Copy { .. } => failure(Class::Failed, "pool-copy")
                .hint("the pool is where it was; the disk that it was to be moved to is not to be trusted"),
            Self::Differs { .. } | Self::Contended { .. } => failure(Class::Refused, "pool-differs").hint(
                "nothing is written until they agree: `list`, `show` and `export` still work. If the state directory \
                 or the pool was restored, restore the other of the same day; see `longshore doctor`",
            ),
            Self::Devices { .. } => failure(Class::Busy, "pool-busy")
                .hint("stop what uses them, or deactivate the machines with `longshore deactivate`"),
            Self::Managed { .. } => failure(Class::Refused, "pool-managed")
                .hint("only a pool that nobody manages can be adopted"),
            Self::Part { source, .. } if source.kind() == std::io::ErrorKind::ResourceBusy => {
                failure(Class::Busy, "device-busy")
                    .hint("it is mounted, or part of a RAID, a volume group or a pool")
            }
            Self::Part { source, .. } if is_full(source) => failure(Class::Full, "disk-full"),
            Self::Unwritten { source, .. } if is_full(source) => Failure::full(),
            _ => failure(Class::Failed, "pool"),
        }
        .causes_of(&self)
    }
}

impl Trouble for DmError {
    fn failure(self) -> Failure {
        of_dm(&self)
    }
}

fn of_dm(error: &DmError) -> Failure {
    let failure = |class, code: &str| Failure::new(class, code, error.to_string());
    let failure = match error {
        DmError::Absent(_) | DmError::NoTarget(_) => failure(Class::Failed, "no-device-mapper").hint(
            "thin pools take root and the kernel's modules dm-mod and dm-thin-pool; `--backend file` takes neither",
        ),
        DmError::Kernel { errno: Errno::NotPermitted, .. } => {
            failure(Class::NotAuthorised, "not-root").hint("thin pools take root")
        }
        DmError::Kernel { errno: Errno::NoSpace, .. } => failure(Class::Full, "pool-full"),
        DmError::Kernel { errno: Errno::Busy, .. } => failure(Class::Busy, "device-busy"),
        _ => return storage("device-mapper", "device-mapper failed", error),
    };
    failure.causes_of(error)
}
