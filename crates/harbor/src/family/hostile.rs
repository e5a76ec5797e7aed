//! Families that must be refused, one for each wrong input, and those that look wrong and must not.
//!
//! Every family has an honest first layer, `1.tar`; what is wrong stands in the last object. The
//! prefix is `images/NAME` with the function's name in kebab case.

use super::builder::Family;
use super::content::Content;
use super::entry::EntryType;
use super::layer::Layer;

/// What must come of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is an image like any other.
    Builds,
    /// A layer is refused; where one entry is to blame, its path as it stands in the archive.
    Rejected(Option<&'static str>),
    /// The listing is no ordered family.
    NoFamily,
}

/// A family, what is wrong with it and what must come of it.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// The name of the function that makes it, in kebab case.
    pub name: &'static str,
    /// The family.
    pub family: Family,
    /// What must come of it under the default limits.
    pub verdict: Verdict,
}

/// All of them that are refused or accepted under the default limits; not [`file_of_size`], which
/// is meant for a lower limit.
#[must_use]
pub fn all() -> Vec<Hostile> {
    let rejected = |name, entry, family| Hostile {
        name,
        family,
        verdict: Verdict::Rejected(entry),
    };
    let no_family = |name, family| Hostile {
        name,
        family,
        verdict: Verdict::NoFamily,
    };
    vec![
        rejected("not-an-archive", None, not_an_archive()),
        rejected("empty-object", None, empty_object()),
        rejected("truncated", Some("usr/bin/big"), truncated()),
        rejected("truncated-gzip", None, truncated_gzip()),
        rejected(
            "parent-components",
            Some("usr/../../etc/cron.d/evil"),
            parent_components(),
        ),
        rejected("whiteout-of-dot", Some("usr/.wh.."), whiteout_of_dot()),
        rejected(
            "whiteout-of-dot-dot",
            Some("usr/.wh..."),
            whiteout_of_dot_dot(),
        ),
        rejected("through-a-file", Some("motd/x"), through_a_file()),
        rejected("symlink-loop", Some("a/x"), symlink_loop()),
        rejected(
            "missing-link-target",
            Some("etc/link"),
            missing_link_target(),
        ),
        rejected("body-on-a-symlink", Some("etc/link"), body_on_a_symlink()),
        rejected("gzip-bomb", Some("bomb"), gzip_bomb(1280 << 20)),
        no_family("gap", gap()),
        no_family("duplicate-number", duplicate_number()),
        Hostile {
            name: "links-outside",
            family: links_outside(),
            verdict: Verdict::Builds,
        },
    ]
}

fn honest() -> Layer {
    Layer::new()
        .dir("etc", 0o755)
        .dir("usr", 0o755)
        .file("etc/os-release", "ID=debian\n")
}

fn family(name: &str, wrong: Layer) -> Family {
    Family::builder(&format!("images/{name}"))
        .add("1", honest())
        .add("2", wrong)
        .build()
}

/// Text where an archive should be.
#[must_use]
pub fn not_an_archive() -> Family {
    let page = "<html><body>Please log in.</body></html>\n".repeat(200);
    family(
        "not-an-archive",
        Layer::new().raw(page.as_bytes()).unclosed(),
    )
}

/// An object of no bytes.
#[must_use]
pub fn empty_object() -> Family {
    family("empty-object", Layer::new().unclosed())
}

/// An archive that ends within a file.
#[must_use]
pub fn truncated() -> Family {
    let big = Content::Noise {
        seed: 1,
        length: 200_000,
    };
    family(
        "truncated",
        Layer::new()
            .dir("usr/bin", 0o755)
            .file("usr/bin/big", big)
            .cut(100_000),
    )
}

/// A gzip member without its end, whether the family is written plain or gzipped.
#[must_use]
pub fn truncated_gzip() -> Family {
    // A member whose deflate stream is one stored block (RFC 1951, 3.2.4) that ends too early.
    let mut archive = Vec::new();
    let file = Layer::new().file(
        "usr/bin/half",
        Content::Noise {
            seed: 2,
            length: 512,
        },
    );
    file.write(&mut archive).expect("memory takes it");
    let stated = u16::try_from(archive.len()).expect("four blocks");
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend_from_slice(&stated.to_le_bytes());
    bytes.extend_from_slice(&(!stated).to_le_bytes());
    bytes.extend_from_slice(&archive[..700]);
    family("truncated-gzip", Layer::new().raw(&bytes).unclosed())
}

/// A name with `..` that climbs out of the root.
#[must_use]
pub fn parent_components() -> Family {
    family(
        "parent-components",
        Layer::new().file("usr/../../etc/cron.d/evil", "* * * * * root id\n"),
    )
}

/// `.wh..`, which would hide a directory itself.
#[must_use]
pub fn whiteout_of_dot() -> Family {
    family("whiteout-of-dot", Layer::new().file("usr/.wh..", ""))
}

/// `.wh...`, which would hide a directory's parent.
#[must_use]
pub fn whiteout_of_dot_dot() -> Family {
    family("whiteout-of-dot-dot", Layer::new().file("usr/.wh...", ""))
}

/// An entry below a file of the same layer.
#[must_use]
pub fn through_a_file() -> Family {
    family(
        "through-a-file",
        Layer::new()
            .file("motd", "hello\n")
            .file("motd/x", "below a file\n"),
    )
}

/// An entry below a symlink that leads to itself.
#[must_use]
pub fn symlink_loop() -> Family {
    family(
        "symlink-loop",
        Layer::new()
            .symlink("a", "b")
            .symlink("b", "a")
            .file("a/x", "nowhere\n"),
    )
}

/// A hard link to what is not there.
#[must_use]
pub fn missing_link_target() -> Family {
    family(
        "missing-link-target",
        Layer::new().hardlink("etc/link", "etc/absent"),
    )
}

/// A symlink with a body, which readers skip or take for headers.
#[must_use]
pub fn body_on_a_symlink() -> Family {
    let body = vec![b'x'; 512];
    family(
        "body-on-a-symlink",
        Layer::new().any(EntryType::Symlink, b"etc/link", b"x", body),
    )
}

/// Links that point out of the image, and files below and through them: all of it is data, and
/// nothing outside may be touched.
#[must_use]
pub fn links_outside() -> Family {
    family(
        "links-outside",
        Layer::new()
            .symlink("etc/host", "/etc/hostname")
            .symlink("etc/up", "../../../../../../etc/hostname")
            .symlink("escape", "/../../../../tmp")
            .file("escape/longshore-escaped", "this belongs into the image\n")
            .symlink("usr/abs", "/etc")
            .file("usr/abs/through", "etc/through in the image\n"),
    )
}

/// A file of that many bytes (zeros, which take no room on the disk).
#[must_use]
pub fn file_of_size(bytes: u64) -> Family {
    family(
        "file-of-size",
        Layer::new().file("usr/huge", Content::Zeros(bytes)),
    )
}

/// Some kilobytes of gzip for each mebibyte of zeros in one file.
#[must_use]
pub fn gzip_bomb(bytes: u64) -> Family {
    family("gzip-bomb", Layer::bomb(bytes))
}

/// Layers 1 and 3.
#[must_use]
pub fn gap() -> Family {
    Family::builder("images/gap")
        .add("1", honest())
        .add("3", honest())
        .build()
}

/// Layers 1, 2 and 02.
#[must_use]
pub fn duplicate_number() -> Family {
    let prefix = "images/duplicate-number";
    Family::builder(prefix)
        .add("1", honest())
        .add("2", honest())
        .add("02", honest())
        .build()
}
