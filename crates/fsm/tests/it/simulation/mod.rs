//! A deterministic simulation: random workflows and runs, a scheduler, a clock and a disk that a seed
//! decides about, operators who meddle, crashes and shutdowns; and what must hold of it all.
//!
//! An ordinary run tries seeds for a minute, a soak ten million. A seed that fails is tried alone
//! with `LONGSHORE_SIMULATION_SEED=n`.

mod check;
mod flows;
mod life;
mod operator;
mod seeds;
mod world;
