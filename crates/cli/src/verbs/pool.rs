//! `pool`: the thin pool, made and taken down.

use longshore_lifecycle::{
    Failure, PoolPlace, PoolRequest, Settings, adopt_pool, bring_pool_up, create_pool,
    destroy_pool, plan_pool, pool_status, take_pool_down,
};

use crate::{
    args::{Pool, PoolCreate, PoolVerb},
    engine::with_events,
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
        PoolVerb::Adopt { name } => adopt_pool(settings("pool adopt")?, name.clone()).await?,
    };
    session.output.document(&report)?;
    Ok(Exit::Done)
}

fn request(create: &PoolCreate) -> PoolRequest {
    let devices = create.data.clone().zip(create.meta.clone());
    let place = match devices {
        Some((data, metadata)) => PoolPlace::Devices { data, metadata },
        None => PoolPlace::Files {
            dir: create.loop_dir.clone().unwrap_or_default(),
            bytes: create.size.unwrap_or_default(),
            thick: create.thick,
        },
    };
    PoolRequest {
        name: create.name.clone(),
        place,
        block: create.block_size,
    }
}
