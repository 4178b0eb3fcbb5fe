//! Statements of a database and what they cost, as a scenario describes them.
//! The mechanism, and what it does not model, is in `db/statement.rs`, `db/change.rs` and `db/locks.rs`.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;

/// A table: how many rows it has, and how large they are.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Rows, 1 to 10,000,000,000. A request's key names one of them; keys beyond the last begin again at the first.
    pub rows: u64,
    /// Bytes of a row, 1 to 8,192; 100 if it is not given.
    #[serde(default = "row_bytes")]
    pub row_bytes: u32,
    /// The number that each row holds at the start: a stock, a balance; 0 if it is not given.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0)))]
    pub value: i64,
}

const fn row_bytes() -> u32 {
    100
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// What the parts of a statement cost. What is not given is what `PostgreSQL` 15 takes with all pages in memory: a million rows
/// in 80 ms, a row by its index in 5 µs, a statement in 0.15 ms before it reads anything.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Taking a statement in, parsing and planning it, and sending the first byte; 0.15 ms if it is not given.
    #[serde(default = "statement")]
    pub statement: Distribution,
    /// Finding one place in an index, in microseconds; 4 if it is not given.
    #[serde(default = "seek_us")]
    pub seek_us: f64,
    /// Examining a row, in microseconds; 0.08 if it is not given.
    #[serde(default = "row_us")]
    pub row_us: f64,
    /// Sending a row, in microseconds; 0.2 if it is not given.
    #[serde(default = "send_us")]
    pub send_us: f64,
    /// Reading a page of 8 kB, in microseconds; 0 if it is not given: all are in memory. A solid-state disk takes some 100.
    #[serde(default)]
    pub page_us: f64,
    /// Writing a row, with its log record and its index entries, in microseconds; 10 if it is not given.
    #[serde(default = "write_us")]
    pub write_us: f64,
    /// Making a commit durable; 1 ms if it is not given, as on a solid-state disk.
    #[serde(default = "commit")]
    pub commit: Distribution,
}

const fn statement() -> Distribution {
    Distribution::Constant { mean_ms: 0.15 }
}

const fn seek_us() -> f64 {
    4.0
}

const fn row_us() -> f64 {
    0.08
}

const fn send_us() -> f64 {
    0.2
}

const fn write_us() -> f64 {
    10.0
}

const fn commit() -> Distribution {
    Distribution::Constant { mean_ms: 1.0 }
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            statement: statement(),
            seek_us: seek_us(),
            row_us: row_us(),
            send_us: send_us(),
            page_us: 0.0,
            write_us: write_us(),
            commit: commit(),
        }
    }
}

/// A statement: which rows it touches, and how it finds them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Statement {
    /// The row of the request's key, by its primary key.
    Read {
        /// The table.
        table: String,
    },
    /// All rows that match a condition.
    Find {
        /// The table.
        table: String,
        /// Whether an index leads to them; without one every row of the table is examined.
        indexed: bool,
        /// Rows that match; 1 if it is not given.
        #[serde(default = "one")]
        rows: u64,
    },
    /// One page of a list in the order of the primary key.
    Page {
        /// The table.
        table: String,
        /// Rows of a page, 1 to 100,000.
        size: u64,
        /// Which page, from 1; without it the request's key says which: key 0 asks for the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<u64>,
        /// How the page's beginning is found.
        by: Paging,
    },
    /// Rows by a list of keys in one statement (`WHERE id IN (…)`).
    Batch {
        /// The table.
        table: String,
        /// Keys in the list, 1 to 100,000.
        keys: u64,
    },
    /// Rows of a table with those of a second that belong to each, found by an index of the second.
    Join {
        /// The table.
        table: String,
        /// Its rows, found by an index, 1 to 100,000.
        rows: u64,
        /// The second table.
        with: String,
        /// Rows of the second for each of the first; 1 if it is not given.
        #[serde(default = "one")]
        each: u64,
    },
    /// Writes the row of the request's key, and those that follow it if there are to be several. Each is locked until the
    /// commit, in that order.
    Write {
        /// The table.
        table: String,
        /// Rows to write, 1 to 100; 1 if it is not given.
        #[serde(default = "one")]
        rows: u64,
    },
    /// Adds to the number in the row of the request's key, if enough is left: buying from a stock, drawing from an account.
    Change {
        /// The table.
        table: String,
        /// What is added; negative to take.
        by: i64,
        /// What must be left; 0 if it is not given.
        #[serde(default)]
        least: i64,
        /// How it is kept from going wrong when others do the same.
        care: Care,
        /// How long the application takes between reading and writing, with the way there and back; no time if it is not
        /// given.
        #[serde(default = "at_once")]
        think: Distribution,
        /// Attempts after the first, 0 to 1,000, with `compare_version`; 10 if it is not given.
        #[serde(default = "retries")]
        retries: u32,
        /// Whether the database keeps the request's identity with the change, in the same transaction, and changes nothing
        /// when it comes again: a retry, or a message that was delivered twice, is answered as the first was. The identity is
        /// the request, what it asks for, and the row; so a request changes one row once by each of its operations. How long
        /// it is kept is the database's `once_kept_s`.
        #[serde(default, skip_serializing_if = "is_false")]
        once: bool,
        /// The operation of the same request that it takes back, one that is made `once` in the same table: a compensation that
        /// needs no orchestrator. It changes the row once, and only if that has been made; if not, it changes nothing and keeps
        /// that from being made should it come later, which then fails.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undoes: Option<String>,
        /// Whether it fails if too little would be left; otherwise it is answered and changes nothing. As a part of a saga or a
        /// transaction it fails in any case.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        or_fail: bool,
    },
}

