//! What is asked for wrongly, and what the machine does wrong: an error with a type, and a store that
//! is as it was.

mod asked;
mod clocks;
mod damaged;
mod full;
mod locked;
mod names;
mod read_only;
