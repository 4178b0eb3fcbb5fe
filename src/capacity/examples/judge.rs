use scale_capacity::*;
use std::fs;
fn main() {
    let folder = std::env::args().nth(1).expect("folder");
    let seeds: u32 = std::env::args().nth(2).map_or(3, |s| s.parse().unwrap());
    let only = std::env::args().nth(3);
    let read = |p: &str| fs::read_to_string(format!("{folder}/{p}")).unwrap();
    let challenge = match Challenge::read(&read("challenge.json"), &read("start.json")) {
        Ok(c) => c,
        Err(found) => {
            for f in found {
                println!("{}: {}", f.file, f.problem);
            }
            return;
        }
    };
    println!("start today:");
    {
        let o = scale_sim::run(&challenge.start, &Default::default()).unwrap();
        show(&challenge, &challenge.start, &o);
    }
    let mut all: Vec<(String, scale_sim::Scenario)> =
        vec![("START".into(), challenge.start.clone())];
    for kind in ["solutions", "non-solutions"] {
        let Ok(dir) = fs::read_dir(format!("{folder}/{kind}")) else {
            continue;
        };
        let mut names: Vec<_> = dir
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        for n in names {
            if only.as_ref().is_some_and(|o| !n.contains(o)) {
                continue;
            }
            match Attempt::read(&read(&format!("{kind}/{n}")))
                .map_err(|p| vec![p])
                .and_then(|a| a.design(&challenge))
            {
                Ok(d) => all.push((format!("{kind}/{n}"), d)),
                Err(p) => {
                    for p in p {
                        println!("{kind}/{n}: {p}")
                    }
                }
            }
        }
    }
    for (name, design) in &all {
        println!(
            "== {name}  {:?}",
            mechanisms(design)
                .difference(&mechanisms(&challenge.start))
                .collect::<Vec<_>>()
        );
        let r = challenge.refusals(design);
        for p in &r {
            println!("   REFUSED {p}");
        }
        if !r.is_empty() {
            continue;
        }
        let mut passed = 0;
        let t = std::time::Instant::now();
        for seed in Challenge::plan(1, seeds) {
            let day = match challenge.day(design, seed) {
                Ok(d) => d,
                Err(p) => {
                    for p in p {
                        println!("  {p}")
                    }
                    break;
                }
            };
            let o = match scale_sim::run(&day, &Default::default()) {
                Ok(d) => d,
                Err(p) => {
                    for p in p {
                        println!("  {p}")
                    }
                    break;
                }
            };
            let v = challenge.verdict(&day, &o);
            passed += u32::from(v.passed());
            if seed <= 1 {
                show(&challenge, &day, &o);
            } else if v.passed() != (passed == seed as u32) || std::env::var_os("ALL").is_some() {
                show(&challenge, &day, &o);
            }
        }
        println!(
            "   passed {passed} of {seeds}, {:?} a run",
            t.elapsed() / seeds
        );
    }
}
fn show(c: &Challenge, day: &scale_sim::Scenario, o: &scale_sim::Outcome) {
    let v = c.verdict(day, o);
    let t: Vec<String> = v
        .measured
        .iter()
        .map(|m| {
            format!(
                "{}{:?} {} ({}; used {})",
                if m.met { "" } else { "** " },
                m.objective,
                m.value.map_or("-".into(), |v| format!("{v:.4}")),
                m.bound,
                m.budget
                    .and_then(|b| b.used())
                    .map_or("-".into(), |u| format!("{u:.2}"))
            )
        })
        .collect();
    println!(
        "   {} {} | ev {} {:?}",
        if v.passed() { "OK  " } else { "FAIL" },
        t.join(" | "),
        o.events,
        v.stopped
    );
    let b: Vec<String> = bottlenecks(&Run::of(day, o))
        .iter()
        .take(3)
        .map(|b| format!("{}:{:?}{:?}", b.component, b.resource, b.evidence))
        .collect();
    println!("        {}", b.join("; "));
}
