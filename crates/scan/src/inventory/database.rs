//! The files that package managers keep their databases in: opened up to a size, each once, whatever
//! links lead to it.

use super::problem::Problem;
use crate::{FileKind, Rootfs, RootfsEntry, RootfsError, RootfsFile};

/// What there is of one manager's databases.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Whether packages are installed by what they say.
    pub(super) any_installed: bool,
    /// Whether one could not be read to its end, which is written down already.
    pub(super) unread: bool,
    /// What says that entries were taken out of them.
    pub(super) removed: Option<String>,
}

/// A database that was found.
pub(super) struct Database<'a> {
    pub(super) path: String,
    pub(super) file: Box<dyn RootfsFile + 'a>,
}

/// Opens what is there of `paths`. Distributions move a database and leave a link to it behind: what
/// has the same bytes as one before it is the same.
///
/// # Errors
/// By path, for each that is there and cannot be opened.
pub(super) fn databases<'a>(
    rootfs: &'a dyn Rootfs,
    paths: &[&str],
    limit: u64,
) -> Vec<Result<Database<'a>, (String, Problem)>> {
    let mut found: Vec<Result<Database<'a>, (String, Problem)>> = Vec::new();
    for &path in paths {
        let file = match open(rootfs, path, limit) {
            Ok(Some(file)) => file,
            Ok(None) => continue,
            Err(problem) => {
                found.push(Err((path.to_owned(), problem)));
                continue;
            }
        };
        let before = found.iter().flatten();
        let is_new = !before.into_iter().any(|other| same(&*other.file, &*file));
        if is_new {
            let path = path.to_owned();
            found.push(Ok(Database { path, file }));
        }
    }
    found
}

/// Opens a file of at most `limit` bytes, if it is there.
///
/// # Errors
/// Where it is there and is no such file.
pub(super) fn open<'a>(
    rootfs: &'a dyn Rootfs,
    path: &str,
    limit: u64,
) -> Result<Option<Box<dyn RootfsFile + 'a>>, Problem> {
    match rootfs.open(path.as_bytes()) {
        Ok(file) if file.size() > limit => {
            let size = file.size();
            Err(RootfsError::TooLarge { size, limit }.into())
        }
        Ok(file) => Ok(Some(file)),
        Err(RootfsError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a directory holds; nothing where there is none.
///
/// # Errors
/// Where it cannot be read, or holds more than `limit`.
pub(super) fn list(
    rootfs: &dyn Rootfs,
    path: &str,
    limit: usize,
) -> Result<Vec<RootfsEntry>, Problem> {
    match rootfs.list(path.as_bytes(), limit) {
        Err(RootfsError::Missing) => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

/// Whether there is something at a path that is not empty.
///
/// # Errors
/// Where the host failed.
pub(super) fn is_there(rootfs: &dyn Rootfs, path: &str) -> Result<bool, RootfsError> {
    match rootfs.open(path.as_bytes()) {
        Ok(file) => Ok(file.size() > 0),
        Err(RootfsError::Missing) => Ok(false),
        Err(RootfsError::WrongKind { found, .. }) => Ok(found == FileKind::Special),
        Err(host @ RootfsError::Host(_)) => Err(host),
        Err(_) => Ok(true),
    }
}

/// Whether two files have the same bytes; not, where one of them cannot be read, so that whoever reads
/// it finds out.
fn same(one: &dyn RootfsFile, other: &dyn RootfsFile) -> bool {
    const PIECE: usize = 64 << 10;
    if one.size() != other.size() {
        return false;
    }
    let mut pieces = (vec![0; PIECE], vec![0; PIECE]);
    let mut offset = 0;
    while offset < one.size() {
        let (Ok(read), Ok(read_other)) = (
            one.read_at(offset, &mut pieces.0),
            other.read_at(offset, &mut pieces.1),
        ) else {
            return false;
        };
        if read == 0 || pieces.0[..read] != pieces.1[..read_other] {
            return false;
        }
        offset += read as u64;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryRootfs;

    #[test]
    fn a_link_to_a_database_is_no_second_one() {
        let rootfs = MemoryRootfs::new()
            .file("new/db", vec![7; 200_000])
            .symlink("old", "new")
            .file("other/db", vec![8; 200_000])
            .fifo("odd/db");
        let paths = ["old/db", "new/db", "other/db", "odd/db", "none/db"];
        let found: Vec<_> = databases(&rootfs, &paths, 200_000)
            .into_iter()
            .map(|found| found.map_or_else(|(path, _)| path, |database| database.path))
            .collect();
        assert_eq!(found, ["old/db", "other/db", "odd/db"]);
        assert!(databases(&rootfs, &paths[..1], 199_999)[0].is_err());
    }

    #[test]
    fn an_empty_file_says_nothing() {
        let rootfs = MemoryRootfs::new()
            .file("empty", "")
            .file("full", "x")
            .damaged("damaged")
            .dir("dir");
        let there = |path| is_there(&rootfs, path).expect("memory does not fail");
        assert!(there("full") && there("damaged"));
        assert!(!there("empty") && !there("dir") && !there("none"));
    }
}
