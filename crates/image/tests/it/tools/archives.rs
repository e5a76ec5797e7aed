//! One tree in the archives of every tool and format, and layers as registries have them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::host::{differences, folder, listed, missing, python, read, shell, succeeded, tree};

const GNU: &str = "tar --numeric-owner --xattrs --xattrs-include='*' --acls --delay-directory-restore -xpf $OUT -C $TO";
const BSD: &str = "bsdtar --numeric-owner --xattrs --acls -xpf $OUT -C $TO";

/// Small files in the tree, and what it has at least besides, whatever a format cannot hold.
const FILES: usize = 20;
const FEWEST: usize = 70;

/// Where an extraction is another than ours, and why.
const DIFFERENCES: [(&str, &str, &str); 9] = [
    ("bsdtar-pax", "/xattrs/odd", ENCODED),
    ("bsdtar-default", "/xattrs/odd", ENCODED),
    ("bsdtar-own", "/xattrs/odd", ENCODED),
    (
        "bsdtar-own",
        "/",
        "bsdtar leaves the folder it extracts to alone",
    ),
    ("bsdtar-own", "/kinds", FRACTION),
    ("bsdtar-own", "/times/-500000000", FRACTION),
    ("bsdtar-ustar", "/kinds", LATE),
    ("bsdtar-v7", "/kinds", LATE),
    ("python-ustar", "/kinds", LATE),
];
const ENCODED: &str = "libarchive writes each attribute twice, once with its name percent-encoded \
    where other readers do not expect it; of that, GNU tar decodes two letters, as we do";
const FRACTION: &str =
    "libarchive adds the fraction of a time before 1970 instead of taking it away";
const LATE: &str = "GNU tar makes some symlinks last, and their directory's time is then its own";

/// Packs the tree by `pack` and extracts it by `extract`, to a folder that is answered. A tool ends
/// with an error where its format cannot hold something, and packs the rest.
fn extracted(tree: &Path, out: &Path, pack: &str, extract: &str) -> PathBuf {
    let to = out.with_extension("extracted");
    fs::create_dir(&to).unwrap();
    let variables = [("TREE", tree), ("OUT", out), ("TO", &to)];
    shell(pack, &variables);
    succeeded(&shell(extract, &variables));
    to
}

/// Compares a tree in these archives with what they extract to; how many paths each has.
fn all_agree(folder: &Path, files: usize, archives: &[(&str, &str, &str)]) -> String {
    let tree = tree(folder, files);
    let out = |name: &str| folder.join(format!("{name}.tar"));
    let folders: Vec<_> = archives
        .iter()
        .map(|(name, pack, extract)| extracted(&tree, &out(name), pack, extract))
        .collect();
    let (mut told, mut found) = (Vec::new(), BTreeMap::new());
    for ((name, ..), theirs) in archives.iter().zip(listed(&folders)) {
        let ours = read(&[&out(name)]);
        assert!(ours.len() >= FEWEST, "{name}: {} paths", ours.len());
        told.push(format!("{name}: {} paths", ours.len()));
        for (path, how) in differences(&ours, &theirs) {
            found.insert(((*name).to_owned(), path), how);
        }
    }
    assert_eq!(told.len(), archives.len(), "all folders were listed");
    let is_of_these = |archive: &str| archives.iter().any(|(name, ..)| *name == archive);
    let explained: BTreeSet<_> = DIFFERENCES
        .iter()
        .filter(|(archive, ..)| is_of_these(archive))
        .map(|(archive, path, _)| ((*archive).to_owned(), (*path).to_owned()))
        .collect();
    let keys: BTreeSet<_> = found.keys().cloned().collect();
    assert_eq!(keys, explained, "{found:#?}");
    fs::remove_dir_all(folder).unwrap();
    told.join("\n")
}

