//! Formulas, from the line in which one writes them to `MathML`, which browsers set and read aloud.
//!
//! `/` divides what stands on its two sides up to the next `+`, `−`, `=` or comma; `^` raises a group, or what follows without a space.

use yew::prelude::*;

/// A part of a formula.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    /// A name; of several letters it is a word.
    Name(String),
    Number(String),
    /// `+`, `=`, a comma …
    Sign(char),
    /// A gap between factors.
    Gap,
    /// In parentheses.
    Group(Vec<Part>),
    Fraction(Vec<Part>, Vec<Part>),
    Power(Box<Part>, Vec<Part>),
    Index(Box<Part>, Vec<Part>),
}

/// What is written small above the line, and what it is.
const ABOVE: [(char, char); 6] = [
    ('²', '2'),
    ('³', '3'),
    ('ⁱ', 'i'),
    ('ᴷ', 'K'),
    ('⁺', '+'),
    ('¹', '1'),
];
/// The same below it.
const BELOW: [(char, char); 3] = [('ᵢ', 'i'), ('₁', '1'), ('₂', '2')];

/// Reads a formula's letters one by one.
struct Reader<'a> {
    rest: core::iter::Peekable<core::str::Chars<'a>>,
}

impl Reader<'_> {
    /// Letters for as long as `wanted`.
    fn run(&mut self, wanted: impl Fn(char) -> Option<char>) -> String {
        let mut run = String::new();
        while let Some(letter) = self.rest.peek().copied().and_then(&wanted) {
            run.push(letter);
            self.rest.next();
        }
        run
    }

    /// Everything up to the end, or to the parenthesis that closes; in an exponent also up to a space or a comma.
    fn parts(&mut self, exponent: bool) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        while let Some(letter) = self.rest.peek().copied() {
            if letter == ')' || exponent && (letter == ' ' || letter == ',') {
                break;
            }
            if let Some(raised) = self.raised(letter) {
                let base = Box::new(parts.pop().unwrap_or(Part::Gap));
                parts.push(raised(base));
                continue;
            }
            parts.push(match letter {
                '(' => {
                    self.rest.next();
                    let inner = self.parts(false);
                    self.rest.next();
                    Part::Group(divided(inner))
                }
                ' ' => {
                    self.run(|c| (c == ' ').then_some(c));
                    Part::Gap
                }
                '0'..='9' => Part::Number(self.run(|c| c.is_ascii_digit().then_some(c))),
                'a'..='z' | 'A'..='Z' => {
                    Part::Name(self.run(|c| c.is_ascii_alphabetic().then_some(c)))
                }
                other => {
                    self.rest.next();
                    if other.is_alphabetic() && other != 'Σ' {
                        Part::Name(other.to_string())
                    } else {
                        Part::Sign(other)
                    }
                }
            });
        }
        parts
    }

    /// What goes above or below the part before it, if that comes next.
    fn raised(&mut self, letter: char) -> Option<impl FnOnce(Box<Part>) -> Part + use<>> {
        let small = |table: &'static [(char, char)]| {
            move |c: char| {
                table
                    .iter()
                    .find(|(small, _)| *small == c)
                    .map(|(_, of)| *of)
            }
        };
        let (above, below) = (small(&ABOVE), small(&BELOW));
        let (script, up) = if letter == '^' {
            self.rest.next();
            let script = if self.rest.peek() == Some(&'(') {
                self.rest.next();
                let inner = self.parts(false);
                self.rest.next();
                inner
            } else {
                self.parts(true)
            };
            (divided(script), true)
        } else if above(letter).is_some() {
            let text = self.run(above);
            (parts(&text), true)
        } else if below(letter).is_some() {
            let text = self.run(below);
            (parts(&text), false)
        } else {
            return None;
        };
        Some(move |base| {
            if up {
                Part::Power(base, script)
            } else {
                Part::Index(base, script)
            }
        })
    }
}

/// The parts of one line.
fn parts(text: &str) -> Vec<Part> {
    let rest = text.chars().peekable();
    divided(Reader { rest }.parts(false))
}

/// The same with fractions where `/` stands.
fn divided(parts: Vec<Part>) -> Vec<Part> {
    let mut done = Vec::new();
    let mut term: Vec<Part> = Vec::new();
    for part in parts {
        match part {
            Part::Sign('+' | '−' | '=' | ',' | '>') => {
                done.append(&mut quotient(&core::mem::take(&mut term)));
                done.push(part);
            }
            part => term.push(part),
        }
    }
    done.append(&mut quotient(&term));
    done
}

/// A term, which may be a fraction.
fn quotient(term: &[Part]) -> Vec<Part> {
    let Some(at) = term.iter().position(|part| *part == Part::Sign('/')) else {
        return trimmed(term);
    };
    let bare = |side: &[Part]| match &trimmed(side)[..] {
        [Part::Group(inner)] => inner.clone(),
        other => other.to_vec(),
    };
    vec![Part::Fraction(bare(&term[..at]), bare(&term[at + 1..]))]
}

