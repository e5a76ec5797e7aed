//! `activate` and `deactivate`: machines' disks in and out of use.

use longshore_lifecycle::{Class, Failure, Host, ImageName, MachineName, MachineOptions};

use crate::{
    args::{Activate, Deactivate, MachineFlags, Reset},
    engine::with_host,
    exit::Exit,
    print::Deactivated,
    session::Session,
};

/// A machine of that name is activated; where there is none, one is made of the image of that name.
pub(super) async fn activate(session: &Session, args: &Activate) -> Result<Exit, Failure> {
    let target = &args.target;
    let machine = target
        .parse::<MachineName>()
        .ok()
        .filter(|_| args.name.is_none());
    let image = target.parse::<ImageName>();
    let allow = args.allow.into();
    let report = with_host(
        session,
        &format!("activate {target}"),
        async |host: &Host| {
            let not_found = match &machine {
                None => None,
                Some(machine) => match host.activate(machine, allow).await {
                    Err(failure) if failure.class == Class::NotFound => Some(failure),
                    outcome => return outcome,
                },
            };
            match (image, not_found) {
                (Ok(image), _) => {
                    host.create_machine(&image, options(args.name.clone(), &args.machine), allow)
                        .await
                }
                (Err(_), Some(not_found)) => Err(not_found),
                (Err(error), None) => {
                    Err(
                        Failure::new(Class::Usage, "usage", format!("{target} names no image"))
                            .caused_by(&error),
                    )
                }
            }
        },
    )
    .await??;
    session.output.document(&report)?;
    Ok(Exit::Done)
}

pub(super) async fn deactivate(session: &Session, args: &Deactivate) -> Result<Exit, Failure> {
    let outcomes = with_host(session, "deactivate", async |host: &Host| {
        let mut outcomes = Vec::with_capacity(args.machines.len());
        for machine in &args.machines {
            let outcome = host.deactivate(machine).await;
            outcomes.push(outcome.map(|changed| Deactivated {
                machine: machine.to_string(),
                changed,
            }));
        }
        outcomes
    })
    .await?;
    session.deliver(outcomes)
}

pub(super) async fn reset(session: &Session, args: &Reset) -> Result<Exit, Failure> {
    let outcomes = with_host(session, "reset", async |host: &Host| {
        let mut outcomes = Vec::with_capacity(args.machines.len());
        for machine in &args.machines {
            outcomes.push(host.reset(machine, args.size, args.allow.into()).await);
        }
        outcomes
    })
    .await?;
    session.deliver(outcomes)
}

/// What a new machine is to be, as it was typed.
pub(super) fn options(name: Option<MachineName>, flags: &MachineFlags) -> MachineOptions {
    MachineOptions {
        name,
        size: flags.size,
        owner: flags.owner.clone(),
        ttl: flags.ttl.map(|ttl| ttl.as_secs()),
    }
}
