//! A gzip bomb: one archive with one file of zeros, a thousand times smaller than what it holds.
//!
//! It is one gzip member (RFC 1952) around one deflate stream. A full flush ends a block on a byte
//! and forgets the window, so the blocks of one mebibyte of zeros can be repeated as they are:
//! writing a bomb of a gibibyte compresses two mebibytes.

use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, FlushCompress};

use super::content::Content;
use super::encode::{self, LongNames};
use super::entry::{Entry, EntryType};

const MEBIBYTE: u64 = 1 << 20;

/// `size` is rounded up to whole mebibytes.
pub(super) fn write(out: &mut dyn Write, size: u64) -> io::Result<()> {
    let mebibytes = size.div_ceil(MEBIBYTE);
    let bomb = Entry::new(EntryType::File, b"bomb", 0o644);
    let mut archive = Vec::new();
    // The header of the whole file, without the file.
    let whole = Entry {
        content: Content::Zeros(mebibytes * MEBIBYTE),
        ..bomb
    };
    encode::entry(&mut Header(&mut archive), &whole, LongNames::Pax)?;
    let zeros = vec![0; usize::try_from(MEBIBYTE).expect("a mebibyte")];
    let mut end = Vec::new();
    encode::end(&mut end)?;

    // Magic, deflate, no flags, no time, no extra flags, unknown system.
    out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
    let mut deflate = Compress::new(Compression::best(), false);
    let mut crc = Crc::new();
    crc.update(&archive);
    out.write_all(&run(&mut deflate, &archive, FlushCompress::Full)?)?;
    let block = run(&mut deflate, &zeros, FlushCompress::Full)?;
    for _ in 0..mebibytes {
        crc.update(&zeros);
        out.write_all(&block)?;
    }
    crc.update(&end);
    out.write_all(&run(&mut deflate, &end, FlushCompress::Finish)?)?;
    out.write_all(&crc.sum().to_le_bytes())?;
    out.write_all(&crc.amount().to_le_bytes())
}

fn run(deflate: &mut Compress, input: &[u8], flush: FlushCompress) -> io::Result<Vec<u8>> {
    // More than deflate makes of anything that is given to it here.
    let mut output = Vec::with_capacity(64 * 1024);
    deflate
        .compress_vec(input, &mut output, flush)
        .map_err(io::Error::other)?;
    assert!(output.len() < output.capacity(), "everything was flushed");
    Ok(output)
}

/// Keeps the first block that is written and swallows the rest.
struct Header<'a>(&'a mut Vec<u8>);

impl Write for Header<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            self.0.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
