//! POSIX ACLs that a kernel would not take, or not there.

use longshore_image::Code;

use super::case::{Case, PAX, accepted, refused};
use crate::acls::{ACCESS, BINARY, DEFAULT, TEXT, binary, with};

pub(crate) fn cases() -> Vec<Case> {
    let changed = |at: usize, byte: u8| {
        let mut value = binary();
        value[at] = byte;
        with(b'0', BINARY, &value)
    };
    let text = |text: &[u8]| with(b'0', ACCESS, text);
    let named = b"u::rwx,u:lisa:rwx,g::---,m::rwx,o::---";
    vec![
        refused(
            Code::Acl,
            "an ACL without others",
            text(b"user::rwx,group::r-x"),
        )
        .at(PAX),
        refused(
            Code::Acl,
            "an ACL with nonsense",
            text(b"u::rwx,g::r-x,o::r-x,nonsense"),
        )
        .at(PAX),
        refused(
            Code::Acl,
            "an ACL with two owners",
            text(b"u::rwx,u::r-x,g::r-x,o::r-x"),
        )
        .at(PAX),
        refused(Code::Acl, "an ACL with an id that is none", {
            text(b"u::rwx,u:a:r-x:4294967295,g::r-x,o::r-x")
        })
        .at(PAX),
        refused(Code::Acl, "an empty default ACL", with(b'5', DEFAULT, b"")).at(PAX),
        refused(
            Code::Acl,
            "a binary ACL of nothing",
            with(b'0', BINARY, b""),
        )
        .at(PAX),
        refused(Code::Acl, "a binary ACL of another version", changed(0, 3)).at(PAX),
        refused(
            Code::Acl,
            "a binary ACL with an unknown tag",
            changed(4, 0x40),
        )
        .at(PAX),
        refused(
            Code::Acl,
            "a binary ACL with unknown permissions",
            changed(6, 8),
        )
        .at(PAX),
        refused(
            Code::Acl,
            "a default ACL on a file",
            with(b'0', DEFAULT, TEXT),
        )
        .at("a"),
        refused(
            Code::Acl,
            "a default ACL on a fifo",
            with(b'6', DEFAULT, TEXT),
        )
        .at("a"),
        refused(Code::Acl, "an ACL on a symlink", with(b'2', ACCESS, TEXT)).at("a"),
        accepted("an ACL of a name without a number", text(named))
            .tree(&["/a file 600"])
            .counts(|counters| counters.acls_dropped = 1),
        accepted("an ACL that is a mode", text(b"u::r--,g::rw-,o::--x")).tree(&["/a file 461"]),
    ]
}
