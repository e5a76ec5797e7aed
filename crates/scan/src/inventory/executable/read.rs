//! Finds the executables of a root filesystem, and asks each what it is made of.
//!
//! An executable is a regular file that is not empty and that anyone may execute, and every ELF file
//! besides, whatever its mode: a library, a plug-in, a program that is started through another.

use std::collections::BTreeSet;

use super::{
    elf::{Budget, Elf, MAGIC},
    go::{self, Modules},
};
use crate::{
    Enough, FileKind, Package, PackageKind, Reason, Rootfs, RootfsError, Visited,
    inventory::{
        InventoryLimits,
        gathered::Gathered,
        problem::{Problem, shown},
    },
};

/// Paths that are named of those that nothing is known about.
const EXAMPLES: usize = 5;

/// Who can say what an executable is made of. The first that can is believed.
const READERS: [(PackageKind, Reader); 1] = [(PackageKind::Go, go::modules)];

type Reader = fn(&Elf<'_>, &mut Budget, &InventoryLimits) -> Result<Option<Modules>, Problem>;

/// How far the executables are known.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::inventory) struct Executables {
    /// How many there are.
    pub(in crate::inventory) count: u64,
    /// Whether it is known of each what it is made of.
    pub(in crate::inventory) identified: bool,
}

/// Looks into every executable.
///
/// # Errors
/// Where the host failed.
pub(in crate::inventory) fn read(
    rootfs: &dyn Rootfs,
    gathered: &mut Gathered<'_>,
) -> Result<Executables, RootfsError> {
    let gaps = gathered.gaps.len();
    let mut search = Search {
        rootfs,
        budget: Budget {
            bytes: gathered.limits.executable_bytes,
        },
        walked: 0,
        count: 0,
        unidentified: 0,
        examples: BTreeSet::new(),
        any_unreadable: false,
    };
    let mut failed = None;
    let walked = rootfs.walk(&mut |visited| {
        let looked = search.visit(visited, gathered);
        looked.unwrap_or_else(|error| {
            failed = Some(error);
            Enough::Yes
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    gathered.note(b"/", walked.map_err(Problem::from))?;
    if search.unidentified > 0 {
        gathered.gaps.push(Reason::UnidentifiedExecutables {
            count: search.unidentified,
            examples: search.examples.iter().map(|path| shown(path)).collect(),
        });
    }
    Ok(Executables {
        count: search.count,
        identified: gathered.gaps.len() == gaps,
    })
}

struct Search<'a> {
    rootfs: &'a dyn Rootfs,
    budget: Budget,
    walked: u64,
    count: u64,
    unidentified: u64,
    /// The first by their paths, not by the order of the walk.
    examples: BTreeSet<Vec<u8>>,
    any_unreadable: bool,
}

impl Search<'_> {
    fn visit(
        &mut self,
        visited: Visited<'_>,
        gathered: &mut Gathered<'_>,
    ) -> Result<Enough, RootfsError> {
        let limits = gathered.limits;
        if self.walked == limits.walked {
            let limit = format!("more than {} files and directories", limits.walked);
            return stop(b"/", limit, gathered);
        }
        self.walked += 1;
        if visited.kind != FileKind::File || visited.size == 0 {
            return Ok(Enough::No);
        }
        match self.look(&visited, limits) {
            Ok(None) => return Ok(Enough::No),
            Ok(Some((kind, modules))) => {
                let known = modules.complete;
                for (name, version) in modules.modules {
                    if let Err(problem) = gathered.entry() {
                        gathered.gaps.push(problem.into_reason(visited.path)?);
                        return Ok(Enough::Yes);
                    }
                    gathered
                        .packages
                        .push(module(kind, name, version, visited.path));
                }
                self.count += 1;
                if !known {
                    self.unknown(visited.path);
                }
            }
            Err(Problem::Limit(limit)) => return stop(visited.path, limit, gathered),
            Err(Problem::Wrong(_)) => {
                self.count += 1;
                self.unknown(visited.path);
            }
            Err(unreadable @ Problem::Rootfs(_)) => {
                let reason = unreadable.into_reason(visited.path)?;
                // There may be a million of them: the first says what is wrong.
                if !std::mem::replace(&mut self.any_unreadable, true) {
                    gathered.gaps.push(reason);
                }
                self.count += 1;
                self.unknown(visited.path);
            }
        }
        if self.count > limits.executables {
            let limit = format!("more than {} executables", limits.executables);
            return stop(b"/", limit, gathered);
        }
        Ok(Enough::No)
    }

    /// What a file is made of; nothing where it is no executable.
    fn look(
        &mut self,
        visited: &Visited<'_>,
        limits: &InventoryLimits,
    ) -> Result<Option<(PackageKind, Modules)>, Problem> {
        let file = self.rootfs.open(visited.path)?;
        let mut magic = [0; 4];
        let is_elf = file.read_at(0, &mut magic)? == magic.len() && magic == *MAGIC;
        if !is_elf {
            return match visited.executable {
                true => Err(Problem::wrong("it is no ELF file")),
                false => Ok(None),
            };
        }
        let elf = Elf::open(&*file, &mut self.budget)?;
        for (kind, reader) in READERS {
            if let Some(modules) = reader(&elf, &mut self.budget, limits)? {
                return Ok(Some((kind, modules)));
            }
        }
        Err(Problem::wrong("nothing says what it is made of"))
    }

    fn unknown(&mut self, path: &[u8]) {
        self.unidentified += 1;
        self.examples.insert(path.to_vec());
        if self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

fn stop(path: &[u8], limit: String, gathered: &mut Gathered<'_>) -> Result<Enough, RootfsError> {
    gathered.gaps.push(Problem::Limit(limit).into_reason(path)?);
    Ok(Enough::Yes)
}

fn module(kind: PackageKind, name: String, version: String, path: &[u8]) -> Package {
    Package {
        kind,
        name,
        version,
        arch: None,
        source: None,
        module: None,
        vendor: None,
        licence: None,
        found_in: shown(path),
    }
}
