//! Faults on a timeline: what there is to go wrong, what it can strike in a design, and when.

use scale_design::{Change, Design, wiring};
use scale_sim::{
    Between, Component, Errors, Fault, Lossy, Place, RandomTimes, Reduced, Slow, Spike, Trouble,
    Zone, limits,
};
use serde_json::{Value, json};

use super::super::words::number;
use super::axis::{moment, tidy};

/// What a fault strikes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A component.
    Component(String),
    /// The way from one to another.
    Way(String, String),
    /// A zone.
    Zone(u32),
}

impl Target {
    /// What it is called.
    pub fn words(&self, design: &Design) -> String {
        match self {
            Self::Component(name) => design.label(name).to_owned(),
            Self::Way(from, to) => format!("{} → {}", design.label(from), design.label(to)),
            Self::Zone(zone) => format!("Zone {zone}"),
        }
    }
}

/// A kind of trouble, with numbers to begin with.
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The trouble, of this target.
    make: fn(Target) -> Option<Trouble>,
}

fn place(target: Target) -> Option<Place> {
    match target {
        Target::Component(component) => Some(Place {
            component,
            instance: None,
        }),
        _ => None,
    }
}

fn name(target: Target) -> Option<String> {
    place(target).map(|place| place.component)
}

/// All kinds of trouble.
pub const KINDS: [Kind; 12] = [
    Kind {
        name: "Crash",
        about: "Instances crash, and come back empty.",
        make: |target| place(target).map(Trouble::Crash),
    },
    Kind {
        name: "Slowness",
        about: "Work takes longer.",
        make: |target| {
            Some(Trouble::Slow(Slow {
                component: name(target)?,
                instance: None,
                factor: 5.0,
            }))
        },
    },
    Kind {
        name: "Errors",
        about: "A share of the requests fails at once.",
        make: |target| {
            Some(Trouble::Errors(Errors {
                component: name(target)?,
                instance: None,
                share: 0.2,
            }))
        },
    },
    Kind {
        name: "Less capacity",
        about: "Some workers or connections of each instance are out of order.",
        make: |target| {
            Some(Trouble::ReducedCapacity(Reduced {
                component: name(target)?,
                instance: None,
                servers: 1,
            }))
        },
    },
    Kind {
        name: "Cut connection",
        about: "Nothing gets over.",
        make: |target| match target {
            Target::Way(from, to) => Some(Trouble::Partition(Between { from, to })),
            _ => None,
        },
    },
    Kind {
        name: "Lossy connection",
        about: "Messages get lost on the way, and are sent again.",
        make: |target| match target {
            Target::Way(from, to) => Some(Trouble::PacketLoss(Lossy {
                from,
                to,
                loss: 0.1,
            })),
            _ => None,
        },
    },
    Kind {
        name: "Missed health checks",
        about: "Health checks get lost, though the instance works.",
        make: |target| place(target).map(Trouble::MissedHealthChecks),
    },
    Kind {
        name: "Flushed cache",
        about: "A cache forgets all.",
        make: |target| place(target).map(Trouble::CacheFlush),
    },
    Kind {
        name: "Full disk",
        about: "There is no room left: writes are refused.",
        make: |target| place(target).map(Trouble::DiskFull),
    },
    Kind {
        name: "Lagging copies",
        about: "Replicas, or a view, do not apply what they receive.",
        make: |target| place(target).map(Trouble::ReplicaLag),
    },
    Kind {
        name: "Zone outage",
        about: "All instances in a zone crash.",
        make: |target| match target {
            Target::Zone(zone) => Some(Trouble::ZoneOutage(Zone { zone })),
            _ => None,
        },
    },
    Kind {
        name: "Traffic spike",
        about: "A client sends more.",
        make: |target| {
            Some(Trouble::TrafficSpike(Spike {
                client: name(target)?,
                factor: 3.0,
            }))
        },
    },
];

/// The kind of a trouble, as its place among [`KINDS`].
pub const fn kind(trouble: &Trouble) -> usize {
    match trouble {
        Trouble::Crash(_) => 0,
        Trouble::Slow(_) => 1,
        Trouble::Errors(_) => 2,
        Trouble::ReducedCapacity(_) => 3,
        Trouble::Partition(_) => 4,
        Trouble::PacketLoss(_) => 5,
        Trouble::MissedHealthChecks(_) => 6,
        Trouble::CacheFlush(_) => 7,
        Trouble::DiskFull(_) => 8,
        Trouble::ReplicaLag(_) => 9,
        Trouble::ZoneOutage(_) => 10,
        Trouble::TrafficSpike(_) => 11,
    }
}

