//! The cage: which layers would hold a child that reads hostile bytes. Tried with one that is given nothing.

use longshore_cage::{Layer, State};

use super::Check;
use crate::{CageMode, Scanning, caged::Cages, failure::causes};

const CAGE: &str = "cage";

/// Looks and judges.
pub(super) fn check(scanning: &Scanning) -> Check {
    // A child is this program again, and one that does not ask whether it is in a cage says that there is none.
    if scanning.cage == CageMode::Off {
        return judge(CageMode::Off, Ok(&[]));
    }
    match Cages::new(scanning).layers() {
        Ok(layers) => {
            let layers: Vec<_> = layers
                .iter()
                .map(|(layer, state)| (layer, state.clone()))
                .collect();
            judge(scanning.cage, Ok(&layers))
        }
        Err(error) => judge(scanning.cage, Err(causes(&error).join(": "))),
    }
}

fn judge(mode: CageMode, layers: Result<&[(Layer, State)], String>) -> Check {
    if mode == CageMode::Off {
        let found = "off: images are unpacked and read in this process";
        return match cfg!(target_os = "linux") {
            true => Check::warn(
                CAGE,
                found,
                "take `cage = \"off\"` out of the settings: a fault of a parser has then nothing to gain",
            ),
            false => Check::skip(CAGE, "only Linux has layers to hold a child with"),
        };
    }
    let layers = match layers {
        Ok(layers) => layers,
        Err(why) => {
            let hint = "the setting cage = \"off\" does without; who may put files into the bucket may then try \
                        this host's parsers";
            return Check::fail(CAGE, format!("no child can be started in one: {why}"), hint);
        }
    };
    let missing: Vec<_> = layers
        .iter()
        .filter_map(|(layer, state)| match state {
            State::Held(_) => None,
            State::Missing(why) => Some((*layer, why.as_str())),
        })
        .collect();
    let held = layers.len() - missing.len();
    let Some((first, _)) = missing.first() else {
        let landlock = layers.iter().find_map(|(layer, state)| match state {
            State::Held(how) if *layer == Layer::Landlock && !how.is_empty() => Some(how.as_str()),
            _ => None,
        });
        let landlock = landlock.map_or_else(String::new, |how| format!(" (landlock: {how})"));
        return Check::ok(CAGE, format!("all {held} layers hold{landlock}"));
    };
    let without: Vec<_> = missing
        .iter()
        .map(|(layer, why)| format!("{layer} ({why})"))
        .collect();
    let found = format!(
        "{held} of {} layers hold, without {}",
        layers.len(),
        without.join(", ")
    );
    match mode {
        CageMode::Require => Check::fail(
            CAGE,
            format!("{found}: no image is unpacked"),
            format!(
                "{}; or go on with the others with the setting cage = \"best\"",
                first.advice()
            ),
        ),
        CageMode::Best | CageMode::Off => Check::warn(CAGE, found, first.advice()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState::{Fail, Ok as Good, Warn};

    #[test]
    fn a_missing_layer_is_as_bad_as_the_settings_say() {
        let held = |layer| (layer, State::Held("version 4".to_owned()));
        let every: Vec<_> = Layer::ALL.map(held).into();
        let mut some = every.clone();
        some[5].1 = State::Missing("the kernel has none".to_owned());
        for mode in [CageMode::Require, CageMode::Best] {
            let check = judge(mode, Ok(&every));
            assert_eq!(check.state, Good);
            assert!(check.found.contains("version 4"), "{check:?}");
            assert_eq!(judge(mode, Err("no fork".to_owned())).state, Fail);
        }
        let check = judge(CageMode::Require, Ok(&some));
        assert_eq!(check.state, Fail);
        assert!(check.found.starts_with("7 of 8 layers"), "{check:?}");
        assert!(check.hint.unwrap().contains("5.13"));
        assert_eq!(judge(CageMode::Best, Ok(&some)).state, Warn);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn without_a_cage_somebody_should_know() {
        assert_eq!(judge(CageMode::Off, Ok(&[])).state, Warn);
    }
}
