//! The model of the simulated filesystem: what is lost, torn, reordered, and what is not.

use std::{collections::BTreeSet, io, sync::Arc};

use longshore_durable::{
    Dir, Failure, File, Mode, PAGE_BYTES, Plan, Power, Simulated, Space, is_power_out,
};

const SEEDS: std::ops::Range<u64> = 0..200;

fn durable_file(dir: &dyn Dir, name: &str, content: &[u8]) -> Arc<dyn File> {
    let file = dir.open(name, Mode::CreateNew).unwrap();
    file.write_at(0, content).unwrap();
    file.sync().unwrap();
    dir.sync().unwrap();
    file
}

fn content(dir: &dyn Dir, name: &str) -> Vec<u8> {
    let file = dir.open(name, Mode::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

fn names(dir: &dyn Dir) -> Vec<String> {
    dir.list()
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect()
}

/// Every outcome that `look` sees over the seeds.
fn outcomes<T: Ord>(fs: &Simulated, look: impl Fn(&Simulated) -> T) -> BTreeSet<T> {
    SEEDS.map(|seed| look(&fs.crash(seed))).collect()
}

#[test]
fn what_was_synced_survives_every_crash() {
    let fs = Simulated::new();
    let inner = fs.dir("inner").unwrap();
    durable_file(&*inner, "a", &[7; 10_000]);
    let survived = |fs: &Simulated| content(&*fs.dir("inner").unwrap(), "a") == vec![7; 10_000];
    assert_eq!(outcomes(&fs, survived), [true].into());
}

#[test]
fn sectors_are_lost_torn_and_reordered() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[0; 8192]);
    file.write_at(0, &[1; 4096]).unwrap();
    file.write_at(4096, &[2; 4096]).unwrap();
    let seen = outcomes(&fs, |fs| content(fs, "a"));
    let all = |bytes: &[u8], value| bytes.iter().all(|&byte| byte == value);
    for bytes in &seen {
        for sector in bytes.chunks(512) {
            assert!(all(sector, sector[0]), "a sector is never torn");
        }
    }
    assert!(seen.iter().any(|bytes| all(bytes, 0)), "both lost");
    let only = |first, second| {
        let found = |bytes: &&Vec<u8>| all(&bytes[..4096], first) && all(&bytes[4096..], second);
        seen.iter().find(found).is_some()
    };
    assert!(only(1, 2) && only(1, 0), "kept, in order");
    assert!(only(0, 2), "the later one alone");
    let torn = |bytes: &Vec<u8>| bytes[..4096].contains(&0) && bytes[..4096].contains(&1);
    assert!(seen.iter().any(torn), "torn within a page");
}

#[test]
fn an_overwritten_version_may_be_what_survives() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[0; 512]);
    for version in 1..=4 {
        file.write_at(0, &[version; 512]).unwrap();
    }
    let seen = outcomes(&fs, |fs| content(fs, "a")[0]);
    assert_eq!(seen, [0, 1, 2, 3, 4].into());
}

#[test]
fn the_length_and_the_bytes_survive_apart() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", b"");
    file.write_at(0, &[1; 512]).unwrap();
    let seen = outcomes(&fs, |fs| content(fs, "a"));
    let expected = [vec![], vec![0; 512], vec![1; 512]];
    assert_eq!(seen, expected.into());
}

#[test]
fn a_truncation_that_was_not_synced_may_bring_the_bytes_back_and_a_synced_one_never() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[1; 1024]);
    file.set_len(512).unwrap();
    let lens = outcomes(&fs, |fs| content(fs, "a").len());
    assert_eq!(lens, [512, 1024].into());
    file.sync().unwrap();
    file.set_len(1024).unwrap();
    let seen = outcomes(&fs, |fs| content(fs, "a").get(512).copied());
    assert_eq!(seen, [None, Some(0)].into());
}

#[test]
fn a_hole_that_was_not_synced_may_be_none() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[1; 8192]);
    file.punch(0, 4096).unwrap();
    let seen = outcomes(&fs, |fs| content(fs, "a")[0]);
    assert_eq!(seen, [0, 1].into());
}

