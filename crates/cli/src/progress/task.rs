//! Listens to what a run says until the command has its result.

use std::time::Instant;

use longshore_lifecycle::Event;
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        oneshot,
    },
    task::JoinHandle,
};

use crate::print::Messages;

use super::{
    bars::Bars,
    lines::Lines,
    stage::{Change, Stages},
};

/// A picture of what a run says, drawn until it is told to stop.
#[derive(Debug)]
pub(crate) struct Progress {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Progress {
    /// Begins to draw.
    pub(crate) fn start(mut events: Receiver<Event>, messages: &Messages) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let mut picture = Picture::new(messages.clone());
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    event = events.recv() => match event {
                        Ok(event) => picture.take(&event),
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => break,
                    },
                    _ = &mut stopped => break,
                }
            }
            picture.end();
        });
        Self { task, stop }
    }

    /// Draws what was said until now, and takes the picture away.
    pub(crate) async fn finish(self) {
        drop(self.stop);
        // It could only have panicked, and then there is nothing to take away.
        let _ = self.task.await;
    }
}

#[derive(Debug)]
struct Picture {
    messages: Messages,
    stages: Stages,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Bars(Bars),
    Lines(Lines),
}

impl Picture {
    fn new(messages: Messages) -> Self {
        let form = match messages.bars() {
            Some(bars) => Form::Bars(Bars::new(bars.clone())),
            None => Form::Lines(Lines::default()),
        };
        Self {
            messages,
            stages: Stages::default(),
            form,
        }
    }

    fn take(&mut self, event: &Event) {
        let change = self.stages.take(event);
        if let Change::Notice(text) = change {
            self.messages.note(text);
        }
        match &mut self.form {
            Form::Bars(bars) => bars.draw(&change),
            Form::Lines(lines) => {
                if let Some(line) = lines.line(&change, Instant::now()) {
                    self.messages.line(&line);
                }
            }
        }
    }

    fn end(&self) {
        if let Form::Bars(bars) = &self.form {
            bars.clear();
        }
    }
}
