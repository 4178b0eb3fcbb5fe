//! What policies know, in words and tables.

use scale_sim::{
    BreakerView, Choice, Duration, Eviction, MemberState, Phase, Policy, PolicyState, Reads,
    ScalingMetric, ScalingRule, Threshold, Time,
};

use super::station;
use crate::protocol::{PolicyView, Scene};

/// What each policy knows. Those of several callers or copies of one kind share a table.
pub fn policies(scene: &Scene, now: Time, states: &[PolicyState]) -> Vec<PolicyView> {
    let mut views: Vec<PolicyView> = Vec::new();
    for state in states {
        let view = policy(scene, now, state);
        match views.last_mut().filter(|last| last.title == view.title) {
            Some(last) => {
                last.lines.extend(view.lines);
                last.rows.extend(view.rows);
            }
            None => views.push(view),
        }
    }
    views
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each policy, side by side"
)]
fn policy(scene: &Scene, now: Time, state: &PolicyState) -> PolicyView {
    let component = |at: u16| scene.component_name(at).to_owned();
    match state {
        PolicyState::Balancing {
            policy,
            sticky,
            members,
        } => {
            let kept = match sticky {
                Some(scale_sim::Sticky::User) => {
                    vec!["A user keeps the member that it had first.".to_owned()]
                }
                Some(scale_sim::Sticky::Key) => {
                    vec!["A key keeps the member that it had first.".to_owned()]
                }
                None => Vec::new(),
            };
            let (head, rows) = self::members(scene, *policy, members);
            PolicyView {
                title: format!("Balancing: {}", balancing(*policy)),
                lines: kept,
                head,
                rows,
            }
        }
        PolicyState::Breaker {
            instance,
            to,
            breaker,
        } => PolicyView {
            title: format!(
                "Circuit breaker for {}: opens {}",
                component(*to),
                threshold(breaker)
            ),
            head: heads(&["Instance", "Phase", "Failures", "Calls counted"]),
            rows: vec![vec![
                (instance + 1).to_string(),
                phase(breaker, now),
                breaker.failures.to_string(),
                match breaker.threshold {
                    Threshold::Consecutive(_) => "in a row".to_owned(),
                    Threshold::Rates { .. } => breaker.calls.to_string(),
                },
            ]],
            ..PolicyView::default()
        },
        PolicyState::RetryBudget {
            instance,
            to,
            retries,
        } => PolicyView {
            title: format!("Retry budget for {}", component(*to)),
            head: heads(&["Instance", "Retries that it may make now"]),
            rows: vec![vec![(instance + 1).to_string(), retries.to_string()]],
            ..PolicyView::default()
        },
        PolicyState::RateLimit {
            rate_per_s,
            level,
            burst,
            leaky,
            keys,
        } => {
            let kind = if *leaky {
                "leaky bucket"
            } else {
                "token bucket"
            };
            let line = match (level, leaky) {
                (Some(level), false) => format!("{level:.1} of {burst:.0} tokens are left."),
                (Some(level), true) => {
                    format!(
                        "The next would be {level:.1} requests ahead of its time; {burst:.0} are allowed."
                    )
                }
                (None, _) => format!(
                    "Each key has a bucket of its own of {burst:.0}; {keys} are remembered."
                ),
            };
            titled(format!("Rate limit: {kind}, {rate_per_s} a second"), line)
        }
        PolicyState::Concurrency { under_way, limit } => titled(
            "Concurrency limit".to_owned(),
            format!("{under_way} of {limit} requests are under way."),
        ),
        PolicyState::Codel {
            station: at,
            target,
            dropping,
        } => {
            let does = if *dropping {
                "waits have been longer for a while: it drops"
            } else {
                "it drops nobody"
            };
            titled(
                "Controlled delay".to_owned(),
                format!(
                    "{} aims at waits of {}; {does}.",
                    station(scene, *at),
                    span(*target)
                ),
            )
        }
        PolicyState::Autoscaling {
            metric,
            rule,
            value,
            ready,
            away,
            bounds: [min, max],
        } => PolicyView {
            title: format!(
                "Autoscaling by {}{}",
                metric_name(*metric),
                target(*metric, rule)
            ),
            lines: vec![
                format!(
                    "Measured since it last looked: {}.",
                    measured(*metric, *value)
                ),
                format!(
                    "{ready} instances serve and {away} start up or are down; {min} to {max} are allowed."
                ),
            ],
            ..PolicyView::default()
        },
        PolicyState::Eviction {
            station: at,
            eviction,
            entries,
            most,
            last,
        } => {
            let next = match (last, eviction) {
                (Some(key), Eviction::Lru | Eviction::Fifo) if entries == most => {
                    format!(", and key {key} is the next to go")
                }
                (Some(key), _) => format!(", and key {key} is last in line"),
                (None, _) => String::new(),
            };
            titled(
                format!("Eviction: {}", evicting(*eviction)),
                format!(
                    "{} holds {entries} of {most} entries{next}.",
                    station(scene, *at)
                ),
            )
        }
        PolicyState::Connections {
            caller,
            instance,
            node,
            connections: [busy, open, most],
            waiting,
        } => PolicyView {
            title: "Connection pools".to_owned(),
            head: heads(&["Of", "To", "In use", "Open", "At most", "Waiting"]),
            rows: vec![vec![
                instance_name(scene, *caller, *instance),
                station(scene, *node),
                busy.to_string(),
                open.to_string(),
                most.to_string(),
                waiting.to_string(),
            ]],
            ..PolicyView::default()
        },
        PolicyState::Routing {
            reads,
            primary,
            replicas,
        } => PolicyView {
            title: format!("Reads go {}", reading(*reads)),
            lines: vec![format!("{} is the primary.", station(scene, *primary))],
            head: heads(&["Replica", "Writes behind", "For"]),
            rows: { replicas.iter() }
                .map(|(at, writes, lag)| vec![station(scene, *at), writes.to_string(), span(*lag)])
                .collect(),
        },
        PolicyState::Queue {
            waiting: [ready, resting],
            oldest,
            consumers,
            prefetch,
        } => {
            let mut lines = vec![format!(
                "{ready} messages wait in line, {resting} rest after a failed delivery."
            )];
            lines.extend(
                oldest.map(|oldest| format!("The first in line has waited for {}.", span(oldest))),
            );
            PolicyView {
                title: "Delivery: to the consumers that are free, in turn".to_owned(),
                lines,
                head: heads(&["Consumer", "Unanswered", "At most"]),
                rows: { consumers.iter() }
                    .map(|(at, out)| vec![station(scene, *at), out.to_string(), count(*prefetch)])
                    .collect(),
            }
        }
        PolicyState::Subscription {
            group,
            rebalancing,
            partitions,
        } => {
            let state = if *rebalancing {
                ": partitions are assigned anew"
            } else {
                ""
            };
            PolicyView {
                title: format!("Subscription {}{state}", group + 1),
                head: heads(&["Partition", "Consumer", "Not committed"]),
                rows: { partitions.iter().enumerate() }
                    .map(|(at, (owner, lag))| {
                        let owner =
                            owner.map_or_else(|| "nobody".to_owned(), |at| station(scene, at));
                        vec![at.to_string(), owner, lag.to_string()]
                    })
                    .collect(),
                ..PolicyView::default()
            }
        }
        PolicyState::Resharding {
            keys_moved,
            done,
            copying,
        } => {
            let state = if *done {
                "It is over"
            } else {
                "It has not come to its end"
            };
            titled(
                "Resharding".to_owned(),
                format!("{keys_moved} keys have moved, {copying} copies are under way. {state}."),
            )
        }
    }
}

