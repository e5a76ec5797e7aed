//! The only place that reads the wall clock or draws a random number.
//!
//! Everything else is given a [`Timestamp`] and a [`Jitter`]. Order is never taken from a time:
//! timestamps are for people and for back-off, and a clock that jumps costs at most one back-off.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 00:00 UTC, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// So many milliseconds after 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// This much later; at most the largest timestamp there is.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        // Rounded up, so that a wait is never shorter than what was asked for.
        let millis = wait.as_nanos().div_ceil(1_000_000);
        Self(
            self.0
                .saturating_add(u64::try_from(millis).unwrap_or(u64::MAX)),
        )
    }

    /// This much earlier; at least the smallest timestamp there is.
    #[must_use]
    pub fn before(self, wait: Duration) -> Self {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero where it is not after.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A random number from 0 to 1 that spreads retries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// The middle: no spread.
    pub const NONE: Jitter = Jitter(0.5);

    /// From a number drawn evenly over all of `u32`.
    #[must_use]
    pub fn from_random(drawn: u32) -> Self {
        Self(f64::from(drawn) / f64::from(u32::MAX))
    }

    /// From 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Measures how long something takes, where nothing but speed depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Time and chance, as the engine asks for them.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now. It may jump both ways.
    fn now(&self) -> Timestamp;

    /// Ends when `wait` has passed, by a clock that does not jump.
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()>;

    /// A new random number.
    fn jitter(&self) -> Jitter;
}

/// The machine's own clock. Its sleeps need a Tokio runtime with time enabled.
#[derive(Debug, Clone, Default)]
pub struct SystemClock {
    seed: RandomState,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 reads as 1970: nothing depends on it but what people see.
        Timestamp::from_millis(
            since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
        )
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }

    fn jitter(&self) -> Jitter {
        // SipHash under a key that the operating system drew, of a time in nanoseconds: enough to
        // spread retries, and no generator to depend on.
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH);
        let hash = self.seed.hash_one(nanos.map_or(0, |d| d.as_nanos()));
        Jitter::from_random(u32::try_from(hash >> 32).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_saturates() {
        let t = Timestamp::from_millis(10);
        assert_eq!(
            t.after(Duration::from_micros(1)),
            Timestamp::from_millis(11)
        );
        assert_eq!(t.after(Duration::MAX), Timestamp::from_millis(u64::MAX));
        assert_eq!(t.since(Timestamp::from_millis(11)), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_draws_different_numbers_within_bounds() {
        let clock = SystemClock::default();
        let drawn: Vec<f64> = (0..64).map(|_| clock.jitter().get()).collect();
        assert!(drawn.iter().all(|j| (0.0..=1.0).contains(j)));
        assert!(drawn.iter().any(|j| *j != drawn[0]));
    }
}
