//! Every name in the directory of the file backend is written and read here.

use crate::{id::VolumeId, name::Name};

pub(super) const VOLUMES: &str = "volumes";
pub(super) const MACHINES: &str = "machines";

const WHOLE: &str = ".img";
const PARTIAL: &str = ".part";

/// What a name in the directory of volumes stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Volume(VolumeId),
    Partial(VolumeId),
    Foreign,
}

pub(super) fn volume(id: VolumeId) -> String {
    format!("{id}{WHOLE}")
}

pub(super) fn partial(id: VolumeId) -> String {
    format!("{id}{PARTIAL}")
}

pub(super) fn meaning(name: &str) -> Meaning {
    let id = |suffix| name.strip_suffix(suffix)?.parse().ok();
    let whole = id(WHOLE).map(Meaning::Volume);
    let partial = || id(PARTIAL).map(Meaning::Partial);
    whole.or_else(partial).unwrap_or(Meaning::Foreign)
}

pub(super) fn machine(name: &Name) -> String {
    format!("{name}{WHOLE}")
}

pub(super) fn machine_named(entry: &str) -> Option<Name> {
    Name::new(entry.strip_suffix(WHOLE)?).ok()
}

/// What the link of a machine reads; relative, so that the whole directory may be moved.
pub(super) fn link_to(id: VolumeId) -> String {
    format!("../{VOLUMES}/{}", volume(id))
}

pub(super) fn linked(target: &str) -> Option<VolumeId> {
    let name = target.strip_prefix("../")?.strip_prefix(VOLUMES)?;
    match meaning(name.strip_prefix('/')?) {
        Meaning::Volume(id) => Some(id),
        Meaning::Partial(_) | Meaning::Foreign => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_what_they_were_written_for() {
        for id in [0, 7, 16_777_215] {
            let id = VolumeId::new(id).unwrap();
            assert_eq!(meaning(&volume(id)), Meaning::Volume(id));
            assert_eq!(meaning(&partial(id)), Meaning::Partial(id));
            assert_eq!(linked(&link_to(id)), Some(id));
        }
        let name = Name::new("a.img").unwrap();
        assert_eq!(machine_named(&machine(&name)), Some(name));
    }

    #[test]
    fn nothing_else_has_a_meaning() {
        for name in [
            "7",
            "07.img",
            "7.img.img",
            ".img",
            "x.img",
            "7.img~",
            "16777216.img",
        ] {
            assert_eq!(meaning(name), Meaning::Foreign, "{name}");
        }
        for target in [
            "7.img",
            "/volumes/7.img",
            "../volumes/7.part",
            "../../volumes/7.img",
        ] {
            assert_eq!(linked(target), None, "{target}");
        }
        assert_eq!(machine_named(".img"), None);
        assert_eq!(machine_named("web"), None);
    }
}
