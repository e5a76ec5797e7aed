//! Every limit on what an inventory reads, in one place, each with its reason. What goes over one is
//! a [`Reason::LimitHit`](crate::Reason::LimitHit), never a failure, and what was read before it stays.

/// What an inventory reads at most. It bounds time and memory, whatever the image holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryLimits {
    /// Bytes of os-release and its like (64 KiB): real ones have less than 1 KiB.
    pub release_bytes: u64,
    /// Bytes of all databases that are text together (128 MiB): all packages that Debian has would be
    /// 60 MB. They are read in pieces.
    pub text_bytes: u64,
    /// Bytes of one database of rpm (1 GiB): that of an installation with everything has 300 MB, and of
    /// it only the pages with headers are read, each once.
    pub rpm_bytes: u64,
    /// Bytes of one package's header in a database of rpm (64 MiB): kernel sources, with a hundred
    /// thousand files, have 12 MB. One is in memory at a time.
    pub header_bytes: usize,
    /// Bytes of one name, version or licence (4 KiB): the longest real ones are lists of licences of
    /// 2 KB. It bounds memory, together with the number of packages.
    pub value_bytes: usize,
    /// Entries of all databases together, and packages made of them (100,000): all that Debian has are
    /// 65,000. It bounds memory, about 500 bytes a package.
    pub packages: usize,
    /// Files of `var/lib/dpkg/status.d` (4,096): an image without a package manager has at most some
    /// hundred packages.
    pub status_files: usize,
    /// Names in another directory of a database that is looked into for traces (1,000,000): dpkg keeps
    /// five to ten files for a package.
    pub listed: usize,
    /// Files and directories that are walked over in search of executables (4,000,000): twice as many
    /// as an image may have.
    pub walked: u64,
    /// Executables that are looked into (10,000): images without an operating system have a few.
    pub executables: u64,
    /// Bytes that are read of all executables together (1 GiB): of a large one it is a hundred
    /// kilobytes, but a damaged one is searched from end to end.
    pub executable_bytes: u64,
    /// Bytes of the build information of one executable (4 MiB): a line of a hundred bytes for each
    /// module, of which the largest have two thousand.
    pub build_info_bytes: u64,
}

impl Default for InventoryLimits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            release_bytes: 64 << 10,
            text_bytes: 128 * MIB,
            rpm_bytes: 1024 * MIB,
            header_bytes: 64 << 20,
            value_bytes: 4 << 10,
            packages: 100_000,
            status_files: 4_096,
            listed: 1_000_000,
            walked: 4_000_000,
            executables: 10_000,
            executable_bytes: 1024 * MIB,
            build_info_bytes: 4 * MIB,
        }
    }
}
