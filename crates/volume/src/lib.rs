//! Volumes and snapshots on files or simulated; the only contact with the kernel.
