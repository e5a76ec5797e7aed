//! What is done to which answer.
//!
//! A [`Rule`] names requests and one [`Fault`]; a request suffers every rule that it matches.
//! Requests are counted a rule, from 1, in the order in which their heads arrive.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::gate::Gate;
use super::record::{Head, Operation};

/// One way to spoil an answer. Offsets into a body count the bytes of that answer, from 0.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answers this status and an S3 error document instead of the object.
    Status(u16),
    /// Sends that many bytes of the body, then resets the connection (RST). What the kernel still
    /// holds then is lost, so the client gets at most that many.
    Reset { after: u64 },
    /// Sends exactly that many bytes of the body, then closes the connection in order (FIN).
    Truncate { after: u64 },
    /// Sends exactly that many bytes of the body, then waits at the gate.
    Stall { after: u64, gate: Gate },
    /// Appends that many bytes 0xEE to the body, and counts them in `Content-Length`.
    ExtraBytes(u64),
    /// Inverts the lowest bit of the byte at this offset of the *object*, in answers that hold it.
    FlipBit { offset: u64 },
    /// Answers as if this key had been asked for: another content under another ETag, against which
    /// `If-Match` is judged.
    ServeKey(String),
    /// Answers with the whole object and 200, as if no range had been asked for.
    IgnoreRange,
    /// Moves both ends of `Content-Range` up by one; the body stays as it is.
    WrongContentRange,
    /// Sets a header of the answer, or removes it.
    Header(&'static str, Option<String>),
    /// Sends the body at this rate.
    Throttle { bytes_per_second: u64 },
}

/// A fault and the requests that suffer it: unless narrowed, every GET of an object.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    operation: Operation,
    key: Key,
    from: u64,
    until: u64,
}

#[derive(Debug, Clone)]
enum Key {
    Any,
    Is(String),
    StartsWith(String),
}

impl Rule {
    /// This fault for every GET.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            operation: Operation::Get,
            key: Key::Any,
            from: 1,
            until: u64::MAX,
        }
    }

    /// Only for requests of this operation.
    #[must_use]
    pub fn operation(self, operation: Operation) -> Self {
        Self { operation, ..self }
    }

    /// Only for this key (for a LIST: this prefix, as the client wrote it).
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self {
            key: Key::Is(key.to_owned()),
            ..self
        }
    }

    /// Only for keys that start so.
    #[must_use]
    pub fn key_prefix(self, prefix: &str) -> Self {
        Self {
            key: Key::StartsWith(prefix.to_owned()),
            ..self
        }
    }

    /// Only for the n-th request that matches, the first being 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        Self {
            from: n,
            until: n,
            ..self
        }
    }

    /// Only for the first n requests that match.
    #[must_use]
    pub fn first(self, n: u64) -> Self {
        Self {
            from: 1,
            until: n,
            ..self
        }
    }

    /// For the n-th request that matches and all later ones.
    #[must_use]
    pub fn from_nth(self, n: u64) -> Self {
        Self {
            from: n,
            until: u64::MAX,
            ..self
        }
    }

    fn matches(&self, head: &Head) -> bool {
        self.operation == head.operation
            && match &self.key {
                Key::Any => true,
                Key::Is(key) => *key == head.key,
                Key::StartsWith(prefix) => head.key.starts_with(prefix.as_str()),
            }
    }
}

/// A rule in force.
#[derive(Debug, Clone)]
pub struct Injected(Arc<Active>);

#[derive(Debug)]
struct Active {
    rule: Rule,
    seen: AtomicU64,
    hits: AtomicU64,
}

impl Injected {
    /// How many requests have suffered it so far.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.0.hits.load(Ordering::Acquire)
    }
}

/// The rules in force, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct Rules(Mutex<Vec<Arc<Active>>>);

impl Rules {
    pub(super) fn add(&self, rule: Rule) -> Injected {
        let active = Arc::new(Active {
            rule,
            seen: AtomicU64::new(0),
            hits: AtomicU64::new(0),
        });
        self.active().push(Arc::clone(&active));
        Injected(active)
    }

    pub(super) fn clear(&self) {
        self.active().clear();
    }

    /// The faults that this request suffers.
    pub(super) fn apply(&self, head: &Head) -> Vec<Fault> {
        let mut faults = Vec::new();
        for active in self
            .active()
            .iter()
            .filter(|active| active.rule.matches(head))
        {
            let nth = active.seen.fetch_add(1, Ordering::AcqRel) + 1;
            if (active.rule.from..=active.rule.until).contains(&nth) {
                active.hits.fetch_add(1, Ordering::AcqRel);
                faults.push(active.rule.fault.clone());
            }
        }
        faults
    }

    fn active(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Active>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
