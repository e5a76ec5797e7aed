//! Stored bytes inflated: plain or gzip, told by their first bytes.
//!
//! One level only: what is inside is not looked at again. All members of a gzip file belong to it
//! (RFC 1952, 2.2), anything else after them is rejected, and so is more output for the input than
//! the ratio allows, while it comes out.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;

use super::fault::Fault;
use crate::reject::reject;
use crate::{Code, Limits, Rejected};

/// Bytes read at once from whoever has the stored bytes.
const BUFFER: usize = 64 << 10;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The low nibble of a skippable frame's first byte is free (RFC 8878, 3.1.2).
const ZSTD_SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// Reads stored bytes and gives them uncompressed.
#[derive(Debug)]
pub(crate) struct Inflate<R> {
    state: State<R>,
    limits: Limits,
    out: u64,
    plain: bool,
}

#[derive(Debug)]
enum State<R> {
    Plain(Stored<R>),
    /// Within a gzip member.
    Member(Box<GzDecoder<Stored<R>>>),
    /// Only while the state changes.
    Moving,
}

type Stored<R> = BufReader<Chain<Cursor<Vec<u8>>, Source<R>>>;

impl<R: Read> Inflate<R> {
    /// Looks at the first bytes to tell what they are.
    pub(crate) fn new(reader: R, limits: &Limits) -> Result<Self, Fault> {
        let mut source = Source {
            reader,
            bytes: 0,
            failed: None,
        };
        let mut magic = Vec::with_capacity(ZSTD.len());
        let begun = source.by_ref().take(4).read_to_end(&mut magic);
        begun.map_err(|error| source.failed.take().map_or(Fault::Read(error), Fault::Read))?;
        let zstd = magic == ZSTD
            || (magic.len() == 4 && magic[0] & 0xf0 == 0x50 && magic[1..] == ZSTD_SKIPPABLE[1..]);
        if zstd {
            return reject(Code::ZstdUnsupported, "the layer is compressed with zstd");
        }
        let plain = !magic.starts_with(&GZIP);
        let stored = BufReader::with_capacity(BUFFER, Cursor::new(magic).chain(source));
        let state = if plain {
            State::Plain(stored)
        } else {
            member(stored)
        };
        Ok(Self {
            state,
            limits: limits.clone(),
            out: 0,
            plain,
        })
    }

    /// Bytes taken from the reader so far.
    pub(crate) fn stored_bytes(&self) -> u64 {
        match &self.state {
            State::Plain(stored) => stored.get_ref().get_ref().1.bytes,
            State::Member(decoder) => decoder.get_ref().get_ref().get_ref().1.bytes,
            State::Moving => 0,
        }
    }

    /// Puts uncompressed bytes into `buffer`, which is not empty; 0 is the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let count = loop {
            match &mut self.state {
                State::Plain(stored) => match stored.read(buffer) {
                    Ok(count) => break count,
                    Err(error) => return Err(fault(stored, error)),
                },
                State::Member(decoder) => match decoder.read(buffer) {
                    Ok(0) => {
                        if !self.next_member()? {
                            break 0;
                        }
                    }
                    Ok(count) => break count,
                    Err(error) => return Err(fault(decoder.get_mut(), error)),
                },
                State::Moving => break 0,
            }
        };
        // A slice's length is at most isize::MAX.
        self.out += u64::try_from(count).unwrap_or(u64::MAX);
        self.check_ratio()?;
        Ok(count)
    }

    /// Goes on to the next gzip member, if one follows.
    fn next_member(&mut self) -> Result<bool, Fault> {
        let State::Member(decoder) = std::mem::replace(&mut self.state, State::Moving) else {
            return Ok(false);
        };
        let mut stored = decoder.into_inner();
        let next = match stored.fill_buf() {
            Ok(bytes) => bytes.first().copied(),
            Err(error) => return Err(fault(&mut stored, error)),
        };
        match next {
            None => {
                // The source is at its end and stays there.
                self.state = State::Plain(stored);
                Ok(false)
            }
            Some(byte) if byte == GZIP[0] => {
                self.state = member(stored);
                Ok(true)
            }
            Some(_) => reject(
                Code::GzipTrailingData,
                "something other than a gzip member follows the compressed layer",
            ),
        }
    }

    fn check_ratio(&self) -> Result<(), Fault> {
        let allowed = self.stored_bytes().saturating_mul(self.limits.ratio.get());
        if self.plain || self.out <= self.limits.ratio_from_bytes || self.out <= allowed {
            return Ok(());
        }
        reject(
            Code::LimitRatio,
            format!(
                "{} bytes came out of {} compressed ones: more than {} for one",
                self.out,
                self.stored_bytes(),
                self.limits.ratio
            ),
        )
    }
}

fn member<R: Read>(stored: Stored<R>) -> State<R> {
    State::Member(Box::new(GzDecoder::new(stored)))
}

/// Tells a failed reader from a damaged gzip member.
fn fault<R>(stored: &mut Stored<R>, error: io::Error) -> Fault {
    if let Some(failed) = stored.get_mut().get_mut().1.failed.take() {
        return Fault::Read(failed);
    }
    let (code, detail) = match error.kind() {
        io::ErrorKind::UnexpectedEof => (
            Code::GzipTruncated,
            "the layer ends within a gzip member".to_owned(),
        ),
        _ => (
            Code::GzipCorrupt,
            format!("a gzip member is damaged: {error}"),
        ),
    };
    Rejected::new(code, detail).into()
}

/// The caller's reader. It counts, and keeps the error that the decoders would wrap.
#[derive(Debug)]
struct Source<R> {
    reader: R,
    bytes: u64,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Ok(count) => {
                    self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.failed = Some(error);
                    return Err(kind.into());
                }
            }
        }
    }
}
