//! A machine that is booted: its initramfs, its disks, QEMU.

use std::{
    env,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{
    files::{Kernel, program, stripped},
    group::Machine,
    host::SOAK,
    initramfs,
};

const QEMU: &str = "qemu-system-x86_64";

/// An emulated processor's clock is measured against an emulated timer, and where the host is busy at that moment
/// the kernel waits for ever. It is told instead, and need not be right: what is timed here is held against what else
/// is timed here.
const CLOCK: &str = "tsc_early_khz=2500000";

/// A machine, before its first boot and after its last.
#[derive(Debug)]
pub(crate) struct Vm {
    place: tempfile::TempDir,
    kernel: PathBuf,
    machine: Machine,
}

/// A disk that a machine has for one boot, beside its own. Each has the same serial number: it is the same disk to
/// whoever looks for the one that was recorded.
#[derive(Debug)]
pub(crate) enum Disk {
    /// Its writes, discards and flushes go to the log in the order in which they are done.
    Recorded { disk: PathBuf, log: PathBuf },
    /// What a cut of the power has left of it.
    Cut(PathBuf),
}

impl Disk {
    /// What QEMU is told of it, with its number. Flushes are logged and go no further: nothing here is to outlive
    /// the host's own power, and the sooner one is done, the fewer writes come between its begin and its end.
    fn blocks(&self, number: usize) -> Vec<String> {
        let file = |name: &str, path: &Path| {
            // A comma would end the name.
            let path = path.display().to_string().replace(',', ",,");
            format!(
                "driver=raw,node-name={name}{number},discard=unmap,cache.no-flush=on,file.driver=file,\
                 file.discard=unmap,file.cache.no-flush=on,file.filename={path}"
            )
        };
        match self {
            Self::Cut(disk) => vec![file("b", disk)],
            Self::Recorded { disk, log } => vec![
                file("f", disk),
                file("l", log),
                format!(
                    "driver=blklogwrites,node-name=b{number},discard=unmap,file=f{number},log=l{number},\
                     log-sector-size=512"
                ),
            ],
        }
    }
}

/// Why there is no machine here.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl Vm {
    /// Looks for what it takes, and makes the initramfs and the disks. The inner error is what is missing here.
    pub(crate) fn make(machine: &Machine) -> io::Result<Result<Self, Missing>> {
        let missing = |what: &str| Ok(Err(Missing(what.to_owned())));
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return missing("the machine is one of x86_64 Linux");
        }
        let Some(kernel) = Kernel::find() else {
            return missing("there is no kernel to boot: run scripts/vm-kernel");
        };
        if program(QEMU).is_none() {
            return missing("qemu-system-x86_64 is not here: install Debian's qemu-system-x86");
        }
        let place = tempfile::tempdir()?;
        let mut files = Vec::new();
        for name in machine.programs {
            let Some(path) = program(name) else {
                return Ok(Err(Missing(format!("{name} is not here"))));
            };
            let base = name.rsplit('/').next().unwrap_or(name);
            // One of this workspace: what is for debuggers would only have to be unpacked.
            let path = match name.contains('/') {
                true => stripped(&path, &place.path().join(base))?,
                false => path,
            };
            files.push((format!("bin/{base}"), path));
        }
        if machine.udev && !initramfs::has_udev(&kernel) {
            return missing(
                "udev is not here: run scripts/vm-kernel, and install Debian's dmsetup",
            );
        }
        initramfs::make(&kernel, machine, &files, place.path())?;
        for (number, &size) in machine.disks.iter().enumerate() {
            File::create(disk(place.path(), number))?.set_len(size)?;
        }
        for (number, fill) in (machine.disks.len()..).zip(machine.prepared) {
            if let Err(error) = fill(&disk(place.path(), number)) {
                return match error.kind() {
                    io::ErrorKind::NotFound => Ok(Err(Missing(error.to_string()))),
                    _ => Err(error),
                };
            }
        }
        Ok(Ok(Self {
            place,
            kernel: kernel.image(),
            machine: *machine,
        }))
    }

    /// How long a boot may take, where there is no soak.
    pub(crate) fn patience(&self) -> Duration {
        self.machine.patience
    }

    /// Boots it, gives each line that it prints to `hear`, and answers whether it came to its end in time.
    pub(crate) fn boot(
        &self,
        words: &str,
        beside: &[Disk],
        mut hear: impl FnMut(&str),
    ) -> io::Result<bool> {
        let patience = match env::var_os(SOAK) {
            Some(_) => self.machine.patience * 40,
            None => self.machine.patience,
        };
        let until = Instant::now() + patience;
        let mut qemu = self.qemu(words, beside).spawn()?;
        let output = qemu.stdout.take();
        let output = output.ok_or_else(|| io::Error::other("a child without its output"))?;
        let (tell, told) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).split(b'\n');
            for line in lines.map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match told.recv_timeout(left) {
                Ok(line) => hear(&line),
                Err(RecvTimeoutError::Disconnected) => {
                    qemu.wait()?;
                    return Ok(true);
                }
                Err(RecvTimeoutError::Timeout) => {
                    end(&mut qemu)?;
                    return Ok(false);
                }
            }
        }
    }

    fn qemu(&self, words: &str, beside: &[Disk]) -> Command {
        let mut qemu = Command::new(QEMU);
        // Emulated also where there is /dev/kvm: a host that is virtual itself may have one that hangs.
        let (accelerator, processor) = match env::var_os("LONGSHORE_VM_KVM") {
            Some(_) => ("kvm", "host"),
            None => ("tcg", "max"),
        };
        let log = match env::var_os("LONGSHORE_VM_LOG") {
            Some(_) => "loglevel=7",
            None => "quiet",
        };
        let parameters = self.machine.parameters.join(" ");
        qemu.args(["-M", "microvm", "-accel", accelerator, "-cpu", processor])
            .args(["-m", &self.machine.memory.to_string(), "-smp", "2"])
            .args([
                "-no-user-config",
                "-monitor",
                "none",
                "-display",
                "none",
                "-serial",
                "stdio",
            ])
            .args(["-no-reboot", "-kernel"])
            .arg(&self.kernel)
            .arg("-initrd")
            .arg(self.place.path().join("initramfs"))
            .arg("-append")
            .arg(format!(
                "console=ttyS0 {log} {CLOCK} {parameters} panic=1 oops=panic reboot=t rdinit=/init {words}"
            ));
        for number in 0..self.machine.disks.len() + self.machine.prepared.len() {
            let file = disk(self.place.path(), number);
            // What the host has in memory outlives the machine and its crashes: a flush need not wait for more.
            qemu.arg("-drive").arg(format!(
                "if=none,id=d{number},format=raw,discard=unmap,cache=unsafe,file={}",
                file.display()
            ));
            qemu.arg("-device")
                .arg(format!("virtio-blk-device,drive=d{number}"));
        }
        let own = self.machine.disks.len() + self.machine.prepared.len();
        for (number, disk) in (own..).zip(beside) {
            for block in disk.blocks(number) {
                qemu.arg("-blockdev").arg(block);
            }
            qemu.arg("-device").arg(format!(
                "virtio-blk-device,drive=b{number},serial=recorded,write-cache=on"
            ));
        }
        qemu.stdin(Stdio::null()).stdout(Stdio::piped());
        qemu
    }
}

fn end(qemu: &mut Child) -> io::Result<()> {
    qemu.kill()?;
    qemu.wait().map(drop)
}

fn disk(place: &Path, number: usize) -> PathBuf {
    place.join(format!("disk{number}"))
}
