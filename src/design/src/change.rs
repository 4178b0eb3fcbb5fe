//! Changes at single places of a scenario's JSON.

use serde_json::Value;

/// A change at one place of a scenario's JSON.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// Write a value there. The last part of the pointer may be new; `-` adds to a list.
    Set {
        /// A JSON Pointer (RFC 6901) into the scenario.
        pointer: String,
        /// The value.
        value: Value,
    },
    /// Take away what is there.
    Remove {
        /// A JSON Pointer (RFC 6901) into the scenario.
        pointer: String,
    },
}

impl Change {
    /// To write `value` at `pointer`.
    pub fn set(pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Set {
            pointer: pointer.into(),
            value: value.into(),
        }
    }

    /// To take away what is at `pointer`.
    pub fn remove(pointer: impl Into<String>) -> Self {
        Self::Remove {
            pointer: pointer.into(),
        }
    }

    /// Makes this change in `tree`; `false`, and no change, if there is no such place.
    pub fn apply(&self, tree: &mut Value) -> bool {
        let (Self::Set { pointer, .. } | Self::Remove { pointer }) = self;
        let Some((parent, last)) = pointer.rsplit_once('/') else {
            return false;
        };
        let last = unescaped(last);
        match (tree.pointer_mut(parent), self) {
            (Some(Value::Object(map)), Self::Set { value, .. }) => {
                map.insert(last, value.clone());
                true
            }
            (Some(Value::Object(map)), Self::Remove { .. }) => map.shift_remove(&last).is_some(),
            (Some(Value::Array(items)), Self::Set { value, .. }) => {
                let at = if last == "-" {
                    Some(items.len())
                } else {
                    last.parse().ok()
                };
                match at {
                    Some(at) if at < items.len() => items[at] = value.clone(),
                    Some(at) if at == items.len() => items.push(value.clone()),
                    _ => return false,
                }
                true
            }
            (Some(Value::Array(items)), Self::Remove { .. }) => {
                let at = last.parse().ok().filter(|at| *at < items.len());
                at.map(|at: usize| items.remove(at)).is_some()
            }
            _ => false,
        }
    }
}

/// `pointer` with one more part, a name as it is.
pub fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A part of a JSON Pointer as the name that it stands for.
pub fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_made_where_they_can_be() {
        let mut tree = json!({ "a": { "b/c": [1, 2] } });
        let list = below("/a", "b/c");
        assert!(Change::set(below(&list, "-"), 3).apply(&mut tree));
        assert!(Change::set(below(&list, "0"), 9).apply(&mut tree));
        assert!(Change::remove(below(&list, "1")).apply(&mut tree));
        assert!(Change::set("/a/new", true).apply(&mut tree));
        assert_eq!(tree, json!({ "a": { "b/c": [9, 3], "new": true } }));
        let before = tree.clone();
        for nowhere in ["", "/x/y", "/a/b~1c/7", "/a/b~1c/x", "/a/new/z"] {
            assert!(!Change::set(nowhere, 1).apply(&mut tree), "{nowhere}");
            assert!(!Change::remove(nowhere).apply(&mut tree), "{nowhere}");
        }
        assert_eq!(tree, before);
    }
}
