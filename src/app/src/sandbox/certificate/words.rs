//! What a sweep says, in words.

use scale_capacity::{Bottleneck, Evidence, Knee, Point, Report, Resource, Said, Usl, cost};
use scale_sim::{Component, Estimate, Scenario};

use crate::sandbox::cost::{money, prices};
use crate::sandbox::words::number;

/// What a component of a scenario is called on its picture.
pub fn label<'a>(design: &'a Scenario, name: &'a str) -> &'a str {
    let view = design.view.get(name);
    view.and_then(|view| view.label.as_deref()).unwrap_or(name)
}

/// A multiple of the load, such as "2.5×".
pub fn times(factor: f64) -> String {
    format!("{}×", number((factor * 100.0).round() / 100.0))
}

/// Up to where the design keeps its goal.
pub fn knee(knee: &Knee) -> String {
    match *knee {
        Knee::Below(first) => format!("It misses its goal already at {}.", times(first)),
        Knee::Between(last, first) => format!(
            "It keeps its goal up to {}, and misses it at {}.",
            times(last),
            times(first)
        ),
        Knee::Beyond(last) => format!(
            "It keeps its goal up to {}, the highest load that was tried.",
            times(last)
        ),
    }
}

/// The evidence for a bottleneck, the strongest first.
pub fn evidence(bottleneck: &Bottleneck) -> String {
    let parts = bottleneck.evidence.iter().map(|evidence| match *evidence {
        Evidence::Utilisation(value) => format!("{:.0} % busy", value * 100.0),
        Evidence::Saturated(value) => {
            format!(
                "all busy for {:.0} % of the time, as bursts come",
                value * 100.0
            )
        }
        Evidence::QueueGrowsPerS(value) => format!(
            "{} more wait each second",
            number((value * 10.0).round() / 10.0)
        ),
        Evidence::Refused(value) => format!("{:.1} % of all requests refused there", value * 100.0),
        Evidence::ShareOfLatency(value) => {
            format!("{:.0} % of the latency is waiting for it", value * 100.0)
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// A bottleneck in words: what, where, and why one can tell.
pub fn bottleneck(design: &Scenario, bottleneck: &Bottleneck) -> String {
    // Each kind has its own word for what serves in it.
    let resource = match (
        bottleneck.resource,
        design.components.get(&bottleneck.component),
    ) {
        (Resource::Servers, Some(Component::Service(_))) => "the workers",
        (
            Resource::Servers,
            Some(Component::Database(_) | Component::EventStore(_) | Component::View(_)),
        ) => "the connections",
        (Resource::Connections, _) => "connections of the pool",
        (resource, _) => resource.words(),
    };
    format!(
        "{resource} of {}: {}",
        label(design, &bottleneck.component),
        evidence(bottleneck)
    )
}

/// What gives first in a sweep: at the first load at which anything is short.
pub fn first(report: &Report) -> Option<(f64, &Bottleneck)> {
    let mut points = report.sweep.points.iter().zip(&report.bottlenecks);
    points.find_map(|(point, short)| Some((point.factor, short.first()?)))
}

/// A mean with the half-width of its interval.
pub fn estimate(estimate: &Estimate, scale: f64, digits: i32) -> String {
    let round = |value: f64| {
        let tens = 10_f64.powi(digits);
        number((value * scale * tens).round() / tens)
    };
    match estimate.half_width {
        Some(half_width) => format!("{} ± {}", round(estimate.mean), round(half_width)),
        None => round(estimate.mean),
    }
}

/// What the law says of the design.
pub fn law(usl: &Usl) -> Vec<String> {
    let mut said = vec![format!(
        "Universal Scalability Law: λ = {}/s at 1×, contention σ = {:.4}, coherency κ = {:.5}; R² = {:.3}.",
        number((usl.lambda * 10.0).round() / 10.0),
        usl.sigma,
        usl.kappa,
        usl.r_squared
    )];
    said.push(match usl.peak() {
        Some(peak) if usl.kappa > 1e-6 => format!(
            "Taken as it is, it puts the most throughput at {}; beyond that more load brings less.",
            times(peak)
        ),
        _ if usl.sigma > 1e-3 => "It sees work that waits in line for something shared, and nothing that has to be agreed upon pair by pair.".to_owned(),
        _ => "It sees a design that grows with its load, as far as that was tried.".to_owned(),
    });
    said.push(
        "A fit describes the curve. What causes it is what the evidence above names.".to_owned(),
    );
    said
}

/// One line of how what was said stands against what was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Against {
    /// Whether it was right; nothing where that is for the reader to judge.
    pub right: Option<bool>,
    /// In words.
    pub words: String,
}

/// What was said of the design, against the evidence.
pub fn against(report: &Report, said: &Said) -> Vec<Against> {
    let design = &report.design;
    let found = first(report);
    let component = match (&said.gives_first, found) {
        (None, None) => Against {
            right: Some(true),
            words: "You said that nothing gives, and nothing did.".to_owned(),
        },
        (None, Some((at, short))) => Against {
            right: Some(false),
            words: format!(
                "You said that nothing gives. At {} it is {}.",
                times(at),
                bottleneck(design, short)
            ),
        },
        (Some(name), None) => Against {
            right: Some(false),
            words: format!(
                "You named {}. At no load that was tried was anything short.",
                label(design, name)
            ),
        },
        (Some(name), Some((at, short))) if *name == short.component => Against {
            right: Some(true),
            words: format!(
                "You named {}, and at {} it is {}.",
                label(design, name),
                times(at),
                bottleneck(design, short)
            ),
        },
        (Some(name), Some((at, short))) => Against {
            right: Some(false),
            words: format!(
                "You named {}. At {} it is {}.",
                label(design, name),
                times(at),
                bottleneck(design, short)
            ),
        },
    };
    let load = match (said.at, report.sweep.knee) {
        (None, Knee::Beyond(_)) => Against {
            right: Some(true),
            words: "You said that it keeps its goal at every load, and it does.".to_owned(),
        },
        (Some(at), Knee::Between(last, first)) => Against {
            right: Some(at > last && at <= first),
            words: format!(
                "You said that it misses its goal from {} on. {}",
                times(at),
                knee(&report.sweep.knee)
            ),
        },
        (Some(at), Knee::Below(first)) => Against {
            right: Some(at <= first),
            words: format!(
                "You said that it misses its goal from {} on. {}",
                times(at),
                knee(&report.sweep.knee)
            ),
        },
        (Some(at), Knee::Beyond(_)) => Against {
            right: Some(false),
            words: format!(
                "You said that it misses its goal from {} on. {}",
                times(at),
                knee(&report.sweep.knee)
            ),
        },
        (None, _) => Against {
            right: Some(false),
            words: format!(
                "You said that it keeps its goal at every load. {}",
                knee(&report.sweep.knee)
            ),
        },
    };
    let mut all = vec![component, load];
    if !said.change.trim().is_empty() {
        let touches = found.map(|(_, short)| {
            let name = label(design, &short.component).to_lowercase();
            let change = said.change.to_lowercase();
            change.contains(&name) || change.contains(&short.component)
        });
        let words = match (touches, found) {
            (Some(true), _) => "Your change speaks of what gives first. Make it, and run again: only that shows whether it helps.".to_owned(),
            (Some(false), Some((_, short))) => format!(
                "Your change does not name {}. Does it relieve it all the same? Make it, and run again.",
                label(design, &short.component)
            ),
            _ => "Nothing gives up to there. What you would change can wait.".to_owned(),
        };
        all.push(Against { right: None, words });
    }
    all
}

/// What answers cost, by the reader's price list: at 1×, and at the highest load that is kept.
pub fn costs(report: &Report) -> String {
    let bill = cost(&report.design, &prices());
    let million =
        |point: &Point| bill.per_hour / (point.throughput_per_s.mean * 3600.0).max(1e-9) * 1e6;
    let words = |point: &Point| {
        format!(
            "{} at {}",
            money(&bill.currency, million(point)),
            times(point.factor)
        )
    };
    let answered = |point: &&Point| point.throughput_per_s.mean > 0.0;
    let points = || report.sweep.points.iter().filter(answered);
    let first = points().next().map(words);
    let last = points()
        .rfind(|point| point.met)
        .filter(|point| point.factor > 1.0);
    let per: Vec<String> = first.into_iter().chain(last.map(words)).collect();
    format!(
        "The design costs {} an hour, and a million answers {}.",
        money(&bill.currency, bill.per_hour),
        if per.is_empty() {
            "cannot be priced: there were none".to_owned()
        } else {
            per.join(", ")
        }
    )
}

/// What the lab leaves out of each kind in the design, once each.
pub fn left_out(design: &Scenario) -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for component in design.components.values() {
        let kind = component.kind();
        let line = (scale_design::palette::words(kind).0, kind.leaves_out());
        if !all.contains(&line) {
            all.push(line);
        }
    }
    all
}

/// The components that can give: all but clients.
pub fn can_give(design: &Scenario) -> Vec<&str> {
    let all = design.components.iter();
    all.filter(|(_, component)| !matches!(component, Component::Client(_)))
        .map(|(name, _)| name.as_str())
        .collect()
}
