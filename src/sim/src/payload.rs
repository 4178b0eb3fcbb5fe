//! Payloads: how many bytes a message has, what compression saves of them and what it costs.
//!
//! Models: selection of fields; gzip, zstd and brotli on three kinds of content, from a table of measured sizes and times,
//! in between by interpolation over the logarithm of the size. Small messages gain nothing, random bytes never do.
//! Does not model: dictionaries shared between messages, headers, or content unlike the measured: a catalogue of goods as
//! JSON, which is more regular than most.
//!
//! Measured with zlib 1.2.13 (gzip), libzstd 1.5.7 and brotli 1.2.0 on prefixes of one file; times on one core of a cloud
//! server, in milliseconds of CPU for a megabyte before compression. Other machines can be told by the two `…_ms_per_mb`.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use crate::limits;
use crate::problem::Problems;
use crate::time::Duration;

/// What a message carries.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// How many bytes; or give `fields`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The bytes of each field, its name included.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, u64>")
    )]
    pub fields: VecMap<String, u64>,
    /// The fields that are asked for. Without it all are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<String>>,
    /// What the bytes are.
    #[serde(default, skip_serializing_if = "is_json")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = Content::default())))]
    pub content: Content,
    /// How it is compressed. Without it, it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
}

/// What a payload's bytes are, which decides how well they compress.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// JSON without white space.
    #[default]
    Json,
    /// Indented JSON.
    JsonPretty,
    /// Bytes that look random: images, video, what is compressed or encrypted already.
    Binary,
}

/// How a payload is compressed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Compression {
    /// The method.
    pub codec: Codec,
    /// How hard it tries: 1, 6 (the default) or 9 for gzip, 3 for zstd, 4 (the default) or 11 for brotli. Only levels that were
    /// measured are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Payloads of fewer bytes are sent as they are. Without it 20, as nginx has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_bytes: Option<u64>,
    /// The sender's work, in milliseconds of CPU for each 10⁶ bytes before compression. Without it, as measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress_ms_per_mb: Option<f64>,
    /// The receiver's work, in milliseconds of CPU for each 10⁶ bytes before compression. Without it, as measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decompress_ms_per_mb: Option<f64>,
}

/// A method of compression.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// None: bytes are sent as they are.
    None,
    /// Deflate in the gzip format (RFC 1951 and 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Brotli,
}

/// The least bytes that nginx compresses (`gzip_min_length`).
const MIN_BYTES: u64 = 20;
/// The most that a megabyte may cost, in milliseconds.
const MS_PER_MB: f64 = 1e6;

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_json(content: &Content) -> bool {
    *content == Content::Json
}

impl Payload {
    /// Bytes of what is sent, before compression.
    pub fn plain_bytes(&self) -> u64 {
        let sent = |name: &String| {
            self.select
                .as_ref()
                .is_none_or(|names| names.contains(name))
        };
        let fields = self.fields.iter().filter(|(name, _)| sent(name));
        self.bytes.unwrap_or(0) + fields.map(|(_, bytes)| bytes).sum::<u64>()
    }

    /// Bytes on the wire.
    pub fn compressed_bytes(&self) -> u64 {
        let bytes = self.plain_bytes();
        self.measured().map_or(bytes, |(_, row)| row.out(bytes))
    }

    /// The sender's work to compress it.
    pub fn compress_time(&self) -> Duration {
        self.time(|how, row| how.compress_ms_per_mb.unwrap_or(row.compress_ms_per_mb))
    }

    /// The receiver's work to have it back.
    pub fn decompress_time(&self) -> Duration {
        self.time(|how, row| how.decompress_ms_per_mb.unwrap_or(row.decompress_ms_per_mb))
    }

    fn time(&self, ms_per_mb: impl FnOnce(&Compression, &Measured) -> f64) -> Duration {
        self.measured().map_or(Duration::ZERO, |(how, row)| {
            Duration::from_millis(ms_per_mb(how, row) * self.plain_bytes() as f64 / 1e6)
        })
    }

