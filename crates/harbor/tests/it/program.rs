//! The program, from outside.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use longshore_harbor::family::{Family, Packing};

use crate::judges::{image, root_for};

fn harbor(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_harbor"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_bucket_is_made_and_served_until_the_input_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let made = harbor(&["make-demo", path]);
    assert_eq!(
        text(&made.stdout),
        "images/demo\nimages/golang\nimages/node\nimages/python\nimages/patched\n\
         images/neglected\n"
    );
    let mut server = Command::new(env!("CARGO_BIN_EXE_harbor"))
        .args(["serve", "--dir", path, "--bucket", "demo", "--log"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let endpoint = lines.next().unwrap().unwrap();
    let address = endpoint.strip_prefix("endpoint http://").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "bucket demo");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = "GET /demo/images/demo/1.tar HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\n\
                   Connection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 206 Partial Content\r\n"),
        "{}",
        text(&answer)
    );
    assert_eq!(
        lines.next().unwrap().unwrap(),
        "Get images/demo/1.tar bytes=0-9 206 10"
    );
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_signal_ends_the_server_and_leaves_nothing() {
    let (dir, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut server = Command::new(env!("CARGO_BIN_EXE_harbor"))
        .args(["serve", "--dir", dir.path().to_str().unwrap()])
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Held open, for the server must not end because of it.
    let _input = server.stdin.take().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "bucket longshore-test"));
    let kill = Command::new("kill")
        .arg(server.id().to_string())
        .status()
        .unwrap();
    assert!(kill.success() && server.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

fn one_layer(dir: &Path, prefix: &str, name: &str) -> PathBuf {
    let family = Family::builder(prefix).layer(|l| l.dir("./", 0o755).file(name, "content\n"));
    family
        .build()
        .write(dir, Packing::Plain)
        .unwrap()
        .pop()
        .unwrap()
}

#[test]
fn a_disk_is_checked_against_layers() {
    if !root_for("a disk written through the kernel") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layer = one_layer(dir.path(), "images/x", "a");
    let disk = image(dir.path(), std::slice::from_ref(&layer));
    let check = |layer: &Path| {
        harbor(&[
            "check-disk",
            disk.to_str().unwrap(),
            layer.to_str().unwrap(),
        ])
    };
    let checked = check(&layer);
    let printed = text(&checked.stdout);
    assert!(
        printed.ends_with("2 paths as the layers say, read by Kernel\n"),
        "{printed}"
    );
    assert!(checked.status.success());

    let checked = check(&one_layer(dir.path(), "images/y", "b"));
    assert_eq!(checked.status.code(), Some(1));
    let printed = text(&checked.stdout);
    assert!(
        printed.contains("\"b\": missing; expected file of 8 bytes"),
        "{printed}"
    );
    assert!(printed.contains("\"a\": not expected"), "{printed}");
}

#[test]
fn wrong_usage_is_2_and_shows_how() {
    for arguments in [&[][..], &["check-disk", "only-a-disk"], &["unknown"]] {
        let output = harbor(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("harbor serve --dir DIR"));
    }
    let output = harbor(&["serve", "--dir", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains("cannot serve /nonexistent: No such file"),
        "{message}"
    );
}
