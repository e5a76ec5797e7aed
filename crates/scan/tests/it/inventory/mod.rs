//! What is read of root filesystems: real ones, made ones, and ones that are made to break the reader.

mod counted;
mod elf_file;
mod gaps;
mod hostile;
mod mutated;
mod real;
mod rpm_file;
mod sqlite;
