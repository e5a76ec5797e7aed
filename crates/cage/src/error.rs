//! [`CageError`]: how a caged child can fail its parent, by what the parent would do about it.

use std::{fmt, io};

use thiserror::Error;

use crate::{layer::Layer, limits::Limit};

/// Why there is no answer. The child is dead and reaped wherever a call has returned this.
///
/// Last words are what the child wrote to its standard error at the end, with everything replaced
/// that a terminal would obey. Whoever has taken over the child may have written them.
#[derive(Debug, Error)]
pub enum CageError {
    /// The input takes more than is allowed: it is hostile, or the limit is too low for it.
    #[error("the caged child used up its {0}")]
    Limit(Limit),
    /// The child made a system call that nothing but an attack makes, and was killed for it.
    #[error("the caged child did what it may never do, and was killed{}", words(.last_words))]
    Forbidden {
        /// What it wrote before.
        last_words: String,
    },
    /// The child died of a fault of ours, which the input found.
    #[error("the caged child {end}{}", words(.last_words))]
    Crashed {
        /// How it died.
        end: End,
        /// What it wrote before, such as the message of a panic.
        last_words: String,
    },
    /// The child did not keep to the protocol: it is no longer ours, or it is of another version.
    #[error("the caged child broke the protocol: {0}")]
    Broken(Breach),
    /// [`Cancel::cancel`](crate::Cancel::cancel) was called.
    #[error("cancelled")]
    Cancelled,
    /// The kernel lacks a layer, and [`Need::Every`](crate::Need::Every) was asked for. Nothing
    /// was sent to the child.
    #[error("no cage without the layer {layer}: {why} ({})", layer.advice())]
    Unavailable {
        /// The first layer that is missing.
        layer: Layer,
        /// What the kernel said.
        why: String,
    },
    /// The system failed the parent: no process could be started, or there is no memory.
    #[error("a caged child could not be started or spoken to")]
    Host(#[from] io::Error),
}

/// How a child died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By a signal. `SIGKILL` is the system's, where memory is short, or another user's.
    Signal(i32),
    /// By itself, with this code; a panic is 101.
    Exit(i32),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Signal(signal) => write!(f, "died of signal {signal}"),
            End::Exit(code) => write!(f, "ended with code {code}"),
        }
    }
}

/// How a child broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breach {
    /// It closed the channel, or ended in order, where an answer was due.
    Closed,
    /// It closed the channel, or ended in order, within a frame.
    Cut,
    /// It announced a frame longer than the limit.
    TooLong {
        /// Bytes announced.
        announced: u32,
        /// Bytes allowed.
        allowed: u32,
    },
    /// A frame began with what begins none.
    Header,
    /// Its first frame did not say which layers hold.
    Greeting,
    /// It sent more than was asked for, where it should have ended.
    Unasked,
    /// It closed the channel and did not end.
    Lingering,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::Closed => f.write_str("it closed the channel without an answer"),
            Breach::Cut => f.write_str("it closed the channel within a frame"),
            Breach::TooLong { announced, allowed } => write!(
                f,
                "it announced a frame of {announced} bytes, and {allowed} are allowed"
            ),
            Breach::Header => f.write_str("a frame has no right header"),
            Breach::Greeting => f.write_str("it did not say how it is caged"),
            Breach::Unasked => f.write_str("it sent what nobody asked for"),
            Breach::Lingering => f.write_str("it closed the channel and did not end"),
        }
    }
}

fn words(last_words: &str) -> String {
    match last_words.is_empty() {
        true => String::new(),
        false => format!("; its last words: {last_words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_happened_and_what_to_do() {
        let crashed = CageError::Crashed {
            end: End::Exit(101),
            last_words: "panicked".to_owned(),
        };
        assert_eq!(
            crashed.to_string(),
            "the caged child ended with code 101; its last words: panicked"
        );
        let missing = CageError::Unavailable {
            layer: Layer::Descriptors,
            why: "no /proc".to_owned(),
        };
        assert_eq!(
            missing.to_string(),
            "no cage without the layer descriptors: no /proc (it takes Linux with /proc mounted)"
        );
    }
}
