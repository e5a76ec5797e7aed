//! [`Limits`]: how much of the host a caged child may use.

use std::{fmt, time::Duration};

/// How much of the host a caged child may use. None is above what the parent has itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of address space, the program and its libraries (some megabytes) included.
    pub memory_bytes: u64,
    /// Seconds on a processor, summed over the threads.
    pub cpu_seconds: u64,
    /// From the start of the child to its end. Kept by the parent, in every call of
    /// [`Caged`](crate::Caged).
    pub wall: Duration,
    /// Descriptors that may be open beside the standard three.
    pub descriptors: u64,
    /// Where the highest byte may be that the child writes to a file that was given to it; with 0
    /// it cannot write to files at all.
    pub file_bytes: u64,
    /// Bytes in one frame of the child's.
    pub answer_bytes: u32,
}

impl Default for Limits {
    /// Room for the largest window of a decompressor and a parser's tables many times over, and
    /// time for the largest image that a test has seen; no writing.
    fn default() -> Limits {
        Limits {
            memory_bytes: 1 << 30,
            cpu_seconds: 300,
            wall: Duration::from_secs(600),
            descriptors: 16,
            file_bytes: 0,
            answer_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// A limit with its number, for a person: `1024 MiB of memory`.
    pub fn amount(&self, limit: Limit) -> String {
        match limit {
            Limit::Memory => format!("{} MiB of {limit}", self.memory_bytes >> 20),
            Limit::Cpu => format!("{} s of {limit}", self.cpu_seconds),
            Limit::Wall => format!("{} s of {limit}", self.wall.as_secs()),
            Limit::FileSize => format!("{} {limit}", self.file_bytes),
        }
    }
}

/// A limit that a child ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::memory_bytes`].
    Memory,
    /// [`Limits::cpu_seconds`].
    Cpu,
    /// [`Limits::wall`].
    Wall,
    /// [`Limits::file_bytes`].
    FileSize,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Memory => "memory",
            Limit::Cpu => "time on a processor",
            Limit::Wall => "time",
            Limit::FileSize => "bytes of a file",
        })
    }
}
