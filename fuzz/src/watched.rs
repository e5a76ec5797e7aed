//! A tree in memory that notes whether a symlink's target was asked for.

use longshore_image::{
    Listing, MemoryTree, MemoryTreeError, Metadata, NewNode, NodeId, Stat, Tree,
};

/// The model of a tree, watched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    pub(crate) tree: MemoryTree,
    /// Whether an entry led through a symlink.
    pub(crate) followed: bool,
}

impl Watched {
    pub(crate) fn listing(&self) -> Listing {
        self.tree.listing()
    }
}

impl Tree for Watched {
    type Error = MemoryTreeError;

    fn root(&self) -> NodeId {
        self.tree.root()
    }

    fn lookup(&mut self, dir: NodeId, name: &[u8]) -> Result<Option<NodeId>, Self::Error> {
        self.tree.lookup(dir, name)
    }

    fn stat(&mut self, node: NodeId) -> Result<Stat, Self::Error> {
        self.tree.stat(node)
    }

    fn children(&mut self, dir: NodeId) -> Result<Vec<(Vec<u8>, NodeId)>, Self::Error> {
        self.tree.children(dir)
    }

    fn read_link(&mut self, node: NodeId) -> Result<Vec<u8>, Self::Error> {
        self.followed = true;
        self.tree.read_link(node)
    }

    fn create(
        &mut self,
        dir: NodeId,
        name: &[u8],
        what: NewNode<'_>,
        metadata: &Metadata,
    ) -> Result<NodeId, Self::Error> {
        self.tree.create(dir, name, what, metadata)
    }

    fn write(&mut self, file: NodeId, offset: u64, bytes: &[u8]) -> Result<(), Self::Error> {
        self.tree.write(file, offset, bytes)
    }

    fn close(&mut self, file: NodeId) -> Result<(), Self::Error> {
        self.tree.close(file)
    }

    fn set_metadata(&mut self, node: NodeId, metadata: &Metadata) -> Result<(), Self::Error> {
        self.tree.set_metadata(node, metadata)
    }

    fn link(&mut self, dir: NodeId, name: &[u8], node: NodeId) -> Result<(), Self::Error> {
        self.tree.link(dir, name, node)
    }

    fn unlink(&mut self, dir: NodeId, name: &[u8]) -> Result<(), Self::Error> {
        self.tree.unlink(dir, name)
    }
}
