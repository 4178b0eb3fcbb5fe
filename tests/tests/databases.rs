//! Databases against `PostgreSQL`, and against naive models.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{BTreeMap, HashMap, VecDeque};

use proptest::prelude::*;
use scale_sim::db::{
    Acquired, Change, Committed, Connection, ConnectionPool, Extent, Locks, Next, PoolBounds,
    Prepared, Replication, Row, Rows, Rule, Step, Stepped, Timing, Transaction, Written,
};
use scale_sim::{Care, Costs, Database, Duration, Key, Pool, Statement, Table, Time, read_json};

const PAGINATION: &str = include_str!("../oracle/db/pagination.csv");
const INDEX: &str = include_str!("../oracle/db/index_vs_seqscan.csv");
const N_PLUS_1: &str = include_str!("../oracle/db/n_plus_1.csv");
const CONNECT: &str = include_str!("../oracle/db/connect_vs_pool.csv");
const OVERSELL: &str = include_str!("../oracle/db/oversell.csv");
const REPLICA_LAG: &str = include_str!("../oracle/db/replica_lag.csv");

type Fields = HashMap<&'static str, &'static str>;

/// The rows of a table, each with its fields by the names in the head.
fn rows(table: &'static str) -> impl Iterator<Item = Fields> {
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().expect("there is a head").split(',').collect();
    lines.map(move |line| head.iter().copied().zip(line.split(',')).collect())
}

fn count(row: &Fields, field: &str) -> u64 {
    row[field].parse().expect("it is a count")
}

fn number(row: &Fields, field: &str) -> f64 {
    row[field].parse().expect("it is a number")
}

fn within(factor: f64, ours: f64, measured: f64, what: &impl core::fmt::Debug) {
    let ratio = ours / measured;
    assert!(
        ratio < factor && ratio > 1.0 / factor,
        "{ours} against {measured}: {what:?}"
    );
}

/// A statement on a million rows, 75 to a page, as they were measured.
fn prepared(statement: &str) -> Prepared {
    let statement: Statement = read_json(statement).unwrap_or_else(|p| panic!("{p}: {statement}"));
    let table = Table {
        rows: 1_000_000,
        row_bytes: 109,
        value: 0,
    };
    let tables = [("t".to_owned(), table)].into_iter().collect();
    Prepared::new(&statement, &tables, &Costs::default()).expect("the table is there")
}

fn time_ms(statement: &Prepared) -> f64 {
    let mut draws = Key::root(1).draws();
    statement.time(&statement.extent(0), &mut draws).millis()
}

#[test]
fn pages_by_offset_and_by_key_read_the_rows_and_pages_that_postgres_reads() {
    let mut checked = 0;
    for row in rows(PAGINATION) {
        let (by, size, page) = (row["method"], row["page_size"], row["page"]);
        let statement = prepared(&format!(
            r#"{{"page":{{"table":"t","size":{size},"page":{page},"by":"{by}"}}}}"#
        ));
        let extent = statement.extent(0);
        assert_eq!(extent.examined, count(&row, "rows_scanned"), "{row:?}");
        assert_eq!(extent.returned, count(&row, "rows_returned"), "{row:?}");
        assert_eq!(
            extent.pages,
            count(&row, "shared_buffers_touched"),
            "{row:?}"
        );
        let execution = statement.execution(&extent).millis();
        let measured = number(&row, "exec_ms_explain_analyze_median");
        within(2.0, execution, measured, &row);
        within(
            3.0,
            time_ms(&statement),
            number(&row, "client_wall_ms_median"),
            &row,
        );
        // The request's key may say which page instead.
        let by_key = prepared(&format!(
            r#"{{"page":{{"table":"t","size":{size},"by":"{by}"}}}}"#
        ));
        assert_eq!(by_key.extent(count(&row, "page") - 1), extent);
        checked += 1;
    }
    assert_eq!(checked, 24);
}