#[test]
fn names_that_were_not_synced_may_or_may_not_be_there() {
    let fs = Simulated::new();
    durable_file(&fs, "old", b"");
    fs.open("new", Mode::CreateNew).unwrap();
    fs.remove("old").unwrap();
    let strings = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let expected = [&["new", "old"][..], &["new"], &["old"], &[]].map(strings);
    assert_eq!(outcomes(&fs, |fs| names(fs)), expected.into());
    fs.sync().unwrap();
    assert_eq!(outcomes(&fs, |fs| names(fs)), [strings(&["new"])].into());
}

#[test]
fn a_rename_is_whole_or_not_at_all() {
    let fs = Simulated::new();
    durable_file(&fs, "a", b"new");
    durable_file(&fs, "b", b"old");
    fs.rename("a", "b").unwrap();
    let seen = outcomes(&fs, |fs| (names(fs).len(), content(fs, "b")));
    assert_eq!(seen, [(1, b"new".to_vec()), (2, b"old".to_vec())].into());
}

#[test]
fn a_rename_between_directories_needs_both_synced_the_target_first() {
    type Where = (bool, bool);
    let after = |sync_source, sync_target| -> BTreeSet<Where> {
        let fs = Simulated::new();
        let (from, to) = (fs.dir("from").unwrap(), fs.dir("to").unwrap());
        durable_file(&*from, "a", b"a");
        from.rename_into("a", &*to, "a").unwrap();
        if sync_target {
            to.sync().unwrap();
        }
        if sync_source {
            from.sync().unwrap();
        }
        outcomes(&fs, |fs| {
            let there = |dir| !names(&*fs.dir(dir).unwrap()).is_empty();
            (there("from"), there("to"))
        })
    };
    assert_eq!(after(false, false), [(true, false), (false, true)].into());
    assert_eq!(after(false, true), [(true, true), (false, true)].into());
    assert_eq!(after(true, false), [(false, false), (false, true)].into());
    assert_eq!(after(true, true), [(false, true)].into());
}

#[test]
fn a_clone_is_durable_after_its_own_sync() {
    let fs = Simulated::new();
    durable_file(&fs, "a", &[1; 512]);
    fs.clone_file("a", "b").unwrap();
    fs.sync().unwrap();
    let seen = outcomes(&fs, |fs| content(fs, "b"));
    assert_eq!(seen, [vec![], vec![0; 512], vec![1; 512]].into());
    fs.open("b", Mode::Read).unwrap().sync().unwrap();
    assert_eq!(outcomes(&fs, |fs| content(fs, "b")), [vec![1; 512]].into());
}

#[test]
fn equal_seeds_leave_equal_filesystems() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[0; 100_000]);
    file.write_at(5, &[1; 90_000]).unwrap();
    for seed in SEEDS {
        assert!(content(&fs.crash(seed), "a") == content(&fs.crash(seed), "a"));
    }
}

#[test]
fn a_crash_of_a_crash_loses_nothing_more() {
    let fs = Simulated::new();
    durable_file(&fs, "a", &[1; 512])
        .write_at(0, &[2; 512])
        .unwrap();
    for seed in SEEDS {
        let once = fs.crash(seed);
        assert_eq!(content(&once.crash(0), "a"), content(&once, "a"));
    }
}

#[test]
fn a_failed_sync_is_not_made_good_by_a_second_one() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[0; 512]);
    file.write_at(0, &[1; 512]).unwrap();
    fs.power()
        .plan(Plan::FailOnce(fs.power().changes() + 1, Failure::Io));
    file.sync().unwrap_err();
    file.sync().unwrap();
    assert_eq!(content(&fs, "a"), [1; 512]);
    assert_eq!(outcomes(&fs, |fs| content(fs, "a")[0]), [0, 1].into());
    file.write_at(0, &[2]).unwrap();
    file.sync().unwrap();
    assert_eq!(outcomes(&fs, |fs| content(fs, "a")[0]), [2].into());
}

