//! freebox-monitor.

fn main() {}
