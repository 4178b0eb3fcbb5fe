//! The tools and their versions: this is the one place that names them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, output, root, run_quietly, step};

/// Builds and serves the page.
const TRUNK: Crate = Crate {
    name: "trunk",
    version: "0.21.14",
    program: "trunk",
    minutes: 5,
};
/// Joins Wasm and JavaScript, and runs Wasm tests; one version with the crate `wasm-bindgen` (a test holds them together).
const WASM_BINDGEN: Crate = Crate {
    name: "wasm-bindgen-cli",
    version: "0.2.126",
    program: "wasm-bindgen",
    minutes: 3,
};
/// Holds what comes from outside to `deny.toml`.
const DENY: Crate = Crate {
    name: "cargo-deny",
    version: "0.20.2",
    program: "cargo-deny",
    minutes: 2,
};
/// The npm package that brings `wasm-opt`; Trunk.toml knows it as `version_132` (a test holds them together).
const BINARYEN: &str = "132.0.0";
/// The oldest Node whose test runner knows the options that the browser suite is started with.
const NODE: [u32; 2] = [18, 19];
/// What the page is compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A program that comes as a crate.
struct Crate {
    name: &'static str,
    version: &'static str,
    program: &'static str,
    minutes: u32,
}

/// The tools, ready to be used.
pub struct Tools {
    folders: Vec<PathBuf>,
}

impl Tools {
    /// Finds the tools, and installs those that are missing.
    pub fn prepare() -> Result<Self, Failure> {
        wasm_target()?;
        let bindgen = WASM_BINDGEN.prepare()?;
        let trunk = TRUNK.prepare()?;
        Ok(Self {
            folders: vec![trunk, bindgen, binaryen()?],
        })
    }

    /// `trunk` with a subcommand.
    pub fn trunk(&self, subcommand: &str) -> Command {
        let mut command = Command::new(self.folders[0].join("trunk"));
        // Everything trunk would fetch is on the path by now.
        command
            .arg(subcommand)
            .arg("--offline=true")
            .env("PATH", self.path())
            .env_remove("NO_COLOR")
            .current_dir(root());
        command
    }

    /// The test runner for Wasm.
    pub fn wasm_runner(&self) -> PathBuf {
        self.folders[1].join("wasm-bindgen-test-runner")
    }

    /// `wasm-bindgen` itself.
    pub fn wasm_bindgen(&self) -> Command {
        Command::new(self.folders[1].join("wasm-bindgen"))
    }

    fn path(&self) -> OsString {
        let old = env::var_os("PATH").unwrap_or_default();
        let folders = self.folders.iter().cloned().chain(env::split_paths(&old));
        env::join_paths(folders)
            .expect("folders of the cache and of PATH have no separators in them")
    }
}

/// Where the tools are kept: the user's cache, so that a second clone finds them.
fn cache() -> PathBuf {
    let home = || {
        env::var_os("HOME")
            .or_else(|| env::var_os("USERPROFILE"))
            .map_or_else(env::temp_dir, PathBuf::from)
    };
    let base = match env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ if cfg!(target_os = "macos") => home().join("Library/Caches"),
        _ if cfg!(windows) => {
            env::var_os("LOCALAPPDATA").map_or_else(|| home().join("AppData/Local"), PathBuf::from)
        }
        _ => home().join(".cache"),
    };
    base.join("scale-lab").join("tools")
}

fn wasm_target() -> Result<(), Failure> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))
        .ok_or_else(|| Failure::missing("Rust", "curl https://sh.rustup.rs -sSf | sh"))?;
    if Path::new(&sysroot)
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib")
        .is_dir()
    {
        return Ok(());
    }
    step(&format!(
        "adding Rust's target {TARGET}: some seconds, once"
    ));
    let remedy = format!("rustup target add {TARGET}");
    run_quietly(Command::new("rustup").args(["target", "add", TARGET]))
        .map_err(|_| Failure::missing(&format!("Rust's target {TARGET}"), &remedy))
}

