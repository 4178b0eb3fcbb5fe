//! Balancers. Servers are a, b, c and d in the order of configuration, here stations 0 to 3.

use scale_sim::balance::{Ask, BalancerState, Balancing, Ejection, Health, Rules, Seat};
use scale_sim::{Duration, Key, Policy, Time};

use super::{Line, Row, Series, Table};

const SERVERS: [&str; 4] = ["a", "b", "c", "d"];

fn balancing(rules: Rules, weights: &[u32]) -> Balancing {
    let seats = weights.iter().zip(0..);
    let seats =
        seats.map(|(weight, station)| Seat::new(station, &format!("shop.{station}"), *weight));
    Balancing {
        rules,
        seats: seats.collect(),
    }
}

fn state(balancing: &Balancing) -> BalancerState {
    let mut state = BalancerState::default();
    state.follow(balancing, Time::ZERO);
    state
}

/// Who is asked at `now`, of those that were not tried.
fn choose(state: &mut BalancerState, now: Time, tried: &[u32]) -> Option<u32> {
    state.choose(&Ask {
        now,
        key: Key::root(1),
        data: 0,
        user: 0,
        tried,
    })
}

fn name(chosen: Option<u32>) -> String {
    let name = chosen.and_then(|server| SERVERS.get(server as usize));
    name.map_or("nobody".to_owned(), |name| (*name).to_owned())
}

fn server(row: &Row<'_>, column: &str, text: &str) -> Result<u32, String> {
    let at = SERVERS.iter().position(|name| *name == text);
    let at = at.ok_or_else(|| row.wrong(column, text, "a, b, c or d"))?;
    Ok(at as u32)
}

/// Weights such as 5:1:1, four servers at most.
fn weights(row: &Row<'_>) -> Result<Vec<u32>, String> {
    let text = row.get("weights")?;
    let weights = text.split(':').map(|weight| weight.parse().ok());
    let weights: Option<Vec<u32>> = weights.collect();
    { weights.filter(|weights| weights.len() <= SERVERS.len()) }
        .ok_or_else(|| row.wrong("weights", text, "a weight for each of at most four servers"))
}

pub(super) fn weighted_round_robin(table: &Table) -> Result<Vec<Series>, String> {
    let mut series = Vec::new();
    for rows in table.groups(&["scenario"])? {
        let of = weights(&rows[0])?;
        let mut state = state(&balancing(Rules::new(Policy::WeightedRoundRobin), &of));
        let mut lines = Vec::new();
        for row in &rows {
            let chosen = choose(&mut state, Time::ZERO, &[]);
            if let Some(chosen) = chosen {
                state.ended(chosen);
            }
            lines.push(Line::exact(
                row.get("request")?.to_owned(),
                row.get("server")?,
                name(chosen),
            ));
        }
        series.push(Series {
            title: format!("Weights {}", rows[0].get("weights")?),
            lines,
        });
    }
    Ok(series)
}

pub(super) fn least_connections(table: &Table) -> Result<Vec<Series>, String> {
    let mut series = Vec::new();
    for rows in table.groups(&["scenario"])? {
        let of = weights(&rows[0])?;
        let mut state = state(&balancing(Rules::new(Policy::LeastConnections), &of));
        let mut lines = Vec::new();
        for row in &rows {
            let (request, to) = (row.get("request")?, row.get("server")?);
            let number = server(row, "server", to)?;
            if row.get("event")? == "start" {
                let chosen = choose(&mut state, Time::ZERO, &[]);
                let given = format!("request {request} begins");
                lines.push(Line::exact(given, to, name(chosen)));
                // What follows is about who was really asked.
                if let Some(chosen) = chosen.filter(|chosen| *chosen != number) {
                    return Ok(broken(series, lines, chosen));
                }
            } else {
                state.ended(number);
                let given = format!("request {request} ends at {to}");
                lines.push(Line::exact(given, "–", "–".to_owned()));
            }
        }
        series.push(Series {
            title: format!("Weights {}", rows[0].get("weights")?),
            lines,
        });
    }
    Ok(series)
}

/// A series that ends where the two part: from there on they are no longer the same system.
fn broken(mut series: Vec<Series>, lines: Vec<Line>, chosen: u32) -> Vec<Series> {
    series.push(Series {
        title: format!("They part here, with {}", name(Some(chosen))),
        lines,
    });
    series
}

