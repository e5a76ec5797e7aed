//! The recorded disk inside of the machine, under one path wherever it is attached: its nodes, its marks, what a cut
//! has left.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
};

use crate::{
    cut::{Choice, Position},
    partitions::mark_offset,
    recording::mark_text,
};

/// The path of the disk, and with a number behind it of its partitions. It is no symbolic link: whoever looks where
/// one leads would remember where another cut is.
pub(crate) const DISK: &str = "/dev/recorded";

/// A cut of the power.
#[derive(Debug, Clone)]
pub struct Cut {
    position: Position,
    mark: String,
}

impl Cut {
    /// The last mark that was left before it; empty before the first.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The last flush that was done, counted from 1 with the recording; 0 before the first.
    #[must_use]
    pub fn flush(&self) -> usize {
        self.position.flush
    }

    /// A number drawn for this cut: the same each time it is judged.
    #[must_use]
    pub fn draw(&self) -> u64 {
        self.position.draw()
    }

    /// The cut that is attached, by its name.
    pub(crate) fn attached(name: &str) -> io::Result<Self> {
        let position = name.parse().map_err(io::Error::other)?;
        let mut sector = [0; 512];
        let disk = File::open(DISK)?;
        disk.read_exact_at(&mut sector, mark_offset(bytes()?))?;
        Ok(Self {
            position,
            mark: mark_text(&sector),
        })
    }
}

/// `flush 12, the later writes chosen by seed 3, mark "begun create"`.
impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "flush {}, the later writes ", self.position.flush)?;
        match self.position.choice {
            Choice::All => out.write_str("all there")?,
            Choice::Lost => out.write_str("lost")?,
            Choice::Last => out.write_str("lost but the last")?,
            Choice::Seed(seed) => write!(out, "chosen by seed {seed}")?,
        }
        write!(out, ", mark {:?}", self.mark)
    }
}

/// Gives this disk of the machine the path.
pub(crate) fn appear(disk: &Path) -> io::Result<()> {
    let name = disk.file_name().unwrap_or_default();
    let sys = Path::new("/sys/class/block").join(name);
    for number in 0..=4 {
        let node = match number {
            0 => DISK.to_owned(),
            number => format!("{DISK}{number}"),
        };
        match fs::remove_file(&node) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let part = match number {
            0 => sys.clone(),
            number => sys.join(format!("{}{number}", name.display())),
        };
        if !part.exists() {
            continue;
        }
        let device = fs::read_to_string(part.join("dev"))?;
        let device = device.trim().split_once(':');
        let (major, minor) = device.ok_or_else(|| io::Error::other("a device without a number"))?;
        let made = Command::new("/bin/busybox")
            .args(["mknod", &node, "b", major, minor])
            .status()?;
        if !made.success() {
            return Err(io::Error::other(format!("{node} was not made: {made}")));
        }
    }
    Ok(())
}

/// Writes a text where marks are. The kernel's memory is passed over: the write has reached the disk when this
/// returns, and neither waits for a flush nor makes one.
#[cfg(target_os = "linux")]
pub(crate) fn mark(text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;

    let direct = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).map_err(io::Error::other)?;
    let disk = File::options()
        .write(true)
        .custom_flags(direct)
        .open(DISK)?;
    let length = usize::try_from(crate::partitions::SECTOR).map_err(io::Error::other)?;
    // What is written in this way is aligned in memory too.
    let mut memory = vec![0; 2 * length];
    let begin = memory.as_ptr().align_offset(length);
    let sector = &mut memory[begin..begin + length];
    let room = sector.get_mut(..text.len());
    let room = room.ok_or_else(|| io::Error::other("a mark has at most 512 bytes"))?;
    room.copy_from_slice(text.as_bytes());
    disk.write_all_at(sector, mark_offset(bytes()?))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn mark(_: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Has all that was recorded counted by the log, which it is at a flush.
pub(crate) fn end() -> io::Result<()> {
    File::open(DISK)?.sync_all()
}

fn bytes() -> io::Result<u64> {
    use io::Seek;
    File::open(DISK)?.seek(io::SeekFrom::End(0))
}
