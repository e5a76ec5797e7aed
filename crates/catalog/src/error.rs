//! What can go wrong with a row.

/// An error of the catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite refused or failed.
    #[error("the catalogue could not be read or written")]
    Sqlite(#[from] rusqlite::Error),
    /// A stored value is not of the form that this program writes.
    #[error("the catalogue holds {value:?} where {what} is expected")]
    Malformed {
        /// What the column holds.
        what: &'static str,
        /// The value found.
        value: String,
    },
    /// A number does not fit the column.
    #[error("{what} {value} is beyond what the catalogue stores")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A row that must be there is not, or is not in the state that the change starts from.
    #[error("{what} {id} is not {expected}")]
    WrongState {
        /// What kind of row.
        what: &'static str,
        /// Its id or name.
        id: String,
        /// What the change needs it to be.
        expected: &'static str,
    },
    /// Something still uses what was to be removed.
    #[error("{what} {id} is still used by {by}")]
    InUse {
        /// What kind of row.
        what: &'static str,
        /// Its id or name.
        id: String,
        /// Who uses it.
        by: String,
    },
}

/// The result of a catalogue call.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
