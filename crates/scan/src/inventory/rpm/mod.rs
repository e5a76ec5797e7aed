//! rpm's database: where it is, the format of the file that it is kept in, and that of the headers in it.

mod header;
mod package;
mod read;
mod record;
mod sqlite;

pub(super) use read::read;
