//! `fetch-and-create`: images here, and a machine's disk of each.

use futures::future::join_all;
use longshore_lifecycle::{Class, Failure, FetchRequest, Host, ImageReport};

use super::machines::options;
use crate::{args::FetchAndCreate, engine::with_host, exit::Exit, session::Session};

pub(super) async fn fetch_and_create(
    session: &Session,
    args: &FetchAndCreate,
) -> Result<Exit, Failure> {
    if args.name.is_some() && args.images.len() > 1 {
        return Err(Failure::new(
            Class::Usage,
            "usage",
            "--name names one machine, and there are several images",
        )
        .hint("fetch them one at a time, or let each machine be named after its image"));
    }
    let names: Vec<&str> = args.images.iter().map(|image| image.as_str()).collect();
    let purpose = format!("fetch-and-create {}", names.join(" "));
    let outcomes = with_host(session, &purpose, async |host: &Host| {
        join_all(args.images.iter().map(|image| async move {
            host.fetch_and_create(FetchRequest {
                image: image.clone(),
                machine: options(args.name.clone(), &args.machine),
                activate: !args.no_activate,
                allow: args.allow.into(),
                accept_changed: args.accept_changed,
            })
            .await
            .map_err(|failure| failure.image(image.as_str()))
        }))
        .await
    })
    .await?;
    let stands = |report: &ImageReport| !report.admitted;
    let refused = outcomes
        .iter()
        .any(|outcome| outcome.as_ref().is_ok_and(stands));
    let ended = session.deliver(outcomes)?;
    Ok(match ended {
        Exit::Done if refused => Exit::Failed(Class::Refused),
        ended => ended,
    })
}
