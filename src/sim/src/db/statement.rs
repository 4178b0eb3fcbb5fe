//! What a statement costs: from its kind and its tables to rows, pages, bytes and time.
//!
//! Models: how many rows `PostgreSQL` examines for an index scan, a sequential scan, a page by offset or by key, a list of keys
//! and a nested-loop join with an index, and how many pages of 8 kB that touches: heap pages with whole rows, and a B-tree
//! of 366 entries a leaf (8-byte keys, leaves nine tenths full). The primary key's order is the order on disk; what another
//! index leads to lies on a page each. Time is a sum over these with the coefficients of [`Costs`].
//! Does not model: statistics and plans that change with them, parallel scans, sorting, hash and merge joins, columns.

use vecmap::VecMap;

use crate::component::{Care, Costs, Paging, Statement, Table};
use crate::distribution::Sampler;
use crate::random::Draws;
use crate::time::Duration;

const PAGE_BYTES: u64 = 8_192;
const LEAF_ENTRIES: u64 = 366;

/// What a statement touches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Extent {
    /// Rows that it looks at.
    pub examined: u64,
    /// Rows that it gives back.
    pub returned: u64,
    /// Rows that it writes.
    pub written: u64,
    /// Ways down an index.
    pub seeks: u64,
    /// Pages that it touches, whether they are in memory or not.
    pub pages: u64,
    /// Bytes that it gives back.
    pub bytes: u64,
}

/// A table as a statement needs it.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Place {
    /// Its number among the database's tables.
    number: u64,
    table: Table,
}

/// What a statement does, with its tables at hand.
#[derive(Clone, PartialEq, Debug)]
enum Act {
    Read,
    Scan {
        rows: u64,
    },
    Find {
        rows: u64,
    },
    Page {
        size: u64,
        page: Option<u64>,
        by: Paging,
    },
    Batch {
        keys: u64,
    },
    Join {
        rows: u64,
        with: Place,
        each: u64,
    },
    Write {
        rows: u64,
    },
    Change(Changing),
}

/// A `change`, ready to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Changing {
    /// How.
    pub care: Care,
    /// What is added.
    pub by: i64,
    /// What must be left.
    pub least: i64,
    /// Attempts after the first.
    pub retries: u32,
    /// Whether it is made once for each request, however often it is asked for.
    pub once: bool,
    /// Whether it fails if too little would be left.
    pub or_fail: bool,
    think: Sampler,
}

impl Changing {
    /// How long the application thinks.
    pub fn think(&self, draws: &mut Draws) -> Duration {
        self.think.draw(draws)
    }
}

/// A statement, ready to be executed.
#[derive(Clone, PartialEq, Debug)]
pub struct Prepared {
    act: Act,
    place: Place,
    costs: Costs,
    statement: Sampler,
    commit: Sampler,
}

impl Prepared {
    /// Prepares a statement; `None` if it names a table that there is not.
    pub fn new(
        statement: &Statement,
        tables: &VecMap<String, Table>,
        costs: &Costs,
    ) -> Option<Self> {
        let place = |name: &String| {
            Some(Place {
                number: tables.get_index_of(name)? as u64,
                table: *tables.get(name)?,
            })
        };
        let (act, table) = match statement {
            Statement::Read { table } => (Act::Read, table),
            Statement::Find {
                table,
                indexed,
                rows,
            } => {
                let rows = *rows;
                let act = if *indexed {
                    Act::Find { rows }
                } else {
                    Act::Scan { rows }
                };
                (act, table)
            }
            Statement::Page {
                table,
                size,
                page,
                by,
            } => {
                let (size, page, by) = (*size, *page, *by);
                (Act::Page { size, page, by }, table)
            }
            Statement::Batch { table, keys } => (Act::Batch { keys: *keys }, table),
            Statement::Join {
                table,
                rows,
                with,
                each,
            } => {
                let (rows, with, each) = (*rows, place(with)?, *each);
                (Act::Join { rows, with, each }, table)
            }
            Statement::Write { table, rows } => (Act::Write { rows: *rows }, table),
            Statement::Change {
                table,
                by,
                least,
                care,
                think,
                retries,
                once,
                or_fail,
                undoes: _,
            } => {
                let changing = Changing {
                    care: *care,
                    by: *by,
                    least: *least,
                    retries: *retries,
                    once: *once,
                    or_fail: *or_fail,
                    think: Sampler::new(think),
                };
                (Act::Change(changing), table)
            }
        };
        Some(Self {
            act,
            place: place(table)?,
            statement: Sampler::new(&costs.statement),
            commit: Sampler::new(&costs.commit),
            costs: costs.clone(),
        })
    }

    /// The row that a request's key names, told from those of other tables; see [`Rows`](super::Rows).
    pub fn row(&self, key: u64) -> u64 {
        self.row_after(key, 0)
    }

    /// The `n`-th row after it.
    pub fn row_after(&self, key: u64, n: u64) -> u64 {
        let rows = self.place.table.rows;
        // A table has under 2^34 rows and there are at most 100 tables.
        (self.place.number << 40) | ((key % rows + n) % rows)
    }

    /// What each row held at the start.
    pub const fn initial(&self) -> i64 {
        self.place.table.value
    }

    /// How many rows it writes, from the request's on; each must be locked.
    pub const fn writes(&self) -> u64 {
        match self.act {
            Act::Write { rows } => rows,
            Act::Change(_) => 1,
            _ => 0,
        }
    }

