//! `cargo xtask`: prepares what is missing on this machine, and serves, tests or builds the lab.

mod budget;
mod deny;
mod fuzz;
mod instructions;
mod run;
mod seal;
mod test;
mod tools;

use std::process::ExitCode;

use run::{Failure, step};

const HELP: &str = "\
Prepares what is missing, and serves, tests or builds Scale Lab.

Usage: cargo xtask <command>

Commands:
  serve [trunk options]   serve the lab on http://127.0.0.1:8080 and rebuild it when a file changes
  test [stage …]          run all tests, or only these stages: lint, native, budget, fuzz, wasm, build, browser
  build                   make the static folder dist/
  bench [--peers]         run the benchmarks, native and as Wasm; or beside other simulators, which it installs
  fuzz [options] [target …]  try what reads from outside for ten minutes each, or for --seconds N; --keep keeps what it learned
  deny                    hold what comes from outside to deny.toml
  setup                   only prepare: the Wasm target, trunk, wasm-bindgen, wasm-opt, the browser
  help                    this text

The first run installs its tools into the user's cache directory, which takes some minutes; later runs find them there
and need no network.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = arguments.collect();
    match dispatch(&command, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: &str, rest: &[String]) -> Result<(), Failure> {
    let none = || match rest.first() {
        Some(extra) => Err(Failure::usage(format!(
            "`cargo xtask {command}` takes no '{extra}'\n\n{HELP}"
        ))),
        None => Ok(()),
    };
    match command {
        "serve" => serve(rest),
        "test" => test::run_all(rest),
        "build" => none().and_then(|()| build()).and_then(|()| budget::check()),
        "bench" if rest == ["--peers"] => test::bench(true),
        "bench" => none().and_then(|()| test::bench(false)),
        "fuzz" => fuzz::command(rest),
        "deny" => none().and_then(|()| deny::check()),
        // Called by trunk (Trunk.toml), not by people.
        "seal" => none().and_then(|()| seal::seal()),
        "setup" => none()
            .and_then(|()| tools::Tools::prepare())
            .and_then(|_| tools::Browser::prepare())
            .map(|_| ()),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(Failure::usage(format!(
            "there is no command '{other}'\n\n{HELP}"
        ))),
    }
}

fn serve(rest: &[String]) -> Result<(), Failure> {
    let tools = tools::Tools::prepare()?;
    step("serving the lab: the first build takes one or two minutes, later ones seconds");
    run::run(tools.trunk("serve").args(rest))
}

/// Builds the static folder.
fn build() -> Result<(), Failure> {
    let tools = tools::Tools::prepare()?;
    step("building dist/: about two minutes the first time");
    run::run(tools.trunk("build").arg("--release"))
}
