//! Caches and hashing.

use scale_sim::hash::slot::slot;
use scale_sim::{CacheStore, Capacity, Eviction, Lifetimes, Lookup, Time, Value};

use super::{Line, Series, Table};

/// Policies, and the columns that hold them.
const POLICIES: [(&str, &str, Eviction); 5] = [
    ("LRU", "LRU", Eviction::Lru),
    ("FIFO", "FIFO", Eviction::Fifo),
    ("LFU", "LFU_libcachesim", Eviction::Lfu),
    ("CLOCK", "CLOCK", Eviction::Clock),
    ("SIEVE", "SIEVE", Eviction::Sieve),
];

pub(super) fn eviction(table: &Table) -> Result<Vec<Series>, String> {
    let mut series = Vec::new();
    for (title, column, eviction) in POLICIES {
        let mut lines = Vec::new();
        for row in table.rows() {
            let (places, trace) = (row.number("capacity")?, row.get("trace")?);
            let mut cache = CacheStore::new(eviction, Capacity::entries(places));
            let hits = trace.bytes().map(|key| {
                let key = u64::from(key);
                let hit = cache.get(key, Time::ZERO, &Lifetimes::default()) != Lookup::Miss;
                if !hit {
                    cache.put(key, Value::default(), Time::ZERO, None);
                }
                if hit { '1' } else { '0' }
            });
            let ours = hits.collect();
            lines.push(Line::exact(
                format!("{places}: {trace}"),
                row.get(column)?,
                ours,
            ));
        }
        series.push(Series {
            title: title.to_owned(),
            lines,
        });
    }
    Ok(series)
}

pub(super) fn slots(table: &Table) -> Result<Vec<Series>, String> {
    let mut lines = Vec::new();
    for row in table.rows() {
        // The key's bytes, for it may hold what no text does.
        let hex = row.get("key_hex")?;
        let digits: Option<Vec<u8>> = { hex.chars() }
            .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
            .collect();
        let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
        let digits =
            digits.ok_or_else(|| row.wrong("key_hex", hex, "pairs of hexadecimal digits"))?;
        let key: Vec<u8> = { digits.chunks_exact(2) }
            .map(|two| two[0] * 16 + two[1])
            .collect();
        let shown = match String::from_utf8_lossy(&key) {
            text if text.is_empty() => "(nothing)".to_owned(),
            text => text.into_owned(),
        };
        lines.push(Line::exact(shown, row.get("slot")?, slot(&key).to_string()));
    }
    Ok(vec![Series {
        title: "Keys".to_owned(),
        lines,
    }])
}
