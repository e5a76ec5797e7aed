//! [`Caged`]: one child, from its start to its end.

use std::{
    marker::PhantomData,
    os::fd::BorrowedFd,
    process::{Child, ExitStatus},
    time::Duration,
};

use super::{
    ending::{await_end, verdict},
    line::Line,
    send::Sender,
};
use crate::{
    cage::Need,
    error::{Breach, CageError},
    layer::Layers,
    limits::Limit,
};

/// How long a child that has closed the channel may take to end.
const LINGERING: Duration = Duration::from_secs(2);

/// A child that is locked in, with the channel to it.
///
/// Every call ends at the cage's deadline and on its cancel. A call that fails has killed the child
/// and reaped it, and so does dropping this; calls after that fail with [`Breach::Closed`].
///
/// It stays on the thread that started it, because the kernel ends the child with that thread.
///
/// ```compile_fail
/// fn travels<T: Send>() {}
/// travels::<longshore_cage::Caged>();
/// ```
#[derive(Debug)]
pub struct Caged {
    child: Child,
    /// Until it is reaped.
    is_alive: bool,
    line: Line,
    layers: Layers,
    stays: PhantomData<*const ()>,
}

impl Caged {
    pub(crate) fn new(child: Child, line: Line) -> Caged {
        Caged {
            child,
            is_alive: true,
            line,
            layers: Layers(Vec::new()),
            stays: PhantomData,
        }
    }

    /// Hears from the child how it is caged, before it is given anything.
    pub(crate) fn greet(&mut self, need: Need, longest: u32) -> Result<(), CageError> {
        let text = self.receive()?;
        let Some(layers) = Layers::from_text(&text) else {
            return Err(self.settle(CageError::Broken(Breach::Greeting)));
        };
        self.layers = layers;
        let missing = self.layers.missing().next();
        match (need, missing) {
            (Need::Every, Some((layer, why))) => {
                let why = why.to_owned();
                Err(self.settle(CageError::Unavailable { layer, why }))
            }
            _ => {
                self.line.allow(longest);
                Ok(())
            }
        }
    }

    /// Which layers hold it.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Its process id, for logs.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a frame of at most [`LONGEST_JOB`](crate::LONGEST_JOB) bytes, with at most
    /// [`MOST_DESCRIPTORS`](crate::MOST_DESCRIPTORS) descriptors.
    ///
    /// That it is sent does not say that it is read: a child may answer and end before, and where
    /// it has gone [`Caged::receive`] has its answer, or the reason.
    ///
    /// What the child may do with a descriptor is what it was opened for: it is given one that
    /// only reads wherever it is to read only.
    ///
    /// # Errors
    /// All but `Unavailable`.
    pub fn send(
        &mut self,
        content: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), CageError> {
        self.must_live()?;
        let sent = self.line.send(content, descriptors);
        sent.map_err(|error| self.settle(error))
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// All but `Unavailable`; `Broken` with [`Breach::Closed`] where the child has ended in order.
    pub fn receive(&mut self) -> Result<Vec<u8>, CageError> {
        self.must_live()?;
        let received = self.line.receive();
        received.map_err(|error| self.settle(error))
    }

    /// For a thread that sends while this one waits for answers.
    pub fn sender(&self) -> Sender {
        self.line.sender()
    }

    /// Says that there is nothing more to do, and waits until the child has ended in order.
    ///
    /// # Errors
    /// All but `Unavailable`; `Broken` with [`Breach::Unasked`] where there is another frame.
    pub fn finish(mut self) -> Result<(), CageError> {
        self.must_live()?;
        if let Err(error) = self.line.close() {
            return Err(self.settle(error));
        }
        let Some(status) = self.end_of_its_own()? else {
            return Err(self.settle(CageError::Broken(Breach::Lingering)));
        };
        match status.success() {
            true => Ok(()),
            false => Err(verdict(status, Breach::Closed, self.line.last_words())),
        }
    }

    /// One job, one answer, and the end.
    ///
    /// # Errors
    /// All but `Unavailable`.
    pub fn ask(mut self, job: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<Vec<u8>, CageError> {
        self.send(job, descriptors)?;
        let answer = self.receive()?;
        self.finish()?;
        Ok(answer)
    }

    fn must_live(&self) -> Result<(), CageError> {
        match self.is_alive {
            true => Ok(()),
            false => Err(CageError::Broken(Breach::Closed)),
        }
    }

    /// Sees the child to its end after `error`. Where it closed the channel, how it ended says
    /// more than that it did.
    fn settle(&mut self, error: CageError) -> CageError {
        if !self.is_alive {
            return error;
        }
        if let CageError::Broken(breach @ (Breach::Closed | Breach::Cut)) = error {
            match self.end_of_its_own() {
                Ok(Some(status)) => return verdict(status, breach, self.line.last_words()),
                Ok(None) => {}
                Err(error) => return error,
            }
        }
        self.kill();
        error
    }

    /// Waits for the child to end by itself, for a moment; within the cage's time.
    fn end_of_its_own(&mut self) -> Result<Option<ExitStatus>, CageError> {
        let ended = await_end(&mut self.child, LINGERING.min(self.line.left()));
        match ended {
            Ok(Some(_)) => self.is_alive = false,
            Ok(None) if self.line.left().is_zero() => {
                self.kill();
                return Err(CageError::Limit(Limit::Wall));
            }
            Ok(None) => {}
            Err(_) => self.kill(),
        }
        Ok(ended?)
    }

    fn kill(&mut self) {
        if self.is_alive {
            // Neither fails for a child that is not reaped.
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.is_alive = false;
        }
    }
}

impl Drop for Caged {
    fn drop(&mut self) {
        self.kill();
    }
}
