//! What Go's linker writes into an executable about what it is made of (debug/buildinfo,
//! cmd/go/internal/modload): the version of Go, and the modules with their versions.

use super::elf::{Budget, Elf, Range, number};
use crate::inventory::{InventoryLimits, problem::Problem};

/// What the information begins with, at an address that [`STEP`] divides.
const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
const STEP: usize = 16;
/// Bytes of what stands before the first text: the magic, the size of a pointer, flags and, before
/// Go 1.18, two pointers.
const HEADER: usize = 32;
/// Where the size of a pointer and the flags end, and the pointers begin.
const POINTERS: usize = 16;
const FLAG_BIG_ENDIAN: u8 = 1;
/// The texts follow the header (since Go 1.18).
const FLAG_INLINE: u8 = 2;

/// What is searched at once; a multiple of the alignment.
const PIECE: usize = 64 << 10;
/// Bytes of the version of Go; real ones have less than 100.
const VERSION_BYTES: u64 = 1 << 10;
/// Bytes of the marks before and after the lines about modules.
const MARK: usize = 16;

/// What an executable says that it is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Modules {
    /// Paths and versions, the standard library as `stdlib`.
    pub(super) modules: Vec<(String, String)>,
    /// Whether that is all: not, where it was built without modules (Debian's own packages, Bazel), and
    /// nothing but the version of Go is known.
    pub(super) complete: bool,
}

/// Reads what Go's linker has written, if it was Go's.
///
/// # Errors
/// Where it begins like what Go writes, and is not.
pub(super) fn modules(
    elf: &Elf<'_>,
    budget: &mut Budget,
    limits: &InventoryLimits,
) -> Result<Option<Modules>, Problem> {
    let section = elf.section(".go.buildinfo");
    for range in section.into_iter().chain(elf.data()) {
        if let Some(offset) = find(elf, &range, budget)? {
            let (version, lines) = texts(elf, offset, budget, limits)?;
            return parse(&version, &lines).map(Some);
        }
    }
    Ok(None)
}

/// Where in the file the information begins, if it is in a range.
fn find(elf: &Elf<'_>, range: &Range, budget: &mut Budget) -> Result<Option<u64>, Problem> {
    // Addresses are aligned, and offsets only so far as they follow them.
    let skipped = range.address.wrapping_neg() % STEP as u64;
    let end = range.offset.saturating_add(range.len).min(elf.file.size());
    let mut at = range.offset.saturating_add(skipped);
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(PIECE);
        let piece = budget.read(elf.file, at, len)?;
        let mut steps = piece.chunks(STEP);
        if let Some(step) = steps.position(|step| step.starts_with(MAGIC)) {
            return Ok(Some(at + (step * STEP) as u64));
        }
        at += len as u64;
    }
    Ok(None)
}

/// The version of Go and the lines about modules.
fn texts(
    elf: &Elf<'_>,
    offset: u64,
    budget: &mut Budget,
    limits: &InventoryLimits,
) -> Result<(String, String), Problem> {
    let header = budget.read(elf.file, offset, HEADER)?;
    let [.., pointer, flags] = header.get(..POINTERS).unwrap_or_default() else {
        return Err(Problem::wrong("its information of Go is cut off"));
    };
    let (version, lines) = if flags & FLAG_INLINE != 0 {
        let from = offset.saturating_add(HEADER as u64);
        let (version, next) = inline(elf, from, VERSION_BYTES, budget)?;
        (
            version,
            inline(elf, next, limits.build_info_bytes, budget)?.0,
        )
    } else {
        let len = match pointer {
            4 | 8 => usize::from(*pointer),
            _ => {
                return Err(Problem::wrong(
                    "its information of Go has pointers of no size",
                ));
            }
        };
        let far = |nth: usize, most: u64, budget: &mut Budget| {
            let big_endian = flags & FLAG_BIG_ENDIAN != 0;
            let address = |bytes: &[u8], at: usize| number(bytes, at, len, big_endian);
            let text = address(&header, POINTERS + nth * len)?;
            if text == 0 {
                return Ok(Vec::new());
            }
            // A text of Go is a pointer and a length.
            let text = elf.offset_of(text, 2 * len as u64)?;
            let text = budget.read(elf.file, text, 2 * len)?;
            let (begin, bytes) = (address(&text, 0)?, address(&text, len)?);
            text_at(elf, elf.offset_of(begin, bytes)?, bytes, most, budget)
        };
        let version = far(0, VERSION_BYTES, budget)?;
        (version, far(1, limits.build_info_bytes, budget)?)
    };
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| Problem::wrong("its information of Go is no UTF-8"))
    };
    Ok((text(version)?, text(unmarked(lines))?))
}

