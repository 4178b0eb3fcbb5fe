//! Who waits for a position in the log: a commit for replicas to have it, a read for a replica to have applied it.

use std::collections::VecDeque;

use super::replication::{Node, Replication};
use super::timing::Timing;
use crate::component::Commits;
use crate::time::Duration;

/// A wait for replicas.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ticket {
    /// The replica that has to apply it; a commit that waits for any has none.
    pub(super) node: Option<u16>,
    pub(super) position: u64,
    pub(super) number: u64,
}

/// One who may go on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reached<T> {
    /// Who.
    pub token: T,
    /// How long the news takes to come back to it: as long as the write took to get there; nothing for a read.
    pub after: Duration,
}

/// One who waits.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Wait<T> {
    pub position: u64,
    pub number: u64,
    pub token: T,
}

/// Those who wait for positions, in order of position, then of coming.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Line<T>(pub VecDeque<Wait<T>>);

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Line<T> {
    pub fn join(&mut self, wait: Wait<T>) {
        let at = self.0.partition_point(|w| w.position <= wait.position);
        self.0.insert(at, wait);
    }

    pub fn leave(&mut self, position: u64, number: u64) -> Option<Wait<T>> {
        let at = self
            .0
            .partition_point(|w| (w.position, w.number) < (position, number));
        let found = self.0.get(at)?.number == number;
        found.then(|| self.0.remove(at)).flatten()
    }
}

impl<T: Copy> Replication<T> {
    /// A read waits until a node has applied `position`; `None` if it has.
    pub fn wait_for(&mut self, node: u16, position: u64, token: T) -> Option<Ticket> {
        (self.applied(node) < position).then(|| self.wait(Some(node), position, token))
    }

    /// One who waits waits no longer: a read goes elsewhere; a commit is answered although too few replicas have it, as
    /// `MySQL` does after `rpl_semi_sync_source_timeout`. Tells whether it still waited.
    pub fn give_up(&mut self, ticket: Ticket) -> bool {
        let Ticket {
            node,
            position,
            number,
        } = ticket;
        if let Some(node) = node {
            let line = &mut self.reads[usize::from(node)];
            return line.leave(position, number).is_some();
        }
        let found = self.commits.leave(position, number).is_some();
        if found {
            self.acknowledge(position);
        }
        found
    }

    pub(super) fn wait(&mut self, node: Option<u16>, position: u64, token: T) -> Ticket {
        self.numbers += 1;
        let number = self.numbers;
        let wait = Wait {
            position,
            number,
            token,
        };
        match node {
            Some(node) => self.reads[usize::from(node)].join(wait),
            None => self.commits.join(wait),
        }
        Ticket {
            node,
            position,
            number,
        }
    }

    /// How many replicas a commit waits for.
    pub(super) fn needed(&self, timing: &Timing) -> usize {
        match timing.commits {
            Commits::Asynchronous => 0,
            Commits::SemiSynchronous { acks, .. } => acks as usize,
            Commits::Synchronous => self.replicas().count(),
        }
    }

    /// Commits that `needed` replicas have go on.
    pub(super) fn answer_commits(
        &mut self,
        needed: usize,
        place: impl Fn(&Node) -> u64,
        after: Duration,
        reached: &mut Vec<Reached<T>>,
    ) {
        while let Some(Wait {
            position, token, ..
        }) = self.commits.0.front()
        {
            let (position, token) = (*position, *token);
            let has = |at: &u16| place(&self.nodes[usize::from(*at)]) >= position;
            if self.replicas().filter(has).count() < needed {
                break;
            }
            self.acknowledge(position);
            self.commits.0.pop_front();
            reached.push(Reached { token, after });
        }
    }

    fn acknowledge(&mut self, position: u64) {
        if let Some(entry) = self.log.entry_mut(position) {
            entry.acknowledged = true;
        }
    }

    pub(super) fn answer_reads(&mut self, at: u16, reached: &mut Vec<Reached<T>>) {
        let applied = self.applied(at);
        let line = &mut self.reads[usize::from(at)].0;
        while line.front().is_some_and(|first| first.position <= applied) {
            let wait = line.pop_front().expect("it is the first");
            reached.push(Reached {
                token: wait.token,
                after: Duration::ZERO,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_in_order_of_positions_then_of_coming() {
        let mut line = Line::default();
        for (number, position) in [(1, 5), (2, 3), (3, 5), (4, 4)] {
            line.join(Wait {
                position,
                number,
                token: number,
            });
        }
        assert!(line.leave(5, 2).is_none());
        assert_eq!(line.leave(5, 1).map(|wait| wait.token), Some(1));
        assert!(line.leave(5, 1).is_none());
        let order: Vec<u64> = line.0.iter().map(|wait| wait.token).collect();
        assert_eq!(order, [2, 4, 3]);
    }
}
