//! Extended attributes: which are kept, and how they are spelt.

use longshore_image::Code;

use super::case::{Case, PAX, accepted, refused, with_records};

pub(crate) fn cases() -> Vec<Case> {
    [names(), values(), capabilities(), room(), kept()].concat()
}

fn schily(name: &str, value: &[u8]) -> crate::builder::Tar {
    with_records(&[(&format!("SCHILY.xattr.{name}"), value)])
}

fn libarchive(name: &str, value: &[u8]) -> crate::builder::Tar {
    with_records(&[(&format!("LIBARCHIVE.xattr.{name}"), value)])
}

fn names() -> Vec<Case> {
    let code = Code::XattrName;
    let long = format!("user.{}", "n".repeat(251));
    let longest = format!("user.{}", "n".repeat(250));
    vec![
        refused(code, "an attribute without a name", schily("", b"x")).at(PAX),
        refused(code, "an attribute user.", schily("user.", b"x")).at(PAX),
        refused(
            code,
            "an attribute's name of 256 bytes",
            schily(&long, b"x"),
        )
        .at(PAX),
        refused(
            code,
            "a libarchive name without a name",
            libarchive("", b"eA"),
        )
        .at(PAX),
        refused(
            code,
            "a libarchive name with a NUL",
            libarchive("user.a%00b", b"eA"),
        )
        .at(PAX),
        accepted("an attribute's name of 255 bytes", schily(&longest, b"x"))
            .tree(&[&format!("/a file 644 {{{longest}=x}}")]),
    ]
}

fn values() -> Vec<Case> {
    let code = Code::PaxValue;
    let bad = [
        ("user.a%3", "eA"),
        ("user.a%zz", "eA"),
        ("user.a%", "eA"),
        ("user.a", "A"),
        ("user.a", "A!"),
        ("user.a", "eA==="),
        ("user.a", "e A="),
    ];
    let case = |(name, value): (&str, &str)| {
        let what = format!("libarchive's {name}={value}");
        refused(code, what, libarchive(name, value.as_bytes())).at(PAX)
    };
    bad.into_iter().map(case).collect()
}

fn revision(word: u32, length: usize) -> Vec<u8> {
    let mut value = word.to_le_bytes().to_vec();
    value.resize(length, 0);
    value
}

fn capabilities() -> Vec<Case> {
    let code = Code::Capability;
    let capability = |value: &[u8]| schily("security.capability", value);
    let shown = |word: u32, length: usize| {
        let name = longshore_image::Name::from(revision(word, length));
        format!("/a file 644 {{security.capability={name}}}")
    };
    let bad = [
        ("none", 0, 0),
        ("cut", 0x0200_0000, 19),
        ("too long", 0x0200_0000, 21),
        ("of revision 0", 0, 20),
        ("of revision 4", 0x0400_0000, 24),
        ("with another length", 0x0300_0000, 20),
        ("with an unknown flag", 0x0200_0002, 20),
    ];
    let mut cases: Vec<_> = bad
        .into_iter()
        .map(|(what, word, length)| {
            let name = format!("a capability {what}");
            refused(code, name, capability(&revision(word, length))).at(PAX)
        })
        .collect();
    for (word, length) in [(0x0100_0000, 12), (0x0200_0001, 20), (0x0300_0001, 24)] {
        let name = format!("a capability of {length} bytes");
        let case = accepted(name, capability(&revision(word, length)));
        cases.push(case.tree(&[&shown(word, length)]));
    }
    cases.push(
        accepted(
            "a capability as libarchive spells it",
            libarchive("security.capability", b"AQAAAgAAAAAAAAAAAAAAAAAAAAA"),
        )
        .tree(&[&shown(0x0200_0001, 20)]),
    );
    cases
}

fn room() -> Vec<Case> {
    let (many, large) = (Code::XattrTooMany, Code::XattrTooLarge);
    let three: [(&str, &[u8]); 3] = [
        ("SCHILY.xattr.user.a", b"1"),
        ("SCHILY.xattr.user.b", b"2"),
        ("SCHILY.xattr.user.c", b"3"),
    ];
    let mixed: [(&str, &[u8]); 3] = [three[0], ("LIBARCHIVE.xattr.user.b", b"Mg"), three[2]];
    // 16 bytes, and 8 of the name: 4,064 with this value.
    let most = vec![0; 4_064 - 24];
    let more = vec![0; 4_064 - 23];
    vec![
        refused(
            many,
            "three attributes, of which two are allowed",
            with_records(&three),
        )
        .limited(|limits| limits.xattrs = 2)
        .at("a"),
        refused(
            many,
            "three attributes in two spellings",
            with_records(&mixed),
        )
        .limited(|limits| limits.xattrs = 2)
        .at("a"),
        refused(large, "an attribute over a block", schily("user.a", &more)).at("a"),
        refused(
            large,
            "three attributes over a limit that is set",
            with_records(&three),
        )
        .limited(|limits| limits.xattr_bytes = 83)
        .at("a"),
        accepted(
            "three attributes, of which three are allowed",
            with_records(&three),
        )
        .limited(|limits| (limits.xattrs, limits.xattr_bytes) = (3, 84))
        .tree(&["/a file 644 {user.a=1} {user.b=2} {user.c=3}"]),
        accepted("an attribute of a whole block", schily("user.aaa", &most)).tree(&[&format!(
            "/a file 644 {{user.aaa={}}}",
            "\\x00".repeat(most.len())
        )]),
    ]
}

fn kept() -> Vec<Case> {
    let plain = ["/a file 644"];
    let dropped = |name: &str| {
        accepted(format!("the attribute {name}"), schily(name, b"y"))
            .counts(|it| it.xattrs_dropped = 1)
            .tree(&plain)
    };
    vec![
        accepted("an attribute of odd bytes", schily("user.a", b"\0\n="))
            .tree(&["/a file 644 {user.a=\\x00\\x0a=}"]),
        accepted("an attribute without a value", schily("user.a", b""))
            .tree(&["/a file 644 {user.a=}"]),
        accepted(
            "libarchive's spelling",
            libarchive("user.b%20c", b"dmFsdWU"),
        )
        .tree(&["/a file 644 {user.b c=value}"]),
        accepted(
            "libarchive's spelling, padded",
            libarchive("user.b", b"YQ=="),
        )
        .tree(&["/a file 644 {user.b=a}"]),
        dropped("trusted.overlay.opaque"),
        dropped("security.selinux"),
        dropped("com.apple.quarantine"),
        dropped("system.nfs4_acl"),
    ]
}
