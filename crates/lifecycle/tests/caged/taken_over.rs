//! What a child does that is no longer ours, and what is said of its image.

use std::{
    fs::File,
    hint::black_box,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use longshore_cage::Inside;
use longshore_lifecycle::{
    BackendChoice, CageMode, CancellationToken, Coverage, Failure, Limits, MaterialsForm, PathScan,
    Scanning, Settings, SourceConfig, SourceUrl, Status, scan_path,
};
use longshore_vmtest::harness::Test;
use tempfile::TempDir;

pub(crate) const TESTS: &[Test] = &[
    (
        "taken_over::a_reader_that_does_not_answer_proves_nothing",
        a_reader_that_does_not_answer_proves_nothing,
    ),
    (
        "taken_over::an_answer_that_is_none_proves_nothing",
        an_answer_that_is_none_proves_nothing,
    ),
    (
        "taken_over::an_answer_is_no_longer_than_it_may_be",
        an_answer_is_no_longer_than_it_may_be,
    ),
    (
        "taken_over::what_it_calls_unreadable_is_a_failure",
        what_it_calls_unreadable_is_a_failure,
    ),
];

/// Stands before the word for what the child is to do.
pub(crate) const MARK: &[u8] = b"THE CHILD DOES ";

const SIZE: u64 = 64 << 20;

/// The life of the child.
pub(crate) fn work(role: &str, inside: &Inside) -> io::Result<()> {
    assert_eq!(role, "inventory");
    let job = inside.receive()?.unwrap();
    let disk = File::from(job.descriptors.into_iter().next().unwrap());
    let mut bytes = vec![0; usize::try_from(SIZE).unwrap()];
    disk.read_exact_at(&mut bytes, 0)?;
    let at = bytes.windows(MARK.len()).position(|window| window == MARK);
    let word = bytes[at.unwrap() + MARK.len()..].split(|&byte| byte == b'.');
    let nothing = r#"{"read":{"os":null,"gaps":[],"executables":0,"packages":0}}"#;
    match str::from_utf8(word.take(1).next().unwrap()).unwrap() {
        "panic" => panic!("all is well, and nothing was found"),
        "abort" => std::process::abort(),
        "recurse" => {
            black_box(deeper(1));
        }
        "fill" => {
            let more = vec![1_u8; 2 << 30];
            black_box(more);
        }
        "execute" => {
            let _ = Command::new("/bin/true").status();
        }
        "nothing" => {}
        "empty" => inside.send(b"")?,
        "cut" => inside.send(&nothing.as_bytes()[..40])?,
        "more" => inside.send(
            nothing
                .replace("\"packages\":0", "\"packages\":9")
                .as_bytes(),
        )?,
        "many" => {
            let head = nothing.replace("\"packages\":0", "\"packages\":100001");
            let package =
                r#"{"kind":"deb","name":"a","version":"1","found_in":"var/lib/dpkg/status"}"#;
            let lines = format!("{package}\n").repeat(100_001);
            inside.send(format!("{head}\n{lines}").as_bytes())?;
        }
        "twice" => {
            inside.send(format!("{nothing}\n").as_bytes())?;
            inside.send(format!("{nothing}\n").as_bytes())?;
        }
        "long" => inside.send(&vec![b' '; (64 << 20) + 1])?,
        "too-long" => inside.send(b"\"too-long\"\n")?,
        "unreadable" => {
            inside.send(b"{\"unreadable\":[\"it is \\u001b[2J broken\",\"inside\"]}\n")?
        }
        other => panic!("{other}"),
    }
    Ok(())
}

/// Deeper than any stack is.
pub(crate) fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    match black_box(depth) {
        u64::MAX => 0,
        depth => deeper(depth + 1) + frame[1],
    }
}

/// An archive whose child does this, and where it is.
struct Place(TempDir);

impl Place {
    fn new(word: &str) -> Self {
        let place = Self(TempDir::new().unwrap());
        let mut layer = tar::Builder::new(File::create(place.archive()).unwrap());
        let content = [MARK, word.as_bytes(), b"."].concat();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        layer
            .append_data(&mut header, "order", content.as_slice())
            .unwrap();
        layer.finish().unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn archive(&self) -> PathBuf {
        self.path().join("layer.tar")
    }

    fn scan(&self) -> Result<PathScan, Failure> {
        let settings = Settings {
            state_dir: self.path().join("state"),
            source: SourceConfig::new(SourceUrl::directory(self.path())),
            backend: BackendChoice::File,
            limits: Limits::default(),
            volume_size: SIZE,
            max_retries: 0,
            images_at_once: longshore_lifecycle::DEFAULT_IMAGES_AT_ONCE,
            pool_overcommit: None,
            inflate_ahead: longshore_lifecycle::DEFAULT_INFLATE_AHEAD,
            scanning: Scanning {
                refresh: None,
                cage: CageMode::Require,
                ..Scanning::default()
            },
            offline: true,
            wait: Duration::ZERO,
            purpose: "a test".into(),
        };
        scan_path(&settings, &self.archive(), &CancellationToken::new())
    }
}

/// What is said of the image whose child does this: it is not proven, and this is why.
fn unproven(word: &str) -> String {
    let place = Place::new(word);
    let scan = place.scan().unwrap();
    let report = &scan.report;
    assert_eq!(report.status, Status::Unproven, "{word}");
    let summary = &report.outcome.summary;
    assert_eq!(summary.packages, 0, "{word}");
    let Coverage::None(reasons) = &summary.coverage else {
        panic!("{word}: {:?}", summary.coverage);
    };
    let [reason] = &reasons[..] else {
        panic!("{word}: {reasons:?}");
    };
    let materials = scan.bill_of_materials(MaterialsForm::Cyclonedx);
    let materials = String::from_utf8(materials).unwrap();
    assert!(materials.contains("incomplete"), "{materials}");
    let name = place.archive().display().to_string();
    let reason = reason.to_string();
    let reason = reason.strip_prefix(&name);
    reason.unwrap().to_owned()
}

fn a_reader_that_does_not_answer_proves_nothing() {
    for (word, why) in [
        ("panic", " cannot be read: its reader ended with code 101"),
        ("abort", " cannot be read: its reader died of signal 6"),
        ("recurse", " cannot be read: its reader died of signal 6"),
        ("fill", ": its reader used up its 1024 MiB of memory"),
        (
            "execute",
            " cannot be read: its reader did what only an attack does, and was killed: do not use the image",
        ),
        (
            "nothing",
            " cannot be read: its reader failed: the caged child broke the protocol: it closed the channel \
             without an answer",
        ),
    ] {
        assert_eq!(unproven(word), why, "{word}");
    }
}

fn an_answer_that_is_none_proves_nothing() {
    for word in ["empty", "cut", "more", "many"] {
        assert_eq!(
            unproven(word),
            " cannot be read: its reader answered what none of ours answers",
            "{word}"
        );
    }
    assert_eq!(
        unproven("twice"),
        " cannot be read: its reader failed: the caged child broke the protocol: it sent what nobody asked \
         for"
    );
}

fn an_answer_is_no_longer_than_it_may_be() {
    // Its own end of the channel refuses; that it may have another is tested where the channel is.
    assert_eq!(
        unproven("long"),
        " cannot be read: its reader ended with code 1"
    );
    assert_eq!(
        unproven("too-long"),
        ": what is in it takes more than 64 MiB to list"
    );
}

fn what_it_calls_unreadable_is_a_failure() {
    let failure = Place::new("unreadable").scan().unwrap_err();
    assert_eq!(failure.code, "path");
    assert_eq!(failure.causes, ["it is \u{1b}[2J broken", "inside"]);
}
