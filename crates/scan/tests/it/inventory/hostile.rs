//! Databases that are made to break whatever reads them.

use std::fmt::Write;

use longshore_scan::{Inventory, InventoryLimits, MemoryRootfs, Reason, read_inventory};

use super::{
    counted::Counted,
    elf_file::{self, Shape},
    rpm_file,
    sqlite::read as read_rpm,
};

const STATUS: &str = "var/lib/dpkg/status";
const INSTALLED: &str = "lib/apk/db/installed";
const PAGE: usize = 512;

fn read(rootfs: &MemoryRootfs) -> Inventory {
    read_inventory(rootfs, &InventoryLimits::default()).expect("memory does not fail")
}

fn os(id: &str) -> MemoryRootfs {
    MemoryRootfs::new().file("etc/os-release", format!("ID={id}\nVERSION_ID=12.1\n"))
}

/// A database whose table has several leaves, and rows that go on in chains.
fn database() -> Vec<u8> {
    let headers: Vec<_> = (0..12)
        .map(|nth| rpm_file::plain(&format!("p{nth}{}", "x".repeat(60 * nth)), "1"))
        .collect();
    rpm_file::database(&headers, PAGE, 0)
}

fn problem(inventory: &Inventory) -> String {
    match &inventory.gaps[..] {
        [Reason::Unreadable { problem, .. }] => problem.clone(),
        other => panic!("{other:?}"),
    }
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
}

/// The first page that a row of the database goes on in, and the place that points to it.
fn chain(database: &[u8]) -> usize {
    let pages = database.len() / PAGE;
    let points = |page: usize| {
        let next = u32::try_from(page + 2)
            .expect("tests are small")
            .to_be_bytes();
        page + 2 <= pages && database[page * PAGE..].starts_with(&next)
    };
    (2..pages)
        .find(|page| points(*page))
        .expect("one row is long")
}

#[test]
fn pages_in_a_circle_are_an_error() {
    let good = database();
    assert_eq!(read_rpm(good.clone()).gaps, []);
    let root = PAGE;
    assert_eq!(good[root], 5, "the table has several leaves");
    let first_child = root + 12;
    let cell = root
        + usize::from(u16::from_be_bytes([
            good[first_child],
            good[first_child + 1],
        ]));
    for (at, page, what) in [
        (cell, 2, "page 2 is used twice"),
        (cell, 1, "page 1 is used twice"),
        (root + 8, 2, "page 2 is used twice"),
        (cell, 0, "it points to page 0"),
        (cell, u32::MAX, "it points to page 4294967295"),
    ] {
        let mut bad = good.clone();
        put(&mut bad, at, page);
        assert!(problem(&read_rpm(bad)).contains(what), "{what}");
    }
}

#[test]
fn chains_in_a_circle_or_of_the_wrong_length_are_an_error() {
    let good = database();
    let page = chain(&good);
    let own = u32::try_from(page + 1).unwrap();
    for (next, what) in [
        (own, "is used twice"),
        (1, "page 1 is used twice"),
        (0, "a row ends before its bytes do"),
        (99_999, "it points to page 99999"),
    ] {
        let mut bad = good.clone();
        put(&mut bad, page * PAGE, next);
        let inventory = read_rpm(bad);
        assert!(
            problem(&inventory).contains(what),
            "{what}: {:?}",
            inventory.gaps
        );
        assert!(!inventory.packages.is_empty(), "what was before it is read");
    }
}

#[test]
fn a_chain_that_goes_on_after_its_row_is_an_error() {
    let mut bad = database();
    let mut last = chain(&bad);
    while bad[last * PAGE..].starts_with(&u32::try_from(last + 2).expect("small").to_be_bytes()) {
        last += 1;
    }
    assert!(bad[last * PAGE..].starts_with(&[0; 4]), "the chain ends");
    put(&mut bad, last * PAGE, 2);
    assert!(problem(&read_rpm(bad)).contains("a row goes on after its end"));
}

#[test]
fn cells_that_are_not_in_their_page_are_an_error() {
    let good = database();
    let leaf = (2..good.len() / PAGE)
        .find(|page| good[page * PAGE] == 13)
        .unwrap()
        * PAGE;
    for (at, bytes, what) in [
        (leaf + 8, [0xff, 0xff], "not within its page"),
        (leaf + 8, [0, 0], "not within its page"),
        (leaf + 3, [0xff, 0xff], "more cells than it has room for"),
        (leaf, [2, 0], "a page is not one of a table"),
    ] {
        let mut bad = good.clone();
        bad[at..at + 2].copy_from_slice(&bytes);
        assert!(problem(&read_rpm(bad)).contains(what), "{what}");
    }
}

#[test]
fn a_tree_deeper_than_sqlite_makes_them_is_an_error() {
    // Pages of one child each, and a root that points to the first of them.
    let mut deep = rpm_file::database(&[rpm_file::plain("a", "1")], PAGE, 0);
    let leaf = deep[PAGE..2 * PAGE].to_vec();
    for page in 2..40_u32 {
        deep[usize::try_from(page - 1).unwrap() * PAGE..][..PAGE].fill(0);
        let at = usize::try_from(page - 1).unwrap() * PAGE;
        deep[at] = 5;
        put(&mut deep, at + 8, page + 1);
        deep.extend_from_slice(&leaf);
    }
    put(&mut deep, 28, 40);
    assert!(problem(&read_rpm(deep)).contains("deeper"));
}

