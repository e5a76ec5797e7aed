//! Bringing advisories up to date.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use longshore_scan::Stream;
use longshore_source::{Documents, Fetched, Seen, SourceConfig};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    AdvisoryStore, Publishers,
    import::{Imported, import},
    publisher::{DocumentAt, Publisher},
    store::{Asked, SeenDocument},
};
use crate::{
    Class, Event, Events, Failure, Settings,
    deps::{Deps, now},
    trouble::Trouble,
};

/// What came of asking one publisher.
#[derive(Debug, Clone, Serialize)]
pub struct AdvisoriesUpdated {
    /// Whose advisories: an ecosystem, or one release of it.
    pub publisher: String,
    /// Whether there were others than were here.
    pub changed: bool,
    /// When what is here was published, `YYYY-MM-DD`, where it is a scanner's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
    /// What was taken in; nothing where nothing had changed.
    #[serde(flatten)]
    pub imported: Option<Imported>,
}

/// Asks publishers, and keeps what they have.
#[derive(Debug, Clone)]
pub(crate) struct Updater {
    pub(crate) store: Arc<AdvisoryStore>,
    pub(crate) publishers: Publishers,
    pub(crate) source: SourceConfig,
    pub(crate) events: Events,
}

/// Brings up to date what streams are about, where it is stale and may be asked for. That it cannot be had
/// is told, and nothing more: what is here is used, and its age counts against coverage.
pub(crate) async fn freshen(deps: &Deps, streams: &BTreeSet<Stream>) {
    let Some(refresh) = deps.scanning.refresh.filter(|_| !deps.offline()) else {
        return;
    };
    deps.updater().freshen(streams, refresh).await;
}

impl Updater {
    /// For the state directory that the settings name.
    pub(crate) fn of(settings: &Settings, events: Events) -> Result<Self, Failure> {
        Ok(Self {
            store: Arc::new(AdvisoryStore::open(&settings.state_dir)?),
            publishers: settings.scanning.publishers.clone(),
            source: settings.source.clone(),
            events,
        })
    }

    /// The same without a host.
    pub(crate) async fn freshen(&self, streams: &BTreeSet<Stream>, refresh: Duration) {
        for publisher in self.stale(streams, refresh) {
            if let Err(failure) = self.update(&publisher, false).await {
                let name = publisher.name();
                self.say(Event::Notice {
                    text: format!(
                        "the advisories of {name} could not be brought up to date: {failure}"
                    ),
                });
            }
        }
    }

    /// Those who have the advisories of streams and were not asked for so long.
    fn stale(&self, streams: &BTreeSet<Stream>, refresh: Duration) -> Vec<Publisher> {
        let known = self.store.publishers();
        let is_stale = |publisher: &Publisher| {
            let asked = known.get(&publisher.name());
            asked.is_none_or(|asked| older(asked.at, now(), refresh))
        };
        let all = Publisher::of_all(streams);
        all.into_iter().filter(is_stale).collect()
    }

    /// Asks one publisher, and takes in what it has that is not here. `whole` asks as if nothing were.
    pub(crate) async fn update(
        &self,
        publisher: &Publisher,
        whole: bool,
    ) -> Result<AdvisoriesUpdated, Failure> {
        let name = publisher.name();
        self.say(Event::Advisories {
            publisher: name.clone(),
        });
        let places = publisher.documents(&self.publishers);
        let before = self.store.publishers().remove(&name).unwrap_or_default();
        let seen = if whole { &[][..] } else { &before.documents };
        let mut fetched = self.fetch(&places, seen).await?;
        if fetched.iter().all(Option::is_none) {
            self.store.confirm(publisher)?;
            self.store.asked(
                &name,
                Asked {
                    at: now(),
                    ..before
                },
            )?;
            return Ok(AdvisoriesUpdated {
                publisher: name,
                changed: false,
                dated: None,
                imported: None,
            });
        }
        if fetched.iter().any(Option::is_none) {
            // What belongs together is taken in together.
            fetched = self.fetch(&places, &[]).await?;
        }
        let fetched: Vec<_> = fetched.into_iter().flatten().collect();
        let (store, publisher) = (Arc::clone(&self.store), publisher.clone());
        let imported = tokio::task::spawn_blocking(move || {
            let documents = fetched.iter().map(|(_, seen)| seen.clone()).collect();
            let imported = import(&store, &publisher, fetched)?;
            let at = now();
            store.asked(&publisher.name(), Asked { at, documents })?;
            Ok(imported)
        });
        let imported = imported
            .await
            .map_err(|error| Failure::broken("an import was cut off").caused_by(&error))??;
        Ok(AdvisoriesUpdated {
            publisher: name,
            changed: true,
            dated: None,
            imported: Some(imported),
        })
    }

    /// Fetches documents, into files that have no name: nothing where one is still what was seen of it.
    async fn fetch(
        &self,
        places: &[DocumentAt],
        seen: &[SeenDocument],
    ) -> Result<Vec<Option<(File, SeenDocument)>>, Failure> {
        let documents = Documents::new(&self.source);
        let mut fetched = Vec::new();
        for place in places {
            let seen = seen.iter().find(|seen| seen.url == place.url);
            let seen = seen.map(|seen| Seen {
                etag: seen.etag.clone(),
                last_modified: seen.last_modified.clone(),
            });
            let mut file = unnamed(self.store.place()).map_err(|error| no_room(&error))?;
            let cancel = CancellationToken::new();
            let answer = documents
                .fetch(&place.url, seen.as_ref(), &mut file, place.limit, &cancel)
                .await
                .map_err(Trouble::failure)?;
            fetched.push(match answer {
                Fetched::NotModified => None,
                Fetched::Changed { digest, seen, .. } => {
                    let document = SeenDocument {
                        url: place.url.clone(),
                        etag: seen.etag,
                        last_modified: seen.last_modified,
                        sha256: digest.to_string(),
                    };
                    Some((file, document))
                }
            });
        }
        Ok(fetched)
    }

    fn say(&self, event: Event) {
        // With nobody listening there is nobody to tell.
        let _ = self.events.send(event);
    }
}

/// A file that is gone when it is closed, on the filesystem that has room for what comes of it.
fn unnamed(place: Option<&Path>) -> io::Result<File> {
    match place {
        Some(place) => tempfile::tempfile_in(place),
        None => tempfile::tempfile(),
    }
}

fn older(at: i64, now: i64, than: Duration) -> bool {
    let age = u128::try_from(now.saturating_sub(at)).unwrap_or(0);
    at > now || age >= than.as_millis()
}

fn no_room(error: &io::Error) -> Failure {
    let class = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Class::Full,
        _ => Class::Failed,
    };
    Failure::new(class, "advisories", "there is no place for what is fetched").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_in_the_future_is_asked_for_again() {
        let minute = Duration::from_secs(60);
        assert!(!older(0, 59_999, minute));
        assert!(older(0, 60_000, minute));
        assert!(older(2, 1, minute));
    }
}
