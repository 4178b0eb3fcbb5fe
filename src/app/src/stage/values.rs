//! The knobs of a scene: their values, and the scenario that they make.

use scale_course::{Knob, Settings, patched};
use scale_sim::write_json;
use serde_json::Value;
use vecmap::VecMap;

/// The values of the knobs of `scene` as its author wrote them.
pub fn knob_values(scene: &Value, knobs: &[Knob]) -> VecMap<String, f64> {
    let value = |knob: &Knob| {
        let written = scene.pointer(&knob.path).and_then(Value::as_f64);
        written.unwrap_or(knob.min)
    };
    let values = knobs.iter().map(|knob| (knob.path.clone(), value(knob)));
    values.collect()
}

/// A scene with its knobs as they stand.
///
/// # Errors
///
/// A knob of something that is not in the scene, in one sentence.
pub fn scenario(scene: &Value, values: &VecMap<String, f64>) -> Result<String, String> {
    let settings: Settings = values
        .iter()
        .map(|(path, value)| (path.clone(), Knob::value(*value)))
        .collect();
    let patched = patched(scene, &settings).map_err(|problems| problems[0].to_string())?;
    Ok(write_json(&patched))
}

/// The scene of a twin with those of the knobs that it has.
///
/// # Errors
///
/// As [`scenario`].
pub fn shared(scene: &Value, values: &VecMap<String, f64>) -> Result<String, String> {
    let own = values
        .iter()
        .filter(|(path, _)| scene.pointer(path).is_some());
    let own = own.map(|(path, value)| (path.clone(), *value)).collect();
    scenario(scene, &own)
}

/// What differs between the knobs of two runs, in words: "Copies 2 → 4".
pub fn changes(
    knobs: &[Knob],
    before: &VecMap<String, f64>,
    after: &VecMap<String, f64>,
) -> String {
    let changed = knobs.iter().filter_map(|knob| {
        let (was, is) = (before.get(&knob.path)?, after.get(&knob.path)?);
        (was.to_bits() != is.to_bits()).then(|| format!("{} {was} → {is}", knob.label))
    });
    let changed: Vec<String> = changed.collect();
    changed.join(", ")
}
