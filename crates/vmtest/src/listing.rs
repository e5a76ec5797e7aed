//! As much of libtest's command line as `cargo test` and `cargo nextest` use: each group is a test.

use std::{env, process::ExitCode};

use crate::{group::Group, host};

#[allow(clippy::print_stdout, reason = "a test's output is printed")]
pub(crate) fn run(groups: &[Group]) -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let names: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_chosen = |name: &str| match has("--exact") {
        true => names.iter().any(|chosen| *chosen == name),
        false => names.is_empty() || names.iter().any(|part| name.contains(part.as_str())),
    };
    if has("--list") {
        // None is ignored, and that list is asked for too.
        for group in groups.iter().filter(|_| !has("--ignored")) {
            println!("{}: test", group.name);
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for group in groups.iter().filter(|group| is_chosen(group.name)) {
        let passed = host::run(group);
        println!(
            "test {} ... {}",
            group.name,
            if passed { "ok" } else { "FAILED" }
        );
        failed += usize::from(!passed);
    }
    match failed {
        0 => ExitCode::SUCCESS,
        // As libtest ends.
        _ => ExitCode::from(101),
    }
}
