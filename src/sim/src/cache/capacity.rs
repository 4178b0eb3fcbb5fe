//! The bounds of a cache.

/// How much a cache may hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Capacity {
    /// Entries; at least one.
    pub entries: u32,
    /// Bytes in all; [`Capacity::ANY_BYTES`] for no bound.
    pub bytes: u64,
}

impl Capacity {
    /// No bound on bytes.
    pub const ANY_BYTES: u64 = u64::MAX;

    /// Bounded in entries alone.
    pub const fn entries(entries: u32) -> Self {
        Self {
            entries,
            bytes: Self::ANY_BYTES,
        }
    }
}
