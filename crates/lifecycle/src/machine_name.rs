//! What a machine is called when nobody says.

pub use longshore_volume::Name as MachineName;

use longshore_source::ImageName;

/// The longest name that a machine may have.
const LONGEST: usize = 64;

/// The image's name with what a machine's name cannot have replaced by `-`: `images/golang` gives
/// `images-golang`. Two images may come to the same name; then the second is told to choose one.
#[must_use]
pub fn default_machine_name(image: &ImageName) -> MachineName {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let text: String = image
        .as_str()
        .chars()
        .map(|letter| if plain(letter) { letter } else { '-' })
        .collect();
    let text = text.trim_start_matches(['.', '-']);
    let text = &text[..text.len().min(LONGEST)];
    MachineName::new(text)
        .or_else(|_| MachineName::new("machine"))
        .expect("letters alone are a machine's name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_called_like_its_image() {
        for (image, machine) in [
            ("images/golang", "images-golang"),
            ("images/golang/1.tar", "images-golang-1.tar"),
            ("a b/ü", "a-b--"),
            ("-x", "x"),
            ("...", "machine"),
        ] {
            let Ok(image) = image.parse() else {
                panic!("{image} is an image's name")
            };
            assert_eq!(default_machine_name(&image).as_str(), machine);
        }
        let long = format!("images/{}", "x".repeat(200)).parse().unwrap();
        assert_eq!(default_machine_name(&long).as_str().len(), LONGEST);
    }
}
