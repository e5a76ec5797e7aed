//! What is on a disk, as `ls -l` lays it out.

use longshore_lifecycle::{Exported, Listing, PathReport};

use super::{Document, Page, bytes, quantity::harmless};

impl Document for Listing {
    fn text(&self, _page: &Page) -> String {
        let rows: Vec<[String; 6]> = self.entries.iter().map(cells).collect();
        let width = |column: usize| {
            let lengths = rows.iter().map(|row| row[column].chars().count());
            lengths.max().unwrap_or(0)
        };
        let widths = [1, 2, 3, 4].map(width);
        rows.iter()
            .map(|[mode, links, uid, gid, size, rest]| {
                let [w1, w2, w3, w4] = widths;
                format!("{mode} {links:>w1$} {uid:>w2$} {gid:>w3$} {size:>w4$} {rest}\n")
            })
            .collect()
    }

    /// The names, a line each.
    fn word(&self) -> Option<String> {
        let names: Vec<&str> = self.entries.iter().map(|entry| &*entry.name).collect();
        (!names.is_empty()).then(|| names.join("\n"))
    }
}

impl Document for Exported {
    fn text(&self, _page: &Page) -> String {
        let plural = if self.entries == 1 { "y" } else { "ies" };
        let target = harmless(&self.target);
        format!(
            "{target}: {} entr{plural}, {}\n",
            self.entries,
            bytes(self.bytes)
        )
    }

    fn word(&self) -> Option<String> {
        None
    }
}

/// Mode, links, owner, group, size or device, and the rest of the line.
fn cells(entry: &PathReport) -> [String; 6] {
    let size = match entry.device {
        Some((major, minor)) => format!("{major}, {minor}"),
        None => entry.size.to_string(),
    };
    let time = jiff::Timestamp::from_second(entry.mtime).map_or_else(
        |_| format!("@{}", entry.mtime),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    );
    let rest = match &entry.target {
        Some(target) => format!("{time} {} -> {target}", entry.name),
        None => format!("{time} {}", entry.name),
    };
    [
        mode(entry),
        entry.links.to_string(),
        entry.uid.to_string(),
        entry.gid.to_string(),
        size,
        rest,
    ]
}

/// Type and permissions in ten letters.
fn mode(entry: &PathReport) -> String {
    let kind = match entry.kind {
        "directory" => 'd',
        "symlink" => 'l',
        "char-device" => 'c',
        "block-device" => 'b',
        "fifo" => 'p',
        "socket" => 's',
        _ => '-',
    };
    let mut text = String::from(kind);
    // The bit that set-user-id, set-group-id and sticky put in place of each execute bit.
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = entry.mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, entry.mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &'static str, bits: u16) -> PathReport {
        PathReport {
            name: "name".into(),
            kind,
            mode: bits,
            links: 1,
            uid: 0,
            gid: 1000,
            size: 5,
            mtime: 1_700_000_000,
            mtime_nanos: 0,
            target: None,
            device: None,
        }
    }

    #[test]
    fn modes_are_those_of_ls() {
        for (kind, bits, expected) in [
            ("file", 0o644, "-rw-r--r--"),
            ("file", 0o6755, "-rwsr-sr-x"),
            ("file", 0o6644, "-rwSr-Sr--"),
            ("directory", 0o1777, "drwxrwxrwt"),
            ("directory", 0o1776, "drwxrwxrwT"),
            ("symlink", 0o777, "lrwxrwxrwx"),
        ] {
            assert_eq!(mode(&entry(kind, bits)), expected);
        }
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut null = entry("char-device", 0o666);
        null.device = Some((1, 3));
        let mut link = entry("symlink", 0o777);
        link.target = Some("there".into());
        let listing = Listing {
            target: "./disk".into(),
            path: "/".into(),
            entries: vec![null, link],
        };
        let page = Page {
            width: None,
            now: 0,
        };
        assert_eq!(
            listing.text(&page),
            "crw-rw-rw- 1 0 1000 1, 3 2023-11-14T22:13:20Z name\n\
             lrwxrwxrwx 1 0 1000    5 2023-11-14T22:13:20Z name -> there\n"
        );
        assert_eq!(listing.word().as_deref(), Some("name\nname"));
    }
}
