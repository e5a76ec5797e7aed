//! The frames of a zstd file, one after the other, skippable ones among them.
//!
//! A frame says how far back it may refer (its window), and that is what a decoder has to keep: frames
//! that ask for more than the limit are rejected before anything is allocated for them. Checksums are
//! compared where frames have them. Dictionaries are not a layer's (RFC 8878, 5).

use std::fmt;
use std::io::{BufRead, Read};

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::source::{Stored, read_fault, taken};
use crate::reject::reject;
use crate::tar::Fault;
use crate::{Code, Limits, Rejected};

/// The first bytes of a frame (RFC 8878, 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Those of a skippable frame, whose first byte has a free low nibble (RFC 8878, 3.1.2).
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// What libzstd says of a frame whose window is over the limit (`ZSTD_error_frameParameter_windowTooLarge`).
const TOO_LARGE: &str = "Frame requires too much memory for decoding";

/// Whether a frame of either kind begins so.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    let Some([first, rest @ ..]) = bytes.first_chunk::<4>() else {
        return false;
    };
    *first == MAGIC[0] && rest == &MAGIC[1..]
        || first & 0xf0 == SKIPPABLE[0] && rest == &SKIPPABLE[1..]
}

/// A file of frames.
pub(super) struct Zstd<R> {
    stored: Stored<R>,
    decoder: Decoder<'static>,
    /// The first bytes of a frame that does not stand whole in the reader's buffer.
    head: Vec<u8>,
    within_frame: bool,
    window_log: u32,
}

impl<R: Read> Zstd<R> {
    pub(super) fn new(stored: Stored<R>, limits: &Limits) -> Result<Self, Fault> {
        let window_log = limits.zstd_window_log;
        let decoder = Decoder::new().and_then(|mut decoder| {
            decoder.set_parameter(DParameter::WindowLogMax(window_log))?;
            Ok(decoder)
        });
        Ok(Self {
            stored,
            // What it refuses is a number of ours that zstd does not know, or that memory is full.
            decoder: decoder.map_err(Fault::Read)?,
            head: Vec::new(),
            within_frame: false,
            window_log,
        })
    }

    /// Stored bytes that were inflated so far.
    pub(super) fn taken(&self) -> u64 {
        taken(&self.stored)
    }

    /// Puts bytes into `buffer`, which is not empty; 0 is the end of the last frame.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        loop {
            if !self.within_frame && !self.next_frame()? {
                return Ok(0);
            }
            let is_head = !self.head.is_empty();
            let input = if is_head {
                &self.head
            } else {
                match self.stored.fill_buf() {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        let read = read_fault(&mut self.stored, error);
                        return Err(read.unwrap_or_else(Fault::Read));
                    }
                }
            };
            let is_end = input.is_empty();
            let status = self.decoder.run_on_buffers(input, buffer);
            let status = status.map_err(|error| damaged(&error.to_string(), self.window_log))?;
            if is_head {
                self.head.drain(..status.bytes_read);
            } else {
                self.stored.consume(status.bytes_read);
            }
            // 0 is the end of a frame all of whose bytes have come out.
            self.within_frame = status.remaining != 0;
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if self.within_frame && is_end {
                return reject(Code::ZstdTruncated, "the layer ends within a zstd frame");
            }
        }
    }

    /// Goes on to the next frame, if one follows.
    fn next_frame(&mut self) -> Result<bool, Fault> {
        let length = u64::try_from(MAGIC.len()).unwrap_or(u64::MAX);
        let read = self
            .stored
            .by_ref()
            .take(length)
            .read_to_end(&mut self.head);
        if let Err(error) = read {
            let read = read_fault(&mut self.stored, error);
            return Err(read.unwrap_or_else(Fault::Read));
        }
        if self.head.is_empty() {
            return Ok(false);
        }
        if !is_frame(&self.head) {
            return reject(
                Code::ZstdTrailingData,
                "something other than a zstd frame follows the compressed layer",
            );
        }
        let begun = self.decoder.reinit();
        begun.map_err(|error| damaged(&error.to_string(), self.window_log))?;
        self.within_frame = true;
        Ok(true)
    }
}

impl<R: fmt::Debug> fmt::Debug for Zstd<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd")
            .field("stored", &self.stored)
            .field("within_frame", &self.within_frame)
            .finish_non_exhaustive()
    }
}

fn damaged(error: &str, window_log: u32) -> Fault {
    let rejected = if error == TOO_LARGE {
        Rejected::new(
            Code::ZstdWindow,
            format!(
                "a zstd frame refers back further than the 2^{window_log} bytes that are allowed"
            ),
        )
    } else {
        Rejected::new(
            Code::ZstdCorrupt,
            format!("a zstd frame is damaged: {error}"),
        )
    };
    rejected.into()
}
