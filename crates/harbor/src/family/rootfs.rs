//! A root filesystem in the shape of Debian's, small and made up.

use super::builder::Family;
use super::content::Content;
use super::layer::Layer;

const PACKAGES: [(&str, &str); 6] = [
    ("base-files", "12.4+deb12u10"),
    ("bash", "5.2.15-2+b7"),
    ("coreutils", "9.1-1"),
    ("libc6", "2.36-9+deb12u10"),
    ("libssl3", "3.0.15-1~deb12u1"),
    ("tzdata", "2025a-0+deb12u1"),
];

/// `images/demo`: three layers, some four hundred files, about 5 MiB; the second hides, replaces
/// and adds, the third clears a directory and holds what archives of other tools hold.
#[must_use]
pub fn demo() -> Family {
    Family::builder("images/demo")
        .add("1", base())
        .add("2", second())
        .add("3", third())
        .build()
}

/// The first layer of every ready family.
pub(super) fn base() -> Layer {
    let layer = Layer::new().dir("./", 0o755).each(
        [
            "dev",
            "etc",
            "home",
            "proc",
            "run",
            "srv",
            "sys",
            "usr",
            "var",
            "var/lib",
            "var/cache",
        ],
        |layer, path| layer.dir(path, 0o755),
    );
    // As in Debian since the merge of /usr: later layers write to bin/ and lib/ through these.
    let layer = layer.each(["bin", "lib", "sbin"], |layer, name| {
        layer
            .dir(&format!("usr/{name}"), 0o755)
            .symlink(name, &format!("usr/{name}"))
    });
    let layer = layer
        .dir("root", 0o700)
        .dir("tmp", 0o1777)
        .dir("var/mail", 0o2775)
        .owner(0, 8)
        .dir("var/lib/dpkg", 0o755)
        .dir("usr/share", 0o755)
        .dir("usr/share/doc", 0o755)
        .dir("usr/share/zoneinfo", 0o755)
        .chardev("dev/null", 1, 3)
        .chardev("dev/tty", 5, 0)
        .owner(0, 5)
        .fifo("run/initctl");
    let layer = layer
        .file("usr/lib/os-release", os_release())
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file("etc/debian_version", "12.10\n")
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        .file("etc/shadow", "root:*:20144:0:99999:7:::\n")
        .mode(0o640)
        .owner(0, 42)
        .file("etc/hostname", "")
        .file("var/lib/dpkg/status", dpkg_status());
    let layer = layer
        .file("usr/bin/bash", noise(101, 1_200_000))
        .mode(0o755)
        .file("usr/bin/perl", noise(102, 900_000))
        .mode(0o755)
        .hardlink("usr/bin/perl5.36.0", "usr/bin/perl")
        .file("usr/bin/su", noise(103, 70_001))
        .mode(0o4755)
        .file("usr/bin/ping", noise(104, 90_000))
        .mode(0o755)
        .xattr("security.capability", CAP_NET_RAW)
        .symlink("usr/bin/sh", "bash")
        .file("usr/lib/libc.so.6", noise(105, 1_900_000))
        .mode(0o755);
    let layer = layer.each(PACKAGES, |layer, (name, _)| {
        layer
            .dir(&format!("usr/share/doc/{name}"), 0o755)
            .file(
                &format!("usr/share/doc/{name}/copyright"),
                "Public domain.\n".repeat(40),
            )
            .file(
                &format!("usr/share/doc/{name}/changelog.gz"),
                noise(200, 3000),
            )
    });
    layer.each(0..320, |layer, n| {
        let path = format!("usr/share/zoneinfo/Zone{n:03}");
        match n % 8 {
            7 => layer.hardlink(&path, &format!("usr/share/zoneinfo/Zone{:03}", n - 1)),
            _ => layer.file(&path, noise(1000 + n, 500 + n * 3)),
        }
    })
}

fn second() -> Layer {
    Layer::new()
        .dir("etc", 0o755)
        .file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1000::/home/app:/bin/sh\n",
        )
        .mtime(1_750_000_000, 123_456_789)
        .dir("home/app", 0o750)
        .owner(1000, 1000)
        .file("home/app/notes", "kept\n")
        .owner(1000, 1000)
        .xattr("user.comment", b"two\nlines")
        .whiteout("usr/share/doc/bash")
        .whiteout("etc/hostname")
        .file("bin/app", noise(301, 600_000))
        .mode(0o755)
        .symlink("usr/bin/sh", "/bin/app")
        .hardlink("usr/bin/app-link", "bin/app")
        .hardlink("usr/lib/libc-again.so", "usr/lib/libc.so.6")
        .file("usr/share/empty/deep/file", "its parents have no entries\n")
}

fn third() -> Layer {
    let long = "long-".repeat(30);
    Layer::new()
        .gnu()
        .file(
            "usr/share/zoneinfo/Zone000",
            "written before the directory is cleared\n",
        )
        .opaque("usr/share/zoneinfo")
        .file("usr/share/zoneinfo/UTC", noise(401, 118))
        .mtime(-86_400, 500_000_000)
        .file(
            &format!("usr/share/doc/{long}name"),
            "a name of more than 100 bytes\n",
        )
        .symlink("usr/share/long", &format!("doc/{long}name"))
        .file("var/cache/zeros", Content::Zeros(300_000))
        .file("home/app/größe", "not only ASCII\n")
        .owner(4_000_000_000, 1000)
        .whiteout("usr/share/nothing")
        .file("etc/debian_version", "12.11\n")
}

fn noise(seed: u64, length: u64) -> Content {
    Content::Noise { seed, length }
}

/// `struct vfs_cap_data` (linux/capability.h), revision 2, effective, permitted CAP_NET_RAW (13).
const CAP_NET_RAW: &[u8] = &[
    1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

fn os_release() -> &'static str {
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
     VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n"
}

fn dpkg_status() -> String {
    let paragraph = |(name, version): (&str, &str)| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: arm64\n\
             Version: {version}\nDescription: {name}\n\n"
        )
    };
    PACKAGES.into_iter().map(paragraph).collect()
}
