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

mod agree;
mod compare;
mod difference;
mod look;
mod repair;
mod stage;

pub(crate) use agree::{differences, fix, reconcile};
pub(crate) use difference::Difference;
pub(crate) use repair::{let_machine_go, remove_machine};
