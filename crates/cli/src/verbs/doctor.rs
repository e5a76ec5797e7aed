//! `doctor`: is everything as the work needs it?

use std::ffi::OsStr;

use longshore_lifecycle::{Check, Class, Examination, Failure, agreement, examine};

use crate::{
    engine::with_events,
    exit::Exit,
    print::Diagnosis,
    session::Session,
    settings::{Examined, examine_settings},
};

const SETTINGS: &str = "settings";

pub(super) async fn doctor(session: &Session, fix: bool) -> Result<Exit, Failure> {
    let examined = examine_settings(&session.surroundings, &session.flags);
    let mut checks = vec![judge(&examined)];
    if let Some(settings) = examined.settings {
        let examination = Examination {
            settings: settings.host(&session.flags, &session.surroundings.user, "doctor"),
            now: session.output.page.now,
            search_path: session.surroundings.variable("PATH").map(OsStr::to_owned),
        };
        let settings = examination.settings.clone();
        let checked = tokio::task::spawn_blocking(move || examine(&examination)).await;
        checks.extend(checked.map_err(|error| {
            Failure::new(Class::Failed, "doctor", "the checks were cut off").caused_by(&error)
        })?);
        let agreed = with_events(session, async |events| {
            Ok(agreement(&settings, fix, &events).await)
        });
        checks.extend(agreed.await?);
    }
    let diagnosis = Diagnosis::of(checks);
    session.output.document(&diagnosis)?;
    Ok(match diagnosis.has_failed() {
        true => Exit::Failed(Class::Failed),
        false => Exit::Done,
    })
}

fn judge(examined: &Examined) -> Check {
    if !examined.problems.is_empty() {
        let problems: Vec<_> = examined.problems.iter().map(ToString::to_string).collect();
        let hints = examined.problems.iter().filter_map(|one| one.hint.clone());
        let also = match examined.settings {
            Some(_) => {
                "no command works until that is put right; what follows was looked at without"
            }
            None => "no command works until that is put right, and nothing else could be looked at",
        };
        // A question ends as it does.
        let hints = hints.map(|hint| match hint.ends_with('?') {
            true => hint + " ",
            false => hint + "; ",
        });
        let hint: String = hints.chain([also.to_owned()]).collect();
        return Check::fail(SETTINGS, problems.join("; "), hint);
    }
    let given = match examined.given {
        0 => "all as they are by default".to_owned(),
        1 => "1 is given".to_owned(),
        given => format!("{given} are given"),
    };
    Check::ok(
        SETTINGS,
        [given]
            .into_iter()
            .chain(examined.overridden.clone())
            .collect::<Vec<_>>()
            .join("; "),
    )
}
