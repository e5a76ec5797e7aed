//! The server: its options, its thread, its end.
//!
//! It listens on 127.0.0.1 and runs on a runtime and threads of its own, so that tests with and
//! without a runtime use it alike. Dropping it closes the listener and every connection and waits
//! until that is done.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::bucket::Bucket;
use super::etag::ETags;
use super::fault::{Injected, Rule, Rules};
use super::front::Front;
use super::listing;
use super::options::{Access, Options, StartError};
use super::record::{Exchange, Journal, Operation};
use super::socket::Socket;

/// A running server.
#[derive(Debug)]
pub struct S3Server {
    dir: PathBuf,
    bucket: String,
    etags: Arc<ETags>,
    address: SocketAddr,
    front: Arc<Front>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Holds the folder that `s3s-fs` takes for its own.
    _root: TempDir,
}

impl S3Server {
    /// Starts a server; it accepts connections when this returns.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let Options {
            dir,
            bucket,
            port,
            access,
            page,
        } = options;
        let dir = usable(&dir).map_err(|source| StartError::Folder { dir, source })?;
        // The bucket's folder is a link in a folder of our own: nothing is copied, and what
        // s3s-fs writes beside its buckets does not land in the folder that is served.
        let root = linked(&dir, &bucket).map_err(|source| StartError::Folder {
            dir: dir.clone(),
            source,
        })?;
        let files = FileSystem::new(root.path())
            .map_err(|error| StartError::Storage(format!("{error:?}")))?;
        let etags = Arc::new(ETags::new(root.path().to_owned(), bucket.clone()));
        let service = service(
            Bucket {
                dir: dir.clone(),
                files,
                etags: Arc::clone(&etags),
                page,
            },
            access,
        );
        let front = Arc::new(Front {
            service,
            journal: Journal::default(),
            rules: Rules::default(),
        });

        let failed = |source| StartError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&front);
        let thread = std::thread::Builder::new()
            .name("harbor-s3".to_owned())
            .spawn(move || {
                runtime.block_on(accept(listener, shared, stopped));
                // A file that is being hashed is not waited for.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Self {
            dir,
            bucket,
            etags,
            address,
            front,
            stop: Some(stop),
            thread: Some(thread),
            _root: root,
        })
    }

    /// The base URL for a client that uses path style: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The folder that is served.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of a key.
    ///
    /// # Panics
    /// If the key names no file (it has an empty, hidden or `..` component).
    #[must_use]
    pub fn path(&self, key: &str) -> PathBuf {
        listing::file_of(&self.dir, key).expect("a key made of plain names")
    }

    /// Puts an object in place of what was there, at once (a reader sees the one or the other).
    pub fn put(&self, key: &str, content: &[u8]) -> io::Result<()> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".put-")
            .tempfile_in(folder)?;
        io::Write::write_all(&mut file, content)?;
        file.persist(&path)?;
        Ok(())
    }

    /// Hashes the objects of this prefix now, which the first request for one would otherwise do:
    /// a gibibyte takes seconds, and clients have time-outs.
    pub fn warm(&self, prefix: &str) -> io::Result<()> {
        for (key, path) in listing::keys(&self.dir, prefix)? {
            self.etags.of(&key, &path)?;
        }
        Ok(())
    }

    /// Puts a rule in force.
    pub fn inject(&self, rule: Rule) -> Injected {
        self.front.rules.add(rule)
    }

    /// Ends every rule.
    pub fn clear_faults(&self) {
        self.front.rules.clear();
    }

    /// Every request since the start or [`S3Server::forget_requests`], oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Exchange> {
        self.front.journal.exchanges()
    }

    /// Begins an empty journal.
    pub fn forget_requests(&self) {
        self.front.journal.clear();
    }

    /// How many requests of this operation there were.
    #[must_use]
    pub fn count(&self, operation: Operation) -> usize {
        self.requests()
            .iter()
            .filter(|exchange| exchange.operation == operation)
            .count()
    }

    /// How many bytes of bodies were sent in answer to GETs of this key.
    #[must_use]
    pub fn bytes_of(&self, key: &str) -> u64 {
        self.requests()
            .iter()
            .filter(|exchange| exchange.operation == Operation::Get && exchange.key == key)
            .map(|exchange| exchange.bytes_sent)
            .sum()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // The thread ends by itself when the sender is gone.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn usable(dir: &Path) -> io::Result<PathBuf> {
    let dir = fs::canonicalize(dir)?;
    fs::read_dir(&dir)?;
    Ok(dir)
}

fn linked(dir: &Path, bucket: &str) -> io::Result<TempDir> {
    let root = tempfile::Builder::new().prefix("harbor-").tempdir()?;
    std::os::unix::fs::symlink(dir, root.path().join(bucket))?;
    Ok(root)
}

/// Lets anonymous requests in beside signed ones.
#[derive(Debug)]
struct Anyone;

#[async_trait::async_trait]
impl S3Access for Anyone {
    async fn check(&self, _context: &mut S3AccessContext<'_>) -> s3s::S3Result<()> {
        Ok(())
    }
}

fn service(bucket: Bucket, access: Access) -> S3Service {
    let mut builder = S3ServiceBuilder::new(bucket);
    match access {
        Access::Public => {
            builder.set_auth(SimpleAuth::from_single("harbor", "harbor-secret"));
            builder.set_access(Anyone);
        }
        Access::Keys {
            access_key,
            secret_key,
        } => {
            builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
        }
    }
    builder.build()
}

async fn accept(listener: TcpListener, front: Arc<Front>, mut stopped: oneshot::Receiver<()>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener of this runtime");
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        // An error here concerns one client that left, or a passing lack of descriptors.
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let (socket, line) = Socket::new(stream);
        let front = Arc::clone(&front);
        connections.spawn(async move {
            let service =
                service_fn(|request| Arc::clone(&front).answer(request, Arc::clone(&line)));
            // How a connection ended is the client's to judge.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
    connections.shutdown().await;
}
