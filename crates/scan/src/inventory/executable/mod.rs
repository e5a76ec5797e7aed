//! Executables, and what they say that they are made of.

mod elf;
mod go;
mod read;

pub(super) use read::{Executables, read};
