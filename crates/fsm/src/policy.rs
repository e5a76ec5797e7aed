//! What a step is allowed: attempts, time, and the wait between attempts.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::Jitter;

/// How often a step may be attempted before its run has failed.
///
/// Failed attempts count: an error that may be retried, a panic, a time-out. One that was cut off by
/// the end of the process, by a shutdown or by a cancel does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempts {
    /// At most so many.
    AtMost(NonZeroU32),
    /// Until it succeeds, is cancelled, or returns an error that is not to be retried.
    Unlimited,
}

impl Attempts {
    /// The first attempt and so many retries.
    #[must_use]
    pub const fn retries(retries: u32) -> Self {
        Self::AtMost(NonZeroU32::MIN.saturating_add(retries))
    }

    /// Whether another attempt may follow after `failures` failed ones.
    #[must_use]
    pub fn allow_another(self, failures: u32) -> bool {
        match self {
            Self::AtMost(most) => failures < most.get(),
            Self::Unlimited => true,
        }
    }
}

/// The wait before a retry: `first * factor^(failures - 1)`, spread by the jitter, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// What each further failure multiplies it by; at least 1.
    pub factor: f64,
    /// How far the jitter moves it: 0.5 is from half to one and a half times; from 0 to 1.
    pub spread: f64,
    /// Never longer than this.
    pub max: Duration,
}

impl Default for Backoff {
    /// 100 ms, times 1.5, give or take a half, at most 5 s.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            factor: 1.5,
            spread: 0.5,
            max: Duration::from_secs(5),
        }
    }
}

impl Backoff {
    /// How long to wait after this many failed attempts of a step.
    #[must_use]
    pub fn wait(&self, failures: u32, jitter: Jitter) -> Duration {
        let doublings = f64::from(failures.saturating_sub(1));
        let even = self.first.as_secs_f64() * self.factor.max(1.0).powf(doublings);
        let spread = self.spread.clamp(0.0, 1.0);
        let most = self.max.as_secs_f64();
        // The cap is applied before the spread too, so that an infinity never meets a zero.
        let seconds = even.min(most) * (1.0 - spread + 2.0 * spread * jitter.get());
        Duration::try_from_secs_f64(seconds.min(most)).unwrap_or(self.max)
    }
}

/// What a step is allowed. The default: ten attempts, no time-out, 30 s of grace, the usual back-off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepPolicy {
    /// How often it may be attempted.
    pub attempts: Attempts,
    /// After this long an attempt's token is cancelled. Its future is not dropped: the engine waits.
    pub timeout: Option<Duration>,
    /// How long an attempt may go on after its token was cancelled before its run is called stuck.
    pub grace: Duration,
    /// The wait between attempts.
    pub backoff: Backoff,
}

impl Default for StepPolicy {
    fn default() -> Self {
        Self {
            attempts: Attempts::retries(9),
            timeout: None,
            grace: Duration::from_secs(30),
            backoff: Backoff::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_grows_by_half_and_never_passes_its_cap() {
        let backoff = Backoff::default();
        let millis = |n| backoff.wait(n, Jitter::NONE).as_millis();
        assert_eq!([millis(1), millis(2), millis(3)], [100, 150, 225]);
        for failures in [20, 1_000, u32::MAX] {
            for drawn in [0, u32::MAX / 2, u32::MAX] {
                assert!(backoff.wait(failures, Jitter::from_random(drawn)) <= backoff.max);
            }
        }
    }

    #[test]
    fn jitter_spreads_by_half_both_ways() {
        let wait = |drawn| Backoff::default().wait(1, Jitter::from_random(drawn));
        assert_eq!(wait(0).as_millis(), 50);
        assert_eq!(wait(u32::MAX).as_millis(), 150);
    }

    #[test]
    fn no_retries_is_one_attempt() {
        assert!(Attempts::retries(0).allow_another(0));
        assert!(!Attempts::retries(0).allow_another(1));
        assert!(Attempts::retries(u32::MAX).allow_another(u32::MAX - 1));
        assert!(Attempts::Unlimited.allow_another(u32::MAX));
    }
}
