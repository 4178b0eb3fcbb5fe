//! Why calls fail.

/// Declares the reasons of losses with their names in logs, summaries and measures.
macro_rules! losses {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Why a call failed, and in the end a request was lost.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum Loss {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Loss {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The reason as logs and summaries spell it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

losses! {
    /// All servers were busy and the waiting line was full; or a queue had no room for a message.
    QueueFull = "queue_full",
    /// It had waited longer than the line's rule allows.
    Shed = "shed",
    /// No answer within the caller's timeout.
    TimedOut = "timed_out",
    /// The instance crashed while it worked on it.
    Crashed = "crashed",
    /// The instance was down: the connection was refused.
    Down = "down",
    /// The balancer knew no usable target.
    NoTarget = "no_target",
    /// The circuit breaker was open.
    CircuitOpen = "circuit_open",
    /// A rate or concurrency limit.
    Limited = "limited",
    /// No connection of the pool became free in time.
    PoolTimeout = "pool_timeout",
    /// It could not be got over the wire.
    Unreachable = "unreachable",
    /// An error that was put in as a fault.
    Error = "error",
    /// No room was left on the disk.
    DiskFull = "disk_full",
    /// The user's session was lost, or is kept by another instance.
    LoggedOut = "logged_out",
    /// A row's lock did not become free in time.
    LockTimeout = "lock_timeout",
    /// It waited for a lock whose holder waited for it.
    Deadlock = "deadlock",
    /// Others changed the row in the meantime, too often.
    Conflict = "conflict",
    /// The node took no writes: it was a replica.
    ReadOnly = "read_only",
    /// Too little was left in the row for what it asked for.
    TooLittle = "too_little",
    /// It came after it had been taken back.
    TooLate = "too_late",
    /// A saga could neither be finished nor taken back.
    Stuck = "stuck",
    /// A plan says so.
    Failed = "failed",
    /// The view is being built anew.
    Rebuilding = "rebuilding",
    /// The moment asked for is older than what the log remembers.
    Forgotten = "forgotten",
}
