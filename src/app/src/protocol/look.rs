//! A component looked at closely: what its policies know, and what they decided last and why.

use serde::{Deserialize, Serialize};

/// A component at a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LookView {
    /// Its number.
    pub component: u16,
    /// The moment, in simulated seconds.
    pub at_s: f64,
    /// What its policies know then.
    pub policies: Vec<PolicyView>,
    /// What they decided last, the latest first; nothing where that was not asked for.
    pub decisions: Vec<DecisionView>,
}

/// What a policy knows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PolicyView {
    /// Which policy it is, and how it decides.
    pub title: String,
    /// What it knows, in sentences.
    pub lines: Vec<String>,
    /// What it knows of several things: the heads of the columns, and the rows.
    pub head: Vec<String>,
    /// See `head`.
    pub rows: Vec<Vec<String>>,
}

/// One decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DecisionView {
    /// When, in simulated seconds.
    pub at_s: f64,
    /// What, with the request that it was about.
    pub what: String,
    /// Why.
    pub why: String,
}
