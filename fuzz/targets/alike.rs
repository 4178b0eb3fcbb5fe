//! Whether something came back as it was written.

use serde::Serialize;
use serde_json::Value;

/// Whether two values are the same as JSON, but for the last bit of numbers: those of more digits than a number needs are read to
/// within that.
pub fn alike(a: &impl Serialize, b: &impl Serialize) -> bool {
    same(&tree(a), &tree(b))
}

fn tree(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plain data")
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && { a.iter().zip(b) }.all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && { a.iter().zip(b) }.all(|(a, b)| same(a, b))
        }
        (Value::Number(a), Value::Number(b)) if a != b => {
            let (a, b) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(1.0));
            (a - b).abs() <= a.abs() * 2.0 * f64::EPSILON
        }
        _ => a == b,
    }
}
