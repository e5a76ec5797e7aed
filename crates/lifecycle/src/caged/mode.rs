//! [`CageMode`]: whether hostile bytes are read in a cage.

/// Whether images are unpacked and read in cages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CageMode {
    /// In one that holds with every layer, or not at all.
    Require,
    /// In one with the layers that the kernel has; which are missing is told.
    Best,
    /// In this process.
    Off,
}

impl CageMode {
    /// All of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::Require, Self::Best, Self::Off];

    /// What a program should choose whose main asks [`caged`](crate::caged): only on Linux there are
    /// layers to hold a child with.
    pub const OF_THIS_SYSTEM: Self = if cfg!(target_os = "linux") {
        Self::Require
    } else {
        Self::Off
    };

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::Best => "best",
            Self::Off => "off",
        }
    }
}
