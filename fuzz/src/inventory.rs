//! What an inventory reads: whatever the bytes, an answer, the same each time, and no more read than
//! there is.

use longshore_scan::{Inventory, InventoryLimits, MemoryRootfs, read_inventory};

use crate::counted::Counted;
use crate::{elf_file, rpm_file};

/// Reads a database of dpkg.
///
/// # Panics
/// Where something does not hold: see [`read`].
pub fn dpkg(data: &[u8]) {
    read(MemoryRootfs::new().file("var/lib/dpkg/status", data), data);
}

/// Reads a database of apk.
///
/// # Panics
/// Where something does not hold: see [`read`].
pub fn apk(data: &[u8]) {
    read(MemoryRootfs::new().file("lib/apk/db/installed", data), data);
}

/// Reads a database of rpm: the bytes themselves, or a sound one with the bytes as a header in it.
///
/// # Panics
/// Where something does not hold: see [`read`].
pub fn rpm(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    let database = match way % 2 {
        0 => rest.to_vec(),
        _ => rpm_file::database(&[rest.to_vec()], 512, 0),
    };
    let rootfs = MemoryRootfs::new().file("var/lib/rpm/rpmdb.sqlite", &database[..]);
    read(rootfs, &database);
}

/// Reads an executable: the bytes themselves, or a sound one with the bytes as its lines about modules.
///
/// # Panics
/// Where something does not hold: see [`read`].
pub fn elf(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    let file = match (way % 2, str::from_utf8(rest)) {
        (1, Ok(lines)) => elf_file::go(elf_file::Shape::MODERN, "go1.24.4", lines),
        _ => rest.to_vec(),
    };
    let inventory = read(MemoryRootfs::new().executable("app", &file[..]), &file);
    let known = inventory.gaps.is_empty();
    assert!(
        !known || !inventory.packages.is_empty(),
        "known, and made of nothing"
    );
}

/// Reads the name of a system.
///
/// # Panics
/// Where something does not hold: see [`read`]; where the name would do something to a terminal.
pub fn os_release(data: &[u8]) {
    let inventory = read(MemoryRootfs::new().file("etc/os-release", data), data);
    if let Some(os) = inventory.os {
        for text in [&os.id, &os.version, &os.name] {
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
        assert!(!os.id.is_empty());
    }
}

/// Reads an inventory twice. It is the same; its order is that of its record; no package is without a
/// name and a version; and of the file no more is read than a few times its size.
fn read(rootfs: MemoryRootfs, file: &[u8]) -> Inventory {
    let rootfs = Counted::new(rootfs);
    let limits = InventoryLimits::default();
    let inventory = read_inventory(&rootfs, &limits).expect("memory does not fail");
    let (bytes, size) = (rootfs.bytes.get(), file.len() as u64);
    assert!(bytes <= 4 * size + 4096, "{bytes} were read of {size}");
    assert!(inventory.packages.is_sorted() && inventory.gaps.is_sorted());
    for package in &inventory.packages {
        for word in [&package.name, &package.version] {
            let odd = |c: char| c.is_control() || c.is_whitespace();
            assert!(!word.is_empty() && !word.contains(odd), "{package:?}");
        }
    }
    let again = read_inventory(&rootfs, &limits).expect("memory does not fail");
    assert_eq!(inventory, again);
    inventory
}
