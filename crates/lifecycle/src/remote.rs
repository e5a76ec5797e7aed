//! What an origin offers.

use longshore_source::Source;

use crate::{Failure, RemoteImage, Settings, View, trouble::Trouble};

/// Lists the families of the settings' origin, each with where it stands here.
///
/// # Errors
/// What the origin answers: [`Class::NotFound`](crate::Class::NotFound),
/// [`Class::NotAuthorised`](crate::Class::NotAuthorised), or that it cannot be reached.
pub async fn remote(settings: &Settings) -> Result<Vec<RemoteImage>, Failure> {
    let source = Source::connect(&settings.source).map_err(Trouble::failure)?;
    let families = source.families().await.map_err(Trouble::failure)?;
    let here = match View::open(&settings.state_dir)? {
        Some(view) => view.list()?,
        None => Vec::new(),
    };
    let origin = source.origin().as_str();
    Ok(families
        .families
        .into_iter()
        .map(|family| {
            let name = family.family.as_str();
            let known = here
                .iter()
                .find(|image| image.image == name && image.origin == origin);
            RemoteImage {
                image: name.to_owned(),
                layers: u64::try_from(family.layers).unwrap_or(u64::MAX),
                size: family.bytes,
                status: known.map(|image| image.status),
                problem: family.problem.map(|problem| problem.to_string()),
            }
        })
        .collect())
}
