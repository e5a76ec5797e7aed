//! The initramfs of a machine: what starts first, the modules, the programs with their libraries, udev.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    cpio::Cpio,
    files::{Kernel, libraries, program, stripped},
    group::Machine,
};

/// Modules by which a machine has disks.
const OWN_MODULES: [&str; 2] = ["virtio_mmio", "virtio_blk"];

/// What the kernel starts first. The console is the test's output; what fails here is said there.
const INIT: &str = "#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /tmp
/bin/busybox mount -t tmpfs tmpfs /run
while read -r module; do /bin/busybox insmod \"$module\" || echo \"vmtest: no module $module\"; done </modules
export PATH=/bin:/sbin RUST_BACKTRACE=0
if [ -e /lib/systemd/systemd-udevd ]; then
  SYSTEMD_LOG_TARGET=console /lib/systemd/systemd-udevd --resolve-names=never 2>>/run/udevd.log &
  udevd=$!
  # It hears nothing of what happened before it listens.
  until udevadm control --ping 2>/dev/null; do
    kill -0 $udevd || { /bin/busybox cat /run/udevd.log; break; }
    /bin/busybox usleep 10000
  done
  udevadm trigger --action=add --subsystem-match=block --subsystem-match=misc
  udevadm settle
  # What it has to say of rules for hardware that is not here.
  : >/run/udevd.log
else
  export DM_DISABLE_UDEV=1
fi
/bin/test vmtest-guest
# A scenario may have another root take over: see Guest::switch_root.
if [ -e /run/switch ]; then
  script=$(/bin/busybox cat /run/switch)
  /bin/busybox mount -t ext4 \"$(/bin/busybox readlink /run/root)\" /root &&
    exec /bin/busybox switch_root -c /dev/console /root /bin/sh -c \"$script\"
fi
/bin/busybox poweroff -f
/bin/busybox reboot -f
";

/// What udev is made of beside its rules.
const UDEVADM: &str = "bin/udevadm";
const RULES: &str = "lib/udev/rules.d";

/// The rules of device-mapper, from the host: they come with its package `dmsetup`, which they call.
const DM_RULES: [&str; 3] = [
    "55-dm.rules",
    "60-persistent-storage-dm.rules",
    "95-dm-notify.rules",
];

/// Whether what a machine with udev needs is here.
pub(crate) fn has_udev(kernel: &Kernel) -> bool {
    kernel.file(UDEVADM).exists() && program("dmsetup").is_some() && dm_rules().is_some()
}

fn dm_rules() -> Option<PathBuf> {
    let places = ["/usr/lib/udev/rules.d", "/lib/udev/rules.d"].map(PathBuf::from);
    let mut places = places.into_iter();
    places.find(|dir| DM_RULES.iter().all(|name| dir.join(name).exists()))
}

/// Writes `place/initramfs`, with these programs, each with its path in the machine.
pub(crate) fn make(
    kernel: &Kernel,
    machine: &Machine,
    programs: &[(String, PathBuf)],
    place: &Path,
) -> io::Result<()> {
    let file = io::BufWriter::new(File::create(place.join("initramfs"))?);
    let mut cpio = Cpio::new(file);
    for dir in ["dev", "proc", "sys", "tmp", "run", "root"] {
        cpio.dir(dir)?;
    }
    // Before devtmpfs is mounted there is nowhere to print to.
    cpio.characters("dev/console", (5, 1))?;
    cpio.file("init", INIT.as_bytes())?;
    cpio.file("bin/busybox", &fs::read(kernel.file("bin/busybox"))?)?;
    cpio.link("bin/sh", "busybox")?;
    modules(&mut cpio, kernel, machine)?;
    let this = env::current_exe()?;
    let mut needed = libraries(&this)?;
    let test = stripped(&this, &place.join("test"))?;
    cpio.file("bin/test", &fs::read(test)?)?;
    for (path, file) in programs {
        needed.extend(libraries(file)?);
        cpio.file(path, &fs::read(file)?)?;
    }
    if machine.udev {
        udev(&mut cpio, kernel, &mut needed)?;
    }
    for (path, file) in needed {
        cpio.file(path.trim_start_matches('/'), &fs::read(file)?)?;
    }
    cpio.finish()?.flush()
}

fn modules<W: Write>(cpio: &mut Cpio<W>, kernel: &Kernel, machine: &Machine) -> io::Result<()> {
    let wanted: Vec<_> = OWN_MODULES.iter().chain(machine.modules).copied().collect();
    let mut order = String::new();
    for (number, module) in kernel.modules(&wanted)?.iter().enumerate() {
        let path = format!("lib/modules/{number}.ko");
        cpio.file(&path, &fs::read(module)?)?;
        order.push_str(&format!("/{path}\n"));
    }
    cpio.file("modules", order.as_bytes())
}

fn udev<W: Write>(
    cpio: &mut Cpio<W>,
    kernel: &Kernel,
    needed: &mut BTreeMap<String, PathBuf>,
) -> io::Result<()> {
    let udevadm = kernel.file(UDEVADM);
    needed.extend(libraries(&udevadm)?);
    cpio.file(UDEVADM, &fs::read(udevadm)?)?;
    cpio.link("lib/systemd/systemd-udevd", "/bin/udevadm")?;
    let mut rules = BTreeMap::new();
    for entry in fs::read_dir(kernel.file(RULES))? {
        let entry = entry?;
        rules.insert(entry.file_name(), entry.path());
    }
    if let Some(dir) = dm_rules() {
        rules.extend(DM_RULES.map(|name| (name.into(), dir.join(name))));
    }
    for (name, path) in rules {
        let name = format!("{RULES}/{}", name.display());
        cpio.data(&name, &fs::read(path)?)?;
    }
    // Where the rules call it.
    if let Some(dmsetup) = program("dmsetup") {
        needed.extend(libraries(&dmsetup)?);
        cpio.file("sbin/dmsetup", &fs::read(dmsetup)?)?;
    }
    Ok(())
}