/// How a recorded failover was set up: weights, who is the backup, and its words.
fn failing(row: &Row<'_>) -> Result<(&'static [u32], Option<u32>, &'static str), String> {
    match row.get("scenario")? {
        "fail_5_1_1_mf1_ft3" => Ok((&[5, 1, 1], None, "Weights 5:1:1")),
        "alldown_1_1_1_mf1_ft3" => Ok((&[1, 1, 1], None, "All go down")),
        "backup" => Ok((&[1, 1, 1], Some(2), "c is the backup")),
        other => Err(row.wrong(
            "scenario",
            other,
            "fail_5_1_1_mf1_ft3, alldown_1_1_1_mf1_ft3 or backup",
        )),
    }
}

pub(super) fn failover(table: &Table) -> Result<Vec<Series>, String> {
    let mut series = Vec::new();
    for rows in table.groups(&["scenario"])? {
        // The record does not say when its seconds change, only that one clock is behind all of it.
        let mut best: Option<(usize, Vec<Line>)> = None;
        for tens in 0..100 {
            let lines = with_clock(&rows, f64::from(tens) * 10.0)?;
            let right = lines.iter().filter(|line| line.agrees).count();
            let all = right == lines.len();
            if best.as_ref().is_none_or(|(most, _)| right > *most) {
                best = Some((right, lines));
            }
            if all {
                break;
            }
        }
        series.push(Series {
            title: failing(&rows[0])?.2.to_owned(),
            lines: best.map(|(_, lines)| lines).unwrap_or_default(),
        });
    }
    Ok(series)
}

/// The tries if nginx's clock showed `phase_ms` of a second at the start.
fn with_clock(rows: &[Row<'_>], phase_ms: f64) -> Result<Vec<Line>, String> {
    let (weights, backup, _) = failing(&rows[0])?;
    let rules = Rules {
        ejection: Some(Ejection {
            max_fails: 1,
            fail_timeout_s: 3,
        }),
        ..Rules::new(Policy::WeightedRoundRobin)
    };
    let mut balancing = balancing(rules, weights);
    for seat in &mut balancing.seats {
        *seat = seat.as_backup(Some(seat.station) == backup);
    }
    let mut state = state(&balancing);
    let mut down = [false; SERVERS.len()];
    let mut lines = Vec::new();
    for row in rows {
        let before = row.get("event_before")?;
        for change in before.split_whitespace() {
            let parts = change.split_once(':');
            let (what, which) =
                parts.ok_or_else(|| row.wrong("event_before", change, "down:a or up:a"))?;
            down[server(row, "event_before", which)? as usize] = what == "down";
        }
        let at_ms: u32 = row.number("t_ms")?;
        let now = Time::ZERO + Duration::from_millis(f64::from(at_ms) + phase_ms);
        let mut tried = Vec::new();
        while let Some(chosen) = choose(&mut state, now, &tried) {
            tried.push(chosen);
            let ok = !down[chosen as usize];
            state.outcome(chosen, ok, Duration::ZERO, now);
            if ok {
                break;
            }
        }
        let ours: Vec<&str> = { tried.iter() }
            .map(|server| SERVERS[*server as usize])
            .collect();
        // With nobody to ask, nginx logs the name of the whole group.
        let theirs = match row.get("attempt_servers")? {
            group if group == row.get("scenario")? => "",
            servers => servers,
        };
        let shown = |tries: &str| match tries {
            "" => "nobody is left".to_owned(),
            all => all.replace(' ', ", "),
        };
        let given = match before {
            "" => format!("{at_ms} ms"),
            change => format!("{at_ms} ms, before it {}", change.replace(':', " ")),
        };
        lines.push(Line::exact(given, &shown(theirs), shown(&ours.join(" "))));
    }
    Ok(lines)
}

pub(super) fn health(table: &Table) -> Result<Vec<Series>, String> {
    let (fall, rise) = (3, 2);
    let mut health = Health::default();
    let mut lines = Vec::new();
    for row in table.rows() {
        let result = row.get("result")?;
        let _ = health.probed(result == "ok", fall, rise);
        let shown = match (health.is_up(), health.against()) {
            (true, 0) => "UP".to_owned(),
            (true, failed) => format!("UP {}/{fall}", fall - failed),
            (false, 0) => "DOWN".to_owned(),
            (false, passed) => format!("DOWN {passed}/{rise}"),
        };
        let given = format!("{}: {result}", row.get("probe")?);
        lines.push(Line::exact(given, row.get("state_after")?, shown));
    }
    Ok(vec![Series {
        title: "One server".to_owned(),
        lines,
    }])
}
