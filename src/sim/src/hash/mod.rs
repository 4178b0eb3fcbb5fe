//! Hash functions and ways of spreading keys over nodes, exact to the systems that use them.
//!
//! Each file is one scheme and names its source. Keys are bytes, nodes are numbers; who a node is and whether it is up is
//! the caller's business.

pub mod crc;
pub mod jump;
pub mod ketama;
pub mod maglev;
pub mod modulo;
pub mod murmur2;
pub mod murmur3;
pub mod rendezvous;
pub mod ring;
pub mod slot;
