//! Taking out of a state directory what the product would never forget, to see it find that again.

use std::path::Path;

use rusqlite::Connection;

/// Forgets what was read of the images here, so that it is read again. Nobody works there.
///
/// # Panics
/// Where there is no database that has any.
pub fn inventories(state_dir: &Path) {
    let database = Connection::open(state_dir.join("longshore.db")).expect("a database");
    let forgotten = database.execute("DELETE FROM inventories", ());
    assert_ne!(forgotten.expect("a table of inventories"), 0);
}
