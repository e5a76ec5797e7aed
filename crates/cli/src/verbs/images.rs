//! `list` and `show`: what is known of images. They read beside a command that works.

use longshore_lifecycle::{Class, Failure, View};

use crate::{
    args::{List, Show},
    exit::Exit,
    session::Session,
};

pub(super) async fn list(session: &Session, args: &List) -> Result<Exit, Failure> {
    let settings = session.settings()?.settings;
    if args.remote {
        let offered = longshore_lifecycle::remote(&settings.host(
            &session.flags,
            &session.surroundings.user,
            "list --remote",
        ))
        .await?;
        if offered.is_empty() {
            session
                .messages
                .note(&format!("{} offers no images", settings.source.value));
        }
        session.output.list(&offered)?;
        return Ok(Exit::Done);
    }
    let images = match View::open(&settings.state_dir.value)? {
        Some(view) => view.list()?,
        None => Vec::new(),
    };
    if images.is_empty() {
        session.messages.note(
            "no images here yet; `longshore list --remote` lists what the source offers, \
             `longshore fetch-and-create IMAGE` brings one here",
        );
    }
    session.output.list(&images)?;
    Ok(Exit::Done)
}

pub(super) fn show(session: &Session, args: &Show) -> Result<Exit, Failure> {
    let settings = session.settings()?.settings;
    let Some(view) = View::open(&settings.state_dir.value)? else {
        return Err(Failure::new(
            Class::NotFound,
            "no-such-image",
            format!("there is no image {} here", args.image.as_str()),
        )
        .hint(format!(
            "`longshore fetch-and-create {}` brings it here",
            args.image.as_str()
        )));
    };
    let detail = view.show(&args.image, None)?;
    session.output.document(&detail)?;
    Ok(Exit::Done)
}
