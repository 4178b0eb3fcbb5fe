//! Reading JSON with the path of what is wrong.
//!
//! The reader itself tells only a line and a column. Walking the text up to there once more gives the path, and costs nothing
//! where nothing is wrong; a reader that keeps the path all the time would double the size of the page.

use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Reads a value from JSON text.
///
/// # Errors
///
/// The first thing that is wrong, with its path and what is allowed there.
pub fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let lines = text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1));
        let offset = lines.map(str::len).sum::<usize>() + error.column();
        let message = error.to_string();
        let mut path = path_at(text, offset);
        // A field is missing in the object as a whole, not in the entry read last.
        let closed = text.as_bytes().get(offset.wrapping_sub(1)) == Some(&b'}');
        if message.starts_with("missing field") && !closed {
            path.pop();
        }
        Problem::new(join(&path), message)
    })
}

/// One level of nesting on the way to a place in the text.
enum Level {
    Object { key: String, wants_key: bool },
    Array { index: usize },
}

/// The keys and indices that lead to `offset`.
fn path_at(text: &str, offset: usize) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while at < offset.min(bytes.len()) {
        match bytes[at] {
            b'{' => levels.push(Level::Object {
                key: String::new(),
                wants_key: true,
            }),
            b'[' => levels.push(Level::Array { index: 0 }),
            b'}' | b']' => {
                levels.pop();
            }
            b',' => match levels.last_mut() {
                Some(Level::Object { wants_key, .. }) => *wants_key = true,
                Some(Level::Array { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if let Some(Level::Object { key, wants_key }) = levels.last_mut()
                    && *wants_key
                {
                    // Quotes stand on character boundaries; a text that ends in the middle of an escape may not.
                    let read = text.get(start..at.min(bytes.len()));
                    read.unwrap_or_default().clone_into(key);
                    *wants_key = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let segment = |level: Level| match level {
        Level::Object { key, .. } => key,
        Level::Array { index } => format!("[{index}]"),
    };
    levels
        .into_iter()
        .map(segment)
        .filter(|segment| !segment.is_empty())
        .collect()
}

fn join(path: &[String]) -> String {
    path.join(".").replace(".[", "[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its errors")]
    struct Thing {
        name: String,
        parts: Vec<Part>,
    }

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its errors")]
    struct Part {
        size: u32,
    }

    #[test]
    fn faults_have_their_path() {
        for (text, path, message) in [
            (
                r#"{"name": "a", "parts": [{"size": 1}, {"size": "big"}]}"#,
                "parts[1].size",
                "invalid type",
            ),
            (
                r#"{"name": "a", "parts": [{"size": 1}, {"sise": 2}]}"#,
                "parts[1].sise",
                "unknown field",
            ),
            (
                r#"{"name": "a", "parts": [{"size": 1}, {}]}"#,
                "parts[1]",
                "missing field `size`",
            ),
            (r#"{"name": "a,\"{[", "parts": 7}"#, "parts", "invalid type"),
            (r#"{"parts": []}"#, "", "missing field `name`"),
            (r#"{"name": "a" "parts": []}"#, "name", "expected `,`"),
            ("", "", "EOF"),
            (r#"{"name": "a\"#, "name", "EOF"),
        ] {
            let problem = read_json::<Thing>(text).expect_err(text);
            assert_eq!(problem.path, path, "{problem}");
            assert!(problem.message.contains(message), "{problem}");
        }
    }
}
