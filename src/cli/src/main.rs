//! `lab`: Scale Lab's engine on the command line.

mod args;
mod brokers;
mod check;
mod events;
mod failure;
mod hunt;
mod input;
mod parallel;
mod place;
mod progress;
mod replications;
mod report;
mod run;
mod schema;
mod sourcing;
mod sweep;
mod table;
mod trust;
mod violations;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Hunt(arguments) => hunt::hunt(&arguments),
        Command::Sweep(arguments) => sweep::sweep(&arguments),
        Command::Certify(arguments) => sweep::certify(&arguments),
        Command::Trust(arguments) => trust::trust(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Schema { format } => schema::print(format).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read the output has had enough: nothing went wrong.
        Err(failure) if failure.is_quiet() => ExitCode::SUCCESS,
        Err(failure) => {
            // Where even this cannot be written, the exit code still tells.
            let _ = writeln!(stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}
