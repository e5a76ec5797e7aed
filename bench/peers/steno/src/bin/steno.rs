//! steno with a transaction for each call of its store.

use peers_measure::Failure;
use peers_steno::Sagas;

fn main() -> Result<(), Failure> {
    peers_measure::main::<Sagas<1>>("steno")
}