    /// How it is compressed, and what was measured of that; nothing if it is sent as it is.
    fn measured(&self) -> Option<(&Compression, &'static Measured)> {
        let how = self.compression.as_ref()?;
        if self.plain_bytes() < how.min_bytes.unwrap_or(MIN_BYTES) {
            return None;
        }
        let level = how.level.unwrap_or(how.codec.usual_level());
        let row = MEASURED
            .iter()
            .find(|row| (row.content, row.codec, row.level) == (self.content, how.codec, level))?;
        Some((how, row))
    }

    /// Notes what is wrong with this payload.
    pub(crate) fn check(&self, p: &mut Problems) {
        if self.bytes.is_some() != self.fields.is_empty() {
            p.note("a payload has `bytes` or `fields`, and not both");
        }
        if let Some(bytes) = self.bytes {
            p.count("bytes", bytes, 0, limits::PAYLOAD_BYTES);
        }
        for (name, bytes) in &self.fields {
            p.within("fields", |p| {
                p.count(name, *bytes, 0, limits::PAYLOAD_BYTES);
            });
        }
        for (i, name) in self.select.iter().flatten().enumerate() {
            if !self.fields.contains_key(name) {
                let known: Vec<&str> = self.fields.keys().map(String::as_str).collect();
                let message = format!(
                    "there is no field '{name}': the fields are {}",
                    known.join(", ")
                );
                p.within("select", |p| p.note_at(format!("[{i}]"), message));
            }
        }
        if let Some(compression) = &self.compression {
            p.within("compression", |p| compression.check(p));
        }
    }
}

impl Compression {
    fn check(&self, p: &mut Problems) {
        let levels = self.codec.levels();
        if let Some(level) = self.level
            && !levels.contains(&level)
        {
            let known: Vec<String> = levels.iter().map(ToString::to_string).collect();
            let message = if known.is_empty() {
                "no compression has no level".to_owned()
            } else {
                format!("{level} was not measured: {} is allowed", known.join(", "))
            };
            p.note_at("level", message);
        }
        if let Some(bytes) = self.min_bytes {
            p.count("min_bytes", bytes, 0, limits::PAYLOAD_BYTES);
        }
        for (field, ms) in [
            ("compress_ms_per_mb", self.compress_ms_per_mb),
            ("decompress_ms_per_mb", self.decompress_ms_per_mb),
        ] {
            if let Some(ms) = ms {
                p.number(field, ms, 0.0, MS_PER_MB);
            }
        }
    }
}

impl Codec {
    /// The levels that were measured.
    const fn levels(self) -> &'static [u8] {
        match self {
            Self::None => &[],
            Self::Gzip => &[1, 6, 9],
            Self::Zstd => &[3],
            Self::Brotli => &[4, 11],
        }
    }

    const fn usual_level(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 6,
            Self::Zstd => 3,
            Self::Brotli => 4,
        }
    }
}

/// What one method made of one kind of content.
struct Measured {
    content: Content,
    codec: Codec,
    level: u8,
    /// Bytes after compression of prefixes of [`PREFIXES`] bytes.
    prefixes: [u32; PREFIXES.len()],
    /// Bytes of the whole file, before and after.
    whole: (u32, u32),
    compress_ms_per_mb: f64,
    decompress_ms_per_mb: f64,
}

const PREFIXES: [u32; 7] = [16, 64, 150, 512, 1024, 4096, 16_384];

