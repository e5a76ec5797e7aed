//! The demonstration: the usual commands, each said before it is done.
//!
//! It goes the way of every other command, with settings that reach nothing outside that directory:
//! no file of settings, no variable, a source of `file://`.

use std::{ffi::OsString, path::Path};

use longshore_lifecycle::{Class, Failure, ImageName};

use crate::{
    args::{AllowFlags, BackendName, Demo, FetchAndCreate, Global, List, MachineFlags},
    exit::Exit,
    session::Session,
    surroundings::Surroundings,
};

use super::{
    super::{fetch, images},
    family,
};

const IMAGE: &str = "images/hello";

pub(in crate::verbs) async fn demo(session: &Session, args: &Demo) -> Result<Exit, Failure> {
    let directory = tempfile::Builder::new()
        .prefix("longshore-demo-")
        .tempdir()
        .map_err(|error| broken("make a directory to work in", &error))?;
    let bucket = directory.path().join("bucket");
    family::write(&bucket.join(IMAGE)).map_err(|error| broken("write the layers", &error))?;
    let inside = session.with(
        flags(session, directory.path()),
        surroundings(session, directory.path()),
    );

    let exit = tour(&inside, &bucket).await;

    if args.keep {
        let path = directory.keep();
        session
            .messages
            .line(&format!("\nEverything is still in {}.", path.display()));
    } else {
        session
            .messages
            .line(&format!("\nRemoving {}.", directory.path().display()));
        directory
            .close()
            .map_err(|error| broken("clean up", &error))?;
    }
    exit
}

/// The commands, each said before it is done.
async fn tour(session: &Session, bucket: &Path) -> Result<Exit, Failure> {
    let image: ImageName = IMAGE
        .parse()
        .map_err(|error| broken("name the image", &error))?;
    let fetch = FetchAndCreate {
        machine: MachineFlags::default(),
        images: vec![image],
        name: None,
        no_activate: false,
        accept_changed: false,
        // Its system is made up, so nobody publishes advisories for it.
        allow: AllowFlags {
            allow_vulnerable: false,
            allow_unproven: true,
        },
    };
    let say = |text: &str| session.messages.line(text);

    say(&format!(
        "A bucket with a family of two layers is in {}.",
        bucket.display()
    ));
    say(&format!(
        "\n$ longshore fetch-and-create {IMAGE} --allow-unproven"
    ));
    fetch::fetch_and_create(session, &fetch).await?;
    say("\n$ longshore list");
    images::list(session, &List { remote: false }).await?;
    say(&format!(
        "\n$ longshore fetch-and-create {IMAGE} --allow-unproven   # again: nothing is fetched or unpacked"
    ));
    fetch::fetch_and_create(session, &fetch).await
}

/// The flags as they were given, but for everything that would reach out of the directory.
fn flags(session: &Session, directory: &Path) -> Global {
    Global {
        state_dir: Some(directory.join("state")),
        bucket: None,
        region: None,
        endpoint: None,
        source: Some(format!("file://{}", directory.join("bucket").display())),
        backend: Some(BackendName::File),
        config: None,
        // Nothing is asked for: not even advisories.
        offline: false,
        ..session.flags.clone()
    }
}

/// Surroundings without settings: systemd's variable for configuration points where there is none.
fn surroundings(session: &Session, directory: &Path) -> Surroundings {
    let none = (
        OsString::from("CONFIGURATION_DIRECTORY"),
        directory.join("etc").into_os_string(),
    );
    Surroundings {
        variables: [none].into(),
        directory: directory.to_owned(),
        user_config: None,
        ..session.surroundings.clone()
    }
}

fn broken(what: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Class::Failed,
        "demo",
        format!("the demonstration could not {what}"),
    )
    .caused_by(error)
}
