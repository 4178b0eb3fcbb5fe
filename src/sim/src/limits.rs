//! Hard caps on what a scenario may ask for, so that no file or link can exhaust the machine that opens it.

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
/// Points on the rings of all balancers together.
pub const RING_POINTS: u64 = 2_000_000;
/// Members that a balancer draws to choose among.
pub const CHOICES: u32 = 16;
/// Sticky users or keys that all balancers together remember.
pub const AFFINITIES: u64 = 1_000_000;
/// Probes or failures in a row that a balancer counts.
pub const PROBES: u64 = 1_000;
/// Users of one closed-loop client.
pub const USERS: u64 = 1_000_000;
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
/// Nested calls under one request.
pub const CALL_DEPTH: usize = 32;
/// Arrivals in one replayed file.
pub const REPLAY: usize = 1_000_000;
/// Names in one object of a file: maps of names are lists, searched from their beginning.
pub const NAMES: usize = 2_000;
/// Bytes of one scenario file.
pub const FILE_BYTES: usize = 4 << 20;
/// Requests in the system at once; a run that reaches it is stopped.
pub const IN_FLIGHT: usize = 1_000_000;
/// Events one run may handle unless told otherwise; a run that reaches it is stopped.
pub const EVENTS: u64 = 200_000_000;
