//! What was asked of the server, and what it sent.
//!
//! An exchange is recorded when its request head has been read and is filled in while it is
//! answered. Bytes are counted before they are handed to the connection, so that a client that has
//! all of a body never sees a smaller count here.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The S3 operations that longshore uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// ListObjects or ListObjectsV2.
    List,
    /// HeadObject.
    Head,
    /// GetObject.
    Get,
    /// Anything else.
    Other,
}

/// One request and what was sent in answer to it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// The S3 operation.
    pub operation: Operation,
    /// The object's key; for [`Operation::List`] the prefix that was asked for.
    pub key: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// Whether the request carried a signature.
    pub signed: bool,
    /// The status sent; `None` while there is none.
    pub status: Option<u16>,
    /// Bytes of the body handed to the connection; padding of a fault included.
    pub bytes_sent: u64,
    /// Whether the body was sent to its end. False while it is under way, was cut by a fault, or
    /// was given up by the client.
    pub complete: bool,
    /// Whether nothing more will be sent: the answer is complete or was given up.
    pub ended: bool,
}

/// The head of a request, as it is recorded.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) operation: Operation,
    pub(super) key: String,
    pub(super) range: Option<String>,
    pub(super) if_match: Option<String>,
    pub(super) signed: bool,
}

/// One line of the journal, shared with the body that is being sent.
#[derive(Debug)]
pub(super) struct Entry {
    head: Head,
    /// 0 while nothing was answered.
    status: AtomicU16,
    bytes_sent: AtomicU64,
    complete: AtomicBool,
    ended: AtomicBool,
}

impl Entry {
    pub(super) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Release);
    }

    pub(super) fn sent(&self, bytes: u64) {
        self.bytes_sent.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn completed(&self) {
        self.complete.store(true, Ordering::Release);
    }

    fn exchange(&self) -> Exchange {
        let status = self.status.load(Ordering::Acquire);
        let head = self.head.clone();
        Exchange {
            method: head.method,
            operation: head.operation,
            key: head.key,
            range: head.range,
            if_match: head.if_match,
            signed: head.signed,
            status: (status != 0).then_some(status),
            bytes_sent: self.bytes_sent.load(Ordering::Acquire),
            complete: self.complete.load(Ordering::Acquire),
            ended: self.ended.load(Ordering::Acquire),
        }
    }
}

/// An exchange that is under way, until this is dropped.
#[derive(Debug)]
pub(super) struct Ongoing(Arc<Entry>);

impl Deref for Ongoing {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.0
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

/// Every exchange since the start or the last [`Journal::clear`], oldest first.
#[derive(Debug, Default)]
pub(super) struct Journal(Mutex<Vec<Arc<Entry>>>);

impl Journal {
    pub(super) fn open(&self, head: Head) -> Ongoing {
        let entry = Arc::new(Entry {
            head,
            status: AtomicU16::new(0),
            bytes_sent: AtomicU64::new(0),
            complete: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        self.entries().push(Arc::clone(&entry));
        Ongoing(entry)
    }

    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.entries()
            .iter()
            .map(|entry| entry.exchange())
            .collect()
    }

    pub(super) fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
