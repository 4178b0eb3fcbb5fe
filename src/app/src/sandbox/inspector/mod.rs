//! The inspector: a part of a design as a form, made of the schema of scenarios.
//!
//! [`schema`] knows what there can be, [`form`] makes fields of it and of what a design says there, [`steps`] sentences of plans,
//! [`subject`] the sheet of all that can be set of one thing. [`fresh`] is what something new is like and [`settle`] which names
//! it has; [`order`] says what comes first, [`words`] what it is called, [`presets`] what is usual, [`source`] reads JSON. None of
//! them knows a page: that is `view`, the component [`Inspector`].

pub mod change;
pub mod form;
pub mod fresh;
pub mod order;
pub mod presets;
pub mod schema;
pub mod settle;
pub mod source;
pub mod steps;
pub mod subject;
mod view;
pub mod words;

pub use change::Change;
pub use subject::Subject;
pub(super) use view::inputs;
pub use view::{Inspector, Props};
