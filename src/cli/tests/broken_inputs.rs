//! Broken inputs: each gives one clear error that names its place, and never a panic.

mod common;

use std::path::Path;

use common::{folder, lab, write};

const GOOD: &str = r#"{
  "version": 1,
  "seed": 1,
  "horizon_s": 5,
  "components": {
    "users": { "client": { "operation": "buy", "target": "shop",
      "arrivals": { "poisson": { "rate_per_s": 50 } } } },
    "shop": { "service": {
      "workers": 2,
      "queue": 10,
      "plans": { "*": [{ "work": { "exponential": { "mean_ms": 20 } } }, { "call": { "to": "db" } }] } } },
    "db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 5 } } } } }
  }
}
"#;

/// Both `lab run` and `lab check` refuse `path` with the one line `expected` (after the file's name), and nothing else.
fn refused(path: &Path, expected: &str) {
    for command in ["run", "check"] {
        let done = lab([command.as_ref(), path.as_os_str()]);
        let (said, rest) = if command == "run" {
            (&done.err, &done.out)
        } else {
            (&done.out, &done.err)
        };
        assert_eq!(done.code, Some(1), "{done:?}");
        assert_eq!(said.lines().count(), 1, "one clear error: {said}");
        let (file, what) = said
            .split_at_checked(path.as_os_str().len())
            .unwrap_or_default();
        assert_eq!(Path::new(file), path, "{said}");
        assert!(
            what.starts_with(expected),
            "expected: {expected}\n     got: {what}"
        );
        let rest_expected = if command == "run" { "" } else { "1 problem\n" };
        assert_eq!(rest, rest_expected);
    }
}

/// `GOOD` with `from` replaced by `to` is refused with `expected`.
fn check(from: &str, to: &str, expected: &str) {
    assert!(GOOD.contains(from), "{from}");
    let folder = folder();
    refused(
        &write(folder.path(), "broken.json", GOOD.replacen(from, to, 1)),
        expected,
    );
}

/// A file with these bytes is refused with `expected`.
fn check_bytes(bytes: impl AsRef<[u8]>, expected: &str) {
    let folder = folder();
    refused(&write(folder.path(), "broken.json", bytes), expected);
}

#[test]
fn the_good_scenario_is_good() {
    let folder = folder();
    let path = write(folder.path(), "good.json", GOOD);
    assert_eq!(lab(["run".as_ref(), path.as_os_str()]).code, Some(0));
    assert_eq!(
        lab(["check".as_ref(), path.as_os_str()]).out,
        "checked 1 scenario: no problem\n"
    );
}

#[test]
fn an_unknown_field() {
    check(
        "\"workers\"",
        "\"wrokers\"",
        ":9: components.shop.service.wrokers: unknown field `wrokers`, expected one of",
    );
}

#[test]
fn a_negative_rate() {
    check(
        "50",
        "-50",
        ":7: components.users.client.arrivals.poisson.rate_per_s: -50 is out of range: 0 to 1000000 is allowed",
    );
}

#[test]
fn too_many_workers_to_hold() {
    check(
        "\"workers\": 2",
        "\"workers\": 1000000000",
        ":9: components.shop.service.workers: 1000000000 is out of range: 1 to 10000 is allowed",
    );
    check(
        "\"workers\": 2",
        "\"workers\": 1e30",
        ":9: components.shop.service.workers: invalid type: floating point",
    );
}

#[test]
fn calls_that_go_round_without_time() {
    check(
        r#""db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 5 } } } } }"#,
        r#""db": { "service": { "workers": 1, "plans": { "*": [{ "call": { "to": "shop" } }] } } }"#,
        ":6: components.users.client.target: the calls shop → db → shop go round and never end: break the cycle",
    );
}

#[test]
fn a_closed_loop_without_time() {
    let closed = |work: &str| {
        GOOD.replace(
            r#"{ "poisson": { "rate_per_s": 50 } }"#,
            r#"{ "closed": { "users": 20, "think_time": { "constant": { "mean_ms": 0 } } } }"#,
        )
        .replace("\"exponential\": { \"mean_ms\": 20 }", work)
        .replace("\"mean_ms\": 5", "\"mean_ms\": 0")
    };
    check_bytes(
        closed("\"constant\": { \"mean_ms\": 0 }"),
        ":7: components.users.client.arrivals.closed: the loop from 'users' through 'shop' and back takes no time",
    );
    check_bytes(
        closed("\"constant\": { \"mean_ms\": 20 }"),
        ":7: components.users.client.arrivals.closed: a user whom 'shop' refuses would ask again at once",
    );
}

