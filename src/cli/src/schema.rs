//! `lab schema`: the file formats as JSON Schema, generated from the types that read them.

use std::io::{self, Write};

use scale_course::{Proof, Remark, Source, StepData};
use schemars::{JsonSchema, Schema, schema_for};

use crate::args::Format;
use crate::failure::Failure;
use crate::report::Report;

/// Prints the schema of `format`.
///
/// # Errors
///
/// Why it could not be written.
pub fn print(format: Format) -> Result<(), Failure> {
    let schema = of(format);
    let text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    Ok(writeln!(io::stdout(), "{text}")?)
}

fn of(format: Format) -> Schema {
    match format {
        Format::Scenario => schema_for!(scale_sim::Scenario),
        Format::Lesson => schema_for!(LessonBlocks),
        Format::Quiz => schema_for!(scale_course::Quiz),
        Format::Catalog => schema_for!(scale_course::Catalog),
        Format::Challenge => schema_for!(scale_capacity::Brief),
        Format::Attempt => schema_for!(scale_capacity::Attempt),
        Format::Report => schema_for!(Report),
    }
}

/// The fenced blocks of data in a `lesson.md`: one `proof` under the title, one `step` in each section, and in the last two
/// sections `debrief` and `sources`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is wanted")]
struct LessonBlocks {
    /// A `step` block.
    step: StepData,
    /// The `proof` block.
    proof: Proof,
    /// The `debrief` block.
    debrief: Vec<Remark>,
    /// The `sources` block.
    sources: Vec<Source>,
}
