//! Cyclic redundancy checks: CRC-32 as nginx, Ethernet and gzip have it, CRC-16/XMODEM as Redis Cluster has it.
//!
//! Four bits at a time: the usual tables of 256 entries and more would be the heaviest part of the page's Wasm.

/// The remainders of four bits under the reflected polynomial 0x04C11DB7.
const NIBBLES_32: [u32; 16] = {
    let mut table = [0; 16];
    let mut at = 0;
    while at < 16 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 4 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// The remainders of four bits under the polynomial 0x1021.
const NIBBLES_16: [u16; 16] = {
    let mut table = [0; 16];
    let mut at = 0;
    while at < 16 {
        let mut crc = (at as u16) << 12;
        let mut bit = 0;
        while bit < 4 {
            crc = if crc & 0x8000 != 0 {
                (crc << 1) ^ 0x1021
            } else {
                crc << 1
            };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

/// A CRC-32 under way: bytes may come in pieces.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Crc32(u32);

impl Default for Crc32 {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Crc32 {
    /// This with `bytes` after it.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |crc, byte| {
            let crc = crc ^ u32::from(*byte);
            let crc = (crc >> 4) ^ NIBBLES_32[(crc & 15) as usize];
            (crc >> 4) ^ NIBBLES_32[(crc & 15) as usize]
        }))
    }

    /// The sum of all that came.
    pub const fn sum(self) -> u32 {
        !self.0
    }
}

/// The CRC-32 of `bytes`.
pub fn crc32(bytes: &[u8]) -> u32 {
    Crc32::default().with(bytes).sum()
}

/// The CRC-16/XMODEM of `bytes`.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        let crc = crc ^ (u16::from(*byte) << 8);
        let crc = (crc << 4) ^ NIBBLES_16[usize::from(crc >> 12)];
        (crc << 4) ^ NIBBLES_16[usize::from(crc >> 12)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_catalogue() {
        // The "check" column of the CRC catalogue (reveng): the sum over the digits 1 to 9.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(
            Crc32::default().with(b"1234").with(b"56789").sum(),
            crc32(b"123456789")
        );
    }
}
