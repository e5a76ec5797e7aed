//! What debugfs prints of one inode, as a node.

use crate::manifest::{Kind, Node, Xattrs};

/// An inode without what is read from its blocks.
#[derive(Debug)]
pub(super) struct Described {
    /// For a file without its hash, for a slow link without its target, always without attributes.
    pub(super) node: Node,
    pub(super) size: u64,
    /// A symbolic link whose target is in a block.
    pub(super) slow_link: bool,
    /// The names of its extended attributes.
    pub(super) xattrs: Vec<String>,
}

/// Reads the output of `stat`; `None` if it is not understood.
pub(super) fn describe(output: &[u8]) -> Option<Described> {
    // The target of a link may be any bytes; everything else is text.
    let text = String::from_utf8_lossy(output);
    let word = |label: &str| {
        let rest = &text[text.find(label)? + label.len()..];
        rest.split_whitespace().next()
    };
    let number = |label| word(label)?.parse::<u64>().ok();
    let size = number(" Size: ")?;
    let fast = fast_link(output, size);
    let kind = match word("Type:")? {
        "regular" => Kind::File {
            size,
            sha256: [0; 32],
        },
        "directory" => Kind::Directory,
        "symlink" => Kind::Symlink(fast.clone().unwrap_or_default()),
        "character" => device(&text).map(|(major, minor)| Kind::CharDevice(major, minor))?,
        "block" => device(&text).map(|(major, minor)| Kind::BlockDevice(major, minor))?,
        "FIFO" => Kind::Fifo,
        "socket" => Kind::Socket,
        _ => return None,
    };
    let slow_link = matches!(kind, Kind::Symlink(_)) && fast.is_none();
    let node = Node {
        kind,
        mode: u32::from_str_radix(word("Mode:")?, 8).ok()? & 0o7777,
        uid: u32::try_from(number("User:")?).ok()?,
        gid: u32::try_from(number("Group:")?).ok()?,
        mtime: time(word(" mtime: ")?)?,
        xattrs: Xattrs::new(),
        group: None,
    };
    Some(Described {
        node,
        size,
        slow_link,
        xattrs: attributes(&text),
    })
}

/// `0xSSSSSSSS:NNNNNNNN`: the low 32 bits of the seconds, which are signed, and the extra field:
/// two bits of epoch below thirty of nanoseconds (Documentation/filesystems/ext4, "Inode
/// Timestamps").
fn time(field: &str) -> Option<(i64, u32)> {
    let (seconds, extra) = field.strip_prefix("0x")?.split_once(':')?;
    let low = u32::from_str_radix(seconds, 16).ok()?.cast_signed();
    let extra = u32::from_str_radix(extra, 16).ok()?;
    Some((i64::from(low) + (i64::from(extra & 3) << 32), extra >> 2))
}

/// `Device major/minor number: 05:300 (hex 05:12c)`
fn device(text: &str) -> Option<(u32, u32)> {
    let label = "Device major/minor number: ";
    let rest = &text[text.find(label)? + label.len()..];
    let (major, minor) = rest.split_whitespace().next()?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// `Fast link dest: "TARGET"`, where the target is as long as the inode's size says.
fn fast_link(output: &[u8], size: u64) -> Option<Vec<u8>> {
    let label = b"Fast link dest: \"";
    let at = output
        .windows(label.len())
        .position(|window| window == label)?
        + label.len();
    output
        .get(at..at + usize::try_from(size).ok()?)
        .map(<[u8]>::to_vec)
}

/// The lines `  NAME (LENGTH)` or `  NAME (LENGTH) = VALUE` after `Extended attributes:`.
fn attributes(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .skip_while(|line| *line != "Extended attributes:")
        .skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    lines
        .filter_map(|line| Some(line[2..].split_once(" (")?.0.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_epoch_and_nanoseconds() {
        assert_eq!(time("0x6b02cd75:00000000"), Some((0x6b02_cd75, 0)));
        assert_eq!(
            time("0xda616280:1d6f3454"),
            Some((-631_152_000, 123_456_789))
        );
        assert_eq!(time("0x00000000:00000001"), Some((1 << 32, 0)));
        assert_eq!(time("0x6b02cd75"), None);
    }

    #[test]
    fn attributes_are_found_by_their_lines() {
        let text = "Size of extra inode fields: 32\nExtended attributes:\n  user.a (2) = 61 0a \n  \
                    security.capability (20)\nInode checksum: 0x9066af2b\n";
        assert_eq!(attributes(text), ["user.a", "security.capability"]);
    }
}
