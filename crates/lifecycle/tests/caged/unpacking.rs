//! What a child does that is to unpack and is no longer ours, and what becomes of its image.

use std::{
    fs::{self, File},
    hint::black_box,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use longshore_cage::{Inside, Message};
use longshore_lifecycle::{
    Allow, BackendChoice, CageMode, Class, Events, Failure, FetchRequest, Host, ImageReport,
    Limits, Scanning, Settings, SourceConfig, SourceUrl, Status, View,
};
use longshore_vmtest::harness::Test;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::taken_over::{MARK, deeper};

pub(crate) const TESTS: &[Test] = &[
    (
        "unpacking::whatever_ends_a_child_ends_its_image_and_is_named",
        whatever_ends_a_child_ends_its_image_and_is_named,
    ),
    (
        "unpacking::an_answer_that_is_none_ends_its_image",
        an_answer_that_is_none_ends_its_image,
    ),
    (
        "unpacking::what_it_says_is_shown_without_what_a_terminal_obeys",
        what_it_says_is_shown_without_what_a_terminal_obeys,
    ),
    (
        "unpacking::a_layer_that_calls_itself_another_is_taken_for_itself",
        a_layer_that_calls_itself_another_is_taken_for_itself,
    ),
    (
        "unpacking::what_it_says_it_used_is_no_more_than_there_is",
        what_it_says_it_used_is_no_more_than_there_is,
    ),
    (
        "unpacking::a_volume_is_sealed_only_when_nobody_has_it_any_more",
        a_volume_is_sealed_only_when_nobody_has_it_any_more,
    ),
];

const SIZE: u64 = 64 << 20;

/// The life of the child: what the layer that it is given says.
pub(crate) fn work(inside: &Inside) -> io::Result<()> {
    let mut volume = None;
    let mut layer = None;
    let mut word = String::new();
    while let Some(Message { bytes, descriptors }) = inside.receive()? {
        let order: Value = serde_json::from_slice(&bytes)?;
        let mut descriptors = descriptors.into_iter().map(File::from);
        if order.get("begin").is_some() {
            volume = descriptors.next();
            inside.send(b"\"begun\"")?;
        } else if order.get("layer").is_some() {
            layer = descriptors.next();
        }
        if order.get("apply").is_some() || (layer.is_some() && word.is_empty()) {
            let Some(mut stored) = layer.take() else {
                continue;
            };
            let mut bytes = Vec::new();
            stored.read_to_end(&mut bytes)?;
            word = order_in(&bytes);
            applied(inside, &word, volume.as_ref().unwrap())?;
        }
        if order.get("finish").is_some() {
            finished(inside, &word, volume.as_ref().unwrap())?;
        }
    }
    Ok(())
}

fn order_in(bytes: &[u8]) -> String {
    let at = bytes.windows(MARK.len()).position(|window| window == MARK);
    let rest = &bytes[at.unwrap() + MARK.len()..];
    let word = rest.split(|&byte| byte == b'.').next().unwrap();
    str::from_utf8(word).unwrap().to_owned()
}

/// A report of a layer whose diff id is that of an archive nobody has.
fn report() -> Value {
    let list = json!({ "count": 0, "names": [] });
    let counters = [
        "names_normalised",
        "parents_created",
        "parents_replaced",
        "duplicates",
        "whiteouts",
        "whiteouts_missing",
        "opaque",
        "whiteouts_first_layer",
        "aufs_entries",
        "directories_reset",
        "times_clamped",
        "xattrs_dropped",
        "acls_dropped",
        "devices_dropped",
        "global_headers",
        "pax_repeated",
        "pax_ignored",
        "unclosed",
        "sparse",
    ];
    let counters = counters.map(|name| (name.to_owned(), json!(0)));
    json!({
        "diff_id": format!("sha256:{}", "5a".repeat(32)),
        "stored_bytes": 1,
        "stream_bytes": 2,
        "content_bytes": 3,
        "entries": 4,
        "counters": serde_json::Map::from_iter(counters),
        "devices": list,
        "special_modes": list,
        "capabilities": list,
    })
}

fn applied(inside: &Inside, word: &str, volume: &File) -> io::Result<()> {
    let say = |answer: &Value| inside.send(answer.to_string().as_bytes());
    match word {
        "panic" => panic!("all is well"),
        "abort" => std::process::abort(),
        "recurse" => {
            black_box(deeper(1));
        }
        "fill" => {
            let more = vec![1_u8; 64 << 30];
            black_box(more);
        }
        "execute" => {
            let _ = Command::new("/bin/true").status();
        }
        "grow" => volume.write_all_at(b"more than there is", SIZE)?,
        "end" => return Err(io::Error::other("all is well")),
        "empty" => inside.send(b"")?,
        "cut" => inside.send(&json!({ "applied": report() }).to_string().as_bytes()[..40])?,
        "begun" => inside.send(b"\"begun\"")?,
        "escape" => {
            let mut report = report();
            report["devices"] = json!({ "count": 1, "names": ["\u{1b}[2J"] });
            say(&json!({ "applied": report }))?;
        }
        "no-rule" => {
            let rejected = json!({ "code": "made-up", "entry": null, "detail": "" });
            say(&json!({ "failed": { "rejected": rejected } }))?;
        }
        "endless" | "lists" => {
            let mut report = report();
            match word {
                "endless" => report["stream_bytes"] = json!(u64::MAX),
                _ => {
                    let names = vec!["name"; 1001];
                    report["devices"] = json!({ "count": 1001, "names": names });
                }
            }
            say(&json!({ "applied": report }))?;
        }
        "unread" => say(&json!({ "failed": "read" }))?,
        "rejected" => {
            let rejected = json!({
                "code": "trailing-data",
                "entry": "a\\x0ab",
                "detail": "run \u{1b}[2J this",
            });
            say(&json!({ "failed": { "rejected": rejected } }))?;
        }
        "tree" => {
            let texts = ["outer\u{202e}", "inner\n"];
            say(&json!({ "failed": { "tree": ["disk-full", texts] } }))?;
        }
        "long" => inside.send(&vec![b' '; (64 << 20) + 1])?,
        "well" | "greedy" | "stays" | "totals" => say(&json!({ "applied": report() }))?,
        other => panic!("{other}"),
    }
    Ok(())
}

fn finished(inside: &Inside, word: &str, volume: &File) -> io::Result<()> {
    let totals = json!({
        "layers": 1,
        "entries": 4,
        "inodes": 4,
        "content_bytes": 3,
        "stream_bytes": 2,
    });
    let totals = match word {
        "totals" => json!({
            "layers": 1,
            "entries": u64::MAX,
            "inodes": 4,
            "content_bytes": 3,
            "stream_bytes": 2,
        }),
        _ => totals,
    };
    let used = match word {
        "greedy" => u64::MAX,
        _ => 4096,
    };
    if word == "stays" {
        volume.write_all_at(b"more", 0)?;
    }
    let answer = json!({ "finished": { "used": used, "totals": totals } });
    inside.send(answer.to_string().as_bytes())?;
    if word == "stays" {
        loop {
            volume.write_all_at(b"more", 0)?;
        }
    }
    Ok(())
}

/// A folder with images whose layers say what their child does.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, image: &str, word: &str, more: &str) {
        let layer = self.path("bucket").join(image).join("1.tar");
        fs::create_dir_all(layer.parent().unwrap()).unwrap();
        let content = [MARK, word.as_bytes(), b".", more.as_bytes()].concat();
        fs::write(layer, content).unwrap();
    }

    fn settings(&self) -> Settings {
        Settings {
            state_dir: self.path("state"),
            source: SourceConfig::new(SourceUrl::directory(self.path("bucket"))),
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
            offline: false,
            wait: Duration::ZERO,
            purpose: "a test".into(),
        }
    }

    fn fetch(&self, image: &str) -> Result<ImageReport, Failure> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let host = Host::open(self.settings(), Events::new(16)).await.unwrap();
            let request = FetchRequest {
                image: image.parse().unwrap(),
                machine: longshore_lifecycle::MachineOptions::default(),
                activate: false,
                allow: Allow::default(),
                accept_changed: false,
            };
            let fetched = host.fetch_and_create(request).await;
            host.close().await;
            fetched
        })
    }
}

