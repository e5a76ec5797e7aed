//! `demo`: the main job on a family of two small layers, in a directory of its own.

mod family;
mod tour;

pub(super) use tour::demo;