#[test]
fn beyond_the_last_page_there_is_nothing_and_an_offset_reads_all_rows_to_find_out() {
    for (by, examined) in [("offset", 1_000_000), ("keyset", 0)] {
        let statement = prepared(&format!(
            r#"{{"page":{{"table":"t","size":20,"page":100000,"by":"{by}"}}}}"#
        ));
        let extent = statement.extent(0);
        assert_eq!((extent.examined, extent.returned), (examined, 0));
    }
    let last = prepared(r#"{"page":{"table":"t","size":30,"page":33334,"by":"keyset"}}"#);
    assert_eq!(last.extent(0).returned, 10);
}

#[test]
fn one_row_of_a_million_costs_all_of_them_without_an_index() {
    for row in rows(INDEX) {
        let indexed = row["case"] == "index";
        let statement = prepared(&format!(
            r#"{{"find":{{"table":"t","indexed":{indexed}}}}}"#
        ));
        let extent = statement.extent(0);
        let out = count(&row, "rows_out");
        assert_eq!(extent.returned, out);
        assert_eq!(extent.examined, out + count(&row, "rows_removed_by_filter"));
        assert_eq!(extent.pages, count(&row, "shared_buffers"));
        let execution = statement.execution(&extent).millis();
        within(2.0, execution, number(&row, "exec_ms"), &row);
    }
}

#[test]
fn a_list_or_a_join_takes_the_place_of_many_queries() {
    let mut times: BTreeMap<(u64, &str), f64> = BTreeMap::new();
    for row in rows(N_PLUS_1) {
        let (n, method) = (count(&row, "parents_N"), row["method"]);
        let parents = format!(r#"{{"find":{{"table":"t","indexed":true,"rows":{n}}}}}"#);
        let child = r#"{"find":{"table":"t","indexed":true}}"#;
        let statements: Vec<Prepared> = match method {
            "n_plus_1" => core::iter::once(prepared(&parents))
                .chain((0..n).map(|_| prepared(child)))
                .collect(),
            "batch_in" => {
                let batch = format!(r#"{{"batch":{{"table":"t","keys":{n}}}}}"#);
                vec![prepared(&parents), prepared(&batch)]
            }
            "join" => vec![prepared(&format!(
                r#"{{"join":{{"table":"t","rows":{n},"with":"t"}}}}"#
            ))],
            other => panic!("no method {other}"),
        };
        assert_eq!(statements.len() as u64, count(&row, "queries"));
        // All three give back the same children.
        let children: u64 = statements.iter().map(|s| s.extent(0).returned).sum();
        assert_eq!(children, if method == "join" { n } else { 2 * n });
        let ms = statements.iter().map(time_ms).sum();
        within(3.0, ms, number(&row, "median_ms_loopback"), &row);
        times.insert((n, method), ms);
    }
    for n in [10, 50, 100, 500] {
        assert!(times[&(n, "join")] < times[&(n, "batch_in")]);
        assert!(times[&(n, "batch_in")] < times[&(n, "n_plus_1")] / 3.0);
    }
}

#[test]
fn a_pool_saves_setting_up_a_connection_for_each_request() {
    let measured: HashMap<&str, Fields> = rows(CONNECT).map(|row| (row["method"], row)).collect();
    let ms = |method| number(&measured[method], "median_ms");
    // What setting one up takes is the machine's; what a query takes is ours.
    let connect = ms("connect_per_request") - ms("pooled");
    let query = time_ms(&prepared(r#"{"read":{"table":"t"}}"#));
    let settings: Pool = read_json(r#"{"min":0,"max":1}"#).expect("it can be read");
    let bounds = settings.bounds();
    let median = |requests: usize, keep: bool| {
        let mut now = Time::ZERO;
        let mut pool = ConnectionPool::new(&bounds, now);
        let mut times: Vec<f64> = Vec::new();
        for request in 0..requests {
            let began = now;
            match pool.acquire(&bounds, request) {
                Connection::Ready => {}
                Connection::Open => {
                    now = now + Duration::from_millis(connect);
                    pool.opened();
                }
                Connection::Wait(_) => panic!("requests come one by one"),
            }
            now = now + Duration::from_millis(query);
            if keep {
                assert_eq!(pool.release(&bounds, now), None);
            } else {
                assert_eq!(pool.discard(&bounds), None);
            }
            times.push(now.since(began).millis());
        }
        times.sort_by(f64::total_cmp);
        times[requests / 2]
    };
    let without = median(300, false);
    let pooled = median(2_000, true);
    within(2.0, without, ms("connect_per_request"), &"connect");
    within(3.0, pooled, ms("pooled"), &"pooled");
    let speedup = number(&measured["pooled"], "speedup_median");
    within(3.0, without / pooled, speedup, &"speedup");
}

#[derive(Debug, Default, PartialEq)]
struct Sales {
    confirmed: u64,
    left: i64,
    retries: u64,
}

/// So many buyers all buy one of a stock, step by step at the same time.
fn sell(care: Care, buyers: u64, stock: i64) -> Sales {
    let rule = Rule {
        key: 1,
        initial: stock,
        by: -1,
        least: 0,
        retries: 1_000,
    };
    let mut rows = Rows::new(1);
    let mut locks: Locks<u64> = Locks::default();
    let mut granted = Vec::new();
    let mut sales = Sales::default();
    let mut all: Vec<(Change, Option<Transaction>)> =
        (0..buyers).map(|_| (Change::new(care), None)).collect();
    let mut at_work: Vec<usize> = (0..all.len()).collect();
    let mut now = Time::ZERO;
    while !at_work.is_empty() {
        now = now + Duration::from_millis(1.0);
        for buyer in core::mem::take(&mut at_work) {
            let (change, transaction) = &mut all[buyer];
            if change.step() == Step::Lock && transaction.is_none_or(|t| !locks.waits(t)) {
                let by = *transaction.get_or_insert_with(|| locks.begin(buyer as u64));
                if locks.acquire(by, rule.key) == Acquired::Waits {
                    // Comes back when it has the lock.
                    continue;
                }
            }
            let stepped = change.stepped(&rule, &mut rows, now);
            match stepped {
                Stepped::Changed(written) => {
                    rows.publish(&written);
                    sales.confirmed += 1;
                }
                Stepped::Again => sales.retries += 1,
                Stepped::On | Stepped::TooLittle | Stepped::Conflict => {}
            }
            if stepped != Stepped::On
                && let Some(by) = transaction.take()
            {
                locks.end(by, &mut granted);
            }
            if matches!(stepped, Stepped::On | Stepped::Again) {
                at_work.push(buyer);
            }
            at_work.extend(granted.drain(..).map(|buyer| buyer as usize));
        }
    }
    sales.left = rows.get(rule.key, stock).value;
    assert_eq!((locks.held(), locks.transactions()), (0, 0));
    sales
}

#[test]
fn a_careless_change_oversells_and_a_careful_one_does_not() {
    for row in rows(OVERSELL) {
        let care = match row["method"] {
            "read_then_write_read_committed" => Care::ReadThenWrite,
            "atomic_update" => Care::AtomicUpdate,
            "select_for_update" => Care::SelectForUpdate,
            "cas_version" | "repeatable_read" | "serializable" => Care::CompareVersion,
            other => panic!("no method {other}"),
        };
        let stock = count(&row, "stock_start").cast_signed();
        let measured = Sales {
            confirmed: count(&row, "sales_confirmed"),
            left: count(&row, "stock_end").cast_signed(),
            retries: count(&row, "retries"),
        };
        assert_eq!(
            sell(care, count(&row, "buyers"), stock),
            measured,
            "{row:?}"
        );
    }
}

/// Settings of a replication, and their times.
fn timing(settings: &str) -> Timing {
    let text = format!(r#"{{"replicas":3,{settings}}}"#);
    Timing::new(&read_json(&text).expect("it can be read"), Key::root(5))
}

fn ms(millis: f64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

#[test]
fn a_replica_with_a_delay_is_stale_for_as_long() {
    let timing = timing(r#""apply_delay":{"constant":{"mean_ms":500}}"#);
    let mut checked = 0;
    for row in rows(REPLICA_LAG) {
        let case = row["case"].strip_prefix("apply_delay_500ms_read_after_");
        let Some(after) = case.and_then(|case| case.strip_suffix("ms")) else {
            continue;
        };
        let after = Duration::from_millis(after.parse().expect("it is a number"));
        let trials = count(&row, "trials");
        let (mut rows, mut replication) = (Rows::new(10), Replication::<u64>::new(1));
        let (mut stale, mut now) = (0, Time::ZERO);
        for _ in 0..trials {
            let written = rows.commit(7, 0, 1, now);
            assert_eq!(replication.commit(&timing, written, 0), Committed::Done);
            let read = now + after;
            replication.advance(&timing, read, &mut Vec::new());
            let seen = replication.read(1, rows.get(7, 0));
            assert_eq!(seen.overwritten.is_some(), seen.row.version < rows.read(7));
            stale += u64::from(seen.row != written.after);
            now = read + Duration::from_millis(5_000.0);
            replication.advance(&timing, now, &mut Vec::new());
        }
        let measured = number(&row, "stale_first_read_fraction");
        assert!(
            (stale as f64 / trials as f64 - measured).abs() < 1e-9,
            "{row:?}"
        );
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[test]
fn without_a_delay_the_first_read_is_stale_unless_the_commit_waits() {
    let measured: HashMap<&str, Fields> = rows(REPLICA_LAG).map(|row| (row["case"], row)).collect();
    for (case, commits) in [
        ("async_no_delay", "asynchronous"),
        ("sync_on", "synchronous"),
    ] {
        let timing = timing(&format!(r#""commits":"{commits}""#));
        let (mut rows, mut replication) = (Rows::new(10), Replication::<u64>::new(1));
        let written = rows.commit(7, 0, 1, Time::ZERO);
        let mut answered = Time::ZERO;
        if let Committed::Waits(_) = replication.commit(&timing, written, 9) {
            let mut reached = Vec::new();
            while reached.is_empty() {
                answered = replication.next_due().expect("it is under way");
                replication.advance(&timing, answered, &mut reached);
            }
            assert_eq!(reached[0].token, 9);
            answered = answered + reached[0].after;
        }
        let stale = replication.read(1, rows.get(7, 0)).row != written.after;
        let fraction = number(&measured[case], "stale_first_read_fraction");
        assert!((fraction - f64::from(u8::from(stale))).abs() < 0.05);
        // Until when a reader has to wait from the answer on.
        let mut visible = answered;
        while replication.applied(1) < 1 {
            visible = replication.next_due().expect("it is under way");
            replication.advance(&timing, visible, &mut Vec::new());
        }
        let lag = visible.since(answered).millis();
        let median = number(&measured[case], "visible_lag_ms_median");
        assert!((lag - median).abs() < 1.0, "{lag} against {median}");
    }
}

#[test]
fn databases_without_the_new_fields_read_as_before() {
    let text = r#"{"connections":4,"queue":10,"queries":{"*":{"constant":{"mean_ms":2}}}}"#;
    let database: Database = read_json(text).expect("it can be read");
    assert!(database.statements.is_empty() && database.replication.is_none());
    let written: String = scale_sim::write_json(&database)
        .split_whitespace()
        .collect();
    assert!(
        !written.contains("statements") && !written.contains("costs"),
        "{written}"
    );
}

/// Transactions, each with the lock that it waits for, and the lines of the locks, the holder first.
#[derive(Default)]
struct NaiveLocks {
    lines: BTreeMap<u64, VecDeque<u64>>,
}

impl NaiveLocks {
    fn leave(&mut self, token: u64, granted: &mut Vec<(u64, u64)>) {
        for (key, line) in &mut self.lines {
            let first = line.front().copied();
            line.retain(|other| *other != token);
            if first == Some(token)
                && let Some(next) = line.front()
            {
                granted.push((*key, *next));
            }
        }
    }

    fn waits_for(&self, token: u64) -> Option<u64> {
        let mut lines = self.lines.values();
        let line = lines.find(|line| line.iter().skip(1).any(|other| *other == token))?;
        line.front().copied()
    }

    fn deadlocked(&self, token: u64) -> bool {
        let mut at = token;
        for _ in 0..100 {
            match self.waits_for(at) {
                Some(next) if next == token => return true,
                Some(next) => at = next,
                None => return false,
            }
        }
        false
    }
}

proptest! {
    #[test]
    fn locks_agree_with_lines_searched_from_end_to_end(ops in prop::collection::vec((0..8_u64, 0..6_u64, 0..5_u8), 1..300)) {
        let mut locks: Locks<u64> = Locks::default();
        let mut naive = NaiveLocks::default();
        let mut open: BTreeMap<u64, Transaction> = BTreeMap::new();
        let mut granted = Vec::new();
        for (token, key, what) in ops {
            let by = *open.entry(token).or_insert_with(|| locks.begin(token));
            let waits = naive.waits_for(token).is_some();
            prop_assert_eq!(locks.waits(by), waits);
            prop_assert_eq!(locks.deadlocked(by), naive.deadlocked(token));
            match what {
                0 => {
                    let mut expected = Vec::new();
                    naive.leave(token, &mut expected);
                    let mut expected: Vec<u64> = expected.into_iter().map(|(_, next)| next).collect();
                    granted.clear();
                    locks.end(by, &mut granted);
                    open.remove(&token);
                    granted.sort_unstable();
                    expected.sort_unstable();
                    prop_assert_eq!(&granted, &expected);
                }
                1 if waits => {
                    for line in naive.lines.values_mut() {
                        let place = line.iter().skip(1).position(|other| *other == token);
                        if let Some(place) = place {
                            line.remove(place + 1);
                        }
                    }
                    locks.give_up(by);
                }
                _ if waits => {}
                _ => {
                    let line = naive.lines.entry(key).or_default();
                    let expected = match line.front() {
                        None => Acquired::Granted,
                        Some(holder) if *holder == token => Acquired::Already,
                        Some(_) => Acquired::Waits,
                    };
                    if expected != Acquired::Already {
                        line.push_back(token);
                    }
                    prop_assert_eq!(locks.acquire(by, key), expected);
                }
            }
            for (key, line) in &naive.lines {
                prop_assert_eq!(locks.holder(*key), line.front().copied());
                prop_assert_eq!(locks.waiting_for(*key) as usize, line.len().saturating_sub(1));
            }
            prop_assert_eq!(locks.transactions() as usize, open.len());
        }
    }

    #[test]
    fn a_pool_is_never_too_large_serves_in_order_and_loses_nobody(
        min in 0..4_u32, more in 0..4_u32, ops in prop::collection::vec((0..6_u8, 0..20_u64), 1..300),
    ) {
        let bounds = PoolBounds { min: min.min(min + more), max: (min + more).max(1), idle: Duration::from_nanos(25) };
        let mut pool: ConnectionPool<u64> = ConnectionPool::new(&bounds, Time::ZERO);
        let mut line: VecDeque<(u64, u64)> = VecDeque::new();
        let (mut now, mut token) = (0, 0);
        let (mut have, mut opening) = (0_u32, 0_u32);
        for (what, wait) in ops {
            now += wait;
            let at = Time::from_nanos(now);
            pool.expire(&bounds, at);
            prop_assert!(pool.next_expiry(&bounds).is_none_or(|due| due > at));
            let next = match what {
                0 | 1 => {
                    token += 1;
                    match pool.acquire(&bounds, token) {
                        Connection::Ready => { prop_assert!(line.is_empty()); have += 1; }
                        Connection::Open => { prop_assert!(line.is_empty()); opening += 1; }
                        Connection::Wait(ticket) => {
                            prop_assert_eq!(have + opening, bounds.max);
                            line.push_back((ticket, token));
                        }
                    }
                    None
                }
                2 if opening > 0 => { pool.opened(); opening -= 1; have += 1; None }
                3 if opening > 0 => { opening -= 1; pool.failed(&bounds) }
                3 if have > 0 => { have -= 1; pool.discard(&bounds) }
                4 if have > 0 => { have -= 1; pool.release(&bounds, at) }
                5 if !line.is_empty() => {
                    let (ticket, _) = line.remove(wait as usize % line.len()).expect("it is there");
                    prop_assert!(pool.leave(ticket));
                    prop_assert!(!pool.leave(ticket));
                    None
                }
                _ => None,
            };
            match next {
                Some(Next::Ready(next)) => { have += 1; prop_assert_eq!(line.pop_front().map(|w| w.1), Some(next)); }
                Some(Next::Open(next)) => { opening += 1; prop_assert_eq!(line.pop_front().map(|w| w.1), Some(next)); }
                None => {}
            }
            prop_assert_eq!((pool.busy(), pool.opening(), pool.waiting() as usize), (have, opening, line.len()));
            prop_assert!(pool.open() <= bounds.max);
            prop_assert!(line.is_empty() || pool.idle() == 0);
        }
    }

    #[test]
    fn replicas_apply_in_order_at_the_moments_that_the_definition_gives(
        gaps in prop::collection::vec(0..40_u64, 1..60), ship in 0..30_u64, delay in 0..60_u64, apply in 0..30_u64,
    ) {
        let constant = |us: u64| format!(r#"{{"constant":{{"mean_ms":{}}}}}"#, us as f64 / 1e3);
        let timing = timing(&format!(
            r#""ship":{},"apply_delay":{},"apply":{}"#, constant(ship), constant(delay), constant(apply)
        ));
        let (mut rows, mut replication) = (Rows::new(100), Replication::<u64>::new(2));
        let (mut now, mut received, mut applied, mut due) = (0, 0, 0, Vec::new());
        for gap in gaps {
            now += gap;
            let written = rows.commit(now % 7, 0, 0, Time::from_nanos(now * 1000));
            replication.commit(&timing, written, 0);
            received = received.max(now + ship);
            applied = applied.max(received).max(now + delay) + apply;
            due.push(applied);
        }
        // However rarely it is looked at, the moments are the same.
        for look in (0..=now + 2000).step_by(17) {
            let at = Time::from_nanos(look * 1000);
            replication.advance(&timing, at, &mut Vec::new());
            let expected = due.iter().filter(|moment| **moment <= look).count() as u64;
            prop_assert_eq!(replication.applied(1), expected);
            prop_assert_eq!(replication.applied(2), expected);
        }
        prop_assert_eq!((replication.kept(), replication.next_due()), (0, None));
    }

    #[test]
    fn a_replica_reads_what_was_and_a_failover_loses_what_was_not_received(
        ops in prop::collection::vec((0..9_u8, 0..4_u16, 0..300_u64), 1..200), mode in 0..3_u8,
    ) {
        let commits = [r#""asynchronous""#, r#"{"semi_synchronous":{"acks":1}}"#, r#""synchronous""#][usize::from(mode)];
        let timing = timing(&format!(
            r#""commits":{commits},"ship":{{"exponential":{{"mean_ms":0.1}}}},"apply":{{"exponential":{{"mean_ms":0.2}}}}"#
        ));
        let (mut rows, mut replication) = (Rows::new(100), Replication::<u64>::new(3));
        // All writes that are not lost, in order; and which of them have been answered.
        let mut history: Vec<Written> = Vec::new();
        let mut answered: Vec<u64> = Vec::new();
        let mut waiting: Vec<u64> = Vec::new();
        let (mut now, mut before) = (Time::ZERO, [0_u64; 4]);
        let mut reached = Vec::new();
        for (what, node, wait) in ops {
            now = now + Duration::from_nanos(wait * 1000);
            reached.clear();
            replication.advance(&timing, now, &mut reached);
            for one in &reached {
                // In order, and each once.
                prop_assert_eq!(waiting.remove(0), one.token);
                answered.push(one.token);
            }
            let primary = replication.primary();
            match what {
                0..=3 => {
                    let written = rows.commit(u64::from(node), 0, now.nanos().cast_signed(), now);
                    history.push(written);
                    match replication.commit(&timing, written, written.after.version) {
                        Committed::Done => answered.push(written.after.version),
                        Committed::Waits(_) => waiting.push(written.after.version),
                    }
                }
                4 if node != primary => replication.set_linked(&timing, node, wait % 2 == 0, now),
                5 if node != primary => replication.set_applying(&timing, node, [0, 500, 1000][wait as usize % 3], now),
                6 if node != primary => replication.remove(node),
                7 => replication.rejoin(node, now),
                8 if wait % 3 == 0 => {
                    let best = replication.replicas().map(|node| replication.received(node)).max();
                    let (mut lost, mut failed) = (Vec::new(), Vec::new());
                    let promotion = replication.fail_over(&timing, &mut rows, now, &mut lost, &mut failed);
                    prop_assert_eq!(promotion.is_some(), best.is_some());
                    if let (Some(promotion), Some(best)) = (promotion, best) {
                        prop_assert_eq!(&failed, &waiting);
                        waiting.clear();
                        let gone: Vec<u64> = history.iter().map(|w| w.after.version).filter(|v| *v > best).collect();
                        prop_assert_eq!(promotion.lost, gone.len() as u64);
                        let expected: Vec<u64> = gone.iter().copied().filter(|v| answered.contains(v)).collect();
                        let listed: Vec<u64> = lost.iter().map(|lost| lost.version).collect();
                        prop_assert_eq!(&listed, &gone);
                        let acknowledged = lost.iter().filter(|lost| lost.acknowledged);
                        let acknowledged: Vec<u64> = acknowledged.map(|lost| lost.version).collect();
                        prop_assert_eq!(&acknowledged, &expected);
                        history.retain(|written| written.after.version <= best);
                        prop_assert!(promotion.ready >= now && !replication.present(primary));
                        before = [0; 4];
                    }
                }
                _ => {}
            }
            // The primary has all that is left; each replica what was there up to its position.
            let as_of = |key: u64, position: u64| history.iter().rev()
                .find(|w| w.key == key && w.after.version <= position).map_or(Row::default(), |w| w.after);
            for key in 0..4 {
                prop_assert_eq!(rows.get(key, 0), as_of(key, u64::MAX));
            }
            for node in replication.replicas().collect::<Vec<_>>() {
                let (applied, received) = (replication.applied(node), replication.received(node));
                prop_assert!(applied <= received && received <= replication.head());
                prop_assert!(applied >= before[usize::from(node)]);
                before[usize::from(node)] = applied;
                for key in 0..4 {
                    prop_assert_eq!(replication.read(node, rows.get(key, 0)).row, as_of(key, applied));
                }
            }
        }
        let copy = replication.clone();
        prop_assert_eq!(&copy, &replication);
    }
}

#[test]
fn a_semi_synchronous_commit_that_was_answered_survives_its_primary() {
    let timing = timing(
        r#""commits":{"semi_synchronous":{"acks":1}},"ship":{"uniform":{"min_ms":1,"max_ms":9}}"#,
    );
    let (mut rows, mut replication) = (Rows::new(100), Replication::<u64>::new(3));
    let mut reached = Vec::new();
    for i in 0..100 {
        let written = rows.commit(i, 0, 1, ms(i as f64));
        assert!(matches!(
            replication.commit(&timing, written, i),
            Committed::Waits(_)
        ));
        replication.advance(&timing, ms(i as f64), &mut reached);
    }
    assert!(reached.len() > 80 && reached.len() < 100);
    let (mut lost, mut failed) = (Vec::new(), Vec::new());
    let promotion = replication.fail_over(&timing, &mut rows, ms(99.0), &mut lost, &mut failed);
    assert!(promotion.expect("there are replicas").lost > 0);
    assert!(lost.iter().all(|lost| !lost.acknowledged));
    assert_eq!(reached.len() + failed.len(), 100);
}

#[test]
fn a_statement_may_write_several_rows_and_wraps_round_its_table() {
    let write = prepared(r#"{"write":{"table":"t","rows":3}}"#);
    let extent = write.extent(0);
    assert_eq!((extent.written, extent.seeks, write.writes()), (3, 3, 3));
    assert_eq!(write.row_after(999_999, 1), write.row(1_000_000));
    let read = prepared(r#"{"read":{"table":"t"}}"#);
    assert_eq!(
        read.extent(5),
        Extent {
            examined: 1,
            returned: 1,
            written: 0,
            seeks: 1,
            pages: 4,
            bytes: 109
        }
    );
}
