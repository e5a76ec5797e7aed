//! What is known: images, layers, blobs, pins, volumes and machines, in SQLite.
