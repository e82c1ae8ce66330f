//! Starts a simulated Freebox by hand.

fn main() {}
