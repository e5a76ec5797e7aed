//! What is said of an image whose child did not get to its end. Its last words are for the log: whoever took
//! it over wrote them.

use longshore_cage::{CageError, End, Limits};

use crate::{Class, Failure, caged::no_cage};

const REPORT: &str = "this is a defect of longshore; please report it, with the image if you may";

/// A failure of what is called `what`, from the end of the child that unpacked it. `overdue` is whether the
/// child was ended because it did nothing.
pub(crate) fn failure(what: &str, error: &CageError, limits: &Limits, overdue: bool) -> Failure {
    let failure = |class, code: &str, text: String| {
        Failure::new(class, code, format!("{what} was not unpacked: {text}"))
    };
    match error {
        CageError::Limit(limit) => failure(
            Class::Refused,
            "unpacking-limit",
            format!("it used up its {}", limits.amount(*limit)),
        )
        .hint("no image within the limits needs as much: do not use this one"),
        CageError::Forbidden { .. } => failure(
            Class::Refused,
            "unpacking-attack",
            "its reader did what only an attack does, and was killed".to_owned(),
        )
        .hint("do not use the image"),
        CageError::Crashed {
            end: end @ End::Signal(9),
            ..
        } => failure(
            Class::Failed,
            "unpacking-killed",
            format!("its reader {end}, which the system sends where memory is short"),
        )
        .retryable(),
        CageError::Crashed { end, .. } => failure(
            Class::Failed,
            "unpacking-crashed",
            format!("its reader {end}"),
        )
        .hint(REPORT),
        CageError::Cancelled if overdue => failure(
            Class::Failed,
            "unpacking-stalled",
            "its reader did nothing for ten minutes, and was killed".to_owned(),
        )
        .hint(REPORT),
        CageError::Cancelled => Failure::interrupted(),
        CageError::Broken(breach) => failure(
            Class::Failed,
            "unpacking-broken",
            format!("its reader broke the protocol: {breach}"),
        )
        .hint(REPORT),
        CageError::Host(_) | CageError::Unavailable { .. } => no_cage(
            format!("{what} was not unpacked: there is no cage for its reader"),
            error,
        ),
    }
}

/// The same where the child says what none of ours says.
pub(crate) fn garbled(what: &str) -> Failure {
    Failure::new(
        Class::Failed,
        "unpacking-broken",
        format!("{what} was not unpacked: its reader answered what none of ours answers"),
    )
    .hint(REPORT)
}

#[cfg(test)]
mod tests {
    use longshore_cage::{Breach, Limit};

    use super::*;

    fn said(error: &CageError, overdue: bool) -> Failure {
        failure("volume 7", error, &Limits::default(), overdue)
    }

    #[test]
    fn every_end_has_its_class_and_none_has_words_of_the_child() {
        let last_words = "all is well".to_owned();
        for (error, class, code, text) in [
            (
                CageError::Limit(Limit::Memory),
                Class::Refused,
                "unpacking-limit",
                "it used up its 1024 MiB of memory",
            ),
            (
                CageError::Limit(Limit::Cpu),
                Class::Refused,
                "unpacking-limit",
                "it used up its 300 s of time on a processor",
            ),
            (
                CageError::Forbidden {
                    last_words: last_words.clone(),
                },
                Class::Refused,
                "unpacking-attack",
                "its reader did what only an attack does, and was killed",
            ),
            (
                CageError::Crashed {
                    end: End::Exit(101),
                    last_words: last_words.clone(),
                },
                Class::Failed,
                "unpacking-crashed",
                "its reader ended with code 101",
            ),
            (
                CageError::Crashed {
                    end: End::Signal(9),
                    last_words,
                },
                Class::Failed,
                "unpacking-killed",
                "its reader died of signal 9, which the system sends where memory is short",
            ),
            (
                CageError::Broken(Breach::Closed),
                Class::Failed,
                "unpacking-broken",
                "its reader broke the protocol: it closed the channel without an answer",
            ),
        ] {
            let failure = said(&error, false);
            assert_eq!((failure.class, failure.code.as_str()), (class, code));
            let expected = format!("volume 7 was not unpacked: {text}");
            assert_eq!(failure.to_string(), expected);
        }
    }

    #[test]
    fn whoever_cancelled_is_not_told_of_a_fault() {
        assert!(said(&CageError::Cancelled, false).is_interrupted());
        assert_eq!(said(&CageError::Cancelled, true).code, "unpacking-stalled");
    }
}
