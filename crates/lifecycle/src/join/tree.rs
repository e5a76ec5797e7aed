//! An ext4 filesystem as the merged tree that layers are applied to.
//!
//! `/lost+found` belongs to the filesystem, not to the image: no layer sees it, so no whiteout
//! removes it. A layer that has a directory of that name sets its metadata; one that has anything
//! else there cannot be stored, for e2fsck would take it away.

use longshore_ext4::{self as ext4, Device, Filesystem, InodeNumber};
use longshore_image::{
    DeviceNumber, Kind, Metadata, NewNode, NodeId, Stat, Timestamp, Tree, Xattrs,
};

use super::DiskDevice;

const LOST_AND_FOUND: &[u8] = b"lost+found";

/// A filesystem, as a tree: on a volume where nothing else is said.
#[derive(Debug)]
pub(crate) struct DiskTree<D = DiskDevice>(pub(crate) Filesystem<D>);

/// Why a tree on a volume failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskTreeError {
    /// The filesystem or its disk.
    #[error("the filesystem could not be written")]
    Filesystem(#[from] ext4::Error),
    /// Something other than a directory where ext4 keeps its own.
    #[error("/lost+found is a directory of ext4's own and nothing else can stand there")]
    LostAndFound,
    /// A node that this tree never gave out.
    #[error("there is no node {0}")]
    NoSuchNode(u64),
}

type Result<T> = std::result::Result<T, DiskTreeError>;

fn node(inode: InodeNumber) -> NodeId {
    NodeId::new(u64::from(inode.get()))
}

fn inode(node: NodeId) -> Result<InodeNumber> {
    u32::try_from(node.get())
        .ok()
        .and_then(InodeNumber::new)
        .ok_or(DiskTreeError::NoSuchNode(node.get()))
}

fn stored(metadata: &Metadata) -> Result<ext4::Metadata> {
    Ok(ext4::Metadata {
        permissions: ext4::Permissions::new(u32::from(metadata.mode))?,
        uid: metadata.uid,
        gid: metadata.gid,
        mtime: ext4::Timestamp::new(metadata.mtime.seconds, metadata.mtime.nanoseconds)?,
        xattrs: metadata
            .xattrs
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    })
}

fn number(major: u32, minor: u32) -> DeviceNumber {
    DeviceNumber { major, minor }
}

impl<D: Device> DiskTree<D> {
    fn is_lost_and_found(&self, dir: NodeId, name: &[u8]) -> bool {
        name == LOST_AND_FOUND && dir == self.root()
    }
}

impl<D: Device> Tree for DiskTree<D> {
    type Error = DiskTreeError;

    fn root(&self) -> NodeId {
        node(self.0.root())
    }

    fn lookup(&mut self, dir: NodeId, name: &[u8]) -> Result<Option<NodeId>> {
        if self.is_lost_and_found(dir, name) {
            return Ok(None);
        }
        Ok(self.0.lookup(inode(dir)?, name)?.map(node))
    }

    fn stat(&mut self, id: NodeId) -> Result<Stat> {
        let inode = inode(id)?;
        let stat = self.0.stat(inode)?;
        let xattrs: Xattrs = self.0.xattrs(inode)?.into_iter().collect();
        let (kind, links) = match stat.kind {
            ext4::Kind::File => (Kind::File, stat.links),
            ext4::Kind::Directory => (Kind::Directory, 1),
            ext4::Kind::Symlink => (Kind::Symlink, stat.links),
            ext4::Kind::CharDevice { major, minor } => {
                (Kind::CharDevice(number(major, minor)), stat.links)
            }
            ext4::Kind::BlockDevice { major, minor } => {
                (Kind::BlockDevice(number(major, minor)), stat.links)
            }
            ext4::Kind::Fifo => (Kind::Fifo, stat.links),
            ext4::Kind::Socket => (Kind::Socket, stat.links),
        };
        let has_size = matches!(kind, Kind::File | Kind::Symlink);
        Ok(Stat {
            kind,
            metadata: Metadata {
                mode: stat.permissions.bits(),
                uid: stat.uid,
                gid: stat.gid,
                mtime: Timestamp {
                    seconds: stat.mtime.secs(),
                    nanoseconds: stat.mtime.nanos(),
                },
                xattrs,
            },
            size: if has_size { stat.size } else { 0 },
            links: u32::from(links),
        })
    }

    fn children(&mut self, dir: NodeId) -> Result<Vec<(Vec<u8>, NodeId)>> {
        let children = self.0.children(inode(dir)?)?;
        let is_root = dir == self.root();
        Ok(children
            .into_iter()
            .filter(|child| !(is_root && child.name == LOST_AND_FOUND))
            .map(|child| (child.name, node(child.inode)))
            .collect())
    }

    fn read_link(&mut self, id: NodeId) -> Result<Vec<u8>> {
        Ok(self.0.read_link(inode(id)?)?)
    }

    fn create(
        &mut self,
        dir: NodeId,
        name: &[u8],
        what: NewNode<'_>,
        metadata: &Metadata,
    ) -> Result<NodeId> {
        let metadata = stored(metadata)?;
        if self.is_lost_and_found(dir, name) {
            let own = self.0.lookup(inode(dir)?, name)?;
            return match (what, own) {
                (NewNode::Directory, Some(own)) => {
                    self.0.set_metadata(own, &metadata)?;
                    Ok(node(own))
                }
                _ => Err(DiskTreeError::LostAndFound),
            };
        }
        let new = match what {
            NewNode::File { size } => ext4::New::File { size },
            NewNode::Directory => ext4::New::Directory,
            NewNode::Symlink(target) => ext4::New::Symlink(target),
            NewNode::CharDevice(DeviceNumber { major, minor }) => {
                ext4::New::CharDevice { major, minor }
            }
            NewNode::BlockDevice(DeviceNumber { major, minor }) => {
                ext4::New::BlockDevice { major, minor }
            }
            NewNode::Fifo => ext4::New::Fifo,
        };
        Ok(node(self.0.create(inode(dir)?, name, new, &metadata)?))
    }

    fn write(&mut self, file: NodeId, offset: u64, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write(inode(file)?, offset, bytes)?)
    }

    fn close(&mut self, file: NodeId) -> Result<()> {
        Ok(self.0.close(inode(file)?)?)
    }

    fn set_metadata(&mut self, id: NodeId, metadata: &Metadata) -> Result<()> {
        Ok(self.0.set_metadata(inode(id)?, &stored(metadata)?)?)
    }

    fn link(&mut self, dir: NodeId, name: &[u8], target: NodeId) -> Result<()> {
        if self.is_lost_and_found(dir, name) {
            return Err(DiskTreeError::LostAndFound);
        }
        Ok(self.0.link(inode(dir)?, name, inode(target)?)?)
    }

    fn unlink(&mut self, dir: NodeId, name: &[u8]) -> Result<()> {
        Ok(self.0.unlink(inode(dir)?, name)?)
    }
}
