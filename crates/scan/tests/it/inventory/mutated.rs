//! Whatever is done to a valid database or executable: an answer, the same each time, and no more read
//! than there is.

use longshore_scan::{InventoryLimits, MemoryRootfs, read_inventory};
use proptest::{prelude::*, sample::Index, test_runner::RngSeed};

use super::{
    counted::Counted,
    elf_file::{self, Shape},
    rpm_file,
};

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index),
    /// What is in one place is put into another too.
    Copy(Index, Index, usize),
    Insert(Index, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let telling = prop::sample::select(vec![0, 1, 2, 5, 13, 0x7f, 0x80, 0xff, b'\n', b' ', b':']);
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (at(), telling).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), at(), 1..600_usize).prop_map(|(from, to, len)| Change::Copy(from, to, len)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    match change {
        Change::Set(at, byte) => *at.get_mut(bytes) = *byte,
        Change::Flip(at, bit) => *at.get_mut(bytes) ^= 1 << bit,
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Change::Copy(from, to, len) => {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let len = (*len).min(bytes.len() - from.max(to));
            bytes.copy_within(from..from + len, to);
        }
        Change::Insert(at, new) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, new.iter().copied());
        }
    }
}

/// Changes the bytes at `path`, after `fixed` of them, and reads what comes of it twice.
fn survives(
    path: &str,
    mut bytes: Vec<u8>,
    fixed: usize,
    changes: &[Change],
) -> Result<(), TestCaseError> {
    let mut changed = bytes.split_off(fixed);
    for change in changes {
        apply(&mut changed, change);
    }
    bytes.extend(changed);
    let size = bytes.len() as u64;
    let rootfs = Counted::new(MemoryRootfs::new().executable(path, bytes));
    let limits = InventoryLimits::default();
    let inventory = read_inventory(&rootfs, &limits).expect("memory does not fail");
    // The headers of the file, and once more in search of executables.
    prop_assert!(
        rootfs.bytes.get() <= 4 * size + 4096,
        "{} of {size}",
        rootfs.bytes.get()
    );
    let again = read_inventory(&rootfs, &limits).expect("memory does not fail");
    prop_assert_eq!(inventory, again);
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn databases_of_rpm_survive(changes in prop::collection::vec(change(), 1..6), keep_head: bool) {
        let headers: Vec<_> = (0..12)
            .map(|nth| rpm_file::plain(&format!("p{nth}{}", "x".repeat(60 * nth)), "1"))
            .collect();
        let bytes = rpm_file::database(&headers, 512, 0);
        let fixed = if keep_head { 100 } else { 0 };
        survives("var/lib/rpm/rpmdb.sqlite", bytes, fixed, &changes)?;
    }

    #[test]
    fn databases_of_dpkg_survive(changes in prop::collection::vec(change(), 1..6)) {
        let text = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n\
                    Source: glibc (2.36-9)\nVersion: 2.36-9+b1\nDescription: C\n library\n\n\
                    Package: old\nStatus: deinstall ok config-files\n\n";
        survives("var/lib/dpkg/status", text.repeat(3).into_bytes(), 0, &changes)?;
    }

    #[test]
    fn databases_of_apk_survive(changes in prop::collection::vec(change(), 1..6)) {
        let text = "C:Q1=\nP:musl\nV:1.2.4-r1\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld.so\n\n";
        survives("lib/apk/db/installed", text.repeat(3).into_bytes(), 0, &changes)?;
    }

    #[test]
    fn executables_survive(changes in prop::collection::vec(change(), 1..6), bits in 0..16_u8, keep_magic: bool) {
        let bit = |nth: u8| bits & (1 << nth) != 0;
        let shape = Shape { wide: bit(0), big_endian: bit(1), inline: bit(2), sections: bit(3) };
        let lines = "path\tx\nmod\tx\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x=\n";
        let fixed = if keep_magic { 6 } else { 0 };
        survives("app", elf_file::go(shape, "go1.24.4", lines), fixed, &changes)?;
    }

    #[test]
    fn names_of_systems_survive(changes in prop::collection::vec(change(), 1..6)) {
        let text = "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID='12'\nID_LIKE=\"a b\"\n";
        survives("etc/os-release", text.as_bytes().to_vec(), 0, &changes)?;
    }
}
