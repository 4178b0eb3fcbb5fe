//! Balancing against recorded sequences of nginx 1.22 and `HAProxy` 2.6, and against itself. More of them are in `scale-trust`.
//!
//! Servers are a, b, c and d in the order of configuration, here stations 0 to 3.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use proptest::prelude::*;
use scale_sim::balance::{Ask, BalancerState, Balancing, Ejection, Rules, Seat, Transition};
use scale_sim::hash::{modulo::modulo, ring};
use scale_sim::{Duration, Event, Key, Model, Policy, Probe, RequestRef, Scenario, Sticky, Time};
use scale_tests::{engine, estimate, log, oracle, replications, scenario};

fn balancing(rules: Rules, weights: &[u32]) -> Balancing {
    let seats = weights
        .iter()
        .zip(0..)
        .map(|(weight, station)| Seat::new(station, &format!("shop.{station}"), *weight));
    Balancing {
        rules,
        seats: seats.collect(),
    }
}

fn state(policy: Policy, weights: &[u32]) -> BalancerState {
    let mut state = BalancerState::default();
    state.follow(&balancing(Rules::new(policy), weights), Time::ZERO);
    state
}

fn ask(now: Time, number: u64, tried: &[u32]) -> Ask<'_> {
    Ask {
        now,
        key: Key::root(1).with(number),
        data: number,
        user: number,
        tried,
    }
}

fn choose(state: &mut BalancerState, number: u64) -> u32 {
    state
        .choose(&ask(Time::ZERO, number, &[]))
        .expect("somebody")
}

fn weights(text: &str) -> Vec<u32> {
    text.split(':')
        .map(|weight| weight.parse().expect("a weight"))
        .collect()
}

fn station(name: &str) -> u32 {
    "abcd".find(name).expect("a server's name") as u32
}

fn at_ms(text: &str) -> Time {
    Time::ZERO + Duration::from_millis(text.parse().expect("milliseconds"))
}

#[test]
fn hashes_are_nginxs() {
    let table = oracle("lb/nginx_hash_assignments.csv");
    // The servers of the record: the ring goes by their addresses.
    let ring_of = |weights: &[u32]| {
        ring::Ring::new(weights.iter().zip(0..).map(|(weight, server)| {
            let start = ring::start(&format!("127.0.0.1:{}", 9101 + server));
            (server, start, weight * ring::POINTS)
        }))
    };
    let rings = [
        ("ketama3", ring_of(&[1, 1, 1])),
        ("ketama4", ring_of(&[1, 1, 1, 1])),
        ("ketama_w3_2_1", ring_of(&[3, 2, 1])),
    ];
    assert_eq!(table.rows().len(), 667);
    for row in table.rows() {
        let key = row.get("key").as_bytes();
        for (column, count) in [("hash3", 3), ("hash4", 4)] {
            let node = modulo(key, &vec![1; count]).expect("somebody");
            assert_eq!(node as u32, station(row.get(column)), "{column}: {row:?}");
        }
        for (column, ring) in &rings {
            let node = ring.node(ring.place(key)).expect("somebody");
            assert_eq!(node, station(row.get(column)), "{column}: {row:?}");
        }
    }
}

#[test]
fn round_robin_gives_haproxys_shares() {
    let table = oracle("lb/haproxy_rr_sequences.csv");
    for rows in table.groups("scenario") {
        let weights = weights(rows[0].get("weights"));
        let cycle: u32 = weights.iter().sum();
        let mut state = state(Policy::WeightedRoundRobin, &weights);
        for rows in rows.chunks_exact(cycle as usize) {
            let (mut ours, mut theirs) = (vec![0; weights.len()], vec![0; weights.len()]);
            for row in rows {
                ours[choose(&mut state, 0) as usize] += 1;
                theirs[station(row.get("server")) as usize] += 1;
            }
            assert_eq!(ours, weights);
            assert_eq!(theirs, weights, "{:?}", rows[0]);
        }
    }
}

