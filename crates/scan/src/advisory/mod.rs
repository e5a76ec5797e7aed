//! What is known against packages: records of their publishers, brought into one form, and kept in
//! files that are small, dated, and told apart from torn ones.
//!
//! A [`Shard`] is all that is known in one [`Stream`](crate::Stream). Importers make shards of what
//! publishers give out ([`import_osv`], [`import_secdb`], [`import_tracker`]); [`Advisories`] are the
//! shards that a scan has at hand.

mod advisories;
mod baseline;
mod codec;
mod codename;
mod collect;
mod eol;
mod model;
mod osv;
mod secdb;
mod severity;
mod shard;
mod source;
mod strings;
mod tracker;

pub use advisories::Advisories;
pub use baseline::baseline_shards;
pub use codec::{MAX_SHARD_BYTES, SHARD_FORMAT};
pub use collect::{ImportError, ImportReport, Imported, Skipped};
pub use eol::end_of_life;
pub use model::{Advisory, End, MAX_TITLE_CHARS, Range};
pub use osv::{import_osv, import_osv_zip};
pub use secdb::import_secdb;
pub use shard::{Entry, Shard, ShardError};
pub use source::AdvisorySource;
pub use tracker::import_tracker;
