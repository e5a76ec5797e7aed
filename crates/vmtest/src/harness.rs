//! As much of libtest's command line as `cargo test` and `cargo nextest` use, for a test binary that has a main of
//! its own: one that is also its own child, or runs in a machine.

use std::{env, panic, process::ExitCode};

/// A test with its name; it panics to fail.
pub type Test = (&'static str, fn());

/// A test that says whether it has passed.
pub(crate) type Named<'a> = (&'a str, Box<dyn Fn() -> bool + 'a>);

/// Lists the tests, or runs those that the arguments choose, one after another.
#[must_use]
pub fn run(tests: &[&[Test]]) -> ExitCode {
    run_named(tests.concat().into_iter().map(named).collect())
}

/// One that panics to fail.
pub(crate) fn named<'a>((name, test): Test) -> Named<'a> {
    (name, Box::new(move || panic::catch_unwind(test).is_ok()))
}

#[allow(clippy::print_stdout, reason = "a test's output is printed")]
pub(crate) fn run_named(tests: Vec<Named<'_>>) -> ExitCode {
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
        for (name, _) in tests.iter().filter(|_| !has("--ignored")) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for (name, test) in tests.iter().filter(|(name, _)| is_chosen(name)) {
        let passed = test();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    match failed {
        0 => ExitCode::SUCCESS,
        // As libtest ends.
        _ => ExitCode::from(101),
    }
}
