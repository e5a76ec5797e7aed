//! How long to wait before a request is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Capped exponential back-off with jitter: the n-th wait is drawn evenly from the upper half of
/// `first * 2^(n-1)`, and never more than `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first wait.
    pub first: Duration,
    /// The longest wait at all, also where a server asks for more (`Retry-After`).
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            cap: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// The wait before try `failures + 1`. `asked` is what the server asked for, `entropy` decides
    /// within the jitter.
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>, entropy: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let longest = self.first.saturating_mul(1 << doublings).min(self.cap);
        let half = longest / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        let wait = half + Duration::from_nanos(entropy % spread);
        wait.max(asked.unwrap_or_default()).min(self.cap)
    }
}

/// Bits that differ from call to call; good for jitter and nothing else.
pub(crate) fn entropy() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(100),
        cap: Duration::from_secs(2),
    };

    #[test]
    fn waits_double_and_stay_in_the_upper_half() {
        for (failures, longest) in [
            (1, 100),
            (2, 200),
            (3, 400),
            (5, 1600),
            (6, 2000),
            (900, 2000),
        ] {
            let longest = Duration::from_millis(longest);
            for entropy in [0, 1, 49_999_999, u64::MAX / 3, u64::MAX] {
                let wait = BACKOFF.wait(failures, None, entropy);
                assert!(
                    wait >= longest / 2 && wait <= longest,
                    "{failures}: {wait:?}"
                );
            }
        }
    }

    #[test]
    fn a_server_may_ask_for_more_but_not_for_ever() {
        let ask = |seconds| BACKOFF.wait(1, Some(Duration::from_millis(seconds)), 0);
        assert_eq!(ask(1_500), Duration::from_millis(1_500));
        assert_eq!(ask(3_600_000), BACKOFF.cap);
        assert_eq!(ask(0), Duration::from_millis(50));
    }

    #[test]
    fn a_wait_of_nothing_is_allowed() {
        let none = Backoff {
            first: Duration::ZERO,
            cap: Duration::ZERO,
        };
        assert_eq!(
            none.wait(3, Some(Duration::from_secs(9)), 7),
            Duration::ZERO
        );
    }
}
