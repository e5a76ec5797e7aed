//! Parts of a pool that are logical volumes: which they are, what their groups have free, and how they are made longer.
//!
//! The kernel says that a device is one of LVM's, by its uuid (`LVM-`, then the group's and the volume's, of 32 letters
//! each). What it is and what there is free LVM says, and LVM alone changes it. Nothing of it is written down: it is asked
//! for when it matters.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    error::PoolError,
    part::measured,
    spec::{Part, PoolSpec},
    tools,
};

/// What is asked of `lvs` (lvmreport(7)).
const FIELDS: &str = "vg_uuid,lv_uuid,lv_attr,lv_size,vg_free,vg_extent_size,vg_name,lv_name";
/// Letters of the two uuids, without hyphens.
const UUIDS: usize = 64;

/// A logical volume that is nothing but extents of its group: no mirror, no snapshot, none in a pool of LVM's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalVolume {
    /// Its volume group.
    pub group: String,
    /// Its name in that.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes that the group has free.
    pub free: u64,
    /// Bytes of an extent: it has whole ones. Not 0.
    pub extent: u64,
}

impl LogicalVolume {
    /// Bytes of the extents that so many bytes take.
    #[must_use]
    pub fn in_extents(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.extent).saturating_mul(self.extent)
    }

    /// Bytes that it has when it gets so many of those that are free.
    #[must_use]
    pub fn with(&self, free: u64) -> u64 {
        self.bytes
            .saturating_add(free.min(self.free) / self.extent * self.extent)
    }

    /// Bytes that it lacks to have so many.
    #[must_use]
    pub fn lacks(&self, bytes: u64) -> u64 {
        self.in_extents(bytes).saturating_sub(self.bytes)
    }
}

/// The parts of a pool that are logical volumes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogicalVolumes {
    /// Its data, where that is one.
    pub data: Option<LogicalVolume>,
    /// Its metadata, where that is one.
    pub metadata: Option<LogicalVolume>,
}

impl PoolSpec {
    /// Whether the kernel says of any of its parts that it is LVM's.
    #[must_use]
    pub fn is_on_lvm(&self) -> bool {
        [&self.data, &self.metadata].into_iter().any(Part::is_lvms)
    }

    /// Its parts that are logical volumes, as LVM says. Where the kernel knows none, LVM is not asked.
    ///
    /// # Errors
    /// [`PoolError::Lvm`].
    pub fn logical_volumes(&self) -> Result<LogicalVolumes, PoolError> {
        let parts = [&self.data, &self.metadata].map(Mapped::of);
        let nodes: Vec<&Path> = parts.iter().flatten().map(|it| it.node.as_path()).collect();
        let Some(first) = nodes.first() else {
            return Ok(LogicalVolumes::default());
        };
        let unclear = |said: String| PoolError::Lvm {
            program: "lvs",
            volume: first.to_path_buf(),
            said,
        };
        let said = tools::lvs(FIELDS, &nodes)?;
        let told = said.lines().filter(|line| !line.trim().is_empty());
        let told: Option<Vec<_>> = told.map(Told::parse).collect();
        let told = told.ok_or_else(|| unclear(format!("it said {said:?}")))?;
        let find = |mapped: &Option<Mapped>| match mapped {
            None => Ok(None),
            Some(mapped) => match told.iter().find(|told| told.uuid == mapped.uuid) {
                Some(told) => Ok(told.is_plain.then(|| told.volume.clone())),
                None => Err(unclear(format!("it does not tell of {}", mapped.uuid))),
            },
        };
        let [data, metadata] = [find(&parts[0])?, find(&parts[1])?];
        Ok(LogicalVolumes { data, metadata })
    }