/// What a trouble strikes.
pub fn target(trouble: &Trouble) -> Target {
    match trouble {
        Trouble::Crash(place)
        | Trouble::MissedHealthChecks(place)
        | Trouble::CacheFlush(place)
        | Trouble::DiskFull(place)
        | Trouble::ReplicaLag(place) => Target::Component(place.component.clone()),
        Trouble::Slow(slow) => Target::Component(slow.component.clone()),
        Trouble::Errors(errors) => Target::Component(errors.component.clone()),
        Trouble::ReducedCapacity(reduced) => Target::Component(reduced.component.clone()),
        Trouble::Partition(between) => Target::Way(between.from.clone(), between.to.clone()),
        Trouble::PacketLoss(lossy) => Target::Way(lossy.from.clone(), lossy.to.clone()),
        Trouble::ZoneOutage(zone) => Target::Zone(zone.zone),
        Trouble::TrafficSpike(spike) => Target::Component(spike.client.clone()),
    }
}

/// All that this kind of trouble can strike in a design, in the design's order.
pub fn targets(kind: &Kind, design: &Design) -> Vec<Target> {
    let scenario = design.scenario();
    let fits = |target: &Target| (kind.make)(target.clone()).is_some();
    let ways = wiring::connections(scenario).into_iter();
    let ways = ways.map(|(from, to)| Target::Way(from.to_owned(), to.to_owned()));
    let zones = (1..=scenario.zones).map(Target::Zone);
    let own = scenario.components.iter().filter_map(|(name, component)| {
        let target = Target::Component(name.clone());
        let trouble = (kind.make)(target.clone())?;
        let fits = trouble.kinds().contains(&component.kind());
        // One worker less than one is none at all.
        let fits = fits
            && (!matches!(trouble, Trouble::ReducedCapacity(_)) || servers(component) != Some(1));
        fits.then_some(target)
    });
    own.chain(ways.filter(fits))
        .chain(zones.filter(fits))
        .collect()
}

fn servers(component: &Component) -> Option<u32> {
    match component {
        Component::Service(service) => Some(service.workers),
        Component::Database(database) => Some(database.connections),
        _ => None,
    }
}

/// Why there is nothing for this kind of trouble to strike.
pub fn nothing(kind: &Kind) -> &'static str {
    match (kind.make)(Target::Component(String::new())) {
        Some(Trouble::CacheFlush(_)) => "there is no cache",
        Some(Trouble::DiskFull(_)) => "there is no database",
        Some(Trouble::ReplicaLag(_)) => "there is no database or view",
        Some(Trouble::TrafficSpike(_)) => "there is no client",
        Some(_) => "there is no component that it fits",
        None => "there is no connection",
    }
}

/// What changes for a new fault of this kind and target: two fifths into the run, for a fifth of it.
pub fn added(kind: &Kind, target: &Target, design: &Design) -> Vec<Change> {
    let scenario = design.scenario();
    let Some(what) = (kind.make)(target.clone()) else {
        return Vec::new();
    };
    let for_s = !matches!(what, Trouble::CacheFlush(_));
    let fault = Fault {
        what,
        at_s: Some(tidy(scenario.horizon_s * 0.4)),
        after_events: None,
        for_s: for_s.then(|| tidy(scenario.horizon_s * 0.2)),
        random: None,
    };
    let mut changes = linked(target, design);
    let fault = json!(fault);
    changes.push(
        if design.tree().get("faults").is_some_and(Value::is_array) {
            Change::set("/faults/-", fault)
        } else {
            Change::set("/faults", json!([fault]))
        },
    );
    changes
}

/// What changes for fault `at` to strike something else.
pub fn aimed(at: usize, target: &Target, design: &Design) -> Vec<Change> {
    let Some(fault) = design.scenario().faults.get(at) else {
        return Vec::new();
    };
    let fresh = (KINDS[kind(&fault.what)].make)(target.clone());
    let Some(mut what) = fresh else {
        return Vec::new();
    };
    // How bad it is stays; which instance it was does not.
    match (&fault.what, &mut what) {
        (Trouble::Slow(old), Trouble::Slow(new)) => new.factor = old.factor,
        (Trouble::Errors(old), Trouble::Errors(new)) => new.share = old.share,
        (Trouble::ReducedCapacity(old), Trouble::ReducedCapacity(new)) => new.servers = old.servers,
        (Trouble::PacketLoss(old), Trouble::PacketLoss(new)) => new.loss = old.loss,
        (Trouble::TrafficSpike(old), Trouble::TrafficSpike(new)) => new.factor = old.factor,
        _ => {}
    }
    let mut changes = linked(target, design);
    changes.push(Change::set(format!("/faults/{at}/what"), json!(what)));
    changes
}

