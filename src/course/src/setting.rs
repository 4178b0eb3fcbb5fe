//! Settings: changes to a scenario by JSON pointer, as knobs, questions and proofs make them.

use scale_sim::Problem;
use serde_json::Value;
use vecmap::VecMap;

/// What to change: JSON pointers (RFC 6901) into the scenario, and the values to put there.
pub type Settings = VecMap<String, Value>;

/// `json` with `settings` applied.
///
/// # Errors
///
/// A pointer that names nothing.
pub fn patched(json: &Value, settings: &Settings) -> Result<Value, Vec<Problem>> {
    let mut json = json.clone();
    for (pointer, value) in settings {
        let place = json.pointer_mut(pointer).ok_or_else(|| {
            let message = format!("'{pointer}' names nothing in the scene: a pointer reads like /components/shop/service/instances");
            vec![Problem::new("", message)]
        })?;
        place.clone_from(value);
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_setting_changes_what_it_names_and_nothing_else() {
        let scene = json!({"a": {"b": [1, 2]}, "c": 3});
        let settings = Settings::from_iter([("/a/b/1".to_owned(), json!(9))]);
        assert_eq!(
            patched(&scene, &settings),
            Ok(json!({"a": {"b": [1, 9]}, "c": 3}))
        );
        let settings = Settings::from_iter([("/a/x".to_owned(), json!(9))]);
        assert!(
            patched(&scene, &settings).expect_err("no such place")[0]
                .message
                .contains("'/a/x' names nothing")
        );
    }
}