impl Crate {
    /// The folder with the program, installed if need be.
    fn prepare(&self) -> Result<PathBuf, Failure> {
        let home = cache().join(format!("{}-{}", self.name, self.version));
        let folder = home.join("bin");
        // A program that does not tell its version is left from an interrupted installation.
        if self.is_here(&folder.join(self.program)) {
            return Ok(folder);
        }
        step(&format!(
            "installing {} {}: about {} minutes, once",
            self.name, self.version, self.minutes
        ));
        let remedy = format!(
            "cargo install --locked --root {} {} --version {}",
            home.display(),
            self.name,
            self.version
        );
        let mut install = Command::new("cargo");
        install
            .args(["install", "--locked", "--force", "--root"])
            .arg(&home)
            .args([self.name, "--version", self.version])
            .arg("--target-dir")
            .arg(home.join("build"))
            .current_dir(env::temp_dir());
        // A tool that runs for seconds need not be optimised for minutes.
        for (setting, value) in [
            ("OPT_LEVEL", "1"),
            ("LTO", "off"),
            ("CODEGEN_UNITS", "16"),
            ("DEBUG", "false"),
            ("STRIP", "true"),
        ] {
            install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
        let what = format!("{} {}", self.name, self.version);
        run_quietly(&mut install).map_err(|_| Failure::missing(&what, &remedy))?;
        // What is left of building it is of no more use; if it cannot be removed it only takes room.
        let _ = fs::remove_dir_all(home.join("build"));
        if self.is_here(&folder.join(self.program)) {
            Ok(folder)
        } else {
            Err(Failure::missing(&what, &remedy))
        }
    }

    fn is_here(&self, program: &Path) -> bool {
        output(Command::new(program).arg("--version"))
            .is_some_and(|said| has_version(&said, self.version))
    }
}

/// Whether a program's answer to `--version` names exactly this version.
fn has_version(said: &str, version: &str) -> bool {
    said.split_ascii_whitespace().any(|word| word == version)
}

/// The folder with `wasm-opt`.
fn binaryen() -> Result<PathBuf, Failure> {
    let home = cache().join(format!("binaryen-{BINARYEN}"));
    let folder = home.join("node_modules").join(".bin");
    let is_here = || {
        let said = output(Command::new(folder.join("wasm-opt")).arg("--version"));
        said.is_some_and(|said| has_version(&said, BINARYEN.split('.').next().unwrap_or_default()))
    };
    if is_here() {
        return Ok(folder);
    }
    node()?;
    step(&format!(
        "installing wasm-opt (binaryen {BINARYEN}): some seconds, once"
    ));
    let remedy = format!(
        "npm install --prefix {} binaryen@{BINARYEN}",
        home.display()
    );
    // What is left from an interrupted installation passes for whole with npm.
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home)
        .map_err(|error| Failure::new(format!("{}: {error}", home.display())))?;
    let mut install = Command::new("npm");
    install
        .args(["install", "--no-fund", "--no-audit", "--prefix"])
        .arg(&home)
        .arg(format!("binaryen@{BINARYEN}"));
    run_quietly(&mut install).map_err(|_| Failure::missing("wasm-opt", &remedy))?;
    if is_here() {
        Ok(folder)
    } else {
        Err(Failure::missing("wasm-opt", &remedy))
    }
}

/// Node and npm must be there: the README says so.
pub fn node() -> Result<(), Failure> {
    let version = |program| output(Command::new(program).arg("--version"));
    if version("npm").is_some() && version("node").is_some_and(|said| is_at_least(&said, NODE)) {
        return Ok(());
    }
    Err(Failure::missing(
        &format!("Node.js {}.{} or newer, with npm,", NODE[0], NODE[1]),
        "sudo apt-get install nodejs npm   (or see https://nodejs.org)",
    ))
}

/// Whether a program's answer to `--version`, such as v20.1.3, names this version or a later one.
fn is_at_least(said: &str, wanted: [u32; 2]) -> bool {
    let mut parts = said.trim_start_matches('v').split('.').map(str::parse);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => [major, minor] >= wanted,
        _ => false,
    }
}