/// A way that is struck has to be one that takes time: here it is made one that takes none.
fn linked(target: &Target, design: &Design) -> Vec<Change> {
    let Target::Way(from, to) = target else {
        return Vec::new();
    };
    let links = &design.scenario().links;
    if { links.iter() }.any(|link| link.from == *from && link.to == *to) {
        return Vec::new();
    }
    let link = json!({ "from": from, "to": to, "latency": { "constant": { "mean_ms": 0.0 } } });
    vec![if design.tree().get("links").is_some_and(Value::is_array) {
        Change::set("/links/-", link)
    } else {
        Change::set("/links", json!([link]))
    }]
}

/// When a fault comes: from, and to, if it ends before the run does by itself.
pub fn times(fault: &Fault) -> Option<(f64, Option<f64>)> {
    let at = fault.at_s?;
    Some((at, fault.for_s.map(|for_s| at + for_s)))
}

/// An end of a fault, or the whole of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// Both of its ends.
    Whole,
    /// When it begins; its end stays.
    Start,
    /// When it ends.
    End,
}

/// A fault of which an edge, or the whole, is at another moment.
pub fn shifted(fault: &Fault, edge: Edge, to_s: f64, horizon_s: f64) -> Fault {
    let mut made = fault.clone();
    let Some((at, end)) = times(fault) else {
        return made;
    };
    let to = to_s.clamp(0.0, limits::HORIZON_S);
    match edge {
        Edge::Whole => made.at_s = Some(tidy(to.min(horizon_s))),
        Edge::Start => {
            let to = tidy(to.min(end.unwrap_or(horizon_s)));
            made.at_s = Some(to);
            made.for_s = end.map(|end| tidy(end - to).max(0.0));
        }
        // Put at the very end of the run, it lasts to the end.
        Edge::End if to >= horizon_s => made.for_s = None,
        Edge::End => made.for_s = Some(tidy(to - at).max(0.0)),
    }
    made
}

/// A fault that comes again and again, about as often and as long as it was; or once, if it was such a one.
pub fn turned(fault: &Fault, random: bool, horizon_s: f64) -> Fault {
    let mut made = fault.clone();
    made.after_events = None;
    if random {
        let for_s = fault.for_s.unwrap_or(horizon_s * 0.2);
        made.at_s = None;
        made.for_s = None;
        made.random = Some(RandomTimes {
            mean_up_s: tidy(horizon_s / 4.0).clamp(1e-3, limits::HORIZON_S),
            mean_down_s: tidy(for_s.min(horizon_s / 10.0)).clamp(1e-3, limits::HORIZON_S),
        });
    } else {
        let for_s = fault
            .random
            .map_or(horizon_s * 0.2, |random| random.mean_down_s);
        made.random = None;
        made.at_s = Some(tidy(horizon_s * 0.4));
        made.for_s = Some(tidy(for_s));
    }
    made
}

/// When a fault comes, in words.
pub fn when(fault: &Fault) -> String {
    if let Some(random) = &fault.random {
        return format!(
            "again and again: after {} on average, for {} on average",
            moment(random.mean_up_s),
            moment(random.mean_down_s)
        );
    }
    if let Some(events) = fault.after_events {
        return format!("after {} events of the run", number(events as f64));
    }
    match times(fault) {
        Some((at, Some(end))) => format!("{} to {}", moment(at), moment(tidy(end))),
        Some((at, None)) => format!("from {} to the end", moment(at)),
        None => "never".to_owned(),
    }
}

