//! What was found, in words, and the command that shows it again.

use super::case::{Case, Found};
use crate::args::HuntArguments;
use crate::input::Input;

/// What was found, and how to see it again.
pub fn told(
    arguments: &HuntArguments,
    input: &Input,
    case: &Case,
    found: &Found,
    spent: &str,
) -> String {
    let Found { violation, events } = found;
    let about = input.scenario.invariants.get(violation.invariant);
    let mut lines = vec![
        format!(
            "Violated: {}  ({spent})",
            about.map_or_else(String::new, one_line)
        ),
        String::new(),
        format!("  {}", violation.sentence),
        format!(
            "  at {:.6} s, after {events} events, with seed {}",
            violation.at.secs(),
            case.seed
        ),
    ];
    if let Some(fault) = &case.added {
        let fault = format!("  {}", one_line(fault));
        lines.extend([String::new(), "Fault to add:".to_owned(), fault]);
    }
    let command = format!("  {}", replay(arguments, input, case));
    lines.extend([String::new(), "Replay:".to_owned(), command]);
    if let Some(hash) = case.state_hash(input) {
        lines.push(format!("  ends in state {hash:016x}"));
    }
    lines.join("\n") + "\n"
}

/// The command that runs a case.
fn replay(arguments: &HuntArguments, input: &Input, case: &Case) -> String {
    let mut words = ["lab", "run"].map(str::to_owned).to_vec();
    words.push(arguments.scenario.display().to_string());
    words.extend(["--seed".to_owned(), case.seed.to_string()]);
    if case.until_s < input.scenario.horizon_s {
        words.extend(["--until".to_owned(), case.until_s.to_string()]);
    }
    let mut set = |pointer: &str, value: &str| {
        words.extend(["--set".to_owned(), format!("{pointer}={value}")]);
    };
    for (pointer, value) in &arguments.settings {
        set(pointer, &value.to_string());
    }
    if input.scenario.warmup_s >= case.until_s {
        set("/warmup_s", "0");
    }
    for (client, users) in &case.users {
        let pointer = format!("/components/{client}/client/arrivals/closed/users");
        set(&pointer, &users.to_string());
    }
    if case.kept != input.scenario.faults {
        set("/faults", &one_line(&case.kept));
    }
    if let Some(fault) = &case.added {
        words.extend(["--fault".to_owned(), one_line(fault)]);
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

fn one_line<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data")
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_what_was_meant() {
        assert_eq!(quoted("tests/a-b.json"), "tests/a-b.json");
        assert_eq!(quoted("/faults=[]"), "'/faults=[]'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