/// How the beginning of a page is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// By counting rows from the first (`LIMIT … OFFSET …`): all pages before are read too.
    Offset,
    /// By the last key of the page before (`WHERE id > … LIMIT …`): the index leads there.
    Keyset,
}

/// How a change of a number guards against others who change it too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Care {
    /// Not at all: reads, works out the new value, writes it. Changes of others in between are lost.
    ReadThenWrite,
    /// One statement tests and changes (`UPDATE … SET n = n - 1 WHERE n > 0`), under the row's lock.
    AtomicUpdate,
    /// Takes the row's lock with the read (`SELECT … FOR UPDATE`), so others wait.
    SelectForUpdate,
    /// Writes only if the row has still the version that was read, else begins anew: optimistic concurrency. To one row the
    /// isolation levels repeatable read and serializable do the same.
    CompareVersion,
}

const fn one() -> u64 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

const fn retries() -> u32 {
    10
}

const fn at_once() -> Distribution {
    Distribution::Constant { mean_ms: 0.0 }
}

impl Table {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.count("rows", self.rows, 1, limits::TABLE_ROWS);
        p.count("row_bytes", u64::from(self.row_bytes), 1, limits::ROW_BYTES);
    }
}

impl Costs {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.within("statement", |p| self.statement.check(p));
        for (field, us) in [
            ("seek_us", self.seek_us),
            ("row_us", self.row_us),
            ("send_us", self.send_us),
            ("page_us", self.page_us),
            ("write_us", self.write_us),
        ] {
            p.number(field, us, 0.0, 1e6);
        }
        p.within("commit", |p| self.commit.check(p));
    }
}

impl Statement {
    /// The table that it writes to.
    pub(crate) fn written_table(&self) -> Option<&str> {
        match self {
            Self::Write { table, .. } | Self::Change { table, .. } => Some(table),
            _ => None,
        }
    }

    /// How many rows it writes.
    pub(crate) const fn written_rows(&self) -> u64 {
        match self {
            Self::Write { rows, .. } => *rows,
            Self::Change { .. } => 1,
            _ => 0,
        }
    }

    /// The tables that it names, with the field of each.
    fn tables(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let (table, with) = match self {
            Self::Join { table, with, .. } => (table, Some(with)),
            Self::Read { table }
            | Self::Find { table, .. }
            | Self::Page { table, .. }
            | Self::Batch { table, .. }
            | Self::Write { table, .. }
            | Self::Change { table, .. } => (table, None),
        };
        core::iter::once(("table", table)).chain(with.map(|with| ("with", with)))
    }

    /// Whether it writes, so that it goes to the primary.
    pub const fn writes(&self) -> bool {
        matches!(self, Self::Write { .. } | Self::Change { .. })
    }

    /// The operation that it takes back.
    pub(crate) fn undoes(&self) -> Option<&str> {
        match self {
            Self::Change { undoes, .. } => undoes.as_deref(),
            _ => None,
        }
    }

    /// Notes if what it takes back can't be taken back.
    pub(crate) fn check_undone(&self, all: &VecMap<String, Self>, p: &mut Problems) {
        let Some(undone) = self.undoes() else {
            return;
        };
        let is_once = |other: &&Self| {
            matches!(
                other,
                Self::Change {
                    once: true,
                    undoes: None,
                    ..
                }
            )
        };
        let change = all.get(undone).filter(is_once);
        if change.is_none_or(|change| change.written_table() != self.written_table()) {
            p.note_at(
                "change.undoes",
                format!("there is no change '{undone}' of its table that is made \"once\": only that can be taken back"),
            );
        }
    }

    pub(crate) fn check(&self, tables: &VecMap<String, Table>, p: &mut Problems) {
        const MOST: u64 = limits::STATEMENT_ROWS;
        let name = match self {
            Self::Read { .. } => "read",
            Self::Find { .. } => "find",
            Self::Page { .. } => "page",
            Self::Batch { .. } => "batch",
            Self::Join { .. } => "join",
            Self::Write { .. } => "write",
            Self::Change { .. } => "change",
        };
        p.within(name, |p| {
            for (field, table) in self.tables() {
                if !tables.contains_key(table) {
                    let known: Vec<&str> = tables.keys().map(String::as_str).collect();
                    let known = known.join(", ");
                    p.note_at(
                        field,
                        format!("there is no table '{table}': 'tables' has {known}"),
                    );
                }
            }
            match self {
                Self::Read { .. } => {}
                Self::Find { table, rows, .. } => {
                    let most = tables.get(table).map_or(limits::TABLE_ROWS, |t| t.rows);
                    p.count("rows", *rows, 0, most);
                }
                Self::Page { size, page, .. } => {
                    p.count("size", *size, 1, MOST);
                    if let Some(page) = page {
                        p.count("page", *page, 1, limits::TABLE_ROWS);
                    }
                }
                Self::Batch { keys, .. } => p.count("keys", *keys, 1, MOST),
                Self::Join { rows, each, .. } => {
                    p.count("rows", *rows, 1, MOST);
                    p.count("each", *each, 0, MOST);
                }
                Self::Write { table, rows } => {
                    let most = tables.get(table).map_or(limits::TABLE_ROWS, |t| t.rows);
                    p.count("rows", *rows, 1, limits::ROWS_WRITTEN.min(most));
                }
                Self::Change { think, retries, .. } => {
                    p.within("think", |p| think.check(p));
                    p.count("retries", u64::from(*retries), 0, limits::CHANGE_RETRIES);
                }
            }
        });
    }
}
