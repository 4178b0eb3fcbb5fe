//! Rendezvous hashing: every node scores the key, the highest score has it (Thaler and Ravishankar, *Using name-based
//! mappings to increase hit rates*, 1998). A lost node's keys go to all others alike; nothing else moves.
//!
//! The score is `murmur3_32("<node>-<key>")` with seed 0, as the Python and Ruby libraries `clandestined` have it.

use super::murmur3::murmur3_32;

/// What `node` scores for `key`.
pub fn score(node: &str, key: &[u8]) -> u32 {
    let parts = [node.as_bytes(), b"-", key];
    let length = parts.iter().map(|part| part.len()).sum();
    // Names and keys are short: nothing is allocated for each look-up.
    let mut short = [0; 64];
    if let Some(text) = short.get_mut(..length) {
        let mut at = 0;
        for part in parts {
            text[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        return murmur3_32(text, 0);
    }
    murmur3_32(&parts.concat(), 0)
}

/// The place in `nodes` of the one that has `key`: the highest score; among equals the greatest name. `None` without nodes.
pub fn rendezvous(nodes: &[impl AsRef<str>], key: &[u8]) -> Option<usize> {
    (0..nodes.len()).max_by_key(|at| {
        let name = nodes[*at].as_ref();
        (score(name, key), name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lost_nodes_keys_move() {
        let nodes = ["a", "b", "c", "d"];
        for key in 0..1_000_u32 {
            let key = key.to_le_bytes();
            let before = rendezvous(&nodes, &key).expect("there are nodes");
            let after = rendezvous(&nodes[..3], &key).expect("there are nodes");
            assert!(before == after || before == 3);
        }
        assert_eq!(rendezvous(&[] as &[&str], b"x"), None);
    }
}
