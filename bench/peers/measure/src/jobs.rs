//! The jobs, the same for every peer.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::args::{Args, Job};
use crate::line::{Line, Measured};
use crate::memory::resident_kib;
use crate::peer::{Answer, Failure, Peer};
use crate::spread::Spread;
use crate::steps::{STEPS, Steps};

/// What a process says that can be killed now.
const LEFT: &str = "left";

/// The step in which runs are left: there is something before it to replay, and something after it.
const LEFT_IN: usize = 1;

/// Carries out the job of the command line.
///
/// # Errors
/// Whatever went wrong.
pub fn main<P: Peer>(name: &str) -> Result<(), Failure> {
    let args = Args::parse(env::args().skip(1))?;
    let runtime = Runtime::new()?;
    let done = runtime.block_on(async {
        match args.job {
            Job::Throughput => throughput::<P>(name, &args).await,
            Job::Queued => queued::<P>(name, &args).await,
            Job::Leave => leave::<P>(&args).await,
            Job::Resume => resume::<P>(name, &args).await,
        }
    });
    // Stuck steps never return, and are not waited for.
    runtime.shutdown_background();
    done
}

async fn throughput<P: Peer>(name: &str, args: &Args) -> Result<(), Failure> {
    let steps = Arc::new(Steps::new(args.runs, None));
    let peer = Arc::new(P::open(&args.dir, Arc::clone(&steps)).await?);
    let begun = Instant::now();
    let end = begun + args.time;
    let mut clients = JoinSet::new();
    for slot in 0..args.runs {
        let peer = Arc::clone(&peer);
        clients.spawn(async move {
            let mut ended = 0_u32;
            while ended == 0 || Instant::now() < end {
                peer.run(slot).await?;
                ended += 1;
            }
            Ok::<_, Failure>(ended)
        });
    }
    let mut ended = 0.0;
    while let Some(client) = clients.join_next().await {
        ended += f64::from(client??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let spread = Spread::of(steps.between_us());
    let say = |measure: &str, value: f64| line(name, measure, args.runs, Measured::Value(value));
    say("steps per second", ended * count(STEPS)? / seconds)?;
    for hundredths in [50, 99] {
        let value = spread.percentile(hundredths).ok_or("no step was called")?;
        say(&format!("step p{hundredths}, ms"), value / 1e3)?;
    }
    Ok(())
}

async fn queued<P: Peer>(name: &str, args: &Args) -> Result<(), Failure> {
    let steps = Arc::new(Steps::new(args.runs, Some(0)));
    let peer = P::open(&args.dir, steps).await?;
    let before = resident_kib()?;
    let measured = match peer.queue(args.runs).await? {
        Answer::Done => {
            let grown = f64::from(resident_kib()?) - f64::from(before);
            Measured::Value(grown / 1024.0)
        }
        Answer::Cannot(reason) => Measured::Cannot(reason.to_owned()),
    };
    line(name, "memory of queued runs, MiB", args.runs, measured)
}

/// Leaves runs in their second step, says so, and waits for its end.
async fn leave<P: Peer>(args: &Args) -> Result<(), Failure> {
    let steps = Arc::new(Steps::new(args.runs, Some(LEFT_IN)));
    let peer = Arc::new(P::open(&args.dir, Arc::clone(&steps)).await?);
    let mut starting = JoinSet::new();
    for slot in 0..args.runs {
        let peer = Arc::clone(&peer);
        starting.spawn(async move { peer.start(slot).await });
    }
    while let Some(started) = starting.join_next().await {
        started??;
    }
    steps.all_arrived().await;
    writeln!(std::io::stdout(), "{LEFT}")?;
    std::future::pending().await
}

/// Has another process leave the runs, kills it, and takes them up: until the step in which each was
/// cut off has been called again.
async fn resume<P: Peer>(name: &str, args: &Args) -> Result<(), Failure> {
    killed_when_left(&args.dir, args.runs)?;
    let steps = Arc::new(Steps::new(args.runs, Some(LEFT_IN)));
    let begun = Instant::now();
    let peer = P::open(&args.dir, Arc::clone(&steps)).await?;
    let measured = match peer.resume().await? {
        Answer::Done => {
            steps.all_arrived().await;
            Measured::Value(begun.elapsed().as_secs_f64())
        }
        Answer::Cannot(reason) => Measured::Cannot(reason.to_owned()),
    };
    line(name, "resuming runs, s", args.runs, measured)
}

fn killed_when_left(dir: &Path, runs: usize) -> Result<(), Failure> {
    let mut child = Command::new(env::current_exe()?)
        .args(["leave", "--runs", &runs.to_string(), "--dir"])
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()?;
    let said = child.stdout.take().ok_or("no standard output")?;
    let left = BufReader::new(said).lines().next().transpose();
    // SIGKILL: the process has no part in its own end.
    child.kill()?;
    child.wait()?;
    match left?.as_deref() {
        Some(LEFT) => Ok(()),
        other => Err(format!("the process that was to be killed said {other:?}").into()),
    }
}

fn line(peer: &str, measure: &str, runs: usize, measured: Measured) -> Result<(), Failure> {
    let line = Line {
        peer: peer.to_owned(),
        measure: measure.to_owned(),
        runs,
        measured,
    };
    Ok(line.print()?)
}

fn count(of: usize) -> Result<f64, Failure> {
    Ok(f64::from(u32::try_from(of)?))
}
