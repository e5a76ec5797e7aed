//! The volume groups of a pool on logical volumes: what of a step they have room for, and what is said where that is
//! little. Pure.

use longshore_volume::thin::{LogicalVolume, LogicalVolumes, Part, PoolSpec, metadata_bytes};

use super::{
    super::{PoolAlarm, PoolExtension},
    alarm::{critical, warning},
    wish::{next_data, next_metadata},
};

/// What LVM says of a pool's parts, or why it does not.
pub(super) type Groups = Result<LogicalVolumes, String>;

/// So much of a step as the groups have room for; `None` where that is nothing.
pub(super) fn bounded(
    spec: &PoolSpec,
    wish: PoolExtension,
    volumes: &LogicalVolumes,
) -> Option<PoolExtension> {
    // Metadata that follows must not take what is left for the data.
    [true, false]
        .into_iter()
        .find_map(|follows| as_far_as_free(spec, wish, volumes, follows))
}

fn as_far_as_free(
    spec: &PoolSpec,
    wish: PoolExtension,
    volumes: &LogicalVolumes,
    follows: bool,
) -> Option<PoolExtension> {
    let has = spec.metadata.bytes();
    let following = wish.data.filter(|_| follows);
    let following = following.map_or(0, |data| metadata_bytes(data, spec.block));
    let (metadata, taken) = match &volumes.metadata {
        // A file follows by itself.
        None => (wish.metadata, 0),
        Some(volume) => {
            let wanted = wish.metadata.unwrap_or(following).max(has);
            let bytes = volume.in_extents(wanted).min(volume.with(volume.free));
            (Some(bytes), volume.lacks(bytes))
        }
    };
    let data = match (wish.data, &volumes.data) {
        (Some(data), Some(volume)) => {
            let free = volume.free.saturating_sub(match &volumes.metadata {
                Some(other) if other.group == volume.group => taken,
                _ => 0,
            });
            let most = spec.without_tail(volume.with(free));
            Some(data.min(most))
                .filter(|data| *data >= spec.data_bytes().saturating_add(spec.block))
        }
        (data, _) => data,
    };
    let metadata_grows = metadata.is_some_and(|bytes| bytes > has);
    let grows = match wish.data {
        Some(_) => data.is_some() || (wish.metadata.is_some() && metadata_grows),
        None => metadata_grows,
    };
    grows.then_some(PoolExtension {
        data,
        metadata,
        ..wish
    })
}

/// What is wrong with the groups of a pool that grows. `wish` is what room it wants now.
pub(super) fn low_group(
    spec: &PoolSpec,
    groups: &Groups,
    wish: Option<PoolExtension>,
) -> Option<PoolAlarm> {
    let growth = spec.growth?;
    let volumes = match groups {
        Ok(volumes) => volumes,
        Err(why) => {
            let text = format!("what its volume group has free is not known: {why}");
            let hint = "it is given no room by itself meanwhile: see `vgs` and `lvs` of lvm2";
            return Some(warning("group-unknown", text, hint));
        }
    };
    let parts = [
        (&spec.data, &volumes.data),
        (&spec.metadata, &volumes.metadata),
    ];
    let is_other = |(part, volume): &(&Part, &Option<LogicalVolume>)| {
        matches!(part, Part::Device { .. }) && volume.is_none()
    };
    if let Some((part, _)) = parts.into_iter().find(is_other) {
        let text = format!(
            "{} is no logical volume that is nothing but extents: it is given no room by itself",
            part.path().display()
        );
        let hint =
            "see what it is by now with `lvs`; enlarge it yourself, then `longshore pool extend`";
        return Some(warning("group-unknown", text, hint));
    }
    let lacks =
        |volume: &LogicalVolume, bytes: Option<u64>| bytes.map_or(0, |bytes| volume.lacks(bytes));
    let data = volumes.data.as_ref().map(|volume| {
        let next = next_data(spec, growth).map(|data| spec.with_tail(data));
        (volume, lacks(volume, next))
    });
    let metadata = volumes.metadata.as_ref();
    let metadata =
        metadata.map(|volume| (volume, lacks(volume, Some(next_metadata(spec, growth)))));
    let short = [data, metadata].into_iter().flatten();
    let (volume, lacks) = short
        .into_iter()
        .find(|(volume, lacks)| *lacks > volume.free)?;
    let text = format!(
        "volume group {} has {} bytes free, and the next step of the pool takes {lacks}",
        volume.group, volume.free
    );
    let hint = format!(
        "add a device to the group with `vgextend {} DEVICE`, or remove what is not needed (`longshore df`): the pool \
         is given what there is, and no more",
        volume.group
    );
    let is_stuck = wish.is_some_and(|wish| bounded(spec, wish, volumes).is_none());
    Some(match is_stuck {
        true => critical("group-low", text, &hint),
        false => warning("group-low", text, &hint),
    })
}

#[cfg(test)]
mod tests {
    use longshore_volume::thin::Growth;

    use super::{
        super::super::{AlarmLevel, Growing},
        *,
    };

    const MIB: u64 = 1 << 20;

    fn spec(most: Option<u64>) -> PoolSpec {
        let part = |path: &str, bytes| Part::Device {
            path: path.into(),
            bytes,
            identity: None,
        };
        let (metadata, data) = (part("/dev/g/m", 4 * MIB), part("/dev/g/d", 132 * MIB));
        let spec = PoolSpec::on_devices(metadata, data, 64 << 10).unwrap();
        let growth = Some(Growth {
            at: 80,
            by: 50,
            most,
        });
        PoolSpec { growth, ..spec }
    }

