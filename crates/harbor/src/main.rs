//! `harbor`: the development tools from a shell.

fn main() {}
