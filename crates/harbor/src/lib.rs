//! Development only: an S3 server, families of layers, an independent oracle.