impl Measured {
    /// Bytes after compression. Larger than the file, the ratio stays; smaller than the least, what is added stays.
    fn out(&self, bytes: u64) -> u64 {
        let points = || {
            let prefixes = PREFIXES.into_iter().zip(self.prefixes);
            prefixes.chain([self.whole])
        };
        let fraction = |(size, out): (u32, u32)| f64::from(out) / f64::from(size);
        let least = PREFIXES[0];
        if bytes <= u64::from(least) {
            return bytes + u64::from(self.prefixes[0] - least);
        }
        let above = points().zip(points().skip(1));
        let bracket = above
            .into_iter()
            .find(|(_, (size, _))| bytes <= u64::from(*size));
        let fraction = bracket.map_or(fraction(self.whole), |(low, high)| {
            let log = |size: u32| libm::log(f64::from(size));
            let way = (libm::log(bytes as f64) - log(low.0)) / (log(high.0) - log(low.0));
            fraction(low) + way * (fraction(high) - fraction(low))
        });
        libm::rint(bytes as f64 * fraction) as u64
    }
}

const fn row(
    content: Content,
    codec: Codec,
    level: u8,
    prefixes: [u32; PREFIXES.len()],
    out: u32,
    (compress_ms_per_mb, decompress_ms_per_mb): (f64, f64),
) -> Measured {
    let size = match content {
        Content::Json => 45_165,
        Content::JsonPretty => 66_286,
        Content::Binary => 51_200,
    };
    Measured {
        content,
        codec,
        level,
        prefixes,
        whole: (size, out),
        compress_ms_per_mb,
        decompress_ms_per_mb,
    }
}

use Codec::{Brotli, Gzip, Zstd};
use Content::{Binary, Json, JsonPretty};

