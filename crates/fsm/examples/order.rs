//! An order, from the stock to the parcel: a workflow of three steps on SQLite.
//!
//! Run it with `cargo run -p longshore-fsm --example order`. On Monday nobody is there to pack: an order
//! whose payment fails at first, and which is asked for twice, is left to the next process. On Tuesday
//! that goes on where it stood, and more orders stand in line for the one packing table. On Wednesday
//! a customer changes their mind: the money goes back, then the item goes back on the shelf.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longshore_fsm::store::{Migrations, SqliteStore};
use longshore_fsm::{
    Attempts, BoxError, BuildErrors, Ctx, Engine, Event, Resume, Start, StartOptions, StepError,
    StepPolicy, Workflow,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The shop's own tables, beside the engine's in one file.
const SHOP: Migrations<'static> = Migrations {
    owner: "shop",
    steps: &["
        CREATE TABLE stock (item TEXT NOT NULL PRIMARY KEY, left INTEGER NOT NULL CHECK (left >= 0)) STRICT;
        CREATE TABLE parcel (customer TEXT NOT NULL, item TEXT NOT NULL, payment TEXT NOT NULL) STRICT;
        INSERT INTO stock VALUES ('anchor', 2), ('rope', 1);
    "],
};

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    customer: String,
    item: String,
}

/// What has come of it so far. Each step adds its part.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    reserved: bool,
    payment: Option<String>,
}

type OrderCtx = Ctx<Order, Progress, Connection>;

/// Takes the item out of the stock. The write commits with the step: it is made once, however often
/// the step is called.
async fn reserve(ctx: &mut OrderCtx) -> Result<(), StepError> {
    let item = ctx.request().item.clone();
    let wanted = item.clone();
    let left: Option<i64> = ctx
        .record(move |shop| {
            let mut select = shop.prepare("SELECT left FROM stock WHERE item = ?1")?;
            Ok(select
                .query([wanted])?
                .next()?
                .map(|row| row.get(0))
                .transpose()?)
        })
        .await?;
    if left.unwrap_or(0) == 0 {
        // Nothing that trying again would change; a program that asks is told the item.
        return Err(
            StepError::user(format!("no {item} is left")).with_detail(json!({"item": item}))
        );
    }
    ctx.response_mut().reserved = true;
    ctx.on_completion(move |shop| {
        shop.execute("UPDATE stock SET left = left - 1 WHERE item = ?1", [item])?;
        Ok(())
    });
    Ok(())
}

/// Puts the item back: the undo of [`reserve`].
async fn put_back(ctx: &mut OrderCtx) -> Result<(), StepError> {
    let item = ctx.request().item.clone();
    ctx.on_completion(move |shop| {
        shop.execute("UPDATE stock SET left = left + 1 WHERE item = ?1", [item])?;
        Ok(())
    });
    Ok(())
}

/// Asks the bank, which knows our run by its number and so charges once.
async fn pay(bank: Arc<Bank>, ctx: &mut OrderCtx) -> Result<(), StepError> {
    let reference = format!("order {}", ctx.run_id());
    let payment = bank.charge(&reference, ctx.attempt())?;
    ctx.response_mut().payment = Some(payment);
    Ok(())
}

/// Gives the money back: the undo of [`pay`]. The bank knows the payment by the run's number here too.
async fn refund(bank: Arc<Bank>, ctx: &mut OrderCtx) -> Result<(), StepError> {
    bank.refund(&format!("order {}", ctx.run_id()))?;
    Ok(())
}

/// Packs the parcel, unless it is told to stop.
async fn pack(hands: Arc<AtomicBool>, ctx: &mut OrderCtx) -> Result<(), StepError> {
    if !hands.load(Ordering::SeqCst) {
        ctx.progress("parcels", 0, Some(1));
        ctx.token().cancelled().await;
        return Err(StepError::retry("nobody is here to pack"));
    }
    let order = ctx.request().clone();
    let payment = ctx
        .response()
        .payment
        .clone()
        .ok_or("it is not paid for")
        .map_err(StepError::abort)?;
    ctx.on_completion(move |shop| {
        let parcel = (order.customer, order.item, payment);
        shop.execute("INSERT INTO parcel VALUES (?1, ?2, ?3)", parcel)?;
        Ok(())
    });
    Ok(())
}

/// A bank whose line is bad: the first call for each payment is lost.
#[derive(Debug)]
struct Bank;

impl Bank {
    fn charge(&self, reference: &str, attempt: u32) -> Result<String, std::io::Error> {
        if attempt == 1 {
            return Err(std::io::Error::other("the line is bad"));
        }
        Ok(format!("paid for {reference}"))
    }

    fn refund(&self, reference: &str) -> Result<(), std::io::Error> {
        tracing::info!(reference, "the money went back");
        Ok(())
    }
}

