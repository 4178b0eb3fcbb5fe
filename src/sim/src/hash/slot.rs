//! Redis Cluster's 16,384 hash slots, with hash tags (Redis Cluster specification, "Key distribution model").

use super::crc::crc16;

/// How many slots there are.
pub const SLOTS: u16 = 16_384;

/// The slot of `key`. If it has a `{` and a `}` after it with something between, only what is between the first such pair
/// counts, so that keys with one tag share a slot.
pub fn slot(key: &[u8]) -> u16 {
    crc16(tag(key)) % SLOTS
}

fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|byte| *byte == b'{') else {
        return key;
    };
    let rest = &key[open + 1..];
    match rest.iter().position(|byte| *byte == b'}') {
        Some(length) if length > 0 => &rest[..length],
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_tag_counts() {
        assert_eq!(tag(b"{user1000}.followers"), b"user1000");
        assert_eq!(tag(b"foo{bar}{zap}"), b"bar");
        assert_eq!(tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(slot(b"foo"), 12_182);
    }
}
