//! Arguments that are not understood: told as clap tells them, or as JSON where that was asked for.

use std::ffi::OsString;

use clap::error::ErrorKind;
use longshore_lifecycle::{Class, Failure};

/// Whether arguments that could not be parsed ask for JSON all the same.
pub(crate) fn asks_for_json(arguments: &[OsString]) -> bool {
    let words: Vec<&str> = arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_str().unwrap_or_default())
        .take_while(|word| *word != "--")
        .collect();
    words
        .windows(2)
        .any(|pair| matches!(pair, ["-o" | "--output", "json"]))
        || words
            .iter()
            .any(|word| matches!(*word, "-ojson" | "-o=json" | "--output=json"))
}

/// Whether the "error" is help or a version that was asked for.
pub(crate) fn is_answer(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    )
}

/// The error as a failure: what is wrong, and clap's advice as the hint.
pub(crate) fn failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
    let (message, advice) = text.split_once("\n\n").unwrap_or((text, ""));
    let failure = Failure::new(Class::Usage, "usage", message.trim());
    if advice.is_empty() {
        failure
    } else {
        failure.hint(advice.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_heard_in_every_spelling() {
        let asks =
            |words: &str| asks_for_json(&words.split(' ').map(OsString::from).collect::<Vec<_>>());
        for words in [
            "longshore -o json lst",
            "longshore lst --output json",
            "longshore lst -ojson",
        ] {
            assert!(asks(words), "{words}");
        }
        assert!(asks("longshore --output=json x"));
        for words in [
            "longshore -o table",
            "longshore json",
            "longshore x -- -o json",
        ] {
            assert!(!asks(words), "{words}");
        }
    }
}
