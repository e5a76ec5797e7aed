//! What is asked of a peer.

use std::path::Path;
use std::sync::Arc;

use crate::steps::Steps;

/// Anything that ends a measurement: nothing is made of what was measured before it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Whether a peer has such a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It has, and did it.
    Done,
    /// It has not, for this reason.
    Cannot(&'static str),
}

/// A program that carries out runs of five steps and stores each transition, all in one process.
///
/// Each step calls [`Steps::step`] and does nothing else. WAL and `synchronous=FULL` on every
/// connection that writes: what was answered survives a power cut.
pub trait Peer: Sized + Send + Sync + 'static {
    /// Opens the store in this directory, new or as it was left. Nothing is taken up yet.
    fn open(dir: &Path, steps: Arc<Steps>) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Carries out one run and returns when it has ended.
    fn run(&self, slot: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Starts one run, which another process may go on with, and does not wait for it.
    fn start(&self, slot: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Makes so many runs that are stored and wait for their turn.
    fn queue(&self, runs: usize) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Takes up everything that was left.
    fn resume(&self) -> impl Future<Output = Result<Answer, Failure>> + Send;
}
