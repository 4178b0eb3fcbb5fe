//! What no run may exceed.

use scale_sim::{Arrivals, Component, Event, Loss, Model, Probe, RequestRef, Scenario, Time};

/// Checks event by event that no station ever holds more than it may, that users of a closed loop wait for their answers, and
/// that losses say why and where.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// By station: its servers that can be used, and how many wait.
    usable: Vec<u32>,
    queue: Vec<u32>,
    waiting: Vec<u32>,
    busy: Vec<u32>,
    /// By component: the waiting lines of one of its stations, and whether it scales with its load.
    lines: Vec<u32>,
    scales: Vec<bool>,
    /// By client: requests under way, and the most there may be.
    under_way: Vec<u64>,
    pub users: Vec<u64>,
}

impl Bounds {
    /// What holds for runs of `scenario`.
    pub fn new(scenario: &Scenario) -> Self {
        let users = scenario
            .components
            .values()
            .map(|component| match component {
                Component::Client(client) => match &client.arrivals {
                    Arrivals::Closed { users, .. } => u64::from(*users),
                    _ => u64::MAX,
                },
                _ => 0,
            });
        let users: Vec<u64> = users.collect();
        let lines = scenario
            .components
            .values()
            .map(|component| match component {
                Component::Service(service) => service.bulkheads.len() as u32 + 1,
                _ => 1,
            });
        let scales = scenario.components.values().map(|component| {
            matches!(component, Component::Service(service) if service.autoscale.is_some())
        });
        Self {
            lines: lines.collect(),
            scales: scales.collect(),
            under_way: vec![0; users.len()],
            users,
            ..Self::default()
        }
    }
}

impl Probe for Bounds {
    fn event(&mut self, model: &Model, _: Time, request: RequestRef, event: &Event) {
        match *event {
            Event::Sent { client, .. } => {
                let client = usize::from(client);
                self.under_way[client] += 1;
                assert!(
                    self.under_way[client] <= self.users[client],
                    "client {client}"
                );
            }
            Event::Queued { station, waiting } => {
                let at = station as usize;
                assert!(waiting <= self.queue[at]);
                assert_eq!(waiting, self.waiting[at] + 1);
                self.waiting[at] = waiting;
            }
            Event::Unqueued { station, waiting } => {
                let at = station as usize;
                assert_eq!(waiting + 1, self.waiting[at]);
                self.waiting[at] = waiting;
            }
            Event::Started {
                station,
                busy,
                waiting,
            } => {
                let at = station as usize;
                assert!(
                    busy <= self.usable[at],
                    "{busy} of {} at {at}",
                    self.usable[at]
                );
                assert_eq!(busy, self.busy[at] + 1);
                (self.busy[at], self.waiting[at]) = (busy, waiting);
            }
            Event::Left { station, busy, .. } => {
                let at = station as usize;
                assert_eq!(busy + 1, self.busy[at]);
                self.busy[at] = busy;
            }
            Event::Capacity { station, servers } => {
                // One that is taken away finishes what it has, with all its servers.
                let at = model
                    .stations()
                    .nth(station as usize)
                    .expect("known")
                    .component;
                if !self.scales[at] {
                    self.usable[station as usize] = servers;
                }
            }
            Event::Completed { client, .. } => self.under_way[usize::from(client)] -= 1,
            Event::Lost {
                client,
                reason,
                station,
                ..
            } => {
                self.under_way[usize::from(client)] -= 1;
                let somewhere = (station as usize) < self.busy.len();
                assert!(somewhere || station == u32::MAX);
                let told = [
                    Loss::QueueFull,
                    Loss::Crashed,
                    Loss::Down,
                    Loss::Error,
                    Loss::DiskFull,
                ];
                assert!(
                    somewhere || !told.contains(&reason),
                    "{request:?}: {reason:?} nowhere"
                );
            }
            _ => {}
        }
    }

    fn reconfigured(&mut self, model: &Model, _: Time) {
        // An instance that was taken away finishes what it has with the servers that it had.
        self.usable = model.stations().map(|s| s.servers).collect();
        // Each bulkhead has as many places to wait.
        let queue = model
            .stations()
            .map(|s| s.queue.saturating_mul(self.lines[s.component]));
        // Those who wait in one line stay when all lines become shorter.
        let before = core::mem::take(&mut self.queue).into_iter();
        let before = before.chain(core::iter::repeat(0));
        self.queue = queue.zip(before).map(|(now, then)| now.max(then)).collect();
        self.waiting.resize(self.usable.len(), 0);
        self.busy.resize(self.usable.len(), 0);
    }
}
