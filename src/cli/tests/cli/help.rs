//! The help: complete, and its examples work.

use std::fs;
use std::path::Path;

use crate::common::{folder, lab, sample, write, write_course};

#[test]
fn the_help_names_every_command_and_option() {
    let help = lab(["--help"]);
    assert_eq!(help.code, Some(0));
    for word in [
        "lab run",
        "lab hunt",
        "lab check",
        "lab schema",
        "<SCENARIO>",
        "<PATH>...",
        "--seed <N>",
        "--until <SECONDS>",
        "--replications <N>",
        "--set <POINTER=VALUE>",
        "--fault <JSON>",
        "--seeds <N>",
        "--time <SECONDS>",
        "--no-faults",
        "--save <FILE>",
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
    for command in ["run", "hunt", "check", "schema"] {
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
    let bank = fs::read(sample("transfer.json")).expect("readable");
    write(folder.path(), "bank.json", bank);
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
        // A hunt that finds something says so by its exit code, too.
        let expected = i32::from(example.starts_with("lab hunt"));
        assert!(
            done.status.code() == Some(expected),
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
