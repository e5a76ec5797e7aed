//! Values drawn from the engine's bytes: zeros where there are no more, never a failure.

use arbitrary::Unstructured;

/// What is left of an input.
#[derive(Debug)]
pub(crate) struct Draw<'a>(Unstructured<'a>);

impl<'a> Draw<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    /// Whether all that is drawn from here on is zeros.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or_default()
    }

    pub(crate) fn word(&mut self) -> u16 {
        self.0.arbitrary().unwrap_or_default()
    }

    pub(crate) fn long(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or_default()
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let drawn = if limit <= 256 {
            usize::from(self.byte())
        } else {
            usize::from(self.word())
        };
        drawn % limit
    }

    /// Whether something comes true that does so in one of `times` cases, and not with zeros.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// At most `most` of the next bytes.
    pub(crate) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let count = self.below(most + 1).min(self.0.len());
        self.0.bytes(count).unwrap_or_default()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let count = self.0.len();
        self.0.bytes(count).unwrap_or_default()
    }
}
