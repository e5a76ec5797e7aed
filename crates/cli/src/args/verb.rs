//! The verbs, each with what it takes.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use clap_complete::Shell;
use longshore_lifecycle::{ImageName, MachineName};

use super::{
    Advisories, AllowFlags, Cat, Check, Export, Ls, Pool, Runs, Sbom, Scan, Waive, duration,
};
use crate::settings::size;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    FetchAndCreate(FetchAndCreate),
    List(List),
    Show(Show),
    Activate(Activate),
    Deactivate(Deactivate),
    Reset(Reset),
    Remove(Remove),
    Cleanup(Cleanup),
    Pool(Pool),
    /// Tell what takes how much room: the pool, each image, each machine
    ///
    /// What something takes of its own is free once it is removed; the rest it shares with others.
    Df,
    Scan(Scan),
    Sbom(Sbom),
    Advisories(Advisories),
    Waive(Waive),
    Ls(Ls),
    Cat(Cat),
    Export(Export),
    Runs(Runs),
    Check(Check),
    /// Look over this host and what is kept on it: is everything as the work needs it, and does it agree?
    ///
    /// Changes nothing, waits for nobody, and goes on where something is broken. Each check is ok, warn, fail or skip,
    /// with what was found and what to do. Exits with 1 where one failed; warnings are no failure.
    Doctor {
        /// Put right what does not agree: what the next command would, and volumes in a pool of longshore's own that
        /// nobody knows
        #[arg(long)]
        fix: bool,
    },
    Backup(Backup),
    Config(Config),
    Completions(Completions),
    Demo(Demo),
}

/// Bring images here and make a machine's disk of each
///
/// Fetches the layers that are not here yet, proves and unpacks them, looks for vulnerabilities, and makes a
/// writable disk for one machine, unless something stands against the image: then it exits with 6. What is here already is used as it is: the same command again fetches nothing. A
/// command that was stopped goes on where it was.
#[derive(Debug, Clone, Args)]
pub struct FetchAndCreate {
    /// A family of layers (images/golang) or a single one (images/golang/1.tar)
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<ImageName>,

    /// The machine's name [default: made of the image's]
    #[arg(long, value_name = "MACHINE")]
    pub name: Option<MachineName>,

    /// What the machine is to be.
    #[command(flatten)]
    pub machine: MachineFlags,

    /// Bring the image here, and make no machine
    #[arg(long, conflicts_with_all = ["name", "size", "owner", "ttl"])]
    pub no_activate: bool,

    /// Take layers that changed at the source since they were first seen, as a new generation
    #[arg(long)]
    pub accept_changed: bool,

    /// What is let through.
    #[command(flatten)]
    pub allow: AllowFlags,
}

/// List the images that are here, or those that the source offers
#[derive(Debug, Clone, Args)]
pub struct List {
    /// Ask the source what it offers
    #[arg(long)]
    pub remote: bool,
}

/// Tell all that is known of an image: layers, pins, volumes, machines, counters, history
#[derive(Debug, Clone, Args)]
pub struct Show {
    /// The image
    #[arg(value_name = "IMAGE")]
    pub image: ImageName,
}

/// Make a machine's disk available: of an image that is here, or a machine's that was deactivated
#[derive(Debug, Clone, Args)]
pub struct Activate {
    /// An image that is here, or a machine
    #[arg(value_name = "IMAGE|MACHINE")]
    pub target: String,

    /// The new machine's name, where an image is given [default: made of the image's]
    #[arg(long, value_name = "MACHINE")]
    pub name: Option<MachineName>,

    /// What a new machine is to be.
    #[command(flatten)]
    pub machine: MachineFlags,

    /// What is let through.
    #[command(flatten)]
    pub allow: AllowFlags,
}

/// What a new machine is to be.
#[derive(Debug, Clone, Default, Args)]
pub struct MachineFlags {
    /// The size of a new machine's disk, where it is to be larger than its image's volume: the guest's resize2fs
    /// makes the filesystem as large
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub size: Option<u64>,

    /// Whose the new machine is, in any words
    #[arg(long, value_name = "WHO")]
    pub owner: Option<String>,

    /// Let `cleanup` remove the new machine after this time (12h, 7d)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub ttl: Option<Duration>,
}

/// Give machines disks as new, and throw away what they have written
///
/// The machine must not be running. Its disk is made again of the image's volume that it was first made of, and has
/// the same path.
#[derive(Debug, Clone, Args)]
pub struct Reset {
    /// The machines
    #[arg(required = true, value_name = "MACHINE")]
    pub machines: Vec<MachineName>,

    /// The size of the disks [default: as before]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub size: Option<u64>,

    /// What is let through.
    #[command(flatten)]
    pub allow: AllowFlags,
}

/// Remove machines whose time is over, and what nothing uses any more
///
/// A machine whose disk is in use stays, and is named (3).
#[derive(Debug, Clone, Args)]
pub struct Cleanup {
    /// Say which machines would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Take machines' disks out of use, and keep them
#[derive(Debug, Clone, Args)]
pub struct Deactivate {
    /// The machines
    #[arg(required = true, value_name = "MACHINE")]
    pub machines: Vec<MachineName>,
}

/// Remove machines or images, and what nothing else uses of them
#[derive(Debug, Clone, Args)]
pub struct Remove {
    /// A machine or an image; a machine where both have the name
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Copy the database into a file, while others work
///
/// The copy is whole: all of it is of one instant. It holds what is known (runs, images, machines, the pool), and none
/// of what it is known of (blobs, volumes). docs/doctor.md says how it is put back.
#[derive(Debug, Clone, Args)]
pub struct Backup {
    /// The file, outside of the state directory
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Replace the file, if there is one
    #[arg(long)]
    pub force: bool,
}

/// Tell the settings and where they come from
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// What to tell [default: show]
    #[command(subcommand)]
    pub verb: Option<ConfigVerb>,
}

/// What to tell of the settings.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigVerb {
    /// Each setting's value and its origin
    Show,
    /// The files that settings are read from, the later wins
    Path,
}

/// Print a completion script
#[derive(Debug, Clone, Args)]
pub struct Completions {
    /// The shell it is for
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Show the main job on a small family of layers, without network or root, and clean up
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// Keep the directory it worked in
    #[arg(long)]
    pub keep: bool,
}