#[test]
fn numbers_that_are_none() {
    check(
        "\"horizon_s\": 5",
        "\"horizon_s\": NaN",
        ":4: expected value",
    );
    check(
        "\"horizon_s\": 5",
        "\"horizon_s\": 1e999",
        ":4: number out of range",
    );
    check(
        "\"horizon_s\": 5",
        "\"horizon_s\": 0",
        ":4: horizon_s: 0 is out of range",
    );
}

#[test]
fn names_that_stand_there_twice() {
    check(
        "\"db\": {",
        "\"shop\": {",
        ":12: 'shop' stands twice in one object",
    );
    check(
        "\"workers\": 2",
        "\"queue\": 2",
        ":10: 'queue' stands twice in one object",
    );
}

#[test]
fn texts_that_are_no_scenario() {
    check_bytes("", ": the file is empty");
    check_bytes(" \n\t", ": the file is empty");
    check_bytes(b"{\n\xff\xfe}", ": the file is not UTF-8 text: see line 2");
    check_bytes(&GOOD[..150], ":7: EOF while parsing a value");
    check_bytes(format!("{GOOD}x"), ":15: trailing characters");
    check_bytes(
        " ".repeat(10_000_000),
        ": the file has more than 4194304 bytes, the most that is read",
    );
    check_bytes("true", ": invalid type: boolean `true`, expected an object");
}

#[test]
fn deep_nesting() {
    check_bytes("[".repeat(1_000_000), ":1: recursion limit exceeded");
    let nested = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    check(
        "\"seed\": 1",
        &format!("\"seed\": {nested}"),
        ":3: recursion limit exceeded",
    );
    check(
        "\"seed\": 1",
        &format!("\"deep\": {nested}"),
        ":3: recursion limit exceeded",
    );
    // A value on the command line takes the other way into the scenario.
    let folder = folder();
    let path = write(folder.path(), "good.json", GOOD);
    let setting = format!("/seed={}", "[".repeat(10_000));
    let done = lab([
        "run".as_ref(),
        path.as_os_str(),
        "--set".as_ref(),
        setting.as_ref(),
    ]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.err.contains(":3: seed: invalid type: string"),
        "{}",
        &done.err[..300]
    );
}

#[test]
fn files_that_cannot_be_read() {
    let folder = folder();
    refused(
        &folder.path().join("nowhere.json"),
        ": the file was not found",
    );
    let done = lab(["run".as_ref(), folder.path().as_os_str()]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.err
            .ends_with(": the file is a folder: name a file in it\n"),
        "{}",
        done.err
    );
    let done = lab(["check".as_ref(), folder.path().as_os_str()]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.contains("the folder has neither scenarios"),
        "{}",
        done.out
    );
}

const LOG_LINE: &str = "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326";
const REPLAY: &str = ":7: components.users.client.arrivals.replay.file: ";

