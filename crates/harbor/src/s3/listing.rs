//! Which keys a folder holds, and the page of them that a listing asks for.
//!
//! Keys are the paths of regular files below the bucket's folder, in the order of their bytes.
//! Names that are hidden (`.work`) or not UTF-8 are no keys. Links to folders are not followed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The file of a key, if the key can be one: no empty, `.` or `..` component, nothing hidden.
pub(super) fn file_of(dir: &Path, key: &str) -> Option<PathBuf> {
    let path = Path::new(key);
    let plain = path.components().all(|component| match component {
        Component::Normal(name) => !hidden(name.as_encoded_bytes()),
        _ => false,
    });
    // Components forget doubled and trailing slashes, which S3 does not.
    let exact = !key.is_empty() && !key.ends_with('/') && !key.contains("//");
    (plain && exact).then(|| dir.join(path))
}

fn hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}

/// Every key that starts with `prefix`, with its file. Only folders that can hold one are read.
pub(super) fn keys(dir: &Path, prefix: &str) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
    let start = if folder.is_empty() {
        dir.to_owned()
    } else {
        let Some(start) = file_of(dir, folder) else {
            return Ok(found);
        };
        start
    };
    let mut folders = vec![(folder.to_owned(), start)];
    while let Some((folder, path)) = folders.pop() {
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if absent(&error) => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !hidden(name.as_bytes())) else {
                continue;
            };
            let key = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if key.starts_with(prefix) || prefix.starts_with(key.as_str()) {
                    folders.push((key, entry.path()));
                }
            } else if key.starts_with(prefix)
                && fs::metadata(entry.path()).is_ok_and(|meta| meta.is_file())
            {
                found.insert(key, entry.path());
            }
        }
    }
    Ok(found)
}

fn absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// One page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) keys: Vec<String>,
    pub(super) prefixes: Vec<String>,
    /// The key or prefix after which the next page begins; `None` on the last page.
    pub(super) next: Option<String>,
}

/// The page of `keys` (sorted, all of them starting with `prefix`) after `after`, of at most `limit`
/// keys and common prefixes together.
pub(super) fn page<'a>(
    keys: impl Iterator<Item = &'a str>,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Page {
    let mut page = Page::default();
    let mut last = None;
    for key in keys {
        let common = delimiter
            .filter(|delimiter| !delimiter.is_empty())
            .and_then(|delimiter| {
                let at = key[prefix.len()..].find(delimiter)?;
                Some(&key[..prefix.len() + at + delimiter.len()])
            });
        let name = common.unwrap_or(key);
        if last == Some(name) || after.is_some_and(|after| name <= after) {
            continue;
        }
        if page.keys.len() + page.prefixes.len() == limit {
            page.next = last.map(str::to_owned);
            return page;
        }
        let list = if common.is_some() {
            &mut page.prefixes
        } else {
            &mut page.keys
        };
        list.push(name.to_owned());
        last = Some(name);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = ["a", "images/x/1", "images/x/10", "images/x/2", "images/y/1"];

    #[test]
    fn a_page_goes_on_where_the_one_before_ended() {
        let mut after = None;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let page = page(KEYS.into_iter(), "", None, after.as_deref(), 2);
            seen.extend(page.keys);
            after = page.next;
        }
        assert_eq!(seen, KEYS);
        assert_eq!(after, None);
    }

    #[test]
    fn a_delimiter_folds_what_lies_deeper_and_a_fold_is_listed_once() {
        let page = |after, limit| {
            page(
                KEYS[1..].iter().copied(),
                "images/",
                Some("/"),
                after,
                limit,
            )
        };
        assert_eq!(page(None, 9).prefixes, ["images/x/", "images/y/"]);
        assert_eq!(page(None, 9).next, None);
        assert_eq!(page(None, 1).next.as_deref(), Some("images/x/"));
        assert_eq!(page(Some("images/x/"), 1).prefixes, ["images/y/"]);
    }

    #[test]
    fn only_plain_keys_are_files() {
        let dir = Path::new("/d");
        assert_eq!(file_of(dir, "a/b"), Some(PathBuf::from("/d/a/b")));
        for key in [
            "", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".work/a", "a/.b",
        ] {
            assert_eq!(file_of(dir, key), None, "{key}");
        }
    }

    #[test]
    fn hidden_folders_and_other_prefixes_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "images/x/1",
            "images/xy/1",
            "images/z/1",
            ".work/1",
            "images/.part",
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let list = |prefix| {
            keys(dir.path(), prefix)
                .unwrap()
                .into_keys()
                .collect::<Vec<_>>()
        };
        assert_eq!(list("images/x"), ["images/x/1", "images/xy/1"]);
        assert_eq!(list("images/x/"), ["images/x/1"]);
        assert_eq!(list("").len(), 3);
        assert!(list("nothing/").is_empty() && list("../").is_empty());
    }
}
