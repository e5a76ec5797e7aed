//! For each reason why an inventory may not be all, an image that has it.

use longshore_scan::{
    INVENTORY_FORMAT, Inventory, InventoryLimits, MemoryRootfs, PackageKind, Reason, RootfsError,
    read_inventory,
};

use super::{
    counted::Counted,
    elf_file::{self, Shape},
    rpm_file,
};

const STATUS: &str = "var/lib/dpkg/status";
const ONE: &str = "Package: a\nStatus: install ok installed\nVersion: 1\n\n";
const MODULES: &str =
    "path\tx\nmod\texample.com/x\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x=\n";

fn read(rootfs: &MemoryRootfs) -> Inventory {
    read_inventory(rootfs, &InventoryLimits::default()).expect("memory does not fail")
}

fn debian() -> MemoryRootfs {
    let text = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
    MemoryRootfs::new().file("etc/os-release", text)
}

fn os(id: &str, version: &str) -> MemoryRootfs {
    let text = format!("ID={id}\nVERSION_ID={version}\n");
    MemoryRootfs::new().file("etc/os-release", text)
}

fn deleted(manager: &str, trace: &str) -> Reason {
    Reason::PackageDatabaseDeleted {
        manager: manager.to_owned(),
        trace: trace.to_owned(),
    }
}

fn none_of(manager: &str) -> Reason {
    let manager = manager.to_owned();
    Reason::NoPackageDatabase { manager }
}

#[test]
fn a_whole_image_has_no_gaps() {
    let inventory = read(&debian().file(STATUS, ONE));
    assert_eq!(inventory.gaps, []);
    assert_eq!(inventory.format, INVENTORY_FORMAT);
    let os = inventory.os.expect("it says what it is");
    assert_eq!(
        os.stream().map(|it| it.to_string()).as_deref(),
        Some("Debian:12")
    );
    assert_eq!(os.name, "Debian GNU/Linux 12 (bookworm)");
    assert_eq!((inventory.packages.len(), inventory.executables), (1, 0));
}

#[test]
fn an_unknown_system_is_a_gap_beside_its_packages() {
    let inventory = read(
        &MemoryRootfs::new()
            .file(STATUS, ONE)
            .executable("bin/a", "x"),
    );
    assert_eq!(inventory.gaps, [Reason::OsUnknown]);
    assert_eq!((inventory.packages.len(), inventory.executables), (1, 0));
}

#[test]
fn nothing_at_all_is_an_unknown_system() {
    assert_eq!(read(&MemoryRootfs::new()).gaps, [Reason::OsUnknown]);
    let data = MemoryRootfs::new()
        .file("data/x", "x")
        .executable("data/empty", "");
    assert_eq!(read(&data).gaps, [Reason::OsUnknown]);
}

#[test]
fn a_system_without_advisories_is_a_gap_beside_its_packages() {
    let rootfs = os("centos", "7").file(
        "var/lib/rpm/rpmdb.sqlite",
        rpm_file::database(&[rpm_file::plain("bash", "5.1")], 4096, 0),
    );
    let inventory = read(&rootfs);
    let os = "centos 7".to_owned();
    assert_eq!(inventory.gaps, [Reason::OsUnsupported { os }]);
    assert_eq!(inventory.packages.len(), 1);
}

#[test]
fn a_system_without_a_database_is_told_from_one_that_had_one() {
    assert_eq!(read(&debian()).gaps, [none_of("dpkg")]);
    assert_eq!(read(&debian().file(STATUS, "")).gaps, [none_of("dpkg")]);
    assert_eq!(read(&os("alpine", "3.19.1")).gaps, [none_of("apk")]);
    assert_eq!(read(&os("rocky", "9.3")).gaps, [none_of("rpm")]);
    for (rootfs, manager, path) in [
        (debian(), "dpkg", "usr/bin/dpkg"),
        (debian().file(STATUS, ""), "dpkg", "var/lib/dpkg/status-old"),
        (
            debian().file(STATUS, "Package: a\nStatus: purge ok not-installed\n"),
            "dpkg",
            "var/lib/dpkg/available",
        ),
        (os("alpine", "3.19.1"), "apk", "sbin/apk"),
        (
            os("alpine", "3.19.1").file("lib/apk/db/installed", ""),
            "apk",
            "etc/apk/world",
        ),
        (os("rocky", "9.3"), "rpm", "usr/bin/rpm"),
        (
            os("rocky", "9.3").file("var/lib/rpm/rpmdb.sqlite", ""),
            "rpm",
            "var/lib/dnf/history.sqlite",
        ),
    ] {
        let trace = format!("/{path} is there, and no package is installed");
        let inventory = read(&rootfs.file(path, "x"));
        assert_eq!(inventory.gaps, [deleted(manager, &trace)]);
    }
}

