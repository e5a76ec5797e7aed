//! `ls`, `cat` and `export`: what is on a disk. They read beside a command that works.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use longshore_lifecycle::{
    Class, Contents, Drive, Exported, Failure, Host, MachineName, Monitor, pool_status,
};

use crate::{
    args::{Cat, Disk, Export, Ls, MonitorName},
    engine::with_host,
    exit::Exit,
    print::SpaceUsed,
    session::Session,
};

/// Bytes that are written at a time.
const WRITE: usize = 1 << 18;

pub(super) fn ls(session: &Session, args: &Ls) -> Result<Exit, Failure> {
    let contents = open(session, &args.disk)?;
    let listing = contents.list(args.path.as_bytes(), args.recursive)?;
    session.output.document(&listing)?;
    Ok(Exit::Done)
}

pub(super) fn cat(session: &Session, args: &Cat) -> Result<Exit, Failure> {
    let contents = open(session, &args.disk)?;
    let mut out = BufWriter::with_capacity(WRITE, session.output.stream());
    contents.copy(args.path.as_bytes(), &mut out)?;
    Ok(Exit::Done)
}

pub(super) fn export(session: &Session, args: &Export) -> Result<Exit, Failure> {
    match (&args.tar, args.monitor) {
        (Some(tar), _) => export_tar(session, &args.disk, tar),
        (None, Some(monitor)) => export_drive(session, &args.disk.target, monitor),
        (None, None) => Err(Failure::new(Class::Usage, "usage", "say --tar or --for")),
    }
}

fn export_drive(session: &Session, target: &str, monitor: MonitorName) -> Result<Exit, Failure> {
    let machine = target.parse::<MachineName>().map_err(|error| {
        let text = format!("{target} names no machine");
        Failure::new(Class::Usage, "usage", text).caused_by(&error)
    })?;
    let state_dir = session.settings()?.settings.state_dir.value;
    let monitor = match monitor {
        MonitorName::Firecracker => Monitor::Firecracker,
        MonitorName::CloudHypervisor => Monitor::CloudHypervisor,
        MonitorName::Qemu => Monitor::Qemu,
    };
    let drive = Drive::of(&state_dir, &machine, monitor)?;
    session.messages.note(drive.cache);
    session.output.document(&drive)?;
    Ok(Exit::Done)
}

fn export_tar(session: &Session, disk: &Disk, tar: &Path) -> Result<Exit, Failure> {
    let to_output = tar == Path::new("-");
    if to_output && session.surroundings.output_width.is_some() {
        return Err(Failure::new(
            Class::Usage,
            "terminal",
            "an archive is not written to a terminal",
        )
        .hint("name a file with `--tar FILE`, or send standard output somewhere else"));
    }
    let contents = open(session, disk)?;
    let exported = if to_output {
        archive(&contents, session.output.stream())?
    } else {
        to_file(&contents, tar)?
    };
    let Some(exported) = exported else {
        return Ok(Exit::Done);
    };
    if exported.sockets_left_out > 0 {
        let count = exported.sockets_left_out;
        let plural = if count == 1 { "" } else { "s" };
        session.messages.note(&format!(
            "{count} socket{plural} left out: archives hold none"
        ));
    }
    if !to_output {
        session.output.document(&exported)?;
    }
    Ok(Exit::Done)
}

/// An archive that was not finished does not stay.
fn to_file(contents: &Contents, path: &Path) -> Result<Option<Exported>, Failure> {
    let file = File::create(path).map_err(|error| {
        Failure::new(
            Class::Failed,
            "output",
            format!("cannot write {}", path.display()),
        )
        .caused_by(&error)
    })?;
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    let exported = archive(contents, file);
    if exported.is_err() && is_file {
        // What cannot be removed is incomplete, and the error says so.
        let _ = fs::remove_file(path);
    }
    exported
}

fn archive(contents: &Contents, out: impl Write) -> Result<Option<Exported>, Failure> {
    contents.archive(&mut BufWriter::with_capacity(WRITE, out))
}

fn open(session: &Session, disk: &Disk) -> Result<Contents, Failure> {
    let state_dir = session.settings()?.settings.state_dir.value;
    let contents = Contents::open(&state_dir, &disk.target, disk.as_is)?;
    if let Some(why) = contents.unclean() {
        session.messages.note(&format!(
            "the filesystem was not left clean ({why}); what is read may not fit together"
        ));
    }
    Ok(contents)
}

/// What takes how much room.
pub(super) async fn df(session: &Session) -> Result<Exit, Failure> {
    let report = with_host(session, "df", async |host: &Host| host.space().await).await??;
    let state_dir = session.settings()?.settings.state_dir.value;
    let pool = match pool_status(&state_dir) {
        Ok(pool) => Some(pool),
        Err(failure) if failure.class == Class::NotFound => None,
        Err(failure) => return Err(failure),
    };
    session.output.document(&SpaceUsed { pool, report })?;
    Ok(Exit::Done)
}
