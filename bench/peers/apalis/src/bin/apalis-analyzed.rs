//! apalis whose user has SQLite gather statistics every second.

use peers_apalis::Tasks;
use peers_measure::Failure;

fn main() -> Result<(), Failure> {
    peers_measure::main::<Tasks<true>>("apalis, analyzed")
}
