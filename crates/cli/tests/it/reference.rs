//! The command reference: every help page is what is checked in, so that a change of the contract is
//! seen by whoever reviews it. `LONGSHORE_TEST_BLESS=1` writes the pages anew.

use std::{collections::BTreeMap, path::Path};

use clap::Command;

#[test]
fn every_help_page_is_the_one_that_is_checked_in() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let mut pages = BTreeMap::new();
    let mut command = longshore_cli::args::command().term_width(100);
    command.build();
    collect(&mut command, "longshore", &mut pages);

    if std::env::var_os("LONGSHORE_TEST_BLESS").is_some() {
        for (name, page) in &pages {
            std::fs::write(directory.join(name), page).unwrap();
        }
    }
    let checked_in: BTreeMap<String, String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&checked_in), names(&pages));
    for (name, page) in &pages {
        assert_eq!(
            &checked_in[name], page,
            "{name} changed; LONGSHORE_TEST_BLESS=1 accepts it"
        );
    }
}

/// The page of a command and of all below it.
fn collect(command: &mut Command, name: &str, pages: &mut BTreeMap<String, String>) {
    let page: String = command
        .render_long_help()
        .to_string()
        .lines()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect();
    pages.insert(format!("{name}.txt"), page);
    for below in command
        .get_subcommands_mut()
        .filter(|below| below.get_name() != "help")
    {
        let name = format!("{name}-{}", below.get_name());
        collect(below, &name, pages);
    }
}
