//! A clock that moves when nothing else can.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::clock::{Clock, Jitter, Timestamp};
use crate::testing::simulation::Chance;

/// A clock that moves when nothing else can, and whose face somebody may set both ways. A clone is
/// the same clock.
#[derive(Debug, Clone)]
pub struct SimulatedClock(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    /// Milliseconds that have passed; never goes back.
    passed: u64,
    /// What the face shows.
    shown: u64,
    sleepers: BTreeMap<(u64, u64), Option<Waker>>,
    next: u64,
    chance: Chance,
}

impl SimulatedClock {
    /// A clock that shows this time, and spreads retries by this seed.
    #[must_use]
    pub fn new(shows: Timestamp, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            passed: 0,
            shown: shows.as_millis(),
            sleepers: BTreeMap::new(),
            next: 0,
            chance: Chance::new(seed),
        })))
    }

    /// Lets pass what the first to wake still has. False if nobody sleeps.
    pub fn advance(&self) -> bool {
        let mut inner = self.inner();
        let Some((&(until, _), _)) = inner.sleepers.first_key_value() else {
            return false;
        };
        let passes = until.saturating_sub(inner.passed);
        inner.passed += passes;
        inner.shown = inner.shown.saturating_add(passes);
        let later = inner.sleepers.split_off(&(until + 1, 0));
        let woken = std::mem::replace(&mut inner.sleepers, later);
        drop(inner);
        woken.into_values().flatten().for_each(Waker::wake);
        true
    }

    /// Sets the face forwards or back by so many milliseconds. Nobody wakes up for it.
    pub fn jump(&self, millis: i64) {
        let mut inner = self.inner();
        inner.shown = inner.shown.saturating_add_signed(millis);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.inner().shown)
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        let mut inner = self.inner();
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 4);
        let until = inner.passed.saturating_add(millis.min(u64::MAX / 4));
        let number = inner.next;
        inner.next += 1;
        if millis > 0 {
            inner.sleepers.insert((until, number), None);
        }
        Box::pin(Sleep {
            clock: self.clone(),
            key: (until, number),
        })
    }

    fn jitter(&self) -> Jitter {
        let drawn = self.inner().chance.below(u64::from(u32::MAX));
        Jitter::from_random(u32::try_from(drawn).unwrap_or(0))
    }
}

struct Sleep {
    clock: SimulatedClock,
    key: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.clock.inner().sleepers.get_mut(&self.key) {
            None => Poll::Ready(()),
            Some(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.inner().sleepers.remove(&self.key);
    }
}