/// How many times as much a client sends at a moment, because of faults.
pub fn spiked(faults: &[Fault], client: &str, s: f64) -> f64 {
    let factor = |fault: &Fault| match &fault.what {
        Trouble::TrafficSpike(spike) if spike.client == client => {
            let (at, end) = times(fault)?;
            (s >= at && end.is_none_or(|end| s < end)).then_some(spike.factor)
        }
        _ => None,
    };
    faults.iter().filter_map(factor).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design() -> Design {
        let tree = json!({
            "version": 1, "horizon_s": 100, "zones": 2, "components": {
                "users": { "client": { "target": "shop", "operation": "read", "arrivals": { "poisson": { "rate_per_s": 5 } } } },
                "shop": { "service": { "workers": 4, "plans": { "read": [
                    { "work": { "constant": { "mean_ms": 1 } } }, { "call": { "to": "db" } } ] } } },
                "db": { "database": { "connections": 4, "queries": { "*": { "constant": { "mean_ms": 2 } } } } },
                "cache": { "cache": { "capacity_entries": 10 } }
            }
        });
        Design::new(tree, Vec::new()).expect("of the form of a scenario")
    }

    fn apply(design: &Design, changes: Vec<Change>) -> Design {
        scale_design::Edit::Change(changes)
            .apply(design)
            .expect("it can be done")
            .design
    }

    #[test]
    fn every_kind_can_be_added_wherever_it_fits() {
        let design = design();
        assert!(design.problems().is_empty(), "{:?}", design.problems());
        let mut all = design.clone();
        for (at, kind_of) in KINDS.iter().enumerate() {
            let targets = targets(kind_of, &design);
            for aim in &targets {
                let with = apply(&design, added(kind_of, aim, &design));
                assert!(
                    with.problems().is_empty(),
                    "{}: {:?}",
                    kind_of.name,
                    with.problems()
                );
                let fault = with.scenario().faults.last().expect("just added");
                assert_eq!(kind(&fault.what), at);
                assert_eq!(target(&fault.what), *aim);
                // From there to every other target, and it still fits.
                for other in &targets {
                    let after = apply(&with, aimed(0, other, &with));
                    assert!(after.problems().is_empty());
                    assert_eq!(target(&after.scenario().faults[0].what), *other);
                }
            }
            let expected = match kind_of.name {
                "Flushed cache" | "Full disk" | "Lagging copies" | "Traffic spike" => 1,
                "Cut connection" | "Lossy connection" | "Zone outage" => 2,
                _ => 3,
            };
            assert_eq!(targets.len(), expected, "{}: {targets:?}", kind_of.name);
            if let Some(first) = targets.first() {
                all = apply(&all, added(kind_of, first, &all));
            }
        }
        assert_eq!(all.scenario().faults.len(), KINDS.len());
        // One connection, struck twice, is one link.
        assert_eq!(all.scenario().links.len(), 1);
        assert!(all.problems().is_empty(), "{:?}", all.problems());
    }

    #[test]
    fn how_bad_it_is_stays_when_it_strikes_another() {
        let design = design();
        let slow = apply(
            &design,
            added(&KINDS[1], &Target::Component("shop".to_owned()), &design),
        );
        let worse = apply(&slow, vec![Change::set("/faults/0/what/slow/factor", 77.0)]);
        let after = apply(
            &worse,
            aimed(0, &Target::Component("db".to_owned()), &worse),
        );
        let Trouble::Slow(slow) = &after.scenario().faults[0].what else {
            panic!("it was slowness");
        };
        assert_eq!(
            (slow.component.as_str(), slow.factor.to_bits()),
            ("db", 77.0_f64.to_bits())
        );
    }

    #[test]
    fn edges_move_apart() {
        let design = design();
        let fault = apply(
            &design,
            added(&KINDS[0], &Target::Component("shop".to_owned()), &design),
        );
        let fault = fault.scenario().faults[0].clone();
        assert_eq!(times(&fault), Some((40.0, Some(60.0))));
        let moved = |edge, to| times(&shifted(&fault, edge, to, 100.0));
        assert_eq!(moved(Edge::Whole, 70.0), Some((70.0, Some(90.0))));
        assert_eq!(moved(Edge::Whole, -9.0), Some((0.0, Some(20.0))));
        assert_eq!(moved(Edge::Start, 50.0), Some((50.0, Some(60.0))));
        assert_eq!(moved(Edge::Start, 99.0), Some((60.0, Some(60.0))));
        assert_eq!(moved(Edge::End, 45.0), Some((40.0, Some(45.0))));
        assert_eq!(moved(Edge::End, 10.0), Some((40.0, Some(40.0))));
        assert_eq!(moved(Edge::End, 100.0), Some((40.0, None)));
        let forever = shifted(&fault, Edge::End, 100.0, 100.0);
        assert_eq!(
            times(&shifted(&forever, Edge::Start, 90.0, 100.0)),
            Some((90.0, None))
        );
        assert_eq!(when(&forever), "from 40 s to the end");
        let random = turned(&fault, true, 100.0);
        assert_eq!(
            when(&random),
            "again and again: after 25 s on average, for 10 s on average"
        );
        assert_eq!(when(&turned(&random, false, 100.0)), "40 s to 50 s");
    }

    #[test]
    fn spikes_multiply_while_they_last() {
        let design = design();
        let users = Target::Component("users".to_owned());
        let once = apply(&design, added(&KINDS[11], &users, &design));
        let twice = apply(&once, added(&KINDS[11], &users, &once));
        let faults = &twice.scenario().faults;
        for (s, factor) in [(39.0, 1.0), (40.0, 9.0), (59.0, 9.0), (60.0, 1.0)] {
            assert_eq!(
                spiked(faults, "users", s).to_bits(),
                f64::to_bits(factor),
                "{s}"
            );
        }
        assert_eq!(spiked(faults, "others", 50.0).to_bits(), 1.0_f64.to_bits());
    }
}
