//! The command line as a whole: what it promises to users and scripts.

mod place;
mod reference;
mod results;
mod settings;
mod usage;
