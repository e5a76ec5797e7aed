//! What a run says while it works: lossy, never stored, for eyes only.

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step of a run has begun.
    Step {
        /// The image or machine it is about.
        subject: String,
        /// The step's name.
        step: String,
        /// 1 at first; more after a failure that may pass.
        attempt: u32,
    },
    /// How far a layer has come.
    Layer {
        /// The image.
        image: String,
        /// The object's key.
        key: String,
        /// What is being done with it.
        phase: Phase,
        /// Bytes done.
        done: u64,
        /// Bytes in all: of the stored object when fetching; 0 where it is not known.
        total: u64,
    },
    /// A publisher is asked for advisories.
    Advisories {
        /// Which.
        publisher: String,
    },
    /// Something that the user should know and need not act on.
    Notice {
        /// A sentence.
        text: String,
    },
}

/// What is being done with a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its bytes come from the origin.
    Fetching,
    /// Its bytes are here and proven.
    Fetched,
    /// Its bytes were here already.
    Present,
    /// Its entries go into the volume; `done` counts bytes of the stored object.
    Unpacking,
    /// Its entries are in the volume.
    Unpacked,
    /// A volume that has it was here already.
    Reused,
}

/// Takes what a run says, without ever making it wait.
pub type Events = tokio::sync::broadcast::Sender<Event>;