/// What `HAProxy` prefers: 0 if idle, else what it would have for its weight.
fn haproxys_key(open: u32, weight: u32) -> f64 {
    if open == 0 {
        0.0
    } else {
        f64::from(open + 1) / f64::from(weight)
    }
}

#[test]
fn least_connections_chooses_among_haproxys_least() {
    let table = oracle("lb/haproxy_leastconn_sequences.csv");
    for rows in table.groups("scenario") {
        let weights = weights(rows[0].get("weights"));
        let keys = |state: &BalancerState| -> Vec<f64> {
            let keys = weights.iter().zip(0..);
            keys.map(|(weight, station)| haproxys_key(state.open(station), *weight))
                .collect()
        };
        // Their own choices, and ours in their place, are both among the least; who is free ends theirs.
        let mut theirs = state(Policy::LeastConnections, &weights);
        let mut ours = theirs.clone();
        let mut placed = std::collections::BTreeMap::new();
        for row in rows {
            let server = station(row.get("server"));
            if row.get("event") == "start" {
                let least = |keys: &[f64], chosen: u32| {
                    keys.iter().all(|key| *key >= keys[chosen as usize])
                };
                assert!(least(&keys(&theirs), server), "{row:?}");
                // Counts theirs without choosing for them: all others are refused.
                let others: Vec<u32> = (0..weights.len() as u32).filter(|s| *s != server).collect();
                assert_eq!(theirs.choose(&ask(Time::ZERO, 0, &others)), Some(server));
                let before = keys(&ours);
                let chosen = choose(&mut ours, 0);
                assert!(least(&before, chosen), "{row:?}");
                placed.insert(row.get("request"), chosen);
            } else {
                theirs.ended(server);
                ours.ended(placed[row.get("request")]);
            }
        }
    }
}

#[test]
fn requests_around_a_failing_server_go_where_haproxys_do() {
    let table = oracle("lb/haproxy_rr_healthcheck.csv");
    // When the record's server is out of service, by its own log.
    let out: Vec<Time> = table
        .rows()
        .iter()
        .filter(|row| row.get("state_a").starts_with("DOWN"))
        .map(|row| at_ms(row.get("t_ms")))
        .collect();
    let event = |what| {
        let rows = table.rows();
        let row = rows
            .iter()
            .find(|row| row.get("event_before").contains(what));
        at_ms(row.expect("it happens").get("t_ms"))
    };
    let (fails, mended) = (event("answers 500"), event("healthy again"));
    let interval = Duration::from_millis(300.0);
    // Probes can come at any phase; each moves both ends by less than an interval.
    for phase in [0.0, 100.0, 200.0, 299.0] {
        let rules = Rules {
            fall: 3,
            rise: 2,
            ..Rules::new(Policy::WeightedRoundRobin)
        };
        let mut state = BalancerState::default();
        state.follow(&balancing(rules, &[5, 3, 2]), Time::ZERO);
        let mut probe = Time::ZERO + Duration::from_millis(phase);
        let (mut down, mut up) = (None, None);
        for row in table.rows() {
            let now = at_ms(row.get("t_ms"));
            while probe <= now {
                let ok = probe < fails || probe >= mended;
                match state.probe_result(0, ok, probe) {
                    Some(Transition::Down) => down = Some(probe),
                    Some(Transition::Up) => up = Some(probe),
                    None => {}
                }
                probe = probe + interval;
            }
            let chosen = state.choose(&ask(now, 0, &[])).expect("two are well");
            assert!(chosen != 0 || state.is_usable(0, now));
        }
        let (down, up) = (down.expect("it falls"), up.expect("it rises"));
        let near =
            |ours: Time, theirs: Time| ours.since(theirs).max(theirs.since(ours)) <= interval;
        // A state is seen at the next request, 100 ms later at most.
        assert!(
            near(down, out[0]),
            "phase {phase}: down at {down}, recorded {}",
            out[0]
        );
        let back = *out.last().expect("it is out") + Duration::from_millis(100.0);
        assert!(near(up, back), "phase {phase}: up at {up}, recorded {back}");
    }
    // In the record itself nobody goes there while it is out.
    for row in table.rows() {
        if row.get("state_a").starts_with("DOWN") {
            assert_ne!(row.get("server"), "a");
        }
    }
}