/// A text after its length, and what comes after it.
fn inline(
    elf: &Elf<'_>,
    offset: u64,
    most: u64,
    budget: &mut Budget,
) -> Result<(Vec<u8>, u64), Problem> {
    let begin = budget.read(elf.file, offset, 10)?;
    let mut len: u64 = 0;
    let mut used = 0;
    for byte in &begin {
        // Seven bits each, the lowest first; more than nine of them are no length.
        if used == 9 {
            break;
        }
        len |= u64::from(byte & 0x7f) << (7 * used);
        used += 1;
        if byte & 0x80 == 0 {
            let from = offset.saturating_add(used);
            let text = text_at(elf, from, len, most, budget)?;
            return Ok((text, from.saturating_add(len)));
        }
    }
    Err(Problem::wrong(
        "a text of its information of Go has no length",
    ))
}

fn text_at(
    elf: &Elf<'_>,
    offset: u64,
    len: u64,
    most: u64,
    budget: &mut Budget,
) -> Result<Vec<u8>, Problem> {
    let cut_off = || Problem::wrong("a text of its information of Go is cut off");
    if len > elf.file.size() {
        return Err(cut_off());
    }
    if len > most {
        return Err(Problem::Limit(format!(
            "its information of Go has {len} bytes, and at most {most} are read"
        )));
    }
    let len = usize::try_from(len).map_err(|_| cut_off())?;
    let text = budget.read(elf.file, offset, len)?;
    if text.len() < len {
        return Err(cut_off());
    }
    Ok(text)
}

/// The lines about modules without the marks around them; nothing where they are not there.
fn unmarked(mut lines: Vec<u8>) -> Vec<u8> {
    let inside = lines.len().checked_sub(MARK);
    match inside {
        Some(end) if end > MARK && lines[end - 1] == b'\n' => {
            lines.truncate(end);
            lines.split_off(MARK)
        }
        _ => Vec::new(),
    }
}

/// Lines of words with tabs between them: `mod`, `dep` and, for what stands in the place of the one
/// before, `=>`; then a path, a version and a sum.
fn parse(version: &str, lines: &str) -> Result<Modules, Problem> {
    let mut modules: Vec<(String, Option<String>)> = Vec::new();
    let mut complete = false;
    for line in lines.lines() {
        let mut words = line.split('\t');
        let kind = words.next().unwrap_or_default();
        if !["mod", "dep", "=>"].contains(&kind) {
            continue;
        }
        complete = true;
        let path = words.next().unwrap_or_default();
        let version = words.next().unwrap_or_default();
        if path.is_empty() || [path, version].iter().any(|it| it.contains(is_odd)) {
            return Err(Problem::wrong("a line about its modules is not understood"));
        }
        // What was built from a directory has no version.
        let version = (!["", "(devel)"].contains(&version)).then(|| version.to_owned());
        let module = (path.to_owned(), version);
        match (kind, modules.last_mut()) {
            ("=>", None) => return Err(Problem::wrong("a module stands in the place of none")),
            // From a directory: what it was before it was changed there is the most that is known.
            ("=>", Some(_)) if module.1.is_none() => {}
            ("=>", Some(before)) => *before = module,
            _ => modules.push(module),
        }
    }
    let with_version = |(path, version): (String, Option<String>)| Some((path, version?));
    let mut modules: Vec<_> = modules.into_iter().filter_map(with_version).collect();
    modules.push(("stdlib".to_owned(), stdlib(version)?));
    Ok(Modules { modules, complete })
}

