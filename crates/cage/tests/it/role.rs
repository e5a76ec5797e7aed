//! What the children do, caged and, to see that the cage is what stops them, uncaged.

use std::{
    env,
    fs::File,
    hint,
    io::{self, Read, Seek, SeekFrom, Write},
    os::{fd::OwnedFd, unix::fs::FileExt},
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use longshore_cage::{Cage, Inside, Message};
use rustix::process::Pid;

use crate::attack::{ATTACKS, Tools};

/// The argument that makes this program an uncaged child.
pub(crate) const UNCAGED: &str = "uncaged";

pub(crate) fn work(role: &str, inside: &Inside) -> io::Result<()> {
    match role {
        "attack" => attack(inside),
        "echo" => echo(inside),
        "hasty" => inside.send(b"no need"),
        "count" => count(inside),
        "sum" => sum(inside),
        "write" => write(inside),
        "environment" => environment(inside),
        "fill" => fill(inside),
        "spin" => spin(),
        "wait" => wait(),
        "panic" => panic!("the reason is {}", 6 * 7),
        "fail" => Err(io::Error::other("\x1b[31mno good")),
        "abort" => std::process::abort(),
        "leave" => Ok(()),
        "chatter" => chatter(inside),
        "wrong" => wrong(inside),
        "close" => close(inside),
        _ => Err(io::Error::other("there is no such role")),
    }
}

/// What to do where this is an uncaged child: attack NAME PLACE PARENT, or hold a caged child.
pub(crate) fn uncaged() -> Option<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [UNCAGED, "hold"] => Some(hold()),
        [UNCAGED, name, place, parent] => Some(match attack_outside(name, place, parent) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                // The number by which the system calls its reason.
                let number = error
                    .raw_os_error()
                    .and_then(|number| u8::try_from(number).ok());
                ExitCode::from(number.unwrap_or(u8::MAX))
            }
        }),
        _ => None,
    }
}

fn attack_outside(name: &str, place: &str, parent: &str) -> io::Result<()> {
    let place = PathBuf::from(place);
    let file = File::options()
        .read(true)
        .write(true)
        .open(place.join("file"))?;
    let directory = File::open(&place)?;
    act(
        name,
        &Tools {
            place,
            parent: pid(parent),
            file,
            directory,
        },
    )
}

fn act(name: &str, tools: &Tools) -> io::Result<()> {
    let attack = ATTACKS.iter().find(|attack| attack.name == name);
    (attack.expect("it is in the table").act)(tools)
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().unwrap()).unwrap()
}

/// Answers with how the attack failed.
fn attack(inside: &Inside) -> io::Result<()> {
    let Message { bytes, descriptors } = next(inside)?;
    let text = String::from_utf8(bytes).unwrap();
    let [name, place, parent] = text.split('\n').collect::<Vec<_>>()[..] else {
        return Err(io::Error::other("not a job"));
    };
    let [file, directory] = <[OwnedFd; 2]>::try_from(descriptors)
        .unwrap()
        .map(File::from);
    let tools = Tools {
        place: place.into(),
        parent: pid(parent),
        file,
        directory,
    };
    let answer = match act(name, &tools) {
        Ok(()) => "worked".to_owned(),
        Err(error) => format!("failed: {error}"),
    };
    inside.send(answer.as_bytes())
}

/// Each frame back, until there are no more.
fn echo(inside: &Inside) -> io::Result<()> {
    while let Some(message) = inside.receive()? {
        inside.send(&message.bytes)?;
    }
    Ok(())
}

/// Counts the frames in one thread while another says that it is at work.
fn count(inside: &Inside) -> io::Result<()> {
    let counted = AtomicU64::new(0);
    thread::scope(|scope| {
        let counter = scope.spawn(|| -> io::Result<()> {
            while let Some(message) = inside.receive()? {
                counted.fetch_add(u64::from(message.bytes == b"one"), Ordering::Relaxed);
            }
            Ok(())
        });
        for _ in 0..100 {
            inside.send(b"at work")?;
        }
        counter.join().unwrap()
    })?;
    inside.send(&counted.into_inner().to_le_bytes())
}

