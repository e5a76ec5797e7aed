//! `pool`: the thin pool, made, looked at, extended, repaired, moved and taken down.

use std::{path::PathBuf, time::Duration};

use longshore_lifecycle::{
    AlarmLevel, Class, Failure, Growing, Host, PoolExtension, PoolGrowth, PoolParts, PoolPlace,
    PoolRecoveryRequest, PoolReport, PoolRequest, Settings, adopt_pool, bring_pool_up, check_pool,
    create_pool, default_machine_name, destroy_pool, extend_pool, migrate_pool, plan_pool,
    pool_status, recover_pool, repair_pool, save_volume, take_pool_down, trim_pool, watch_pool,
};

use crate::{
    args::{Pool, PoolCreate, PoolExtend, PoolMigrate, PoolRecover, PoolVerb},
    engine::{with_cancel, with_events, with_host},
    exit::Exit,
    session::Session,
};

pub(super) async fn pool(session: &Session, args: &Pool) -> Result<Exit, Failure> {
    let settings = |purpose: &str| -> Result<Settings, Failure> {
        let gathered = session.settings()?;
        let user = &session.surroundings.user;
        Ok(gathered.settings.host(&session.flags, user, purpose))
    };
    let report = match &args.verb {
        PoolVerb::Create(create) => {
            let (settings, request) = (settings("pool create")?, request(create));
            match create.dry_run {
                true => plan_pool(&settings, &request)?,
                false => create_pool(settings, request).await?,
            }
        }
        PoolVerb::Status => pool_status(&settings("pool status")?.state_dir)?,
        PoolVerb::Up => {
            let settings = settings("pool up")?;
            with_events(session, async |events| {
                bring_pool_up(settings, events).await
            })
            .await?
        }
        PoolVerb::Down => take_pool_down(settings("pool down")?).await?,
        PoolVerb::Destroy { dry_run } => destroy_pool(settings("pool destroy")?, *dry_run).await?,
        PoolVerb::Extend(extend) => {
            extend_pool(settings("pool extend")?, extension(extend)).await?
        }
        PoolVerb::Migrate(migrate) => {
            let (settings, place) = (settings("pool migrate")?, target(migrate));
            with_events(session, async |events| {
                migrate_pool(settings, place, events).await
            })
            .await?
        }
        PoolVerb::Watch { every, once } => {
            return watch(session, settings("pool watch")?, *every, *once).await;
        }
        PoolVerb::Check { whole } => {
            let (settings, whole) = (settings("pool check")?, *whole);
            let check = with_events(session, async |events| {
                check_pool(settings, whole, events).await
            })
            .await?;
            session.output.document(&check)?;
            return Ok(match check.clean {
                true => Exit::Done,
                false => Exit::Failed(Class::Failed),
            });
        }
        PoolVerb::Repair { spare, accept_loss } => {
            let (settings, spare, accept) = (settings("pool repair")?, spare.clone(), *accept_loss);
            let repair = with_events(session, async |events| {
                repair_pool(settings, spare, accept, events).await
            })
            .await?;
            session.output.document(&repair)?;
            return Ok(Exit::Done);
        }
        PoolVerb::Recover(recover) => {
            let recovery = recover_pool(settings("pool recover")?, recovery(recover)).await?;
            session.output.document(&recovery)?;
            return Ok(Exit::Done);
        }
        PoolVerb::Claim {
            id,
            image,
            name,
            size,
            allow,
        } => {
            let name = name.clone().unwrap_or_else(|| default_machine_name(image));
            let report = with_host(session, "pool claim", async |host: &Host| {
                host.claim(*id, image, &name, *size, (*allow).into()).await
            })
            .await??;
            session.output.document(&report)?;
            return Ok(Exit::Done);
        }
        PoolVerb::Save { id, file, size } => {
            let (settings, id, size) = (settings("pool save")?, *id, *size);
            let file = file.clone();
            let saved = with_cancel(session, async |cancel| {
                save_volume(settings, id, file, size, cancel).await
            })
            .await??;
            session.output.document(&saved)?;
            return Ok(Exit::Done);
        }
        PoolVerb::Trim => {
            let settings = settings("pool trim")?;
            let trim =
                with_events(session, async |events| trim_pool(settings, events).await).await?;
            session.output.document(&trim)?;
            return Ok(Exit::Done);
        }
        PoolVerb::Adopt { name } => adopt_pool(settings("pool adopt")?, name.clone()).await?,
    };
    session.output.document(&report)?;
    Ok(Exit::Done)
}

/// Says how the pool is whenever that changes, or once.
async fn watch(
    session: &Session,
    settings: Settings,
    every: Duration,
    once: bool,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let told = |report: PoolReport| {
        exit = how(&report);
        let is_heard = session.output.row(&report)?;
        Ok(is_heard && !once)
    };
    with_cancel(session, async |cancel| {
        watch_pool(settings, every, cancel, told).await
    })
    .await??;
    Ok(if once { exit } else { Exit::Done })
}

/// How a look at a pool ends.
fn how(report: &PoolReport) -> Exit {
    let critical = report
        .alarms
        .iter()
        .find(|alarm| alarm.level == AlarmLevel::Critical);
    match critical.map(|alarm| alarm.name) {
        None => Exit::Done,
        Some("data-full" | "metadata-full" | "host-low" | "group-low") => Exit::Failed(Class::Full),
        Some(_) => Exit::Failed(Class::Failed),
    }
}

fn extension(extend: &PoolExtend) -> PoolExtension {
    let growth = |at_percent| {
        Growing::By(PoolGrowth {
            at_percent,
            by_percent: extend.by,
            most_bytes: extend.most,
        })
    };
    PoolExtension {
        data: extend.size,
        metadata: extend.metadata_size,
        growth: match extend.no_automatic {
            true => Growing::No,
            false => extend.automatic.map_or(Growing::AsBefore, growth),
        },
    }
}

fn recovery(recover: &PoolRecover) -> PoolRecoveryRequest {
    let parts = recover.data.clone().zip(recover.meta.clone());
    PoolRecoveryRequest {
        parts: parts.map(|(data, metadata)| PoolParts {
            name: recover.name.clone(),
            data,
            metadata,
        }),
        dry_run: recover.dry_run,
        accept_loss: recover.accept_loss,
    }
}

fn target(migrate: &PoolMigrate) -> PoolPlace {
    place(
        &migrate.data,
        &migrate.meta,
        &migrate.loop_dir,
        migrate.size,
        migrate.thick,
    )
}

fn place(
    data: &Option<PathBuf>,
    meta: &Option<PathBuf>,
    dir: &Option<PathBuf>,
    size: Option<u64>,
    thick: bool,
) -> PoolPlace {
    match data.clone().zip(meta.clone()) {
        Some((data, metadata)) => PoolPlace::Devices { data, metadata },
        None => PoolPlace::Files {
            dir: dir.clone().unwrap_or_default(),
            bytes: size.unwrap_or_default(),
            thick,
        },
    }
}

fn request(create: &PoolCreate) -> PoolRequest {
    let place = place(
        &create.data,
        &create.meta,
        &create.loop_dir,
        create.size,
        create.thick,
    );
    PoolRequest {
        name: create.name.clone(),
        place,
        block: create.block_size,
    }
}