fn replaying(file: &str) -> String {
    let replay = format!(r#"{{ "replay": {{ "file": "{file}", "format": "common_log" }} }}"#);
    GOOD.replace(r#"{ "poisson": { "rate_per_s": 50 } }"#, &replay)
}

/// A scenario that replays `file`, which holds `log`, is refused with `expected`.
fn check_replay(file: &str, log: impl AsRef<[u8]>, expected: &str) {
    let folder = folder();
    write(folder.path(), "logs/access.log", log);
    let path = write(folder.path(), "replay.json", replaying(file));
    refused(&path, &format!("{REPLAY}{expected}"));
}

#[test]
fn broken_logs() {
    let cut = format!("{LOG_LINE}\n{}", &LOG_LINE[..50]);
    check_replay(
        "logs/access.log",
        cut,
        "logs/access.log: line 2: no quoted request in '192.0.2.7 - - ",
    );
    check_replay(
        "logs/access.log",
        "",
        "logs/access.log: line 1: the file has no arrivals",
    );
    check_replay(
        "logs/access.log",
        [0x1b, 0xff, 0x00, 0x9b],
        "logs/access.log: line 1: no time in '\u{fffd}",
    );
}

#[test]
fn files_that_are_not_beside_the_scenario() {
    let outside = "the file '../secret.log' is out of bounds: name a file beside the scenario";
    check_replay("../secret.log", LOG_LINE, outside);
    check_replay(
        "logs/../logs/access.log",
        LOG_LINE,
        "the file 'logs/../logs/access.log' is out of bounds",
    );
    check_replay(
        "/etc/hostname",
        LOG_LINE,
        "the file '/etc/hostname' is out of bounds",
    );
    check_replay(
        "nowhere.log",
        LOG_LINE,
        "the file 'nowhere.log' was not found",
    );
    check_replay("logs", LOG_LINE, "the file 'logs' is a folder");
    check_replay("", LOG_LINE, "a file's name is 1 to 200 characters");
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_folder() {
    let (outside, folder) = (folder(), folder());
    let secret = write(outside.path(), "secret.log", LOG_LINE);
    std::os::unix::fs::symlink(secret, folder.path().join("access.log"))
        .expect("a link can be made");
    let path = write(folder.path(), "replay.json", replaying("access.log"));
    refused(
        &path,
        &format!("{REPLAY}the file 'access.log' is a link to another folder"),
    );
}

#[test]
fn a_stray_byte_in_a_log_changes_nothing() {
    let folder = folder();
    let mut log = LOG_LINE.replace("GET /", "GET /caf\u{1}").into_bytes();
    let stray = log.iter().position(|b| *b == 1).expect("just put there");
    log[stray] = 0xe9;
    write(folder.path(), "access.log", log);
    let path = write(folder.path(), "replay.json", replaying("access.log"));
    let done = lab(["run".as_ref(), path.as_os_str()]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("From the start: 1 sent"), "{}", done.out);
}

#[test]
fn every_problem_is_told_not_only_the_first() {
    let folder = folder();
    let text = GOOD
        .replace("50", "-50")
        .replace("\"workers\": 2", "\"workers\": 0")
        .replace("\"to\": \"db\"", "\"to\": \"bd\"");
    let path = write(folder.path(), "broken.json", text);
    let done = lab(["check".as_ref(), path.as_os_str()]);
    let lines: Vec<&str> = done
        .out
        .lines()
        .map(|line| &line[path.as_os_str().len()..])
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with(":7: components.users.client.arrivals.poisson.rate_per_s: "),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with(":9: components.shop.service.workers: 0"),
        "{lines:?}"
    );
    assert!(
        lines[2].starts_with(
            ":11: components.shop.service.plans.*[1].call.to: there is no component 'bd'"
        ),
        "{lines:?}"
    );
    assert_eq!(done.err, "3 problems\n");
}

#[test]
fn wrong_options_are_told_apart_from_wrong_files() {
    let folder = folder();
    let path = write(folder.path(), "good.json", GOOD);
    let run = |arguments: &[&str]| {
        lab(["run".as_ref(), path.as_os_str()]
            .into_iter()
            .chain(arguments.iter().map(AsRef::as_ref)))
    };
    let usage: [&[&str]; 7] = [
        &["--seed", "-1"],
        &["--replications", "0"],
        &["--until", "soon"],
        &["--set", "workers=3"],
        &["--events", "x.csv", "--replications", "2"],
        &["--trace", "x.json", "--replications", "2"],
        &["--nonsense"],
    ];
    for arguments in usage {
        let done = run(arguments);
        assert_eq!(
            (done.code, done.out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {}",
            done.err
        );
    }
    let inputs: [(&[&str], &str); 7] = [
        (&["--until", "-5"], ":4: horizon_s: -5 is out of range"),
        (&["--until", "NaN"], ":4: horizon_s: NaN is out of range"),
        (
            &["--set", "/components/shop/service/wrkers=3"],
            "'/components/shop/service/wrkers' names nothing",
        ),
        (
            &["--set", "/components/shop/service/workers=many"],
            "components.shop.service.workers: invalid type: string \"many\"",
        ),
        (
            &["--seed", "18446744073709551615", "--replications", "2"],
            ":3: seed: 18446744073709551615 is too great",
        ),
        (
            &["--events", "/nowhere/at/all.csv"],
            "the events could not be written: ",
        ),
        (
            &["--trace", "/nowhere/at/all.json"],
            "the trace could not be written: ",
        ),
    ];
    for (arguments, expected) in inputs {
        let done = run(arguments);
        assert_eq!(
            (done.code, done.out.as_str()),
            (Some(1), ""),
            "{arguments:?}"
        );
        assert!(
            done.err.contains(expected) && done.err.lines().count() == 1,
            "{arguments:?}: {}",
            done.err
        );
    }
}

#[test]
fn events_are_never_written_over_an_input() {
    let folder = folder();
    write(folder.path(), "access.log", LOG_LINE);
    let path = write(folder.path(), "replay.json", replaying("access.log"));
    let targets = ["replay.json", "access.log"].into_iter();
    for (name, option) in targets.flat_map(|name| [(name, "--events"), (name, "--trace")]) {
        let target = folder.path().join(name);
        let before = std::fs::read(&target).expect("just written");
        let done = lab([
            "run".as_ref(),
            path.as_os_str(),
            option.as_ref(),
            target.as_os_str(),
        ]);
        assert_eq!(done.code, Some(1));
        assert!(done.err.contains("written over an input"), "{}", done.err);
        assert_eq!(std::fs::read(&target).expect("still there"), before);
    }
}