/// The engine's mean response under a policy, in units of the mean service time, and its standard error.
fn mean_response(policy: &str, work: &str, servers: u32, load: f64) -> (f64, f64) {
    let rate_per_s = 100.0 * f64::from(servers) * load;
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "lb", "arrivals": {{ "poisson": {{ "rate_per_s": {rate_per_s} }} }} }} }},
           "lb": {{ "balancer": {{ "policy": {policy}, "targets": ["shop"] }} }},
           "shop": {{ "service": {{ "instances": {servers}, "workers": 1, "plans": {{ "*": [ {{ "work": {{ "{work}": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#
    );
    let outcomes = replications(&scenario(0, 300.0, 50.0, &components), 301..313);
    let estimate = estimate(&outcomes, r#"{ "measure": "mean_ms" }"#);
    // The quantile of Student's t with 11 degrees of freedom at 99%.
    let standard_error = estimate.half_width.expect("twelve replications") / 3.106;
    (estimate.mean / 10.0, standard_error / 10.0)
}

#[test]
fn policies_fare_as_in_another_simulator() {
    let table = oracle("queueing/lb_policy_sim.csv");
    for (policy, theirs, service, servers, load) in [
        (r#""least_connections""#, "jsq", "exp", "10", "0.8"),
        (r#""power_of_two_choices""#, "po2", "exp", "10", "0.8"),
        (r#"{ "power_of_d": { "d": 3 } }"#, "po3", "exp", "10", "0.8"),
        (r#""round_robin""#, "rr", "exp", "10", "0.8"),
        (r#""weighted_round_robin""#, "rr", "exp", "10", "0.8"),
        (r#""power_of_two_choices""#, "po2", "det", "10", "0.9"),
        (r#""weighted_random""#, "random", "det", "4", "0.9"),
        (r#""random""#, "random", "exp", "10", "0.9"),
    ] {
        let row = table.rows().into_iter().find(|row| {
            row.get("policy") == theirs
                && row.get("service") == service
                && row.get("n_servers") == servers
                && row.get("rho") == load
                && row.get("queue_timeout") == "0"
        });
        let row = row.expect("it is in the table");
        let work = if service == "det" {
            "constant"
        } else {
            "exponential"
        };
        let (mean, error) = mean_response(policy, work, row.number("n_servers"), row.number("rho"));
        let expected: f64 = row.number("mean_resp");
        let allowed = 4.0 * error + row.number::<f64>("mean_resp_ci95");
        assert!(
            (mean - expected).abs() < allowed,
            "{policy}: {mean} ± {allowed}, recorded {row:?}"
        );
        assert!(
            allowed < 0.1 * expected,
            "{policy}: ± {allowed} of {expected} shows nothing"
        );
    }
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::RoundRobin),
        Just(Policy::WeightedRoundRobin),
        Just(Policy::Random),
        Just(Policy::WeightedRandom),
        Just(Policy::LeastConnections),
        Just(Policy::PowerOfTwoChoices),
        (1..=16_u32).prop_map(|d| Policy::PowerOfD { d }),
        (1..=10_000_u32).prop_map(|decay_ms| Policy::PeakEwma { decay_ms }),
        Just(Policy::ConsistentHash),
        Just(Policy::Hash),
    ]
}

/// One thing that happens to a balancer.
#[derive(Clone, Debug)]
enum Happening {
    Request { data: u64, tried: Vec<u32> },
    Outcome { which: usize, ok: bool },
    GivenUp { which: usize },
    Probe { station: u32, ok: bool },
    Members { weights: Vec<(bool, u32, bool)> },
    Wait { ms: u32 },
}

const STATIONS: u32 = 6;

fn any_members() -> impl Strategy<Value = Vec<(bool, u32, bool)>> {
    let member = (
        prop::bool::weighted(0.8),
        1..20_u32,
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(member, STATIONS as usize)
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let tried = prop::collection::vec(0..STATIONS, 0..3);
    prop_oneof![
        6 => (0..50_u64, tried).prop_map(|(data, tried)| Happening::Request { data, tried }),
        4 => (any::<usize>(), prop::bool::weighted(0.7))
            .prop_map(|(which, ok)| Happening::Outcome { which, ok }),
        1 => any::<usize>().prop_map(|which| Happening::GivenUp { which }),
        2 => (0..STATIONS, any::<bool>()).prop_map(|(station, ok)| Happening::Probe { station, ok }),
        1 => any_members().prop_map(|weights| Happening::Members { weights }),
        2 => (0..3_000_u32).prop_map(|ms| Happening::Wait { ms }),
    ]
}

fn members(rules: Rules, weights: &[(bool, u32, bool)]) -> Balancing {
    let seats = weights.iter().zip(0..).filter(|((there, ..), _)| *there);
    let seats = seats.map(|((_, weight, backup), station)| {
        Seat::new(station, &format!("shop.{station}"), *weight).as_backup(*backup)
    });
    Balancing {
        rules,
        seats: seats.collect(),
    }
}

proptest! {
    #[test]
    fn each_cycle_of_smooth_weighted_round_robin_gives_the_exact_shares(
        weights in prop::collection::vec(1..30_u32, 1..8)
    ) {
        let mut state = state(Policy::WeightedRoundRobin, &weights);
        for _ in 0..3 {
            let mut counts = vec![0; weights.len()];
            for _ in 0..weights.iter().sum() {
                counts[choose(&mut state, 0) as usize] += 1;
            }
            prop_assert_eq!(&counts, &weights);
        }
    }

    #[test]
    fn whatever_happens_only_usable_members_are_chosen_and_open_requests_are_counted(
        policy in any_policy(),
        (ejects, slow, sticky) in any::<(bool, bool, Option<bool>)>(),
        first in any_members(),
        happenings in prop::collection::vec(any_happening(), 1..120),
    ) {
        let rules = Rules {
            ejection: ejects.then_some(Ejection { max_fails: 2, fail_timeout_s: 1 }),
            fall: 2,
            rise: 2,
            slow_start: Duration::from_secs(if slow { 2.0 } else { 0.0 }),
            sticky: sticky.map(|user| if user { Sticky::User } else { Sticky::Key }),
            affinities: 20,
            ..Rules::new(policy)
        };
        let mut now = Time::ZERO;
        let mut state = BalancerState::default();
        let mut current = members(rules, &first);
        state.follow(&current, now);
        let mut open: Vec<u32> = Vec::new();
        for (number, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Request { data, tried } => {
                    let usable = |state: &BalancerState, seat: &Seat| {
                        state.is_usable(seat.station, now) && !tried.contains(&seat.station)
                    };
                    let can: Vec<Seat> =
                        current.seats.iter().filter(|seat| usable(&state, seat)).copied().collect();
                    let request = Ask { data, user: data, ..ask(now, number as u64, &tried) };
                    let copy = state.clone().choose(&request);
                    let chosen = state.choose(&request);
                    prop_assert_eq!(chosen, copy);
                    prop_assert_eq!(chosen.is_some(), !can.is_empty());
                    if let Some(chosen) = chosen {
                        let seat = can.iter().find(|seat| seat.station == chosen);
                        prop_assert!(seat.is_some(), "{} could not be had", chosen);
                        // A backup only if nobody else can, or if it is stuck to.
                        let others = can.iter().any(|seat| !seat.backup);
                        prop_assert!(!seat.is_some_and(|seat| seat.backup) || !others || sticky.is_some());
                        open.push(chosen);
                    }
                }
                Happening::Outcome { which, ok } if !open.is_empty() => {
                    let station = open.swap_remove(which % open.len());
                    state.outcome(station, ok, Duration::from_millis(5.0), now);
                }
                Happening::GivenUp { which } if !open.is_empty() => {
                    state.ended(open.swap_remove(which % open.len()));
                }
                Happening::Probe { station, ok } => {
                    let before = state.health(station).map(|health| health.is_up());
                    let transition = state.probe_result(station, ok, now);
                    let after = state.health(station).map(|health| health.is_up());
                    prop_assert_eq!(transition.is_some(), before != after);
                }
                Happening::Members { weights } => {
                    current = members(rules, &weights);
                    state.follow(&current, now);
                }
                Happening::Wait { ms } => now = now + Duration::from_millis(f64::from(ms)),
                _ => {}
            }
            for station in 0..STATIONS {
                let expected = open.iter().filter(|at| **at == station).count();
                prop_assert_eq!(state.open(station) as usize, expected);
            }
        }
    }
}

/// Three copies of a shop that take 50 ms, behind a balancer; the second dies at 60 s if `faults` say so.
fn shop(seed: u64, balancer: &str, faults: &str) -> Scenario {
    let text = format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":300,"components":{{
            "users":{{"client":{{"operation":"buy","target":"lb","users":500,"arrivals":{{"poisson":{{"rate_per_s":30}}}}}}}},
            "lb":{{"balancer":{{"targets":["shop"],{balancer}}}}},
            "shop":{{"service":{{"instances":3,"workers":4,"plans":{{
                "health":[{{"work":{{"constant":{{"mean_ms":1}}}}}}],
                "*":[{{"work":{{"exponential":{{"mean_ms":50}}}}}}]}}}}}}}},
        "faults":[{faults}]}}"#
    );
    Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

const DIES: &str = r#"{"what":{"crash":{"component":"shop","instance":2}},"at_s":60,"for_s":150}"#;

/// The moments, in seconds, at which the log tells of something.
fn moments(log: &str, what: &str) -> Vec<f64> {
    let at = |line: &str| line.split(',').next()?.parse::<f64>().ok();
    let told = log.lines().filter(|line| line.contains(what));
    told.filter_map(at).map(|ns| ns / 1e9).collect()
}

#[test]
fn thirty_seconds_and_three_failures_cost_sixty_to_ninety_seconds_of_errors() {
    let check = r#""policy":"round_robin","health_check":{"interval_s":30,"timeout_ms":1000,"fall":3,"rise":2}"#;
    for seed in 0..20 {
        let (log, _) = log(&shop(seed, check, DIES));
        let [down] = moments(&log, ",lb,shop.2 down")[..] else {
            panic!("it goes down once");
        };
        assert!((120.0..=151.0).contains(&down), "{down}");
        let [up] = moments(&log, ",lb,shop.2 up")[..] else {
            panic!("it comes back once");
        };
        // Two successes in a row after its return at 210 s.
        assert!((240.0..=271.0).contains(&up), "{up}");
        // Until then every third request is lost, and none afterwards.
        let lost = moments(&log, ",lost,");
        assert!(lost.iter().all(|at| (60.0..=down).contains(at)));
        let expected = 10.0 * (down - 60.0);
        assert!(
            (lost.len() as f64 - expected).abs() < 5.0 * expected.sqrt(),
            "{} lost",
            lost.len()
        );
    }
}

#[test]
fn a_health_check_that_gets_lost_takes_a_healthy_one_out() {
    let check = r#""policy":"round_robin","health_check":{"interval_s":5,"timeout_ms":1000,"fall":3,"rise":2}"#;
    let deaf = r#"{"what":{"missed_health_checks":{"component":"shop","instance":2}},"at_s":60,"for_s":150}"#;
    let (log, _) = log(&shop(1, check, deaf));
    assert_eq!(moments(&log, ",lb,shop.2 down").len(), 1);
    assert_eq!(moments(&log, ",lost,").len(), 0);
}

#[test]
fn passive_ejection_bounds_the_errors() {
    let without = log(&shop(2, r#""policy":"round_robin""#, DIES)).0;
    let with = log(&shop(
        2,
        r#""policy":"round_robin","ejection":{"max_fails":1,"fail_timeout_s":10}"#,
        DIES,
    ))
    .0;
    let count = |log: &str| moments(log, ",lost,").len();
    assert!(count(&without) > 1300, "{}", count(&without));
    // One request every ten seconds finds out, of 150 s; the first also loses what was under way.
    assert!((15..=25).contains(&count(&with)), "{}", count(&with));
}

#[test]
fn without_anyone_to_choose_requests_are_lost_at_the_balancer() {
    let check = r#""policy":"least_connections","health_check":{"interval_s":1,"timeout_ms":100,"fall":1,"rise":1}"#;
    let all = r#"{"what":{"crash":{"component":"shop"}},"at_s":60,"for_s":150}"#;
    let (log, _) = log(&shop(3, check, all));
    let lost = moments(&log, "lost,users,no_target");
    assert!(lost.len() > 4000, "{}", lost.len());
    assert!(lost.iter().all(|at| (60.0..=212.0).contains(at)));
}

#[test]
fn sticky_users_stay_until_their_instance_is_gone() {
    let sticky = r#""policy":"round_robin","sticky":"user","health_check":{"interval_s":5,"timeout_ms":100,"fall":1,"rise":1}"#;
    let mut engine = engine(&shop(4, sticky, DIES), Homes::default());
    engine.run_until(Time::from_secs(300.0));
    let homes = engine.probe();
    // Of 500 users, those of the dead instance move once, and none comes back by itself.
    assert!(homes.moves > 100 && homes.moves < 200, "{}", homes.moves);
}

/// Where each user's requests went.
#[derive(Clone, Debug, Default)]
struct Homes {
    users: BTreeMap<u32, u32>,
    moves: u32,
    /// By request.
    asking: BTreeMap<u64, u32>,
}

impl Probe for Homes {
    fn event(&mut self, _: &Model, _: Time, request: RequestRef, event: &Event) {
        match *event {
            Event::Sent { user, .. } => {
                self.asking.insert(request.id, user);
            }
            Event::Routed { station, .. } => {
                let Some(user) = self.asking.get(&request.id) else {
                    return;
                };
                if let Some(before) = self.users.insert(*user, station)
                    && before != station
                {
                    self.moves += 1;
                }
            }
            _ => {}
        }
    }
}

#[test]
fn a_slow_instance_gets_less_from_peak_ewma_than_from_turns() {
    let slow = r#"{"what":{"slow":{"component":"shop","instance":2,"factor":3}},"at_s":0}"#;
    let share = |balancer: &str| {
        let (log, _) = log(&shop(5, balancer, slow));
        let at = |station: &str| moments(&log, &format!(",routed,lb,{station}")).len() as f64;
        at("shop.2") / (at("shop.1") + at("shop.2") + at("shop.3"))
    };
    let turns = share(r#""policy":"round_robin""#);
    let ewma = share(r#""policy":{"peak_ewma":{}}"#);
    assert!((turns - 1.0 / 3.0).abs() < 0.001, "{turns}");
    assert!(ewma < 0.2, "{ewma}");
}

#[test]
fn who_comes_back_starts_slowly() {
    let slow_start = r#""policy":"weighted_round_robin","slow_start_s":60,"health_check":{"interval_s":1,"timeout_ms":100,"fall":1,"rise":1}"#;
    let (log, _) = log(&shop(6, slow_start, DIES));
    let routed = moments(&log, ",routed,lb,shop.2");
    let in_ten = |from: f64| {
        let within = routed.iter().filter(|at| (from..from + 10.0).contains(*at));
        within.count() as f64
    };
    // A third of 300 at full weight; a twelfth of the way, about a twelfth of that.
    assert!(in_ten(212.0) < 25.0, "{}", in_ten(212.0));
    assert!(
        in_ten(240.0) > 30.0 && in_ten(240.0) < 80.0,
        "{}",
        in_ten(240.0)
    );
    assert!((in_ten(285.0) - 100.0).abs() < 25.0, "{}", in_ten(285.0));
}
