//! The test archives of other projects, with the verdict that each should get.
//!
//! They are not part of this project: they are read where they lie, beside the workspace, and the
//! test says so where they are not. Where our rules want another verdict than the index, the table
//! below says why; a difference it does not explain fails the test, and so does a line in it that
//! explains nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::builder::Image;

/// `origin/file`, our verdict (`accept` or a code), and the rule that wants it.
const DIFFERENCES: [(&str, &str, &str); 14] = [
    (
        "go-archive-tar/gnu-incremental.tar",
        "header-type",
        "a dump of a directory is no layer's",
    ),
    (
        "go-archive-tar/gnu-long-nul.tar",
        "name-nul",
        "a NUL in a name",
    ),
    (
        "go-archive-tar/gnu-multi-hdrs.tar",
        "extension-repeated",
        "two long names for one entry",
    ),
    (
        "go-archive-tar/pax-global-records.tar",
        "pax-global",
        "a global header sets a path",
    ),
    (
        "go-archive-tar/pax-pos-size-file.tar",
        "size-mismatch",
        "684 bytes and 999 bytes",
    ),
    (
        "libarchive/test_compat_gzip_2.tgz",
        "gzip-trailing-data",
        "text follows the last member",
    ),
    (
        "libarchive/test_compat_solaris_tar_acl.tar",
        "header-type",
        "type A is Solaris's only",
    ),
    (
        "libarchive/test_compat_tar_directory_1.tar",
        "unexpected-body",
        "a directory with a size",
    ),
    (
        "libarchive/test_compat_tar_hardlink_1.tar",
        "unexpected-body",
        "a hard link with a size",
    ),
    (
        "libarchive/test_patterns_4.tar",
        "name-parent",
        "names with ..",
    ),
    (
        "libarchive/test_read_format_tar_empty_with_gnulabel.tar",
        "header-type",
        "a volume's label",
    ),
    (
        "libarchive/test_read_format_tar_pax_sun_holesdata.tar",
        "sparse-unsupported",
        "Solaris's form",
    ),
    (
        "zstd-golden/golden-decompression_empty-block.zst",
        "empty",
        "the frame is good, and nothing comes out of it",
    ),
    (
        "zstd-golden/golden-decompression_zeroSeq_2B.zst",
        "truncated",
        "the frame is good, and 2 bytes come out of it",
    ),
];

/// Where the corpus is, if it is there.
pub(crate) fn folder() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    corpus.join("INDEX.tsv").is_file().then_some(corpus)
}

fn is_layer(file: &str) -> bool {
    [".tar", ".tar.gz", ".tgz", ".gz", ".tar.zst", ".zst"]
        .iter()
        .any(|end| file.ends_with(end))
}

/// All archives of the corpus that are layers.
pub(crate) fn archives(corpus: &Path) -> Vec<PathBuf> {
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let path = |line: &str| {
        let mut columns = line.split('\t');
        let (origin, file) = (columns.next()?, columns.next()?);
        is_layer(file).then(|| corpus.join(origin).join(file))
    };
    index.lines().skip(1).filter_map(path).collect()
}

/// The layer that an archive of the corpus belongs on.
pub(crate) fn below(archive: &Path) -> Option<PathBuf> {
    let name = archive.file_name()?.to_str()?;
    let lower = archive.with_file_name(format!("{}.lower.tar", name.strip_suffix(".upper.tar")?));
    lower.is_file().then_some(lower)
}

/// What we say of a file: `accept`, or the code it is rejected with.
fn verdict(archive: &Path) -> String {
    let mut image = Image::new();
    if let Some(lower) = below(archive) {
        image.layer(&fs::read(lower).unwrap()[..]).unwrap();
    }
    match image.layer(&fs::read(archive).unwrap()[..]) {
        Ok(_) => "accept".to_owned(),
        Err(rejected) => rejected.code.to_string(),
    }
}

fn agrees(expected: &str, found: &str) -> bool {
    match expected {
        "accept" => found == "accept",
        "reject" | "gzip-ok-not-tar" | "reject-or-limit" => found != "accept",
        _ => true,
    }
}

#[test]
fn every_archive_of_the_corpus_gets_its_verdict() {
    let Some(corpus) = folder() else {
        println!("skipped: no ../shared/corpus beside the workspace");
        return;
    };
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut differences = BTreeMap::new();
    let mut seen = 0;
    for line in index.lines().skip(1) {
        let [origin, file, _, _, expected, why] = *line.split('\t').collect::<Vec<_>>() else {
            panic!("six columns: {line}");
        };
        if !is_layer(file) {
            println!("skipped: {origin}/{file} is no layer");
            continue;
        }
        let found = verdict(&corpus.join(origin).join(file));
        println!("{found:24} {expected:18} {origin}/{file}: {why}");
        if !agrees(expected, &found) {
            differences.insert(format!("{origin}/{file}"), found);
        }
        seen += 1;
    }
    let explained = DIFFERENCES
        .iter()
        .map(|(file, found, _)| ((*file).into(), (*found).into()));
    assert_eq!(differences, explained.collect());
    assert!(seen > 100, "the index was read");
}