    fn volume(group: &str, bytes: u64, free: u64) -> Option<LogicalVolume> {
        Some(LogicalVolume {
            group: group.to_owned(),
            name: "it".to_owned(),
            bytes,
            free,
            extent: 4 * MIB,
        })
    }

    fn both(free: u64) -> LogicalVolumes {
        LogicalVolumes {
            data: volume("g", 132 * MIB, free),
            metadata: volume("g", 4 * MIB, free),
        }
    }

    fn wish(data: Option<u64>, metadata: Option<u64>) -> PoolExtension {
        PoolExtension {
            data,
            metadata,
            growth: Growing::AsBefore,
        }
    }

    #[test]
    fn a_step_is_as_large_as_what_is_free() {
        let spec = spec(None);
        let step = |data, metadata, free| {
            let step = bounded(&spec, wish(data, metadata), &both(free))?;
            Some((step.data, step.metadata))
        };
        let (four, data) = (Some(4 * MIB), Some(195 * MIB));
        assert_eq!(step(data, None, 1 << 30), Some((data, four)));
        assert_eq!(step(data, None, 63 * MIB), Some((Some(191 * MIB), four)));
        assert_eq!(step(data, None, 4 * MIB), Some((Some(135 * MIB), four)));
        assert_eq!(step(data, None, 4 * MIB - 1), None);
        assert_eq!(step(data, None, 0), None);
        // What is asked for of both: the metadata comes first, for the whole pool stands without it.
        let six = Some(6 * MIB);
        assert_eq!(step(data, six, 4 * MIB), Some((None, Some(8 * MIB))));
        let most = Some((Some(135 * MIB), Some(8 * MIB)));
        assert_eq!(step(data, six, 8 * MIB), most);
        assert_eq!(step(None, six, 0), None);
        assert_eq!(step(None, six, 8 * MIB), Some((None, Some(8 * MIB))));
    }

    #[test]
    fn metadata_that_follows_leaves_the_data_its_room() {
        let spec = spec(None);
        // 48 bytes for each block: more than it has from 5.4 GiB on.
        let step = |free| {
            let step = bounded(&spec, wish(Some(8 << 30), None), &both(free)).unwrap();
            (step.data, step.metadata)
        };
        let both = step(16 << 30);
        assert_eq!(both, (Some(8 << 30), Some(8 * MIB)));
        assert_eq!(step(8 * MIB), (Some(135 * MIB), Some(8 * MIB)));
        assert_eq!(step(4 * MIB), (Some(135 * MIB), Some(4 * MIB)));
    }

    #[test]
    fn what_was_enlarged_and_not_written_down_needs_nothing() {
        let volumes = LogicalVolumes {
            data: volume("g", 196 * MIB, 0),
            metadata: None,
        };
        let step = bounded(&spec(None), wish(Some(400 * MIB), None), &volumes);
        assert_eq!(step.unwrap().data, Some(195 * MIB));
    }

    #[test]
    fn files_and_other_devices_are_bounded_by_nothing() {
        let asked = wish(Some(1 << 40), None);
        let none = LogicalVolumes::default();
        assert_eq!(bounded(&spec(None), asked, &none), Some(asked));
    }

    #[test]
    fn a_group_is_low_when_the_next_step_does_not_fit() {
        let said = |spec: &PoolSpec, groups: Groups, wish| {
            let alarm = low_group(spec, &groups, wish)?;
            Some((alarm.name, alarm.level))
        };
        let pool = spec(None);
        // By half of 131 MiB, in whole extents.
        assert_eq!(said(&pool, Ok(both(68 * MIB)), None), None);
        let low = Some(("group-low", AlarmLevel::Warning));
        assert_eq!(said(&pool, Ok(both(60 * MIB)), None), low);
        let wants = Some(wish(Some(196 * MIB), None));
        assert_eq!(said(&pool, Ok(both(60 * MIB)), wants), low);
        assert_eq!(said(&pool, Ok(both(0)), None), low);
        let stuck = Some(("group-low", AlarmLevel::Critical));
        assert_eq!(said(&pool, Ok(both(0)), wants), stuck);
        let metadata = || LogicalVolumes {
            data: None,
            metadata: volume("g", 4 * MIB, 0),
        };
        let mixed = PoolSpec {
            data: Part::File {
                path: "/pools/d".into(),
                bytes: 132 * MIB,
                allocated: true,
            },
            ..pool.clone()
        };
        assert_eq!(said(&mixed, Ok(metadata()), None), low);
        // What was one and is a mirror by now, or what never was one.
        let other = Some(("group-unknown", AlarmLevel::Warning));
        assert_eq!(said(&pool, Ok(metadata()), None), other);
        let unknown = Some(("group-unknown", AlarmLevel::Warning));
        assert_eq!(said(&pool, Err("no lvs".to_owned()), None), unknown);
        // One that has all that it may, or does not grow, wants nothing of it.
        assert_eq!(said(&spec(Some(131 * MIB)), Ok(both(1 << 30)), None), None);
        let fixed = PoolSpec {
            growth: None,
            ..spec(None)
        };
        assert_eq!(said(&fixed, Ok(both(0)), None), None);
        assert_eq!(said(&fixed, Err("no lvs".to_owned()), None), None);
    }
}