#[test]
fn gnu_tar() {
    if let Some(why) = missing(&["tar", "python3"]) {
        println!("{why}");
        return;
    }
    let all = "--xattrs --xattrs-include='*' --acls --selinux";
    let mut archives = Vec::new();
    for format in ["gnu", "oldgnu", "pax", "posix", "ustar", "v7"] {
        archives.push((
            format.to_owned(),
            format!("--format={format} -cf $OUT -C $TREE ."),
        ));
    }
    for format in ["gnu", "oldgnu"] {
        let pack = format!("--format={format} --sparse -cf $OUT -C $TREE .");
        archives.push((format!("{format}-sparse"), pack));
    }
    for version in ["0.0", "0.1", "1.0"] {
        let pack = format!("--format=pax --sparse --sparse-version={version} -cf $OUT -C $TREE .");
        archives.push((format!("sparse-{version}"), pack));
    }
    archives.extend([
        ("xattrs".into(), format!("--format=pax {all} -cf $OUT -C $TREE .")),
        ("gzip".into(), "--format=pax -czf $OUT -C $TREE .".into()),
        ("blocked".into(), "--format=gnu -b 1 -cf $OUT -C $TREE .".into()),
        ("sorted".into(), "--sort=name --mtime=@0 --owner=0 --group=0 -cf $OUT -C $TREE .".into()),
        ("no-times".into(), "--format=pax --pax-option=delete=atime,delete=ctime -cf $OUT -C $TREE .".into()),
        ("named".into(), "--format=pax --no-recursion -cf $OUT -C $TREE --null --verbatim-files-from -T $OUT.names".into()),
        ("absolute".into(), "--format=gnu -P --transform='s,^\\./,/,S' -cf $OUT -C $TREE ./0-first ./kinds ./links ./many ./modes ./names".into()),
    ]);
    let archives: Vec<_> = archives
        .into_iter()
        .map(|(name, pack)| {
            let names = "(cd $TREE && find . -mindepth 1 -printf '%P\\0') > $OUT.names";
            (name, format!("{names}; tar {pack}"))
        })
        .collect();
    let archives: Vec<_> = archives
        .iter()
        .map(|(name, pack)| (name.as_str(), pack.as_str(), GNU))
        .collect();
    println!("{}", all_agree(&folder("gnu"), FILES, &archives));
}

#[test]
fn bsdtar() {
    if let Some(why) = missing(&["bsdtar", "tar", "python3"]) {
        println!("{why}");
        return;
    }
    let archives = [
        ("bsdtar-pax", "bsdtar --format=pax -cf $OUT -C $TREE .", GNU),
        ("bsdtar-own", "bsdtar --format=pax -cf $OUT -C $TREE .", BSD),
        ("bsdtar-default", "bsdtar -cf $OUT -C $TREE .", GNU),
        (
            "bsdtar-gnutar",
            "bsdtar --format=gnutar -cf $OUT -C $TREE .",
            GNU,
        ),
        (
            "bsdtar-ustar",
            "bsdtar --format=ustar -cf $OUT -C $TREE .",
            GNU,
        ),
        ("bsdtar-v7", "bsdtar --format=v7 -cf $OUT -C $TREE .", GNU),
        (
            "bsdtar-gzip",
            "bsdtar --format=pax --no-xattrs --no-acls -czf $OUT -C $TREE .",
            GNU,
        ),
    ];
    println!("{}", all_agree(&folder("bsdtar"), FILES, &archives));
}

#[test]
fn pythons_tarfile() {
    if let Some(why) = missing(&["tar", "python3"]) {
        println!("{why}");
        return;
    }
    let folder = folder("python");
    let script = folder.join("pack.py");
    fs::write(&script, include_str!("pack.py")).unwrap();
    let pack = |format: &str| format!("python3 {} {format} $TREE $OUT", script.display());
    let [ustar, gnu, pax] = ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"].map(pack);
    let archives = [
        ("python-ustar", &*ustar, GNU),
        ("python-gnu", &*gnu, GNU),
        ("python-pax", &*pax, GNU),
    ];
    println!("{}", all_agree(&folder, FILES, &archives));
}

#[test]
fn busybox() {
    if let Some(why) = missing(&["busybox", "tar", "python3"]) {
        println!("{why}");
        return;
    }
    let archives = [
        ("busybox", "busybox tar -cf $OUT -C $TREE .", GNU),
        ("gzip", "busybox tar -czf $OUT -C $TREE .", GNU),
    ];
    println!("{}", all_agree(&folder("busybox"), FILES, &archives));
}

#[test]
fn a_thousand_files_more() {
    if let Some(why) = missing(&["tar", "python3"]) {
        println!("{why}");
        return;
    }
    let pack = "tar --format=pax --xattrs --xattrs-include='*' --acls -cf $OUT -C $TREE .";
    println!(
        "{}",
        all_agree(&folder("thousand"), 1_000, &[("thousand", pack, GNU)])
    );
}

#[test]
fn layers_as_docker_writes_them() {
    if let Some(why) = missing(&["tar", "python3"]) {
        println!("{why}");
        return;
    }
    let folder = folder("docker");
    python(include_str!("docker.py"), &[folder.to_str().unwrap()]);
    let layers = ["lower.tar", "upper.tar"].map(|name| folder.join(name));
    let ours = read(&[&layers[0], &layers[1]]);
    let found = differences(&ours, &listed(&[folder.join("expected")])[0]);
    assert!(found.is_empty(), "{found:#?}");
    fs::remove_dir_all(folder).unwrap();
}