fn titled(title: String, line: String) -> PolicyView {
    PolicyView {
        title,
        lines: vec![line],
        ..PolicyView::default()
    }
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A balancer's members: what the policy looks at of each.
fn members(
    scene: &Scene,
    policy: Policy,
    members: &[MemberState],
) -> (Vec<String>, Vec<Vec<String>>) {
    let weighs = members
        .iter()
        .any(|member| member.weight != 1 || member.share != 100);
    let turns = policy == Policy::WeightedRoundRobin;
    let average = members.iter().any(|member| member.average.is_some());
    let mut head = vec!["Member", "State", "Open"];
    head.extend(weighs.then_some("Weight"));
    head.extend(turns.then_some("Running value"));
    head.extend(average.then_some("Average"));
    let rows = members.iter().map(|member| {
        let mut row = vec![
            station(scene, member.station),
            standing(member),
            member.open.to_string(),
        ];
        row.extend(weighs.then(|| weight(member)));
        row.extend(turns.then(|| hundredths(member.current)));
        row.extend(average.then(|| member.average.map_or_else(String::new, span)));
        row
    });
    (heads(&head), rows.collect())
}

/// What a balancer thinks of a member.
pub fn standing(member: &MemberState) -> String {
    let against = member.health.against();
    if !member.health.is_up() {
        return format!("out of service, {against} good probes in a row");
    }
    if let Some(left) = member.ejected {
        return format!("put aside for another {}", span(left));
    }
    let mut words = vec![if member.backup { "spare" } else { "in service" }.to_owned()];
    if against > 0 {
        words.push(format!("{against} failed probes in a row"));
    }
    if member.next {
        words.push("next in turn".to_owned());
    }
    words.join(", ")
}

fn weight(member: &MemberState) -> String {
    match member.share {
        100 => member.weight.to_string(),
        share => format!("{share}% of {}", member.weight),
    }
}

/// A number of hundredths.
pub fn hundredths(value: i64) -> String {
    let number = format!("{}", value as f64 / 100.0);
    number.replace('-', "−")
}

fn count(most: u32) -> String {
    if most == u32::MAX {
        "any number".to_owned()
    } else {
        most.to_string()
    }
}

/// A length of time.
pub fn span(length: Duration) -> String {
    let ms = length.millis();
    match ms {
        1000.0.. => format!("{:.2} s", ms / 1000.0),
        10.0.. => format!("{ms:.0} ms"),
        _ => format!("{ms:.1} ms"),
    }
}

fn instance_name(scene: &Scene, component: u16, instance: u32) -> String {
    let own = |s: &&crate::protocol::StationView| s.component == component;
    match scene.stations.iter().filter(own).count() {
        0 | 1 => scene.component_name(component).to_owned(),
        _ => format!("{} {}", scene.component_name(component), instance + 1),
    }
}

/// How a balancer chooses.
pub fn balancing(policy: Policy) -> String {
    match policy {
        Policy::RoundRobin => "round robin".to_owned(),
        Policy::WeightedRoundRobin => "weighted round robin".to_owned(),
        Policy::Random => "random".to_owned(),
        Policy::WeightedRandom => "random by weight".to_owned(),
        Policy::LeastConnections => "least connections".to_owned(),
        Policy::PowerOfTwoChoices => "the emptier of two drawn at random".to_owned(),
        Policy::PowerOfD { d } => format!("the emptiest of {d} drawn at random"),
        Policy::PeakEwma { .. } => "the cheaper of two drawn at random, by latency".to_owned(),
        Policy::ConsistentHash => "consistent hash".to_owned(),
        Policy::Hash => "hash, by remainder".to_owned(),
    }
}

/// Whom a full cache gives up.
pub const fn evicting(eviction: Eviction) -> &'static str {
    match eviction {
        Eviction::Lru => "the least recently used",
        Eviction::Lfu => "the least frequently used",
        Eviction::Fifo => "the one that came first",
        Eviction::Clock => "the one that came first, unless it was used since",
        Eviction::Sieve => "the oldest not used since the hand last came by",
        Eviction::WTinyLfu => "of two, the one asked for less often",
    }
}