/// How the image fails whose child does this. Nothing of it is left.
fn failure(word: &str) -> Failure {
    let place = Place::new();
    place.put("images/hostile", word, "");
    let failure = place.fetch("images/hostile").unwrap_err();
    let left = fs::read_dir(place.path("state/volumes")).unwrap();
    assert_eq!(left.count(), 0, "{word}");
    let listed = View::open(&place.path("state")).unwrap();
    let listed = listed.unwrap().list().unwrap();
    assert_eq!(listed[0].status, Status::Failed, "{word}");
    failure
}

fn whatever_ends_a_child_ends_its_image_and_is_named() {
    for (word, class, code, why) in [
        (
            "panic",
            Class::Failed,
            "unpacking-crashed",
            "its reader ended with code 101",
        ),
        (
            "abort",
            Class::Failed,
            "unpacking-crashed",
            "its reader died of signal 6",
        ),
        (
            "recurse",
            Class::Failed,
            "unpacking-crashed",
            "its reader died of signal 6",
        ),
        (
            "end",
            Class::Failed,
            "unpacking-crashed",
            "its reader ended with code 1",
        ),
        (
            "execute",
            Class::Refused,
            "unpacking-attack",
            "its reader did what only an attack does, and was killed",
        ),
        (
            "grow",
            Class::Refused,
            "unpacking-limit",
            "it used up its 67108864 bytes of a file",
        ),
    ] {
        let failure = failure(word);
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (class, code),
            "{word}: {failure}"
        );
        let expected = format!("images/hostile was not unpacked: {why}");
        assert_eq!(failure.to_string(), expected, "{word}");
    }
    let full = failure("fill");
    assert_eq!(
        (full.class, full.code.as_str()),
        (Class::Refused, "unpacking-limit")
    );
    assert!(full.to_string().ends_with(" MiB of memory"), "{full}");
}

