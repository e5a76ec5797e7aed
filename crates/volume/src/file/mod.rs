//! Volumes as sparse files below one directory.
//!
//! ```text
//! volumes/7.img              volume 7, whole from the moment it has this name
//! volumes/8.part             volume 8 while it is made; swept when the backend is opened
//! machines/web.img           symbolic link to ../volumes/7.img: machine web is active on it
//! ```
//!
//! A volume is made under its partial name: filled, synced, renamed, and the directory synced,
//! in this order. Opening the backend syncs the directories first, so that a name which a program
//! left behind without getting to its sync is durable before anybody relies on seeing it. A
//! directory whose sync failed is not changed again until the program has started anew: the
//! system may have forgotten what it should write, and a second sync would prove nothing.

mod backend;
mod disk;
mod layout;
mod machines;
mod names;

pub use backend::FileBackend;
