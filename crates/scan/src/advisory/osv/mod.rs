//! Records in the form of OSV (<https://ossf.github.io/osv-schema/>), one by one or as the archive of an
//! ecosystem.

mod ecosystem;
mod import;
mod module;
mod names;
mod ranges;
mod rating;
mod record;
mod zip;

pub use import::import_osv;
pub use zip::import_osv_zip;