/// Without gaps at its ends.
fn trimmed(parts: &[Part]) -> Vec<Part> {
    let seen = |part: &Part| *part != Part::Gap;
    let from = parts.iter().position(seen).unwrap_or(parts.len());
    let to = parts.iter().rposition(seen).map_or(from, |at| at + 1);
    parts[from..to].to_vec()
}

fn row(parts: &[Part]) -> Html {
    html! { <mrow>{ for parts.iter().map(set) }</mrow> }
}

fn set(part: &Part) -> Html {
    match part {
        Part::Name(name) if name.len() > 2 => html! { <mtext>{ name }</mtext> },
        Part::Name(name) => html! { <mi>{ name }</mi> },
        Part::Number(number) => html! { <mn>{ number }</mn> },
        Part::Sign('Σ') => html! { <mo>{ "∑" }</mo> },
        Part::Sign(sign) => html! { <mo>{ *sign }</mo> },
        Part::Gap => html! { <mspace width="0.22em" /> },
        Part::Group(inner) => {
            html! { <mrow><mo>{ "(" }</mo>{ for inner.iter().map(set) }<mo>{ ")" }</mo></mrow> }
        }
        Part::Fraction(above, below) => {
            html! { <mfrac>{ row(above) }{ row(below) }</mfrac> }
        }
        Part::Power(base, script) => html! { <msup>{ set(base) }{ row(script) }</msup> },
        Part::Index(base, script) => html! { <msub>{ set(base) }{ row(script) }</msub> },
    }
}

/// A formula, set; equations with three spaces between them stand below each other.
pub fn formula(text: &'static str) -> Html {
    let lines = text
        .split("   ")
        .map(|line| line.trim().trim_end_matches(','));
    let lines = lines.map(|line| {
        html! { <math display="block" alttext={line}>{ row(&parts(line)) }</math> }
    });
    html! { <div class="formula">{ for lines }</div> }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A formula as `MathML` would nest it.
    fn told(parts: &[Part]) -> String {
        let one = |part: &Part| match part {
            Part::Name(text) | Part::Number(text) => text.clone(),
            Part::Sign(sign) => sign.to_string(),
            Part::Gap => "·".to_owned(),
            Part::Group(inner) => format!("({})", told(inner)),
            Part::Fraction(a, b) => format!("[{}|{}]", told(a), told(b)),
            Part::Power(base, up) => format!("{}^{{{}}}", told(&[(**base).clone()]), told(up)),
            Part::Index(base, low) => format!("{}_{{{}}}", told(&[(**base).clone()]), told(low)),
        };
        parts.iter().map(one).collect()
    }

    #[test]
    fn a_line_is_read_as_one_would_write_it() {
        for (line, expected) in [
            ("W = ρ / (µ − λ)", "W=[ρ|µ−λ]"),
            ("P(T > t) = e^−(µ − λ)t", "P(T>t)=e^{−(µ−λ)t}"),
            ("W = ρ S (1 + cv²) / 2(1 − ρ)", "W=[ρ·S·(1+cv^{2})|2(1−ρ)]"),
            ("(1 − ρ) ρᴷ / (1 − ρᴷ⁺¹)", "[(1−ρ)·ρ^{K}|1−ρ^{K+1}]"),
            ("R = 1 / (µ₁ − λ) + 1/n", "R=[1|µ_{1}−λ]+[1|n]"),
            ("R = S Σ ρ^((dⁱ − d) / (d − 1))", "R=S·Σ·ρ^{[d^{i}−d|d−1]}"),
            ("h = Σ pᵢ (1 − e^−pᵢt)", "h=Σ·p_{i}·(1−e^{−p_{i}t})"),
        ] {
            assert_eq!(told(&parts(line)), expected, "{line}");
        }
    }

    #[test]
    fn every_formula_keeps_all_its_letters() {
        for claim in scale_trust::claims() {
            for line in claim.formula.split("   ") {
                let letters = |text: &str| -> usize {
                    text.chars().filter(char::is_ascii_alphanumeric).count()
                };
                let small = |c: char| ABOVE.iter().chain(&BELOW).find(|(small, _)| *small == c);
                let plain: String = { line.chars() }
                    .map(|c| small(c).map_or(c, |(_, of)| *of))
                    .collect();
                let read = told(&parts(line));
                assert_eq!(letters(&read), letters(&plain), "{line}: {read}");
                assert_eq!(read.matches('(').count(), read.matches(')').count());
                assert!(!read.contains('/'), "{line}: {read}");
            }
        }
    }

    #[test]
    fn whatever_is_written_is_set_somehow() {
        for line in ["", "(", ")", "^", "²", "/", "a^", "a^(", "a / / b", "((a)"] {
            let _ = parts(line);
        }
    }
}