fn an_answer_that_is_none_ends_its_image() {
    for word in [
        "empty", "cut", "begun", "escape", "no-rule", "unread", "endless", "lists", "totals",
    ] {
        let failure = failure(word);
        assert_eq!(failure.code, "unpacking-broken", "{word}: {failure}");
    }
    // Its own end of the channel refuses.
    assert_eq!(failure("long").code, "unpacking-crashed");
}

fn what_it_says_is_shown_without_what_a_terminal_obeys() {
    let rejected = failure("rejected");
    assert_eq!(rejected.code, "trailing-data");
    assert_eq!(rejected.entry.as_deref(), Some("a\\x0ab"));
    assert_eq!(
        rejected.message,
        "the layer is rejected: run \u{fffd}[2J this"
    );
    let full = failure("tree");
    assert_eq!((full.class, full.code.as_str()), (Class::Full, "disk-full"));
    assert_eq!(full.causes, ["outer\u{fffd}", "inner\u{fffd}"]);
}

fn a_layer_that_calls_itself_another_is_taken_for_itself() {
    let place = Place::new();
    // Both say that they are the same archive. At most one of them is.
    place.put("images/one", "well", "one");
    place.put("images/other", "well", "another");
    place.put("images/same", "well", "one");
    let one = place.fetch("images/one").unwrap();
    let other = place.fetch("images/other").unwrap();
    assert_eq!(one.chain_id, other.chain_id);
    assert_ne!(one.volume.id, other.volume.id);
    // The same bytes are one volume still.
    let same = place.fetch("images/same").unwrap();
    assert_eq!(same.volume.id, one.volume.id);
}

fn what_it_says_it_used_is_no_more_than_there_is() {
    let place = Place::new();
    place.put("images/greedy", "greedy", "");
    let report = place.fetch("images/greedy").unwrap();
    assert_eq!(report.volume.used, SIZE);
}

fn a_volume_is_sealed_only_when_nobody_has_it_any_more() {
    let place = Place::new();
    place.put("images/stays", "stays", "");
    let report = place.fetch("images/stays").unwrap();
    let volume = PathBuf::from(report.volume.path.unwrap());
    let mut has = 0;
    for process in fs::read_dir("/proc").unwrap() {
        // Other processes end meanwhile.
        let open = fs::read_dir(process.unwrap().path().join("fd"));
        let open = open.into_iter().flatten().flatten();
        has += open
            .filter(|link| fs::read_link(link.path()).is_ok_and(|target| target == volume))
            .count();
    }
    assert_eq!(has, 0);
    // It did write to it.
    let mut first = [0; 4];
    let file = File::open(&volume).unwrap();
    file.read_exact_at(&mut first, 0).unwrap();
    assert_eq!(&first, b"more");
}
