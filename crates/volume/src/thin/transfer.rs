//! A pool moved to other parts: its metadata as it is, and of its data what any volume has.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    blank::{fresh, unreadable},
    error::PoolError,
    offline::Used,
    sizes::metadata_bytes,
    spec::{Part, PoolSpec, TAIL, low_water},
    superblock::Superblock,
    tools::{self, Checked},
};
use crate::dm::DeviceName;

/// So much is copied at a time.
const CHUNK: u64 = 1 << 20;
const STEP: usize = 1 << 20;

impl PoolSpec {
    /// The same pool on two devices: it is given no more room by itself.
    ///
    /// # Errors
    /// [`PoolError::Size`] where it would be less.
    pub fn on_other_devices(&self, metadata: Part, data: Part) -> Result<Self, PoolError> {
        Ok(Self {
            growth: None,
            ..self.elsewhere(metadata, data)?
        })
    }

    /// The same pool in two files of a directory; without a size, with the room that it has.
    ///
    /// # Errors
    /// [`PoolError::Size`] where it would be less.
    pub fn in_other_files(
        &self,
        dir: &Path,
        name: &DeviceName,
        bytes: Option<u64>,
        thick: bool,
    ) -> Result<Self, PoolError> {
        let file = |kind: &str, bytes| Part::File {
            path: dir.join(format!("{name}.{kind}")),
            bytes,
            allocated: thick,
        };
        let bytes = bytes.unwrap_or(self.data_bytes()) / self.block * self.block;
        let metadata = metadata_bytes(bytes, self.block).max(self.metadata_in_use()?);
        let mut moved = self.elsewhere(
            file("meta", metadata),
            file("data", bytes.saturating_add(TAIL)),
        )?;
        moved.pass_discard_down = !thick;
        Ok(moved)
    }

    fn elsewhere(&self, metadata: Part, data: Part) -> Result<Self, PoolError> {
        let mut kept = self.kept.clone();
        kept.extend([self.metadata.clone(), self.data.clone()]);
        let mut moved = Self {
            metadata,
            data,
            kept,
            begun: Vec::new(),
            ..self.clone()
        };
        moved.low_water = low_water(moved.data_bytes(), moved.block);
        let parts = [
            (&moved.data, moved.data_bytes(), self.data_bytes()),
            (
                &moved.metadata,
                moved.metadata.bytes(),
                self.metadata_in_use()?,
            ),
        ];
        for (part, has, needs) in parts {
            if has < needs {
                let path = part.path().clone();
                let why = format!("{needs} bytes are needed, it has room for {has}");
                return Err(PoolError::Size { path, why });
            }
        }
        Ok(moved)
    }

    /// Bytes of metadata that the pool has taken: the kernel takes what a device has that was made longer, also where
    /// nobody has written that down.
    ///
    /// # Errors
    /// [`PoolError::NoPool`], [`PoolError::Unreadable`].
    pub fn metadata_in_use(&self) -> Result<u64, PoolError> {
        let path = self.metadata.path();
        let found = Superblock::read(path)?;
        let found = found.ok_or_else(|| PoolError::NoPool { path: path.clone() })?;
        let taken = found.metadata_total.saturating_mul(4096);
        Ok(taken.max(self.metadata.bytes()))
    }

    /// Copies this pool, which is down, to the parts of `other`, and reads the copy again. Says how many bytes of data
    /// there were. The caller has seen to it that the other parts are nobody's. May be done again.
    ///
    /// # Errors
    /// [`PoolError::IsUp`], [`PoolError::Part`]; [`PoolError::Copy`] where what is read again is something else.
    pub fn copy_to(
        &self,
        other: &Self,
        name: &DeviceName,
        mut copied: impl FnMut(u64, u64),
    ) -> Result<u64, PoolError> {
        self.must_be_down(name)?;
        for part in [&other.metadata, &other.data] {
            part.make_anew()?;
        }
        let total = self.data_bytes() / self.block;
        let used = Used::read(self.metadata.path(), total)?;
        let runs = used.runs(total, true);
        let runs = runs
            .iter()
            .map(|run| (run.start * self.block, run.end * self.block));
        let bytes = used.count() * self.block;
        let (from, to) = (self.data.path(), other.data.path());
        copy(from, to, runs, |done| copied(done, bytes))?;
        let (from, to) = (self.metadata.path(), other.metadata.path());
        let whole = [(0, self.metadata_in_use()?)];
        copy(from, to, whole.into_iter(), |_| ())?;
        match tools::check(to)? {
            Checked::Clean => Ok(bytes),
            Checked::Damaged(said) => Err(PoolError::Tool {
                program: "thin_check",
                path: to.clone(),
                said,
            }),
        }
    }
}

/// Copies ranges, makes them durable, and reads them again.
fn copy(
    from: &Path,
    to: &Path,
    ranges: impl Iterator<Item = (u64, u64)> + Clone,
    mut copied: impl FnMut(u64),
) -> Result<(), PoolError> {
    let source = fresh(from).map_err(unreadable(from))?;
    let target = File::options().read(true).write(true).open(to);
    let target = target.map_err(part("open", to))?;
    let mut buffer = Vec::new();
    let mut done = 0;
    for (at, len) in chunks(ranges.clone()) {
        buffer.resize(len, 0);
        source
            .read_exact_at(&mut buffer, at)
            .map_err(unreadable(from))?;
        target
            .write_all_at(&buffer, at)
            .map_err(part("write to", to))?;
        done += u64::try_from(len).unwrap_or_default();
        copied(done);
    }
    target.sync_all().map_err(part("write to", to))?;
    let target = fresh(to).map_err(unreadable(to))?;
    let mut again = Vec::new();
    for (at, len) in chunks(ranges) {
        buffer.resize(len, 0);
        again.resize(len, 0);
        source
            .read_exact_at(&mut buffer, at)
            .map_err(unreadable(from))?;
        target
            .read_exact_at(&mut again, at)
            .map_err(unreadable(to))?;
        if buffer != again {
            let path = to.to_owned();
            return Err(PoolError::Copy { path, at });
        }
    }
    Ok(())
}

fn chunks(ranges: impl Iterator<Item = (u64, u64)>) -> impl Iterator<Item = (u64, usize)> {
    ranges.flat_map(|(from, to)| {
        (from..to).step_by(STEP).map(move |at| {
            let len = usize::try_from((to - at).min(CHUNK)).unwrap_or_default();
            (at, len)
        })
    })
}

fn part(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PoolError {
    let path: PathBuf = path.to_owned();
    move |source| PoolError::Part {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_copied_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
        let bytes: Vec<u8> = (0..(3_u32 << 20)).map(|n| (n % 251) as u8).collect();
        std::fs::write(&from, &bytes).unwrap();
        std::fs::write(&to, vec![0; bytes.len()]).unwrap();
        let ranges = [(4096, 8192), (1 << 20, (5 << 19) + 1)];
        let mut last = 0;
        copy(&from, &to, ranges.into_iter(), |done| last = done).unwrap();
        assert_eq!(last, 4096 + (3 << 19) + 1);
        let copied = std::fs::read(&to).unwrap();
        for at in 0..bytes.len() {
            let within = ranges.iter().any(|&(from, to)| {
                let at = at as u64;
                from <= at && at < to
            });
            assert_eq!(copied[at], if within { bytes[at] } else { 0 }, "{at}");
        }
    }
}
