//! Hostile bytes in, meaning out: digests, limits, layer archives and the merged tree.