/// What no path and no version has.
fn is_odd(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// `go1.24.4` as a version; what comes after a blank says how it was built. What was built from Go's
/// repository is `devel`, with what it is to become or without, and is older than that.
fn stdlib(version: &str) -> Result<String, Problem> {
    let mut words = version.split_whitespace();
    let first = words.next().unwrap_or_default();
    let word = match first {
        "devel" => words
            .next()
            .filter(|word| word.starts_with("go"))
            .unwrap_or(first),
        first => first,
    };
    let number = word.strip_prefix("go").unwrap_or(word);
    if number.is_empty() || number.contains(is_odd) {
        return Err(Problem::wrong("its information of Go has no version"));
    }
    Ok(number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(version: &str, lines: &str) -> Vec<String> {
        let modules = parse(version, lines).expect("it is well formed").modules;
        modules
            .into_iter()
            .map(|(path, version)| format!("{path}@{version}"))
            .collect()
    }

    #[test]
    fn modules_are_those_that_were_linked() {
        let lines = "path\texample.com/cmd\nmod\texample.com\t(devel)\t\n\
                     dep\tgolang.org/x/net\tv0.1.0\th1:x=\n\
                     dep\tgithub.com/old/a\tv1.0.0\n=>\tgithub.com/new/a\tv1.2.0\th1:y=\n\
                     dep\tgithub.com/b/b\tv3.0.0\n=>\t./b\t(devel)\t\n\
                     dep\tgithub.com/c/c\t(devel)\nbuild\t-compiler=gc\n";
        assert_eq!(
            parsed("go1.24.4", lines),
            [
                "golang.org/x/net@v0.1.0",
                "github.com/new/a@v1.2.0",
                "github.com/b/b@v3.0.0",
                "stdlib@1.24.4"
            ]
        );
        let installed = "mod\texample.com\tv1.2.3\th1:x=\n";
        assert_eq!(
            parsed("go1.20", installed),
            ["example.com@v1.2.3", "stdlib@1.20"]
        );
    }

    #[test]
    fn every_form_of_gos_version_is_one() {
        for (version, expected) in [
            ("go1.24.4", Some("1.24.4")),
            ("go1.22rc1", Some("1.22rc1")),
            ("go1.22.1 X:nocoverageredesign", Some("1.22.1")),
            ("devel go1.25-abcdef Mon Jan 1", Some("1.25-abcdef")),
            ("devel +abcdef Mon", Some("devel")),
            ("", None),
            ("go", None),
            ("go1\0", None),
        ] {
            assert_eq!(stdlib(version).ok().as_deref(), expected, "{version}");
        }
    }

    #[test]
    fn without_lines_about_modules_it_is_not_complete() {
        let modules = parse("go1.13", "").expect("it is well formed");
        assert_eq!(modules.modules.len(), 1);
        for (lines, complete) in [
            ("", false),
            // As Debian builds runc: none of the modules in it is named.
            (
                "path\tgithub.com/opencontainers/runc\nbuild\t-compiler=gc\n",
                false,
            ),
            ("mod\tx\t(devel)\n", true),
            ("dep\tx\tv1.0.0\n", true),
        ] {
            let modules = parse("go1.19.8", lines).expect("it is well formed");
            assert_eq!(modules.complete, complete, "{lines}");
        }
    }

    #[test]
    fn lines_that_are_not_understood_are_an_error() {
        for lines in [
            "dep\n",
            "dep\t\tv1\n",
            "=>\ta\tv1\n",
            "dep\ta b\tv1\n",
            "dep\ta\tv 1\n",
            "dep\ta\tv1\0\n",
            "dep\ta\x1b\tv1\n",
        ] {
            assert!(parse("go1.24", lines).is_err(), "{lines}");
        }
    }
}
