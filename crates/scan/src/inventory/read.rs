//! Reads what is in a root filesystem, and writes down what could not be read.
//!
//! | operating system | packages | gaps beside those of what could not be read |
//! |---|---|---|
//! | known, with advisories | its database says | - |
//! | known, without | its database says, for it is of use to others | `OsUnsupported` |
//! | known | its database is not there, or says that nothing is installed | `PackageDatabaseDeleted` where something is left of it, else `NoPackageDatabase` |
//! | known or not | its database lacks what was installed | `PackageDatabaseDeleted` |
//! | unknown | a database says | `OsUnknown` |
//! | unknown | none; there are executables, and each says what it is made of | none |
//! | unknown | none; some executables do not say it | `OsUnknown`, `UnidentifiedExecutables` |
//! | unknown | none, and no executables | `OsUnknown` |
//!
//! The databases of all managers are read, also of those that the system does not have by itself: a
//! package is a package. Executables are only looked into where nothing else explains them, for most
//! of those of an operating system are in its packages.

use super::{
    Inventory, InventoryLimits, Manager, apk,
    database::{Kept, is_there},
    dpkg,
    executable::{self, Executables},
    gathered::Gathered,
    identify::identify,
    problem::shown,
    rpm,
};
use crate::{Reason, Rootfs, RootfsError};

/// What is in a root filesystem, within `limits`. It is the same for the same filesystem.
///
/// # Errors
/// [`RootfsError::Host`] only. Whatever is wrong with the filesystem itself is among the gaps.
pub fn read_inventory(
    rootfs: &dyn Rootfs,
    limits: &InventoryLimits,
) -> Result<Inventory, RootfsError> {
    let mut gathered = Gathered::new(limits);
    let identity = identify(rootfs, &mut gathered)?;
    let expected = identity.as_ref().and_then(|identity| identity.manager);
    for manager in Manager::ALL {
        let kept = match manager {
            Manager::Dpkg => dpkg::read(rootfs, &mut gathered)?,
            Manager::Apk => apk::read(rootfs, &mut gathered)?,
            Manager::Rpm => rpm::read(rootfs, &mut gathered)?,
        };
        let is_expected = expected == Some(manager);
        gathered
            .gaps
            .extend(missing(rootfs, manager, kept, is_expected)?);
    }
    let mut executables = 0;
    match &identity {
        Some(identity) if identity.os.stream().is_none() => {
            let os = identity.os.name.clone();
            gathered.gaps.push(Reason::OsUnsupported { os });
        }
        Some(_) => {}
        None if gathered.packages.is_empty() => {
            let whole_so_far = gathered.gaps.is_empty();
            let Executables { count, identified } = executable::read(rootfs, &mut gathered)?;
            executables = count;
            if count == 0 || !identified || !whole_so_far {
                gathered.gaps.push(Reason::OsUnknown);
            }
        }
        None => gathered.gaps.push(Reason::OsUnknown),
    }
    let os = identity.map(|identity| identity.os);
    let Gathered { packages, gaps, .. } = gathered;
    Ok(Inventory::new(os, packages, gaps, executables))
}

/// What says that the packages of a manager are not all of those that it has installed.
fn missing(
    rootfs: &dyn Rootfs,
    manager: Manager,
    kept: Kept,
    is_expected: bool,
) -> Result<Option<Reason>, RootfsError> {
    let name = manager.as_str().to_owned();
    let deleted = |trace| Reason::PackageDatabaseDeleted {
        manager: manager.as_str().to_owned(),
        trace,
    };
    if let Some(trace) = kept.removed {
        return Ok(Some(deleted(trace)));
    }
    if kept.any_installed || kept.unread {
        return Ok(None);
    }
    let programs = if is_expected { manager.programs() } else { &[] };
    for path in manager.remains().iter().chain(programs) {
        if is_there(rootfs, path)? {
            let path = shown(path.as_bytes());
            return Ok(Some(deleted(format!(
                "{path} is there, and no package is installed"
            ))));
        }
    }
    Ok(is_expected.then_some(Reason::NoPackageDatabase { manager: name }))
}
