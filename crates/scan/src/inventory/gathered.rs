//! What the readers of an inventory have found so far: packages and gaps, neither of them without a
//! bound.

use super::{InventoryLimits, Package, problem::Problem};
use crate::{Reason, RootfsError};

/// What was found so far.
#[derive(Debug)]
pub(super) struct Gathered<'a> {
    pub(super) limits: &'a InventoryLimits,
    pub(super) packages: Vec<Package>,
    pub(super) gaps: Vec<Reason>,
    /// Bytes of databases that are text that may still be read.
    pub(super) text_left: u64,
    /// Entries of databases that were read, those of packages that are not installed among them.
    entries: usize,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(limits: &'a InventoryLimits) -> Self {
        Self {
            limits,
            packages: Vec::new(),
            gaps: Vec::new(),
            text_left: limits.text_bytes,
            entries: 0,
        }
    }

    /// Counts an entry of a database before anything is made of it.
    ///
    /// # Errors
    /// Where there have been as many as are read.
    pub(super) fn entry(&mut self) -> Result<(), Problem> {
        let most = self.limits.packages;
        if self.entries == most {
            return Err(Problem::Limit(format!(
                "the databases have more than {most} entries"
            )));
        }
        self.entries += 1;
        Ok(())
    }

    /// Writes down why something was not read to its end, if it was not.
    ///
    /// # Errors
    /// Where the host failed.
    pub(super) fn note<T>(
        &mut self,
        path: &[u8],
        read: Result<T, Problem>,
    ) -> Result<Option<T>, RootfsError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(problem) => {
                self.gaps.push(problem.into_reason(path)?);
                Ok(None)
            }
        }
    }

    /// Writes down that entries of a file were left out, if any were.
    pub(super) fn left_out(&mut self, path: &[u8], faults: &Faults) {
        if let Some(problem) = faults.problem() {
            let path = super::problem::shown(path);
            self.gaps.push(Reason::Unreadable { path, problem });
        }
    }
}

/// Entries of one file that cannot be read, counted: a file may have a million of them.
#[derive(Debug, Default)]
pub(super) struct Faults {
    count: u64,
    first: Option<String>,
}

impl Faults {
    /// One more: where it is, and what is wrong with it.
    pub(super) fn add(&mut self, at: impl FnOnce() -> String, what: &str) {
        self.count += 1;
        self.first
            .get_or_insert_with(|| format!("{}: {what}", at()));
    }

    fn problem(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        Some(match self.count {
            1 => format!("an entry is not understood ({first})"),
            count => format!("{count} entries are not understood (the first at {first})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_faults_are_one_gap() {
        let limits = InventoryLimits::default();
        let mut gathered = Gathered::new(&limits);
        let mut faults = Faults::default();
        gathered.left_out(b"x", &faults);
        assert!(gathered.gaps.is_empty());
        for line in 0..1_000_000 {
            faults.add(|| format!("line {line}"), "it has no name");
        }
        gathered.left_out(b"x", &faults);
        let problem = "1000000 entries are not understood (the first at line 0: it has no name)";
        let path = "/x".to_owned();
        let problem = problem.to_owned();
        assert_eq!(gathered.gaps, [Reason::Unreadable { path, problem }]);
    }

    #[test]
    fn entries_are_counted_to_the_limit_and_no_further() {
        let limits = InventoryLimits {
            packages: 2,
            ..InventoryLimits::default()
        };
        let mut gathered = Gathered::new(&limits);
        assert!(gathered.entry().is_ok() && gathered.entry().is_ok());
        assert!(matches!(gathered.entry(), Err(Problem::Limit(_))));
    }
}
