//! One case: layers, and what must become of the last of them.

use longshore_image::{
    Code, Counters, Limits, ListingContent, ListingRow, Name, Rejected, Timestamp,
};

use crate::builder::{Head, Image, Tar};

/// Layers, and what must become of the last of them.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    /// The layers below, which are accepted.
    pub(crate) below: Vec<Vec<u8>>,
    pub(crate) layer: Vec<u8>,
    pub(crate) expected: Expected,
}

#[derive(Debug, Clone)]
pub(crate) enum Expected {
    Rejected {
        code: Code,
        /// The entry, as it is shown.
        entry: Option<String>,
        /// What rejects it where the rule is switched off: for most cases nothing.
        otherwise: Option<Code>,
    },
    Accepted {
        counters: Box<Counters>,
        /// One line a path, as [`rows`] writes them.
        tree: Vec<String>,
    },
}

/// What became of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Rejected(Code, Option<String>),
    Accepted(Box<Counters>, Vec<String>),
}

/// Archives as cases are given them.
pub(crate) trait Stored {
    fn stored(self) -> Vec<u8>;
}

impl Stored for Tar {
    fn stored(self) -> Vec<u8> {
        self.end()
    }
}

impl Stored for Vec<u8> {
    fn stored(self) -> Vec<u8> {
        self
    }
}

/// A case that is rejected, at no entry unless [`Case::at`] says so.
pub(crate) fn refused(code: Code, name: impl Into<String>, layer: impl Stored) -> Case {
    let expected = Expected::Rejected {
        code,
        entry: None,
        otherwise: None,
    };
    Case::new(name, layer, expected)
}

/// A case that is accepted: an empty tree and nothing counted, unless it says otherwise.
pub(crate) fn accepted(name: impl Into<String>, layer: impl Stored) -> Case {
    let expected = Expected::Accepted {
        counters: Box::default(),
        tree: Vec::new(),
    };
    Case::new(name, layer, expected)
}

impl Case {
    fn new(name: impl Into<String>, layer: impl Stored, expected: Expected) -> Self {
        Self {
            name: name.into(),
            limits: Limits::default(),
            below: Vec::new(),
            layer: layer.stored(),
            expected,
        }
    }

    /// The entry that it is rejected at.
    pub(crate) fn at(mut self, shown: impl Into<String>) -> Self {
        if let Expected::Rejected { entry, .. } = &mut self.expected {
            *entry = Some(shown.into());
        }
        self
    }

    /// The rule that rejects it without its own.
    pub(crate) fn or_else(mut self, code: Code) -> Self {
        if let Expected::Rejected { otherwise, .. } = &mut self.expected {
            *otherwise = Some(code);
        }
        self
    }

    /// One more layer below it.
    pub(crate) fn on(mut self, below: impl Stored) -> Self {
        self.below.push(below.stored());
        self
    }

    pub(crate) fn limited(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// What is counted.
    pub(crate) fn counts(mut self, change: impl FnOnce(&mut Counters)) -> Self {
        if let Expected::Accepted { counters, .. } = &mut self.expected {
            change(counters);
        }
        self
    }

    /// The tree that it makes.
    pub(crate) fn tree(mut self, rows: &[&str]) -> Self {
        if let Expected::Accepted { tree, .. } = &mut self.expected {
            *tree = rows.iter().map(|row| (*row).to_owned()).collect();
        }
        self
    }

    /// Its code, if it is to be rejected.
    pub(crate) fn code(&self) -> Option<Code> {
        match self.expected {
            Expected::Rejected { code, .. } => Some(code),
            Expected::Accepted { .. } => None,
        }
    }

    /// What must become of it.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.expected.clone() {
            Expected::Rejected { code, entry, .. } => Outcome::Rejected(code, entry),
            Expected::Accepted { counters, tree } => Outcome::Accepted(counters, tree),
        }
    }

    /// What becomes of it.
    pub(crate) fn run(&self) -> Outcome {
        let mut image = Image::new();
        image.limits = self.limits.clone();
        let mut below = self.below.iter();
        let result = below
            .try_for_each(|layer| image.layer(&layer[..]).map(|_| ()))
            .and_then(|()| image.layer(&self.layer[..]));
        match result {
            Ok(report) => Outcome::Accepted(Box::new(report.counters), rows(&image)),
            Err(Rejected { code, entry, .. }) => {
                Outcome::Rejected(code, entry.as_ref().map(Name::to_string))
            }
        }
    }
}

pub(crate) fn file(name: &str) -> Head {
    Head::new(b'0', name.as_bytes())
}

/// An archive of one header.
pub(crate) fn one(head: &Head) -> Tar {
    Tar::new().put(head, b"")
}

/// An archive of an extended header and an empty file `a`.
pub(crate) fn with_records(records: &[(&str, &[u8])]) -> Tar {
    Tar::new().pax(records).file("a", b"")
}

/// The name of an extended header.
pub(crate) const PAX: &str = "PaxHeaders/x";
/// The name of a GNU long name.
pub(crate) const LONG: &str = "././@LongLink";

/// The tree, one line a path; the root only if something of it was set.
pub(crate) fn rows(image: &Image) -> Vec<String> {
    let untouched = "/ dir 755";
    let listing = image.listing();
    let rows = listing.iter().map(|(path, row)| {
        let shown = Name::from(path.as_slice()).to_string();
        written(image, &shown, row)
    });
    rows.filter(|row| row != untouched).collect()
}

/// `PATH KIND MODE CONTENT OWNER:GROUP @TIME = FIRST-LINK {NAME=VALUE}`, without what is usual.
fn written(image: &Image, path: &str, row: &ListingRow) -> String {
    let mode = row.mode;
    let mut text = match &row.content {
        ListingContent::Directory => format!("{path} dir {mode:o}"),
        ListingContent::Symlink(target) => format!("{path} -> {target}"),
        ListingContent::CharDevice(it) => format!("{path} char {}:{} {mode:o}", it.major, it.minor),
        ListingContent::BlockDevice(it) => {
            format!("{path} block {}:{} {mode:o}", it.major, it.minor)
        }
        ListingContent::Fifo => format!("{path} fifo {mode:o}"),
        ListingContent::File { size: 0, .. } => format!("{path} file {mode:o}"),
        ListingContent::File { size, .. } => match image.tree.content(&path[1..]) {
            Some(body) if *size <= 16 => {
                format!("{path} file {mode:o} {}", body.escape_ascii())
            }
            _ => format!("{path} file {mode:o} #{size}"),
        },
    };
    if (row.uid, row.gid) != (0, 0) {
        text += &format!(" {}:{}", row.uid, row.gid);
    }
    if row.mtime != Timestamp::default() {
        text += &format!(" @{}", row.mtime.seconds);
        if row.mtime.nanoseconds > 0 {
            text += &format!(".{:09}", row.mtime.nanoseconds);
        }
    }
    if let Some(first) = row.link_group.as_ref().map(Name::to_string)
        && first != path
    {
        text += &format!(" = {first}");
    }
    for (name, value) in &row.xattrs {
        text += &format!(" {{{name}={value}}}");
    }
    text
}
