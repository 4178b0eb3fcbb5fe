//! The command line as a user meets it: help, figures, events, replays, checks, schemas.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use common::{Done, all_samples, command, folder, json, lab, sample, samples, write, write_course};
use serde_json::Value;

fn run(scenario: &Path, arguments: &[&str]) -> Done {
    lab(["run".as_ref(), scenario.as_os_str()]
        .into_iter()
        .chain(arguments.iter().map(AsRef::as_ref)))
}

/// A number of a report.
fn number(report: &Value, pointer: &str) -> f64 {
    report
        .pointer(pointer)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("{pointer} in {report:#}"))
}

/// A count of a report.
fn count(report: &Value, pointer: &str) -> u64 {
    report
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("{pointer} in {report:#}"))
}

mod help {
    use super::*;

    #[test]
    fn the_help_names_every_command_and_option() {
        let help = lab(["--help"]);
        assert_eq!(help.code, Some(0));
        for word in [
            "lab run",
            "lab check",
            "lab schema",
            "<SCENARIO>",
            "<PATH>...",
            "--seed <N>",
            "--until <SECONDS>",
            "--replications <N>",
            "--set <POINTER=VALUE>",
            "--json",
            "--events <FILE>",
            "Examples:",
            "Exit codes:",
        ] {
            assert!(
                help.out.contains(word),
                "{word} is missing in\n{}",
                help.out
            );
        }
        for command in ["run", "check", "schema"] {
            assert_eq!(lab([command, "--help"]).code, Some(0));
        }
        assert_eq!(
            lab(["--version"]).out,
            format!("lab {}\n", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!(lab::<&str>([]).code, Some(2));
    }

    /// Every example of the help is typed into a shell, in a folder that has what it names.
    #[cfg(unix)]
    #[test]
    fn the_examples_work() {
        let folder = folder();
        let shop = fs::read(sample("shop-copies.json")).expect("readable");
        write(folder.path(), "shop.json", shop);
        write_course(&folder.path().join("lessons"));
        let bin = Path::new(env!("CARGO_BIN_EXE_lab"))
            .parent()
            .expect("a folder")
            .display()
            .to_string();
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap_or_default());
        let help = lab(["--help"]).out;
        let (_, examples) = help.split_once("Examples:\n").expect("examples");
        let lines: Vec<&str> = examples
            .lines()
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(lines.len() >= 8, "{lines:?}");
        for line in lines {
            // Two blanks part the command from what it is for.
            let example = line
                .trim()
                .split("  ")
                .next()
                .expect("split gives one at least");
            let done = std::process::Command::new("sh")
                .args(["-c", example])
                .current_dir(folder.path())
                .env("PATH", &path)
                .output()
                .expect("a shell");
            assert!(
                done.status.success(),
                "{example}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
            assert!(
                example.contains('>') || !done.stdout.is_empty(),
                "{example} prints nothing"
            );
        }
        assert!(
            fs::read_to_string(folder.path().join("log.csv"))
                .expect("written")
                .starts_with("time_ns,request,")
        );
    }
}

mod figures {
    use super::*;

    /// The paths of all fields of a report, each list standing for its elements.
    fn fields(value: &Value, path: &str, all: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    fields(value, &format!("{path}/{name}"), all);
                }
            }
            Value::Array(list) => list
                .iter()
                .for_each(|value| fields(value, &format!("{path}/*"), all)),
            _ => {
                all.insert(path.to_owned());
            }
        }
    }

    /// Programs read these names: change them only with the report's version.
    const FIELDS: &str = "\
/losses/*/lost
/losses/*/lost_per_s
/losses/*/reason
/losses/*/station
/requests/completed
/requests/lost
/requests/sent
/requests/under_way
/runs/*/ended_s
/runs/*/events
/runs/*/seed
/runs/*/state_hash
/runs/*/stopped
/scenario
/stations/*/lost_per_s
/stations/*/queue_length
/stations/*/queue_max
/stations/*/servers
/stations/*/station
/stations/*/throughput_per_s
/stations/*/utilisation
/stations/*/wait_ms
/system/goodput_per_s
/system/in_system
/system/lost_per_s
/system/max_ms
/system/mean_ms
/system/offered_per_s
/system/p50_ms
/system/p95_ms
/system/p99_ms
/system/throughput_per_s
/title
/until_s
/version
/warmup_s";

    #[test]
    fn the_fields_of_the_json_are_stable() {
        let mut found = BTreeSet::new();
        fields(&json(&sample("shop-one.json"), &[]), "", &mut found);
        assert_eq!(found.into_iter().collect::<Vec<_>>().join("\n"), FIELDS);
    }

    #[test]
    fn several_runs_give_an_interval_in_place_of_each_number() {
        let figures = |path: &str| {
            let counted = ["/requests/", "/system/", "/stations/*/", "/losses/*/"];
            let words = ["/station", "/servers", "/reason"];
            counted.iter().any(|start| path.starts_with(start))
                && !words.iter().any(|end| path.ends_with(end))
        };
        let mut expected = BTreeSet::new();
        for path in FIELDS.lines() {
            if figures(path) {
                expected.extend(
                    ["mean", "half_width", "level", "n"].map(|part| format!("{path}/{part}")),
                );
            } else {
                expected.insert(path.to_owned());
            }
        }
        let mut found = BTreeSet::new();
        fields(
            &json(&sample("shop-one.json"), &["--replications", "2"]),
            "",
            &mut found,
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn every_field_is_described_by_the_schema() {
        let schema = lab(["schema", "report"]).out;
        for field in FIELDS
            .lines()
            .flat_map(|path| path.split('/'))
            .filter(|name| !["", "*"].contains(name))
        {
            assert!(schema.contains(&format!("\"{field}\": {{\n")), "{field}");
        }
    }

    #[test]
    fn requests_are_conserved_in_every_sample() {
        for path in all_samples() {
            let report = json(&path, &[]);
            let of = |name: &str| count(&report, &format!("/requests/{name}"));
            assert!(of("sent") > 0, "{}", path.display());
            assert_eq!(
                of("sent"),
                of("completed") + of("lost") + of("under_way"),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn replications_are_the_single_runs_taken_together() {
        let scenario = sample("shop-one.json");
        let pointer = "/system/mean_ms";
        let singles: Vec<f64> = ["7", "8", "9"]
            .map(|seed| number(&json(&scenario, &["--seed", seed]), pointer))
            .into();
        let together = json(&scenario, &["--replications", "3"]);
        let mean = singles.iter().sum::<f64>() / 3.0;
        let spread = (singles.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        // Student's t, 0.995 and two degrees of freedom, from the printed table.
        let half_width = 9.925 * spread / 3_f64.sqrt();
        assert!((number(&together, &format!("{pointer}/mean")) - mean).abs() < 1e-9 * mean);
        assert!(
            (number(&together, &format!("{pointer}/half_width")) / half_width - 1.0).abs() < 1e-3
        );
        let seeds: Vec<u64> = (0..3)
            .map(|at| count(&together, &format!("/runs/{at}/seed")))
            .collect();
        assert_eq!(seeds, [7, 8, 9]);
    }

    #[test]
    fn the_table_says_what_the_json_says() {
        let scenario = sample("shop-one.json");
        let (table, report) = (run(&scenario, &[]), json(&scenario, &[]));
        assert_eq!((table.code, table.err.as_str()), (Some(0), ""));
        let requests = ["sent", "completed", "lost", "under_way"]
            .map(|name| count(&report, &format!("/requests/{name}")));
        let [sent, completed, lost, under_way] = requests;
        let line = format!(
            "From the start: {sent} sent = {completed} answered + {lost} lost + {under_way} under way"
        );
        assert_eq!(table.out.lines().last(), Some(line.as_str()));
        let row = |start: &str| {
            table
                .out
                .lines()
                .find(|line| line.trim_start().starts_with(start))
                .expect("a row")
        };
        let shop: Vec<&str> = row("shop.1").split_whitespace().collect();
        assert_eq!(shop.len(), 8);
        assert!(
            (shop[3].parse::<f64>().expect("a number")
                - 100.0 * number(&report, "/stations/0/utilisation"))
            .abs()
                < 0.05
        );
        assert!(
            (shop[6].parse::<f64>().expect("a number") - number(&report, "/stations/0/wait_ms"))
                .abs()
                < 0.05
        );
        let (_, losses) = table.out.split_once("\nLosses\n").expect("losses");
        let cells: Vec<&str> = losses
            .lines()
            .nth(3)
            .expect("a row")
            .split_whitespace()
            .collect();
        assert_eq!(cells[..2], ["shop.1", "queue_full"]);
        assert_eq!(cells[2], count(&report, "/losses/0/lost").to_string());
    }

    #[test]
    fn options_change_what_they_name() {
        let scenario = sample("shop-one.json");
        let hash = |arguments: &[&str]| json(&scenario, arguments)["runs"][0]["state_hash"].clone();
        let folder = folder();
        let text = fs::read_to_string(&scenario).expect("readable");
        let edited = text
            .replace("\"seed\": 7", "\"seed\": 8")
            .replace("\"horizon_s\": 60", "\"horizon_s\": 30")
            .replace("\"workers\": 2", "\"workers\": 3");
        let edited = write(folder.path(), "edited.json", edited);
        let expected = json(&edited, &[])["runs"][0]["state_hash"].clone();
        let workers = "/components/shop/service/workers=3";
        assert_eq!(
            hash(&["--seed", "8", "--until", "30", "--set", workers]),
            expected
        );
        assert_eq!(
            hash(&[
                "--set",
                "/seed=8",
                "--set",
                "/horizon_s=30",
                "--set",
                workers
            ]),
            expected
        );
        assert_ne!(hash(&["--seed", "8", "--until", "30"]), expected);
        assert_ne!(hash(&["--until", "30", "--set", workers]), expected);
    }
}

mod queueing {
    use super::*;

    /// The closed form lies in the 99% interval of 20 runs.
    fn check(report: &Value, pointer: &str, expected: f64) {
        let (mean, half_width) = (
            number(report, &format!("{pointer}/mean")),
            number(report, &format!("{pointer}/half_width")),
        );
        assert_eq!(count(report, &format!("{pointer}/n")), 20);
        assert!(
            (mean - expected).abs() <= half_width,
            "{pointer}: {mean} ± {half_width}, not {expected}"
        );
        // An interval that is wide enough covers anything.
        assert!(half_width < 0.03 * expected, "{pointer}: ± {half_width}");
    }

    #[test]
    fn one_server_agrees_with_mm1() {
        let report = json(&sample("mm1.json"), &["--replications", "20"]);
        let (lambda, mu) = (70.0, 100.0);
        let rho: f64 = lambda / mu;
        let response_s = 1.0 / (mu - lambda);
        check(&report, "/stations/0/utilisation", rho);
        check(&report, "/stations/0/queue_length", rho * rho / (1.0 - rho));
        check(&report, "/stations/0/wait_ms", 1e3 * rho * response_s);
        check(&report, "/system/mean_ms", 1e3 * response_s);
        check(&report, "/system/in_system", rho / (1.0 - rho));
        // The response time is exponential.
        check(&report, "/system/p50_ms", 1e3 * response_s * 2_f64.ln());
        check(&report, "/system/p95_ms", 1e3 * response_s * 20_f64.ln());
        check(&report, "/system/p99_ms", 1e3 * response_s * 100_f64.ln());
    }

    #[test]
    fn four_servers_agree_with_mm4() {
        let report = json(&sample("mm4.json"), &["--replications", "20"]);
        let (lambda, mu, servers) = (320.0, 100.0, 4);
        let load: f64 = lambda / mu;
        let rho = load / f64::from(servers);
        // Erlang C from Erlang B's recursion.
        let blocked = (1..=servers).fold(1.0, |b, n| load * b / (f64::from(n) + load * b));
        let delayed = blocked / (1.0 - rho * (1.0 - blocked));
        let wait_s = delayed / (f64::from(servers) * mu - lambda);
        check(&report, "/stations/0/utilisation", rho);
        check(&report, "/stations/0/queue_length", lambda * wait_s);
        check(&report, "/stations/0/wait_ms", 1e3 * wait_s);
        check(&report, "/system/mean_ms", 1e3 * (wait_s + 1.0 / mu));
        check(&report, "/system/in_system", lambda * (wait_s + 1.0 / mu));
    }
}

mod events {
    use super::*;

    /// The event log of a run.
    fn log(scenario: &Path, arguments: &[&str]) -> String {
        let folder = folder();
        let file = folder.path().join("log.csv");
        let all = ["--events", file.to_str().expect("a plain path")];
        let done = run(scenario, &[&all, arguments].concat());
        assert_eq!(done.code, Some(0), "{}", done.err);
        fs::read_to_string(&file).expect("written")
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        for path in all_samples() {
            let arguments: &[&str] = if path.ends_with("eight-servers.json") {
                &["--until", "30"]
            } else {
                &["--until", "150"]
            };
            let first = log(&path, arguments);
            assert!(first.lines().count() > 1000, "{}", path.display());
            assert!(first == log(&path, arguments), "{}", path.display());
            assert!(
                first != log(&path, &[arguments, &["--seed", "99"]].concat()),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn watching_changes_nothing() {
        let scenario = sample("shop-copies.json");
        let folder = folder();
        let file = folder.path().join("log.csv");
        let watched = json(
            &scenario,
            &["--events", file.to_str().expect("a plain path")],
        );
        assert_eq!(watched, json(&scenario, &[]));
    }

    #[test]
    fn a_dash_is_the_standard_output_and_the_figures_go_to_the_other() {
        let scenario = sample("shop-one.json");
        let done = run(&scenario, &["--events", "-", "--json"]);
        assert_eq!(done.code, Some(0));
        assert_eq!(done.out, log(&scenario, &[]));
        let report: Value = serde_json::from_str(&done.err).expect("the figures alone");
        assert_eq!(report, json(&scenario, &[]));
    }

    #[test]
    fn the_log_tells_what_the_totals_say() {
        let scenario = sample("shop-one.json");
        let (log, report) = (log(&scenario, &[]), json(&scenario, &[]));
        let told = |name: &str| {
            log.lines()
                .filter(|line| line.split(',').nth(2) == Some(name))
                .count() as u64
        };
        for name in ["sent", "completed", "lost"] {
            assert_eq!(
                told(name),
                count(&report, &format!("/requests/{name}")),
                "{name}"
            );
        }
        let times: Vec<u64> = log
            .lines()
            .skip(1)
            .map(|line| {
                line.split(',')
                    .next()
                    .expect("a time")
                    .parse()
                    .expect("a number")
            })
            .collect();
        assert!(times.is_sorted());
    }

    /// Whoever reads only the start of a long log leaves a run that ends at once and in silence.
    #[test]
    fn nobody_reading_any_more_is_no_error() {
        let mut child = command()
            .args([
                "run".as_ref(),
                sample("eight-servers.json").as_os_str(),
                "--events".as_ref(),
                "-".as_ref(),
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lab starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut first)
            .expect("a line");
        let done = child.wait_with_output().expect("lab ends");
        assert_eq!(first, "time_ns,request,event,at,detail\n");
        assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    }
}

mod replays {
    use super::*;

    /// When each `sent` of a log happened, in order, in seconds; the requests must be numbered in order too.
    fn sent(scenario: &Path) -> Vec<f64> {
        let log = run(scenario, &["--events", "-"]).out;
        let sent: Vec<Vec<&str>> = log
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>())
            .filter(|f| f[2] == "sent")
            .collect();
        for (at, fields) in sent.iter().enumerate() {
            assert_eq!(fields[1], at.to_string());
        }
        sent.iter()
            .map(|fields| fields[0].parse::<f64>().expect("a number") / 1e9)
            .collect()
    }

    /// The second of a line of `tests/scenarios/logs/access.log`, from the midnight before its first.
    fn second(line: &str) -> i64 {
        let (_, rest) = line.split_once('[').expect("a time");
        let day: i64 = rest[..2].parse().expect("a day");
        let clock: Vec<i64> = rest[12..20]
            .split(':')
            .map(|part| part.parse().expect("a number"))
            .collect();
        (day - 9) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    #[test]
    fn an_access_log_is_replayed_line_by_line_in_order() {
        let text = fs::read_to_string(samples().join("logs/access.log")).expect("readable");
        let stamps: Vec<i64> = text.lines().map(second).collect();
        // The sample has what makes real logs awkward.
        assert!(stamps.len() >= 600, "hundreds of lines");
        assert!(
            stamps.windows(2).any(|pair| pair[0] == pair[1]),
            "several lines of one second"
        );
        assert!(
            stamps.windows(2).any(|pair| pair[0] > pair[1]),
            "lines out of order"
        );
        let sent = sent(&sample("replay-access-log.json"));
        assert_eq!(sent.len(), stamps.len(), "one request a line");
        assert!(sent.is_sorted(), "in the order of the lines");
        let mut latest = stamps[0];
        for (at, (stamp, time)) in stamps.iter().zip(&sent).enumerate() {
            latest = latest.max(*stamp);
            assert_eq!(
                time.floor() as i64,
                latest - stamps[0],
                "line {}: {time}",
                at + 1
            );
        }
    }

    #[test]
    fn a_column_of_times_is_replayed_to_the_millisecond() {
        let text = fs::read_to_string(samples().join("logs/arrivals.csv")).expect("readable");
        let times: Vec<f64> = text
            .lines()
            .skip(1)
            .map(|line| {
                line.split(',')
                    .next()
                    .expect("a time")
                    .parse()
                    .expect("a number")
            })
            .collect();
        let sent = sent(&sample("replay-csv.json"));
        assert_eq!(sent.len(), times.len());
        assert!(times.len() >= 300);
        for (time, sent) in times.iter().zip(&sent) {
            assert!((time - times[0] - sent).abs() < 1e-6, "{time}: {sent}");
        }
    }

    #[test]
    fn what_a_short_run_leaves_out_of_a_recording_is_told() {
        let done = run(&sample("replay-csv.json"), &["--until", "10"]);
        assert_eq!(done.code, Some(0));
        assert!(
            done.err.starts_with("note: 'visitors' sends "),
            "{}",
            done.err
        );
        assert!(
            done.err
                .contains(" of the 400 requests in logs/arrivals.csv: the run ends at 10 s"),
            "{}",
            done.err
        );
        assert_eq!(run(&sample("replay-csv.json"), &[]).err, "");
    }
}

#[test]
fn a_run_that_has_to_be_stopped_says_so_after_its_figures() {
    let folder = folder();
    let scenario = r#"{ "version": 1, "horizon_s": 100, "components": {
        "flood": { "client": { "operation": "x", "target": "sink", "arrivals": { "constant": { "rate_per_s": 1000000 } } } },
        "sink": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 1000 } } } } } } }"#;
    let path = write(folder.path(), "flood.json", scenario);
    let done = run(&path, &[]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.contains("stopped at 1.") && done.out.contains("From the start: 1000000 sent"),
        "{}",
        done.out
    );
    assert_eq!(
        done.err,
        "seed 0: the run was stopped with 1000000 requests under way, the most it may hold: bound the queues or lower the load\n"
    );
    let done = run(&path, &["--json"]);
    assert_eq!(done.code, Some(1));
    let report: Value =
        serde_json::from_str(&done.out).expect("the figures are printed all the same");
    assert!(
        report["runs"][0]["stopped"]
            .as_str()
            .is_some_and(|why| why.contains("requests under way"))
    );
}

mod checks {
    use super::*;

    fn check(path: &Path) -> Done {
        lab(["check".as_ref(), path.as_os_str()])
    }

    #[test]
    fn the_samples_are_valid() {
        let done = check(&samples());
        let expected = format!("checked {} scenarios: no problem\n", all_samples().len());
        assert_eq!((done.code, done.out), (Some(0), expected), "{}", done.err);
    }

    #[test]
    fn a_good_course_is_good_whole_and_in_parts() {
        let folder = folder();
        write_course(folder.path());
        for path in [folder.path().to_owned(), folder.path().join("one")] {
            let done = check(&path);
            assert_eq!(
                (done.code, done.out.as_str()),
                (Some(0), "checked 1 lesson: no problem\n"),
                "{}",
                done.err
            );
        }
        let done = lab([
            "check".as_ref(),
            folder.path().as_os_str(),
            sample("mm1.json").as_os_str(),
        ]);
        assert_eq!(done.out, "checked 1 scenario and 1 lesson: no problem\n");
    }

    /// The good course with `from` in `file` replaced by `to` has exactly the fault `expected`, in `file:line` or `file`.
    fn broken(file: &str, from: &str, to: &str, expected: &str) {
        let folder = folder();
        write_course(folder.path());
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).expect("just written");
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replacen(from, to, 1)).expect("writable");
        let done = check(folder.path());
        assert_eq!(
            (done.code, done.err.as_str()),
            (Some(1), "1 problem\n"),
            "{}",
            done.out
        );
        let expected = format!("{}{expected}", path.display());
        assert!(
            done.out.starts_with(&expected),
            "expected: {expected}\n     got: {}",
            done.out
        );
    }

    #[test]
    fn faults_of_lessons_name_file_and_line() {
        broken(
            "one/scenes/tiny.json",
            "80",
            "-80",
            ":6: components.users.client.arrivals.poisson.rate_per_s: -80",
        );
        broken(
            "one/scenes/tiny.json",
            "\"seed\"",
            "\"sede\"",
            ":3: sede: unknown field `sede`",
        );
        broken(
            "one/lesson.md",
            "component:shop",
            "component:till",
            ":11: component:till is not in this step's scene",
        );
        broken(
            "one/lesson.md",
            "```step",
            "```json",
            ":11: the step 'Too slow' has no scene",
        );
    }

    #[test]
    fn a_lesson_that_passes_without_its_pattern_is_refused() {
        broken(
            "one/lesson.md",
            "{ \"scene\": \"tiny\" }",
            "{ \"scene\": \"tiny\", \"set\": { \"/components/shop/service/queue\": 1000 } }",
            ": proof: the goal must be missed without the pattern and met with it",
        );
    }

    #[test]
    fn the_catalogue_and_the_folders_must_agree() {
        broken(
            "catalog.json",
            "A second worker",
            "Another",
            ":5: lessons[0].title: 'Another' differs from the lesson's own title",
        );
        broken(
            "catalog.json",
            "\"steps\": 1",
            "\"steps\": 2",
            ":5: lessons[0].steps: 2 differs from the lesson's own 1 steps",
        );
        broken(
            "catalog.json",
            ", \"planned\": true",
            "",
            ":6: lessons[1].planned: 'two' has no folder with a lesson.md",
        );
        broken(
            "catalog.json",
            "\"steps\": 1",
            "\"steps\": 1, \"planned\": true",
            ":5: lessons[0].planned: 'one' has a folder",
        );
    }

    #[test]
    fn a_lesson_that_the_catalogue_leaves_out_is_told() {
        let folder = folder();
        write_course(folder.path());
        write(folder.path(), "left-out/lesson.md", common::LESSON);
        write(folder.path(), "left-out/scenes/tiny.json", common::SCENE);
        let done = check(folder.path());
        assert_eq!(done.code, Some(1));
        let expected = "catalog.json:4: lessons: 'left-out' has a folder but does not stand here\n";
        assert!(done.out.ends_with(expected), "{}", done.out);
    }

    #[test]
    fn a_missing_scene_is_one_fault() {
        broken(
            "one/lesson.md",
            "\"slow\", \"scene\": \"tiny\"",
            "\"slow\", \"scene\": \"huge\"",
            ":16: scene: there is no scene 'huge': scenes/ has tiny",
        );
    }

    #[test]
    fn a_missing_catalogue_is_told() {
        let folder = folder();
        write_course(folder.path());
        fs::remove_file(folder.path().join("catalog.json")).expect("just written");
        let done = check(folder.path());
        assert_eq!(done.code, Some(1));
        assert!(
            done.out.ends_with("catalog.json: the file was not found\n"),
            "{}",
            done.out
        );
    }
}

#[test]
fn every_schema_is_a_schema() {
    for format in ["scenario", "lesson", "quiz", "catalog", "report"] {
        let done = lab(["schema", format]);
        assert_eq!(done.code, Some(0));
        let schema: Value = serde_json::from_str(&done.out).expect("JSON");
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert!(
            schema["properties"]
                .as_object()
                .is_some_and(|p| p.len() > 1),
            "{format}"
        );
        assert!(schema["description"].is_string(), "{format}");
    }
    assert_eq!(lab(["schema"]).out, lab(["schema", "scenario"]).out);
}
