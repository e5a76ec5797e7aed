//! [`Life`]: a pool with snapshots of one base, and every way to make, activate, deactivate and delete another.

use std::{
    io,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use longshore_vmtest::Guest;
use longshore_volume::{
    Access, Backend, Name, VolumeId,
    dm::{Control, DeviceName, DeviceNumber, Line, SECTOR, Uuid},
    thin::{Change, Ledger, MemoryLedger, Pool, PoolTable, ThinBackend, WhenFull},
};

use crate::pools;

/// Bytes of a volume, and of what is written to the base.
const SIZE: u64 = 64 << 20;
const WRITTEN: usize = 16 << 20;

const BASE: u64 = 1;
/// Where the ids of those that are measured begin, behind those of all others.
const MEASURED: u64 = 1_000_000;

/// What is done with a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    CreateSnap,
    Activate,
    Deactivate,
    Delete,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [
        Self::CreateSnap,
        Self::Activate,
        Self::Deactivate,
        Self::Delete,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreateSnap => "create_snap",
            Self::Activate => "activate",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
        }
    }
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Ioctl,
    Intent,
    Backend,
    Dmsetup,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Ioctl, Self::Intent, Self::Backend, Self::Dmsetup];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ioctl => "ioctl",
            Self::Intent => "intent",
            Self::Backend => "backend",
            Self::Dmsetup => "dmsetup",
        }
    }
}

/// A ledger in memory that counts what a catalogue would have to commit.
#[derive(Debug, Default)]
struct Counted {
    ledger: MemoryLedger,
    commits: AtomicU64,
}

impl Ledger for Counted {
    fn size(&self, id: VolumeId) -> io::Result<Option<u64>> {
        self.ledger.size(id)
    }

    fn will(&self, transaction: u64, change: Change) -> io::Result<()> {
        self.commits.fetch_add(1, Relaxed);
        self.ledger.will(transaction, change)
    }

    // The row goes with the caller's own.
    fn is_gone(&self, id: VolumeId) -> io::Result<()> {
        self.ledger.is_gone(id)
    }
}

/// A pool with snapshots of one base.
pub(crate) struct Life {
    backend: ThinBackend,
    ledger: Arc<Counted>,
    number: DeviceNumber,
    snapshots: u64,
    next: u64,
    /// Commits that the backend has asked for, and how often it was asked, by operation.
    commits: [(u64, u64); 4],
}

impl Life {
    /// The n-th pool, with so many snapshots.
    pub(crate) fn new(guest: &Guest, number: usize, snapshots: u64) -> Self {
        let ledger = Arc::new(Counted::default());
        let pool = fresh(guest, number);
        let number = pool.control().info(pool.name()).unwrap().unwrap().number;
        let backend = ThinBackend::new(pool, ledger.clone());
        backend.create(id(BASE), SIZE).unwrap();
        let mut base = backend.open(id(BASE), Access::Write).unwrap();
        base.write_at(0, &vec![7; WRITTEN]).unwrap();
        base.flush().unwrap();
        drop(base);
        let life = Self {
            backend,
            ledger,
            number,
            snapshots,
            next: MEASURED,
            commits: Default::default(),
        };
        for number in 0..snapshots {
            let new = id(BASE + 1 + number);
            life.message(&format!("create_snap {new} {BASE}"));
            // What a catalogue would have.
            life.ledger.ledger.will(0, snapshot(new)).unwrap();
        }
        life
    }

    /// Takes the pool down.
    pub(crate) fn end(&self) {
        let pool = self.backend.pool();
        assert!(pool.control().remove(pool.name()).unwrap());
    }

    /// An id that nothing has had.
    pub(crate) fn next_id(&mut self) -> VolumeId {
        self.next += 1;
        id(self.next)
    }

    /// Lists the volumes: every one that was measured is gone.
    pub(crate) fn look(&self) {
        let volumes = self.backend.list().unwrap().volumes;
        assert_eq!(volumes.len() as u64, self.snapshots + 1);
    }

    /// Commits that an operation of the backend asks for.
    pub(crate) fn commits(&self) -> Vec<(Operation, f64)> {
        let each = Operation::ALL.into_iter().zip(self.commits);
        each.map(|(operation, (commits, calls))| (operation, commits as f64 / calls as f64))
            .collect()
    }

