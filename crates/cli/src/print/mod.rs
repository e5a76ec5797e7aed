//! Results on standard output, everything else on standard error, and nothing anywhere else.
//!
//! What a command answers is one of the facade's rows. Here each gets three forms: text for people,
//! JSON for programs (the row itself, after `"schema":1`), and with `-q` the one word that a script
//! would want. Rendering is pure; [`Output`] and [`Messages`] are the only places that write.

mod advisories;
mod backup;
mod check;
mod config;
mod doctor;
mod document;
mod drive;
mod failure;
mod fetched;
mod images;
mod listing;
mod machine;
mod messages;
mod output;
mod page;
mod pool;
mod quantity;
mod removed;
mod run_words;
mod runs;
mod scan;
mod show;
mod space;
mod table;

pub(crate) use config::{PathRow, SettingsReport};
pub(crate) use doctor::Diagnosis;
pub(crate) use document::{Document, Listed, Row};
pub(crate) use machine::Deactivated;
pub(crate) use messages::Messages;
pub(crate) use output::Output;
pub(crate) use page::Page;
pub(crate) use quantity::{bytes, milliseconds, rate};
pub(crate) use removed::{CleanupReport, RemovedReport};
pub(crate) use runs::{WatchedRow, doing};
pub(crate) use scan::ScanRow;
pub(crate) use space::SpaceUsed;
