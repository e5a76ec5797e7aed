//! A header of rpm, as its database has it: an index of tags, then their values (rpm's format.md,
//! "Header format"; there without the eight bytes of magic).

/// Bytes of one entry of the index: tag, type, offset and count.
const ENTRY: usize = 16;

const TYPE_INT32: u32 = 4;
const TYPE_STRING: u32 = 6;
const TYPE_STRING_ARRAY: u32 = 8;
const TYPE_I18N_STRING: u32 = 9;

/// A header whose lengths are right.
#[derive(Debug)]
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        const WRONG: &str = "its header is not as long as it says";
        let (entries, rest) = bytes.split_first_chunk().ok_or(WRONG)?;
        let (data, rest) = rest.split_first_chunk().ok_or(WRONG)?;
        let index = usize::try_from(u32::from_be_bytes(*entries)).ok();
        let index = index
            .and_then(|entries| entries.checked_mul(ENTRY))
            .ok_or(WRONG)?;
        let (index, rest) = rest.split_at_checked(index).ok_or(WRONG)?;
        if usize::try_from(u32::from_be_bytes(*data)) != Ok(rest.len()) {
            return Err(WRONG);
        }
        Ok(Self { index, data: rest })
    }

    /// The first text of a tag, if it is there.
    ///
    /// # Errors
    /// Where it is not within the header, or no text.
    pub(super) fn text(&self, tag: u32) -> Result<Option<&'a [u8]>, &'static str> {
        let Some((kind, value)) = self.find(tag)? else {
            return Ok(None);
        };
        if ![TYPE_STRING, TYPE_STRING_ARRAY, TYPE_I18N_STRING].contains(&kind) {
            return Err("is no text");
        }
        let end = value.iter().position(|byte| *byte == 0);
        Ok(Some(&value[..end.ok_or("has no end")?]))
    }

    /// The first number of a tag, if it is there.
    ///
    /// # Errors
    /// Where it is not within the header, or no number.
    pub(super) fn number(&self, tag: u32) -> Result<Option<u32>, &'static str> {
        let Some((kind, value)) = self.find(tag)? else {
            return Ok(None);
        };
        if kind != TYPE_INT32 {
            return Err("is no number");
        }
        let four = value.first_chunk().ok_or("is not within the header")?;
        Ok(Some(u32::from_be_bytes(*four)))
    }

    /// The type of a tag, and the values from its own on. The first entry counts: those after it were
    /// added when the package was installed.
    fn find(&self, tag: u32) -> Result<Option<(u32, &'a [u8])>, &'static str> {
        let word = |entry: &[u8], nth: usize| {
            let four = entry[4 * nth..].first_chunk().copied().unwrap_or_default();
            u32::from_be_bytes(four)
        };
        let mut entries = self.index.chunks_exact(ENTRY);
        let Some(entry) = entries.find(|entry| word(entry, 0) == tag) else {
            return Ok(None);
        };
        let offset = usize::try_from(word(entry, 2)).unwrap_or(usize::MAX);
        let value = self.data.get(offset..).ok_or("is not within the header")?;
        if word(entry, 3) == 0 {
            return Err("has no value");
        }
        Ok(Some((word(entry, 1), value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of tag, type, offset and count over some data.
    fn header(entries: &[[u32; 4]], data: &[u8]) -> Vec<u8> {
        let lengths = [entries.len(), data.len()];
        let lengths = lengths.map(|len| u32::try_from(len).expect("a test is small"));
        let words = lengths.iter().chain(entries.iter().flatten());
        let mut bytes: Vec<u8> = words.flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn tags_have_texts_and_numbers() {
        let bytes = header(
            &[
                [1000, 6, 0, 1],
                [1003, 4, 4, 1],
                [1000, 6, 1, 1],
                [9, 7, 0, 1],
            ],
            b"abc\0\0\0\0\x02",
        );
        let header = Header::parse(&bytes).expect("it is whole");
        assert_eq!(header.text(1000), Ok(Some(&b"abc"[..])));
        assert_eq!(header.number(1003), Ok(Some(2)));
        assert_eq!(header.text(1001), Ok(None));
        assert_eq!(header.text(1003), Err("is no text"));
        assert_eq!(header.number(1000), Err("is no number"));
    }

    #[test]
    fn what_points_out_of_it_is_refused() {
        let bytes = header(
            &[
                [1, 6, 9, 1],
                [2, 6, 0, 1],
                [3, 4, 1, 1],
                [4, 6, u32::MAX, 1],
                [5, 6, 0, 0],
            ],
            b"abc",
        );
        let header = Header::parse(&bytes).expect("its lengths are right");
        assert_eq!(header.text(1), Err("is not within the header"));
        assert_eq!(header.text(2), Err("has no end"));
        assert_eq!(header.number(3), Err("is not within the header"));
        assert_eq!(header.text(4), Err("is not within the header"));
        assert_eq!(header.text(5), Err("has no value"));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        let bytes = header(&[[1000, 6, 0, 1]], b"abc\0");
        for len in 0..bytes.len() {
            assert!(Header::parse(&bytes[..len]).is_err(), "{len}");
        }
        assert!(Header::parse(&[&bytes[..], b"x"].concat()).is_err());
        assert!(Header::parse(&[0xff; 40]).is_err());
    }
}
