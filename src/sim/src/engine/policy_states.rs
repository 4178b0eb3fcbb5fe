//! What the policies of a component know just now, gathered from where each keeps it.

use super::Engine;
use super::messages::Kept;
use crate::model::{BrokerModel, Role};
use crate::policy_state::PolicyState;
use crate::probe::Probe;
use crate::resilience::SheddingState;

impl<P: Probe> Engine<P> {
    /// What the policies of a component know just now; nothing if there is no such component, or it has none. Nothing that is
    /// asked here makes a difference to the run.
    pub fn policy_states(&self, component: u16) -> Vec<PolicyState> {
        let mut states = Vec::new();
        let Some(settings) = self.model.components.get(usize::from(component)) else {
            return states;
        };
        if let Role::Balancer(balancing) = &settings.role {
            let balancer = &self.balancers[usize::from(component)];
            states.push(PolicyState::Balancing {
                policy: balancing.rules.policy,
                sticky: balancing.rules.sticky,
                members: balancer.members(self.now).collect(),
            });
            return states;
        }
        states.extend(self.guards_of(component));
        states.extend(self.pools(component));
        states.extend(self.autoscaling(component));
        states.extend(self.routing(component));
        for station in &settings.stations {
            let at = *station as usize;
            states.extend(self.limits[at].views(self.now).into_iter().flatten());
            let lines = self.stations[at].shedding.iter();
            let codel = lines.filter_map(SheddingState::codel);
            states.extend(codel.map(|(target, dropping)| PolicyState::Codel {
                station: *station,
                target,
                dropping,
            }));
            if let Some(cache) = self.cache(at) {
                states.push(PolicyState::Eviction {
                    station: *station,
                    eviction: cache.eviction(),
                    entries: cache.len(),
                    most: cache.capacity().entries,
                    last: cache.items().last().map(|item| item.key),
                });
            }
        }
        self.broker_states(component, &mut states);
        if let Some(Some(router)) = self.routers.states.get(usize::from(component)) {
            states.push(PolicyState::Resharding {
                keys_moved: router.resharding.keys_moved(),
                done: router.resharding.is_done(),
                copying: router.copying,
            });
        }
        states
    }

    fn guards_of(&self, component: u16) -> impl Iterator<Item = PolicyState> {
        let guarded = self.model.sites.iter().filter_map(move |site| {
            let guard = site.guard.as_ref()?;
            (guard.caller == component).then_some((site.to, guard))
        });
        guarded
            .flat_map(move |(to, guard)| {
                let instances = (0..).zip(&self.guards[guard.number as usize]);
                instances.flat_map(move |(at, state)| state.views(to, at, self.now))
            })
            .flatten()
    }

    fn broker_states(&self, component: u16, states: &mut Vec<PolicyState>) {
        let Some(Some(broker)) = self.messaging.brokers.get(usize::from(component)) else {
            return;
        };
        let model = self.model.components[usize::from(component)]
            .broker
            .as_deref();
        let station = |of: u16, member: usize| {
            let stations = &self.model.components[usize::from(of)].stations;
            stations.get(member).copied()
        };
        match (&broker.kept, model) {
            (Kept::Queue(queue), Some(BrokerModel::Queue(settings))) => {
                let (waiting, since) = queue.line();
                let consumers = settings.consumer.iter().flat_map(|to| {
                    let out = queue.out().iter().enumerate();
                    out.filter_map(|(member, out)| Some((station(to.to, member)?, *out)))
                });
                states.push(PolicyState::Queue {
                    waiting,
                    oldest: since.map(|since| self.now.since(since)),
                    consumers: consumers.collect(),
                    prefetch: settings.prefetch,
                });
            }
            (Kept::Topic(topic), Some(BrokerModel::Topic(settings))) => {
                for (at, group) in settings.groups.iter().enumerate() {
                    let (rebalancing, lags) = topic.subscription(at);
                    let owned = lags.map(|(owner, lag)| {
                        let owner =
                            owner.and_then(|member| station(group.consumer.to, member as usize));
                        (owner, lag)
                    });
                    states.push(PolicyState::Subscription {
                        group: at as u16,
                        rebalancing,
                        partitions: owned.collect(),
                    });
                }
            }
            _ => {}
        }
    }
}