    pub(crate) fn does(&mut self, operation: Operation, way: Way, id: VolumeId) {
        match way {
            Way::Ioctl => self.by_ioctl(operation, id),
            Way::Intent => self.by_intent(operation, id),
            Way::Backend => {
                let before = self.ledger.commits.load(Relaxed);
                self.by_backend(operation, id);
                let (commits, calls) = &mut self.commits[operation as usize];
                *commits += self.ledger.commits.load(Relaxed) - before;
                *calls += 1;
            }
            Way::Dmsetup => self.by_dmsetup(operation, id),
        }
    }

    fn by_ioctl(&self, operation: Operation, id: VolumeId) {
        match operation {
            Operation::CreateSnap => self.message(&format!("create_snap {id} {BASE}")),
            Operation::Delete => self.message(&format!("delete {id}")),
            Operation::Activate => {
                let (control, name) = (self.control(), device());
                let line = Line {
                    start: 0,
                    length: SIZE / SECTOR,
                    target: "thin".to_owned(),
                    words: format!("{} {id}", self.number),
                };
                control
                    .create(&name, &Uuid::ours("bench").unwrap())
                    .unwrap();
                control.load(&name, &[line]).unwrap();
                control.resume(&name).unwrap();
            }
            Operation::Deactivate => assert!(self.control().remove(&device()).unwrap()),
        }
    }

    fn by_intent(&self, operation: Operation, id: VolumeId) {
        let change = match operation {
            Operation::CreateSnap => snapshot(id),
            Operation::Delete => Change::Delete { id },
            // Which take no intent.
            Operation::Activate | Operation::Deactivate => return,
        };
        let ledger = &self.ledger.ledger;
        assert!(self.backend.pool().change(change, ledger).unwrap());
    }

    fn by_backend(&self, operation: Operation, volume: VolumeId) {
        let (backend, name) = (&self.backend, Name::new("web").unwrap());
        match operation {
            Operation::CreateSnap => drop(backend.snapshot(id(BASE), volume, None).unwrap()),
            Operation::Activate => drop(backend.activate(volume, &name).unwrap()),
            Operation::Deactivate => drop(backend.deactivate(&name).unwrap()),
            Operation::Delete => drop(backend.remove(volume).unwrap()),
        }
    }

    fn by_dmsetup(&self, operation: Operation, id: VolumeId) {
        let pool = self.backend.pool().name().as_str();
        let name = "bench-dmsetup";
        let table = format!("0 {} thin /dev/mapper/{pool} {id}", SIZE / SECTOR);
        let create_snap = format!("create_snap {id} {BASE}");
        let delete = format!("delete {id}");
        let arguments: &[&str] = match operation {
            Operation::CreateSnap => &["message", pool, "0", &create_snap],
            Operation::Activate => &["create", name, "--table", &table],
            Operation::Deactivate => &["remove", name],
            Operation::Delete => &["message", pool, "0", &delete],
        };
        let status = Command::new("dmsetup").args(arguments).status();
        assert!(status.unwrap().success(), "dmsetup {arguments:?}");
    }

    fn control(&self) -> &Control {
        self.backend.pool().control()
    }

    fn message(&self, message: &str) {
        let name = self.backend.pool().name();
        self.control().message(name, message).unwrap();
    }
}

fn id(number: u64) -> VolumeId {
    VolumeId::new(number).unwrap()
}

/// The n-th pool, new, on its two disks.
fn fresh(guest: &Guest, number: usize) -> Pool {
    let (metadata, data) = (guest.disk(2 * number), guest.disk(2 * number + 1));
    let table = PoolTable {
        metadata: pools::number(&metadata),
        data: pools::number(&data),
        data_bytes: pools::bytes(&data),
        block: pools::BLOCK,
        low_water: 16,
        pass_discard_down: true,
        when_full: WhenFull::Fail,
    };
    let name = DeviceName::new(format!("longshore.bench-{number}")).unwrap();
    Pool::up(
        &name,
        &Uuid::ours(&format!("pool-{}", &name)).expect("letters of a uuid"),
        &table,
    )
    .unwrap()
}

fn device() -> DeviceName {
    DeviceName::new("bench-ioctl").unwrap()
}

fn snapshot(new: VolumeId) -> Change {
    Change::Snapshot {
        origin: id(BASE),
        id: new,
        size: SIZE,
    }
}
