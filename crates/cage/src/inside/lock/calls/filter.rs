//! The filters that the kernel asks at every system call.
//!
//! There are three, and the strictest answer counts: kill before an error before leave. A call
//! that nothing but an attack makes ends the process, for whoever makes it has taken over already,
//! and should not try again; the parent sees it. Every other call that is not on the list fails
//! with EPERM, as it would for want of a right: libraries ask in passing for the number of
//! processors, a time zone or the kind of a file, and do without.

use std::collections::BTreeMap;

use libc::{ENOSYS, EPERM};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter,
};

use super::{allowed, deadly};

/// A call's number, and the arguments with which it is meant: none is any.
pub(super) type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// Restricts this thread and those it will start.
pub(crate) fn restrict() -> Result<String, String> {
    let programs = programs().map_err(|error| error.to_string())?;
    for program in &programs {
        apply_filter(program).map_err(|error| error.to_string())?;
    }
    Ok(String::new())
}

/// In the order in which they are to be set: the last one forbids setting another.
fn programs() -> Result<[BpfProgram; 3], BackendError> {
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    let program = |calls, otherwise, then| -> Result<BpfProgram, BackendError> {
        let here = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(calls, otherwise, then, here)?.try_into()
    };
    // Its flags are in memory, where no filter looks. The C library takes clone instead, if it
    // hears that the kernel has no such call.
    let hidden = Calls::from([(libc::SYS_clone3, Vec::new())]);
    Ok([
        program(
            deadly::calls()?,
            SeccompAction::Allow,
            SeccompAction::KillProcess,
        )?,
        program(hidden, SeccompAction::Allow, errno(ENOSYS))?,
        program(allowed::calls()?, errno(EPERM), SeccompAction::Allow)?,
    ])
}

#[cfg(test)]
mod tests {
    use libc::{CLONE_NEWUSER, CLONE_THREAD, CLONE_VFORK, CLONE_VM, PROT_EXEC, PROT_READ};

    use super::{super::allowed::bits, *};

    const ALLOW: u32 = 0x7fff_0000;
    const KILL: u32 = 0x8000_0000;
    const REFUSE: u32 = 0x0005_0001;
    const NO_SUCH_CALL: u32 = 0x0005_0026;
    /// AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64.
    const HERE: u32 = if cfg!(target_arch = "x86_64") {
        0xc000_003e
    } else {
        0xc000_00b7
    };

    /// What the kernel would answer to a call: the strictest filter, the last among equals.
    fn answer(arch: u32, call: u32, arguments: [u64; 3]) -> u32 {
        let answers = programs()
            .unwrap()
            .map(|program| run(&program, arch, call, arguments));
        // The kernel compares the actions as signed numbers: killing the process is below zero.
        let strictness = |answer: &u32| (answer & 0xffff_0000).cast_signed();
        answers.into_iter().rev().min_by_key(strictness).unwrap()
    }

    fn here(call: i64, arguments: [u64; 3]) -> u32 {
        answer(HERE, u32::try_from(call).unwrap(), arguments)
    }

    /// As much of BPF as the filters are made of.
    fn run(program: &BpfProgram, arch: u32, call: u32, arguments: [u64; 3]) -> u32 {
        let halves = arguments.map(|argument| {
            let (low, high) = (argument & 0xffff_ffff, argument >> 32);
            [u32::try_from(low).unwrap(), u32::try_from(high).unwrap()]
        });
        let data: Vec<u32> = [call, arch, 0, 0]
            .into_iter()
            .chain(halves.concat())
            .collect();
        let (mut at, mut register) = (0, 0);
        loop {
            let step = &program[at];
            at += 1;
            let k = step.k;
            let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
            match step.code {
                0x20 => register = data[usize::try_from(k).unwrap() / 4],
                0x54 => register &= k,
                0x05 => at += usize::try_from(k).unwrap(),
                0x15 => at += jump(register == k),
                0x25 => at += jump(register > k),
                0x35 => at += jump(register >= k),
                0x06 => return k,
                code => panic!("{code:#x} is not known here"),
            }
        }
    }

    #[test]
    fn what_the_work_needs_is_allowed() {
        for call in [
            libc::SYS_read,
            libc::SYS_pwritev,
            libc::SYS_futex,
            libc::SYS_exit_group,
        ] {
            assert_eq!(here(call, [9, 9, 9]), ALLOW, "{call}");
        }
    }

