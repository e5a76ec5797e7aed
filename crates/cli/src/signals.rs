//! What the user or the system says to a running command: stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use longshore_lifecycle::{Class, Failure};

use crate::exit::Exit;

/// A wish that the command stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Stop {
    /// How a command ends that followed it.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Failed(Class::Interrupted),
            Self::Terminate => Exit::Terminated,
        }
    }
}

/// Listens for such wishes.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen. From here on neither signal ends the process by itself.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(Class::Failed, "signals", "cannot listen for signals")
                    .caused_by(&error)
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// The next wish. Nothing is lost when this future is dropped.
    pub(crate) async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Interrupt,
            _ = self.terminate.recv() => Stop::Terminate,
        }
    }
}
