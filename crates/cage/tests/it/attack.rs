//! What somebody would try who had taken over a caged child, by safe means.
//!
//! Each is tried inside, where none may succeed, and outside, to see that it is the cage that
//! stops it.

use std::{
    fs::{self, File},
    io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{AsFd, BorrowedFd},
        linux::net::SocketAddrExt,
        unix::{
            fs::{FileExt, PermissionsExt},
            net::{SocketAddr, UnixListener, UnixStream},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use nix::{
    sched::CloneFlags,
    sys::{personality, ptrace, uio},
    unistd,
};
use rustix::{
    fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Timespec},
    mount::{FsOpenFlags, MountFlags, OpenTreeFlags, UnmountFlags},
    net::{AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, Resource, Signal},
    thread::CapabilitySets,
};

/// What an attack has at hand.
pub(crate) struct Tools {
    /// A directory with `file`, `other` and the empty directory `empty`, to work in.
    pub(crate) place: PathBuf,
    /// The process that started this one.
    pub(crate) parent: Pid,
    /// `file`, open for reading and writing.
    pub(crate) file: File,
    /// The directory, open.
    pub(crate) directory: File,
}

impl Tools {
    fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }
}

/// What happens outside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// It succeeds.
    Works,
    /// It succeeds for root; others have no right to it.
    WorksForRoot,
    /// It fails harmlessly for root, for another reason than a want of rights: its arguments are
    /// wrong.
    Misses,
    /// It is not tried: it would not be harmless, or not everywhere there.
    NotTried,
}

/// What happens inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Inside {
    /// It fails.
    Refused,
    /// It ends the child.
    Deadly,
}

pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) inside: Inside,
    pub(crate) outside: Outside,
    pub(crate) act: fn(&Tools) -> io::Result<()>,
}

const fn attack(
    name: &'static str,
    inside: Inside,
    outside: Outside,
    act: fn(&Tools) -> io::Result<()>,
) -> Attack {
    Attack {
        name,
        inside,
        outside,
        act,
    }
}

use Inside::{Deadly, Refused};
use Outside::{Misses, NotTried, Works, WorksForRoot};

