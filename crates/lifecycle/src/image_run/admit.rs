//! The steps `scan` and `admit`. There is no scanner yet, and they say so: what is recorded is that
//! nothing has looked into the image, and that it was let through all the same.

use std::{sync::Arc, time::Instant};

use longshore_catalog::{Decision, Verdict, Writer};
use longshore_fsm::{Ctx, StepError};
use rusqlite::Connection;

use super::{ImageRequest, ImageResponse};
use crate::{Failure, deps::Deps, trouble::millis};

const REASON: &str = "this version of longshore has no scanner";

/// The step `scan`.
pub(crate) async fn scan(
    deps: Arc<Deps>,
    ctx: &mut Ctx<ImageRequest, ImageResponse, Connection>,
) -> Result<(), StepError> {
    let begun = Instant::now();
    deps.step_begins(&ctx.request().name, ctx.step(), ctx.attempt());
    let response = ctx.response_mut();
    response.verdict = Some(Verdict::Unscanned);
    response.scan_ms = millis(begun);
    Ok(())
}

/// The step `admit`: the decision, recorded with what it rests on.
pub(crate) async fn admit(
    deps: Arc<Deps>,
    ctx: &mut Ctx<ImageRequest, ImageResponse, Connection>,
) -> Result<(), StepError> {
    deps.step_begins(&ctx.request().name, ctx.step(), ctx.attempt());
    let response = ctx.response();
    let (Some(image), Some(verdict)) = (response.image, response.verdict) else {
        return Err(Failure::broken("admit began before scan was done").step());
    };
    let decision = decide(verdict, deps.now());
    ctx.on_completion(move |connection| {
        Writer::new(connection).decide(image, &decision)?;
        Ok(())
    });
    Ok(())
}

/// Whether an image with this verdict may become a machine: a pure function of the verdict.
fn decide(verdict: Verdict, now: i64) -> Decision {
    let admitted = match verdict {
        Verdict::Ready | Verdict::Unscanned => true,
        Verdict::Vulnerable | Verdict::Unproven => false,
    };
    let report = serde_json::json!({ "coverage": "none", "reason": REASON }).to_string();
    Decision {
        verdict,
        admitted,
        report,
        decided_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_against_an_image_keeps_machines_from_being_made_of_it() {
        for (verdict, admitted) in [
            (Verdict::Unscanned, true),
            (Verdict::Ready, true),
            (Verdict::Vulnerable, false),
            (Verdict::Unproven, false),
        ] {
            assert_eq!(decide(verdict, 7).admitted, admitted, "{verdict}");
        }
    }

    #[test]
    fn an_unscanned_image_says_that_nothing_has_looked() {
        let decision = decide(Verdict::Unscanned, 7);
        assert!(
            decision.report.contains("no scanner"),
            "{}",
            decision.report
        );
        assert_eq!(decision.decided_at, 7);
    }
}
