//! The `ramal` binary: parse arguments, then give way to the window or the command line.

fn main() {}
