//! What the matching finds is what a model finds that reads records an event at a time.
//!
//! The model knows the records as they are published and the order of versions, and nothing of spans, shards
//! or names in a store. Records go through the importers on their way to the matching, so that both halves
//! are held to it.

mod debian;
mod drawn;
mod laws;
mod model;
mod published;