    /// Has logical volumes that are shorter than they are to be made as long; of two in one group there is room for
    /// both, or neither is changed.
    pub(super) fn extend_volumes(&self) -> Result<(), PoolError> {
        let parts = [&self.metadata, &self.data];
        let mut short = [false; 2];
        for (short, part) in short.iter_mut().zip(parts) {
            *short = part.is_short()?;
        }
        if short == [false; 2] {
            return Ok(());
        }
        let LogicalVolumes { data, metadata } = self.logical_volumes()?;
        let mut steps = Vec::new();
        for ((part, volume), is_short) in parts.into_iter().zip([metadata, data]).zip(short) {
            match volume {
                _ if !is_short => {}
                Some(volume) => steps.push((part, volume)),
                None => return part.attach().map(drop),
            }
        }
        must_have_room(&steps)?;
        steps.iter().try_for_each(|(part, it)| extend(part, it))
    }
}

/// Refuses to begin what a group has no room for. Pure.
fn must_have_room(steps: &[(&Part, LogicalVolume)]) -> Result<(), PoolError> {
    for (part, volume) in steps {
        let same = steps.iter().filter(|(_, it)| it.group == volume.group);
        let needed = same.map(|(part, it)| it.lacks(part.bytes()));
        let needed = needed.fold(0, u64::saturating_add);
        if needed > volume.free {
            return Err(PoolError::GroupFull {
                path: part.path().clone(),
                group: volume.group.clone(),
                needed,
                free: volume.free,
            });
        }
    }
    Ok(())
}

/// Has it made as long as its part is to be. That it is by now is as good.
fn extend(part: &Part, volume: &LogicalVolume) -> Result<(), PoolError> {
    let name = Path::new(&volume.group).join(&volume.name);
    let extended = tools::lvextend(&name, volume.in_extents(part.bytes()));
    match part.is_short()? {
        false => Ok(()),
        true => extended.and(Err(PoolError::Lvm {
            program: "lvextend",
            volume: name,
            said: format!("it was done, and {} is no longer", part.path().display()),
        })),
    }
}

impl Part {
    fn is_lvms(&self) -> bool {
        Mapped::of(self).is_some()
    }

    /// Whether it is a device with less than it is to have.
    fn is_short(&self) -> Result<bool, PoolError> {
        let Self::Device { path, bytes, .. } = self else {
            return Ok(false);
        };
        let (_, now) = measured(path).map_err(|source| PoolError::Part {
            doing: "look at",
            path: path.clone(),
            source,
        })?;
        Ok(now < *bytes)
    }
}

/// A device that the kernel says is LVM's.
struct Mapped {
    /// The one that LVM knows it by.
    node: PathBuf,
    /// The group's uuid and the volume's.
    uuid: String,
}

impl Mapped {
    fn of(part: &Part) -> Option<Self> {
        let Part::Device { path, .. } = part else {
            return None;
        };
        let (number, _) = measured(path).ok()?;
        let dir = Path::new("/sys/dev/block").join(number.to_string());
        let read = |name: &str| fs::read_to_string(dir.join("dm").join(name)).ok();
        Self::parse(&read("uuid")?, &read("name")?)
    }

    /// One whose uuid goes on is below a volume, or beside it, and nobody's to change.
    fn parse(uuid: &str, name: &str) -> Option<Self> {
        let uuid = uuid.trim().strip_prefix("LVM-")?;
        (uuid.len() == UUIDS).then(|| Self {
            node: Path::new("/dev/mapper").join(name.trim()),
            uuid: uuid.to_owned(),
        })
    }
}

/// What LVM says of one of its volumes.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    uuid: String,
    is_plain: bool,
    volume: LogicalVolume,
}

