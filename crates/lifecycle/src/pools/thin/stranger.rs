//! Volumes of a pool of which nothing is written down: what is on them says what they may be.

use std::{collections::BTreeMap, io, sync::Arc};

use longshore_catalog::{Reader as Catalog, VolumeId, VolumeKind};
use longshore_ext4::{Error, Open, Reader};
use longshore_volume::{
    Access, Backend,
    thin::{Change, Ledger, Pool, ThinBackend, ThinDevice},
};

use super::{
    super::{PoolVolume, report::Stranger},
    row::{Known, known, none},
};
use crate::{
    Class, Failure,
    deps::{Deps, volume_id},
    join::DiskRead,
    plan::chain_uuid,
    trouble::Trouble,
};

/// Bytes with which a volume is looked at whose size nobody has written down: more than any filesystem of ours has, and
/// what is behind its end is zeros.
pub(super) const WIDE: u64 = 1 << 44;

/// Every volume is this long, for who changes nothing.
#[derive(Debug)]
pub(super) struct AsLongAs(pub(super) u64);

impl Ledger for AsLongAs {
    fn size(&self, _: longshore_volume::VolumeId) -> io::Result<Option<u64>> {
        Ok(Some(self.0))
    }

    fn will(&self, _: u64, change: Change) -> io::Result<()> {
        Err(io::Error::other(format!("a reader was asked to {change}")))
    }

    fn is_gone(&self, _: longshore_volume::VolumeId) -> io::Result<()> {
        Ok(())
    }
}

/// What is on a volume.
pub(super) enum Content {
    /// A filesystem, as it says itself: a guest can have written any.
    Filesystem(Stranger),
    /// None of ours.
    Nothing,
    /// What cannot be read now, and may be tomorrow.
    Unreadable(Error),
}

pub(super) fn on(backend: &ThinBackend, id: VolumeId) -> Result<Content, Failure> {
    let disk = backend.open(volume_id(id)?, Access::Read);
    let disk = DiskRead(disk.map_err(Trouble::failure)?);
    // A machine that was cut off has left its journal.
    Ok(match Reader::open(disk, Open { unclean: true }) {
        Ok(reader) => {
            let usage = reader.usage();
            Content::Filesystem(Stranger {
                uuid: reader.uuid(),
                bytes: usage.blocks.saturating_mul(usage.block_size.into()),
            })
        }
        Err(error @ Error::Device { .. }) => Content::Unreadable(error),
        Err(_) => Content::Nothing,
    })
}

impl Content {
    /// The filesystem, if it is one; refused where nobody can say.
    pub(super) fn filesystem(self, id: VolumeId) -> Result<Option<Stranger>, Failure> {
        match self {
            Self::Filesystem(found) => Ok(Some(found)),
            Self::Nothing => Ok(None),
            Self::Unreadable(error) => {
                let text = format!("volume {id} cannot be read, and was not judged");
                let failure = Failure::new(Class::Failed, "volume-unreadable", text);
                Err(failure.caused_by(&error))
            }
        }
    }
}

/// The same of one volume of a pool that is up, which the catalogue does not know.
pub(crate) fn stranger(deps: &Deps, id: VolumeId) -> Result<Stranger, Failure> {
    let pool = known(|look| deps.read(look))?.ok_or_else(none)?;
    let up = pool.spec.find(&pool.name).map_err(Trouble::failure)?;
    let devices = up.devices().map_err(Trouble::failure)?;
    if devices.iter().all(|device| device.id != id.0) {
        return Err(no_volume(&pool, id));
    }
    let found = on(&ThinBackend::new(up, Arc::new(AsLongAs(WIDE))), id)?;
    found.filesystem(id)?.ok_or_else(|| {
        let text = format!("there is no filesystem of ours on volume {id}");
        Failure::new(Class::Refused, "volume-differs", text)
            .hint(format!("copy it with `longshore pool save {id} FILE`"))
    })
}

pub(super) fn no_volume(pool: &Known, id: VolumeId) -> Failure {
    let text = format!("there is no volume {id} in pool {}", pool.name);
    Failure::new(Class::NotFound, "no-volume", text)
        .hint("see which the catalogue does not know with `longshore pool check`")
}

/// These volumes, each with what is on it.
pub(super) fn told(
    up: Pool,
    devices: &[ThinDevice],
    images: &BTreeMap<[u8; 16], String>,
) -> Result<Vec<PoolVolume>, Failure> {
    let block = up.block();
    let backend = ThinBackend::new(up, Arc::new(AsLongAs(WIDE)));
    let told = devices.iter().map(|device| {
        let content = on(&backend, VolumeId(device.id))?;
        let is_unreadable = matches!(content, Content::Unreadable(_));
        let found = match content {
            Content::Filesystem(found) => Some(found),
            Content::Nothing | Content::Unreadable(_) => None,
        };
        Ok(PoolVolume {
            id: device.id,
            bytes: device.mapped.saturating_mul(block),
            filesystem: found.map(|found| text(found.uuid)),
            filesystem_bytes: found.map(|found| found.bytes),
            image: found.and_then(|found| images.get(&found.uuid).cloned()),
            unreadable: is_unreadable,
        })
    });
    told.collect()
}

/// The images that are here, by the UUID of what each comes to.
pub(super) fn images(
    read: &Catalog<'_>,
) -> Result<BTreeMap<[u8; 16], String>, longshore_catalog::Error> {
    let mut names = BTreeMap::new();
    let images = read.images()?;
    for volume in read.volumes()? {
        let of = images.iter().find(|image| image.volume == Some(volume.id));
        if let (VolumeKind::Base, Some(chain), Some(image)) = (volume.kind, volume.chain, of) {
            names.insert(chain_uuid(&chain), image.name.clone());
        }
    }
    Ok(names)
}

/// As RFC 9562 writes it.
fn text(uuid: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in uuid.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_as_everybody_writes_it() {
        let uuid = [
            0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e,
            0x6b, 0xf6,
        ];
        assert_eq!(text(uuid), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    }
}
