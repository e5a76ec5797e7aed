//! What `-v` shows: the events of our own parts, on standard error.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::print::Messages;

/// Shows logs as asked for: not at all, what happens, how, or everything.
pub(crate) fn show(verbose: u8, messages: &Messages) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(messages.log_writer());
    let ours = Targets::new().with_target("longshore", level);
    // Only a second call could fail, and then the first still holds.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(ours)
        .try_init();
}
