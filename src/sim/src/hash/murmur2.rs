//! `MurmurHash2`, 32 bits, with the seed and the reading of bytes that Apache Kafka's default partitioner has
//! (`org.apache.kafka.common.utils.Utils.murmur2`).

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;

/// The hash of `bytes`.
pub fn murmur2_32(bytes: &[u8]) -> u32 {
    let blocks = bytes.chunks_exact(4);
    let tail = blocks.remainder();
    let mut hash = SEED ^ bytes.len() as u32;
    for block in blocks {
        let mut word = u32::from_le_bytes([block[0], block[1], block[2], block[3]]).wrapping_mul(M);
        word = (word ^ (word >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    if !tail.is_empty() {
        let last = tail
            .iter()
            .rev()
            .fold(0, |word, byte| (word << 8) | u32::from(*byte));
        hash = (hash ^ last).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// The partition of `key` among so many, as Kafka's default partitioner has it for keys that `LongSerializer` wrote.
pub fn partition(key: u64, partitions: u32) -> u32 {
    (murmur2_32(&key.to_be_bytes()) & 0x7fff_ffff) % partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of Kafka's own test (`UtilsTest.testMurmur2`).
    #[test]
    fn as_kafka_has_it() {
        let cases: [(&[u8], i32); 6] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            (b"abc", 479_470_107),
        ];
        for (bytes, expected) in cases {
            assert_eq!(murmur2_32(bytes).cast_signed(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn keys_spread_over_all_partitions() {
        let mut counts = [0_u32; 6];
        for key in 0..6_000 {
            counts[partition(key, 6) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }
}
