//! One layer, from its stored bytes to a changed tree and a report.

use std::io::Read;

use super::ApplyError;
use super::name::{PLINK, Path, Role};
use super::touched::Touched;
use crate::rules::refuse;
use crate::tar::{Ahead, Archive, Entry, Finished, Inline, Stream, Uncompressed, What};
use crate::{
    Code, Counters, DevicePolicy, Kind, LayerReport, Limits, Listed, Metadata, NewNode, NodeId,
    Rejected, Totals, Tree,
};

/// Applies the layer whose stored bytes (plain, gzip or zstd) `stored` gives, to the result of the layers
/// below it.
///
/// `totals` holds what the layers below added up to and is brought up to date; the first layer of an
/// image is the one that is applied with `Totals::default()`. Everything is read, also what follows
/// the archive's end. Cancelling is an error of `stored` or of `tree`.
///
/// # Errors
/// [`ApplyError::Rejected`] if the layer breaks a rule or goes over a limit, [`ApplyError::Read`] and
/// [`ApplyError::Tree`] if what it was given fails. `tree` is then half done, to be dropped.
pub fn apply<T: Tree>(
    tree: &mut T,
    stored: impl Read,
    limits: &Limits,
    totals: &mut Totals,
) -> Result<LayerReport, ApplyError<T::Error>> {
    begin(limits, totals)?;
    apply_archive(tree, Inline::new(stored, limits)?, limits, totals)
}

/// As [`apply`], with a layer that is inflated ahead. What comes of it is the same to the last byte.
///
/// # Errors
/// As there.
pub fn apply_ahead<T: Tree>(
    tree: &mut T,
    layer: Ahead,
    limits: &Limits,
    totals: &mut Totals,
) -> Result<LayerReport, ApplyError<T::Error>> {
    begin(limits, totals)?;
    apply_archive(tree, layer, limits, totals)
}

/// One more layer, if the image may have it.
fn begin(limits: &Limits, totals: &mut Totals) -> Result<(), Rejected> {
    totals.layers = totals.layers.saturating_add(1);
    if totals.layers > limits.layers {
        refuse(
            Code::LimitLayers,
            format!("the image has more than {} layers", limits.layers),
        )?;
    }
    Ok(())
}

fn apply_archive<T: Tree>(
    tree: &mut T,
    from: impl Uncompressed,
    limits: &Limits,
    totals: &mut Totals,
) -> Result<LayerReport, ApplyError<T::Error>> {
    let allowed = limits.stream_bytes.saturating_sub(totals.stream_bytes);
    let mut archive = Archive::new(Stream::new(from, allowed), limits);
    let mut layer = Layer::new(tree, limits, totals);
    while let Some(entry) = archive.next(&mut layer.counters)? {
        layer
            .entry(&entry, &mut archive)
            .map_err(|error| error.at(&entry.name))?;
    }
    layer.remove_plinks()?;
    Ok(layer.finish(&archive.finish()?))
}

/// A layer that is being applied.
#[derive(Debug)]
pub(super) struct Layer<'a, T> {
    pub(super) tree: &'a mut T,
    pub(super) limits: &'a Limits,
    pub(super) totals: &'a mut Totals,
    pub(super) touched: Touched,
    pub(super) counters: Counters,
    pub(super) is_first: bool,
    /// The directory that the last entry belonged into, by its path in the archive.
    pub(super) last_parent: Option<(Vec<u8>, NodeId)>,
    root_named: bool,
    entries: u64,
    content_bytes: u64,
    devices: Listed,
    special_modes: Listed,
    capabilities: Listed,
}

impl<'a, T: Tree> Layer<'a, T> {
    fn new(tree: &'a mut T, limits: &'a Limits, totals: &'a mut Totals) -> Self {
        Self {
            tree,
            limits,
            is_first: totals.layers == 1,
            totals,
            touched: Touched::default(),
            counters: Counters::default(),
            last_parent: None,
            root_named: false,
            entries: 0,
            content_bytes: 0,
            devices: Listed::default(),
            special_modes: Listed::default(),
            capabilities: Listed::default(),
        }
    }

    /// Does what one entry says.
    fn entry<U: Uncompressed>(
        &mut self,
        entry: &Entry,
        archive: &mut Archive<'_, U>,
    ) -> Result<(), ApplyError<T::Error>> {
        self.count_entry()?;
        let directory = entry.what == What::Directory;
        let path = Path::parse(&entry.name, directory, self.limits)?;
        self.counters.names_normalised += u64::from(path.normalised);
        match path.role()? {
            Role::Root => self.root(entry),
            Role::Entry { .. } if self.leaves_out(entry)? => {
                self.counters.devices_dropped += 1;
                Ok(())
            }
            Role::Entry { parent, name } => match self.put(parent, name, entry, archive)? {
                Some(node) => self.list(node, entry),
                None => Ok(()),
            },
            Role::Whiteout { parent, name } => self.whiteout(parent, name),
            Role::Opaque { dir } => self.opaque(dir),
            Role::Plink { parent, name } => {
                self.counters.aufs_entries += 1;
                self.put(parent, name, entry, archive).map(|_| ())
            }
            Role::Aufs => {
                self.counters.aufs_entries += 1;
                Ok(())
            }
        }
    }

