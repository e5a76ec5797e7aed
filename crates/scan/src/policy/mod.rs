//! What stands against an image: a pure function of what was found in it, what its operator has said,
//! and the time. Nothing that is inside an image has a say.

mod judge;
mod waiver;

pub use judge::{Judgement, Judging, Policy, Verdict, judge};
pub use waiver::{Excuse, Excused, Waiver};
