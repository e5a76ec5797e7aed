//! Whether a machine may be made of an image: its decision, or somebody who takes it upon themselves.

use longshore_catalog::{AllowanceRow, ImageRow, Verdict, Writer};
use longshore_fsm::store::WriteError;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{Allow, Judged};
use crate::{Class, Failure, deps::Deps};

/// What somebody takes upon themselves, as it is kept with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allowed {
    vulnerable: bool,
    unproven: bool,
    by: String,
}

impl Allowed {
    /// Nothing, where nothing is.
    pub(crate) fn of(allow: Allow, by: &str) -> Option<Self> {
        (allow != Allow::default()).then(|| Self {
            vulnerable: allow.vulnerable,
            unproven: allow.unproven,
            by: by.to_owned(),
        })
    }
}

/// What keeps a machine from being made of an image, and would have to be allowed.
fn stands_against(judged: Option<&Judged>) -> (Allow, Verdict) {
    let Some(judged) = judged else {
        let allow = Allow {
            unproven: true,
            vulnerable: false,
        };
        return (allow, Verdict::Unproven);
    };
    let allow = Allow {
        vulnerable: !judged.judgement.against.is_empty(),
        unproven: !judged.judgement.coverage.is_complete(),
    };
    let verdict = if allow.vulnerable {
        Verdict::Vulnerable
    } else {
        Verdict::Unproven
    };
    (allow, verdict)
}

/// Whether a machine may be made of an image as it is judged now; what has to be recorded if it is one
/// that somebody takes upon themselves.
///
/// # Errors
/// [`Class::Refused`], with what stands against it.
pub(crate) fn admit(
    deps: &Deps,
    image: &ImageRow,
    machine: &str,
    allowed: Option<&Allowed>,
) -> Result<Option<AllowanceRow>, Failure> {
    let judged = Judged::of(deps, image)?;
    let (needed, verdict) = stands_against(judged.as_ref());
    if needed == Allow::default() {
        return Ok(None);
    }
    match allowed {
        Some(allowed)
            if (allowed.vulnerable || !needed.vulnerable)
                && (allowed.unproven || !needed.unproven) =>
        {
            Ok(Some(AllowanceRow {
                image: image.id,
                machine: machine.to_owned(),
                verdict,
                by: allowed.by.clone(),
                at: deps.now(),
            }))
        }
        _ => Err(refused(&image.name, judged.as_ref(), needed)),
    }
}

/// The write that records it.
pub(crate) fn record(
    allowance: AllowanceRow,
) -> impl FnOnce(&Connection) -> Result<(), WriteError> + Send + 'static {
    move |connection| Ok(Writer::new(connection).allow(&allowance)?)
}

fn refused(image: &str, judged: Option<&Judged>, needed: Allow) -> Failure {
    let Some(judged) = judged else {
        return Failure::new(
            Class::Refused,
            "unscanned",
            format!("nothing has looked into {image} yet, so no machine is made of it"),
        )
        .hint(format!("look into it with `longshore scan {image}`"));
    };
    let against = judged.judgement.against.len();
    let reasons = judged.judgement.coverage.reasons();
    let what = match (needed.vulnerable, needed.unproven) {
        (true, false) => format!("{against} findings stand against it"),
        (false, _) => format!("not all of it could be judged: {}", listed(reasons)),
        (true, true) => format!(
            "{against} findings stand against it, and not all of it could be judged: {}",
            listed(reasons)
        ),
    };
    let (word, flags) = match (needed.vulnerable, needed.unproven) {
        (true, true) => ("vulnerable", "--allow-vulnerable --allow-unproven"),
        (true, false) => ("vulnerable", "--allow-vulnerable"),
        (false, _) => ("unproven", "--allow-unproven"),
    };
    Failure::new(
        Class::Refused,
        word,
        format!("no machine is made of {image}, which is {word}: {what}"),
    )
    .hint(format!(
        "see all of it with `longshore scan {image}`; live with a finding with `longshore waive {image} \
         ID --until DATE --reason TEXT`; take it upon yourself with {flags}"
    ))
}

fn listed(reasons: &[longshore_scan::Reason]) -> String {
    let texts: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
