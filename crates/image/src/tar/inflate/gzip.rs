//! The members of a gzip file, one after the other.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::source::{Stored, read_fault};
use crate::reject::reject;
use crate::tar::Fault;
use crate::{Code, Rejected};

/// The first bytes of a member (RFC 1952, 2.3.1).
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file of members; `None` only while one ends.
#[derive(Debug)]
pub(super) struct Gzip<R>(Option<Box<GzDecoder<Stored<R>>>>);

impl<R: Read> Gzip<R> {
    pub(super) fn new(stored: Stored<R>) -> Self {
        Self(Some(Box::new(GzDecoder::new(stored))))
    }

    pub(super) fn stored(&self) -> Option<&Stored<R>> {
        self.0.as_deref().map(GzDecoder::get_ref)
    }

    /// Puts bytes into `buffer`, which is not empty; 0 is the end of the last member.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        while let Some(decoder) = &mut self.0 {
            match decoder.read(buffer) {
                Ok(0) => {
                    if !self.next_member()? {
                        return Ok(0);
                    }
                }
                Ok(count) => return Ok(count),
                Err(error) => return Err(fault(decoder.get_mut(), error)),
            }
        }
        Ok(0)
    }

    /// Goes on to the next member, if one follows.
    fn next_member(&mut self) -> Result<bool, Fault> {
        let Some(decoder) = &mut self.0 else {
            return Ok(false);
        };
        let next = match decoder.get_mut().fill_buf() {
            Ok(bytes) => bytes.first().copied(),
            Err(error) => return Err(fault(decoder.get_mut(), error)),
        };
        match next {
            // A decoder that has come to its end stays there.
            None => Ok(false),
            Some(byte) if byte == MAGIC[0] => {
                let stored = self.0.take().map(|decoder| decoder.into_inner());
                self.0 = stored.map(|stored| Box::new(GzDecoder::new(stored)));
                Ok(true)
            }
            Some(_) => reject(
                Code::GzipTrailingData,
                "something other than a gzip member follows the compressed layer",
            ),
        }
    }
}

/// Tells a failed reader from a damaged member.
fn fault<R>(stored: &mut Stored<R>, error: io::Error) -> Fault {
    let error = match read_fault(stored, error) {
        Ok(fault) => return fault,
        Err(error) => error,
    };
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
