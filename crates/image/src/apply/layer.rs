//! One layer, from its stored bytes to a changed tree and a report.

use std::io::Read;

use super::ApplyError;
use crate::{Code, LayerReport, Limits, Rejected, Totals, Tree};

/// Applies the layer whose stored bytes (plain or gzip) `stored` gives, to the result of the layers
/// below it.
///
/// `totals` holds what the layers below added up to and is brought up to date; the first layer of an
/// image is the one that is applied with `Totals::default()`. Everything is read, also what follows
/// the archive's end. Cancelling is an error of `stored` or of `tree`.
///
/// # Errors
/// [`ApplyError::Rejected`] if the layer breaks a rule or goes over a limit, [`ApplyError::Read`] and
/// [`ApplyError::Tree`] if what it was given fails. `tree` is then half done, to be dropped.
pub fn apply<T: Tree>(
    _tree: &mut T,
    _stored: impl Read,
    limits: &Limits,
    totals: &mut Totals,
) -> Result<LayerReport, ApplyError<T::Error>> {
    totals.layers += 1;
    if totals.layers > limits.layers {
        return Err(Rejected::new(Code::LimitLayers, "too many layers").into());
    }
    Err(Rejected::new(Code::Empty, "nothing is read yet")
        .at(b"")
        .into())
}
