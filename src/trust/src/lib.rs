//! How anyone can know that the simulation is right.
//!
//! A [`Claim`] is what theory says of a system that it knows in full: the scenario, closed forms, and where they come from. Whoever makes
//! the runs holds their mean against the form with a confidence interval ([`Check::judge`]). A [`Record`] is what a real system did;
//! [`Record::replay`] does the same with the mechanism of the engine, line by line.
//!
//! The page shows both, `lab trust` prints the claims, and the tests demand them: there is one list of each.

pub mod claim;
mod claims;
pub mod record;
pub mod theory;

pub use claim::{Case, Check, Claim, Form, Judged, Verdict, surprise};
pub use claims::claims;
pub use record::{Line, RECORDS, Record, Series};
