//! Running a group on the host: booting its machine until all of its scenarios are done.

use std::{collections::BTreeSet, env, io, time::Instant};

use crate::{
    group::{Group, Machine},
    machine::{Disk, Missing, Vm},
    outcome::Told,
};

/// Set where the large counts are to be run: a scenario sees it too, and may take as long as it takes.
pub(crate) const SOAK: &str = "LONGSHORE_SOAK";
/// Set where scenarios may take minutes that `make test` has not.
pub(crate) const MORE: &str = "LONGSHORE_VM_MORE";

/// Runs a group, and answers whether all of it passed, or was skipped. What is printed is the test's output.
pub(crate) fn run(group: &Group) -> bool {
    attempt(group).unwrap_or_else(|error| {
        print(&format!("the machine could not be run: {error}"));
        false
    })
}

#[allow(clippy::print_stdout, reason = "a test's output is printed")]
pub(crate) fn print(line: &str) {
    println!("{line}");
}

fn attempt(group: &Group) -> io::Result<bool> {
    let Some(vm) = prepared(&group.machine)? else {
        return Ok(true);
    };
    let only = env::var("LONGSHORE_VM_SCENARIO").ok();
    let names = group.scenarios.iter().map(|(name, _)| (*name).to_owned());
    let mut waiting: Vec<String> = names.collect();
    waiting.retain(|name| {
        let is_wanted = |only: &String| only.split(',').any(|only| only == *name);
        only.as_ref().is_none_or(is_wanted)
    });
    if waiting.is_empty() {
        print(&format!(
            "there is no scenario {}",
            only.unwrap_or_default()
        ));
        return Ok(false);
    }
    through(&vm, group.name, group.machine.boots, waiting, &[])
}

/// A machine that is ready to be booted; `None`, and why it is said, where it is skipped.
pub(crate) fn prepared(machine: &Machine) -> io::Result<Option<Vm>> {
    let has_time = [SOAK, MORE].iter().any(|name| env::var_os(name).is_some());
    if machine.takes_time && !has_time {
        print(&format!("skipped, for it takes time: set {MORE}"));
        return Ok(None);
    }
    Ok(match Vm::make(machine)? {
        Ok(vm) => Some(vm),
        Err(Missing(why)) => {
            print(&format!("skipped, for {why}"));
            None
        }
    })
}

/// Boots a machine, with these disks beside its own, until all that waits has come to its end. Whether all passed.
pub(crate) fn through(
    vm: &Vm,
    name: &str,
    boots: u32,
    mut waiting: Vec<String>,
    beside: &[Disk],
) -> io::Result<bool> {
    let mut state = State::default();
    for boot in 1..=boots {
        let begun = Instant::now();
        let words = format!(
            "vmtest.group={name} vmtest.boot={} vmtest.scenarios={}",
            state.crashes,
            waiting.join(",")
        );
        // The kernel hands a word that it does not know to what it starts, as a variable.
        let words = [SOAK, MORE]
            .iter()
            .filter(|name| env::var_os(name).is_some())
            .fold(words, |words, name| format!("{words} {name}=1"));
        state.is_done = false;
        state.crashed = None;
        let in_time = vm.boot(&words, beside, |line| {
            print(line);
            state.hear(line);
        })?;
        print(&format!(
            "boot {boot} took {:.1} s",
            begun.elapsed().as_secs_f64()
        ));
        waiting.retain(|name| !state.ended.contains(name));
        match state.crashed.take() {
            Some(scenario) if in_time => {
                state.crashes = match state.crashing.as_deref() == Some(&scenario) {
                    true => state.crashes + 1,
                    false => 1,
                };
                state.crashing = Some(scenario);
            }
            _ => {
                if !in_time {
                    let patience = vm.patience();
                    print(&format!(
                        "the machine was not done in {patience:?}, and was ended"
                    ));
                }
                if in_time && !state.is_done {
                    print(
                        "the machine ended without an end of its own: what its kernel said is above",
                    );
                }
                if !state.failed.is_empty() {
                    print(&format!("failed: {}", list(&state.failed)));
                }
                if !waiting.is_empty() {
                    print(&format!("not run to their end: {}", waiting.join(", ")));
                }
                return Ok(in_time
                    && state.is_done
                    && state.failed.is_empty()
                    && waiting.is_empty());
            }
        }
    }
    print("the machine crashed more often than it is booted");
    Ok(false)
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// What was heard of the scenarios.
#[derive(Debug, Default)]
struct State {
    ended: BTreeSet<String>,
    failed: BTreeSet<String>,
    crashed: Option<String>,
    /// The scenario that crashed last, and how often it has.
    crashing: Option<String>,
    crashes: u32,
    is_done: bool,
}

impl State {
    fn hear(&mut self, line: &str) {
        match Told::read(line) {
            Some(Told::Ended {
                scenario, passed, ..
            }) => {
                if !passed {
                    self.failed.insert(scenario.clone());
                }
                // The next one begins with its first boot.
                self.crashes = 0;
                self.ended.insert(scenario);
            }
            Some(Told::Crashed(scenario)) => self.crashed = Some(scenario),
            Some(Told::Done) => self.is_done = true,
            Some(Told::Begun(_)) | None => {}
        }
    }
}
