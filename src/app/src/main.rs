//! scale-lab
fn main() {}