pub(crate) const ATTACKS: &[Attack] = &[
    // Files by their names.
    attack("read /etc/passwd", Refused, Works, |_| {
        fs::read("/etc/passwd").map(drop)
    }),
    attack("read /proc/self/status", Refused, Works, |_| {
        fs::read("/proc/self/status").map(drop)
    }),
    attack("read /proc/self/environ", Refused, Works, |_| {
        fs::read("/proc/self/environ").map(drop)
    }),
    attack("read a process's command line", Refused, Works, |tools| {
        let parent = tools.parent.as_raw_nonzero();
        fs::read(format!("/proc/{parent}/cmdline")).map(drop)
    }),
    attack("list a directory", Refused, Works, |tools| {
        fs::read_dir(&tools.place).map(drop)
    }),
    attack("open a file to write", Refused, Works, |tools| {
        File::options()
            .write(true)
            .open(tools.path("file"))
            .map(drop)
    }),
    attack("create a file", Refused, Works, |tools| {
        File::create(tools.path("new")).map(drop)
    }),
    attack("remove a file", Refused, Works, |tools| {
        fs::remove_file(tools.path("file"))
    }),
    attack("rename a file", Refused, Works, |tools| {
        fs::rename(tools.path("file"), tools.path("new"))
    }),
    attack("make a directory", Refused, Works, |tools| {
        fs::create_dir(tools.path("new"))
    }),
    attack("remove a directory", Refused, Works, |tools| {
        fs::remove_dir(tools.path("empty"))
    }),
    attack("make a symbolic link", Refused, Works, |tools| {
        std::os::unix::fs::symlink("/etc", tools.path("new"))
    }),
    attack("make a hard link", Refused, Works, |tools| {
        fs::hard_link(tools.path("file"), tools.path("new"))
    }),
    attack("change a mode", Refused, Works, |tools| {
        fs::set_permissions(tools.path("file"), fs::Permissions::from_mode(0o777))
    }),
    attack("change an owner", Refused, Works, |tools| {
        std::os::unix::fs::chown(tools.path("file"), None, None)
    }),
    attack("truncate a file", Refused, Works, |tools| {
        Ok(unistd::truncate(&tools.path("file"), 0)?)
    }),
    attack("set the times of a file", Refused, Works, |tools| {
        let now = rustix::fs::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let times = rustix::fs::Timestamps {
            last_access: now,
            last_modification: now,
        };
        Ok(rustix::fs::utimensat(
            rustix::fs::CWD,
            tools.path("file"),
            &times,
            AtFlags::empty(),
        )?)
    }),
    attack("look at a file", Refused, Works, |tools| {
        fs::metadata(tools.path("file")).map(drop)
    }),
    attack("look whether a file is there", Refused, Works, |_| {
        Ok(rustix::fs::access(
            "/etc/passwd",
            rustix::fs::Access::EXISTS,
        )?)
    }),
    attack("look at a filesystem", Refused, Works, |_| {
        Ok(rustix::fs::statfs("/").map(drop)?)
    }),
    attack("read a symbolic link", Refused, Works, |_| {
        fs::read_link("/proc/self/exe").map(drop)
    }),
    attack("read an extended attribute", Refused, Misses, |tools| {
        let mut value = [0; 16];
        Ok(rustix::fs::getxattr(tools.path("file"), "user.none", &mut value).map(drop)?)
    }),
    attack("make a named pipe", Deadly, Works, |tools| {
        node(tools, FileType::Fifo, 0)
    }),
    attack("make a device", Deadly, NotTried, |tools| {
        node(tools, FileType::CharacterDevice, rustix::fs::makedev(1, 3))
    }),
    attack("change the working directory", Refused, Works, |_| {
        std::env::set_current_dir("/")
    }),
    // Files by descriptors that were given.
    attack("open below a directory", Refused, Works, |tools| {
        let flags = OFlags::RDONLY;
        Ok(rustix::fs::openat(&tools.directory, "file", flags, Mode::empty()).map(drop)?)
    }),
    attack("remove below a directory", Refused, Works, |tools| {
        Ok(rustix::fs::unlinkat(
            &tools.directory,
            "file",
            AtFlags::empty(),
        )?)
    }),
    attack("list an open directory", Refused, Works, |tools| {
        let mut buffer = Vec::with_capacity(4096);
        let mut listing = rustix::fs::RawDir::new(&tools.directory, buffer.spare_capacity_mut());
        match listing.next() {
            Some(Err(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }),
    attack("enter an open directory", Refused, Works, |tools| {
        Ok(rustix::process::fchdir(&tools.directory)?)
    }),
    attack("change the mode of an open file", Refused, Works, |tools| {
        tools
            .file
            .set_permissions(fs::Permissions::from_mode(0o777))
    }),
    attack("set the times of an open file", Refused, Works, |tools| {
        tools.file.set_modified(SystemTime::UNIX_EPOCH)
    }),
    attack("lock an open file", Refused, Works, |tools| {
        Ok(rustix::fs::flock(
            &tools.file,
            FlockOperation::NonBlockingLockExclusive,
        )?)
    }),
    attack("lock a range of an open file", Refused, Works, |tools| {
        Ok(rustix::fs::fcntl_lock(
            &tools.file,
            FlockOperation::NonBlockingLockExclusive,
        )?)
    }),
    attack("control an open file", Refused, Works, |tools| {
        Ok(rustix::io::ioctl_fionbio(&tools.file, true)?)
    }),
    attack(
        "change the flags of an open file",
        Refused,
        Works,
        |tools| Ok(rustix::fs::fcntl_setfl(&tools.file, OFlags::APPEND)?),
    ),
    attack("sync a whole filesystem", Refused, Works, |tools| {
        Ok(rustix::fs::syncfs(&tools.file)?)
    }),
    attack(
        "copy between files in the kernel",
        Refused,
        Works,
        |tools| {
            let copied =
                rustix::fs::copy_file_range(&tools.file, None, &tools.file, Some(&mut 9), 1);
            Ok(copied.map(drop)?)
        },
    ),
    attack("write to a file", Refused, Works, |tools| {
        tools.file.write_all_at(b"x", 0)
    }),
    // New descriptors.
    attack("make a file in memory", Refused, Works, |_| {
        let flags = rustix::fs::MemfdFlags::empty();
        Ok(rustix::fs::memfd_create("memory", flags).map(drop)?)
    }),
    attack("make a pipe", Refused, Works, |_| io::pipe().map(drop)),
    attack("make an event descriptor", Refused, Works, |_| {
        Ok(rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).map(drop)?)
    }),
    attack("make an epoll", Refused, Works, |_| {
        let flags = rustix::event::epoll::CreateFlags::empty();
        Ok(rustix::event::epoll::create(flags).map(drop)?)
    }),
    attack("make a timer", Refused, Works, |_| {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        Ok(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::empty()).map(drop)?)
    }),
    attack("watch for changes", Refused, Works, |_| {
        let flags = rustix::fs::inotify::CreateFlags::empty();
        Ok(rustix::fs::inotify::init(flags).map(drop)?)
    }),
    // The network.
    attack("listen on TCP", Deadly, Works, |_| {
        TcpListener::bind("127.0.0.1:0").map(drop)
    }),
    attack("connect by TCP", Deadly, Misses, |_| {
        TcpStream::connect("127.0.0.1:1").map(drop)
    }),
    attack("listen on TCP over IPv6", Deadly, NotTried, |_| {
        TcpListener::bind("[::1]:0").map(drop)
    }),
    attack("send by UDP", Deadly, Works, |_| {
        UdpSocket::bind("127.0.0.1:0")?
            .send_to(b"x", "127.0.0.1:9")
            .map(drop)
    }),
    attack("listen on a unix socket", Deadly, Works, |tools| {
        UnixListener::bind(tools.path("socket")).map(drop)
    }),
    attack("connect to a unix socket", Deadly, Misses, |tools| {
        UnixStream::connect(tools.path("none")).map(drop)
    }),
    attack("listen on an abstract socket", Deadly, Works, |tools| {
        UnixListener::bind_addr(&abstract_name(&tools.place)?).map(drop)
    }),
    attack("connect to an abstract socket", Deadly, Misses, |tools| {
        UnixStream::connect_addr(&abstract_name(&tools.place)?).map(drop)
    }),
    attack("make a pair of sockets", Deadly, Works, |_| {
        UnixStream::pair().map(drop)
    }),
    attack("make a raw socket", Deadly, WorksForRoot, |_| {
        let protocol = Some(rustix::net::ipproto::ICMP);
        Ok(rustix::net::socket(AddressFamily::INET, SocketType::RAW, protocol).map(drop)?)
    }),
    attack("make a netlink socket", Deadly, Works, |_| {
        Ok(rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None).map(drop)?)
    }),
    attack("accept on the channel", Deadly, Misses, |_| {
        Ok(rustix::net::accept(channel()).map(drop)?)
    }),
    attack("listen on the channel", Deadly, Misses, |_| {
        Ok(rustix::net::listen(channel(), 1)?)
    }),
    attack(
        "hand a descriptor to the parent",
        Refused,
        Misses,
        |tools| {
            let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            let file = [tools.file.as_fd()];
            assert!(control.push(SendAncillaryMessage::ScmRights(&file)));
            let content = [io::IoSlice::new(b"x")];
            let flags = SendFlags::empty();
            Ok(rustix::net::sendmsg(channel(), &content, &mut control, flags).map(drop)?)
        },
    ),
    attack("set an option of the channel", Refused, Misses, |_| {
        Ok(rustix::net::sockopt::set_socket_passcred(channel(), true)?)
    }),
    // Other processes.
    attack("execute", Deadly, Works, |_| {
        Err(Command::new("/bin/true").exec())
    }),
    attack("start a process", Deadly, Works, |_| {
        Command::new("/bin/true").status().map(drop)
    }),
    attack("signal the parent", Deadly, Works, |tools| {
        Ok(rustix::process::test_kill_process(tools.parent)?)
    }),
    attack("signal its own group", Deadly, Works, |_| {
        Ok(rustix::process::test_kill_current_process_group()?)
    }),
    attack("open the parent", Refused, Works, |tools| {
        Ok(rustix::process::pidfd_open(tools.parent, PidfdFlags::empty()).map(drop)?)
    }),
    attack("signal by a descriptor", Deadly, Misses, |tools| {
        Ok(rustix::process::pidfd_send_signal(
            &tools.file,
            Signal::KILL,
        )?)
    }),
    attack("take a descriptor of another", Deadly, Misses, |tools| {
        let flags = PidfdGetfdFlags::empty();
        Ok(rustix::process::pidfd_getfd(&tools.file, 0, flags).map(drop)?)
    }),
    attack("be traced", Deadly, Works, |_| Ok(ptrace::traceme()?)),
    attack("trace the parent", Deadly, NotTried, |tools| {
        Ok(ptrace::attach(nix_pid(tools))?)
    }),
    attack("read the parent's memory", Deadly, Misses, |tools| {
        let mut buffer = [0; 8];
        let here = &mut [io::IoSliceMut::new(&mut buffer)];
        let there = [uio::RemoteIoVec { base: 8, len: 8 }];
        Ok(uio::process_vm_readv(nix_pid(tools), here, &there).map(drop)?)
    }),
    attack("write the parent's memory", Deadly, Misses, |tools| {
        let there = [uio::RemoteIoVec { base: 8, len: 8 }];
        let here = [io::IoSlice::new(&[0; 8])];
        Ok(uio::process_vm_writev(nix_pid(tools), &here, &there).map(drop)?)
    }),
    attack("leave the session", Refused, Works, |_| {
        Ok(rustix::process::setsid().map(drop)?)
    }),
    attack("change its priority", Refused, Works, |_| {
        Ok(rustix::process::setpriority_process(None, 5)?)
    }),
    attack("choose its processor", Refused, Works, |_| {
        let all = rustix::thread::sched_getaffinity(None)?;
        Ok(rustix::thread::sched_setaffinity(None, &all)?)
    }),
    // What the cage has set.
    attack("set a limit", Refused, Works, |_| {
        let limit = rustix::process::getrlimit(Resource::Nofile);
        Ok(rustix::process::setrlimit(Resource::Nofile, limit)?)
    }),
    attack("outlive the parent", Refused, Works, |_| {
        Ok(rustix::process::set_parent_process_death_signal(None)?)
    }),
    attack("be dumpable", Refused, Works, |_| {
        let dumpable = rustix::process::DumpableBehavior::Dumpable;
        Ok(rustix::process::set_dumpable_behavior(dumpable)?)
    }),
    attack("change its name", Refused, Works, |_| {
        Ok(rustix::thread::set_name(c"other")?)
    }),
    attack("gain a capability", Deadly, WorksForRoot, |_| {
        use rustix::thread::{CapabilitySet, set_capabilities};
        let sets = CapabilitySets {
            effective: CapabilitySet::SYS_ADMIN,
            permitted: CapabilitySet::SYS_ADMIN,
            inheritable: CapabilitySet::empty(),
        };
        Ok(set_capabilities(None, sets)?)
    }),
    attack("become root", Deadly, WorksForRoot, |_| {
        Ok(unistd::setuid(0.into())?)
    }),
    attack("join root's group", Deadly, WorksForRoot, |_| {
        Ok(unistd::setgid(0.into())?)
    }),
    attack("become somebody else", Deadly, WorksForRoot, |_| {
        Ok(unistd::setresuid(1.into(), 1.into(), 1.into())?)
    }),
    attack("leave its groups", Deadly, WorksForRoot, |_| {
        Ok(unistd::setgroups(&[])?)
    }),
    attack("change its personality", Deadly, Works, |_| {
        Ok(personality::get().map(drop)?)
    }),
    // The system.
    attack("change the root", Deadly, WorksForRoot, |tools| {
        Ok(rustix::process::chroot(&tools.place)?)
    }),
    attack("turn the root", Deadly, Misses, |tools| {
        Ok(rustix::process::pivot_root(&tools.place, &tools.place)?)
    }),
    attack("leave the mounts", Deadly, WorksForRoot, |_| {
        Ok(nix::sched::unshare(CloneFlags::CLONE_NEWNS)?)
    }),
    attack("make a user namespace", Deadly, NotTried, |_| {
        Ok(nix::sched::unshare(CloneFlags::CLONE_NEWUSER)?)
    }),
    attack("join a namespace", Deadly, Misses, |tools| {
        Ok(rustix::thread::move_into_link_name_space(
            tools.file.as_fd(),
            None,
        )?)
    }),
    attack("mount", Deadly, Misses, |tools| {
        let none = "longshore-none";
        Ok(rustix::mount::mount(
            none,
            &tools.place,
            none,
            MountFlags::empty(),
            None,
        )?)
    }),
    attack("unmount", Deadly, Misses, |tools| {
        Ok(rustix::mount::unmount(&tools.place, UnmountFlags::empty())?)
    }),
    attack("open a filesystem", Deadly, Misses, |_| {
        Ok(rustix::mount::fsopen("longshore-none", FsOpenFlags::empty()).map(drop)?)
    }),
    attack("take a tree of mounts", Deadly, NotTried, |tools| {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE;
        Ok(rustix::mount::open_tree(rustix::fs::CWD, &tools.place, flags).map(drop)?)
    }),
    attack("name the host", Deadly, Misses, |_| {
        Ok(rustix::system::sethostname(&[b'x'; 65])?)
    }),
    attack("name the domain", Deadly, Misses, |_| {
        Ok(rustix::system::setdomainname(&[b'x'; 65])?)
    }),
    attack("set the clock", Deadly, Misses, |_| {
        let never = Timespec {
            tv_sec: -1,
            tv_nsec: -1,
        };
        Ok(rustix::time::clock_settime(
            rustix::time::ClockId::Realtime,
            never,
        )?)
    }),
    attack("load a module", Deadly, NotTried, |_| {
        Ok(rustix::system::init_module(b"x", c"")?)
    }),
    attack("load an open module", Deadly, NotTried, |tools| {
        Ok(rustix::system::finit_module(&tools.file, c"", 0)?)
    }),
    attack("remove a module", Deadly, NotTried, |_| {
        Ok(rustix::system::delete_module(c"longshore_none", 0)?)
    }),
    attack("restart the host", Deadly, NotTried, |_| {
        Ok(rustix::system::reboot(
            rustix::system::RebootCommand::CadOff,
        )?)
    }),
    attack("account for processes", Deadly, NotTried, |tools| {
        Ok(unistd::acct::enable(&tools.path("none"))?)
    }),
    attack("lock memory", Refused, Works, |_| {
        Ok(rustix::mm::mlockall(
            rustix::mm::MlockAllFlags::ONFAULT | rustix::mm::MlockAllFlags::CURRENT,
        )?)
    }),
];

/// The channel of a caged child; outside, where nothing is on standard input.
fn channel() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

fn node(tools: &Tools, kind: FileType, device: u64) -> io::Result<()> {
    let path = tools.path("node");
    Ok(rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        kind,
        Mode::RUSR,
        device,
    )?)
}

fn abstract_name(place: &Path) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(place.as_os_str().as_encoded_bytes())
}

fn nix_pid(tools: &Tools) -> unistd::Pid {
    unistd::Pid::from_raw(tools.parent.as_raw_nonzero().get())
}
