//! Closed forms of queueing theory and of caches.

/// The chance to be lost, with `servers` and no queue, at an offered load of `load` erlangs: Erlang's B formula, by its recursion
/// (Kleinrock, *Queueing Systems I*, 1975, section 3.6).
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, n| load * b / (f64::from(n) + load * b))
}

/// The chance to wait, with `servers` and an endless queue, at an offered load of `load` erlangs, below `servers`: Erlang's C
/// formula (Kleinrock, section 3.5).
pub fn erlang_c(servers: u32, load: f64) -> f64 {
    let b = erlang_b(servers, load);
    b / (1.0 - load / f64::from(servers) * (1.0 - b))
}

/// The mean wait in M/M/c, in the unit of `service` (Kleinrock, section 3.5). The load must be below the number of servers.
pub fn mmc_wait(servers: u32, rate: f64, service: f64) -> f64 {
    let load = rate * service;
    erlang_c(servers, load) * service / (f64::from(servers) - load)
}

/// The `quantile` of the response time of M/M/1, which is exponential with rate µ − λ, in the unit of `service`.
pub fn mm1_response_quantile(rate: f64, service: f64, quantile: f64) -> f64 {
    -libm::log(1.0 - quantile) / (1.0 / service - rate)
}

/// The mean wait in M/G/1 by Pollaczek and Khinchine, in the unit of `service`: `scv` is the squared coefficient of variation of the
/// service time (Kleinrock, section 5.7).
pub fn mg1_wait(rate: f64, service: f64, scv: f64) -> f64 {
    let busy = rate * service;
    busy * service * (1.0 + scv) / 2.0 / (1.0 - busy)
}

/// The share of requests that M/M/1/K turns away: `places` with the one at the server (Kleinrock, section 3.6). `busy` is
/// λ/µ, and not 1.
pub fn mm1k_blocked(busy: f64, places: u32) -> f64 {
    let places = f64::from(places);
    (1.0 - busy) * libm::pow(busy, places) / (1.0 - libm::pow(busy, places + 1.0))
}

/// Throughput and response of `users` who think, then visit one memoryless server: mean value analysis (Reiser and
/// Lavenberg, JACM 27(2), 1980). In the unit of `think` and `service`.
pub fn closed_loop(users: u32, think: f64, service: f64) -> (f64, f64) {
    let (mut queue, mut throughput, mut response) = (0.0, 0.0, 0.0);
    for n in 1..=users {
        response = service * (1.0 + queue);
        throughput = f64::from(n) / (think + response);
        queue = throughput * response;
    }
    (throughput, response)
}

/// The mean response with endlessly many servers, each request going to the shorter of `choices` lines drawn at random, in the unit of the
/// mean service time (Mitzenmacher, IEEE TPDS 12(10), 2001; Vvedenskaya, Dobrushin and Karpelevich, 1996). `busy` is below 1; one choice
/// is M/M/1.
pub fn power_of_choices(busy: f64, choices: u32) -> f64 {
    let d = f64::from(choices);
    let (mut sum, mut exponent) = (0.0, 0.0);
    // The exponents are (dⁱ − d)/(d − 1): 0, d, d² + d, … One choice: 0, 1, 2, …
    loop {
        let term = libm::pow(busy, exponent);
        sum += term;
        if term < 1e-15 {
            return sum;
        }
        exponent = d * (exponent + 1.0);
    }
}

/// How likely each of `count` keys is, the first the likeliest, if its rank decides by Zipf's law.
pub fn zipf(count: u32, exponent: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=count)
        .map(|rank| libm::pow(f64::from(rank), -exponent))
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// The hit ratio of LRU with `places` for keys that come independently with these chances, exactly (King, IFIP Congress 1971): the sum over
/// all contents in order. For a few places only: it takes time as the number of contents.
pub fn lru_exact(chances: &[f64], places: u32) -> f64 {
    fn rest(chances: &[f64], held: &mut Vec<usize>, chance: f64, mass: f64, places: u32) -> f64 {
        if places == 0 {
            return chance * mass;
        }
        let mut sum = 0.0;
        for (key, p) in chances.iter().enumerate() {
            if !held.contains(&key) {
                held.push(key);
                let next = chance * p / (1.0 - mass);
                sum += rest(chances, held, next, mass + p, places - 1);
                held.pop();
            }
        }
        sum
    }
    rest(chances, &mut Vec::new(), 1.0, 0.0, places)
}

/// The hit ratio of LRU with `places` for keys that come independently with these chances, by the approximation of Che, Tung and Wang (IEEE
/// JSAC 20(7), 2002): a key stays for one characteristic time.
pub fn lru_che(chances: &[f64], places: f64) -> f64 {
    let held = |t: f64| -> f64 { chances.iter().map(|p| 1.0 - libm::exp(-p * t)).sum() };
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if held(middle) < places {
            low = middle;
        } else {
            high = middle;
        }
    }
    chances
        .iter()
        .map(|p| p * (1.0 - libm::exp(-p * low)))
        .sum()
}

/// The mean of the longest of `count` independent exponential times of mean 1: the harmonic number.
pub fn longest_of(count: u32) -> f64 {
    (1..=count).map(|n| 1.0 / f64::from(n)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6 * b.abs(), "{a} {b}");
    }

    #[test]
    fn forms_agree_where_they_meet() {
        // One server: Erlang's C is its load, and every form gives the same wait.
        near(erlang_c(1, 0.7), 0.7);
        near(mmc_wait(1, 0.7, 1.0), mg1_wait(0.7, 1.0, 1.0));
        // One choice is M/M/1; the table of Mitzenmacher's for two: tests/oracle/queueing/power_of_d_meanfield.csv.
        near(power_of_choices(0.9, 1), 10.0);
        near(power_of_choices(0.9, 2), 2.614_057_38);
        near(power_of_choices(0.5, 3), 1.125_244_14);
        // One place holds the last key; as many as keys hold all.
        let chances = zipf(6, 0.8);
        near(
            lru_exact(&chances, 1),
            chances.iter().map(|p| p * p).sum::<f64>(),
        );
        near(lru_exact(&chances, 3), 0.591_638_795);
        near(lru_exact(&chances, 6), 1.0);
        near(longest_of(4), 25.0 / 12.0);
        // Blocking with one place is Erlang's B with one server.
        near(mm1k_blocked(0.8, 1), erlang_b(1, 0.8));
        // A single user never waits.
        near(closed_loop(1, 9.0, 1.0).0, 0.1);
        near(mm1_response_quantile(0.5, 1.0, 0.5), 2.0 * 2.0_f64.ln());
    }
}