fn threshold(breaker: &BreakerView) -> String {
    match breaker.threshold {
        Threshold::Consecutive(failures) => format!("after {failures} failures in a row"),
        Threshold::Rates {
            min_calls,
            failure_rate,
            slow_rate,
            ..
        } => {
            let slow = if slow_rate.is_finite() {
                format!(" or {:.0}% are slow", slow_rate * 100.0)
            } else {
                String::new()
            };
            format!(
                "when {:.0}% of at least {min_calls} calls fail{slow}",
                failure_rate * 100.0
            )
        }
    }
}

fn phase(breaker: &BreakerView, now: Time) -> String {
    match breaker.phase {
        Phase::Closed => "closed".to_owned(),
        Phase::Open if now < breaker.until => {
            format!("open for another {}", span(breaker.until.since(now)))
        }
        Phase::Open => "open until the next call".to_owned(),
        Phase::HalfOpen => {
            let [calls, most] = breaker.on_trial;
            format!("half-open, {calls} of {most} calls on trial")
        }
    }
}

/// Where reads go.
pub fn reading(reads: Reads) -> String {
    let replica = |choice: Choice| match choice {
        Choice::RoundRobin => "to the replicas in turn",
        Choice::LeastLag => "to the replica that has applied most",
    };
    match reads {
        Reads::Primary => "to the primary".to_owned(),
        Reads::Replicas { choice } => replica(choice).to_owned(),
        Reads::StickyAfterWrite { for_ms, choice } => {
            format!(
                "{}; for {for_ms} ms after its own write a user's go to the primary",
                replica(choice)
            )
        }
        Reads::WaitForPosition { choice, .. } => {
            format!("{}, once it has what the user wrote", replica(choice))
        }
    }
}

/// What an autoscaler goes by.
pub const fn metric_name(metric: ScalingMetric) -> &'static str {
    match metric {
        ScalingMetric::Utilisation => "utilisation",
        ScalingMetric::QueueLength => "queue length",
        ScalingMetric::RequestsPerInstance => "requests a second to an instance",
    }
}

/// A value of what an autoscaler goes by.
pub fn measured(metric: ScalingMetric, value: f64) -> String {
    match metric {
        ScalingMetric::Utilisation => format!("{} {:.0}%", metric_name(metric), value * 100.0),
        _ => format!("{} {value:.1}", metric_name(metric)),
    }
}

/// The value that an autoscaler aims at.
pub fn target(metric: ScalingMetric, rule: &ScalingRule) -> String {
    match (rule, metric) {
        (ScalingRule::Target { value, .. }, ScalingMetric::Utilisation) => {
            format!(", to {:.0}%", value * 100.0)
        }
        (ScalingRule::Target { value, .. }, _) => format!(", to {value}"),
        (ScalingRule::Steps { .. }, _) => ", in steps".to_owned(),
    }
}
