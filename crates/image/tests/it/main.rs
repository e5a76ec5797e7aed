//! The tests of `longshore-image` from outside: archives in, trees and verdicts out.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod builder;
mod limits;
mod merge;
mod rejections;
mod stored;
