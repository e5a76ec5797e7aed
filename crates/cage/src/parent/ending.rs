//! How a child ended: waiting for it, and what its end means.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    error::{Breach, CageError, End},
    limits::Limit,
};

/// What Rust's allocator says before it aborts.
const OUT_OF_MEMORY: &str = "memory allocation of ";

/// Waits until the child has ended, at most so long, and reaps it.
pub(crate) fn await_end(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let until = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        pause(child, left);
    }
}

/// Waits until the child has ended or the time is over, or less.
#[cfg(target_os = "linux")]
fn pause(child: &Child, patience: Duration) {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        process::{Pid, PidfdFlags, pidfd_open},
    };
    let patience = Timespec::try_from(patience).ok();
    // It is not reaped yet, so the number is still its own.
    match pidfd_open(Pid::from_child(child), PidfdFlags::empty()) {
        Ok(handle) => {
            let mut waits = [PollFd::new(&handle, PollFlags::IN)];
            // After an error too, the caller looks again.
            let _ = poll(&mut waits, patience.as_ref());
        }
        Err(_) => nap(),
    }
}

#[cfg(not(target_os = "linux"))]
fn pause(_child: &Child, _patience: Duration) {
    nap();
}

/// Where nothing tells that a process has ended.
fn nap() {
    std::thread::sleep(Duration::from_millis(1));
}

/// What the end of a child that ended by itself says; `breach` is what it means where there is
/// nothing wrong with the end as such.
pub(crate) fn verdict(status: ExitStatus, breach: Breach, last_words: String) -> CageError {
    let signal = status.signal();
    let is = |of: Signal| signal == Some(of.as_raw());
    if is(Signal::XCPU) {
        return CageError::Limit(Limit::Cpu);
    }
    if is(Signal::XFSZ) {
        return CageError::Limit(Limit::FileSize);
    }
    if is(Signal::SYS) {
        return CageError::Forbidden { last_words };
    }
    if is(Signal::ABORT) && last_words.contains(OUT_OF_MEMORY) {
        return CageError::Limit(Limit::Memory);
    }
    match (signal, status.code()) {
        (Some(signal), _) => CageError::Crashed {
            end: End::Signal(signal),
            last_words,
        },
        (None, Some(0) | None) => CageError::Broken(breach),
        (None, Some(code)) => CageError::Crashed {
            end: End::Exit(code),
            last_words,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `wait` gives it: the signal, or the code in the second byte.
    fn of(raw: i32, last_words: &str) -> CageError {
        verdict(
            ExitStatus::from_raw(raw),
            Breach::Closed,
            last_words.to_owned(),
        )
    }

    #[test]
    fn each_end_says_what_there_is_to_do() {
        use Signal as S;
        assert!(matches!(
            of(S::XCPU.as_raw(), ""),
            CageError::Limit(Limit::Cpu)
        ));
        assert!(matches!(
            of(S::XFSZ.as_raw(), ""),
            CageError::Limit(Limit::FileSize)
        ));
        assert!(matches!(
            of(S::SYS.as_raw(), ""),
            CageError::Forbidden { .. }
        ));
        let short = "memory allocation of 99 bytes failed";
        assert!(matches!(
            of(S::ABORT.as_raw(), short),
            CageError::Limit(Limit::Memory)
        ));
        assert!(matches!(
            of(S::ABORT.as_raw(), ""),
            CageError::Crashed {
                end: End::Signal(6),
                ..
            }
        ));
        assert!(matches!(
            of(101 << 8, short),
            CageError::Crashed {
                end: End::Exit(101),
                ..
            }
        ));
        assert!(matches!(of(0, ""), CageError::Broken(Breach::Closed)));
    }
}