/// Adds up the bytes of a file, in threads.
fn sum(inside: &Inside) -> io::Result<()> {
    let mut message = next(inside)?;
    let mut file = File::from(message.descriptors.remove(0));
    let length = file.seek(SeekFrom::End(0))?;
    let again = file.try_clone()?;
    let parts = 8;
    let total: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..parts)
            .map(|part| {
                let file = &again;
                thread::Builder::new()
                    .name(format!("part {part}"))
                    .spawn_scoped(scope, move || {
                        let share = length / parts;
                        let mut bytes = vec![0; usize::try_from(share).unwrap()];
                        file.read_exact_at(&mut bytes, part * share).unwrap();
                        bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>()
                    })
            })
            .collect::<Result<_, _>>()
            .unwrap();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    inside.send(&total.to_le_bytes())
}

/// Writes a file as one writes the image of a disk.
fn write(inside: &Inside) -> io::Result<()> {
    let mut message = next(inside)?;
    let mut file = File::from(message.descriptors.remove(0));
    file.set_len(1 << 20)?;
    file.write_all_at(b"inside", 4096)?;
    rustix::io::pwritev(
        &file,
        &[io::IoSlice::new(b"and "), io::IoSlice::new(b"more")],
        8192,
    )?;
    let flags = rustix::fs::FallocateFlags::KEEP_SIZE | rustix::fs::FallocateFlags::PUNCH_HOLE;
    match rustix::fs::fallocate(&file, flags, 0, 4096) {
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(0))?;
    file.sync_data()?;
    file.sync_all()?;
    assert_eq!(rustix::fs::fstat(&file)?.st_size, 1 << 20);
    file.seek(SeekFrom::Start(4096))?;
    let mut back = [0; 6];
    file.read_exact(&mut back)?;
    inside.send(&back)
}

/// What it was started with.
fn environment(inside: &Inside) -> io::Result<()> {
    let variables: Vec<_> = env::vars_os().collect();
    let variables: Vec<_> = variables.iter().map(|(name, _)| name).collect();
    // What can be closed was open.
    let open: Vec<_> = (3..1024)
        .filter(|&number| nix::unistd::close(number).is_ok())
        .collect();
    inside.send(format!("{variables:?} {open:?}").as_bytes())
}

/// Takes 256 MiB.
fn fill(inside: &Inside) -> io::Result<()> {
    let bytes = vec![1_u8; 256 << 20];
    inside.send(&[hint::black_box(bytes)[128 << 20]])
}

fn spin() -> io::Result<()> {
    loop {
        hint::black_box(());
    }
}

fn wait() -> io::Result<()> {
    loop {
        thread::park();
    }
}

/// Says more than anybody wants to hear, and then answers.
fn chatter(inside: &Inside) -> io::Result<()> {
    for number in 0..100_000 {
        writeln!(io::stderr(), "line {number}")?;
    }
    inside.send(b"done")
}

/// Sends what it was told to send, as it is.
fn wrong(inside: &Inside) -> io::Result<()> {
    let message = next(inside)?;
    let mut bytes = &message.bytes[..];
    while !bytes.is_empty() {
        bytes = &bytes[rustix::io::write(rustix::stdio::stdin(), bytes)?..];
    }
    Ok(())
}

/// Closes the channel, and stays.
fn close(inside: &Inside) -> io::Result<()> {
    next(inside)?;
    nix::unistd::close(0)?;
    wait()
}

fn next(inside: &Inside) -> io::Result<Message> {
    inside.receive()?.ok_or_else(|| io::Error::other("no job"))
}

/// Holds a caged child that waits, says which process it is, and waits to be killed.
fn hold() -> ExitCode {
    let caged = Cage::new().spawn("wait").unwrap();
    println!("{}", caged.id());
    // Until the test ends this process, or itself.
    let _ = io::stdin().read(&mut [0]);
    drop(caged);
    ExitCode::SUCCESS
}