#[rustfmt::skip]
const MEASURED: [Measured; 18] = [
    row(Json, Gzip, 1, [36, 79, 150, 297, 453, 1278, 4339], 11_522, (10.0, 2.4)),
    row(Json, Gzip, 6, [36, 79, 150, 290, 429, 1169, 3742], 9350, (30.0, 2.3)),
    row(Json, Gzip, 9, [36, 79, 150, 290, 428, 1156, 3625], 9021, (55.0, 2.3)),
    row(Json, Zstd, 3, [25, 73, 143, 289, 433, 1164, 3730], 9576, (4.7, 1.4)),
    row(Json, Brotli, 4, [20, 65, 126, 265, 403, 1149, 3769], 9694, (15.0, 2.1)),
    row(Json, Brotli, 11, [20, 64, 122, 240, 349, 956, 3052], 7645, (1700.0, 2.0)),
    row(JsonPretty, Gzip, 1, [34, 69, 129, 268, 390, 1074, 3409], 12_784, (5.5, 1.7)),
    row(JsonPretty, Gzip, 6, [34, 69, 129, 256, 364, 940, 2863], 9997, (16.0, 1.7)),
    row(JsonPretty, Gzip, 9, [34, 69, 129, 256, 364, 923, 2747], 9517, (53.0, 1.7)),
    row(JsonPretty, Zstd, 3, [25, 73, 128, 259, 378, 964, 2898], 10_429, (3.8, 1.0)),
    row(JsonPretty, Brotli, 4, [20, 61, 116, 248, 355, 949, 2972], 10_573, (12.0, 1.5)),
    row(JsonPretty, Brotli, 11, [20, 68, 117, 215, 307, 765, 2296], 8025, (1700.0, 1.4)),
    row(Binary, Gzip, 1, [36, 87, 173, 535, 1047, 4119, 16_407], 51_228, (21.0, 0.7)),
    row(Binary, Gzip, 6, [36, 87, 173, 535, 1047, 4119, 16_407], 51_228, (22.0, 0.7)),
    row(Binary, Gzip, 9, [36, 87, 173, 535, 1047, 4119, 16_407], 51_228, (22.0, 0.7)),
    row(Binary, Zstd, 3, [25, 73, 159, 522, 1034, 4106, 16_394], 51_213, (0.7, 0.2)),
    row(Binary, Brotli, 4, [20, 68, 154, 516, 1028, 4100, 16_388], 51_204, (1.9, 0.1)),
    row(Binary, Brotli, 11, [20, 68, 154, 516, 1028, 4100, 16_388], 51_204, (400.0, 0.1)),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(json: &str) -> Payload {
        let payload: Payload = crate::json::read_json(json).expect("of the format");
        let again = serde_json::to_string(&payload).expect("plain data");
        assert_eq!(
            crate::json::read_json::<Payload>(&again),
            Ok(payload.clone())
        );
        payload
    }

    fn said(json: &str) -> Vec<String> {
        let mut problems = Problems::default();
        payload(json).check(&mut problems);
        let found = problems.or(()).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_is_selected_is_sent() {
        let all = r#"{"fields":{"id":10,"name":40,"image":900}}"#;
        assert_eq!(payload(all).plain_bytes(), 950);
        let some = r#"{"fields":{"id":10,"name":40,"image":900},"select":["id","name"]}"#;
        assert_eq!(payload(some).plain_bytes(), 50);
        assert_eq!(payload(some).compressed_bytes(), 50);
        assert_eq!(payload(some).compress_time(), Duration::ZERO);
    }

    #[test]
    fn compression_trades_work_for_bytes() {
        let with = |codec: &str, level: u8| {
            payload(&format!(
                r#"{{"bytes":1000000,"compression":{{"codec":"{codec}","level":{level}}}}}"#
            ))
        };
        let (fast, hard) = (with("gzip", 1), with("brotli", 11));
        assert_eq!(fast.compress_time(), Duration::from_millis(10.0));
        assert_eq!(hard.compress_time(), Duration::from_millis(1700.0));
        assert_eq!(hard.decompress_time(), Duration::from_millis(2.0));
        assert!(hard.compressed_bytes() < fast.compressed_bytes());
        let own = payload(
            r#"{"bytes":500000,"compression":{"codec":"gzip","compress_ms_per_mb":8,"decompress_ms_per_mb":2}}"#,
        );
        assert_eq!(own.compress_time(), Duration::from_millis(4.0));
        assert_eq!(own.decompress_time(), Duration::from_millis(1.0));
    }

    #[test]
    fn what_is_small_or_random_gains_nothing() {
        let small = payload(r#"{"bytes":19,"compression":{"codec":"gzip"}}"#);
        assert_eq!(
            (small.compressed_bytes(), small.compress_time()),
            (19, Duration::ZERO)
        );
        let at_last = payload(r#"{"bytes":10,"compression":{"codec":"gzip","min_bytes":0}}"#);
        assert_eq!(at_last.compressed_bytes(), 30);
        let none = payload(r#"{"bytes":5000,"compression":{"codec":"none"}}"#);
        assert_eq!(none.compressed_bytes(), 5000);
        let random = payload(r#"{"bytes":5000,"content":"binary","compression":{"codec":"zstd"}}"#);
        assert!((5000..5020).contains(&random.compressed_bytes()));
    }

    #[test]
    fn more_bytes_never_become_fewer() {
        for row in &MEASURED {
            let sizes = || (0..3000).chain((3000..200_000).step_by(97));
            let all: Vec<u64> = sizes().map(|bytes| row.out(bytes)).collect();
            let (content, codec) = (row.content, row.codec);
            assert!(
                all.windows(2).all(|pair| pair[0] <= pair[1]),
                "{content:?} {codec:?} {}",
                row.level
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(said(r#"{"bytes":1,"compression":{"codec":"gzip","level":9}}"#).is_empty());
        for (json, expected) in [
            ("{}", "a payload has `bytes` or `fields`"),
            (r#"{"bytes":1,"fields":{"a":1}}"#, "a payload has `bytes`"),
            (
                r#"{"fields":{"a":1},"select":["b"]}"#,
                "select[0]: there is no field 'b': the fields are a",
            ),
            (
                r#"{"bytes":1,"compression":{"codec":"gzip","level":5}}"#,
                "compression.level: 5 was not measured: 1, 6, 9 is allowed",
            ),
            (
                r#"{"bytes":99999999999}"#,
                "bytes: 99999999999 is out of range",
            ),
        ] {
            let said = said(json);
            assert!(said.len() == 1 && said[0].starts_with(expected), "{said:?}");
        }
    }
}
