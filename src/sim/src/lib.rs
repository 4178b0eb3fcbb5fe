//! The simulation core of Scale Lab: discrete-event simulation of systems under load.
//!
//! A [`Scenario`] is read from a file and checked, compiled into a [`Model`], and run by an [`Engine`] that tells its
//! [`Probe`] everything that happens. The [`Recorder`] is the probe that keeps figures, series and the
//! stories of single requests. Nothing here knows a browser, a file system or a clock; the same seed gives the same run,
//! to the byte, on every platform.

#![allow(
    clippy::inline_always,
    reason = "measured: of what happens to every request, what stays a call costs Wasm a tenth of its speed"
)]

mod arrivals;
mod audit;
pub mod balance;
mod cache;
mod calendar;
mod compile;
mod component;
mod database_figures;
pub mod db;
mod distribution;
mod engine;
mod estimate;
mod event;
mod fault;
mod figures;
mod frame;
pub mod hash;
mod histogram;
mod index;
mod invariant;
mod json;
mod keys;
pub mod limits;
mod list;
mod measure;
mod message_figures;
mod messaging;
mod mix;
mod model;
mod payload;
mod policy_state;
mod probe;
mod problem;
mod random;
mod rates;
mod recorder;
mod replay;
mod resilience;
mod run;
mod scenario;
mod sessions;
pub mod shard;
pub mod sourcing;
mod state_hash;
mod story;
mod time;
mod trace;
mod view_figures;
mod why;
mod wire;
pub mod workflow;

pub use audit::{Auditor, Finding, Findings, Violation};
pub use balance::{Ejection, HealthCheck, MemberState, Policy, Sticky};
pub use cache::{
    Cache, CacheStore, Capacity, Dirty, Entry, Eviction, Flights, Invalidation, Item, Join,
    Lifetimes, Lookup, Mode, Segment, Standing, Stored, Ttl, Value, Waiter, Warm, WriteBehind,
    Written,
};
pub use component::{
    Arrivals, Asked, Asking, Balancer, BatchSize, Cached, Call, Care, Choice, Client, Commits,
    Component, Costs, Database, Discipline, EventCosts, EventSchema, EventStore, Expected, Full,
    Gateway, Instruction, Invalidate, Kind, LimitBy, LogFormat, Outbox, Paging, Parallel, Persist,
    Pool, Protocol, Queue, ReadModel, Reads, Rebuild, Rebuilding, Replication, Reshard, Saga,
    SagaStep, Scatter, Service, Shards, Snapshots, Statement, StreamOperation, Subscription, Table,
    Topic, Transaction, VersionOf, Weight,
};
pub use database_figures::DatabaseFigures;
pub use distribution::Distribution;
pub use engine::{Engine, Parts, Stop, Totals};
pub use estimate::Estimate;
pub use event::{
    Child, Event, LOG_HEAD, Loss, MessageEvent, MessageRef, RequestRef, RowEvent, ShardEvent,
    StoreEvent, ViewEvent, WorkflowEvent, write_line,
};
pub use fault::{
    Between, Errors, Fault, Lossy, Place, RandomTimes, Reduced, Slow, Spike, Trouble, Zone,
};
pub use figures::{Figures, Latency, Losses, StationFigures};
pub use histogram::LatencyBin;
pub use invariant::{ChangeOf, Freshness, Invariant, Messages, Steps, TableOf, Tables, Watched};
pub use json::{from_json_value, parse_json, read_json, write_json};
pub use keys::{KeySampler, Keys};
pub use measure::{Condition, Measure, Metric};
pub use message_figures::MessageFigures;
pub use messaging::{Assignment, Delivery};
pub use mix::{Mix, MixSampler};
pub use model::{Files, Model, StationInfo};
pub use payload::{Codec, Compression, Content, Payload};
pub use policy_state::PolicyState;
pub use probe::{Log, NoProbe, Probe};
pub use problem::{Allowed, Problem, pointer};
pub use random::{Draws, Key};
pub use recorder::Recorder;
pub use replay::{ReplayError, read as read_replay, read_moments};
pub use resilience::{
    Admit, Autoscale, AutoscaleState, Backoff, Breaker, BreakerState, BreakerView, Codel, CodelLaw,
    ConcurrencyLimit, ConcurrencyState, ConsecutiveBreaker, Hedge, Jitter, Permit, Phase,
    RateLimit, RateLimitState, Resilience, Retry, RetryBudget, RetryBudgetState, ScalingMetric,
    ScalingRule, Shed, Shedding, SheddingState, StepDown, StepUp, Threshold, Trial, WindowBreaker,
    WindowUnit,
};
pub use run::{Outcome, Simulation, outcome, run, run_unwatched, simulation};
pub use scenario::{Scenario, VERSION, View};
pub use sessions::{LostSession, Sessions};
pub use shard::{Shape, ShardMap};
pub use story::{Doing, Span, Stories, Story};
pub use time::{Duration, Time};
pub use trace::Trace;
pub use view_figures::{StoreFigures, ViewFigures};
pub use why::{Account, Holder, Wait, Why};
pub use wire::{Link, Sent, Wire, WireState};
