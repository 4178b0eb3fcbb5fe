//! Hard caps on what a scenario may ask for, so that no file or link can exhaust the machine that opens it.

/// Users that all instances of one service remember together.
pub const SESSIONS: u64 = 500_000;
/// Problems of a file that are told.
pub const PROBLEMS: usize = 200;
/// Components in a scenario.
pub const COMPONENTS: u64 = 500;
/// Copies of one component.
pub const INSTANCES: u64 = 1_000;
/// Workers of one instance, or connections of one database.
pub const WORKERS: u64 = 10_000;
/// Places in one waiting line.
pub const QUEUE: u64 = 1_000_000;
/// Arrivals a second of one client.
pub const RATE_PER_S: f64 = 1_000_000.0;
/// Members of all balancers together: an instance counts once for each balancer that has it.
pub const MEMBERS: u64 = 200_000;
/// Weight of one member.
pub const WEIGHT: u64 = 1_000;
/// Points on the rings of all balancers together; and, apart from them, points and entries of all shards' rules.
pub const RING_POINTS: u64 = 2_000_000;
/// Shards behind one router.
pub const SHARDS: u64 = 500;
/// Points of one shard on a ring.
pub const SHARD_POINTS: u64 = 10_000;
/// Stretches of keys that one directory lists.
pub const DIRECTORY: u64 = 1_000;
/// Keys that can be moved from shard to shard.
pub const RESHARD_KEYS: u64 = 1_000_000;
/// Members that a balancer draws to choose among.
pub const CHOICES: u32 = 16;
/// Sticky users or keys that all balancers together remember.
pub const AFFINITIES: u64 = 1_000_000;
/// Probes or failures in a row that a balancer counts.
pub const PROBES: u64 = 1_000;
/// Users of one client, and of all closed loops together.
pub const USERS: u64 = 1_000_000;
/// Keys of one client.
pub const KEYS: u64 = 10_000_000;
/// Requests in one batch, or their mean.
pub const BATCH: u64 = 10_000;
/// Points of one profile of rates.
pub const PROFILE: u64 = 10_000;
/// Bandwidth of one link, in megabits a second.
pub const BANDWIDTH_MBIT_S: f64 = 1_000_000.0;
/// Bytes of one payload.
pub const PAYLOAD_BYTES: u64 = 1 << 30;
/// The longest run, in simulated seconds: one week.
pub const HORIZON_S: f64 = 604_800.0;
/// The longest mean of one piece of work, in milliseconds: one hour.
pub const WORK_MS: f64 = 3_600_000.0;
/// Instructions in one plan.
pub const PLAN: u64 = 1_000;
/// Distinct operations in a scenario.
pub const OPERATIONS: u64 = 1_000;
/// Samples of one empirical distribution.
pub const SAMPLES: u64 = 100_000;
/// Tries of one call.
pub const ATTEMPTS: u64 = 10;
/// Further copies of one hedged call.
pub const HEDGES: u64 = 5;
/// Calls that a circuit breaker looks back on.
pub const BREAKER_CALLS: u64 = 1_000;
/// Seconds that a circuit breaker looks back on.
pub const BREAKER_SECONDS: u64 = 300;
/// Keys that one rate limiter remembers.
pub const RATE_LIMIT_KEYS: u64 = 100_000;
/// Faults of a scenario.
pub const FAULTS: u64 = 100;
/// Links of a scenario.
pub const LINKS: u64 = 2_000;
/// Repetitions of one call.
pub const TIMES: u64 = 100_000;
/// Calls made at once in one step.
pub const FAN_OUT: u64 = 1_000;
/// Fallbacks inside fallbacks.
pub const FALLBACK_DEPTH: usize = 4;
/// Bulkheads of one service.
pub const BULKHEADS: u64 = 50;
/// Nested calls under one request.
pub const CALL_DEPTH: usize = 32;
/// Arrivals in one replayed file.
pub const REPLAY: usize = 1_000_000;
/// Bytes of arrivals that are kept in a scenario itself.
pub const RECORDING: u64 = 200_000;
/// Names in one object of a file: maps of names are lists, searched from their beginning.
pub const NAMES: usize = 2_000;
/// Bytes of one scenario file.
pub const FILE_BYTES: usize = 4 << 20;
/// Requests in the system at once; a run that reaches it is stopped.
pub const IN_FLIGHT: usize = 1_000_000;
/// Frames at once (a request has one at each component that works on it); a run that reaches it is stopped.
pub const FRAMES: usize = 1_000_000;
/// Calls of several attempts or branches at once; a run that reaches it is stopped.
pub const CALLS: usize = 1_000_000;
/// Events planned at once; a run that reaches it is stopped.
pub const PLANNED: usize = 2_000_000;
/// Events one run may handle unless told otherwise; a run that reaches it is stopped.
pub const EVENTS: u64 = 200_000_000;
/// Entries of one cache, and of all caches of a scenario together.
pub const CACHE_ENTRIES: u64 = 500_000;
/// Entries of a cache that is bounded in bytes alone.
pub const CACHE_ENTRIES_UNSAID: u32 = 100_000;
/// Bytes of one cache: one tebibyte. They are counted, not held.
pub const CACHE_BYTES: u64 = 1 << 40;
/// The longest time to live, in seconds: one year.
pub const TTL_S: f64 = 31_536_000.0;
/// Dirty keys of one cache that writes behind.
pub const DIRTY: u32 = 100_000;
/// Tables of one database.
pub const TABLES: u64 = 100;
/// Rows of one table. They are counted; only those that are written are kept.
pub const TABLE_ROWS: u64 = 10_000_000_000;
/// Bytes of one row.
pub const ROW_BYTES: u64 = 8_192;
/// Rows that one statement names by itself: a page, a list of keys, rows to write.
pub const STATEMENT_ROWS: u64 = 100_000;
/// Rows that one statement writes, each of which it locks.
pub const ROWS_WRITTEN: u64 = 100;
/// Rows that are kept because they were written, over all databases of a scenario; see `db::Rows`.
pub const ROWS: u32 = 500_000;
/// Writes that primaries keep for replicas which have not applied them, over all databases; see `db::Replication`.
pub const LOG: usize = 500_000;
/// Changes made once that all databases together remember; see `db::Once`.
pub const IDENTITIES: u32 = 100_000;
/// Invariants of a scenario.
pub const INVARIANTS: u64 = 50;
/// Tables over which one invariant adds up.
pub const CONSERVED_TABLES: u64 = 100;
/// Writes and keys that the audit of a run remembers, all invariants together; see `audit`.
pub const AUDITED: u32 = 100_000;
/// Replicas of one database.
pub const REPLICAS: u64 = 50;
/// Users of whom a router remembers the latest write; see `db::Sessions`.
pub const WRITERS: u32 = 100_000;
/// Connections in the pools of all instances of a scenario.
pub const CONNECTIONS: u64 = 1_000_000;
/// Attempts of one change after the first.
pub const CHANGE_RETRIES: u64 = 1_000;
/// Regions of one cache.
pub const REGIONS: u64 = 100;
/// Steps of one saga.
pub const WORKFLOW_STEPS: u64 = 100;
/// Branches of one transaction.
pub const BRANCHES: u64 = 16;
/// Sagas and transactions under way at once; the next finds no room in the log.
pub const WORKFLOWS: usize = 50_000;
/// Marks of steps, over all databases of a scenario; see `workflow::Fence`.
pub const MARKS: u32 = 262_144;
/// Messages that all queues and topics of a scenario may keep together.
pub const MESSAGES: u64 = 1_000_000;
/// Deliveries of one message.
pub const DELIVERIES: u64 = 1_000;
/// Partitions of one topic.
pub const PARTITIONS: u64 = 1_000;
/// Consumer groups of one topic.
pub const SUBSCRIPTIONS: u64 = 20;
/// Messages that a group processes between two commits.
pub const COMMIT_EVERY: u64 = 10_000;
/// Messages that one outbox holds before writes are refused.
pub const OUTBOX: usize = 100_000;
/// Streams of one event store, or rows of a table that a view follows.
pub const STREAMS: u64 = 100_000;
/// Rows of logs and of the views that follow them, over all of a scenario; a view that may be rebuilt counts twice.
pub const FOLLOWED_ROWS: u64 = 500_000;
/// Changes that logs keep one by one, over all of a scenario; see `sourcing::ChangeLog`.
pub const CHANGES_KEPT: usize = 500_000;
/// Events of one stream at the start of a run. They are counted, not held.
pub const STREAM_EVENTS: u64 = 100_000;
/// Schemas of an event store after the first.
pub const SCHEMAS: u64 = 8;
/// Changes that a view applies at once.
pub const BATCH_CHANGES: u64 = 10_000;
/// Rebuilds of one view in a run.
pub const REBUILDS: u64 = 100;