/// Installs packages of the system, where that is Debian's kind and we may. Tells whether it did.
fn apt(what: &str, packages: &[&str]) -> Option<()> {
    output(Command::new("apt-get").arg("--version"))?;
    let root = output(Command::new("id").arg("-u")).is_some_and(|id| id == "0");
    if !root {
        output(Command::new("sudo").args(["-n", "true"]))?;
    }
    step(&format!(
        "installing {what} with apt-get: about a minute, once"
    ));
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.args(["-n", "--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        }
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        run_quietly(&mut command)
    };
    // Lists may be old or absent on a new machine. If they cannot be fetched, the installation tells.
    let _ = apt(&["update", "-q"]);
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    apt(&[&install, packages].concat()).ok()
}

/// `cargo deny`, installed if need be.
pub fn deny() -> Result<Command, Failure> {
    let mut command = Command::new(DENY.prepare()?.join(DENY.program));
    command.current_dir(root());
    Ok(command)
}

/// Valgrind, installed if it is missing and can be had.
pub fn valgrind() -> Result<Command, Failure> {
    let is_here = || output(Command::new("valgrind").arg("--version")).is_some();
    if !is_here() {
        let remedy = "sudo apt-get install valgrind";
        let missing = || Failure::missing("Valgrind, which counts instructions,", remedy);
        // With what it knows of the C library: it cannot start without.
        apt("Valgrind", &["valgrind", "libc6-dbg"]).ok_or_else(missing)?;
        if !is_here() {
            return Err(missing());
        }
    }
    Ok(Command::new("valgrind"))
}

/// A compiler of C++, installed if it is missing and can be had: libFuzzer is written in it.
pub fn cpp() -> Result<(), Failure> {
    let is_here = || output(Command::new("c++").arg("--version")).is_some();
    if is_here() || (apt("a C++ compiler", &["g++"]).is_some() && is_here()) {
        return Ok(());
    }
    Err(Failure::missing(
        "a C++ compiler",
        "sudo apt-get install g++",
    ))
}

/// A Python that has what a list of requirements asks for.
pub fn python(requirements: &Path) -> Result<PathBuf, Failure> {
    let wanted = fs::read_to_string(requirements)
        .map_err(|error| Failure::new(format!("{}: {error}", requirements.display())))?;
    let home = cache().join("peers-python");
    let (program, stamp) = (home.join("bin/python"), home.join("installed.txt"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(program);
    }
    step("installing SimPy into a Python of its own: some seconds, once");
    let remedy = "sudo apt-get install python3-venv";
    let missing = |_| Failure::missing("Python 3 with venv and pip", remedy);
    let _ = fs::remove_dir_all(&home);
    let mut venv = Command::new("python3");
    run_quietly(venv.args(["-m", "venv"]).arg(&home)).map_err(missing)?;
    let mut pip = Command::new(&program);
    pip.args(["-m", "pip", "install", "--quiet", "--requirement"]);
    run_quietly(pip.arg(requirements)).map_err(missing)?;
    fs::write(&stamp, wanted)
        .map_err(|error| Failure::new(format!("{}: {error}", stamp.display())))?;
    Ok(program)
}

/// A browser and its driver.
pub struct Browser {
    /// The browser.
    pub chrome: PathBuf,
    /// Its driver.
    pub driver: PathBuf,
}

impl Browser {
    /// Finds a browser, and installs one if it is missing and can be had.
    pub fn prepare() -> Result<Self, Failure> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        let remedy = "sudo apt-get install chromium chromium-driver\n    (Fedora: sudo dnf install chromium chromedriver; macOS: brew install --cask chromium chromedriver)\n\nor name them in the variables CHROME and CHROMEDRIVER,";
        let missing = || Failure::missing("a Chromium browser with its driver", remedy);
        let packages = ["chromium", "chromium-driver", "fonts-dejavu-core"];
        apt("Chromium and its driver", &packages).ok_or_else(missing)?;
        Self::find().ok_or_else(missing)
    }

    fn find() -> Option<Self> {
        let found = |variable: &str, names: &[&str]| {
            env::var_os(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_file())
                .or_else(|| on_path(names))
        };
        let chrome = found(
            "CHROME",
            &[
                "chromium",
                "chromium-browser",
                "google-chrome",
                "google-chrome-stable",
            ],
        )?;
        let driver = found("CHROMEDRIVER", &["chromedriver"])?;
        Some(Self { chrome, driver })
    }
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let files =
        env::split_paths(&path).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    files.into_iter().find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> String {
        fs::read_to_string(root().join(name)).expect("it is part of the workspace")
    }

    #[test]
    fn versions_are_compared_whole() {
        assert!(has_version("wasm-bindgen 0.2.126", "0.2.126"));
        assert!(!has_version("wasm-bindgen 0.2.1260", "0.2.126"));
        assert!(has_version("wasm-opt version 132 (version_132)", "132"));
    }

    #[test]
    fn versions_of_node_are_compared_by_number() {
        for (said, right) in [
            ("v18.19.0", true),
            ("v20.1.0", true),
            ("v18.2.0", false),
            ("v9.20.0", false),
            ("?", false),
        ] {
            assert_eq!(is_at_least(said, NODE), right, "{said}");
        }
    }

    #[test]
    fn wasm_bindgen_is_one_version_everywhere() {
        let locked = format!(
            "name = \"wasm-bindgen\"\nversion = \"{}\"",
            WASM_BINDGEN.version
        );
        assert!(
            read("Cargo.lock").contains(&locked),
            "Cargo.lock has another version than {}",
            WASM_BINDGEN.version
        );
        assert!(
            read("Trunk.toml").contains(&format!("wasm_bindgen = \"{}\"", WASM_BINDGEN.version))
        );
    }

    #[test]
    fn wasm_opt_is_one_version_everywhere() {
        let major = BINARYEN.split('.').next().unwrap_or_default();
        assert!(read("Trunk.toml").contains(&format!("wasm_opt = \"version_{major}\"")));
    }
}
