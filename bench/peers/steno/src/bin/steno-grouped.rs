//! steno with a transaction for all calls of its store that wait for one.

use peers_measure::Failure;
use peers_steno::Sagas;

fn main() -> Result<(), Failure> {
    peers_measure::main::<Sagas<512>>("steno, grouped")
}
