//! A stored layer uncompressed, whatever it is stored as, held to the ratio.

use std::io::Read;

use super::gzip::{self, Gzip};
use super::source::{Source, Stored, read_fault, taken};
use super::zstd::{Zstd, is_frame};
use crate::reject::reject;
use crate::tar::Fault;
use crate::{Code, Limits};

/// Bytes that tell what a layer is stored as.
const MAGIC: u64 = 4;

/// Whether something that begins with these bytes, four of them where it has so many, is compressed in a way
/// that layers are.
pub fn is_compressed(first: &[u8]) -> bool {
    is_frame(first) || first.starts_with(&gzip::MAGIC)
}

/// Reads stored bytes and gives them uncompressed.
#[derive(Debug)]
pub(crate) struct Inflate<R> {
    form: Form<R>,
    limits: Limits,
    out: u64,
}

#[derive(Debug)]
enum Form<R> {
    Plain(Stored<R>),
    Gzip(Gzip<R>),
    Zstd(Box<Zstd<R>>),
}

impl<R: Read> Inflate<R> {
    /// Looks at the first bytes to tell what they are.
    pub(crate) fn new(reader: R, limits: &Limits) -> Result<Self, Fault> {
        let (magic, stored) = Source::new(reader).begin(MAGIC)?;
        let form = if is_frame(&magic) {
            Form::Zstd(Box::new(Zstd::new(stored, limits)?))
        } else if magic.starts_with(&gzip::MAGIC) {
            Form::Gzip(Gzip::new(stored))
        } else {
            Form::Plain(stored)
        };
        Ok(Self {
            form,
            limits: limits.clone(),
            out: 0,
        })
    }

    /// Whether the stored bytes are the archive itself.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain(_))
    }

    /// Stored bytes that were inflated so far, and at the end all of them.
    pub(crate) fn stored_bytes(&self) -> u64 {
        match &self.form {
            Form::Plain(stored) => taken(stored),
            Form::Gzip(gzip) => gzip.stored().map_or(0, taken),
            Form::Zstd(zstd) => zstd.taken(),
        }
    }

    /// Puts uncompressed bytes into `buffer`, which is not empty; 0 is the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let count = match &mut self.form {
            Form::Plain(stored) => {
                let read = stored.read(buffer);
                read.map_err(|error| read_fault(stored, error).unwrap_or_else(Fault::Read))?
            }
            Form::Gzip(gzip) => gzip.read(buffer)?,
            Form::Zstd(zstd) => zstd.read(buffer)?,
        };
        // A slice's length is at most isize::MAX.
        self.out += u64::try_from(count).unwrap_or(u64::MAX);
        self.check_ratio()?;
        Ok(count)
    }

    fn check_ratio(&self) -> Result<(), Fault> {
        let allowed = self.stored_bytes().saturating_mul(self.limits.ratio.get());
        if self.is_plain() || self.out <= self.limits.ratio_from_bytes || self.out <= allowed {
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
