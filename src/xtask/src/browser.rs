//! A browser and its driver, for the tests.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::run::{
    Failure, major, on_path, output, package_command, run_quietly, step, target, version,
};

const CHROMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const DRIVERS: [&str; 2] = ["chromedriver", "chromium.chromedriver"];

/// How the tests start the browser: without a window, without asking the network for anything.
const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

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
        if let Some(found) = Self::find()? {
            return Ok(found);
        }
        install().map_err(|_| missing())?;
        Self::find()?.ok_or_else(missing)
    }

    fn find() -> Result<Option<Self>, Failure> {
        let chrome = program("CHROME", &CHROMES)?;
        let driver = program("CHROMEDRIVER", &DRIVERS)?;
        let (Some((chrome, chrome_said)), Some((driver, driver_said))) = (chrome, driver) else {
            return Ok(None);
        };
        if major(&chrome_said) == major(&driver_said) {
            return Ok(Some(Self { chrome, driver }));
        }
        Err(Failure::new(format!(
            "The browser and its driver do not fit together:\n    {} is {chrome_said}\n    {} is {driver_said}\nPlease name a pair of one version in the variables CHROME and CHROMEDRIVER.",
            chrome.display(),
            driver.display()
        )))
    }

    /// The file that tells the runner of Wasm tests which browser to start, and how.
    pub fn webdriver(&self) -> Result<PathBuf, Failure> {
        let path = target().join("webdriver.json");
        // Rust quotes a path and plain flags as JSON does.
        let text = format!(
            "{{ \"goog:chromeOptions\": {{ \"binary\": {:?}, \"args\": {FLAGS:?} }} }}\n",
            self.chrome.display().to_string()
        );
        fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
        Ok(path)
    }
}

/// A program that works, and what it says of its version: the one that a variable names, or else one on the path.
fn program(variable: &str, names: &[&str]) -> Result<Option<(PathBuf, String)>, Failure> {
    let Some(named) = env::var_os(variable).filter(|name| !name.is_empty()) else {
        let mut found = names.iter().filter_map(|name| {
            let path = on_path(&[name])?;
            version(&path).map(|said| (path, said))
        });
        return Ok(found.next());
    };
    match version(&named) {
        Some(said) => Ok(Some((named.into(), said))),
        None => Err(Failure::new(format!(
            "The variable {variable} names {}, which cannot be run.",
            named.display()
        ))),
    }
}

/// Installs a browser where that needs no question: on a Debian-like system, as root or with a sudo that asks nothing.
fn install() -> Result<(), Failure> {
    let root = output(Command::new("id").arg("-u")).is_some_and(|id| id == "0");
    let sudo = || output(Command::new("sudo").args(["-n", "true"])).is_some();
    if on_path(&["apt-get"]).is_none() || !(root || sudo()) {
        return Err(missing());
    }
    step("installing Chromium and its driver with apt-get: about a minute, once");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.args(["-n", "env"]);
        }
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"])
            // Another installation may be at work; without an end to its lists a mirror may hang.
            .args(["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=1"])
            .args(arguments);
        run_quietly(&mut command)
    };
    // Lists may be old or absent on a new machine. If they cannot be fetched, the installation tells.
    let _ = apt(&["update"]);
    apt(&[
        "install",
        "--no-install-recommends",
        "chromium",
        "chromium-driver",
        "fonts-dejavu-core",
    ])
}

fn missing() -> Failure {
    let remedy = package_command(
        "chromium chromium-driver",
        "chromium chromedriver",
        "--cask google-chrome chromedriver",
    );
    Failure::missing(
        "a Chromium browser with its driver",
        &format!("{remedy}\n\nor name them in the variables CHROME and CHROMEDRIVER,"),
    )
}