#[test]
fn a_length_whose_sync_failed_is_not_made_good_by_a_second_one() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[1; 512]);
    file.set_len(1024).unwrap();
    let next = fs.power().changes() + 1;
    fs.power().plan(Plan::FailOnce(next, Failure::Io));
    file.sync().unwrap_err();
    file.sync().unwrap();
    let lens = || outcomes(&fs, |fs| content(fs, "a").len());
    assert_eq!(lens(), [512, 1024].into());
    file.set_len(2048).unwrap();
    file.sync().unwrap();
    assert_eq!(lens(), [2048].into());
}

#[test]
fn a_page_that_ends_past_the_file_is_freed_with_its_last_byte() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[1; 5000]);
    file.punch(4096, 904).unwrap();
    assert_eq!(file.allocated().unwrap(), PAGE_BYTES);
    file.write_at(4096, &[1; 904]).unwrap();
    file.set_len(4096).unwrap();
    assert_eq!(file.allocated().unwrap(), PAGE_BYTES);
}

#[test]
fn a_failed_sync_of_a_directory_is_not_made_good_by_a_second_one() {
    let fs = Simulated::new();
    fs.open("a", Mode::CreateNew).unwrap();
    fs.power()
        .plan(Plan::FailOnce(fs.power().changes() + 1, Failure::Io));
    fs.sync().unwrap_err();
    fs.sync().unwrap();
    assert_eq!(outcomes(&fs, |fs| names(fs).len()), [0, 1].into());
    fs.remove("a").unwrap();
    fs.sync().unwrap();
    assert_eq!(outcomes(&fs, |fs| names(fs).len()), [0].into());
}

#[test]
fn a_failed_write_is_a_short_one() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[0; 4096]);
    fs.power()
        .plan(Plan::FailOnce(fs.power().changes() + 1, Failure::NoSpace));
    let error = file.write_at(0, &[1; 4096]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let bytes = content(&fs, "a");
    assert_eq!(
        (&bytes[..2048], &bytes[2048..]),
        (&[1; 2048][..], &[0; 2048][..])
    );
}

#[test]
fn nothing_works_without_power_and_the_change_it_went_out_in_is_open() {
    let fs = Simulated::new();
    let file = durable_file(&fs, "a", &[0; 512]);
    fs.power().plan(Plan::CutAt(fs.power().changes() + 2));
    file.write_at(0, &[1; 512]).unwrap();
    let errors = [
        file.sync().unwrap_err(),
        file.sync().unwrap_err(),
        file.read_at(0, &mut [0]).unwrap_err(),
        fs.list().unwrap_err(),
        fs.open("a", Mode::Read).unwrap_err(),
        fs.dir("d").unwrap_err(),
    ];
    assert!(errors.iter().all(is_power_out));
    assert_eq!(fs.power().struck().unwrap(), "change 6: sync of a");
    assert_eq!(outcomes(&fs, |fs| content(fs, "a")[0]), [0, 1].into());
}

#[test]
fn another_component_counts_in_the_same_sequence() {
    let power = Power::new();
    let fs = Simulated::with(power.clone(), Space::unlimited(), true);
    fs.open("a", Mode::CreateNew).unwrap();
    power.step("commit", || Ok(())).unwrap();
    fs.sync().unwrap();
    assert_eq!(power.changes(), 3);
    power.cut();
    assert!(is_power_out(&power.step("commit", || Ok(())).unwrap_err()));
}

#[test]
fn a_full_filesystem_refuses_and_a_durable_removal_makes_room() {
    let fs = Simulated::with(Power::new(), Space::limited(2 * PAGE_BYTES), true);
    let file = durable_file(&fs, "a", &[1; 8192]);
    assert_eq!(fs.available().unwrap(), Some(0));
    let error = file.write_at(8192, &[1]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    fs.clone_file("a", "b").unwrap();
    drop(file);
    fs.remove("a").unwrap();
    fs.remove("b").unwrap();
    fs.sync().unwrap();
    assert_eq!(fs.available().unwrap(), Some(2 * PAGE_BYTES));
    let crashed = fs.crash(0);
    assert_eq!(crashed.available().unwrap(), Some(2 * PAGE_BYTES));
}
