//! The trait of a merged filesystem: what `apply` asks of a disk, and nothing more.
//!
//! Everything is by node; a path never gets here. The tree trusts its caller to have parsed names
//! (1 to 255 bytes, no `/`, no NUL, not `.` or `..`) and answers only for itself: an error is about
//! storage (a full disk, damage), never about the archive.

use super::{Metadata, NewNode, NodeId, Stat};

/// A filesystem under construction.
///
/// It changes nothing by itself: no time is set because a child was added or a byte written, only
/// [`create`](Tree::create) and [`set_metadata`](Tree::set_metadata) set metadata. A call that
/// answered an error may have been done in part; its caller gives the tree up.
pub trait Tree {
    /// Why the storage below failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The root directory. It always exists.
    fn root(&self) -> NodeId;

    /// The node that `dir` has under `name`.
    fn lookup(&mut self, dir: NodeId, name: &[u8]) -> Result<Option<NodeId>, Self::Error>;

    /// What `node` is.
    fn stat(&mut self, node: NodeId) -> Result<Stat, Self::Error>;

    /// The names in `dir` with their nodes, without `.` and `..`, in an order that depends only on
    /// what was done to the tree.
    fn children(&mut self, dir: NodeId) -> Result<Vec<(Vec<u8>, NodeId)>, Self::Error>;

    /// The target of the symlink `node`.
    fn read_link(&mut self, node: NodeId) -> Result<Vec<u8>, Self::Error>;

    /// Makes a node and its first name. `dir` has no such name yet.
    fn create(
        &mut self,
        dir: NodeId,
        name: &[u8],
        what: NewNode<'_>,
        metadata: &Metadata,
    ) -> Result<NodeId, Self::Error>;

    /// Writes content at `offset` bytes into `file`.
    ///
    /// `file` is the one created last and is not closed yet; between its creation and its
    /// [`close`](Tree::close) there are only writes to it, each at or after the end of the one
    /// before and within the size it was created with. What is skipped is a hole. A tree may store
    /// zeros as a hole too.
    fn write(&mut self, file: NodeId, offset: u64, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Says that `file` is complete. Called once for every file, an empty one as well, before
    /// anything else is done to the tree.
    fn close(&mut self, file: NodeId) -> Result<(), Self::Error>;

    /// Replaces all of a node's metadata, its extended attributes included.
    fn set_metadata(&mut self, node: NodeId, metadata: &Metadata) -> Result<(), Self::Error>;

    /// Gives `node`, which is not a directory, one more name. `dir` has no such name yet.
    fn link(&mut self, dir: NodeId, name: &[u8], node: NodeId) -> Result<(), Self::Error>;

    /// Takes a name away, and the node with its last one. The name exists; a directory is empty.
    fn unlink(&mut self, dir: NodeId, name: &[u8]) -> Result<(), Self::Error>;
}
