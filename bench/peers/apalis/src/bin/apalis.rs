//! apalis as it comes, but for durability.

use peers_apalis::Tasks;
use peers_measure::Failure;

fn main() -> Result<(), Failure> {
    peers_measure::main::<Tasks<false>>("apalis")
}
