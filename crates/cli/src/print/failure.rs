//! A failure for people: what failed, why, where, and what to do.

use anstyle::{AnsiColor, Style};
use longshore_lifecycle::Failure;

use super::quantity::harmless;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const LABEL: Style = Style::new().bold();

/// The failure as whole lines.
pub(super) fn failure_text(failure: &Failure) -> String {
    let mut text = format!("{ERROR}error:{ERROR:#} {}\n", indented(&failure.message));
    for cause in &failure.causes {
        text.push_str(&format!("  because {}\n", indented(cause)));
    }
    let told_already = |name: &str| failure.message.contains(name);
    let image = failure
        .image
        .as_deref()
        .filter(|image| !told_already(image));
    let run = failure.run.map(|run| run.to_string());
    let places = [
        ("image", image),
        ("layer", failure.layer.as_deref()),
        ("entry", failure.entry.as_deref()),
        ("run", run.as_deref()),
        ("hint", failure.hint.as_deref()),
    ];
    for (label, value) in places {
        if let Some(value) = value {
            text.push_str(&format!("  {LABEL}{label}:{LABEL:#} {}\n", indented(value)));
        }
    }
    text
}

/// A text whose further lines stand below its first.
fn indented(text: &str) -> String {
    harmless(text.trim_end()).replace('\n', "\n    ")
}

#[cfg(test)]
mod tests {
    use longshore_lifecycle::Class;

    use super::*;

    #[test]
    fn a_failure_is_told_from_the_outside_in() {
        let mut failure = Failure::new(Class::Refused, "dot-dot-in-name", "images/evil is refused")
            .image("images/evil")
            .layer("images/evil/1.tar")
            .hint("do not use it");
        failure.causes = vec![
            "the layer is not acceptable".into(),
            "line one\nline two\n".into(),
        ];
        failure.entry = Some("../etc\u{1b}".into());
        failure.run = Some(12);
        let text = anstream::adapter::strip_str(&failure_text(&failure)).to_string();
        assert_eq!(
            text,
            "error: images/evil is refused\n  \
             because the layer is not acceptable\n  \
             because line one\n    line two\n  \
             layer: images/evil/1.tar\n  \
             entry: ../etc\\u{1b}\n  \
             run: 12\n  \
             hint: do not use it\n"
        );
    }
}
