//! The workflows of a life: every step leaves a mark in the middle and one with its completion, and
//! fails as it is asked to.

use longshore_fsm::{BoxError, Ctx, End, RecordError, StepError, Workflow};
use rusqlite::Connection;
use tokio::task::yield_now;

use crate::kill::asks::{Ask, Fault, UndoFault, WORKFLOWS, policy, undo_policy};
use crate::kill::journal::{note, note_end, transfer};

type StepCtx = Ctx<Ask, Vec<String>, Connection>;

/// The workflow of this number.
pub(super) fn workflow(number: usize) -> Workflow<Ask, Vec<String>, Connection> {
    let (name, steps) = WORKFLOWS[number];
    let mut builder = Workflow::builder(name, 1);
    for (place, (step, has_undo)) in steps.iter().enumerate() {
        builder = builder.to_with(step, policy(), move |ctx| Box::pin(act(place, ctx)));
        if *has_undo {
            builder = builder.undo_with(undo_policy(), |ctx| Box::pin(undo(ctx)));
        }
    }
    builder = builder.finalize(|end| Box::pin(finish(end)));
    builder.end().unwrap()
}

async fn act(place: usize, ctx: &mut StepCtx) -> Result<(), StepError> {
    mark(ctx, "begun").await?;
    give_way(ctx).await;
    let failed = || StepError::retry("by design");
    let attempt = ctx.attempt();
    match ctx.request().fault {
        Fault::Retried(at) if at == place && attempt <= 2 => return Err(failed()),
        Fault::Panics(at) if at == place && attempt == 1 => {
            // Without the hook, which would print it.
            std::panic::resume_unwind(Box::new("by design"))
        }
        Fault::Slow(at) if at == place && attempt == 1 => {
            ctx.token().cancelled().await;
            return Err(failed());
        }
        Fault::Refused(at) if at == place => return Err(StepError::user("not here")),
        Fault::Exhausted(at) if at == place => return Err(failed()),
        Fault::HandedTo(run) if place == 1 => return Err(StepError::ContinuedAs(run)),
        _ => {}
    }
    let (run, step) = (ctx.run_id(), ctx.step().as_str().to_owned());
    ctx.response_mut().push(step.clone());
    ctx.on_completion(move |conn| note(conn, run, "done", &step, 0));
    if place == 0 {
        ctx.on_completion(|conn| transfer(conn, 1));
    }
    Ok(())
}

async fn undo(ctx: &mut StepCtx) -> Result<(), StepError> {
    mark(ctx, "undoing").await?;
    give_way(ctx).await;
    let fails = match ctx.request().undo {
        UndoFault::None => 0,
        UndoFault::Retried => 1,
        UndoFault::Parks => 2,
    };
    if ctx.attempt() <= fails {
        return Err(StepError::retry("by design"));
    }
    let (run, step) = (ctx.run_id(), ctx.step().as_str().to_owned());
    if step == WORKFLOWS[0].1[0].0 {
        ctx.on_completion(|conn| transfer(conn, -1));
    }
    ctx.on_completion(move |conn| note(conn, run, "undone", &step, 0));
    Ok(())
}

/// Says that this attempt has begun. It is refused where it has said so before.
async fn mark(ctx: &StepCtx, what: &'static str) -> Result<(), StepError> {
    let (run, step, attempt) = (ctx.run_id(), ctx.step().clone(), ctx.attempt());
    let marked = ctx.record(move |conn| note(conn, run, what, step.as_str(), attempt));
    marked.await.map_err(|error| match error {
        RecordError::Refused { .. } => StepError::system(error),
        error => StepError::retry(error),
    })
}

async fn give_way(ctx: &StepCtx) {
    for _ in 0..ctx.request().yields {
        yield_now().await;
    }
}

async fn finish(end: &mut End<Ask, Vec<String>, Connection>) -> Result<(), BoxError> {
    let (run, ended, response) = (end.run_id(), end.ended().clone(), end.response().clone());
    end.on_end(move |conn| note_end(conn, run, &ended, &response));
    Ok(())
}
