//! The bytes of one answer.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use object_store::{GetResult, GetResultPayload};

use super::Fault;

/// Bytes read from a local file at a time.
const PIECE: u64 = 256 << 10;

/// A stream of pieces. It may end early; who reads it counts.
pub(crate) type Body = BoxStream<'static, Result<Bytes, Fault>>;

pub(crate) fn body(answer: GetResult) -> Body {
    match answer.payload {
        GetResultPayload::Stream(stream) => stream.map_err(Fault::of).boxed(),
        // Read here, because the store's own stream goes to a thread for every 8 KiB.
        GetResultPayload::File(file, _) => file_body(file, answer.range),
    }
}

fn file_body(file: File, range: Range<u64>) -> Body {
    let begun = (file, range, Bytes::new());
    stream::try_unfold(begun, |(file, range, last)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let end = range.end.min(range.start + PIECE);
        let read = tokio::task::spawn_blocking(move || read_piece(file, range.start, end, last));
        match read.await {
            Ok(Ok((piece, file))) => {
                let last = piece.clone();
                Ok(Some((piece, (file, end..range.end, last))))
            }
            Ok(Err(error)) => Err(Fault::transient(error)),
            Err(error) => Err(Fault::transient(error)),
        }
    })
    .boxed()
}

/// Reads a piece, into the memory of the last one if nobody has that any more: an allocator that is asked
/// by one thread after another keeps some of it for each.
fn read_piece(mut file: File, start: u64, end: u64, last: Bytes) -> io::Result<(Bytes, File)> {
    let length = usize::try_from(end - start).map_err(io::Error::other)?;
    let mut piece = last.try_into_mut().unwrap_or_default();
    piece.resize(length, 0);
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut piece)?;
    Ok((piece.freeze(), file))
}
