//! Who may call whom: the tiers that components form, so that no system calls itself.

/// What can be called from somewhere.
#[derive(Clone, Copy)]
pub(super) struct Tier {
    /// In a plain system.
    plain: &'static [&'static str],
    /// In any.
    all: &'static [&'static str],
    /// What is asked for that a cache did not have.
    pub fetch: &'static [&'static str],
    /// Whether its plans have sagas and transactions: where one leads to another, a step of a saga could lead to a saga.
    pub workflows: bool,
}

impl Tier {
    pub(super) fn of(self, plain: bool) -> &'static [&'static str] {
        if plain { self.plain } else { self.all }
    }
}

/// Calls from each tier can go to these.
pub(super) const BELOW_FRONT: Tier = Tier {
    plain: &["back-lb", "side", "db-1", "db-lb"],
    all: &[
        "back-lb", "side", "db-1", "db-lb", "near", "store", "store", "store", "spread", "jobs",
        "events", "ledger", "ledger", "list", "recent",
    ],
    fetch: &["db-1", "db-lb", "store", "list", "ledger"],
    workflows: false,
};
pub(super) const BELOW_BACK: Tier = Tier {
    plain: &["db-1", "db-lb"],
    all: &[
        "db-1", "db-lb", "near", "store", "store", "store", "jobs", "events", "ledger", "list",
        "copy", "recent",
    ],
    fetch: &["db-1", "db-lb", "store", "copy"],
    workflows: true,
};
/// Consumers of messages: nothing that they call leaves a message.
pub(super) const BELOW_CONSUMERS: Tier = Tier {
    plain: &[],
    all: &["db-1", "db-lb", "near", "ledger", "ledger", "list", "copy"],
    fetch: &["db-1", "db-lb", "list"],
    workflows: true,
};
/// Clients call these.
pub(super) const ENTRANCES: Tier = Tier {
    plain: &["front-lb", "front-lb", "back-lb", "side"],
    all: &[
        "front-lb", "front-lb", "gateway", "gateway", "edge", "edge", "back-lb", "back-lb", "side",
        "side", "spread", "spread", "store", "store", "jobs", "events", "ledger", "list", "recent",
    ],
    fetch: &[],
    workflows: false,
};

/// Wires there can be: who calls whom.
pub(super) const WAYS: &[(&str, &str)] = &[
    ("users-1", "front-lb"),
    ("users-1", "side"),
    ("users-2", "back-lb"),
    ("front-lb", "front"),
    ("front", "back-lb"),
    ("front", "side"),
    ("front", "db-1"),
    ("back-lb", "back"),
    ("back", "db-lb"),
    ("db-lb", "db-1"),
    ("db-lb", "db-2"),
    ("users-2", "gateway"),
    ("gateway", "edge"),
    ("edge", "front-lb"),
    ("near", "db-1"),
    ("front", "store"),
    ("spread", "shard-1"),
    ("spread", "shard-3"),
    ("front", "jobs"),
    ("side", "events"),
    ("jobs", "worker"),
    ("events", "worker"),
    ("events", "clerk"),
    ("jobs", "dead"),
    ("store", "events"),
    ("worker", "ledger"),
    ("recent", "list"),
];
