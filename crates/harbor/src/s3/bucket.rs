//! The one bucket: objects from `s3s-fs`, and what it lacks.
//!
//! See the module above for the list. A request may carry an [`Instead`], by which a fault has it
//! answered as another one (the signature was checked on the request as it came).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use s3s::dto::{
    CommonPrefix, ETag, ETagCondition, GetBucketLocationInput, GetBucketLocationOutput,
    GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, StreamingBlob, Timestamp,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::etag::ETags;
use super::listing::{self, Page};

/// How many keys S3 lists at most in one answer.
pub(super) const MOST_KEYS: usize = 1000;
/// Bytes of an object that are in memory at once.
const PIECE: usize = 256 * 1024;

/// Travels with a request: have it answered as another one.
#[derive(Debug, Clone, Default)]
pub(super) struct Instead {
    pub(super) key: Option<String>,
    pub(super) whole_object: bool,
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) dir: PathBuf,
    pub(super) files: FileSystem,
    pub(super) etags: Arc<ETags>,
    /// At most this many keys in one listing.
    pub(super) page: usize,
}

/// What a request's conditions say of an object.
fn precondition(
    etag: &str,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let present = ETag::Strong(etag.to_owned());
    // RFC 9110 section 13.1: If-Match compares strongly, If-None-Match weakly.
    if let Some(ETagCondition::ETag(wanted)) = if_match
        && !present.strong_cmp(wanted)
    {
        return Err(s3_error!(PreconditionFailed));
    }
    match if_none_match {
        Some(ETagCondition::Any) => Err(s3_error!(NotModified)),
        Some(ETagCondition::ETag(known)) if present.weak_cmp(known) => Err(s3_error!(NotModified)),
        _ => Ok(()),
    }
}

/// The first byte of `bytes FIRST-LAST/SIZE`.
fn first_byte(content_range: &str) -> Option<u64> {
    content_range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// These bytes of a file, in pieces that do not cost more than they carry: `s3s-fs` reads 4 KiB at
/// a time.
async fn body(path: &Path, start: u64, length: u64) -> io::Result<StreamingBlob> {
    let mut file = File::open(path).await?;
    file.seek(io::SeekFrom::Start(start)).await?;
    Ok(StreamingBlob::wrap(ReaderStream::with_capacity(
        file.take(length),
        PIECE,
    )))
}

fn unreadable(error: io::Error) -> s3s::S3Error {
    s3s::S3Error::internal_error(error)
}

impl Bucket {
    /// The file of an object that is there.
    fn file(&self, key: &str) -> S3Result<PathBuf> {
        let path = listing::file_of(&self.dir, key).filter(|path| path.is_file());
        path.ok_or_else(|| s3_error!(NoSuchKey))
    }

    async fn etag(&self, key: &str, path: PathBuf) -> S3Result<String> {
        Arc::clone(&self.etags)
            .of_async(key.to_owned(), path)
            .await
            .map_err(unreadable)
    }

    async fn object(&self, key: &str, path: &Path) -> S3Result<Object> {
        let meta = std::fs::metadata(path).map_err(unreadable)?;
        Ok(Object {
            key: Some(key.to_owned()),
            size: i64::try_from(meta.len()).ok(),
            last_modified: meta.modified().ok().map(Timestamp::from),
            e_tag: Some(ETag::Strong(self.etag(key, path.to_owned()).await?)),
            ..Object::default()
        })
    }

    async fn list(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let keys = listing::keys(&self.dir, prefix).map_err(unreadable)?;
        let asked = input
            .max_keys
            .map_or(MOST_KEYS, |most| usize::try_from(most).unwrap_or(0));
        let after = input
            .continuation_token
            .as_deref()
            .max(input.start_after.as_deref());
        let names = keys.keys().map(String::as_str);
        let limit = asked.min(self.page);
        let Page {
            keys: listed,
            prefixes,
            next,
        } = listing::page(names, prefix, input.delimiter.as_deref(), after, limit);
        let mut contents = Vec::with_capacity(listed.len());
        for key in &listed {
            contents.push(self.object(key, &keys[key]).await?);
        }
        Ok(ListObjectsV2Output {
            key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
            contents: Some(contents),
            common_prefixes: Some(
                prefixes
                    .into_iter()
                    .map(|prefix| CommonPrefix {
                        prefix: Some(prefix),
                    })
                    .collect(),
            ),
            is_truncated: Some(next.is_some()),
            next_continuation_token: next,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            delimiter: input.delimiter,
            max_keys: input.max_keys,
            name: Some(input.bucket),
            prefix: input.prefix,
            ..ListObjectsV2Output::default()
        })
    }
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn get_object(
        &self,
        mut request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        if let Some(instead) = request.extensions.remove::<Instead>() {
            if let Some(key) = instead.key {
                request.input.key = key;
            }
            if instead.whole_object {
                request.input.range = None;
            }
        }
        let input = &request.input;
        let path = self.file(&input.key)?;
        let etag = self.etag(&input.key, path.clone()).await?;
        precondition(&etag, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let mut response = self.files.get_object(request).await?;
        let output = &mut response.output;
        let start = output.content_range.as_deref().map_or(Some(0), first_byte);
        let length = output
            .content_length
            .and_then(|length| u64::try_from(length).ok());
        let (Some(start), Some(length)) = (start, length) else {
            return Err(s3_error!(InternalError, "s3s-fs states no length"));
        };
        output.body = Some(body(&path, start, length).await.map_err(unreadable)?);
        Ok(response)
    }

    async fn head_object(
        &self,
        mut request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        if let Some(Instead { key: Some(key), .. }) = request.extensions.remove::<Instead>() {
            request.input.key = key;
        }
        let input = &request.input;
        let etag = self.etag(&input.key, self.file(&input.key)?).await?;
        precondition(&etag, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        self.files.head_object(request).await
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(request).await
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.files.get_bucket_location(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.there(&request.input.bucket)?;
        Ok(S3Response::new(self.list(request.input).await?))
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        self.there(&request.input.bucket)?;
        let marker = request.input.marker.clone();
        let mut input = ListObjectsV2Input::from(request.input);
        input.start_after = input.start_after.max(marker.clone());
        let output = self.list(input).await?;
        Ok(S3Response::new(ListObjectsOutput {
            contents: output.contents,
            common_prefixes: output.common_prefixes,
            delimiter: output.delimiter,
            name: output.name,
            prefix: output.prefix,
            max_keys: output.max_keys,
            is_truncated: output.is_truncated,
            next_marker: output.next_continuation_token,
            marker,
            ..ListObjectsOutput::default()
        }))
    }
}

impl Bucket {
    fn there(&self, name: &str) -> S3Result<()> {
        if self.etags.bucket() == name {
            Ok(())
        } else {
            Err(s3_error!(NoSuchBucket))
        }
    }
}
