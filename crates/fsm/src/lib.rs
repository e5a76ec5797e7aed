//! Durable, typed, linear workflows on SQLite.
