//! `kill -9` of a process with hundreds of runs under way, again and again, at random moments: nothing
//! is lost, nothing is done twice, and nothing is out of order.
//!
//! A life is a process that takes up everything and asks for more. What it does it writes into tables
//! beside the engine's, and what has become durable it says on its standard output; whoever kills it
//! holds both against the engine's history.

mod again;
mod asks;
mod check;
mod child;
mod journal;
mod life;
mod order;
mod report;
mod work;
