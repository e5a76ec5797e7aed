//! Sizes as people write them: `2GiB`, `500MB`, `4096`.

/// Why a text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not a number and a unit.
    #[error("not a size; write it as 2GiB, 500MB or a number of bytes")]
    Form,
    /// A unit that could be either.
    #[error("{0} could be 1000 or 1024 times; write {0}B or {0}iB")]
    Ambiguous(String),
    /// A unit that is none.
    #[error("{0:?} is not a unit of size; they are B, KB, MB, GB, TB and KiB, MiB, GiB, TiB")]
    Unit(String),
    /// More than can be counted.
    #[error("more bytes than can be counted")]
    TooBig,
}

/// Reads a size in bytes: a whole number, and a unit if it is not bytes. `KB` is 1000 bytes, `KiB`
/// 1024 (IEC 80000-13); the case of letters does not count.
pub fn size(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(SizeError::Form);
    }
    let number: u64 = number.parse().map_err(|_| SizeError::TooBig)?;
    let unit = unit.trim_start();
    let bytes: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        "k" | "m" | "g" | "t" => return Err(SizeError::Ambiguous(unit.to_owned())),
        _ if unit.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            return Err(SizeError::Unit(unit.to_owned()));
        }
        _ => return Err(SizeError::Form),
    };
    number.checked_mul(bytes).ok_or(SizeError::TooBig)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_units() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("1B", 1),
            ("500MB", 500_000_000),
            ("2GiB", 2 << 30),
            ("2 gib", 2 << 30),
            (" 3KiB ", 3072),
            ("1TB", 1_000_000_000_000),
            ("1TiB", 1 << 40),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_says_what_one_looks_like() {
        for (text, error) in [
            ("", SizeError::Form),
            ("GiB", SizeError::Form),
            ("-1", SizeError::Form),
            ("1.5GiB", SizeError::Form),
            ("2G", SizeError::Ambiguous("G".into())),
            ("2GiBs", SizeError::Unit("GiBs".into())),
            ("18446744073709551616", SizeError::TooBig),
            ("18446744073709551615KB", SizeError::TooBig),
        ] {
            assert_eq!(size(text), Err(error), "{text}");
        }
    }
}
