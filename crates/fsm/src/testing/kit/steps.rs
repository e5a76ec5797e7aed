//! Around every attempt: notes which steps there are, and makes one of them fail.

use futures::future::BoxFuture;

use crate::error::StepError;
use crate::intercept::{AttemptInfo, Attempted, Interceptor, Next};
use crate::testing::kit::{Faults, Site, StepFault};

const INJECTED: &str = "the fault kit's";

/// The interceptor.
#[derive(Debug)]
pub(super) struct Steps(pub(super) Faults);

impl<H: 'static> Interceptor<H> for Steps {
    fn around<'a>(
        &'a self,
        info: &'a AttemptInfo,
        next: Next<'a, H>,
    ) -> BoxFuture<'a, Attempted<H>> {
        let fault = self.0.attempt_begins(Site::of(info));
        Box::pin(async move {
            let Some(fault) = fault else {
                return next.run().await;
            };
            if fault.calls_first() || fault == StepFault::Twice {
                let _thrown_away = next.run().await;
            }
            match fault {
                StepFault::Twice => next.run().await,
                _ if fault.is_once() => Attempted::failed(StepError::retry(INJECTED)),
                _ => Attempted::failed(StepError::abort(INJECTED)),
            }
        })
    }
}
