//! What volumes are made of, decided from what is here. Pure.

use longshore_catalog::{PoolPhase, StoredBackend};

use crate::BackendChoice;

/// What is here.
#[derive(Debug, Clone)]
pub(super) struct Here<'a> {
    /// What the volumes that there are are made of; `None` where there are none.
    pub(super) volumes: Option<StoredBackend>,
    /// How far the pool has come, where there is one.
    pub(super) pool: Option<PoolPhase>,
    /// Why there can be no thin devices, if there can be none.
    pub(super) lacking: Option<&'a str>,
}

/// What volumes are to be made of, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    /// Files, with the reason where it is one that somebody might want to change.
    File(Option<String>),
    /// Thin devices of the pool.
    Thin,
    /// Neither.
    Refused(Refusal),
}

/// Why it is not what was asked for, or what the volumes that are here are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Thin devices, without a pool.
    NoPool,
    /// The pool was taken down.
    Down,
    /// The pool is being made, or destroyed.
    Half,
    /// There can be no thin devices here.
    Lacking,
    /// The volumes that there are are files.
    Files,
    /// The volumes that there are are thin devices.
    Thin,
}

/// Decides.
pub(super) fn choose(asked: BackendChoice, here: &Here<'_>) -> Chosen {
    match (asked, here.volumes) {
        (BackendChoice::File, Some(StoredBackend::Thin)) => Chosen::Refused(Refusal::Thin),
        (BackendChoice::Thin, Some(StoredBackend::File)) => Chosen::Refused(Refusal::Files),
        (BackendChoice::File | BackendChoice::Simulated, _) => Chosen::File(None),
        (BackendChoice::Auto, Some(StoredBackend::File)) => {
            let why = "there are volumes here already, and they are files";
            Chosen::File(here.pool.map(|_| why.to_owned()))
        }
        (BackendChoice::Thin, _) | (BackendChoice::Auto, Some(StoredBackend::Thin)) => thin(here),
        (BackendChoice::Auto, None) => match (here.pool, here.lacking) {
            (None, Some(_)) => Chosen::File(None),
            (None, None) => {
                let why = "there is no pool here (`longshore pool create` makes one)";
                Chosen::File(Some(why.to_owned()))
            }
            (Some(_), Some(lacking)) => Chosen::File(Some(lacking.to_owned())),
            (Some(_), None) => thin(here),
        },
    }
}

fn thin(here: &Here<'_>) -> Chosen {
    Chosen::Refused(match (here.pool, here.lacking) {
        (None, _) => Refusal::NoPool,
        (_, Some(_)) => Refusal::Lacking,
        (Some(PoolPhase::Ready), None) => return Chosen::Thin,
        (Some(PoolPhase::Down), None) => Refusal::Down,
        (Some(PoolPhase::Making | PoolPhase::Destroying), None) => Refusal::Half,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Option<StoredBackend> = Some(StoredBackend::File);
    const THIN: Option<StoredBackend> = Some(StoredBackend::Thin);
    const READY: Option<PoolPhase> = Some(PoolPhase::Ready);

    fn chosen(
        asked: BackendChoice,
        volumes: Option<StoredBackend>,
        pool: Option<PoolPhase>,
        lacking: Option<&str>,
    ) -> Chosen {
        choose(
            asked,
            &Here {
                volumes,
                pool,
                lacking,
            },
        )
    }

    #[test]
    fn by_itself_it_is_thin_where_there_is_a_pool_and_root() {
        let auto = |volumes, pool, lacking| chosen(BackendChoice::Auto, volumes, pool, lacking);
        assert_eq!(auto(None, READY, None), Chosen::Thin);
        assert_eq!(auto(None, None, Some("no root")), Chosen::File(None));
        assert!(matches!(auto(None, None, None), Chosen::File(Some(_))));
        let lacking = Chosen::File(Some("no root".to_owned()));
        assert_eq!(auto(None, READY, Some("no root")), lacking);
    }

    #[test]
    fn what_is_here_stays_what_it_is() {
        let auto = |volumes, pool| chosen(BackendChoice::Auto, volumes, pool, None);
        assert!(matches!(auto(FILE, READY), Chosen::File(Some(_))));
        assert_eq!(auto(FILE, None), Chosen::File(None));
        assert_eq!(auto(THIN, READY), Chosen::Thin);
        let refused = |asked, volumes| chosen(asked, volumes, READY, None);
        assert_eq!(
            refused(BackendChoice::Thin, FILE),
            Chosen::Refused(Refusal::Files)
        );
        assert_eq!(
            refused(BackendChoice::File, THIN),
            Chosen::Refused(Refusal::Thin)
        );
    }

    #[test]
    fn thin_volumes_are_never_left_for_files() {
        for (pool, lacking, refusal) in [
            (None, None, Refusal::NoPool),
            (Some(PoolPhase::Down), None, Refusal::Down),
            (Some(PoolPhase::Making), None, Refusal::Half),
            (Some(PoolPhase::Destroying), None, Refusal::Half),
            (READY, Some("no root"), Refusal::Lacking),
        ] {
            for asked in [BackendChoice::Auto, BackendChoice::Thin] {
                assert_eq!(chosen(asked, THIN, pool, lacking), Chosen::Refused(refusal));
            }
            assert_eq!(
                chosen(BackendChoice::Thin, None, pool, lacking),
                Chosen::Refused(refusal)
            );
        }
    }
}