#[test]
fn entries_that_were_taken_out_are_seen_by_what_they_left() {
    let rootfs = debian()
        .file(STATUS, ONE)
        .file("var/lib/dpkg/info/a.list", "/bin/a\n");
    assert_eq!(read(&rootfs).gaps, []);
    let rootfs = rootfs.file("var/lib/dpkg/info/openssl.list", "/usr/bin/openssl\n");
    let trace = "/var/lib/dpkg/info/openssl.list is there, and its package has no entry";
    assert_eq!(read(&rootfs).gaps, [deleted("dpkg", trace)]);
    let rootfs = debian().file("var/lib/dpkg/info/openssl.list", "");
    assert_eq!(read(&rootfs).gaps, [deleted("dpkg", trace)]);
    // Without the system's name, and without what says that it had packages.
    let rootfs = MemoryRootfs::new().file("var/lib/dpkg/info/openssl.list", "");
    assert_eq!(
        read(&rootfs).gaps,
        [Reason::OsUnknown, deleted("dpkg", trace)]
    );
}

#[test]
fn programs_of_another_manager_say_nothing() {
    let rootfs = debian().file(STATUS, ONE).executable("usr/bin/rpm", "x");
    assert_eq!(read(&rootfs).gaps, []);
}

#[test]
fn what_cannot_be_read_is_a_gap_whatever_it_is() {
    for (id, version, path) in [
        ("debian", "12", STATUS),
        ("alpine", "3.19.1", "lib/apk/db/installed"),
        ("rocky", "9.3", "var/lib/rpm/rpmdb.sqlite"),
    ] {
        for (what, rootfs) in [
            ("a device", os(id, version).fifo(path)),
            ("a directory", os(id, version).dir(path)),
            ("damaged", os(id, version).damaged(path)),
        ] {
            let gaps = read(&rootfs).gaps;
            let said = matches!(&gaps[..], [Reason::Unreadable { path: at, problem }]
                if *at == format!("/{path}") && problem.contains(what));
            assert!(said, "{what}: {gaps:?}");
        }
        let into_a_loop = os(id, version).symlink(path, path.rsplit('/').next().unwrap());
        assert!(matches!(
            &read(&into_a_loop).gaps[..],
            [Reason::NoPackageDatabase { .. }]
        ));
    }
    let elsewhere = debian()
        .symlink(STATUS, "/data/status")
        .file("data/status", ONE);
    assert_eq!(read(&elsewhere).gaps, []);
    assert_eq!(
        read(&elsewhere).packages[0].found_in,
        "/var/lib/dpkg/status"
    );
}

#[test]
fn changes_that_are_not_in_the_database_yet_are_a_gap() {
    let database = rpm_file::database(&[rpm_file::plain("bash", "5.1")], 4096, 0);
    let rootfs = os("rocky", "9.3").file("var/lib/rpm/rpmdb.sqlite", database);
    assert_eq!(read(&rootfs).gaps, []);
    let emptied = rootfs.clone().file("var/lib/rpm/rpmdb.sqlite-wal", "");
    assert_eq!(read(&emptied).gaps, []);
    let with_log = rootfs.file("var/lib/rpm/rpmdb.sqlite-wal", "x");
    let gaps = read(&with_log).gaps;
    assert!(
        matches!(&gaps[..], [Reason::Unreadable { path, .. }] if path == "/var/lib/rpm/rpmdb.sqlite-wal")
    );
}

