//! What the work of a caged child needs: threads, memory, open descriptors, clocks, and its end.

use seccompiler::{
    BackendError,
    SeccompCmpArgLen::{Dword, Qword},
    SeccompCmpOp::{Eq, MaskedEq},
    SeccompCondition, SeccompRule,
};

use super::filter::Calls;

/// Any arguments will do for these.
const PLAIN: &[i64] = &[
    // What is open: reading it, writing it, waiting for it, closing it. A disk image is written
    // through these too.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_lseek,
    // Not fstatat and statx, which can ask for any path: older C libraries use them for what is
    // open too. `rustix::fs::fstat` does not, nor does seeking to the end.
    libc::SYS_fstat,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    SYNC_FILE_RANGE,
    libc::SYS_fallocate,
    libc::SYS_ftruncate,
    libc::SYS_fadvise64,
    libc::SYS_ppoll,
    libc::SYS_close,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Threads.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // Answered by the filter before: it must not be refused here, for this one is asked first.
    libc::SYS_clone3,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    // Signals to itself, which is how a program aborts, and the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Calls of before there were the ones above, which only the older processor has.
#[cfg(target_arch = "x86_64")]
const OLD: &[i64] = &[libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[i64] = &[];

#[cfg(target_arch = "x86_64")]
const SYNC_FILE_RANGE: i64 = libc::SYS_sync_file_range;
/// As the kernel's asm-generic/unistd.h has it, for the libc crate does not.
#[cfg(not(target_arch = "x86_64"))]
const SYNC_FILE_RANGE: i64 = 84;

/// How glibc and musl make a thread. What is missing here would make a process.
const THREAD: i32 = libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID;

/// Without an effect since Linux 2.6, and still set by musl.
const DETACHED: i32 = libc::CLONE_DETACHED;

pub(super) fn calls() -> Result<Calls, BackendError> {
    let mut calls: Calls = PLAIN
        .iter()
        .chain(OLD)
        .map(|&call| (call, Vec::new()))
        .collect();
    let not_executable = bits(libc::PROT_EXEC);
    let with = [
        (
            libc::SYS_mmap,
            vec![SeccompCondition::new(
                2,
                Qword,
                MaskedEq(not_executable),
                0,
            )?],
        ),
        (
            libc::SYS_mprotect,
            vec![SeccompCondition::new(
                2,
                Qword,
                MaskedEq(not_executable),
                0,
            )?],
        ),
        (
            libc::SYS_clone,
            vec![SeccompCondition::new(
                0,
                Qword,
                MaskedEq(!bits(DETACHED)),
                bits(THREAD),
            )?],
        ),
        // The channel, on which descriptors come. None is sent.
        (
            libc::SYS_recvmsg,
            vec![SeccompCondition::new(0, Dword, Eq, 0)?],
        ),
        // Its own threads.
        (
            libc::SYS_tgkill,
            vec![SeccompCondition::new(
                0,
                Dword,
                Eq,
                u64::from(std::process::id()),
            )?],
        ),
        // Asking for its own limits, not setting any: no pid, and no new limit.
        (
            libc::SYS_prlimit64,
            vec![
                SeccompCondition::new(0, Dword, Eq, 0)?,
                SeccompCondition::new(2, Qword, Eq, 0)?,
            ],
        ),
    ];
    for (call, conditions) in with {
        calls.insert(call, vec![SeccompRule::new(conditions)?]);
    }
    // Not the commands that lock a file, or name somebody who gets signals for it.
    let commands = [libc::F_GETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC];
    let commands = commands
        .map(|command| SeccompRule::new(vec![SeccompCondition::new(1, Dword, Eq, bits(command))?]));
    let commands = commands.into_iter().collect::<Result<_, _>>()?;
    calls.insert(libc::SYS_fcntl, commands);
    Ok(calls)
}

/// Flags and small numbers as the kernel's registers have them; none of those here is negative.
pub(super) fn bits(flags: i32) -> u64 {
    u64::from(flags.unsigned_abs())
}
