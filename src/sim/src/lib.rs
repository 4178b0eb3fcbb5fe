//! scale-sim
