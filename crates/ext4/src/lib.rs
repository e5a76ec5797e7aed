//! ext4 in user space: make, open, extend and read, on any device, without a mount.
