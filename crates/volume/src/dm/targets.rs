//! Which targets the kernel has.

use super::{
    control::{Control, garbled},
    device::DeviceName,
    error::{DmError, Errno, Operation},
    header::{Request, text},
    records::records,
};

impl Control {
    /// The targets that the kernel has now, with their versions. One that is a module and not loaded is missing.
    ///
    /// # Errors
    /// [`DmError::Kernel`], [`DmError::Garbled`].
    pub fn targets(&self) -> Result<Vec<(String, [u32; 3])>, DmError> {
        let answer = self.call(Operation::ListTargets, None, Request::default())?;
        // struct dm_target_versions: 0 next, 4 version[3], 16 name.
        records(answer.data(), 0, 16, |record| {
            let number = |at: usize| record.get(at..).and_then(<[u8]>::first_chunk).copied();
            let version = [number(4)?, number(8)?, number(12)?].map(u32::from_ne_bytes);
            Some((text(record.get(16..)?), version))
        })
        .ok_or_else(|| garbled(Operation::ListTargets, None))
    }

    /// Sees to it that the kernel has a target, whose module it loads where it is not there yet.
    ///
    /// # Errors
    /// [`DmError::NoTarget`], [`DmError::Kernel`].
    pub fn require_target(&self, name: &'static str) -> Result<(), DmError> {
        let there = || {
            let targets = self.targets()?;
            Ok(targets.iter().any(|(target, _)| target == name))
        };
        if there()? {
            return Ok(());
        }
        let Some(target) = DeviceName::new(name) else {
            return Err(DmError::NoTarget(name));
        };
        match self.call(Operation::TargetVersion, Some(&target), Request::default()) {
            Ok(_) => Ok(()),
            // Kernels before 4.15 do not know the question, and load a module when a table names it.
            Err(error) if error.errno() == Some(Errno::Unknown) => Ok(()),
            Err(error) if error.errno() == Some(Errno::NotPermitted) => Err(error),
            Err(_) => Err(DmError::NoTarget(name)),
        }
    }
}
