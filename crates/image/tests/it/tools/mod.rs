//! No false rejects: archives of the real tools, each read as the tool's own extraction has it.

mod archives;
mod host;
