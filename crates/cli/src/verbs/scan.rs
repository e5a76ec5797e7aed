//! `scan` and `sbom`: what is in an image, and what is known against it.

use std::path::PathBuf;

use longshore_lifecycle::{
    CancellationToken, Class, Failure, Finding, FixStatus, Host, ImageName, MaterialsForm,
    PathInventory, PathScan, ScanReport, Settings, Severity, View, is_a_program,
};

use crate::{
    args::{Format, Sbom, Scan},
    engine::{with_cancel, with_host},
    exit::Exit,
    print::ScanRow,
    progress::Progress,
    session::Session,
};

pub(super) async fn scan(session: &Session, args: &Scan) -> Result<Exit, Failure> {
    let shown = Shown::of(args);
    if let Some(path) = &args.path {
        let settings = session.settings()?.settings;
        let mut settings = settings.host(&session.flags, &session.surroundings.user, "scan --path");
        if !args.scanner.is_empty() {
            settings.scanning.scanners.clone_from(&args.scanner);
        }
        let path = session.surroundings.directory.join(path);
        let scan = of_path(session, settings, path).await?;
        if let Some(notice) = &scan.notice {
            session.messages.note(notice);
        }
        let materials = form(session).map(|form| scan.bill_of_materials(form));
        return deliver(session, scan.report, materials, &shown);
    }
    let Some(image) = &args.image else {
        let outcomes = with_host(session, "scan --all", async |host: &Host| {
            host.scan_all(&args.scanner).await
        });
        return all(session, outcomes.await??, &shown);
    };
    let purpose = format!("scan {image}");
    let report = with_host(session, &purpose, async |host: &Host| {
        host.scan(image, &args.scanner).await
    });
    let report = report.await??;
    let materials = match form(session) {
        Some(form) => Some(materials_of(session, image, form, true)?),
        None => None,
    };
    deliver(session, report, materials, &shown)
}

/// Looks into a path. A program that looks too is ended where somebody wishes the command to stop; without
/// one there is nothing that has to be ended.
async fn of_path(
    session: &Session,
    settings: Settings,
    path: PathBuf,
) -> Result<PathScan, Failure> {
    let read = PathInventory::read(&settings, &path)?;
    let (events, listener) = tokio::sync::broadcast::channel(64);
    let progress = Progress::start(listener, &session.messages);
    read.freshen(&settings, events).await;
    progress.finish().await;
    if !is_a_program(&settings.scanning.scanners) {
        return read.scan(&settings, &CancellationToken::new());
    }
    with_cancel(session, async |cancel| {
        tokio::task::spawn_blocking(move || read.scan(&settings, &cancel))
            .await
            .unwrap_or_else(|error| {
                Err(Failure::new(Class::Failed, "internal", "a scan was cut off").caused_by(&error))
            })
    })
    .await?
}

pub(super) fn sbom(session: &Session, args: &Sbom) -> Result<Exit, Failure> {
    let form = form(session).unwrap_or(MaterialsForm::Cyclonedx);
    let materials = materials_of(session, &args.image, form, false)?;
    session.output.bytes(&materials)?;
    Ok(Exit::Done)
}

fn materials_of(
    session: &Session,
    image: &ImageName,
    form: MaterialsForm,
    vulnerabilities: bool,
) -> Result<Vec<u8>, Failure> {
    let settings = session.settings()?.settings;
    match View::open(&settings.state_dir.value)? {
        Some(view) => view.bill_of_materials(image, form, vulnerabilities),
        None => Err(
            Failure::new(Class::NotFound, "not-found", format!("{image} is not here")).hint(
                format!("fetch it with `longshore fetch-and-create {image}`"),
            ),
        ),
    }
}

fn form(session: &Session) -> Option<MaterialsForm> {
    match session.flags.output {
        Format::Cyclonedx => Some(MaterialsForm::Cyclonedx),
        Format::Spdx => Some(MaterialsForm::Spdx),
        Format::Table | Format::Json => None,
    }
}

/// Which findings are shown, and which make the command fail.
struct Shown {
    severities: Vec<Severity>,
    ignore_unfixed: bool,
    fail_on: Option<Severity>,
}

impl Shown {
    fn of(args: &Scan) -> Self {
        Self {
            severities: args.severity.clone(),
            ignore_unfixed: args.ignore_unfixed,
            fail_on: args.fail_on,
        }
    }

    fn is(&self, finding: &Finding) -> bool {
        let is_asked_for =
            self.severities.is_empty() || self.severities.contains(&finding.severity);
        let is_fixed = finding.status == FixStatus::Fixed;
        is_asked_for && (is_fixed || !self.ignore_unfixed)
    }

    /// How a command ends that found this. A command that was asked to fail where something is bad also
    /// fails where nobody knows.
    fn exit(&self, report: &ScanReport) -> Exit {
        let Some(threshold) = self.fail_on else {
            return Exit::Done;
        };
        let is_bad = |finding: &Finding| {
            !finding.apart && finding.severity >= threshold && self.is_fixed_enough(finding)
        };
        let is_known = report.outcome.summary.coverage.is_complete();
        if is_known && !report.findings.iter().any(is_bad) {
            Exit::Done
        } else {
            Exit::Failed(Class::Refused)
        }
    }

    fn is_fixed_enough(&self, finding: &Finding) -> bool {
        !self.ignore_unfixed || finding.status == FixStatus::Fixed
    }
}

fn deliver(
    session: &Session,
    mut report: ScanReport,
    materials: Option<Vec<u8>>,
    shown: &Shown,
) -> Result<Exit, Failure> {
    let exit = shown.exit(&report);
    match materials {
        Some(materials) => session.output.bytes(&materials)?,
        None => {
            report.findings.retain(|finding| shown.is(finding));
            session.output.document(&report)?;
        }
    }
    Ok(exit)
}

fn all(
    session: &Session,
    outcomes: Vec<Result<ScanReport, Failure>>,
    shown: &Shown,
) -> Result<Exit, Failure> {
    if form(session).is_some() {
        return Err(
            Failure::new(Class::Usage, "usage", "a bill of materials is of one image")
                .hint("name it: `longshore scan IMAGE -o cyclonedx`"),
        );
    }
    let mut exit = Exit::Done;
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    let asked = outcomes.len();
    for outcome in outcomes {
        match outcome {
            Ok(report) => {
                if shown.exit(&report) != Exit::Done {
                    exit = Exit::Failed(Class::Refused);
                }
                rows.push(ScanRow::from(report));
            }
            Err(failure) => failures.push(failure),
        }
    }
    if rows.is_empty() && failures.is_empty() {
        session.messages.note("no images here yet");
    }
    session.output.list(&rows)?;
    for failure in &failures {
        session.messages.failure(failure);
    }
    if failures.is_empty() {
        return Ok(exit);
    }
    let classes: Vec<_> = failures.iter().map(|failure| failure.class).collect();
    Ok(Exit::of_several(&classes, asked))
}
