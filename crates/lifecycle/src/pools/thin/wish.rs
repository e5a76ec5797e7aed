//! What a pool wants while it is up, and how much more room it is given at a time. Pure.

use longshore_volume::thin::{Growth, PoolMode, PoolSpec, PoolState, PoolStatus, usable_metadata};

use super::super::{Growing, PoolExtension};

/// What whoever tends a pool has to do for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// It waits, for whoever was ended as it was given another table.
    Resume,
    /// It has not taken the room that it was given.
    TakeRoom,
    /// It wants more.
    Grow(PoolExtension),
}

/// What a pool wants, if it wants anything that can be done for it while it is up.
pub(super) fn wish(spec: &PoolSpec, state: &PoolState, suspended: bool) -> Option<Wish> {
    let PoolState::Working(status) = state else {
        return None;
    };
    if suspended {
        Some(Wish::Resume)
    } else if status.data_total.saturating_mul(spec.block) < spec.data_bytes() {
        Some(Wish::TakeRoom)
    } else {
        wanted(spec, status).map(Wish::Grow)
    }
}

/// What room a pool is to be given now; `None` where it has enough, or is not to be given any.
fn wanted(spec: &PoolSpec, status: &PoolStatus) -> Option<PoolExtension> {
    let growth = spec.growth?;
    if status.needs_check || status.mode == PoolMode::ReadOnly {
        return None;
    }
    let is_low = |used, total| percent(used, total) >= u64::from(growth.at);
    let out = status.mode == PoolMode::OutOfDataSpace;
    let data = (out || is_low(status.data_used, status.data_total))
        .then(|| next_data(spec, growth))
        .flatten();
    let usable = usable_metadata(status.metadata_total);
    let metadata = is_low(status.metadata_used, usable).then(|| next_metadata(spec, growth));
    (data.is_some() || metadata.is_some()).then_some(PoolExtension {
        data,
        metadata,
        growth: Growing::AsBefore,
    })
}

/// Bytes of data that a pool has after its next step, where it may have more.
pub(super) fn next_data(spec: &PoolSpec, growth: Growth) -> Option<u64> {
    let bytes = larger(spec.data_bytes(), growth).min(growth.most.unwrap_or(u64::MAX));
    (bytes >= spec.data_bytes().saturating_add(spec.block)).then_some(bytes)
}

/// Bytes of metadata that a pool has after its next step.
pub(super) fn next_metadata(spec: &PoolSpec, growth: Growth) -> u64 {
    larger(spec.metadata.bytes(), growth)
}

fn larger(bytes: u64, growth: Growth) -> u64 {
    bytes.saturating_add(bytes / 100 * u64::from(growth.by.max(1)))
}

/// How many percent of all are used.
pub(super) fn percent(used: u64, total: u64) -> u64 {
    used.saturating_mul(100) / total.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> PoolSpec {
        PoolSpec::on_files("/pools".into(), "web", 1 << 30, false, 1 << 20).unwrap()
    }

    fn status(words: &str) -> PoolState {
        PoolState::parse(words).unwrap()
    }

    #[test]
    fn what_it_was_given_is_taken_before_it_is_given_more() {
        let growth = Some(Growth {
            at: 80,
            by: 20,
            most: None,
        });
        let spec = PoolSpec { growth, ..spec() };
        let low = "7 10/1000 820/1024 - rw discard_passdown queue_if_no_space - 1024";
        let wishes = |words: &str, suspended| wish(&spec, &status(words), suspended);
        assert!(matches!(wishes(low, false), Some(Wish::Grow(_))));
        assert_eq!(wishes(low, true), Some(Wish::Resume));
        let short = low.replace("/1024 -", "/1000 -");
        assert_eq!(wishes(&short, false), Some(Wish::TakeRoom));
        assert_eq!(wishes("Fail", true), None);
    }

    #[test]
    fn a_pool_grows_at_its_mark_as_far_as_it_may() {
        let at = |words: &str, growth: Option<Growth>| {
            let PoolState::Working(status) = status(words) else {
                panic!("{words}");
            };
            wanted(&PoolSpec { growth, ..spec() }, &status)
        };
        let growth = |most| {
            Some(Growth {
                at: 80,
                by: 20,
                most,
            })
        };
        let low = "7 10/1000 820/1024 - rw discard_passdown queue_if_no_space - 1024";
        assert_eq!(at(low, None), None);
        let data = (1 << 30) + (1 << 30) / 100 * 20;
        let more = at(low, growth(None)).unwrap();
        assert_eq!((more.data, more.metadata), (Some(data), None));
        let bounded = at(low, growth(Some(1100 << 20))).unwrap();
        assert_eq!(bounded.data, Some(1100 << 20));
        assert_eq!(at(low, growth(Some(1 << 30))), None);
        let fine = low.replace("820", "810");
        assert_eq!(at(&fine, growth(None)), None);
        let out = fine.replace("rw", "out_of_data_space");
        assert!(at(&out, growth(None)).is_some_and(|more| more.data.is_some()));
        let metadata = fine.replace("10/1000", "720/1000");
        let more = at(&metadata, growth(None)).unwrap();
        assert!(more.data.is_none() && more.metadata.is_some());
        // It is to be repaired first.
        assert_eq!(
            at(
                &out.replace("space - 1024", "space needs_check 1024"),
                growth(None)
            ),
            None
        );
    }
}
