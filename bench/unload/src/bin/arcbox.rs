//! `arcbox DISK BYTES LAYER...`: the crate `arcbox-ext4` makes a disk of layers, and it is synced.
//!
//! Formatting only: nothing is hashed and nothing checked. Extended attributes, devices and pipes are left
//! out by it, and there is no journal.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Result, bail};
use arcbox_ext4::Formatter;
use flate2::read::MultiGzDecoder;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [disk, bytes, layers @ ..] = words.as_slice() else {
        bail!("arcbox DISK BYTES LAYER...");
    };
    let disk = Path::new(disk);
    let mut formatter = Formatter::new(disk, 4096, bytes.parse()?)?;
    for layer in layers {
        let file = File::open(layer)?;
        let reader: Box<dyn Read> = if layer.ends_with(".gz") {
            Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(file)))
        } else {
            Box::new(BufReader::with_capacity(1 << 18, file))
        };
        formatter.unpack_tar(reader)?;
    }
    formatter.close()?;
    Ok(File::open(disk)?.sync_all()?)
}