    #[test]
    fn memory_is_never_executable() {
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            assert_eq!(here(call, [0, 4096, bits(PROT_READ)]), ALLOW);
            assert_eq!(here(call, [0, 4096, bits(PROT_EXEC | PROT_READ)]), REFUSE);
        }
        assert_eq!(
            here(libc::SYS_pkey_mprotect, [0, 4096, bits(PROT_EXEC)]),
            REFUSE
        );
    }

    #[test]
    fn threads_are_made_and_nothing_else() {
        let glibc = 0x003d_0f00;
        assert_eq!(here(libc::SYS_clone, [glibc, 0, 0]), ALLOW);
        assert_eq!(here(libc::SYS_clone, [0x007d_0f00, 0, 0]), ALLOW, "musl's");
        assert_eq!(
            here(libc::SYS_clone, [bits(libc::SIGCHLD), 0, 0]),
            KILL,
            "fork"
        );
        assert_eq!(
            here(libc::SYS_clone, [bits(CLONE_VM | CLONE_VFORK), 0, 0]),
            KILL,
            "spawn"
        );
        let thread = bits(CLONE_THREAD);
        assert_eq!(here(libc::SYS_clone, [thread, 0, 0]), REFUSE);
        assert_eq!(
            here(libc::SYS_clone, [glibc | bits(CLONE_NEWUSER), 0, 0]),
            REFUSE
        );
        assert_eq!(
            here(libc::SYS_clone, [glibc | 1 << 33, 0, 0]),
            REFUSE,
            "CLONE_INTO_CGROUP"
        );
        assert_eq!(here(libc::SYS_clone3, [0; 3]), NO_SUCH_CALL);
    }

    #[test]
    fn arguments_are_held_to_this_process() {
        let this = u64::from(std::process::id());
        assert_eq!(here(libc::SYS_tgkill, [this, 1, 6]), ALLOW);
        assert_eq!(here(libc::SYS_tgkill, [1, 1, 6]), REFUSE);
        assert_eq!(here(libc::SYS_prlimit64, [0, 7, 0]), ALLOW);
        assert_eq!(here(libc::SYS_prlimit64, [0, 7, 1]), REFUSE);
        assert_eq!(here(libc::SYS_prlimit64, [0, 7, 1 << 32]), REFUSE);
        assert_eq!(here(libc::SYS_prlimit64, [1, 7, 0]), REFUSE);
        assert_eq!(here(libc::SYS_recvmsg, [0; 3]), ALLOW);
        assert_eq!(here(libc::SYS_recvmsg, [3, 0, 0]), REFUSE);
        assert_eq!(
            here(libc::SYS_fcntl, [3, bits(libc::F_DUPFD_CLOEXEC), 0]),
            ALLOW
        );
        assert_eq!(here(libc::SYS_fcntl, [3, bits(libc::F_SETOWN), 1]), REFUSE);
    }

    #[test]
    fn every_attack_is_deadly() {
        let deadly = deadly::calls().unwrap();
        for &call in deadly.keys().filter(|&&call| call != libc::SYS_clone) {
            assert_eq!(here(call, [0; 3]), KILL, "{call}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        let known = |call: &i64| {
            let lists = [allowed::calls().unwrap(), deadly::calls().unwrap()];
            lists.iter().any(|list| list.contains_key(call))
        };
        // More than there are.
        for call in (0..1024).filter(|call| !known(call)) {
            assert_eq!(here(call, [0; 3]), REFUSE, "{call}");
        }
    }

    #[test]
    fn calls_of_another_processor_are_not_taken_for_ours() {
        // Those of 32 bits, and those of x86 with the bit of x32.
        assert_eq!(answer(0x4000_0003, 3, [0; 3]), KILL);
        assert_eq!(answer(HERE, 0x4000_0000, [0; 3]), REFUSE);
    }

    #[test]
    fn nothing_is_both_allowed_and_deadly_but_clone() {
        let (allowed, deadly) = (allowed::calls().unwrap(), deadly::calls().unwrap());
        let both: Vec<_> = allowed
            .keys()
            .filter(|call| deadly.contains_key(call))
            .collect();
        assert_eq!(both, [&libc::SYS_clone]);
    }

    #[test]
    fn the_filters_are_short_enough_for_the_kernel() {
        // BPF_MAXINSNS.
        for program in programs().unwrap() {
            assert!(program.len() <= 4096, "{}", program.len());
        }
    }
}
