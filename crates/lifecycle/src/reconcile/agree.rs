//! The stages in which they are made to agree, one after the other.

use longshore_catalog::{VolumeId, Writer};

use super::{
    compare::compare,
    difference::{Difference, Remedy},
    look::{Found, Known},
    repair::{repair, say},
    stage::Stage,
};
use crate::{
    Class, Event, Failure,
    deps::{Deps, Record},
    scanning::clear_rooms,
};

/// Makes them agree. Nothing else may be at work in the state directory.
pub(crate) fn reconcile(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    for stage in Stage::ALL {
        for difference in differences_of(deps, stage)? {
            match difference.remedy() {
                Remedy::Start => repair(deps, &difference, record)?,
                Remedy::Fix | Remedy::Operator => {
                    say(deps, &difference);
                    never_give_out(&difference, record)?;
                }
                Remedy::Stop => return Err(rescue(&difference)),
            }
        }
    }
    if let Err(failure) = clear_rooms(&deps.state_dir) {
        // Nothing rests on it, and nothing finds it.
        deps.say(Event::Notice {
            text: failure.to_string(),
        });
    }
    Ok(())
}

/// Whatever is under an id in the pool, nobody is to be given that id.
fn never_give_out(difference: &Difference, record: Record<'_>) -> Result<(), Failure> {
    let Difference::UnknownThin(id) = difference else {
        return Ok(());
    };
    let id = VolumeId(id.get());
    record(Box::new(move |connection| {
        Ok(Writer::new(connection).skip_volumes(id)?)
    }))
}

/// Nobody here knows what it is: nothing is written until somebody has said it.
fn rescue(difference: &Difference) -> Failure {
    let text = format!("nothing is written here: {}", difference.text());
    Failure::new(Class::Refused, "rescue", text).hint(difference.hint())
}

/// All that differs, with nothing repaired. Nothing else may be at work in the state directory.
pub(crate) fn differences(deps: &Deps) -> Result<Vec<Difference>, Failure> {
    let mut found = Vec::new();
    for stage in Stage::ALL {
        found.extend(differences_of(deps, stage)?);
    }
    Ok(found)
}

/// Repairs also what is repaired only when somebody says so. Says what was.
pub(crate) fn fix(deps: &Deps, record: Record<'_>) -> Result<Vec<Difference>, Failure> {
    let mut fixed = Vec::new();
    for stage in Stage::ALL {
        for difference in differences_of(deps, stage)? {
            if difference.remedy() != Remedy::Operator {
                repair(deps, &difference, record)?;
                fixed.push(difference);
            }
        }
    }
    Ok(fixed)
}

fn differences_of(deps: &Deps, stage: Stage) -> Result<Vec<Difference>, Failure> {
    let known = Known::look(deps)?;
    let found = Found::look(deps, stage, &known)?;
    Ok(compare(stage, &known, &found))
}
