//! How a monitor is told of a disk.

use longshore_lifecycle::Drive;

use super::{Document, Page};

impl Document for Drive {
    /// The arguments, each quoted for a shell where it has to be; the document where there are none.
    fn text(&self, _: &Page) -> String {
        if self.arguments.is_empty() {
            let document = self.document.clone().unwrap_or_default();
            let text = serde_json::to_string_pretty(&document).unwrap_or_default();
            return format!("{text}\n");
        }
        let quoted: Vec<String> = self.arguments.iter().map(|word| quoted(word)).collect();
        format!("{}\n", quoted.join(" "))
    }

    fn word(&self) -> Option<String> {
        Some(self.path.to_string_lossy().into_owned())
    }
}

fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=,./:@+".contains(letter);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_for_a_shell() {
        assert_eq!(quoted("path=/a,image_type=raw"), "path=/a,image_type=raw");
        assert_eq!(quoted("{\"a\":1}"), "'{\"a\":1}'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
