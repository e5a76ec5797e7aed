//! Group commit: whoever finds the writer free does the work for everybody who waits.
//!
//! Where a commit is quick, the task that asks for it makes it itself, together with what others ask
//! for meanwhile: to hand it to a thread and back would cost as much as a sync of a good disk. It
//! does so for a few groups at most. Where commits are slow, and where they never cease, they are the
//! business of a thread, so that no task is held up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::clock::Stopwatch;
use crate::store::sqlite::writer::{Answer, Writer};
use crate::store::{Batch, Prune, StoreError};

/// At most so many batches share a transaction, so that the first of them does not wait for ever.
const GROUP: usize = 512;

/// A commit that takes no longer is made by the task that asks for it.
const QUICK: Duration = Duration::from_micros(300);

/// So many groups in a row are as much as a task does for others.
const TURNS: usize = 4;

/// Something for the writer to do.
pub(super) enum Job {
    /// Store this.
    Commit {
        batch: Batch<Connection>,
        answer: oneshot::Sender<Answer>,
    },
    /// Forget these.
    Prune {
        prune: Prune,
        answer: oneshot::Sender<Result<u32, StoreError>>,
    },
    /// Close the database, and say so.
    Close(oneshot::Sender<()>),
}

/// The writer, and what is to be done with it. Dropping it closes the database once all is done.
pub(super) struct Group(Arc<Shared>);

struct Shared {
    writer: Mutex<Writer>,
    queue: Mutex<Queue>,
    /// There is something for the thread to do.
    work: Condvar,
    /// How long a transaction takes, in nanoseconds: a moving average.
    pace: AtomicU64,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
    /// The thread has been asked to work, and has not come to an end of it.
    handed_over: bool,
}

impl Group {
    /// Takes charge of the connection.
    pub(super) fn start(conn: Connection) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            writer: Mutex::new(Writer::new(conn)),
            queue: Mutex::default(),
            work: Condvar::new(),
            pace: AtomicU64::new(0),
        });
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name(String::from("fsm-writer"));
        thread.spawn(move || theirs.work_for_ever())?;
        Ok(Self(shared))
    }

    /// Has this done, now or soon. It is done even if nobody waits for the answer.
    pub(super) fn submit(&self, job: Job) -> Result<(), StoreError> {
        let shared = &self.0;
        let mut queue = shared.queue();
        if queue.closed {
            return Err(StoreError::Closed);
        }
        queue.closed = matches!(job, Job::Close(_));
        queue.jobs.push_back(job);
        let is_for_thread = queue.handed_over || queue.closed;
        drop(queue);
        if is_for_thread || shared.pace() > QUICK {
            shared.hand_over();
        } else {
            shared.work(TURNS);
        }
        Ok(())
    }

    /// Looks at the database on the writer's own connection.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Connection) -> R) -> Option<R> {
        self.0.writer().look(look)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.0.queue().closed = true;
        self.0.hand_over();
    }
}

impl Shared {
    /// Does what there is to do, unless somebody is at it: then they do it.
    fn work(&self, turns: usize) {
        for _ in 0..turns {
            let mut writer = match self.writer.try_lock() {
                Ok(writer) => writer,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // Whoever it is looks again after letting go of it.
                Err(TryLockError::WouldBlock) => return,
            };
            self.next_group(&mut writer);
            drop(writer);
            if self.queue().jobs.is_empty() {
                return;
            }
        }
        self.hand_over();
    }

    fn hand_over(&self) {
        self.queue().handed_over = true;
        self.work.notify_one();
    }

    /// Works until the database is closed and nothing is left to do.
    fn work_for_ever(&self) {
        loop {
            let mut queue = self.queue();
            while queue.jobs.is_empty() {
                queue.handed_over = false;
                if queue.closed {
                    drop(queue);
                    self.writer().close();
                    return;
                }
                queue = (self.work.wait(queue)).unwrap_or_else(PoisonError::into_inner);
            }
            drop(queue);
            self.next_group(&mut self.writer());
        }
    }

    /// Does the first job, and with it those that can share its transaction.
    fn next_group(&self, writer: &mut Writer) {
        let (mut batches, mut waiting) = (Vec::new(), Vec::new());
        let mut queue = self.queue();
        while batches.len() < GROUP {
            match queue.jobs.pop_front() {
                Some(Job::Commit { batch, answer }) => {
                    batches.push(batch);
                    waiting.push(answer);
                }
                Some(other) if batches.is_empty() => {
                    drop(queue);
                    // Whoever asked may be gone; what was done is done.
                    match other {
                        Job::Prune { prune, answer } => {
                            let _ = answer.send(writer.prune(prune));
                        }
                        Job::Close(answer) => {
                            writer.close();
                            let _ = answer.send(());
                        }
                        Job::Commit { .. } => {}
                    }
                    return;
                }
                Some(other) => {
                    queue.jobs.push_front(other);
                    break;
                }
                None => break,
            }
        }
        drop(queue);
        if batches.is_empty() {
            return;
        }
        let watch = Stopwatch::start();
        let answers = writer.commit(batches);
        self.note_pace(watch.elapsed());
        for (answer, waiting) in answers.into_iter().zip(waiting) {
            let _ = waiting.send(answer);
        }
    }

    fn pace(&self) -> Duration {
        Duration::from_nanos(self.pace.load(Ordering::Relaxed))
    }

    fn note_pace(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let before = self.pace.load(Ordering::Relaxed);
        // A quarter of what is new: a disk that becomes slow is noticed within a few commits.
        let after = before - before / 4 + took / 4;
        self.pace.store(after, Ordering::Relaxed);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