fn orders(hands: &Arc<AtomicBool>) -> Result<Workflow<Order, Progress, Connection>, BuildErrors> {
    let (bank, hands) = (Arc::new(Bank), Arc::clone(hands));
    let banks_desk = Arc::clone(&bank);
    let patient = StepPolicy {
        attempts: Attempts::retries(4),
        timeout: Some(Duration::from_secs(10)),
        ..StepPolicy::default()
    };
    Workflow::builder("order", 1)
        .start("reserve", |ctx| Box::pin(reserve(ctx)))
        .undo(|ctx| Box::pin(put_back(ctx)))
        .to_with("pay", patient, move |ctx| {
            Box::pin(pay(Arc::clone(&bank), ctx))
        })
        .undo(move |ctx| Box::pin(refund(Arc::clone(&banks_desk), ctx)))
        .to("pack", move |ctx| Box::pin(pack(Arc::clone(&hands), ctx)))
        .end()
}

/// The shop on one day, with or without somebody to pack: what it says of its day.
async fn day(
    path: &Path,
    packers: bool,
    orders_of_the_day: &[Order],
) -> Result<Vec<String>, BoxError> {
    let mut said = Vec::new();
    let store = SqliteStore::open(path, &[SHOP])?;
    let workflow = orders(&Arc::new(AtomicBool::new(packers)))?;
    let orders = workflow.handle();
    // One table to pack on: of the orders in this queue one goes on at a time.
    let engine = Engine::builder(store).register(workflow).queue("table", 1);
    let engine = engine.open().await?;
    for summary in engine.list_active().await? {
        said.push(format!(
            "left from yesterday: run {} at {:?}",
            summary.run, summary.step
        ));
    }
    for run in engine.resume(Resume::All).await?.resumed {
        let outcome = engine.wait(run).await?;
        said.push(format!("run {run}, taken up: {:?}", outcome.ended));
    }
    for order in orders_of_the_day {
        let id = format!("{}/{}", order.customer, order.item);
        let started = engine.start(&orders, &id, order.clone(), in_line()).await?;
        let again = engine.start(&orders, &id, order.clone(), in_line()).await?;
        said.push(format!("{id}: {started:?}, and asked again: {again:?}"));
        let Start::Started(run) = started else {
            continue;
        };
        if packers {
            let outcome = engine.wait(run).await?;
            said.push(format!("{id}: {:?}", outcome.ended));
        } else {
            let mut seen = engine.subscribe();
            while !at_packing(&engine, run).await? {
                seen.next().await;
            }
        }
        let events = engine.history(run).await?;
        let failures = events
            .iter()
            .filter(|e| matches!(e.event, Event::AttemptFailed { .. }));
        said.push(format!(
            "{id}: {} events, {} failed attempts",
            events.len(),
            failures.count()
        ));
    }
    // Whatever is under way is told to stop, and stays to be resumed.
    engine.shutdown(Duration::from_secs(5)).await;
    Ok(said)
}

fn in_line() -> StartOptions {
    StartOptions::default().queue("table")
}

/// A day on which an order is cancelled while it waits to be packed.
async fn change_of_mind(path: &Path, order: &Order) -> Result<Vec<String>, BoxError> {
    let store = SqliteStore::open(path, &[SHOP])?;
    let workflow = orders(&Arc::new(AtomicBool::new(false)))?;
    let orders = workflow.handle();
    let engine = Engine::builder(store).register(workflow).queue("table", 1);
    let engine = engine.open().await?;
    let mut seen = engine.subscribe();
    let Start::Started(run) = engine
        .start(&orders, &order.customer, order.clone(), in_line())
        .await?
    else {
        return Ok(Vec::new());
    };
    while !at_packing(&engine, run).await? {
        seen.next().await;
    }
    engine
        .cancel(run, "the customer's mind has changed")
        .await?;
    let outcome = engine.wait(run).await?;
    let undone = engine.history(run).await?;
    let undone = undone.iter().filter_map(|record| match &record.event {
        Event::StepUndone { step, .. } => Some(step.as_str()),
        _ => None,
    });
    let said = vec![
        format!("{:?}", outcome.ended),
        format!("undone: {}", undone.collect::<Vec<_>>().join(", ")),
    ];
    engine.shutdown(Duration::from_secs(5)).await;
    Ok(said)
}

async fn at_packing(
    engine: &Engine<SqliteStore>,
    run: longshore_fsm::RunId,
) -> Result<bool, BoxError> {
    let summary = engine.run(run).await?;
    Ok(summary
        .and_then(|s| s.step)
        .is_some_and(|step| step.as_str() == "pack"))
}

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("shop.db");
    let order = |customer: &str, item: &str| Order {
        customer: customer.to_owned(),
        item: item.to_owned(),
    };
    println!("Monday, with nobody to pack:");
    for line in day(&path, false, &[order("ada", "anchor")]).await? {
        println!("  {line}");
    }
    println!("Tuesday:");
    let tuesday = [order("ada", "rope"), order("grace", "rope")];
    for line in day(&path, true, &tuesday).await? {
        println!("  {line}");
    }
    println!("Wednesday, with nobody to pack:");
    for line in change_of_mind(&path, &order("linus", "anchor")).await? {
        println!("  {line}");
    }
    Ok(())
}
