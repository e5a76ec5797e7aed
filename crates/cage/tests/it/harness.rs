//! As much of libtest's command line as `cargo test` and `cargo nextest` use.

use std::{env, panic, process::ExitCode};

/// A test with its name.
pub(crate) type Test = (&'static str, fn());

/// Lists the tests, or runs those that the arguments choose, one after another.
pub(crate) fn run(tests: &[&[Test]]) -> ExitCode {
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
        for (name, _) in tests.concat().iter().filter(|_| !has("--ignored")) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for (name, test) in tests
        .concat()
        .into_iter()
        .filter(|(name, _)| is_chosen(name))
    {
        let passed = panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    match failed {
        0 => ExitCode::SUCCESS,
        // As libtest ends.
        _ => ExitCode::from(101),
    }
}
