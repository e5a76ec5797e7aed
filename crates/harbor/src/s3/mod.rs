//! An S3 server over a directory: the protocol is `s3s`, the objects are read by `s3s-fs`.
//!
//! What those two lack is added here, each where a client can see it:
//! * one strong ETag for one content (the MD5 of the bytes, as S3 gives an object put in one part),
//!   computed once a file and the same in GET, HEAD and LIST (`s3s-fs` lists none and would hash the
//!   whole file again for every range);
//! * bodies in pieces of 256 KiB (`s3s-fs` reads 4);
//! * `If-Match` and `If-None-Match` on GET and HEAD, answered 412 and 304;
//! * listings that read only the folders a prefix names, leave out hidden files, and page;
//! * a bucket that takes anonymous and signed requests alike, as a public bucket does.
//!
//! In front of it every request is recorded ([`Exchange`]) and answers are spoilt by [`Rule`]s.
//! The bucket cannot be written over HTTP; [`S3Server::put`] replaces an object.

mod body;
mod bucket;
mod etag;
mod fault;
mod front;
mod gate;
mod listing;
mod options;
mod record;
mod server;
mod socket;

pub use self::fault::{Fault, Injected, Rule};
pub use self::gate::Gate;
pub use self::options::{Access, Options, StartError};
pub use self::record::{Exchange, Operation};
pub use self::server::S3Server;
