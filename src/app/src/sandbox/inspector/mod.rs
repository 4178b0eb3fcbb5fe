//! The inspector: a part of a design as a form, made of the schema of scenarios.

pub mod change;
pub mod form;
pub mod fresh;
pub mod order;
pub mod schema;
pub mod settle;
pub mod steps;
pub mod words;