impl Told {
    /// A line of the fields above.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [vg, lv, attributes, bytes, free, extent, group, name] = words[..] else {
            return None;
        };
        let extent = extent.parse().ok().filter(|bytes| *bytes > 0)?;
        Some(Self {
            uuid: [vg, lv].concat().replace('-', ""),
            // The first of lv_attr is the volume's type (lvs(8)): one of none has nothing but its extents.
            is_plain: attributes.starts_with('-'),
            volume: LogicalVolume {
                group: group.to_owned(),
                name: name.to_owned(),
                bytes: bytes.parse().ok()?,
                free: free.parse().ok()?,
                extent,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GROUP: &str = "3PjcAF-KZ2u-0aBC-dEfG-hIjK-lMnO-pQrStU";
    const VOLUME: &str = "vWxYz0-1234-5678-9abc-defg-hijk-lmnopq";

    fn volume(group: &str, bytes: u64, free: u64) -> LogicalVolume {
        LogicalVolume {
            group: group.to_owned(),
            name: "data".to_owned(),
            bytes,
            free,
            extent: 4 * MIB,
        }
    }

    #[test]
    fn what_lvs_says_is_read() {
        let line =
            format!("  {GROUP} {VOLUME} -wi-ao---- 134217728 1073741824 4194304 my-group data.1  ");
        let told = Told::parse(&line).unwrap();
        assert_eq!(
            told.uuid,
            "3PjcAFKZ2u0aBCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefghijklmnopq"
        );
        assert!(told.is_plain);
        let expected = LogicalVolume {
            name: "data.1".to_owned(),
            ..volume("my-group", 128 * MIB, 1024 * MIB)
        };
        assert_eq!(told.volume, expected);
        for kind in ["Vwi-aotz--", "twi-aotz--", "rwi-a-r---", "owi-aos---"] {
            let told = Told::parse(&line.replace("-wi-ao----", kind)).unwrap();
            assert!(!told.is_plain, "{kind}");
        }
        for bad in [
            line.replace(" 4194304 ", " 0 "),
            line.replace("134217728", "128.00m"),
            line.replace(" data.1", ""),
            format!("{line} more"),
        ] {
            assert_eq!(Told::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_whole_uuid_of_lvms_is_one() {
        let uuid = format!("LVM-{}", "x".repeat(UUIDS));
        let mapped = Mapped::parse(&format!("{uuid}\n"), "my--group-data\n").unwrap();
        assert_eq!(mapped.node, Path::new("/dev/mapper/my--group-data"));
        assert_eq!(mapped.uuid, "x".repeat(UUIDS));
        for other in [
            format!("{uuid}-tpool"),
            uuid.replace("LVM-", "CRYPT-"),
            String::new(),
        ] {
            assert!(Mapped::parse(&other, "name").is_none(), "{other}");
        }
    }

    #[test]
    fn sizes_are_whole_extents_within_what_is_free() {
        let it = volume("g", 128 * MIB, 10 * MIB);
        assert_eq!(it.in_extents(128 * MIB), 128 * MIB);
        assert_eq!(it.in_extents(128 * MIB + 1), 132 * MIB);
        assert_eq!(it.lacks(129 * MIB), 4 * MIB);
        assert_eq!(it.lacks(100 * MIB), 0);
        assert_eq!(it.with(3 * MIB), 128 * MIB);
        assert_eq!(it.with(u64::MAX), 136 * MIB);
    }

    #[test]
    fn two_in_one_group_need_room_for_both() {
        let part = |bytes| Part::Device {
            path: "/dev/g/data".into(),
            bytes,
            identity: None,
        };
        let (eight, sixteen) = (part(8 * MIB), part(16 * MIB));
        let in_group = |group: &str, free| volume(group, 4 * MIB, free);
        let room = |other: &str, free| {
            let steps = [
                (&eight, in_group("g", free)),
                (&sixteen, in_group(other, free)),
            ];
            must_have_room(&steps)
        };
        room("g", 16 * MIB).unwrap();
        room("h", 12 * MIB).unwrap();
        let error = room("g", 12 * MIB).unwrap_err();
        let PoolError::GroupFull {
            group,
            needed,
            free,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((group.as_str(), *needed, *free), ("g", 16 * MIB, 12 * MIB));
        assert!(room("h", 8 * MIB).is_err());
    }
}
