//! The places of the trust page, behind `#/trust`.

use scale_trust::claim::REPLICATIONS;

/// The seed when none is named.
pub const SEED: u64 = 1;
/// The greatest: the seeds of a claim's runs count up from it.
const GREATEST: u64 = u64::MAX - REPLICATIONS as u64 + 1;

/// A part of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Closed forms and runs: `#/trust`, `#/trust/theory`.
    Theory,
    /// Records of real systems: `#/trust/systems`.
    Systems,
    /// What each kind of component models: `#/trust/components`.
    Components,
}

impl Part {
    /// All, in the order in which they stand.
    pub const ALL: [Self; 3] = [Self::Theory, Self::Systems, Self::Components];

    /// Its name in links.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Theory => "theory",
            Self::Systems => "systems",
            Self::Components => "components",
        }
    }

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Theory => "Against theory",
            Self::Systems => "Beside real systems",
            Self::Components => "What is modelled",
        }
    }
}

/// A place of the page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// The part.
    pub part: Part,
    /// A claim, or a record.
    pub of: Option<String>,
    /// The seed, as it is written there.
    pub seed: Option<String>,
    /// Whether the address names a part that is not there.
    pub astray: bool,
}

impl Way {
    /// The place that the part of an address from `#` on names. `None` if it is not on this page.
    pub fn read(hash: &str) -> Option<Self> {
        let (path, asked) = hash.split_once('?').unwrap_or((hash, ""));
        let path = path.trim_start_matches('#').trim_matches('/');
        let mut parts = path.split('/');
        if parts.next() != Some("trust") {
            return None;
        }
        let name = parts.next().unwrap_or(Part::Theory.name());
        let part = Part::ALL.into_iter().find(|part| part.name() == name);
        let seed = asked.split('&').find_map(|pair| pair.strip_prefix("seed="));
        Some(Self {
            part: part.unwrap_or(Part::Theory),
            of: parts.next().map(str::to_owned),
            seed: seed.map(str::to_owned),
            astray: part.is_none() || parts.next().is_some(),
        })
    }

    /// The seed of the runs.
    ///
    /// # Errors
    ///
    /// If it is none; what is allowed, in one sentence.
    pub fn seed(&self) -> Result<u64, String> {
        self.seed.as_deref().map_or(Ok(SEED), seed)
    }
}

/// The seed that somebody wrote.
///
/// # Errors
///
/// If it is none; what is allowed, in one sentence.
pub fn seed(text: &str) -> Result<u64, String> {
    let text = text.trim();
    // A plus sign is read by Rust, and is a space in a link.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seed = if digits { text.parse().ok() } else { None };
    seed.filter(|seed| *seed <= GREATEST).ok_or_else(|| {
        let shown: String = text.chars().take(30).collect();
        format!("“{shown}” is no seed: a whole number from 0 to {GREATEST} is allowed.")
    })
}

/// The link to a place.
pub fn href(part: Part, of: Option<&str>, seed: u64) -> String {
    let of = of.map_or(String::new(), |of| format!("/{of}"));
    let asked = if part == Part::Theory && seed != SEED {
        format!("?seed={seed}")
    } else {
        String::new()
    };
    format!("#/trust/{}{of}{asked}", part.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found() {
        for (hash, part, of, seed) in [
            ("#/trust", Part::Theory, None, None),
            ("#/trust/", Part::Theory, None, None),
            ("#/trust?seed=7", Part::Theory, None, Some("7")),
            ("#/trust/theory/mm1", Part::Theory, Some("mm1"), None),
            (
                "#/trust/theory/mm1?seed=7",
                Part::Theory,
                Some("mm1"),
                Some("7"),
            ),
            (
                "#/trust/systems/failover",
                Part::Systems,
                Some("failover"),
                None,
            ),
            ("#/trust/components", Part::Components, None, None),
        ] {
            let way = Way::read(hash).expect(hash);
            assert_eq!((way.part, way.of.as_deref()), (part, of), "{hash}");
            assert_eq!((way.seed.as_deref(), way.astray), (seed, false), "{hash}");
        }
        for hash in ["#/trust/x", "#/trust/theory/mm1/x"] {
            assert!(Way::read(hash).expect(hash).astray, "{hash}");
        }
        for hash in ["", "#/about", "#/sandbox/trust", "#/trusty"] {
            assert_eq!(Way::read(hash), None, "{hash}");
        }
    }

    #[test]
    fn links_lead_where_they_say() {
        for part in Part::ALL {
            for of in [None, Some("mm1")] {
                for seed in [SEED, 0, GREATEST] {
                    let way = Way::read(&href(part, of, seed)).expect("on this page");
                    assert_eq!((way.part, way.of.as_deref()), (part, of));
                    if part == Part::Theory {
                        assert_eq!(way.seed(), Ok(seed));
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_seed_is_told_with_what_is_allowed() {
        assert_eq!(seed(" 7 "), Ok(7));
        assert_eq!(seed("18446744073709551596"), Ok(GREATEST));
        for wrong in ["", "-1", "+1", "1.5", "7e3", "x", "18446744073709551597"] {
            let why = seed(wrong).expect_err(wrong);
            assert!(why.contains("from 0 to 18446744073709551596"), "{why}");
        }
        assert!(seed(&"9".repeat(10_000)).expect_err("too long").len() < 150);
    }
}
