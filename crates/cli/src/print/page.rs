//! What a text is laid out for.

/// What a text is laid out for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    /// Columns of the terminal; nothing where the text does not go to one and is not to be folded.
    pub(crate) width: Option<u16>,
    /// The time now, in milliseconds since 1970: ages are told from it.
    pub(crate) now: i64,
}
