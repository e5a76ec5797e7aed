//! The scheduler: of all tasks that can go on, chance picks the next.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures::future::BoxFuture;

use crate::runtime::Runtime;
use crate::testing::simulation::Chance;

/// Carries out tasks one poll at a time, in an order that the caller's [`Chance`] decides. A clone is
/// the same.
#[derive(Clone, Default)]
pub struct Simulation(Arc<Shared>);

#[derive(Default)]
struct Shared {
    tasks: Mutex<Vec<Option<Task>>>,
    ready: Mutex<Vec<usize>>,
    is_dead: AtomicBool,
}

struct Task {
    /// None while it is being polled.
    future: Option<BoxFuture<'static, ()>>,
    waker: Waker,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// A task went on.
    Task,
    /// No task can.
    Idle,
}

struct Wakes {
    shared: Arc<Shared>,
    task: usize,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut ready = lock(&self.shared.ready);
        if !ready.contains(&self.task) {
            ready.push(self.task);
        }
    }
}

impl Simulation {
    /// One without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tasks can go on.
    #[must_use]
    pub fn ready(&self) -> usize {
        lock(&self.0.ready).len()
    }

    /// Lets one of the tasks go on that can.
    pub fn step(&self, chance: &mut Chance) -> Stepped {
        let mut ready = lock(&self.0.ready);
        if ready.is_empty() {
            return Stepped::Idle;
        }
        let picked = chance.index(ready.len());
        let number = ready.swap_remove(picked);
        drop(ready);
        let mut tasks = lock(&self.0.tasks);
        let Some(Some(task)) = tasks.get_mut(number) else {
            return Stepped::Task;
        };
        let Some(mut future) = task.future.take() else {
            return Stepped::Task;
        };
        let waker = task.waker.clone();
        drop(tasks);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut tasks = lock(&self.0.tasks);
        if let Some(place) = tasks.get_mut(number) {
            match polled {
                Poll::Ready(()) => *place = None,
                Poll::Pending => {
                    if let Some(task) = place {
                        task.future = Some(future);
                    }
                }
            }
        }
        Stepped::Task
    }

    /// All tasks are gone, as when their process dies.
    pub fn kill(&self) {
        // What a task does while it is dropped may spawn others, which are dead already.
        self.0.is_dead.store(true, Ordering::SeqCst);
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        drop(tasks);
        lock(&self.0.ready).clear();
    }
}

impl Runtime for Simulation {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        if self.0.is_dead.load(Ordering::SeqCst) {
            return;
        }
        let mut tasks = lock(&self.0.tasks);
        let number = tasks.len();
        let waker = Waker::from(Arc::new(Wakes {
            shared: Arc::clone(&self.0),
            task: number,
        }));
        tasks.push(Some(Task {
            future: Some(task),
            waker,
        }));
        drop(tasks);
        lock(&self.0.ready).push(number);
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("ready", &self.ready())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
