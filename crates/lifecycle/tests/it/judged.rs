//! The disk against judges that share no code with what made it: e2fsck, the kernel (debugfs
//! without root), the oracle, umoci.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use longshore_harbor::{
    family::{self, Family, Packing},
    manifest::{Kind, Manifest},
    oracle, readback, real,
};

use crate::place::{Place, digest, fetch, volume};

/// Checks a disk against an independent application of its layers, and answers what is on it.
#[track_caller]
pub(crate) fn judge(disk: &Path, layers: &[PathBuf]) -> Manifest {
    readback::fsck(disk).unwrap();
    let found = readback::manifest(disk).unwrap();
    oracle::manifest(layers).unwrap().assert_same(&found);
    found
}

/// Checks it against umoci, which gives directories that no entry describes the time of day.
#[track_caller]
fn judge_by_umoci(found: &Manifest, layers: &[PathBuf]) {
    if readback::Reader::available() != readback::Reader::Kernel {
        println!("umoci is not asked: it needs root to extract");
        return;
    }
    let mut times = 0;
    for line in readback::umoci(layers).unwrap().diff(found) {
        let (path, _) = line.split_once("\": mtime: ").unwrap_or_else(|| {
            panic!("umoci has it otherwise: {line}");
        });
        let node = found.get(path.trim_start_matches('"')).unwrap();
        assert_eq!(node.kind, Kind::Directory, "{line}");
        times += 1;
    }
    assert!(times < 10, "{times} directories have other times");
}

/// The same layers in another bucket, gzipped.
fn gzipped(layers: &[PathBuf], prefix: &str, bucket: &Path) {
    let folder = bucket.join(prefix);
    fs::create_dir_all(&folder).unwrap();
    for layer in layers {
        let name = layer.file_name().unwrap().to_str().unwrap();
        let status = Command::new("gzip")
            .args(["-1", "-n", "-c"])
            .arg(layer)
            .stdout(File::create(folder.join(format!("{name}.gz"))).unwrap())
            .status();
        assert!(status.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_of_real_packages_become_the_disk_that_every_judge_expects() {
    let (plain, prefix, layers) = match real::small() {
        Ok(bucket) => {
            println!("input: real packages in {}", bucket.dir.display());
            (Place::over(&bucket.dir), bucket.prefix, bucket.layers)
        }
        Err(why) => {
            println!("input: a made family, for there are {why}");
            let place = Place::new();
            let layers = place.put(&family::golang(), Packing::Plain);
            (place, "images/golang", layers)
        }
    };
    let host = plain.host("state").await;
    let report = fetch(&host, prefix).await;
    let found = judge(&volume(&report), &layers);
    judge_by_umoci(&found, &layers);
    plain.state("state").assert_tidy();

    let packed = Place::new();
    gzipped(&layers, prefix, packed.server.dir());
    let host = packed.host("state").await;
    let unpacked = fetch(&host, prefix).await;
    assert_eq!(unpacked.chain_id, report.chain_id);
    assert_eq!(digest(&unpacked), digest(&report), "gzipped layers");
}

/// Every kind of entry, whiteouts, links through links, times with fractions.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_entry_comes_out_as_the_oracle_has_it_plain_and_gzipped() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let place = Place::new();
        let demo = family::demo();
        let layers = place.put(&demo, packing);
        let host = place.host("state").await;
        let report = fetch(&host, demo.prefix()).await;
        let found = judge(&volume(&report), &layers);
        judge_by_umoci(&found, &layers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_layers_say_of_attributes_links_and_devices_is_on_the_disk() {
    let place = Place::new();
    let layers = place.put(&everything(), Packing::Plain);
    let host = place.host("state").await;
    let report = fetch(&host, "images/everything").await;
    let found = judge(&volume(&report), &layers);
    let group = |path: &str| found.get(path).unwrap().group.clone();
    assert!(group("d/file").is_some() && group("d/file") == group("d/again"));
    assert_eq!(found.get("tty").unwrap().kind, Kind::CharDevice(5, 300));
    assert_eq!(found.get("gone"), None);
}

fn everything() -> Family {
    let long = "n".repeat(90);
    Family::builder("images/everything")
        .layer(|l| {
            l.dir("d", 0o2775)
                .file("d/file", "content\n")
                .mode(0o6755)
                .owner(70_000, 80_000)
                .xattr("user.text", b"two\nlines = ok")
                .hardlink("d/again", "d/file")
                .file("d/new\nline", "x")
                .file(&format!("d/{long}/{long}"), "deep")
                .symlink("fast", "d/file")
                .symlink("slow", &format!("d/{long}/{long}"))
                .chardev("tty", 5, 300)
                .blockdev("disk", 253, 1)
                .fifo("pipe")
                .file("empty", "")
                .mtime(-86_400, 500_000_000)
                .file("late", "")
                .mtime(7_258_118_400, 999_999_999)
                .file("gone", "")
        })
        .layer(|l| l.whiteout("gone").file("fast", "a file now"))
        .build()
}
