//! Small records in files of their own: a line of JSON, and the SHA-256 of that line.
//!
//! Such a file is replaced whole, by a rename of one that was synced; the checksum is for what no
//! order of writes prevents, a disk that lies.

use longshore_image::Digest;
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn encode(record: &impl Serialize) -> Vec<u8> {
    let line = serde_json::to_string(record).expect("text, numbers and lists are JSON");
    format!("{line}\n{}\n", Digest::of(line.as_bytes())).into_bytes()
}

/// `None` for anything but a whole, unchanged record of this shape.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (line, checksum) = text.strip_suffix('\n')?.split_once('\n')?;
    if checksum.parse() != Ok(Digest::of(line.as_bytes())) {
        return None;
    }
    serde_json::from_str(line).ok()
}
