//! steno, as a peer: sagas of five actions, on a store that keeps them.
//!
//! steno leaves storage to whoever uses it, and the one store that comes with it keeps nothing. This
//! one is the smallest that does, in two kinds: each call a transaction of its own, which is what
//! steno's interface asks for; and whatever waits sharing a transaction.

mod sagas;
mod store;

pub use sagas::Sagas;