    /// Whether the policy has this entry left out.
    fn leaves_out(&self, entry: &Entry) -> Result<bool, ApplyError<T::Error>> {
        if !matches!(entry.what, What::CharDevice(_) | What::BlockDevice(_)) {
            return Ok(false);
        }
        match self.limits.devices {
            DevicePolicy::Keep => Ok(false),
            DevicePolicy::Drop => Ok(true),
            DevicePolicy::Reject => {
                refuse(Code::Device, "a device, and the policy wants none")?;
                Ok(false)
            }
        }
    }

    /// The root itself: only its metadata can be set.
    fn root(&mut self, entry: &Entry) -> Result<(), ApplyError<T::Error>> {
        if entry.what != What::Directory {
            refuse(
                Code::RootNotDirectory,
                "the root of the image is something other than a directory",
            )?;
            return Ok(());
        }
        self.counters.duplicates += u64::from(self.root_named);
        self.root_named = true;
        self.tree
            .set_metadata(self.tree.root(), &entry.metadata)
            .map_err(ApplyError::Tree)
    }

    /// Puts an entry under its name in its directory. Answers its node, if it has one.
    fn put<U: Uncompressed>(
        &mut self,
        parent: &[&[u8]],
        name: &[u8],
        entry: &Entry,
        archive: &mut Archive<'_, U>,
    ) -> Result<Option<NodeId>, ApplyError<T::Error>> {
        let what = match &entry.what {
            What::File { size } => {
                self.count_content(*size)?;
                NewNode::File { size: *size }
            }
            What::Directory => NewNode::Directory,
            What::Symlink(target) => NewNode::Symlink(target),
            What::CharDevice(number) => NewNode::CharDevice(*number),
            What::BlockDevice(number) => NewNode::BlockDevice(*number),
            What::Fifo => NewNode::Fifo,
            What::HardLink(target) => {
                let dir = self.parent(parent)?;
                return self.link(dir, name, target);
            }
        };
        let dir = self.parent(parent)?;
        let node = self.place(dir, name, what, &entry.metadata)?;
        if matches!(what, NewNode::File { .. }) {
            self.write(node, archive)?;
        }
        Ok(Some(node))
    }

    fn count_entry(&mut self) -> Result<(), ApplyError<T::Error>> {
        if self.totals.entries >= self.limits.entries {
            refuse(
                Code::LimitEntries,
                format!("the image has more than {} entries", self.limits.entries),
            )?;
        }
        self.totals.entries += 1;
        self.entries += 1;
        Ok(())
    }

    fn count_content(&mut self, size: u64) -> Result<(), ApplyError<T::Error>> {
        let Limits {
            file_bytes,
            image_bytes,
            ..
        } = *self.limits;
        if size > file_bytes {
            refuse(
                Code::LimitFile,
                format!("a file of {size} bytes, {file_bytes} are allowed"),
            )?;
        }
        let total = self.totals.content_bytes.saturating_add(size);
        if total > image_bytes {
            refuse(
                Code::LimitImage,
                format!("the files of the image have {total} bytes, {image_bytes} are allowed"),
            )?;
        }
        self.totals.content_bytes = total;
        self.content_bytes += size;
        Ok(())
    }

    /// Lists what somebody might want to know of before it runs.
    fn list(&mut self, node: NodeId, entry: &Entry) -> Result<(), ApplyError<T::Error>> {
        let linked = match &entry.what {
            What::HardLink(_) => Some(self.tree.stat(node).map_err(ApplyError::Tree)?),
            _ => None,
        };
        let Metadata { mode, xattrs, .. } = linked
            .as_ref()
            .map_or(&entry.metadata, |stat| &stat.metadata);
        let device = match (&linked, &entry.what) {
            (Some(stat), _) => !matches!(stat.kind, Kind::File | Kind::Directory | Kind::Symlink),
            (None, What::CharDevice(_) | What::BlockDevice(_) | What::Fifo) => true,
            _ => false,
        };
        let limit = self.limits.listed;
        if device {
            self.devices.push(&entry.name, limit);
        }
        if mode & 0o7000 != 0 && !matches!(entry.what, What::Symlink(_)) {
            self.special_modes.push(&entry.name, limit);
        }
        if xattrs.contains_key(&b"security.capability"[..]) {
            self.capabilities.push(&entry.name, limit);
        }
        Ok(())
    }

    /// AUFS's files with several names have served their purpose at the layer's end.
    fn remove_plinks(&mut self) -> Result<(), ApplyError<T::Error>> {
        let root = self.tree.root();
        match self.child(root, PLINK)? {
            Some(child) if child.placed.is_some() => self.remove(root, PLINK, child),
            _ => Ok(()),
        }
    }

    fn finish(self, read: &Finished) -> LayerReport {
        self.totals.stream_bytes = self.totals.stream_bytes.saturating_add(read.stream_bytes);
        LayerReport {
            diff_id: read.diff_id,
            stored_bytes: read.stored_bytes,
            stream_bytes: read.stream_bytes,
            content_bytes: self.content_bytes,
            entries: self.entries,
            counters: self.counters,
            devices: self.devices,
            special_modes: self.special_modes,
            capabilities: self.capabilities,
        }
    }
}
