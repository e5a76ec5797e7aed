//! [`Owed`]: what a child owes its parent, and since when; a child that owes too long is ended.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use longshore_cage::Cancel;
use tokio::{runtime::Handle, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use super::feed::{Stage, Way};

/// How long a child may do nothing that can be seen: the longest that an honest one needs to take 256 KiB,
/// or to write the inodes of two million files, is seconds, on a disk that is slow and busy a minute.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// What is waited for.
#[derive(Debug, Default)]
pub(super) struct Owed {
    wait: Mutex<Option<Wait>>,
    is_overdue: AtomicBool,
}

#[derive(Debug)]
struct Wait {
    since: Instant,
    /// The layer that it is about: while its bytes do not come, nothing is owed.
    layer: Option<Arc<Way>>,
}

impl Wait {
    fn is_overdue(&self, now: Instant, patience: Duration) -> bool {
        let since = match self.layer.as_ref().map(|layer| layer.stage()) {
            None => self.since,
            Some(Stage::Origin) => return false,
            Some(Stage::Child(since)) => since.max(self.since),
        };
        now.saturating_duration_since(since) > patience
    }
}

impl Owed {
    /// An answer is waited for from now on.
    pub(super) fn begins(&self, layer: Option<&Arc<Way>>) {
        let wait = Wait {
            since: Instant::now(),
            layer: layer.cloned(),
        };
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = Some(wait);
    }

    /// It has come, or never will.
    pub(super) fn ends(&self) {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the child was ended for it.
    pub(super) fn was_overdue(&self) -> bool {
        self.is_overdue.load(Ordering::Relaxed)
    }

    fn check(&self, patience: Duration) -> bool {
        let wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        let overdue = wait
            .as_ref()
            .is_some_and(|wait| wait.is_overdue(Instant::now(), patience));
        self.is_overdue.fetch_or(overdue, Ordering::Relaxed);
        overdue
    }
}

/// Watches over a child until it is dropped.
#[derive(Debug)]
pub(super) struct Stall(AbortHandle);

impl Stall {
    /// Rings `cancel` when `token` is cancelled, or when more is owed than `patience` allows.
    pub(super) fn watch(
        runtime: &Handle,
        owed: &Arc<Owed>,
        token: &CancellationToken,
        cancel: &Cancel,
        patience: Duration,
    ) -> Self {
        let (owed, token, cancel) = (Arc::clone(owed), token.clone(), cancel.clone());
        let watch = async move {
            over(&owed, &token, patience).await;
            cancel.cancel();
        };
        Self(runtime.spawn(watch).abort_handle())
    }
}

impl Drop for Stall {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits until a child is to be ended.
async fn over(owed: &Owed, token: &CancellationToken, patience: Duration) {
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(patience / 20) => if owed.check(patience) { return },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn nothing_is_owed_while_an_origin_is_waited_for() {
        let begun = Instant::now();
        let way = Arc::new(Way::new());
        let wait = Wait {
            since: begun,
            layer: Some(Arc::clone(&way)),
        };
        let after = |seconds| begun + Duration::from_secs(seconds);
        let is_overdue = |seconds| wait.is_overdue(after(seconds), PATIENCE);
        assert!(!is_overdue(10_000));
        way.is_at(Stage::Child(after(1000)));
        assert!(!is_overdue(1600) && is_overdue(1601));
        // It has taken some, and is given more.
        way.is_at(Stage::Child(after(1500)));
        assert!(!is_overdue(2100) && is_overdue(2101));
        // What was there before it was asked for.
        let later = Wait {
            since: after(3000),
            layer: Some(way),
        };
        assert!(!later.is_overdue(after(3600), PATIENCE));
        assert!(later.is_overdue(after(3601), PATIENCE));
    }

    #[tokio::test]
    async fn a_child_is_ended_for_what_it_owes_or_by_a_cancel() {
        let (owed, token) = (Owed::default(), CancellationToken::new());
        owed.begins(None);
        over(&owed, &token, Duration::from_millis(1)).await;
        assert!(owed.was_overdue());

        let owed = Owed::default();
        owed.begins(None);
        owed.ends();
        assert!(!owed.check(Duration::ZERO));
        token.cancel();
        over(&owed, &token, LONG).await;
        assert!(!owed.was_overdue());
    }
}
