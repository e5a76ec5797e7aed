//! The text of a panic that was caught.

use std::any::Any;

/// What was panicked with, as far as it is text.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = (panic.downcast_ref::<&'static str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "panicked: {}",
        text.unwrap_or("(with something that is no text)")
    )
}
