//! Names within a directory: a single component, so that no name leaves the directory it is in.

use std::io;

/// `name`, if it is one component of a path.
///
/// # Errors
/// `InvalidInput` for an empty name, `.`, `..`, and a name with `/` or NUL.
pub(crate) fn checked(name: &str) -> io::Result<&str> {
    let bad = name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']);
    if bad {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name:?} is not the name of an entry of a directory"),
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_components_pass() {
        for good in ["a", "a.b", "...", ".hidden", " ", "ä"] {
            assert_eq!(checked(good).unwrap(), good);
        }
        for bad in ["", ".", "..", "a/b", "/", "a\0"] {
            let error = checked(bad).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{bad:?}");
        }
    }
}