    /// The change that it makes, if it is one; each of its steps that reads or writes costs what [`Prepared::extent_of_step`]
    /// says.
    pub const fn change(&self) -> Option<&Changing> {
        match &self.act {
            Act::Change(change) => Some(change),
            _ => None,
        }
    }

    /// What one step of a change touches.
    pub fn extent_of_step(&self, writes: bool) -> Extent {
        let table = &self.place.table;
        if writes {
            let row = table.written(1);
            let keeps_identity = u64::from(self.change().is_some_and(|change| change.once));
            // The identity is a row, too, with a unique index.
            Extent {
                written: row.written + keeps_identity,
                seeks: row.seeks + keeps_identity,
                ..row
            }
        } else {
            table.sought(1, 1)
        }
    }

    /// What the statement touches for a request's key; for a change, what its write does.
    pub fn extent(&self, key: u64) -> Extent {
        let table = &self.place.table;
        match &self.act {
            Act::Read => table.sought(1, 1),
            Act::Scan { rows } => Extent {
                examined: table.rows,
                pages: table.rows.div_ceil(table.rows_per_page()),
                ..table.sent(*rows)
            },
            Act::Find { rows } => table.found(*rows),
            Act::Page { size, page, by } => {
                let before = page.map_or(key, |page| page - 1).saturating_mul(*size);
                let before = before.min(table.rows);
                let after = (before + size).min(table.rows);
                let from = match by {
                    Paging::Offset => 0,
                    Paging::Keyset => before,
                };
                Extent {
                    examined: after - from,
                    seeks: 1,
                    pages: table.range_pages(from, after),
                    ..table.sent(after - before)
                }
            }
            Act::Batch { keys } => table.sought(*keys, *keys),
            Act::Join { rows, with, each } => {
                let outer = table.found(*rows);
                let with = &with.table;
                let inner = with.found(*each).times(*rows);
                let bytes = u64::from(table.row_bytes) + u64::from(with.row_bytes);
                Extent {
                    examined: outer.examined + inner.examined,
                    returned: inner.returned,
                    written: 0,
                    seeks: outer.seeks + inner.seeks,
                    pages: outer.pages + inner.pages,
                    bytes: inner.returned * bytes,
                }
            }
            Act::Write { rows } => table.written(*rows),
            Act::Change(_) => table.written(1),
        }
    }

    /// How long the server works on what a statement touches, without taking it in and without making it durable.
    pub fn execution(&self, extent: &Extent) -> Duration {
        let us = extent.seeks as f64 * self.costs.seek_us
            + extent.examined as f64 * self.costs.row_us
            + extent.returned as f64 * self.costs.send_us
            + extent.pages as f64 * self.costs.page_us
            + extent.written as f64 * self.costs.write_us;
        Duration::from_millis(us / 1e3)
    }

    /// How long a statement takes that touches `extent`: all but the wait for locks, the commit and the replicas.
    pub fn time(&self, extent: &Extent, draws: &mut Draws) -> Duration {
        self.statement.draw(draws) + self.execution(extent)
    }

    /// How long making a commit durable takes.
    pub fn commit(&self, draws: &mut Draws) -> Duration {
        self.commit.draw(draws)
    }
}

impl Extent {
    fn times(self, n: u64) -> Self {
        Self {
            examined: self.examined * n,
            returned: self.returned * n,
            written: self.written * n,
            seeks: self.seeks * n,
            pages: self.pages * n,
            bytes: self.bytes * n,
        }
    }
}

impl Table {
    fn rows_per_page(&self) -> u64 {
        (PAGE_BYTES / u64::from(self.row_bytes)).max(1)
    }

    /// Pages on the way down its index, leaf included.
    fn height(&self) -> u64 {
        let mut pages = self.rows.div_ceil(LEAF_ENTRIES);
        let mut height = 1;
        while pages > 1 {
            pages = pages.div_ceil(LEAF_ENTRIES);
            height += 1;
        }
        height
    }

    /// Gives `rows` back.
    fn sent(&self, rows: u64) -> Extent {
        Extent {
            returned: rows,
            bytes: rows * u64::from(self.row_bytes),
            ..Extent::default()
        }
    }

    /// `keys` single rows by their keys, each with a way down the index, of which `rows` are given back.
    fn sought(&self, keys: u64, rows: u64) -> Extent {
        Extent {
            examined: keys,
            seeks: keys,
            pages: keys * (self.height() + 1),
            ..self.sent(rows)
        }
    }

    /// `rows` that lie side by side in an index and each on a page of its own.
    fn found(&self, rows: u64) -> Extent {
        Extent {
            examined: rows,
            seeks: 1,
            pages: self.height() - 1 + rows.div_ceil(LEAF_ENTRIES).max(1) + rows,
            ..self.sent(rows)
        }
    }

    /// Finds and writes `rows`.
    fn written(&self, rows: u64) -> Extent {
        Extent {
            written: rows,
            ..self.sought(rows, 0)
        }
    }

    /// Pages that the rows from number `from` up to `to` lie on, those of the index included.
    fn range_pages(&self, from: u64, to: u64) -> u64 {
        let touched = |per_page: u64| match to.checked_sub(1) {
            Some(last) if last >= from => last / per_page - from / per_page + 1,
            _ => 0,
        };
        self.height() - 1 + touched(LEAF_ENTRIES).max(1) + touched(self.rows_per_page())
    }
}
