//! In which line of a JSON file a problem is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use scale_sim::Problem;
use serde_json::value::RawValue;

/// The line of `text`, from 1, where `problem` is; `None` if it concerns the whole.
pub fn line(text: &str, problem: &Problem) -> Option<usize> {
    told(&problem.message).or_else(|| walked(text, &problem.path))
}

/// The line that a message of the JSON reader ends with.
fn told(message: &str) -> Option<usize> {
    let (before, column) = message.rsplit_once(" column ")?;
    let (_, line) = before.rsplit_once(" at line ")?;
    column.parse::<usize>().and(line.parse()).ok()
}

/// The line to which a path such as `components.shop.plans.*[1].work` leads, as far as it can be followed.
fn walked(text: &str, path: &str) -> Option<usize> {
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    let mut steps = path.split(['.', '[']).filter(|step| !step.is_empty());
    let mut here = step_into(whole, steps.next()?)?;
    for step in steps {
        let Some(next) = step_into(here, step) else {
            break;
        };
        here = next;
    }
    // Raw values borrow from the text itself, so their addresses tell their places.
    let at = here.get().as_ptr().addr() - text.as_ptr().addr();
    Some(1 + text[..at].matches('\n').count())
}

fn step_into<'a>(value: &'a RawValue, step: &str) -> Option<&'a RawValue> {
    match step.strip_suffix(']') {
        Some(index) => element(value, index),
        None => member(value, step),
    }
}

fn element<'a>(list: &'a RawValue, index: &str) -> Option<&'a RawValue> {
    let all: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    all.get(index.parse::<usize>().ok()?).copied()
}

fn member<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let all: BTreeMap<Cow<str>, &RawValue> = serde_json::from_str(object.get()).ok()?;
    all.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"a\": {\n    \"b-1\": [\n      1,\n      { \"*\": 2 }\n    ]\n  }\n}";

    fn check(path: &str, message: &str, expected: Option<usize>) {
        assert_eq!(line(TEXT, &Problem::new(path, message)), expected, "{path}");
    }

    #[test]
    fn a_path_leads_to_its_line_as_far_as_it_goes() {
        check("a", "", Some(2));
        check("a.b-1", "", Some(3));
        check("a.b-1[1]", "", Some(5));
        check("a.b-1[1].*", "", Some(5));
        check("a.b-1[7].x", "", Some(3));
        check("zzz", "", None);
        check("", "", None);
    }

    #[test]
    fn what_the_reader_tells_comes_first() {
        check("a", "expected value at line 4 column 7", Some(4));
        check("a", "at line one column 7", Some(2));
        assert_eq!(line("{", &Problem::new("a", "")), None);
    }
}
