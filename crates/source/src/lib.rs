//! Bytes from outside: buckets, directories, the resumable fetch and the blob store.
