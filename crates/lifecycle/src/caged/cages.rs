//! [`Cages`]: how the disks of images are looked into, and what is said where that fails; and the children
//! that do other things.

use std::{
    io,
    os::fd::BorrowedFd,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use longshore_cage::{Cage, CageError, Caged, Cancel, Layer, Layers, Limits, Need};
use longshore_scan::{Inventory, Reason};

use super::{
    CageMode,
    answer::{self, Answer, Bounds, Garbled},
    gap::gap,
    inside::INVENTORY,
};
use crate::{Class, Failure, Scanning};

/// How the bytes of images are read.
#[derive(Debug)]
pub(crate) struct Cages {
    mode: CageMode,
    without: Vec<Layer>,
    /// Whether somebody was told which layers are missing.
    told: AtomicBool,
}

/// What was seen on a disk.
#[derive(Debug)]
pub(crate) enum Seen {
    /// What is in it.
    Whole(Inventory),
    /// Nothing, because its reader did not get to its end. Another try may see more: it is not kept.
    BrokenOff(Inventory),
    /// It cannot be looked into, and why, outermost first.
    Unreadable(Vec<String>),
}

impl Cages {
    pub(crate) fn new(scanning: &Scanning) -> Self {
        Self {
            mode: scanning.cage,
            without: scanning.cage_without.clone(),
            told: AtomicBool::new(false),
        }
    }

    /// Whether there are any.
    pub(crate) fn are_used(&self) -> bool {
        self.mode != CageMode::Off
    }

    /// What is installed on a disk that is called `name`, seen by a child of its own. `say` is told once
    /// which layers the cages go without.
    ///
    /// # Errors
    /// [`Class::Failed`] where there can be no child, or none that holds as it must. Whatever happens
    /// once there is one comes of the disk, and is [`Seen::BrokenOff`].
    pub(crate) fn inventory(
        &self,
        name: &str,
        disk: BorrowedFd<'_>,
        say: impl FnOnce(String),
    ) -> Result<Seen, Failure> {
        let limits = limits();
        let no_cage = |error| {
            let what = format!("{name} was not looked into: there is no cage for its reader");
            no_cage(what, &error)
        };
        let caged = self.spawn(INVENTORY, &limits, None, say).map_err(no_cage)?;
        let answered = caged.ask(&[], &[disk]);
        let answer = match answered {
            Ok(answer) => answer,
            Err(CageError::Host(error)) => return Err(no_cage(CageError::Host(error))),
            Err(error) => {
                tracing::error!(name, %error, "a caged reader did not get to its end");
                return Ok(broken_off(gap(name, &error, &limits)));
            }
        };
        Ok(match answer::read(&answer, &Bounds::default()) {
            Ok(Answer::Read(inventory)) => Seen::Whole(inventory),
            Ok(Answer::Unreadable(causes)) => Seen::Unreadable(causes),
            Ok(Answer::TooLong) => broken_off(Reason::LimitHit {
                path: name.to_owned(),
                limit: format!(
                    "what is in it takes more than {} MiB to list",
                    limits.answer_bytes >> 20
                ),
            }),
            Err(Garbled) => {
                tracing::error!(name, "a caged reader answered what none of ours answers");
                broken_off(Reason::Unreadable {
                    path: name.to_owned(),
                    problem: "its reader answered what none of ours answers".to_owned(),
                })
            }
        })
    }

    /// A child in this role, locked in. `say` is told once which layers the cages go without.
    pub(crate) fn spawn(
        &self,
        role: &str,
        limits: &Limits,
        cancel: Option<&Cancel>,
        say: impl FnOnce(String),
    ) -> Result<Caged, CageError> {
        let need = match self.mode {
            CageMode::Best => Need::WhatThereIs,
            CageMode::Require | CageMode::Off => Need::Every,
        };
        let mut cage = Cage::new().limits(limits.clone()).need(need);
        for &layer in &self.without {
            cage = cage.without(layer);
        }
        if let Some(cancel) = cancel {
            cage = cage.cancel(cancel);
        }
        let caged = cage.spawn(role)?;
        if let Some(text) = self.missing(&caged) {
            say(text);
        }
        Ok(caged)
    }

    /// Which layers would hold a child: one is started, and ended without being given anything.
    pub(crate) fn layers(&self) -> Result<Layers, CageError> {
        let mut cage = Cage::new().need(Need::WhatThereIs);
        for &layer in &self.without {
            cage = cage.without(layer);
        }
        Ok(cage.spawn(INVENTORY)?.layers().clone())
    }

    /// The sentence about layers that are missing, the first time.
    fn missing(&self, caged: &Caged) -> Option<String> {
        let missing = caged.layers().missing();
        let missing: Vec<_> = missing
            .map(|(layer, why)| format!("{layer} ({why})"))
            .collect();
        if missing.is_empty() || self.told.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(format!(
            "what reads images is held without {}",
            missing.join(", ")
        ))
    }
}

/// What a reader may use: the inventory's own limits bound it to less, and what goes past these has got
/// round those.
fn limits() -> Limits {
    Limits {
        // A header of an rpm (64 MiB), a hundred thousand packages (50 MB), the answer twice (128 MiB),
        // and the program itself, with debug information 200 MB.
        memory_bytes: 1 << 30,
        // The largest databases that are read take seconds, and a walk over four million files a minute.
        cpu_seconds: 120,
        // On a host that is as busy with others as with this, and on a slow disk.
        wall: Duration::from_secs(600),
        // The disk, and what the runtime opens.
        descriptors: 8,
        file_bytes: 0,
        answer_bytes: Bounds::default().answer,
    }
}

fn broken_off(why: Reason) -> Seen {
    Seen::BrokenOff(Inventory::new(None, Vec::new(), vec![why], 0))
}

/// There is none, so that `what` is so.
pub(crate) fn no_cage(what: String, error: &CageError) -> Failure {
    let failure = Failure::new(Class::Failed, "no-cage", what).caused_by(error);
    match error {
        CageError::Unavailable { .. } => failure.hint(
            "on a host that cannot have this layer the setting cage = \"best\" goes on with the others, and \
             cage = \"off\" without any",
        ),
        CageError::Host(error) if may_pass(error) => failure.retryable(),
        _ => failure,
    }
}

/// Too many processes or descriptors, or too little memory, at this moment.
fn may_pass(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_layer_is_the_hosts_and_says_what_to_do() {
        let error = CageError::Unavailable {
            layer: Layer::Landlock,
            why: "the kernel has none".to_owned(),
        };
        let failure = no_cage("volume 7 was not read".to_owned(), &error);
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (Class::Failed, "no-cage")
        );
        assert!(!failure.retryable);
        let text = failure.to_string();
        for part in ["volume 7", "landlock", "the kernel has none", "5.13"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(failure.hint.as_deref().unwrap().contains("cage = \"best\""));
    }

    #[test]
    fn a_host_that_is_short_of_something_is_tried_again() {
        let short = CageError::Host(io::ErrorKind::WouldBlock.into());
        assert!(no_cage("volume 7 was not read".to_owned(), &short).retryable);
        let broken = CageError::Host(io::ErrorKind::PermissionDenied.into());
        assert!(!no_cage("volume 7 was not read".to_owned(), &broken).retryable);
    }
}
