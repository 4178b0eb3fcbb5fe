//! The JSON of a part of a design as its author writes it: read with care, every fault with its line and column.

use scale_sim::{Scenario, from_json_value, limits, parse_json, pointer as pointer_of};
use serde_json::{Map, Value};

use super::change::Change;

/// The changes that put `text` in place of what is at `pointer` of a design; the whole design if it is empty.
///
/// # Errors
///
/// What is wrong with the text, with line and column, or that it has not the form that is wanted there.
pub fn read(design: &Value, pointer: &str, text: &str) -> Result<Vec<Change>, String> {
    if text.len() > limits::FILE_BYTES {
        return Err(format!(
            "The text has {} bytes: at most {} are read.",
            text.len(),
            limits::FILE_BYTES
        ));
    }
    let value = parse_json(text).map_err(|problem| format!("{}.", problem.message))?;
    let mut tree = design.clone();
    let place = tree
        .pointer_mut(pointer)
        .ok_or("What this was about is not there any more.")?;
    *place = value.clone();
    if let Err(problem) = from_json_value::<Scenario>(&tree) {
        let at = pointer_of(&problem.path, &tree);
        let inner = at.strip_prefix(pointer).unwrap_or_default();
        let (line, column) = whereabouts(text, inner);
        return Err(format!(
            "Line {line}, column {column}: {}.",
            problem.message
        ));
    }
    if !pointer.is_empty() {
        return Ok(vec![Change::set(pointer, value)]);
    }
    let none = Map::new();
    let (before, after) = (
        design.as_object().unwrap_or(&none),
        value.as_object().unwrap_or(&none),
    );
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let gone = gone.map(|name| Change::remove(super::change::below("", name)));
    let new = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value));
    let new = new.map(|(name, value)| Change::set(super::change::below("", name), value.clone()));
    Ok(gone.chain(new).collect())
}

/// The line and column, from 1, of the value at `pointer` of a JSON text; of the last place on the way there that is in it.
pub fn whereabouts(text: &str, pointer: &str) -> (usize, usize) {
    let mut parts = pointer.split('/').skip(1).map(super::change::unescaped);
    let mut reader = Reader { text, at: 0 };
    reader.blank();
    let mut found = reader.at;
    let mut next = parts.next();
    while let Some(part) = next {
        let Some(at) = reader.member(&part) else {
            break;
        };
        found = at;
        reader.at = at;
        next = parts.next();
    }
    let before = &text[..found];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

/// Goes over a text that is known to be JSON.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Where the member `part` of the object or list that begins here is.
    fn member(&mut self, part: &str) -> Option<usize> {
        let close = match self.peek()? {
            b'{' => b'}',
            b'[' => b']',
            _ => return None,
        };
        self.at += 1;
        let mut index = 0_usize;
        loop {
            self.blank();
            if self.peek()? == close {
                return None;
            }
            let name = if close == b'}' {
                let from = self.at;
                self.skip();
                let name = serde_json::from_str::<String>(&self.text[from..self.at]).ok()?;
                self.blank();
                // The colon.
                self.at += 1;
                self.blank();
                name
            } else {
                index.to_string()
            };
            if name == part {
                return Some(self.at);
            }
            self.skip();
            self.blank();
            if self.peek()? == b',' {
                self.at += 1;
            }
            index += 1;
        }
    }

    /// Goes past the value that begins here.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        let mut quoted = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' if quoted => self.at += 1,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => depth += 1,
                b'}' | b']' if !quoted && depth > 0 => depth -= 1,
                b',' | b':' | b'}' | b']' if !quoted && depth == 0 => return,
                byte if !quoted && depth == 0 && byte.is_ascii_whitespace() => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fresh::tests::design;
    use super::*;

    #[test]
    fn a_text_that_fits_becomes_changes() {
        let design = design();
        let kept = "/components/kept/cache";
        let text = r#"{ "capacity_entries": 7 }"#;
        let changes = read(&design, kept, text).expect("it fits");
        assert_eq!(
            changes,
            [Change::set(
                kept,
                serde_json::json!({ "capacity_entries": 7 })
            )]
        );
        // What is out of range can be put there: the field says so.
        assert!(read(&design, kept, r#"{ "capacity_entries": 0 }"#).is_ok());
        let mut whole = design.clone();
        whole["horizon_s"] = 9.into();
        whole.as_object_mut().expect("a map").shift_remove("links");
        let changes = read(&design, "", &whole.to_string()).expect("it fits");
        assert_eq!(
            changes,
            [Change::remove("/links"), Change::set("/horizon_s", 9)]
        );
    }

    #[test]
    fn each_fault_has_its_line_and_column() {
        let design = design();
        let kept = "/components/kept/cache";
        for (text, expected) in [
            (
                "{ \"capacity_entries\": 7,\n  \"ttl\" 5 }",
                "at line 2 column 9",
            ),
            (
                "{ \"capacity_entries\": 7,\n  \"ttl\": { \"ttl_s\": \"é\", \"x\": 1 } }",
                "Line 2, column 21: invalid type",
            ),
            (
                "{ \"capacity_entries\": 7,\n\n  \"evict\": 1 }",
                "Line 3, column 12: unknown field `evict`",
            ),
            (
                "{ \"mode\": \"none\" }",
                "Line 1, column 11: unknown variant",
            ),
            ("{ \"regions\": -1 }", "Line 1, column 14:"),
            (
                "{ \"regions\": 1, \"regions\": 2 }",
                "'regions' stands twice",
            ),
            ("[]", "Line 1, column 1:"),
            ("", "EOF"),
        ] {
            let told = read(&design, kept, text).expect_err(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
        assert!(read(&design, "/components/none/cache", "{}").is_err());
        let deep = "[".repeat(100_000);
        assert!(
            read(&design, kept, &deep)
                .expect_err("too deep")
                .contains("recursion")
        );
    }
}
