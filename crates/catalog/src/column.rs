//! Between columns and types: parsed when read, checked when written.

use std::str::FromStr;

use rusqlite::Row;

use crate::error::{Error, Result};

/// A column that holds a type's printed form.
pub(crate) fn parsed<T: FromStr>(row: &Row<'_>, column: &str, what: &'static str) -> Result<T> {
    let value: String = row.get(column)?;
    value.parse().map_err(|_| Error::Malformed { what, value })
}

/// A column that may be NULL and otherwise holds a type's printed form.
pub(crate) fn maybe_parsed<T: FromStr>(
    row: &Row<'_>,
    column: &str,
    what: &'static str,
) -> Result<Option<T>> {
    let value: Option<String> = row.get(column)?;
    value
        .map(|value| value.parse().map_err(|_| Error::Malformed { what, value }))
        .transpose()
}

/// A column that holds a count or a size.
pub(crate) fn unsigned(row: &Row<'_>, column: &str, what: &'static str) -> Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Error::Malformed {
        what,
        value: value.to_string(),
    })
}

/// A column that may be NULL and otherwise holds a count or a size.
pub(crate) fn maybe_unsigned(
    row: &Row<'_>,
    column: &str,
    what: &'static str,
) -> Result<Option<u64>> {
    let value: Option<i64> = row.get(column)?;
    value
        .map(|value| {
            u64::try_from(value).map_err(|_| Error::Malformed {
                what,
                value: value.to_string(),
            })
        })
        .transpose()
}

/// A number as SQLite stores it.
pub(crate) fn stored(value: u64, what: &'static str) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::OutOfRange { what, value })
}

/// All rows of a query, each through a function that may fail.
pub(crate) fn rows<T>(
    statement: &mut rusqlite::CachedStatement<'_>,
    parameters: impl rusqlite::Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first row of a query, if there is one.
pub(crate) fn first<T>(
    statement: &mut rusqlite::CachedStatement<'_>,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(read).transpose()
}

/// An enumeration whose names are what the catalogue stores and what is printed.
macro_rules! stored_enum {
    ($(#[$outer:meta])* $name:ident, $what:literal { $($(#[$inner:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$inner])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// The name that is stored and printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!(concat!("{} is not ", $what), other)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use stored_enum;
