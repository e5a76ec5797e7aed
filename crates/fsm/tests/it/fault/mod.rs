//! The twenty-six faults of the engine that this one was made after, and a test for each that shows
//! that it is not in this one.
//!
//! Each fault can be had all the same (`src/sabotage.rs`), and `scripts/see-faults` sees that its
//! test turns red then. A test bears the number of its fault. Most run on SQLite, on a file, with
//! several processes one after the other.
//!
//! | | what the other engine does |
//! |---|---|
//! | | **resuming** |
//! | 1 | what one active run has completed leaks into the next, which then skips it |
//! | 2 | runs are resumed by another workflow that has the same type of request |
//! | 3 | limits of queues do not hold after a restart, and the first queued run never finishes |
//! | 4 | one bad record keeps all later ones from being resumed |
//! | 5 | the count of retries leaks into later steps, and is mostly not stored |
//! | 6 | what kind an error was is lost in a restart |
//! | 7 | an end state that was renamed leaves a run active for ever |
//! | | **shared state** |
//! | 8 | queue and parent are fields that every start writes: a run inherits those of another |
//! | 9 | the registry is read before the registration is done |
//! | | **wrong answers** |
//! | 10 | to start another workflow for an id tells those who wait for the first that it went well |
//! | 11 | to wait for a run that is not there succeeds |
//! | 12 | the history is written under one key and read under another |
//! | 13 | the end has no error and no response: a run that failed looks well later |
//! | 14 | step, version and error of active runs are always empty |
//! | 15 | an id finds what begins with it; children that ended count as active, and stay in memory |
//! | 16 | a run that was aborted also counts as one that went well, a cancelled one not at all |
//! | | **durability** |
//! | 17 | a completion that cannot be stored is logged, and the run goes on |
//! | 18 | what cannot be archived is deleted all the same |
//! | 19 | a cancel in back-off is not stored: a crash forgets it |
//! | 20 | the history is never pruned, and its dates are local time |
//! | | **control** |
//! | 21 | who is queued, delayed or waiting cannot be cancelled; timers fire into a closed store |
//! | 22 | a shutdown closes the store under queued work, and a start after it never returns |
//! | 23 | a follower starts where its predecessor failed or is unknown; a delay and a queue exclude each other |
//! | 24 | no cap of attempts, time-out, deadline, undo, pause or progress; panics are retried for ever; finalizers hang when they panic, and are called twice |
//! | | **the place** |
//! | 25 | modes of files, separators in ids, who may use the socket |
//! | 26 | the engine's state and the domain's are two stores |

mod answers;
mod control;
mod durability;
mod lacking;
mod place;
mod resume;
mod shared;
mod stage;