#[test]
fn a_database_cut_off_anywhere_is_never_whole() {
    let good = database();
    for len in (1..good.len()).step_by(7) {
        let inventory = read_rpm(good[..len].to_vec());
        assert_ne!(inventory.gaps, [], "{len}");
    }
}

#[test]
fn executables_cut_off_anywhere_are_never_known() {
    let lines = "path\tx\ndep\tgolang.org/x/net\tv0.1.0\th1:x=\n";
    for inline in [true, false] {
        let sections = false;
        let go = elf_file::go(
            Shape {
                inline,
                sections,
                ..Shape::MODERN
            },
            "go1.24.4",
            lines,
        );
        // After the information are the names of sections, which nothing points to.
        let end = go.len() - "\0.go.buildinfo\0.shstrtab\0".len();
        for len in 4..end {
            let inventory = read(&MemoryRootfs::new().file("app", &go[..len]));
            assert!(
                inventory.gaps.contains(&Reason::OsUnknown),
                "{inline} {len}"
            );
        }
        assert_eq!(read(&MemoryRootfs::new().file("app", &go[..end])).gaps, []);
    }
}

#[test]
fn texts_cut_off_within_a_line_are_never_whole() {
    let status =
        "Package: a\nStatus: install ok installed\nVersion: 1\nSource: b (2)\n\n".repeat(3);
    let installed = "P:a\nV:1\no:b\n\n".repeat(3);
    for (id, path, text) in [("debian", STATUS, status), ("alpine", INSTALLED, installed)] {
        for len in 1..text.len() {
            let gaps = read(&os(id).file(path, &text[..len])).gaps;
            let whole = text[..len].ends_with('\n');
            let cut_off = |gap: &Reason| gap.to_string().contains("middle of a line");
            assert_eq!(gaps.iter().any(cut_off), !whole, "{len}: {gaps:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_no_names() {
    for bytes in [
        &b"Package: \xff\xfe\nVersion: 1\n\n"[..],
        b"Package: a\0b\nVersion: 1\n\n",
        b"Package: a\nVersion: 1\x1b[0m\n\n",
        b"\0\0\0\0\n",
    ] {
        let inventory = read(&os("debian").file(STATUS, bytes));
        assert!(inventory.packages.is_empty());
        assert!(problem(&inventory).contains("an entry is not understood"));
    }
    // What is only shown is made into text.
    let text = b"Package: a\nVersion: 1\nArchitecture: \xff\x1b\n\n";
    let inventory = read(&os("debian").file(STATUS, &text[..]));
    assert_eq!(
        inventory.packages[0].arch.as_deref(),
        Some("\u{fffd}\u{fffd}")
    );
}

#[test]
fn a_million_entries_are_read_to_the_limit() {
    let mut text = String::new();
    for nth in 0..1_000_000 {
        writeln!(text, "Package: p{nth}\nVersion: 1\n").unwrap();
    }
    let rootfs = Counted::new(os("debian").file(STATUS, text));
    let limits = InventoryLimits::default();
    let inventory = read_inventory(&rootfs, &limits).expect("memory does not fail");
    assert_eq!(inventory.packages.len(), limits.packages);
    assert!(
        matches!(&inventory.gaps[..], [Reason::LimitHit { path, .. }] if path == "/var/lib/dpkg/status")
    );
    assert!(
        rootfs.bytes.get() < 4 << 20,
        "no more was read than was needed"
    );
}

#[test]
fn a_million_entries_without_names_are_one_gap() {
    let text = "V:1\n\n".repeat(1_000_000);
    let limits = InventoryLimits {
        packages: 2_000_000,
        ..InventoryLimits::default()
    };
    let rootfs = os("alpine").file(INSTALLED, text);
    let inventory = read_inventory(&rootfs, &limits).expect("memory does not fail");
    assert!(
        problem(&inventory).starts_with("1000000 entries are not understood (the first at line 1:")
    );
}

#[test]
fn a_line_without_an_end_costs_no_memory() {
    let rootfs = Counted::new(os("debian").file(STATUS, vec![b'x'; 64 << 20]));
    let inventory =
        read_inventory(&rootfs, &InventoryLimits::default()).expect("memory does not fail");
    assert_eq!(inventory.gaps.len(), 2);
    assert!(rootfs.bytes.get() < 65 << 20);
}

#[test]
fn executables_that_have_to_be_searched_are_searched_to_the_limit() {
    // Each says that all of it is data, and has nothing in it.
    let mut large = elf_file::plain(Shape {
        sections: false,
        ..Shape::MODERN
    });
    large.resize(1 << 20, 0);
    large[64 + 32..64 + 40].copy_from_slice(&u64::MAX.to_le_bytes());
    let rootfs = (0..8).fold(MemoryRootfs::new(), |rootfs, nth| {
        rootfs.executable(&format!("app{nth}"), large.clone())
    });
    let limits = InventoryLimits {
        executable_bytes: 3 << 20,
        ..InventoryLimits::default()
    };
    let rootfs = Counted::new(rootfs);
    let inventory = read_inventory(&rootfs, &limits).expect("memory does not fail");
    let hit = |gap: &Reason| matches!(gap, Reason::LimitHit { path, .. } if path == "/app3" || path == "/app2");
    assert!(inventory.gaps.iter().any(hit), "{:?}", inventory.gaps);
    assert!(rootfs.bytes.get() < limits.executable_bytes + 1000);
}
