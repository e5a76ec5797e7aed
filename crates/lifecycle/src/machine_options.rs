//! What a machine is to be, beside the image that it is made of.

use crate::{Class, Failure, MachineName};

/// The longest word for whose a machine is.
const LONGEST_OWNER: usize = 128;

/// What a machine is to be, beside the image that it is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineOptions {
    /// Its name; made of the image's where nothing is said.
    pub name: Option<MachineName>,
    /// Bytes of its disk, a multiple of 4096; the image's where nothing is said. What is more is the guest's to
    /// use: its resize2fs makes the filesystem as large as the disk.
    pub size: Option<u64>,
    /// Whose it is: any word of the caller's.
    pub owner: Option<String>,
    /// Seconds after which it is not needed any more, and `cleanup` may remove it.
    pub ttl: Option<u64>,
}

impl From<Option<MachineName>> for MachineOptions {
    fn from(name: Option<MachineName>) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}

impl MachineOptions {
    /// Refuses a word that no line of a table could show.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Some(owner) = &self.owner else {
            return Ok(());
        };
        let good =
            (1..=LONGEST_OWNER).contains(&owner.len()) && !owner.chars().any(char::is_control);
        match good {
            true => Ok(()),
            false => Err(Failure::new(
                Class::Usage,
                "owner",
                format!("an owner is 1 to {LONGEST_OWNER} bytes without control characters"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_line() {
        let with = |owner: &str| {
            let options = MachineOptions {
                owner: Some(owner.to_owned()),
                ..MachineOptions::default()
            };
            options.check().is_ok()
        };
        assert!(with("team a") && with(&"x".repeat(LONGEST_OWNER)));
        assert!(!with("") && !with("a\nb") && !with(&"x".repeat(LONGEST_OWNER + 1)));
    }
}
