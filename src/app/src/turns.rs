//! What happens at caches, routers, brokers, stores and views, as it crosses to the page.

use scale_sim::{MessageEvent, ShardEvent, StoreEvent, ViewEvent};

use crate::protocol::{CacheTurn, MessageTurn, MoveTurn, StoreTurn, ViewTurn, What};

pub const fn cache(station: u32, key: u64, turn: CacheTurn) -> What {
    What::Cache { station, key, turn }
}

pub const fn shard(event: ShardEvent) -> What {
    use ShardEvent as S;
    let (turn, count) = match event {
        S::Held { .. } => (MoveTurn::Held, 1),
        S::Released { .. } => (MoveTurn::Released, 1),
        S::Redirected { .. } => (MoveTurn::Redirected, 1),
        S::Misread { .. } => (MoveTurn::Misread, 1),
        S::Moved { keys, .. } => (MoveTurn::Moved, keys),
        S::Lost { writes, .. } => (MoveTurn::WritesLost, writes),
        S::Partial { answers, .. } => (MoveTurn::Partial, answers),
    };
    What::Moving {
        station: event.station(),
        turn,
        count,
    }
}

pub fn message(event: MessageEvent) -> Option<What> {
    use MessageEvent as M;
    let (turn, about, backlog) = match event {
        M::Published {
            message, backlog, ..
        } => (MessageTurn::Published, message, backlog),
        M::Delivered {
            message,
            delivery,
            backlog,
            ..
        } => {
            let turn = if delivery > 1 {
                MessageTurn::Redelivered
            } else {
                MessageTurn::Delivered
            };
            (turn, message, backlog)
        }
        M::Acknowledged {
            message, backlog, ..
        } => (MessageTurn::Acknowledged, message, backlog),
        M::Processed { message, .. } => (MessageTurn::Processed, message, 0),
        M::Returned {
            message, backlog, ..
        } => (MessageTurn::Returned, message, backlog),
        M::DeadLettered {
            message, backlog, ..
        } => (MessageTurn::DeadLettered, message, backlog),
        M::Dropped {
            message, backlog, ..
        } => (MessageTurn::Dropped, message, backlog),
        M::Lost {
            message, backlog, ..
        } => (MessageTurn::Lost, message, backlog),
        M::Recorded { station, key } | M::Relayed { station, key } => {
            let relayed = matches!(event, M::Relayed { .. });
            return Some(What::Outbox {
                station,
                key,
                relayed,
            });
        }
        M::Blocked { station } | M::Unblocked { station } => {
            let turn = if matches!(event, M::Blocked { .. }) {
                MessageTurn::Blocked
            } else {
                MessageTurn::Unblocked
            };
            return Some(of_group(station, turn, 0));
        }
        M::Rebalancing { station, group } => {
            return Some(of_group(station, MessageTurn::Rebalancing, group));
        }
        M::Rebalanced { station, group, .. } => {
            return Some(of_group(station, MessageTurn::Rebalanced, group));
        }
        M::Wiped { .. } => return None,
    };
    Some(What::Message {
        station: event.station(),
        turn,
        number: about.number as u32,
        partition: about.partition,
        group: about.group,
        backlog,
    })
}

const fn of_group(station: u32, turn: MessageTurn, group: u16) -> What {
    What::Message {
        station,
        turn,
        number: 0,
        partition: 0,
        group,
        backlog: 0,
    }
}

pub fn store(event: StoreEvent) -> Option<What> {
    let (stream, version, turn) = match event {
        StoreEvent::Appended {
            stream, version, ..
        } => (stream, version, StoreTurn::Appended),
        StoreEvent::Snapshot {
            stream, version, ..
        } => (stream, version, StoreTurn::Snapshot),
        StoreEvent::Conflicted { .. } => (0, 0, StoreTurn::Conflicted),
        StoreEvent::Loaded { .. } => return None,
    };
    Some(What::Store {
        station: event.station(),
        stream,
        version,
        turn,
    })
}

pub fn view(event: ViewEvent) -> What {
    let (count, turn) = match event {
        ViewEvent::Read { behind, stale, .. } => {
            let turn = if stale.is_some() {
                ViewTurn::StaleRead
            } else {
                ViewTurn::Read
            };
            (behind as u32, turn)
        }
        ViewEvent::Applied { changes, .. } => (changes, ViewTurn::Applied),
        ViewEvent::Rebuilding { changes, .. } => (changes as u32, ViewTurn::Rebuilding),
        ViewEvent::Rebuilt { .. } => (0, ViewTurn::Rebuilt),
        ViewEvent::Resumed { again, .. } => (again as u32, ViewTurn::Rebuilding),
    };
    What::View {
        station: event.station(),
        count,
        turn,
    }
}
