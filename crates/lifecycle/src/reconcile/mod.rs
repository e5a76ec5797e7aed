//! Making the catalogue, the kernel, the disk and the files agree, at every start, before anything new is begun.
//!
//! ```text
//! Known (the catalogue) --\
//!                          compare (pure) --- Difference --- repair
//! Found (what is there) --/
//! ```
//! | difference | what is done |
//! |---|---|
//! | `machine-going`: a machine that was being removed | removed to the end |
//! | `path-of-nobody`: a path of no active machine, or one that leads to another's disk | taken away; one that somebody uses is left for the next start |
//! | `volume-unfinished`: a volume that was never sealed and is no machine's disk, or was being deleted | dropped |
//! | `volume-unknown`: a file of a volume that the catalogue does not know | removed |
//! | `volume-newer`: the same under an id that this catalogue has never given out | nothing is written, for it is of another day; removed by `doctor --fix` |
//! | `thin-id-unknown`: a volume in a pool of ours that the catalogue does not know | said; removed by `doctor --fix` |
//! | `volume-gone`: a sealed volume that is not there | forgotten, to be built again |
//! | `volume-length`: a sealed volume of another length | forgotten and removed, to be built again |
//! | `disk-gone`: a machine whose disk is not there | said |
//! | `disk-length`: a machine whose disk has another length | said, and not handed out |
//! | `stray`: a node without its device, or a device of a volume that nobody uses | removed |
//! | `path-missing`: an active machine without its path | given it again; where that fails it is said, and the others have theirs |
//! | `blob-unknown`: a blob on disk that the catalogue does not know | recorded: its name is its proof |
//! | `blob-gone`: a blob in the catalogue that is not on disk | forgotten, to be fetched again |
//! | `receipt`: a receipt for a blob whose digest was not recorded | recorded, and removed |
//! | `partial-unwanted`: a partial blob of a layer that nobody wants | removed; one that is wanted is gone on with |
//! | `foreign`: a file, or a thin id of an adopted pool, that is nobody's here | left alone and said |
//!
//! What a pool's transaction id says is looked at before any of this, when the pool is brought up
//! ([`Pool::agree`](longshore_volume::thin::Pool::agree)): one behind is followed, and at any other number nothing is
//! written. Directories of scans that were cut off are removed. Every part may be cut off and done again.

mod compare;
mod difference;
mod look;
mod repair;

pub(crate) use difference::{Difference, Remedy};
pub(crate) use repair::{let_machine_go, remove_machine};

use self::{
    compare::compare,
    look::{Found, Known},
    repair::{repair, say},
};
use crate::{
    Class, Event, Failure,
    deps::{Deps, DomainWrite},
    scanning::clear_rooms,
};

/// Writes to the catalogue; durable when it returns.
pub(crate) type Record<'a> = &'a dyn Fn(DomainWrite) -> Result<(), Failure>;

/// What is compared at a time: each rests on what those before it have put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Machines,
    // A volume that a path leads to belongs to a machine, and would not be removed.
    Paths,
    Unfinished,
    Volumes,
    Strays,
    Given,
    Blobs,
    Receipts,
    Partials,
}

impl Stage {
    const ALL: [Self; 9] = [
        Self::Machines,
        Self::Paths,
        Self::Unfinished,
        Self::Volumes,
        Self::Strays,
        Self::Given,
        Self::Blobs,
        Self::Receipts,
        Self::Partials,
    ];
}

/// Makes them agree. Nothing else may be at work in the state directory.
pub(crate) fn reconcile(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    // Before anything is removed by a catalogue that may not be the one of these volumes.
    let volumes = differences_of(deps, Stage::Volumes)?;
    if let Some(unknown) = volumes.iter().find(|found| found.remedy() == Remedy::Stop) {
        return Err(rescue(unknown));
    }
    for stage in Stage::ALL {
        for difference in differences_of(deps, stage)? {
            match difference.remedy() {
                Remedy::Start => repair(deps, &difference, record)?,
                Remedy::Fix | Remedy::Operator => say(deps, &difference),
                Remedy::Stop => return Err(rescue(&difference)),
            }
        }
    }
    if let Err(failure) = clear_rooms(&deps.state_dir) {
        // Nothing rests on it, and nothing finds it.
        deps.say(Event::Notice {
            text: failure.to_string(),
        });
    }
    Ok(())
}

/// Nobody here knows what it is: nothing is written until somebody has said it.
fn rescue(difference: &Difference) -> Failure {
    let text = format!("nothing is written here: {}", difference.text());
    Failure::new(Class::Refused, "rescue", text).hint(difference.hint())
}

/// All that differs, with nothing repaired. Nothing else may be at work in the state directory.
pub(crate) fn differences(deps: &Deps) -> Result<Vec<Difference>, Failure> {
    let mut found = Vec::new();
    for stage in Stage::ALL {
        found.extend(differences_of(deps, stage)?);
    }
    Ok(found)
}

/// Repairs also what is repaired only when somebody says so. Says what was.
pub(crate) fn fix(deps: &Deps, record: Record<'_>) -> Result<Vec<Difference>, Failure> {
    let mut fixed = differences(deps)?;
    fixed.retain(|difference| matches!(difference.remedy(), Remedy::Fix | Remedy::Stop));
    for difference in &fixed {
        repair(deps, difference, record)?;
    }
    Ok(fixed)
}

fn differences_of(deps: &Deps, stage: Stage) -> Result<Vec<Difference>, Failure> {
    let known = Known::look(deps)?;
    let found = Found::look(deps, stage, &known)?;
    Ok(compare(stage, &known, &found))
}
