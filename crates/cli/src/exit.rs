//! Exit codes: one for each class of failure, as the command line promises them.

use longshore_lifecycle::Class;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Done,
    /// Something failed.
    Failed(Class),
    /// Stopped by SIGTERM.
    Terminated,
}

impl Exit {
    /// How a command ended that was asked for several things: done, partly done, or failed as all of
    /// them failed.
    pub(crate) fn of_several(failures: &[Class], asked: usize) -> Self {
        let Some(first) = failures.first() else {
            return Self::Done;
        };
        if failures.contains(&Class::Interrupted) {
            return Self::Failed(Class::Interrupted);
        }
        if failures.len() < asked {
            return Self::Failed(Class::Partial);
        }
        let alike = failures.iter().all(|class| class == first);
        Self::Failed(if alike { *first } else { Class::Failed })
    }

    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed(Class::Failed) => 1,
            Self::Failed(Class::Usage) => 2,
            Self::Failed(Class::Partial) => 3,
            Self::Failed(Class::NotAuthorised) => 4,
            Self::Failed(Class::NotFound) => 5,
            Self::Failed(Class::Refused) => 6,
            Self::Failed(Class::Busy) => 7,
            Self::Failed(Class::Full) => 8,
            // What shells report for a program that SIGINT and SIGTERM ended: 128 and the number.
            Self::Failed(Class::Interrupted) => 130,
            Self::Terminated => 143,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_requests_end_as_one() {
        use Class::{Busy, Failed, Interrupted, NotFound, Partial};
        for (failures, asked, expected) in [
            (&[][..], 2, Exit::Done),
            (&[NotFound], 1, Exit::Failed(NotFound)),
            (&[NotFound], 2, Exit::Failed(Partial)),
            (&[NotFound, NotFound], 2, Exit::Failed(NotFound)),
            (&[NotFound, Busy], 2, Exit::Failed(Failed)),
            (&[NotFound, Busy], 3, Exit::Failed(Partial)),
            (&[NotFound, Interrupted], 3, Exit::Failed(Interrupted)),
        ] {
            assert_eq!(
                Exit::of_several(failures, asked),
                expected,
                "{failures:?} of {asked}"
            );
        }
    }

    #[test]
    fn codes_are_the_promised_ones() {
        let classes = [
            (Class::Failed, 1),
            (Class::Usage, 2),
            (Class::Partial, 3),
            (Class::NotAuthorised, 4),
            (Class::NotFound, 5),
            (Class::Refused, 6),
            (Class::Busy, 7),
            (Class::Full, 8),
            (Class::Interrupted, 130),
        ];
        for (class, code) in classes {
            assert_eq!(Exit::Failed(class).code(), code);
        }
        assert_eq!((Exit::Done.code(), Exit::Terminated.code()), (0, 143));
    }
}