#[test]
fn a_static_go_image_is_complete() {
    let rootfs = MemoryRootfs::new()
        .executable("app", elf_file::go(Shape::MODERN, "go1.24.4", MODULES))
        .file("etc/ssl/certs/ca.pem", "x");
    let inventory = read(&rootfs);
    assert_eq!(inventory.gaps, []);
    assert_eq!(inventory.executables, 1);
    let found: Vec<_> = inventory
        .packages
        .iter()
        .map(|it| {
            (
                it.kind,
                it.name.as_str(),
                it.version.as_str(),
                it.found_in.as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (PackageKind::Go, "golang.org/x/net", "v0.1.0", "/app"),
            (PackageKind::Go, "stdlib", "1.24.4", "/app")
        ]
    );
}

#[test]
fn every_shape_of_elf_says_the_same() {
    for bits in 0..16 {
        let bit = |nth: u8| bits & (1 << nth) != 0;
        let shape = Shape {
            wide: bit(0),
            big_endian: bit(1),
            inline: bit(2),
            sections: bit(3),
        };
        let go = elf_file::go(shape, "go1.17.2", MODULES);
        let inventory = read(&MemoryRootfs::new().file("app", go));
        assert_eq!(inventory.gaps, [], "{shape:?}");
        assert_eq!(inventory.packages.len(), 2, "{shape:?}");
        let plain = MemoryRootfs::new().file("app", elf_file::plain(shape));
        assert_eq!(read(&plain).gaps.len(), 2, "{shape:?}");
    }
}

#[test]
fn executables_that_say_nothing_are_counted_and_some_named() {
    let mut rootfs = MemoryRootfs::new()
        .executable("go", elf_file::go(Shape::MODERN, "go1.24.4", MODULES))
        .executable("old", elf_file::go(Shape::MODERN, "go1.12", ""))
        .file("lib/x.so", elf_file::plain(Shape::MODERN))
        .executable("run.sh", "#!/bin/sh\n")
        .file("README", "not one");
    for nth in (0..5).rev() {
        rootfs = rootfs.executable(&format!("bin/{nth}"), "x");
    }
    let inventory = read(&rootfs);
    assert_eq!(inventory.executables, 9);
    let examples = ["/bin/0", "/bin/1", "/bin/2", "/bin/3", "/bin/4"].map(str::to_owned);
    let unidentified = Reason::UnidentifiedExecutables {
        count: 8,
        examples: examples.to_vec(),
    };
    assert_eq!(inventory.gaps, [Reason::OsUnknown, unidentified]);
    let stdlibs = inventory.packages.iter().filter(|it| it.name == "stdlib");
    assert_eq!(
        stdlibs.count(),
        2,
        "that of the old one is known, if nothing else is"
    );
}

#[test]
fn executables_that_cannot_be_read_are_a_gap() {
    let rootfs =
        MemoryRootfs::new().executable("go", elf_file::go(Shape::MODERN, "go1.24.4", MODULES));
    // Not even whether it is one can be said.
    let damaged = rootfs.clone().damaged("bin/x").damaged("bin/y");
    let gaps = read(&damaged).gaps;
    let [
        Reason::OsUnknown,
        Reason::Unreadable { path, .. },
        unidentified,
    ] = &gaps[..]
    else {
        panic!("{gaps:?}");
    };
    assert_eq!(path, "/bin/x");
    let examples = vec!["/bin/x".to_owned(), "/bin/y".to_owned()];
    assert_eq!(
        *unidentified,
        Reason::UnidentifiedExecutables { count: 2, examples }
    );
    let unreadable_release = rootfs.fifo("etc/os-release");
    let gaps = read(&unreadable_release).gaps;
    assert!(
        matches!(&gaps[..], [Reason::OsUnknown, Reason::Unreadable { .. }]),
        "{gaps:?}"
    );
}

#[test]
fn every_limit_is_a_gap_and_what_was_read_before_it_stays() {
    let limited = |rootfs: &MemoryRootfs, change: fn(&mut InventoryLimits)| {
        let mut limits = InventoryLimits::default();
        change(&mut limits);
        read_inventory(rootfs, &limits).expect("memory does not fail")
    };
    let hit = |inventory: &Inventory, at: &str| {
        let hits = |gap: &Reason| matches!(gap, Reason::LimitHit { path, .. } if path == at);
        assert!(
            inventory.gaps.iter().any(hits),
            "{at}: {:?}",
            inventory.gaps
        );
    };
    let three = debian().file(
        STATUS,
        [ONE, &ONE.replace(": a", ": b"), &ONE.replace(": a", ": c")].concat(),
    );
    let inventory = limited(&three, |limits| limits.packages = 2);
    hit(&inventory, "/var/lib/dpkg/status");
    assert_eq!(inventory.packages.len(), 2);
    hit(
        &limited(&three, |limits| limits.text_bytes = 10),
        "/var/lib/dpkg/status",
    );
    hit(
        &limited(&three, |limits| limits.release_bytes = 10),
        "/etc/os-release",
    );
    let files = (0..3).fold(debian(), |rootfs, nth| {
        rootfs.file(&format!("var/lib/dpkg/status.d/{nth}"), ONE)
    });
    let both = |limits: &mut InventoryLimits| limits.text_bytes = 2 * ONE.len() as u64;
    let inventory = limited(&files, both);
    hit(&inventory, "/var/lib/dpkg/status.d/2");
    assert_eq!(inventory.packages.len(), 2);
    hit(
        &limited(&files, |limits| limits.status_files = 2),
        "/var/lib/dpkg/status.d",
    );
    let lists = (0..3).fold(three, |rootfs, nth| {
        rootfs.file(&format!("var/lib/dpkg/info/{nth}.list"), "")
    });
    hit(
        &limited(&lists, |limits| limits.listed = 2),
        "/var/lib/dpkg/info",
    );

    let path = "var/lib/rpm/rpmdb.sqlite";
    let headers = [
        rpm_file::plain("a", "1"),
        rpm_file::plain(&"b".repeat(300), "1"),
    ];
    let rpm = os("rocky", "9.3").file(path, rpm_file::database(&headers, 512, 0));
    hit(
        &limited(&rpm, |limits| limits.rpm_bytes = 1023),
        "/var/lib/rpm/rpmdb.sqlite",
    );
    let inventory = limited(&rpm, |limits| limits.header_bytes = 400);
    hit(&inventory, "/var/lib/rpm/rpmdb.sqlite");
    assert_eq!(inventory.packages.len(), 1);
    let inventory = limited(&rpm, |limits| limits.value_bytes = 100);
    assert!(
        inventory.gaps[0]
            .to_string()
            .contains("its name is too long")
    );

    let go = || elf_file::go(Shape::MODERN, "go1.24.4", MODULES);
    let two = MemoryRootfs::new()
        .executable("a", go())
        .executable("b", go());
    for (at, change) in [
        (
            "/",
            (|limits| limits.walked = 1) as fn(&mut InventoryLimits),
        ),
        ("/", |limits| limits.executables = 1),
        ("/a", |limits| limits.executable_bytes = 300),
        ("/a", |limits| limits.build_info_bytes = 20),
        ("/b", |limits| limits.packages = 3),
    ] {
        let inventory = limited(&two, change);
        hit(&inventory, at);
        assert!(inventory.gaps.contains(&Reason::OsUnknown));
    }
}

#[test]
fn only_the_hosts_failure_ends_it_wherever_it_comes() {
    let rpm = rpm_file::database(&[rpm_file::plain("bash", "5.1")], 4096, 0);
    let go = elf_file::go(Shape::MODERN, "go1.24.4", MODULES);
    for rootfs in [
        debian()
            .file(STATUS, ONE)
            .file("var/lib/dpkg/status.d/b", ONE),
        os("alpine", "3.19.1").file("lib/apk/db/installed", "P:a\nV:1\n\n"),
        os("rocky", "9.3").file("var/lib/rpm/rpmdb.sqlite", rpm),
        MemoryRootfs::new().executable("go", go),
    ] {
        let whole = read(&rootfs);
        let mut answers = 0;
        loop {
            let failing = Counted::failing_after(rootfs.clone(), answers);
            match read_inventory(&failing, &InventoryLimits::default()) {
                Ok(inventory) => {
                    assert_eq!(inventory, whole);
                    break;
                }
                Err(error) => assert!(matches!(error, RootfsError::Host(_)), "{error:?}"),
            }
            answers += 1;
        }
        assert!(answers > 15, "it was asked {answers} times");
    }
}

#[test]
fn a_record_is_read_back_as_it_was_written() {
    let inventory = read(
        &os("centos", "7")
            .file(STATUS, ONE)
            .damaged("lib/apk/db/installed"),
    );
    let json = serde_json::to_vec(&inventory).expect("it is plain data");
    assert_eq!(
        serde_json::from_slice::<Inventory>(&json).expect("it is its own"),
        inventory
    );
}
