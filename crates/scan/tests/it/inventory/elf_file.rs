//! Makes ELF files with what Go's linker writes into them, and without.

/// How one is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// 64 bits, not 32.
    pub(crate) wide: bool,
    pub(crate) big_endian: bool,
    /// The texts follow the header, as since Go 1.18; else pointers lead to them.
    pub(crate) inline: bool,
    /// The names of sections are there, which stripping may take away.
    pub(crate) sections: bool,
}

impl Shape {
    pub(crate) const MODERN: Self = Self {
        wide: true,
        big_endian: false,
        inline: true,
        sections: true,
    };
}

const ADDRESS: usize = 0x40_0000;
/// Where the data begins, and the information in it: not at its begin.
const DATA: usize = 0x100;
const INFORMATION: usize = 0x140;

/// An ELF file that a Go toolchain of this version has linked out of these modules.
pub(crate) fn go(shape: Shape, version: &str, lines: &str) -> Vec<u8> {
    let lines = [&[0x30; 16], lines.as_bytes(), &[0xf9; 16]].concat();
    let information = information(shape, version.as_bytes(), &lines);
    elf(shape, Some(&information))
}

/// An ELF file that says nothing about itself.
pub(crate) fn plain(shape: Shape) -> Vec<u8> {
    elf(shape, None)
}

fn information(shape: Shape, version: &[u8], lines: &[u8]) -> Vec<u8> {
    let pointer = if shape.wide { 8 } else { 4 };
    let flags = u8::from(shape.big_endian) | if shape.inline { 2 } else { 0 };
    let mut bytes = b"\xff Go buildinf:".to_vec();
    bytes.extend([u8::try_from(pointer).expect("it is 4 or 8"), flags]);
    if shape.inline {
        bytes.resize(32, 0);
        for text in [version, lines] {
            let mut left = text.len();
            while left >= 0x80 {
                bytes.push(u8::try_from(left & 0x7f).expect("seven bits") | 0x80);
                left >>= 7;
            }
            bytes.push(u8::try_from(left).expect("seven bits"));
            bytes.extend(text);
        }
        return bytes;
    }
    // Pointers to two texts, each a pointer and a length; then these, then their bytes.
    let at = |offset: usize| ADDRESS + INFORMATION + offset;
    let (heads, begin) = (32, 32 + 4 * pointer);
    for value in [at(heads), at(heads + 2 * pointer)] {
        bytes.extend(shape.address(value));
    }
    bytes.resize(32, 0);
    for value in [
        at(begin),
        version.len(),
        at(begin + version.len()),
        lines.len(),
    ] {
        bytes.extend(shape.address(value));
    }
    bytes.extend(version);
    bytes.extend(lines);
    bytes
}

fn elf(shape: Shape, information: Option<&[u8]>) -> Vec<u8> {
    let names = b"\0.go.buildinfo\0.shstrtab\0";
    let (header, program_header, section_header) = if shape.wide {
        (64, 56, 64)
    } else {
        (52, 32, 40)
    };
    let information = information.unwrap_or_default();
    let names_at = INFORMATION + information.len();
    let tables = (names_at + names.len()).next_multiple_of(8);
    let data_len = names_at - DATA;

    let mut bytes = b"\x7fELF".to_vec();
    bytes.extend([1 + u8::from(shape.wide), 1 + u8::from(shape.big_endian), 1]);
    bytes.resize(16, 0);
    for half in [2, 62] {
        bytes.extend(shape.half(half));
    }
    bytes.extend(shape.word(1));
    let sections = if shape.sections { tables } else { 0 };
    for address in [ADDRESS, header, sections] {
        bytes.extend(shape.address(address));
    }
    bytes.extend(shape.word(0));
    let (count, names_section) = if shape.sections { (3, 2) } else { (0, 0) };
    for half in [
        header,
        program_header,
        1,
        section_header,
        count,
        names_section,
    ] {
        bytes.extend(shape.half(half));
    }
    let place = [DATA, ADDRESS + DATA, ADDRESS + DATA, data_len, data_len];
    bytes.extend(shape.word(1));
    if shape.wide {
        bytes.extend(shape.word(6));
    }
    place
        .iter()
        .for_each(|value| bytes.extend(shape.address(*value)));
    if !shape.wide {
        bytes.extend(shape.word(6));
    }
    bytes.extend(shape.address(16));
    bytes.resize(INFORMATION, 0);
    bytes.extend(information);
    bytes.extend(names);
    if !shape.sections {
        return bytes;
    }
    bytes.resize(tables, 0);
    bytes.resize(tables + section_header, 0);
    let own = [ADDRESS + INFORMATION, INFORMATION, information.len()];
    for (name, kind, place) in [(1, 1, own), (15, 3, [0, names_at, names.len()])] {
        bytes.extend(shape.word(name));
        bytes.extend(shape.word(kind));
        bytes.extend(shape.address(3));
        place
            .iter()
            .for_each(|value| bytes.extend(shape.address(*value)));
        bytes.extend([shape.word(0), shape.word(0)].concat());
        bytes.extend([shape.address(16), shape.address(0)].concat());
    }
    bytes
}

impl Shape {
    fn half(self, value: usize) -> Vec<u8> {
        self.number(value, 2)
    }

    fn word(self, value: usize) -> Vec<u8> {
        self.number(value, 4)
    }

    fn address(self, value: usize) -> Vec<u8> {
        self.number(value, if self.wide { 8 } else { 4 })
    }

    fn number(self, value: usize, len: usize) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..len].to_vec();
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }
}
