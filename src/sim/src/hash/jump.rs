//! Jump consistent hash: even shares and the fewest moves, without a table, for nodes numbered 0 to n - 1
//! (Lamping and Veach, *A fast, minimal memory, consistent hash algorithm*, 2014).
//!
//! Nodes come and go at the end of the numbers only.

/// The node of `key` among `nodes`, 0 if there are none.
pub fn jump(mut key: u64, nodes: u32) -> u32 {
    let mut chosen = 0;
    let mut next = 0_u64;
    while next < u64::from(nodes) {
        chosen = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        // A quotient of powers of two and whole numbers below 2^53: the same on every platform.
        let leap = (1_u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        next = ((chosen + 1) as f64 * leap) as u64;
    }
    chosen as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_moves_to_the_new_node_or_stays() {
        for key in 0..2_000_u64 {
            for nodes in 1..20 {
                let (before, after) = (jump(key, nodes), jump(key, nodes + 1));
                assert!(after == before || after == nodes);
            }
        }
    }
}
