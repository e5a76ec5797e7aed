//! A broken rule as an error, and rules that tests switch off, one at a time.
//!
//! Only a build with `--cfg longshore_image_rules` can do that: `scripts/see-rules` makes one, and
//! sees that each rule stands alone: what it refuses, no other would. Everywhere else every rule
//! holds and costs nothing. What stands after [`refuse`] is what a reader without the rule does.

use crate::{Code, Rejected};

/// A rule is broken: an error, unless the rule is switched off.
pub(crate) fn refuse(code: Code, detail: impl Into<String>) -> Result<(), Rejected> {
    if is_off(code) {
        return Ok(());
    }
    Err(Rejected::new(code, detail))
}

/// What was done, or `None` if it broke a rule that is switched off: for what can only answer an error,
/// where its caller knows how to go on without it.
pub(crate) fn held<T, E: MayReject>(result: Result<T, E>) -> Result<Option<T>, E> {
    match result {
        Err(error) if error.rejected().is_some_and(|it| is_off(it.code)) => Ok(None),
        result => result.map(Some),
    }
}

/// An error that may be a broken rule.
pub(crate) trait MayReject {
    /// The rule, if it is one.
    fn rejected(&self) -> Option<&Rejected>;
}

impl MayReject for Rejected {
    fn rejected(&self) -> Option<&Rejected> {
        Some(self)
    }
}

#[cfg(not(longshore_image_rules))]
const fn is_off(_: Code) -> bool {
    false
}

#[cfg(longshore_image_rules)]
use switch::is_off;
#[cfg(longshore_image_rules)]
pub use switch::without;

#[cfg(longshore_image_rules)]
mod switch {
    use std::cell::Cell;

    use crate::Code;

    std::thread_local! {
        static OFF: Cell<Option<Code>> = const { Cell::new(None) };
    }

    pub(super) fn is_off(code: Code) -> bool {
        OFF.get() == Some(code)
    }

    /// Runs something on this thread with one rule switched off.
    pub fn without<T>(code: Code, run: impl FnOnce() -> T) -> T {
        OFF.set(Some(code));
        let result = run();
        OFF.set(None);
        result
    }
}
